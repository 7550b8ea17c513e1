"""Programs that others wrote: in CI they must be there, on a laptop a test may be skipped."""

import os
import shutil

import pytest


def need(program, package="dcmtk", remedy=""):
    """Return the path of a program; without it, fail in CI and skip elsewhere."""
    return shutil.which(program) or missing(program, package, remedy)


def need_file(path, package):
    """Do the same for a file that a package brings."""
    return path if path.exists() else missing(path.name, package)


def missing(what, package, remedy=""):
    """Say that something is not there: fail in CI and skip elsewhere."""
    reason = f"{what} is not installed ({remedy or f'Debian: apt-get install {package}'})"
    return pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
