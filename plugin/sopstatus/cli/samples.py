"""The command ``sopstatus samples``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from sopstatus import writing
from sopstatus.cli import shared

EXAMPLES = (
    "sopstatus samples try/",
    "sopstatus samples",
)


def add(parser: ArgumentParser) -> None:
    """Add the folder."""
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="OUT",
        help="Write the samples into this new folder (default: list them)",
    )


def run(options: Namespace) -> int:
    """Write the samples that the package brings, or list them."""
    found = dict(_shipped(files("sopstatus.samples"), ""))
    if not options.folder:
        for name in found:
            print(name)
        return 0
    folder = Path(options.folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise shared.Stop(f"{folder} is not empty: name a new folder")
    for name, file in found.items():
        path = folder / name
        with writing.told("OUT"):
            path.parent.mkdir(parents=True, exist_ok=True)
        writing.write(path, file.read_bytes(), at="OUT", new=True)
    cases = sum(name.endswith("/image.dcm") for name in found)
    print(
        f"{len(found)} files in {folder}, {cases} of them images with messages and resources beside"
    )
    return 0


def _shipped(folder: Traversable, below: str) -> Iterator[tuple[str, Traversable]]:
    """Yield every sample by its path; the modules beside the samples make and hold them."""
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir() and one.name != "__pycache__":
            yield from _shipped(one, f"{below}{one.name}/")
        elif one.is_file() and (below or not one.name.endswith((".py", ".pyc"))):
            yield f"{below}{one.name}", one
