"""Typed decoding of DICOM JSON text by msgspec: only attributes that tables name are looked into.

``None`` is the answer wherever this road cannot be sure to see what the plain one sees. What it
builds is nothing that the garbage collector follows, for that is what large lists cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from sopstatus.codecs.dicom_json import hidden
from sopstatus.codecs.dicom_json.document import DataSet
from sopstatus.codecs.dicom_json.element import BETWEEN, FILE_META, are_usual
from sopstatus.codecs.shared import data_set
from sopstatus.codecs.shared.json_text import DECODER, MARK, text_of_bytes
from sopstatus.model import SOPInstance, stated

if TYPE_CHECKING:
    from sopstatus.codecs.dicom_json.reader import Reader

_UID = re.compile(
    rb'\{\s*"vr"\s*:\s*"UI"\s*,\s*"Value"\s*:\s*\[\s*"'
    rb'((?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+)"\s*\]\s*\}'
)
Entry = dict[str, Any]
"""The text of each attribute of a data set, by its name."""
_ABSENT = b""
_BETWEEN = b"\0"  # stands in no JSON text
_UIDS = len(data_set.IDENTITY)  # they stand first


def read(reader: Reader, data: bytes, many: bool) -> list[DataSet | None] | None:
    """Read every data set of a text in UTF-8, as `Reader` does."""
    if (texts := _texts(data, many)) is None:
        return None
    if not data.isascii():
        text_of_bytes(data)  # what is skipped has to be UTF-8 too
    reader.allow(len(texts))
    try:
        found = _all(reader, texts, many)
    except RecursionError:  # the plain road says so
        found = None
    if found is None:
        reader.issues.clear()
    return found


def _all(reader: Reader, texts: list[Any], many: bool) -> list[DataSet | None] | None:
    plain = tuple(names[0] for names in reader.names.values())
    wanted = frozenset([FILE_META, *plain])
    marks = hidden.marks(reader.rows)
    absent = (_ABSENT,) * len(plain)
    silent = absent[-len(reader.rows) :]
    decode = _decoder()
    seen: dict[bytes, DataSet] = {}  # data sets that differ in their SOP Instance UID alone
    found: list[DataSet | None] = []
    usual = ""  # all names of a data set that has none of another spelling
    for index, text in enumerate(texts):
        at = f"[{index}]" if many else ""
        if (entry := decode(text)) is None:
            return None
        fields = tuple(map(entry.get, plain, absent))
        names = BETWEEN.join(entry)
        odd = names != usual and not are_usual(names, len(entry))
        if not odd and FILE_META not in entry:
            usual = names
        if (
            odd
            or _may_repeat(text, entry, names)
            or (fields[-len(silent) :] == silent and hidden.may_have(bytes(text), marks))
        ):
            found.append(reader.careful(DECODER.decode(bytes(text).decode("utf-8")), at))
            continue
        uid = _UID.fullmatch(fields[_UIDS - 1])
        key = _BETWEEN.join(fields[: _UIDS - 1] + fields[_UIDS:])
        same = seen.get(key)
        if same and uid and len(uid[1]) <= 64 and names == usual:
            found.append(DataSet(at, _about(same.instance, uid[1].decode()), same.offset))
            continue
        node = {
            name: DECODER.decode(bytes(raw).decode("utf-8"))
            for name, raw in entry.items()
            if name in wanted
        }
        before = len(reader.issues)
        one = reader.data_set(node, at)
        found.append(one)
        if one and one.instance.sop_instance_uid and len(reader.issues) == before:
            seen[key] = one
    return found


def _may_repeat(text: Any, entry: Entry, names: str) -> bool:
    """Tell whether a name may stand twice in a data set, of which decoding keeps the last one.

    A text without blanks is as long as what was kept; in any text, all quotation marks were kept.
    """
    if sum(map(len, entry.values())) + len(names) + 3 * len(entry) + 2 == len(text):
        return False
    kept = b"".join(entry.values())
    return kept.count(b'"') + 2 * len(entry) != bytes(text).count(b'"')


def texts(data: bytes, names: tuple[str, ...], *, many: bool) -> list[list[Any]] | None:
    """Return these attributes of each data set, parsed; ``None`` where this road is closed."""
    if (listed := _texts(data.removeprefix(MARK), many)) is None:
        return None
    found = []
    for text in listed:
        if (entry := _decoder()(text)) is None:
            return None
        values = (bytes(entry.get(name, b"null")).decode("utf-8") for name in names)
        found.append([DECODER.decode(value) for value in values])
    return found


def _about(said: SOPInstance, uid: str) -> SOPInstance:
    """Return the same statement about another instance."""
    study, series, sop_class = said.study_instance_uid, said.series_instance_uid, said.sop_class_uid
    return stated(study, series, sop_class, uid, said.holder, said.attributes)


def spans(data: bytes) -> list[tuple[int, int]] | None:
    """Return where the values of a list stand, ``[start, end)``."""
    texts = _texts(data.removeprefix(MARK), True)
    if texts is None:
        return None
    at, out = 0, []
    for raw in map(bytes, texts):
        at = data.index(raw, at)
        out.append((at, at + len(raw)))
        at += len(raw)
    return out


def _texts(data: bytes, many: bool) -> list[Any] | None:
    """Return the text of each data set; ``None`` where this road is closed."""
    try:
        import msgspec

        found: list[Any] = msgspec.json.decode(
            data, type=list[msgspec.Raw] if many else msgspec.Raw
        )
        return found if many else [found]
    except (ImportError, RecursionError, ValueError):  # the plain road tells what is wrong
        return None


@cache
def _decoder() -> Callable[[Any], Entry | None]:
    """Return what decodes a data set to the text of every attribute."""
    import msgspec

    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def decode(text: Any) -> Entry | None:
        try:
            return decoder.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            return None

    return decode
