"""The catalogue of everything that can go wrong, and the one way to make an `Issue`.

``issues.toml`` beside this module holds one entry per code. Facts are terms, tags, counts and
positions; never patient data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from sopstatus._lazily import shipped
from sopstatus.model import DocumentError, Issue

_WORDS = {
    "accepted": "what the codec's format is made of, a pathlib.Path or a file object",
    "encodings": "a few others",
    "formats": "the formats",
    "known": "a name that is known",
    "member": "the member's name",
    "methods": "a method that Allow lists",
    "name": "as the standard does",
    "segment": "the segment's name",
    "slices": "the slices of the extension",
    "tag": "the element",
    "term": "the term in capitals",
    "terms": "the attribute's terms",
    "type": "the type that the slice has",
    "vr": "the VR that PS3.6 gives",
}
"""What the facts of remedies are."""


class Entry(NamedTuple):
    """One entry: its text and remedy with ``{facts}``, its cause, and its source in a standard.

    ``type`` is FHIR's IssueType, ``status`` the HTTP status of a request that fails because of it
    (0: as its severity and type say).
    """

    severity: str
    text: str
    cause: str
    remedy: str
    source: str
    type: str = "structure"
    status: int = 0

    @property
    def general_remedy(self) -> str:
        """The remedy as a sentence for any case of the issue: what is known of one is in words."""
        text = self.remedy.format_map(_WORDS)
        return f"{text[:1].upper()}{text[1:]}."


@cache
def catalogue() -> dict[str, Entry]:
    """Return every entry by its code, in the order of the file."""
    import tomllib

    text = shipped("sopstatus").joinpath("issues.toml").read_text("utf-8")
    return {code: Entry(**entry) for code, entry in tomllib.loads(text).items()}


@cache
def samples() -> dict[str, tuple[str, str]]:
    """Return the command that shows each issue, and the line that it prints (``make docs``)."""
    import json

    text = shipped("sopstatus").joinpath("issue_lines.json").read_text("utf-8")
    found: dict[str, tuple[str, str]] = json.loads(text)
    return found


def fault(code: str) -> str:
    """Return what an issue says is wrong, without its remedy: as its sample says it, where it has facts."""
    import re

    pattern = re.sub(r"\\\{\w+\\\}", ".+?", re.escape(catalogue()[code].text))
    said = re.search(f"^[a-z]+ {code} .+?: ({pattern}); ", samples()[code][1])
    assert said, code
    return said[1]


def issue(code: str, location: str, **facts: object) -> Issue:
    """Make the issue of this code; the line that it prints ends with the remedy."""
    entry = catalogue()[code]
    diagnostics = f"{entry.text}; {entry.remedy}".format(**facts)
    return Issue(entry.severity, code, location, diagnostics)


def reason_of(error: Exception) -> str:
    """Return why the operating system refuses, without the path: it may hold a patient's name."""
    return getattr(error, "strerror", None) or type(error).__name__


@contextmanager
def refusals(code: str, location: str) -> Iterator[None]:
    """Raise what the operating system refuses as the `DocumentError` of this code."""
    try:
        yield
    except OSError as error:
        raise document_error(code, location, reason=reason_of(error)) from error


def document_error(code: str, location: str, **facts: object) -> DocumentError:
    """Make the exception for a document that is not what it claims to be."""
    return DocumentError(issue(code, location, **facts))
