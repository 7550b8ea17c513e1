"""The samples of issues: what to run to see each entry of the catalogue, and what it prints.

They live beside the tests (``tests/issue_samples/samples.toml``), not in the installed package.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import shlex
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sopstatus.cli import main
from sopstatus.model import DocumentError


@dataclass(frozen=True, slots=True)
class Sample:
    """What to run for one code, and which other codes it prints."""

    run: str
    also: tuple[str, ...] = ()
    nowhere: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """Return the files and folders that the command names."""
        return tuple(word for word in shlex.split(self.run) if "/" in word)


def samples(folder: Path) -> dict[str, Sample]:
    """Return every sample of a folder by its code."""
    found = tomllib.loads((folder / "samples.toml").read_text("utf-8"))
    return {
        code: Sample(entry["run"], tuple(entry.get("also", ())), entry.get("nowhere", False))
        for code, entry in found.items()
    }


def run(sample: Sample, folder: Path) -> tuple[int, list[str]]:
    """Run a sample in its folder and return the exit code and the lines that it prints."""
    program, *arguments = shlex.split(sample.run)
    errors = io.StringIO()
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.chdir(folder):
        if program == "python":
            return _python(arguments)
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(output):
            code = main([program, *arguments])
    return code, errors.getvalue().splitlines()


def _python(arguments: list[str]) -> tuple[int, list[str]]:
    before, sys.argv = sys.argv, arguments
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # log events, for instance
            issues: Iterable[object] = runpy.run_path(arguments[0]).get("issues", ())
    except DocumentError as error:
        return 3, [str(issue) for issue in error.issues]
    finally:
        sys.argv = before
    return 1, [str(issue) for issue in issues]
