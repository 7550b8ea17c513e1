"""Elements of a data set as text, wherever they come from: Part 10 bytes or a pydicom ``Dataset``."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import FileIO
from os import PathLike
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import character_set, data_set, dicom_nooks, part10, part10_write
from sopstatus.codecs.library import comes_from
from sopstatus.codecs.part10_file import Part10File
from sopstatus.codecs.part10_plan import Plan
from sopstatus.codecs.part10_window import FIRST_READ, Begun, File, View, Window
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue, SOPInstance, Value
from sopstatus.table import Attribute

CHARACTER_SET, SOP_CLASS, SOP_INSTANCE = 0x00080005, 0x00080016, 0x00080018
TIMEZONE_OFFSET, STUDY, SERIES = 0x00080201, 0x0020000D, 0x0020000E
IDENTITY = (STUDY, SERIES, SOP_CLASS, SOP_INSTANCE)
CODE_STRINGS = (CHARACTER_SET, TIMEZONE_OFFSET, *IDENTITY)
_EXTENDED = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")  # (0008,0005) applies (PS3.5 6.1.2.3)


@dataclass(slots=True)
class Elements:
    """The elements that were asked for: of a data set that was walked, or of a pydicom one.

    ``source`` gives again what pydicom can read, ``stop`` the tag behind which nothing is read.
    """

    walked: part10.DataSet | None = None
    dataset: Any = None
    source: Callable[[], Any] = dict
    stop: int = 0

    def get(self, tag: int) -> bytes | str | None:
        """Return raw bytes or text of an element, ``None`` where it is absent."""
        if self.walked is None:
            return _of_dataset(self.dataset, tag)
        found = self.walked.elements.get(tag)
        return found.data if found else None

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


def read(
    document: Any, wanted: Plan, limits: Limits = DEFAULT, *, strictly: bool = False
) -> Elements:
    """Open a data set for reading what a plan wants (``strictly``: for rewriting it, too).

    Raise `DocumentError` where the document is no data set and no Part 10 file.
    """
    if isinstance(document, Part10File):
        document = document.path
    if isinstance(document, bytes):
        window = Window(document, None, limits)
        return _walked(window, wanted, lambda: io.BytesIO(document), strictly=strictly)
    if isinstance(document, Begun):
        window = Window(document.start, File(document.file), limits)
        return _walked(window, wanted, lambda: rewound(document.file), strictly=strictly)
    if isinstance(document, str | PathLike):
        try:
            with FileIO(document) as file:
                window = Window(file.read(FIRST_READ), File(file), limits)
                return _walked(window, wanted, lambda: document, strictly=strictly)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise document_error("document/unreadable", "", reason=reason) from None
    if comes_from(document, "pydicom"):
        return Elements(dataset=document)
    if isinstance(document, bytearray | memoryview):
        view = memoryview(document)
        window = Window(b"", View(view), limits)
        return _walked(window, wanted, lambda: io.BytesIO(view), strictly=strictly)
    if hasattr(document, "read"):
        window = Window(b"", File(rewound(document)), limits)
        try:
            return _walked(window, wanted, lambda: rewound(document), strictly=strictly)
        finally:
            rewound(document)
    raise document_error("document/unknown-type", "", type=type(document).__name__)


def rewound(file: Any) -> Any:
    """Return a file object at its beginning."""
    file.seek(0)
    return file


def _walked(window: Window, wanted: Plan, source: Callable[[], Any], *, strictly: bool) -> Elements:
    window.more(0, 1)
    if not window.data:
        raise document_error("document/empty", "")
    try:
        walked = part10.walk(window, wanted, strictly=strictly)
    except part10.Lost:
        return Elements(dataset=by_pydicom(source()))
    if walked.deflated and walked.doubtful:
        walked.window.drain()  # pydicom, which will look closer, has no limit
    return Elements(walked, None, source, wanted.last)


def by_pydicom(source: Any, stop: int = 0) -> Any:
    """Read by pydicom what the walker cannot follow; nothing behind ``stop``, if it is given."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_partial

    try:
        if not stop:
            return dcmread(source, stop_before_pixels=True)
        if not isinstance(source, str | PathLike):
            return read_partial(source, stop_when=lambda tag, vr, length: tag > stop)
        with open(source, "rb") as file:
            return read_partial(file, stop_when=lambda tag, vr, length: tag > stop)
    except InvalidDicomError:
        raise document_error("dicom/not-part10", "") from None
    except Exception:  # what pydicom raises on a broken file is not one family
        raise document_error("dicom/not-understood", "") from None


def _of_dataset(dataset: Any, tag: int) -> bytes | str | None:
    from pydicom.dataelem import RawDataElement
    from pydicom.multival import MultiValue

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
        return "\\".join(map(str, found))
    return str(found)  # DT, DS and IS keep what was read


def nooks(elements: Elements, rows: Iterable[Attribute]) -> list[Issue]:
    """Return issues for what looks like a status and states nothing."""
    if elements.walked is None:
        return dicom_nooks.of_dataset(elements.dataset, rows)
    if not elements.walked.doubtful:
        return []
    try:
        dataset = by_pydicom(elements.source(), elements.stop)
    except DocumentError:
        return []
    return dicom_nooks.of_dataset(dataset, rows)


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
    if elements.walked and part10_write.element(elements.walked, row.tag, row.vr, encoded) is None:
        return "dicom/too-long"
    return None


def encoded(
    elements: Elements, changes: dict[Attribute, Any], issues: list[Issue]
) -> dict[int, bytes | None]:
    """Return the elements that change as Part 10 has them; ``None`` where one is removed."""
    if changes and elements.walked is None:
        issues.append(issue("dicom/not-rewritable", ""))
        return {}
    made: dict[int, bytes | None] = {}
    for row, text in changes.items():
        if text is False:
            made[row.tag] = None
            continue
        terms = elements.character_set() if row.vr in _EXTENDED else ()
        raw = character_set.encode(text or "", terms)
        assert raw is not None and elements.walked is not None  # `unfit` has tried
        made[row.tag] = part10_write.element(elements.walked, row.tag, row.vr, raw)
    return made
