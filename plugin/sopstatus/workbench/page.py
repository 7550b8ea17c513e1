"""The files of the page, from the package: also where that is a zip."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.workbench.lifecycle import lifecycle

MEDIA = {"css": "text/css", "js": "text/javascript", "html": "text/html", "svg": "image/svg+xml"}
FIRST = "authorized-original"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; worker-src blob: 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types worker"
)
"""What the page on a static site may do; its worker, begun by a blob, obeys it too."""
_META = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
_LOADING = """  <section id="loading" aria-labelledby="loading-text">
    <p id="loading-text" role="status">Python does not run here yet. From a folder a browser cannot
    start it: run <code>python -m http.server</code> in the folder of the site, and open
    <code>http://localhost:8000/try/</code>.</p>
    <progress id="progress" max="1" value="0" aria-labelledby="loading-text"></progress>
  </section>"""
_IN_BROWSER = (
    "Python runs in this browser: nothing leaves this machine, and nothing is stored. "
    'About this page: <a href="../workbench.html" target="_top">the workbench</a>.'
)
_ON_SERVER = "Everything stays on this machine, in memory, and is forgotten with the answer."


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
def index(*, worker: bool = False) -> bytes:
    """Return the page itself, with the lifecycle drawn from the table.

    ``worker``: it stands on a static site, and a worker in the browser is its back end.
    """
    text = static()["index.html"][1].decode()
    if worker:
        text = text.replace("<html", "<html data-worker", 1)
    parts = {
        "lifecycle": lifecycle(),
        "policy": _META if worker else "",
        "loading": _LOADING if worker else "",
        "where": _IN_BROWSER if worker else _ON_SERVER,
    }
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text.encode()


def samples() -> list[dict[str, Any]]:
    """Return every shipped case with the names of its documents; the page opens with the first."""
    from sopstatus.artifacts.docs.values import NOTES  # imports pydicom, which no zip can hold

    folders = [one for one in files("sopstatus.samples").iterdir() if one.is_dir()]
    cases = [one for one in folders if one.joinpath("image.dcm").is_file()]
    return [
        {
            "name": case.name,
            "about": NOTES.get(case.name, ""),
            "documents": sorted(file.name for file in case.iterdir() if file.is_file()),
        }
        for case in sorted(cases, key=lambda one: (one.name != FIRST, one.name))
    ]


def sample(case: object, name: object) -> bytes:
    """Return a document of a shipped case; raise `DocumentError` if there is none."""
    if any(case == one["name"] and name in one["documents"] for one in samples()):
        return files("sopstatus.samples").joinpath(str(case), str(name)).read_bytes()
    raise document_error("http/no-route", "")
