"""Typed decoding of DICOM JSON text by msgspec: only attributes that tables name are looked into.

``None`` is the answer wherever this road cannot be sure to see what the plain one sees. What it
builds is nothing that the garbage collector follows, for that is what large lists cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
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
_FLAT = re.compile(rb'\{[^"{}]*+(?:"[^"\\]*+"[^"{}]*+)*+\}')  # to its end, in a text that is JSON
_LEARNT = 64  # times in a document: what differs in every data set is not worth it
_FEW, _SHORT = 8, 256  # values that differ, and bytes of one
_ABSENT = b""
_BETWEEN = b"\0"  # stands in no JSON text
_UIDS = len(data_set.IDENTITY)  # they stand first
_SOP_INSTANCE = f"{data_set.SOP_INSTANCE:08X}"


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
    alike: _Alike | None = None
    left = _LEARNT
    for index, text in enumerate(texts):
        at = f"[{index}]" if many else ""
        if (
            alike
            and (named := alike.uid(whole := bytes(text)))
            and (alike.speaks or not hidden.may_have(whole, marks))
        ):
            found.append(alike.read(at, named))
            continue
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
            if left and b"\\" not in (whole := bytes(text)):
                left -= 1
                speaks = fields[-len(silent) :] != silent
                alike = _Alike(same, speaks, whole, entry, wanted, alike)
                if not alike.pays:
                    alike, left = None, 0
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


class _Alike:
    """Data sets that say the same of different instances: texts that are equal but for some values.

    Which values differ, two of them show, and those that came before. Each of these is an object that
    holds no other: so the names around it are the same, and stand once, in every text that matches.
    """

    def __init__(
        self,
        one: DataSet,
        speaks: bool,
        text: bytes,
        entry: Entry,
        wanted: Collection[str],
        before: _Alike | None,
    ) -> None:
        self.one, self.speaks, self.entry = one, speaks, entry
        self.differ = {_SOP_INSTANCE}
        if before and before.entry.keys() == entry.keys():
            more = {name for name in entry if entry[name] != before.entry[name]}
            self.differ |= before.differ | more.difference(wanted)
        self.between: list[
            tuple[bytes, bool]
        ] = []  # what stands before a value, and if that is the UID
        start = end = 0
        for name, raw in entry.items():
            value = text.index(bytes(raw), text.index(f'"{name}"'.encode(), end) + len(name) + 2)
            if name in self.differ:
                self.between.append((text[start:value], name == _SOP_INSTANCE))
                start = value + len(raw)
            end = value + len(raw)
        self.rest = text[start:]

    @property
    def pays(self) -> bool:
        """Tell whether comparing texts is quicker than taking them apart."""
        return len(self.differ) <= _FEW and all(
            len(self.entry.get(name, _ABSENT)) <= _SHORT for name in self.differ
        )

    def uid(self, text: bytes) -> str:
        """Return the SOP Instance UID of a text that is alike; nothing of any other."""
        at, uid = 0, ""
        for piece, is_uid in self.between:
            value = at + len(piece)
            if not text.startswith(piece, at) or not (found := _FLAT.match(text, value)):
                return ""
            at = found.end()
            if is_uid and (named := _UID.fullmatch(text, value, at)) and len(named[1]) <= 64:
                uid = named[1].decode()
        return uid if text[at:] == self.rest else ""

    def read(self, at: str, uid: str) -> DataSet:
        """Return the data set of this UID."""
        return DataSet(at, _about(self.one.instance, uid), self.one.offset)


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
