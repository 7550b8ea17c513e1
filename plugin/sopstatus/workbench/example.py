"""A message that states what a table is about, for a table without samples."""

from __future__ import annotations

import re

from sopstatus.artifacts.docs.values import UIDS
from sopstatus.catalogue import document_error
from sopstatus.codecs import codec
from sopstatus.codecs.hl7.blank import message
from sopstatus.model import SOPInstance
from sopstatus.workbench import drafts

_OFF = re.compile(r"^enabled\s*=\s*false", re.M)
_TIME = "20240115103015+0000"


def example(name: object) -> bytes:
    """Return a message with the first term of each coded attribute; its table is enabled for that.

    Raise `DocumentError` if there is no such table.
    """
    file = f"{name}.toml"
    text = _OFF.sub("enabled = true", drafts.shipped_texts().get(file, ""))
    tables = drafts.load({file: text}).tables if text else None
    group = next((one for one in tables.groups if one.name == name), None) if tables else None
    if tables is None or group is None:
        raise document_error("http/no-route", "")
    said = tuple(
        (row.keyword, next(iter(row.displays))) for row in group.attributes if row.displays
    )
    about = SOPInstance(*UIDS, attributes=said)
    made = message([about], site=tables.site, time=_TIME)
    written: bytes = codec("hl7", tables=tables).encode([about], made).value
    return written
