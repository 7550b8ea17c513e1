"""The catalogue of everything that can go wrong, and the one way to make an `Issue`.

``issues.toml`` beside this module holds one entry a code: severity, the text (with ``{facts}``),
cause, remedy and source. Facts are terms, tags, counts and positions; never patient data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sopstatus.model import DocumentError, Issue


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalogue."""

    severity: str
    text: str
    cause: str
    remedy: str
    source: str


@cache
def catalogue() -> dict[str, Entry]:
    """Return every entry by its code, in the order of the file."""
    import tomllib
    from importlib.resources import files

    text = files("sopstatus").joinpath("issues.toml").read_text("utf-8")
    return {code: Entry(**entry) for code, entry in tomllib.loads(text).items()}


def issue(code: str, location: str, **facts: object) -> Issue:
    """Make the issue of this code; the line that it prints ends with the remedy."""
    entry = catalogue()[code]
    diagnostics = f"{entry.text}; {entry.remedy}".format(**facts)
    return Issue(entry.severity, code, location, diagnostics)


def document_error(code: str, location: str, **facts: object) -> DocumentError:
    """Make the exception for a document that is not what it claims to be."""
    return DocumentError(issue(code, location, **facts))
