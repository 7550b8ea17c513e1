"""Read a data set again after it was written, and compare it with what the audit record claims.

This reader shares no code with the codecs: what they overlook, it must not overlook too. It looks
at every header of the top level and doubts whatever two readers could read in two ways: a tag that
does not ascend or stands twice, a value representation that is not the attribute's own, a member
that is repeated. A doubt is a refusal.
"""

from __future__ import annotations

import copy
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from struct import Struct
from typing import Any, NamedTuple

from sopstatus.limits import Limits
from sopstatus.table.language import COMPANIONS, STATUS

_UID, _STATUS = 0x00080018, 0x01000410
_TAGS = dict(zip((_STATUS, 0x01000420, 0x01000424, 0x01000426), (STATUS, *COMPANIONS), strict=True))
_TAGS[_UID] = "SOPInstanceUID"
_DEFLATED = (b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.4.95", b"1.2.840.10008.1.2.4.205")
_BIG = b"1.2.840.10008.1.2.2"
_IMPLICIT = (b"1.2.840.10008.1.2", b"1.2.840.113619.5.2", b"1.2.840.10008.1.20")
_SYNTAX, _CAPITALS = re.compile(rb"[0-9.]{1,64}"), re.compile(rb"[A-Z]{2}")
_DELIMITER = b"\xfe\xff", b"\xff\xfe"  # how items begin, by byte order: little, big
_PACKED = b"\0\1\x10\4"
_PIXELS, _DEPTH = 0x7FE00010, 64
_WIDE = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())  # PS3.5 7.1.2
_NARROW = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_OPEN = 0xFFFFFFFF  # undefined length
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_CHUNK, _LONGEST = 1 << 16, 1 << 10
_TAG = Struct("<HH"), Struct(">HH")
_SHORT = Struct("<H"), Struct(">H")
_ELEMENT = Struct("<HH2sH"), Struct(">HH2sH")
_LONG = Struct("<I"), Struct(">I")


class Doubt(Exception):
    """Readers may disagree about what this data set says; the text is the reason."""


class Found(NamedTuple):
    """What one data set says: its SOP Instance UID, its status, which companions stand beside it."""

    uid: str
    status: str
    companions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Claim:
    """What records say of one data set: its status (empty = none), and which companions are gone."""

    status: str
    gone: frozenset[str] = frozenset()


def fault(
    before: Any,
    after: Any,
    claims: Mapping[str, Sequence[Claim]],
    limits: Limits,
    *,
    crossing: bool = False,
    image_set: bool = False,
) -> str:
    """Return why a written document does not say what is claimed by UID; empty where it does.

    An instance may stand in several data sets: what is claimed of them comes in their order, or is the
    same of all. One of them may be left silent. A copy about which nothing is claimed must say what it said ``before``. Where the copies
    themselves are ``crossing`` a link, it must say nothing: nobody has decided that it may.
    ``image_set``: a JSON object is AWS HealthImaging's.
    """
    try:
        found = read(after, limits, image_set=image_set)
        counts = Counter(one.uid for one in found)
        speaking = Counter(one.uid for one in found if one.status)
        turns = {uid: _turns(claims[uid], speaking[uid]) for uid in claims}
        old = (
            None
            if crossing or counts.keys() <= claims.keys()
            else read(before, limits, image_set=image_set)
        )
        if not claims.keys() <= counts.keys():
            return "a copy about which something was decided is not found"
        for number, one in enumerate(found):
            if one.uid not in claims and crossing:
                if one.status or one.companions:
                    return "a copy states something about which nothing was decided"
            elif one.uid not in claims:
                if old is None or old[number : number + 1] != [one]:
                    return "a copy about which nothing was decided was changed"
            elif one.status or counts[one.uid] < 2:
                claim = next(turns[one.uid])
                if one.status != claim.status:
                    return f"the status that stands there is not {claim.status or 'nothing'}"
                if left := one.companions & claim.gone:
                    return f"{min(left)} was not removed"
            elif left := one.companions.intersection(*(claim.gone for claim in claims[one.uid])):
                return f"{min(left)} was not removed"
    except Doubt as doubt:
        return str(doubt)
    return ""


