"""Elements of a data set as text, wherever they come from: Part 10 bytes or a pydicom ``Dataset``."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import character_set, data_set, dicom_nooks, part10
from sopstatus.codecs.library import comes_from
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table import Attribute

CHARACTER_SET, SOP_CLASS, SOP_INSTANCE = 0x00080005, 0x00080016, 0x00080018
TIMEZONE_OFFSET, STUDY, SERIES = 0x00080201, 0x0020000D, 0x0020000E
IDENTITY = (STUDY, SERIES, SOP_CLASS, SOP_INSTANCE)
_CODE_STRINGS = (CHARACTER_SET, TIMEZONE_OFFSET, *IDENTITY)
_EXTENDED = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")  # (0008,0005) applies (PS3.5 6.1.2.3)


@dataclass(slots=True)
class Elements:
    """The elements that were asked for, and the walked data set they come from, if any.

    ``get`` returns raw bytes or text of an element, ``None`` where it is absent.
    """

    get: Callable[[int], bytes | str | None]
    walked: part10.DataSet | None = None
    dataset: Any = None  # a pydicom data set

    def plain(self, tag: int) -> str:
        """Return the text of an element of the default repertoire; empty where it is absent."""
        found = self.get(tag)
        text = found.decode("latin-1") if isinstance(found, bytes) else found or ""
        return text.strip(" \0")

    def offset(self) -> str:
        """Return Timezone Offset From UTC (0008,0201)."""
        return self.plain(TIMEZONE_OFFSET)

    def character_set(self) -> tuple[str, ...]:
        """Return the terms of Specific Character Set (0008,0005)."""
        text = self.plain(CHARACTER_SET)
        return tuple(term.strip() for term in text.split("\\")) if text else ()

    def terms(self, vr: str) -> tuple[str, ...]:
        """Return the terms of (0008,0005) that apply to a VR: none to CS, DT and the like."""
        return self.character_set() if vr in _EXTENDED else ()


def location(tag: int) -> str:
    """Write a tag as the location of an issue."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def read(document: Any, tags: Iterable[int], limits: Limits = DEFAULT) -> Elements:
    """Open a data set for reading the identity and these tags.

    Raise `DocumentError` where the document is no data set and no Part 10 file.
    """
    if comes_from(document, "pydicom"):
        return _of_dataset(document)
    if isinstance(document, bytes | bytearray | memoryview):
        return _walked(
            part10.Window(bytes(document), None, limits), tags, lambda: io.BytesIO(document)
        )
    if isinstance(document, str | PathLike):
        try:
            with open(document, "rb") as file:
                return _walked(part10.Window(b"", file.read, limits), tags, lambda: document)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise document_error("document/unreadable", "", reason=reason) from None
    if hasattr(document, "read"):
        file = rewound(document)
        found = _walked(part10.Window(b"", file.read, limits), tags, lambda: rewound(document))
        rewound(document)
        return found
    raise document_error("document/unknown-type", "", type=type(document).__name__)


def rewound(file: Any) -> Any:
    """Return a file object at its beginning."""
    file.seek(0)
    return file


def _walked(window: part10.Window, tags: Iterable[int], source: Callable[[], Any]) -> Elements:
    if not window.need(1):
        raise document_error("document/empty", "")
    try:
        dataset = part10.walk(window, {*_CODE_STRINGS, *tags})
    except part10.Lost:
        return _by_pydicom(source())

    def get(tag: int) -> bytes | None:
        found = dataset.value(tag)
        return found[0] if found else None

    return Elements(get, dataset)


