"""Lay the project out for mutmut, which names modules by their path below ``src``.

``python tests/mutation/stage.py FOLDER`` makes FOLDER anew: the package with its tables and samples
below ``src/sopstatus``, and beside it what the tests read. The import path comes before an editable
install, so that the mutated copy is what runs; ``mutmut run`` in FOLDER does the rest.
"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = shutil.ignore_patterns("__pycache__", ".*")


def stage(folder):
    """Copy what mutmut needs."""
    package = folder / "src" / "sopstatus"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "plugin" / "sopstatus", package, ignore=SKIPPED)
    for name in ("mappings", "samples"):
        shutil.copytree(ROOT / name, package / name, ignore=SKIPPED)
        shutil.copytree(ROOT / name, folder / name, ignore=SKIPPED)
    for name in ("tests", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=SKIPPED)
    shutil.copy(ROOT / "pyproject.toml", folder)


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