def _turns(claims: Sequence[Claim], speaking: int) -> Iterator[Claim]:
    """Yield what is claimed of each data set of an instance that speaks; raise `Doubt` for another number."""
    if len({*claims}) == 1:
        return repeat(claims[0])
    stated = [claim for claim in claims if claim.status]
    if len(stated) != speaking:
        raise Doubt("what was decided about copies of one instance is not found in each of them")
    return iter(stated)


def held(document: Any, limits: Limits, *, image_set: bool = False) -> dict[str, str] | None:
    """Return the statuses that the copies of a document state, by UID; ``None`` where there is a doubt."""
    states: dict[str, str] = {}
    try:
        for one in read(document, limits, image_set=image_set):
            states[one.uid] = f"{states.get(one.uid, '')}\\{one.status}".strip("\\")
    except Doubt:
        return None
    return states


def read(document: Any, limits: Limits, *, image_set: bool = False) -> list[Found]:
    """Return what each data set of a document says; raise `Doubt` where readers could disagree."""
    if isinstance(document, list):
        return [_json(one) for one in document]
    if isinstance(document, dict):
        return _image_set(document) if image_set else [_json(document)]
    if isinstance(document, str):
        document = document.encode("utf-8", "surrogatepass")
    if isinstance(document, bytes | bytearray | memoryview):
        data = bytes(document)
        if data[128:132] == b"DICM":
            return [_part10(_Stream(data), (), limits)]
        if data[:2] == b"\x1f\x8b":
            data = b"".join(iter(_Inflated(_Stream(data), 0, limits, 31), b""))
        if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
            return [_xml(data)]
        return read(_loaded(data), limits, image_set=image_set)
    if hasattr(document, "get_item"):
        try:
            return [_dataset(document)]
        except Doubt:
            raise
        except Exception:  # what pydicom raises on a broken element is not one family
            raise Doubt("pydicom cannot read an element") from None
    if hasattr(document, "seek"):
        document.seek(0)
        try:
            return [_part10(_Stream(b"", document), (), limits)]
        finally:
            document.seek(0)
    edits = getattr(document, "edits", ())
    with open(getattr(document, "path", document), "rb") as file:
        if edits and document.begin < 0:
            return [_part10(_Stream(b"", _Spliced(file, edits)), (), limits)]
        return [_part10(_Stream(b"", file), edits, limits)]


