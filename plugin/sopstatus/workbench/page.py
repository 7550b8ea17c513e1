"""The files of the page, from the package: also where that is a zip."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sopstatus.workbench.lifecycle import lifecycle

MEDIA = {"css": "text/css", "js": "text/javascript", "html": "text/html", "svg": "image/svg+xml"}
_LIFECYCLE = "<!-- lifecycle -->"


@cache
def static() -> dict[str, tuple[str, bytes]]:
    """Return media type and content of every file, by name."""
    found = {}
    for file in files("sopstatus.workbench").joinpath("static").iterdir():
        media = MEDIA.get(file.name.rpartition(".")[2])
        if media:
            found[file.name] = (f"{media}; charset=utf-8", file.read_bytes())
    return found


@cache
def index() -> bytes:
    """Return the page itself, with the lifecycle drawn of the table."""
    _, text = static()["index.html"]
    return text.replace(_LIFECYCLE.encode(), lifecycle().encode())


def samples() -> dict[str, dict[str, bytes]]:
    """Return the documents of every shipped case, by its name and theirs."""
    found = {}
    for folder in sorted(files("sopstatus.samples").iterdir(), key=lambda f: f.name):
        if folder.is_dir() and folder.joinpath("image.dcm").is_file():
            documents = sorted(folder.iterdir(), key=lambda f: f.name)
            found[folder.name] = {f.name: f.read_bytes() for f in documents if f.is_file()}
    return found
