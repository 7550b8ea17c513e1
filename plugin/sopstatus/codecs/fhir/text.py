"""FHIR as text: JSON, and what is another spelling of FHIR is named."""

from __future__ import annotations

import re
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs.shared.json_document import load_json
from sopstatus.limits import DEFAULT, Limits

XML = re.compile(
    rb"""\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<[\w:.-]+\s[^>]*["']http://hl7\.org/fhir["']""",
    re.DOTALL,
)
"""How a resource in FHIR XML begins (FHIR R4 2.6.1)."""
_START = 4096


def load(text: bytes | str, *, limits: Limits = DEFAULT) -> Any:
    """Parse a resource; raise `DocumentError` for what is not JSON, and name FHIR XML."""
    start = text[:_START]
    if is_xml(start.encode("utf-8", "replace") if isinstance(start, str) else start):
        raise document_error("fhir/xml", "")
    return load_json(text, limits=limits)


def is_xml(start: bytes) -> bool:
    """Tell whether a text begins as FHIR XML."""
    return XML.match(start.removeprefix(b"\xef\xbb\xbf")) is not None
