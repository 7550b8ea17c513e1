"""The command ``sopstatus bundle``: what a ticket needs, and nothing of a patient."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import sys
import tomllib
import zipfile
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sopstatus import __version__, writing
from sopstatus.cli import shared
from sopstatus.cli.arguments import FILE, PREFIX, SETTINGS, whole
from sopstatus.explain import explain
from sopstatus.explain.text import rendered
from sopstatus.model import DocumentError

EXAMPLES = (
    "sopstatus bundle message.hl7 image.dcm --events mllp.log -o ticket.zip",
    "sopstatus bundle --mappings tables/ -o ticket.zip",
)
_OURS = ("pydicom", "structlog", "starlette", "uvicorn", "httpx", "prometheus-client", "msgspec", "sqlalchemy",
         "pyarrow", "duckdb", "fhir.resources", "hl7apy", "hl7", "dicomweb-client")  # fmt: skip
_SAFE = re.compile(r"[a-z]+(?:[-/][a-z0-9-]+)*")
_SECRET = re.compile("token|secret|passw|key", re.IGNORECASE)
_FIELD = re.compile(r"[A-Za-z0-9_.()\[\], -]{0,80}")
_KEPT = ("level", "timestamp", "severity", "status", "ms", "answer", "changed", "reason", "attempts", "delay",
         "stream", "size", "id", "error", "line", "what", "tls", "port")  # fmt: skip
"""What of an event goes in: never a value, an address, MSH-10, or the diagnostics, which name terms."""


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "sources", nargs="*", metavar="DOCUMENT", help="Explain this document, without its values"
    )
    parser.add_argument(
        "--events", metavar="FILE", help="Add the last events of this log, without names and values"
    )
    parser.add_argument(
        "--last", type=whole(1), default=1000, metavar="N", help="Add N events (default: 1000)"
    )
    shared.add_mappings(parser)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="Write the bundle into this new zip file",
    )


def run(options: Namespace) -> int:
    """Write a zip of versions, tables, settings, explanations and events; tell what is in it."""
    tables = shared.tables_of(options)
    made = {
        "versions.json": _versions(),
        "tables.json": {
            "sha256": tables.sha256,
            "groups": {group.name: group.version for group in tables.groups},
        },
        "settings.json": _settings(),
    }
    files = {name: f"{json.dumps(said, indent=2)}\n" for name, said in made.items()}
    for number, source in enumerate(options.sources, 1):
        files[f"document-{number}.txt"] = _explained(source, tables)
    if options.events:
        lines = shared.read(options.events, "--events").splitlines()
        kept = deque(_events(lines), options.last)
        files["events.jsonl"] = "".join(f"{json.dumps(event)}\n" for event in kept)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    writing.write(options.output, buffer.getvalue(), at="OUT", mode=writing.PRIVATE, new=True)
    for name, text in files.items():
        print(f"{name:<16} {len(text.encode())} bytes")
    return shared.CLEAN


def _versions() -> dict[str, Any]:
    found = {one.name.lower(): one.version for one in distributions()}
    return {
        "sopstatus": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: found[name] for name in _OURS if name in found},
    }


def _settings() -> dict[str, Any]:
    """Return what the file and the environment set; of addresses without users and passwords."""
    environment = {
        name.removeprefix(PREFIX): _bare(value)
        for name, value in os.environ.items()
        if name.removeprefix(PREFIX).lower().replace("_", "-") in SETTINGS
        and name.startswith(PREFIX)
    }
    try:
        said = tomllib.loads(Path(FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        return {"environment": environment, "file": type(error).__name__}
    return {"environment": environment, "file": _bare(said)}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(one) for key, one in value.items() if not _SECRET.search(key)}
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if not isinstance(value, str) or "://" not in value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return "(left out)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _explained(source: str, tables: Any) -> str:
    try:
        return rendered(
            explain(shared.read(source, "DOCUMENT"), tables=tables), color=False, values=False
        )
    except DocumentError as error:  # the codes say what is wrong with it
        return "".join(
            f"{issue.severity} {issue.code} {issue.location}\n" for issue in error.issues
        )


def _events(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the events in a log: names, codes and numbers; what is no event is left out."""
    for line in lines:
        try:
            event = json.loads(line)
            name = event["event"]
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if isinstance(name, str) and _SAFE.fullmatch(name):
            kept = {key: event[key] for key in _KEPT if _plain(event.get(key))}
            place = event.get("location")
            if isinstance(place, str) and _FIELD.fullmatch(place):
                kept["location"] = place
            yield {"event": name, **kept}


def _plain(value: Any) -> bool:
    if isinstance(value, bool | int | float):
        return True
    return isinstance(value, str) and len(value) <= 64 and not re.search(r"[\s^|\\]", value)
