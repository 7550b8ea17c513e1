"""The command ``sopstatus artifacts``."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from sopstatus.artifacts.write import KINDS, write
from sopstatus.catalogue import document_error
from sopstatus.table import load_tables


def artifacts(options: Namespace) -> int:
    """Write what is made of the tables for other systems, and name the files."""
    try:
        written = write(Path(options.folder), load_tables(*options.mappings), options.only or KINDS)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise document_error("document/unwritable", "OUT", reason=reason) from None
    except ModuleNotFoundError as error:
        extras = ",".join(sorted({maker.extra for maker in KINDS.values() if maker.extra}))
        print(
            f"error: {error.name} is not installed: pip install sopstatus[{extras}], or say --only KIND",
            file=sys.stderr,
        )
        return 2
    for path in written:
        print(path)
    return 0