def _by_pydicom(source: Any) -> Elements:
    """Read by pydicom what the walker cannot follow."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        return _of_dataset(dcmread(source, stop_before_pixels=True))
    except InvalidDicomError:
        raise document_error("dicom/not-part10", "") from None
    except Exception:  # what pydicom raises on a broken file is not one family
        raise document_error("dicom/not-understood", "") from None


def _of_dataset(dataset: Any) -> Elements:
    from pydicom.dataelem import RawDataElement
    from pydicom.multival import MultiValue

    def get(tag: int) -> bytes | str | None:
        if tag not in dataset:
            return None
        try:
            element = dataset.get_item(tag)
            if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
                return element.value
            found = dataset[tag].value
        except Exception:  # what pydicom raises on a broken element is not one family
            raise document_error("dicom/not-understood", location(tag)) from None
        if found is None or isinstance(found, bytes):
            return found or b""
        if isinstance(found, MultiValue | list | tuple):
            return "\\".join(_text(item) for item in found)
        return _text(found)

    return Elements(get, dataset=dataset)


def nooks(elements: Elements, rows: Iterable[Attribute]) -> list[Issue]:
    """Return issues for what looks like a status and states nothing."""
    if elements.walked:
        return dicom_nooks.of_walked(elements.walked, rows)
    return dicom_nooks.of_dataset(elements.dataset, rows)


def uids(dataset: Any) -> Iterator[Any]:
    """Yield every UID object: copying one makes pydicom print it in a warning if it is not legal."""
    from pydicom.multival import MultiValue
    from pydicom.uid import UID

    for element in dataset.values():
        found = getattr(element, "value", None)
        if getattr(element, "VR", "") == "SQ" and not isinstance(found, bytes | None):
            for item in found:
                yield from uids(item)
        else:
            many = found if isinstance(found, MultiValue) else (found,)
            yield from (item for item in many if isinstance(item, UID))


def _text(item: Any) -> str:
    original = getattr(item, "original_string", None)  # DT, DS, IS keep what was read
    return original if isinstance(original, str) else str(item)


def identity(elements: Elements, issues: list[Issue]) -> SOPInstance:
    """Read the UIDs of a data set."""
    return data_set.identity([(elements.plain(t), location(t)) for t in IDENTITY], issues)


def value(elements: Elements, row: Attribute, issues: list[Issue]) -> dict[str, Value]:
    """Read one attribute: its keyword and value, or nothing where it is absent or unreadable."""
    found = elements.get(row.tag)
    if found is None:
        return {}
    text = found
    if isinstance(text, bytes):
        terms = elements.character_set() if row.vr in _EXTENDED else ()
        decoded = character_set.decode(text, terms)
        if not text.isascii() and not terms:
            issues.append(issue("dicom/charset-missing", location(row.tag), keyword=row.keyword))
        if character_set.is_doubtful(text, terms):
            issues.append(issue("dicom/charset-doubtful", location(row.tag), keyword=row.keyword))
        if decoded is None:
            issues.append(issue("dicom/undecodable", location(row.tag), keyword=row.keyword))
            return {}
        text = decoded
    return {row.keyword: data_set.value(row, text, location(row.tag), issues)}


def unfit(elements: Elements, row: Attribute, text: str) -> str | None:
    """Tell why a value cannot be written, as the code of an issue; ``None`` where it can."""
    terms = elements.character_set() if row.vr in _EXTENDED else ()
    encoded = character_set.encode(text, terms)
    if encoded is None:
        return "dicom/charset"
    if elements.walked and part10.element(elements.walked, row.tag, row.vr, encoded) is None:
        return "dicom/too-long"
    return None


def rewritten(
    data: bytes, elements: Elements, changes: dict[Attribute, Any], issues: list[Issue]
) -> bytes:
    """Return Part 10 bytes with the changes made and every other byte as it was."""
    if not changes:
        return data
    if elements.walked is None:
        issues.append(issue("dicom/not-rewritable", ""))
        return data
    encoded: dict[int, bytes | None] = {}
    for row, text in changes.items():
        if text is False:
            encoded[row.tag] = None
            continue
        terms = elements.character_set() if row.vr in _EXTENDED else ()
        raw = character_set.encode(text or "", terms)
        assert raw is not None  # `unfit` has tried
        encoded[row.tag] = part10.element(elements.walked, row.tag, row.vr, raw)
    return part10.rewrite(data, elements.walked, encoded)
