"""Typed decoding of DICOM JSON text by msgspec: every attribute that no table names is skipped.

``None`` is the answer wherever this road cannot be sure to see what the plain one sees. What it
builds is nothing that the garbage collector follows, for that is what large lists cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from sopstatus.codecs import data_set, dicom_json_nooks
from sopstatus.codecs.dicom_json_element import FILE_META
from sopstatus.codecs.json_text import DECODER, MARK, text_of_bytes
from sopstatus.model import SOPInstance, stated

if TYPE_CHECKING:
    from sopstatus.codecs.dicom_json_read import DataSet, Reader

_UID = re.compile(
    rb'\{\s*"vr"\s*:\s*"UI"\s*,\s*"Value"\s*:\s*\[\s*"'
    rb'((?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+)"\s*\]\s*\}'
)
_ABSENT = b""
_BETWEEN = b"\0"  # stands in no JSON text
_UIDS = len(data_set.IDENTITY)  # they stand first


def read(reader: Reader, data: bytes, many: bool) -> list[DataSet | None] | None:
    """Read every data set of a text in UTF-8, as `Reader` does."""
    plain = [names[0] for names in reader.names.values()]
    beside = [name for tag in list(reader.names)[_UIDS:] for name in reader.names[tag][1:]]
    names = (*plain, *beside, FILE_META)
    if (decode := _decoder(names, many)) is None:
        return None
    if not data.isascii():
        text_of_bytes(data)  # what is skipped has to be UTF-8 too
    if (entries := decode(data)) is None:
        return None
    reader.allow(len(entries))
    if (closer := _doubtful(reader, data, entries, len(plain), many)) is None:
        return None
    try:
        return _all(reader, entries, names, len(plain), many, closer)
    except RecursionError:  # the plain road says so
        reader.issues.clear()
        return None


def _doubtful(
    reader: Reader, data: bytes, entries: list[Any], plain: int, many: bool
) -> dict[int, bytes] | None:
    """Return the text of each data set that states nothing and may have something in a nook."""
    from msgspec.structs import astuple

    first = plain - len(reader.rows)
    nothing = (_ABSENT,) * len(reader.rows)
    silent = [n for n, entry in enumerate(entries) if astuple(entry)[first:plain] == nothing]
    marks = dicom_json_nooks.marks(reader.rows)
    if not silent or not dicom_json_nooks.may_have(data, marks):
        return {}
    places = spans(data) if many else [(0, len(data))]
    if places is None:
        return None
    texts = ((n, data[slice(*places[n])]) for n in silent)
    return {n: text for n, text in texts if dicom_json_nooks.may_have(text, marks)}


def _all(
    reader: Reader,
    entries: list[Any],
    names: tuple[str, ...],
    plain: int,
    many: bool,
    closer: dict[int, bytes],
) -> list[DataSet | None] | None:
    from msgspec.structs import astuple

    from sopstatus.codecs.dicom_json_read import DataSet

    seen: dict[bytes, DataSet] = {}  # data sets that differ in their SOP Instance UID alone
    nothing = (_ABSENT,) * (len(names) - plain)
    found: list[DataSet | None] = []
    for index, entry in enumerate(entries):
        fields = astuple(entry)
        at = f"[{index}]" if many else ""
        if index in closer:
            node = DECODER.decode(closer[index].decode("utf-8"))
            found.append(reader.data_set(node, at))
            continue
        uid = _UID.fullmatch(fields[_UIDS - 1])
        key = _BETWEEN.join(fields[: _UIDS - 1] + fields[_UIDS:plain])
        same = seen.get(key)
        if same and uid and len(uid[1]) <= 64 and fields[plain:] == nothing:
            found.append(DataSet(at, _about(same.instance, uid[1].decode()), same.offset))
            continue
        if _ABSENT in fields[:_UIDS]:  # it may stand there under an odd name
            reader.issues.clear()
            return None
        node = {
            name: DECODER.decode(bytes(raw).decode("utf-8"))
            for name, raw in zip(names, fields, strict=True)
            if raw is not _ABSENT
        }
        before = reader.issues.total
        one = reader.data_set(node, at)
        found.append(one)
        if one and one.instance.sop_instance_uid and reader.issues.total == before:
            seen[key] = one
    return found


def texts(data: bytes, names: tuple[str, ...], *, many: bool) -> list[list[Any]] | None:
    """Return these attributes of each data set, parsed; ``None`` where this road is closed."""
    decode = _decoder(names, many)
    entries = decode(data.removeprefix(MARK)) if decode else None
    if entries is None:
        return None
    from msgspec.structs import astuple

    found = (astuple(entry) for entry in entries)
    return [[DECODER.decode(bytes(raw).decode("utf-8") or "null") for raw in one] for one in found]


def _about(said: SOPInstance, uid: str) -> SOPInstance:
    """Return the same statement about another instance."""
    study, series, sop_class = said.study_instance_uid, said.series_instance_uid, said.sop_class_uid
    return stated(study, series, sop_class, uid, said.holder, said.attributes)


def spans(data: bytes) -> list[tuple[int, int]] | None:
    """Return where the values of a list stand, ``[start, end)``."""
    try:
        import msgspec

        found = msgspec.json.decode(data.removeprefix(MARK), type=list[msgspec.Raw])
    except (ImportError, RecursionError, ValueError):
        return None
    at, out = 0, []
    for raw in map(bytes, found):
        at = data.index(raw, at)
        out.append((at, at + len(raw)))
        at += len(raw)
    return out


@cache
def _decoder(names: tuple[str, ...], many: bool) -> Callable[[bytes], list[Any] | None] | None:
    try:
        import msgspec
    except ImportError:
        return None
    fields = [
        (f"f{number}", msgspec.Raw, msgspec.field(default=_ABSENT, name=name))
        for number, name in enumerate(names)
    ]
    entry = msgspec.defstruct("Entry", fields, gc=False)
    decoder = msgspec.json.Decoder(list[entry] if many else entry)  # type: ignore[valid-type]

    def decode(data: bytes) -> list[Any] | None:
        try:
            found: Any = decoder.decode(data)
        except (msgspec.MsgspecError, RecursionError):  # the plain road tells what is wrong
            return None
        return found if many else [found]

    return decode
