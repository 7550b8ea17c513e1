"""Export a scan that was stopped."""

import contextlib
import io
import tempfile
from argparse import Namespace
from pathlib import Path

from sopstatus.cli import main
from sopstatus.cli.export import run

with tempfile.TemporaryDirectory() as place:
    (Path(place) / "in").mkdir()
    (Path(place) / "in" / "empty").touch()
    out = f"{place}/out"
    with contextlib.redirect_stdout(io.StringIO()):
        main(["scan", f"{place}/in", "-o", out])
    (Path(out) / "summary.json").unlink()
    run(
        Namespace(
            folder=out,
            mappings=[],
            to="fhir",
            target=f"{place}/x",
            ledger=None,
            holder="",
            only_holder=[],
        )
    )
