"""A case to share: a zip in the samples' layout, so that it can become a test as it is."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.codecs import codec
from sopstatus.documents.files import NAMES
from sopstatus.limits import DEFAULT, Limits
from sopstatus.workbench.given import Given
from sopstatus.workbench.sides import Wish
from sopstatus.workbench.view import asked_for

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same case is the same file


def case_file(asked: Mapping[str, Any], limits: Limits = DEFAULT) -> bytes:
    """Return the zip of one folder: ``case.toml``, all documents, and ``mappings/`` as edited.

    The case says what carrying the document onto each target gives, byte for byte.

    Raise `DocumentError` where the document cannot be read, or tables have faults.
    """
    name = asked.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 60:
        raise document_error("http/parameter", "", parameter="name", known="lower-case-words")
    found = asked_for(asked, limits)
    if found is None:
        raise document_error("http/parameter", "tables", parameter="tables", known="no fault")
    wish, made = found
    lines = _head(name, wish)
    members: dict[str, bytes] = {}
    source = NAMES[wish.source.format]
    read = codec(wish.source.format, tables=wish.tables).decode(wish.source.document)
    for side in made:
        for index, one in enumerate(side.made):
            file = _numbered(NAMES[side.format], index)
            members[file] = _bytes(one.document)
            if one.onto:
                members[f"onto-{file}"] = _bytes(one.onto)
                codes = sorted({issue.code for issue in (*read.issues, *one.issues)})
                lines += _conversion(source, file, side.format, codes)
    for file, text in (asked.get("tables") or {}).items():
        members[f"mappings/{file}"] = text.encode("utf-8", "surrogatepass")
    members["case.toml"] = "".join(f"{line}\n" for line in lines).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(f"{name}/{member}", _EPOCH), data)
    return buffer.getvalue()


def _head(name: str, wish: Wish) -> list[str]:
    lines = [f'title  = "{name}"', f'link   = "{"trusted" if wish.link else "unknown"}"']
    return lines + ([f"holder = {json.dumps(wish.holder)}"] if wish.holder else [])


def _conversion(source: str, file: str, form: str, codes: list[str]) -> list[str]:
    """Return what carrying the source onto a document gives, and the codes of its issues."""
    return [
        "",
        "[[convert]]",
        f'name   = "{file.partition(".")[0]}"',
        f'from   = "{source}"',
        f'onto   = "onto-{file}"',
        f'to     = "{form}"',
        f'expect = "{file}"',
        f"issues = {json.dumps(codes)}",
    ]


def _numbered(file: str, index: int) -> str:
    """Return a file's name; those of several data sets are image.dcm, image-2.dcm and so on."""
    stem, _, ending = file.partition(".")
    return f"{stem}-{index + 1}.{ending}" if index else file


def _bytes(one: Given) -> bytes:
    return one.data if isinstance(one.data, bytes) else one.data.encode("utf-8", "surrogatepass")
