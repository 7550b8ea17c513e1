"""Documents of the DICOM JSON Model with attributes changed, and the rest as it was."""

from __future__ import annotations

from typing import Any

from sopstatus.codecs.dicom_json import fast as dicom_json_fast
from sopstatus.codecs.dicom_json.document import Document, values
from sopstatus.codecs.shared import json_text
from sopstatus.codecs.shared.json_text import MARK, Edits, text_of_bytes
from sopstatus.codecs.shared.splice import splice


def edited(document: Document, edits: dict[int, Edits]) -> Any:
    """Return the document with members of its data sets, by their number, set or removed."""
    if document.data is None:
        if not document.many:
            return with_members(document.parsed, edits[0])
        new = list(document.parsed)
        for index, edit in edits.items():
            new[index] = with_members(new[index], edit)
        return new
    data, new = document.data, []
    where = spans(data, document.many)
    for index, edit in edits.items():
        start, end = where[index]
        text = json_text.edited(data[start:end].decode(), 0, edit, sort=True)
        new.append((start, end, text.encode()))
    return document.back(splice(data, new))


def with_members(node: dict[str, Any], edits: Edits) -> dict[str, Any]:
    """Return the data set with members set and removed; names stay in ascending order (F.2.1)."""
    members = [(name, edits.get(name, old)) for name, old in node.items()]
    members = [(name, value) for name, value in members if value is not ...]
    for name, value in edits.items():
        if name not in node and value is not ...:
            greater = (i for i, (other, _) in enumerate(members) if other > name)
            members.insert(next(greater, len(members)), (name, value))
    return dict(members)


def spans(data: bytes, many: bool) -> list[tuple[int, int]]:
    """Return ``[start, end)`` of every data set in a legal text."""
    found = dicom_json_fast.spans(data) if many else None
    if found is None:
        found = []
        text, byte, done = (
            text_of_bytes(data.removeprefix(MARK)),
            len(data) - len(data.removeprefix(MARK)),
            0,
        )
        for _, start, end in values(text):
            byte += len(text[done:start].encode())
            found.append((byte, byte := byte + len(text[start:end].encode())))
            done = end
    return found
