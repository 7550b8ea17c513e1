"""What our definitions are called: ids, names and canonical URLs."""

from __future__ import annotations

import re
from hashlib import sha256

from pydicom.datadict import dictionary_description

from sopstatus.table import Attribute
from sopstatus.values import tag_text


def legal_id(identifier: str) -> str:
    """Return an id as FHIR has it: letters, digits, hyphens and full stops, at most 64 of them."""
    made = re.sub("[^A-Za-z0-9.-]", "-", identifier)
    if made == identifier and len(made) <= 64:
        return made
    return f"{made[:55]}-{sha256(identifier.encode()).hexdigest()[:8]}"


def pascal(identifier: str) -> str:
    """Return the computer-friendly name of an id: ``SopInstanceStatus``."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[-.]", identifier))


def camel(identifier: str) -> str:
    """Return the name of an id as a slice is called: ``sopInstanceStatus``."""
    name = pascal(identifier)
    return name[:1].lower() + name[1:]


def title_of(row: Attribute) -> str:
    """Return the attribute's name in PS3.6: ``SOP Instance Status``."""
    return dictionary_description(row.tag)


def tag_of(row: Attribute) -> str:
    """Return the tag as the standard writes it: ``(0100,0410)``."""
    return tag_text(row.tag)
