"""Running one test of a case: nothing where it holds, else a text that shows what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sopstatus import writing
from sopstatus.codecs import DATA_SETS, Format, codec
from sopstatus.codecs.shared.statements import expand
from sopstatus.documents import content
from sopstatus.documents.differences import differences, table
from sopstatus.documents.flatten import Pair, places
from sopstatus.model import DocumentError, Issue, SOPInstance
from sopstatus.table import MappingTable
from sopstatus.testkit.case import Case, Conversion
from sopstatus.transform import transformer

HARMLESS = ("dicom/no-counterpart", "value/unknown-term")
"""Errors that say a statement is about another instance, or is carried as it is."""
SAID = SOPInstance("1.2.826.0.1", "1.2.826.0.1.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.826.0.1.1.1")
"""What a ``[say]`` is about; synthetic."""


class Failed(Exception):
    """The test does not hold; the text says where."""


def direction(case: Case, source: Format, target: Format, tables: MappingTable) -> None:
    """Carry one document onto another without its statements: it must then say the same."""
    read = {name: content.load(case.documents[name].read_bytes())[1] for name in case.documents}
    under = codec(target, tables=tables)
    bare = under.encode(
        [replace(x, attributes=()) for x in under.decode(read[target]).value], read[target]
    ).value
    carry = transformer(source, target, tables=tables)
    result = carry(read[source], bare, link=case.link)
    known: dict[str, SOPInstance] = {}
    for name in sorted(read, key=lambda name: name not in DATA_SETS):  # a data set is one instance
        one = codec(name, tables=tables).instances(read[name])
        known = known or {i.sop_instance_uid: i for i in one}
        if name in DATA_SETS and {source, target} & set(DATA_SETS):
            break
    own = set(known) if {source, target} & set(DATA_SETS) else None
    want, got = (
        _said(target, document, known.values(), own, tables)
        for document in (read[target], result.value)
    )
    _compare(want, got, (f"{target}", "its file says", f"{source} made of it"), result.issues)
    _no_errors(result.issues)


def conversion(case: Case, one: Conversion, tables: MappingTable, *, update: bool) -> bool:
    """Carry a document as the case says, and hold it against the expected file.

    With ``update`` write that file where it differs, and tell whether it was written.
    """
    source, document = content.load(one.source.read_bytes())
    onto = None
    if one.onto:
        _, onto = content.load(one.onto.read_bytes())
    elif one.target == "hl7":
        from sopstatus.codecs.hl7 import message

        known = codec(source, tables=tables).instances(document)
        onto = message(known, time="20000101000000+0000")  # a message made now differs tomorrow
    carry = transformer(source, one.target, tables=tables)
    try:
        result = carry(document, onto, link=case.link, holder=case.holder)
    except DocumentError as error:  # what the profile refuses is a result that a case may expect
        if {found.code for found in error.issues} != set(one.issues or ()):
            raise
        if one.expected.is_file():
            raise Failed(f"nothing is written, so there is no {one.expected.name}") from None
        return False
    made = _bytes(result.value)
    codes = tuple(sorted({found.code for found in result.issues}))
    if one.issues is not None and set(one.issues) != set(codes):
        rows = differences([(c, "told") for c in one.issues], [(c, "told") for c in codes])
        raise Failed(table(rows, ("issue", "expected", "found")))
    if one.issues is None:
        _no_errors(result.issues)
    there = one.expected.read_bytes() if one.expected.is_file() else b""
    if made == there:
        return False
    if update:
        writing.write(one.expected, made, at=one.expected.name)
        return True
    if not there:
        raise Failed(f"there is no {one.expected.name} yet; --sopstatus-update writes it")
    want = list(places(one.target, there))
    got = list(places(one.target, made))
    heads = (one.target, f"expected ({one.expected.name})", f"found ({one.source.name})")
    _compare(want, got, heads, result.issues)
    if one.target in ("hl7", "hl7-xml"):
        at = next((i for i, (a, b) in enumerate(zip(there, made, strict=False)) if a != b), -1)
        raise Failed(
            f"every field is equal, but not every byte: see byte {at} (blanks, terminators)"
        )
    return False


def said(case: Case, name: Format, tables: MappingTable) -> dict[str, str]:
    """Write what the case says as this format, check that it reads back, and return its places."""
    rows = tables.attributes
    for keyword in case.say:
        if keyword not in rows:
            raise Failed(
                f"no table that is switched on has {keyword}; "
                "correct it, or give --sopstatus-mappings the folder of its table"
            )
    stated = replace(SAID, attributes=tuple(case.say.items()))
    under = codec(name, tables=tables)
    written = under.encode([stated], under.blank([stated]))
    back = under.decode(written.value)
    got = [(k, v or "") for x in back.value for k, v in x.attributes]
    _compare(case.say.items(), got, (name, "was said", "was read back"), written.issues)
    return dict(_ours(name, written.value, tables))


def expectation(case: Case, name: Format, tables: MappingTable) -> None:
    """Hold what the case says against what it expects this format to hold."""
    got = said(case, name, tables)
    if name in case.expect:
        _compare(case.expect[name].items(), got.items(), (name, "expected", "found"), ())


_PART = re.compile(r"\[[^\]]*\]|[^.\[\]]+")
_NTH = re.compile(r":[0-9]+(?=\]$)")


def _ours(name: str, document: Any, tables: MappingTable) -> Iterator[Pair]:
    """Yield the places of a document that the tables own, in short."""
    if name == "hl7":
        for line in bytes(document).decode().split("\r"):
            if line[:3] in tables.segments:
                fields = enumerate(line.split("|"))
                yield from ((f"{line[:3]}-{n}", text) for n, text in fields if n > 4 and text)
        return
    words = {row.keyword for row in tables.attributes.values()}
    tags = {f"{row.tag:08X}": row.keyword for row in tables.attributes.values()}
    ends = {f"[{url.rpartition('/')[2]}]" for url in tables.extensions}
    for place, text in places(name, document):
        if name == "fhir":
            parts = _PART.findall(place)
            ours = (n for n, part in enumerate(parts) if _NTH.sub("", part) in ends)
            at = next(ours, len(parts))  # an element may be called like an extension
            if at < len(parts) and parts[-1] != "url":
                inner = (parts[at], *parts[at + 2 : at + 3])
                yield ".".join(part.strip("[]") for part in inner), text
        else:
            own = [w for w in place.replace("[", ".").replace("]", ".").split(".") if w]
            found = [tags.get(w.removeprefix("tag"), w) for w in own]
            if keyword := next((w for w in found if w in words), ""):
                yield keyword, text


def _said(
    name: Format,
    document: Any,
    known: Iterable[SOPInstance],
    own: set[str] | None,
    tables: MappingTable,
) -> list[Pair]:
    stated = expand(codec(name, tables=tables).decode(document).value, known)
    return [
        (
            f"{keyword} of {x.sop_instance_uid or x.series_instance_uid or x.study_instance_uid}",
            "(emptied)" if value is None else value,
        )
        for x in stated
        if own is None or x.sop_instance_uid in own
        for keyword, value in x.attributes
    ]


def _compare(
    want: Iterable[Pair], got: Iterable[Pair], heads: tuple[str, str, str], issues: Iterable[Issue]
) -> None:
    if rows := differences(want, got):
        told = "".join(f"\n{found}" for found in issues)
        raise Failed(table(rows, heads) + told)


def _no_errors(issues: Iterable[Issue]) -> None:
    bad = [i for i in issues if i.is_error and i.code not in HARMLESS]
    if bad:
        raise Failed("\n".join(map(str, bad)))


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if hasattr(value, "save_as"):
        import io

        buffer = io.BytesIO()
        value.save_as(buffer, enforce_file_format=False)
        return buffer.getvalue()
    return content.dump_json(value)


def rewritten(text: str, expect: Mapping[str, Mapping[str, str]]) -> str:
    """Return a ``case.toml`` with other expectations, which stand at its end; the rest stays.

    Lines end as its first one does.
    """
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    lines = text.splitlines(keepends=True)
    start = next((i for i, s in enumerate(lines) if s.startswith("[expect")), len(lines))
    head = "".join(lines[:start]).rstrip("\r\n")
    blocks = [
        f"[expect.{name}]{end}"
        + "".join(f"{_key(place)} = {_toml(value)}{end}" for place, value in values.items())
        for name, values in expect.items()
    ]
    return head + end + end + end.join(blocks)


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _toml(text)


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
