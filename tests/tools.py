"""Programs that others wrote: in CI they must be there, on a laptop a test may be skipped."""

import os
import shutil

import pytest


def need(program, package="dcmtk"):
    """Return the path of a program; without it, fail in CI and skip elsewhere."""
    found = shutil.which(program)
    if found:
        return found
    reason = f"{program} is not installed (Debian: apt-get install {package})"
    return pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