class _Stream:
    """Bytes that are read forwards: all of them given, or from a file in pieces."""

    def __init__(self, data: bytes, file: Any = None) -> None:
        self._data, self._file, self._base = data, file, 0

    def at(self, position: int, count: int) -> tuple[bytes, int]:
        """Return a buffer and where in it ``count`` bytes from a position stand; fewer at the end."""
        index = position - self._base
        if self._file is None or index + count <= len(self._data):
            if index > len(self._data):
                raise Doubt("it ends inside an element")
            return self._data, index
        gap = index - len(self._data)
        if gap > 0:
            self._file.seek(gap - 1, 1)
            if not self._file.read(1):
                raise Doubt("it ends inside an element")
        pieces = [self._data[index:]]
        missing = max(count, _CHUNK) - len(pieces[0])
        while missing > 0 and (piece := self._file.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        self._data, self._base = b"".join(pieces), position
        return self._data, 0


class _Inflated:
    """What stands deflated in a stream from a position on."""

    def __init__(
        self, stream: _Stream, position: int, limits: Limits, wbits: int = -15, plain: bool = True
    ) -> None:
        self._stream, self._position, self._left = stream, position, limits.inflated
        self._inflater = zlib.decompressobj(wbits)
        self._ready = self._last = b""
        self._plain = plain  # else nothing like a status may be read of the packed bytes

    def read(self, count: int = _CHUNK) -> bytes:
        """Return at most so many bytes; none at the end."""
        while not self._ready and not self._inflater.eof:
            packed = self._inflater.unconsumed_tail
            if not packed:
                data, index = self._stream.at(self._position, _CHUNK)
                packed = data[index : index + _CHUNK]
                self._position += len(packed)
                if not self._plain and _PACKED in self._last + packed:
                    raise Doubt("readers differ about whether it is compressed")
                self._last = packed[-3:]
                if not packed:
                    raise Doubt("what is compressed ends too early")
            try:
                self._ready = self._inflater.decompress(packed, _CHUNK)
            except zlib.error:
                raise Doubt("what is compressed cannot be inflated") from None
            self._left -= len(self._ready)
            if self._left < 0:
                raise Doubt("it is too large once inflated")
        out, self._ready = self._ready[:count], self._ready[count:]
        return out

    def __call__(self) -> bytes:
        return self.read()

    def seek(self, count: int, _: int = 1) -> None:
        """Pass over so many bytes."""
        while count and (passed := self.read(min(count, _CHUNK))):
            count -= len(passed)


class _Spliced:
    """A file, read forwards, in which other bytes stand instead of some."""

    def __init__(self, file: Any, edits: Iterable[tuple[int, int, bytes]]) -> None:
        self._file, self._at = file, 0
        self._edits = [*edits]
        self._new = b""

    def read(self, count: int) -> bytes:
        """Return at most so many bytes; none at the end."""
        while not self._new:
            if not self._edits:
                return bytes(self._file.read(count))
            start, end, new = self._edits[0]
            if self._at < start:
                out: bytes = self._file.read(min(count, start - self._at))
                self._at += len(out)
                return out
            del self._edits[0]
            self._file.seek(end - start, 1)
            self._at, self._new = end, new
        out, self._new = self._new[:count], self._new[count:]
        return out

    def seek(self, count: int, _: int = 1) -> None:
        """Pass over so many bytes; a file takes it all at once."""
        while count and (self._edits or self._new):
            far = self._edits[0][0] - self._at if self._edits and not self._new else 0
            if far > 0:
                step = min(count, far)
                self._file.seek(step, 1)
                self._at += step
            else:
                step = len(self.read(min(count, _CHUNK)))
            count -= step
        if count:
            self._file.seek(count, 1)


def _part10(stream: _Stream, edits: Iterable[tuple[int, int, bytes]], limits: Limits) -> Found:
    data, at = stream.at(0, 132)
    if data[at + 128 : at + 132] != b"DICM":
        raise Doubt("it is not a Part 10 file")
    position, syntax = _meta(stream)
    if not syntax:
        raise Doubt("it names no transfer syntax")
    if syntax in _DEFLATED:
        # pydicom inflates only the first of these, and reads the others as they stand
        inflated: Any = _Inflated(stream, position, limits, plain=syntax == _DEFLATED[0])
        stream, position = _Stream(b"", _Spliced(inflated, edits) if edits else inflated), 0
    data, at = stream.at(position, 12)
    implicit = syntax in _IMPLICIT
    # some writers lie about the transfer syntax, and readers guess in different ways
    if len(data) - at >= 8 and implicit is bool(_CAPITALS.fullmatch(data, at + 4, at + 6)):
        raise Doubt("it is not encoded as its transfer syntax says")
    found = _data_set(stream, position, limits, implicit=implicit, big=syntax == _BIG)
    if not found.uid:  # read in the wrong byte order, for instance
        raise Doubt("it names no instance")
    return found


def _meta(stream: _Stream) -> tuple[int, bytes]:
    """Return where the file meta information ends (PS3.10 7.1), and the transfer syntax that it names."""
    position, syntax, end = 132, b"", 0
    while True:
        data, at = stream.at(position, 12)
        if data[at : at + 2] != b"\2\0":
            break
        tag, vr, start, length = _header(data, at, position, implicit=False, big=False)
        if vr in _WIDE and vr not in (b"OB", b"UR"):  # no attribute of group 0002 is of another one
            raise Doubt("the file meta information has a VR that it cannot have")
        if tag == 0x00020000:
            if (vr, length) != (b"UL", 4):  # pydicom would write it over the first four bytes
                raise Doubt("the group length of the file meta information is wrong")
            end = start + length + int.from_bytes(_value(stream, start, length), "little")
        if tag == 0x00020010:
            if syntax:
                raise Doubt("the transfer syntax stands twice")
            syntax = _value(stream, start, length).rstrip(b"\0 ")
            if vr != b"UI" or not _SYNTAX.fullmatch(syntax):
                raise Doubt("the transfer syntax is not a UID")
        position = start + length
    if end not in (0, position):
        raise Doubt("the group length of the file meta information is wrong")
    return position, syntax


def _data_set(
    stream: _Stream, position: int, limits: Limits, *, implicit: bool, big: bool
) -> Found:
    said: dict[int, str] = {}
    previous = 0x0002FFFF  # neither commands nor file meta information belong here
    while True:
        data, at = stream.at(position, 12)
        if not implicit:
            behind, previous = _ordinary(data, at, previous, big=big)
            if behind > at:
                position += behind - at
                continue
        if len(data) - at < 8:
            if data[at:].strip(b"\0"):
                raise Doubt("bytes stand behind the last element")
            break
        if data[at : at + 8] == bytes(8) and _padding(stream, position):
            break
        tag, vr, start, length = _header(data, at, position, implicit=implicit, big=big)
        if tag <= previous:
            raise Doubt(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) stands out of order or twice")
        if tag >> 16 == 0xFFFE:
            raise Doubt("a delimiter stands outside a sequence")
        previous = tag
        if tag in _TAGS:
            if length == _OPEN:
                raise Doubt(f"{_TAGS[tag]} has items")
            if tag == _STATUS and vr not in (b"CS", b""):
                raise Doubt(f"the VR of {STATUS} is not CS")
            kept = _value(stream, start, length) if tag in (_UID, _STATUS) else b""
            said[tag] = kept.decode("latin-1").strip(" \0")
        position = _behind(stream, (tag, vr, start, length), limits.depth, implicit, big)
    return _found(said)


def _ordinary(data: bytes, at: int, previous: int, *, big: bool) -> tuple[int, int]:
    """Pass short elements in order that are not asked for; return where they end, and the last tag."""
    header, last = _ELEMENT[big].unpack_from, len(data) - 12
    while at <= last:
        group, number, vr, length = header(data, at)
        tag = group << 16 | number
        if tag <= previous or group == 0xFFFE or tag in _TAGS or vr not in _NARROW:
            break
        at, previous = at + 8 + length, tag
    return at, previous


def _found(said: Mapping[int, str]) -> Found:
    beside = frozenset(_TAGS[tag] for tag in said if tag not in (_UID, _STATUS))
    return Found(said.get(_UID, ""), said.get(_STATUS, ""), beside)


def _header(
    data: bytes, at: int, position: int, *, implicit: bool, big: bool
) -> tuple[int, bytes, int, int]:
    """Return tag, VR, and where the value begins and how long it is (PS3.5 7.1)."""
    if len(data) - at < 8:
        raise Doubt("it ends inside an element")
    group, number = _TAG[big].unpack_from(data, at)
    tag = group << 16 | number
    if implicit or group == 0xFFFE:
        return tag, b"", position + 8, _LONG[big].unpack_from(data, at + 4)[0]
    vr = data[at + 4 : at + 6]
    if vr in _NARROW:
        return tag, vr, position + 8, _SHORT[big].unpack_from(data, at + 6)[0]
    if vr not in _WIDE or len(data) - at < 12:
        raise Doubt(f"the VR of ({group:04X},{number:04X}) is not one of DICOM's")
    return tag, vr, position + 12, _LONG[big].unpack_from(data, at + 8)[0]


def _value(stream: _Stream, start: int, length: int) -> bytes:
    if length > _LONGEST:
        raise Doubt("a UID or a status is too long")
    data, at = stream.at(start, length)
    if len(data) - at < length:
        raise Doubt("it ends inside an element")
    return data[at : at + length]


def _padding(stream: _Stream, position: int) -> bool:
    """Tell whether nothing but zeros follows, as some writers fill up blocks."""
    while True:
        data, at = stream.at(position, _CHUNK)
        rest = data[at : at + _CHUNK]
        if not rest:
            return True
        if rest.strip(b"\0"):
            return False
        position += len(rest)


def _behind(
    stream: _Stream, header: tuple[int, bytes, int, int], depth: int, implicit: bool, big: bool
) -> int:
    """Return the position behind a value, having looked into what may be a sequence (PS3.5 7.5)."""
    tag, vr, start, length = header
    if length != _OPEN:
        data, at = stream.at(start, 8)
        nested = vr == b"SQ" or (not vr and data[at : at + 2] == _DELIMITER[big])
        if nested and length and tag != _PIXELS:
            return _items(stream, start, start + length, depth - 1, implicit, big)
        return start + length
    if vr in (b"OB", b"OW") or (not vr and tag == _PIXELS):
        return _fragments(stream, start, big)
    if vr not in (b"SQ", b"UN", b"") or (not vr and _is_plain(tag)):
        raise Doubt(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) has no length")
    return _items(stream, start, None, depth - 1, implicit or vr == b"UN", big)


def _is_plain(tag: int) -> bool:
    """Tell whether an attribute is known, and no sequence: readers look for its end in two ways."""
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    return dictionary_has_tag(tag) and dictionary_VR(tag) != "SQ"


def _fragments(stream: _Stream, position: int, big: bool) -> int:
    """Return the position behind encapsulated pixel data (PS3.5 A.4)."""
    while True:
        data, at = stream.at(position, 12)
        tag, _, start, length = _header(data, at, position, implicit=True, big=big)
        if tag == _SEQUENCE_END and not length:
            return start
        if tag != _ITEM or length == _OPEN:
            raise Doubt("encapsulated pixel data is not made of fragments")
        position = start + length


def _items(
    stream: _Stream, position: int, end: int | None, depth: int, implicit: bool, big: bool
) -> int:
    """Return the position behind a sequence; items fill it exactly, and elements their items."""
    if depth < 0:
        raise Doubt("its sequences are nested too deeply")
    while position != end:
        data, at = stream.at(position, 12)
        tag, _, start, length = _header(data, at, position, implicit=True, big=big)
        if tag == _SEQUENCE_END and end is None:
            return start
        if tag != _ITEM or (end is not None and start > end):
            raise Doubt("a sequence is not made of items")
        stop = None if length == _OPEN else start + length
        position = start
        while position != stop:
            data, at = stream.at(position, 12)
            if position == start and implicit and _CAPITALS.fullmatch(data, at + 4, at + 6):
                raise Doubt("an item is not encoded as its data set")
            header = _header(data, at, position, implicit=implicit, big=big)
            if header[0] == _ITEM_END and stop is None:
                position = header[2]
                break
            if header[0] >> 16 == 0xFFFE or (stop is not None and header[2] > stop):
                raise Doubt("an item is not made of elements")
            position = _behind(stream, header, depth, implicit, big)
    return position


def _dataset(dataset: Any) -> Found:
    """Read a data set of pydicom's, which holds each tag once; what is raw is written as it is."""
    if meta := getattr(dataset, "file_meta", None):
        written = _head(meta)
        end, syntax = _meta(_Stream(written))
        if end != len(written):
            raise Doubt("the file meta information is malformed")
        if syntax in _DEFLATED[1:]:
            raise Doubt("pydicom does not inflate it")
    for element in map(dataset.get_item, dataset.keys()):
        value, tag = element.value, int(element.tag)
        if isinstance(value, bytes) and value and hasattr(element, "is_implicit_VR"):
            implicit, big = element.is_implicit_VR, not element.is_little_endian
            vr = (element.VR or "").encode() if not implicit else b""
            if element.length != _OPEN and not (implicit and _is_plain(tag)):
                _behind(_Stream(value), (tag, vr, 0, len(value)), _DEPTH, implicit, big)
    said: dict[int, str] = {}
    for tag in _TAGS:
        if tag not in dataset:
            continue
        element = dataset.get_item(tag)
        if tag == _STATUS and element.VR not in ("CS", None):
            raise Doubt(f"the VR of {STATUS} is not CS")
        value = element.value if tag in (_UID, _STATUS) else ""
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        texts = [value] if isinstance(value, str) or value is None else value
        said[tag] = "\\".join(str(text or "") for text in texts).strip(" \0")
    found = _found(said)
    if meta and not found.uid:
        raise Doubt("it names no instance")
    return found


def _head(meta: Any) -> bytes:
    """Return what pydicom would write in front of a data set."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_file_meta_info

    out = DicomBytesIO()
    write_file_meta_info(out, copy.deepcopy(meta), enforce_standard=False)
    return bytes(128) + b"DICM" + out.getvalue()


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Doubt("it is not JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        for name, count in Counter(name for name, _ in pairs).items():
            meant = _tag(name) in _TAGS or name in ("vr", "Value", "Study", "Series", "Instances")
            if count > 1 and (meant or name == "DICOM" or name[:1].isdigit()):
                raise Doubt("a member stands twice")
    return made


def _tag(name: str) -> int:
    """Return the tag of a member's name in any spelling that a reader takes; -1 for none."""
    try:
        return int(name, 16)
    except ValueError:
        return next((tag for tag, keyword in _TAGS.items() if keyword == name), -1)


def _json(node: Any) -> Found:
    """Read a data set of the DICOM JSON Model (PS3.18 F.2)."""
    if not isinstance(node, dict):
        raise Doubt("it is not a data set")
    said: dict[int, str] = {}
    for name, element in node.items():
        tag = _tag(name)
        if tag not in _TAGS:
            continue
        if tag in said:
            raise Doubt(f"{_TAGS[tag]} stands twice")
        if tag not in (_UID, _STATUS):
            said[tag] = ""
            continue
        values = element.get("Value", []) if isinstance(element, dict) else None
        if tag == _STATUS and (not isinstance(element, dict) or element.get("vr") != "CS"):
            raise Doubt(f"the VR of {STATUS} is not CS")
        if not isinstance(values, list) or not {"InlineBinary", "BulkDataURI"}.isdisjoint(element):
            values = ["?"]  # nobody knows before it is fetched
        said[tag] = "\\".join(str("" if v is None else v) for v in values).strip(" \0")
    return _found(said)


def _image_set(document: dict[str, Any]) -> list[Found]:
    """Read the instances of AWS HealthImaging's metadata."""
    study = document.get("Study")
    if not isinstance(study, dict):
        raise Doubt("it is not the metadata of an image set")
    found: list[Found] = []
    levels = [study]
    for series in _members(study, "Series"):
        levels.append(series[1])
        for uid, instance in _members(series[1], "Instances"):
            dicom = _dicom(instance)
            status = dicom.get(STATUS)
            texts = status if isinstance(status, list) else [status]
            text = "\\".join(str("" if one is None else one) for one in texts).strip(" \0")
            found.append(Found(uid, text, frozenset(COMPANIONS) & dicom.keys()))
    for level in levels:
        if STATUS in _dicom(level):
            raise Doubt(f"{STATUS} stands at the level of a series or study")
    return found


def _members(node: dict[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    members = node.get(name, {})
    if not isinstance(members, dict) or not all(isinstance(m, dict) for m in members.values()):
        raise Doubt(f"{name} is not made of objects")
    return [*members.items()]


def _dicom(node: dict[str, Any]) -> dict[str, Any]:
    found = node.get("DICOM", {})
    if not isinstance(found, dict):
        raise Doubt("DICOM is not an object")
    return found


def _xml(data: bytes) -> Found:
    """Read a data set as Mirth's XML has it."""
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError:
        raise Doubt("it is not XML") from None
    said: dict[int, str] = {}
    for child in root:
        name = child.tag.rpartition("}")[2]
        tags = {
            _tag(name[3:]) if name[:3].lower() == "tag" else -1,
            _tag(child.get("tag", name[3:])),
        }
        if tags.isdisjoint(_TAGS):
            continue
        if len(tags) > 1 or (tag := tags.pop()) in said or len(child):
            raise Doubt("an element stands twice, or its name and its tag differ")
        if tag == _STATUS and child.get("vr", "CS") != "CS":
            raise Doubt(f"the VR of {STATUS} is not CS")
        said[tag] = (child.text or "").strip(" \0\r\n\t")
    return _found(said)
