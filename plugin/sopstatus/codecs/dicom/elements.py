"""The elements of a data set that a codec needs: from Part 10 bytes, a file, or a pydicom ``Dataset``.

The walker reads headers and these elements; what it does not follow is left to pydicom. `Elements`
says what they state, what is wrong with them, and how they are written.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from os import PathLike
from typing import Any

from sopstatus.catalogue import document_error, issue, reason_of
from sopstatus.codecs.dicom import by_pydicom, character_set
from sopstatus.codecs.dicom import hidden as dicom_hidden
from sopstatus.codecs.dicom.fast import CODE_STRINGS, Plan
from sopstatus.codecs.part10 import rewrite as part10_write
from sopstatus.codecs.part10 import walk as part10
from sopstatus.codecs.part10.file import Part10File
from sopstatus.codecs.part10.window import FIRST_READ, Begun, Descriptor, File, View, Window
from sopstatus.codecs.shared import data_set
from sopstatus.codecs.shared.data_set import (
    CHARACTER_SET,
    IDENTITY,
    TIMEZONE_OFFSET,
    Changes,
    DataSet,
)
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.library import comes_from
from sopstatus.holder import NOBODY, Holder
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue, SOPInstance, Value
from sopstatus.table import Attribute, conversions
from sopstatus.table.conversions import PACKED
from sopstatus.values import tag_text

QUICKLY, FULLY, STRICTLY = "", "fully", "strictly"
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # Windows
_FIRST_RECORD, _RECORDS = 0x00041200, 0x00041220
_EXTENDED = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")  # (0008,0005) applies (PS3.5 6.1.2.3)


@dataclass(slots=True)
class Elements:
    """The elements of a plan: of a data set that was walked, or of a pydicom one.

    ``source`` gives again what pydicom can read. ``tolerantly``: the bytes could not be followed,
    and pydicom made the data set of them.
    """

    plan: Plan
    walked: part10.DataSet | None = None
    dataset: Any = None
    source: Callable[[], Any] = dict
    tolerantly: bool = False

    def get(self, tag: int) -> bytes | str | None:
        """Return raw bytes or text of an element, ``None`` where it is absent."""
        if self.walked is None:
            return _of_dataset(self.dataset, tag)
        found = self.walked.elements.get(tag)
        return found.data if found else None

    def packed(self, tag: int, vr: str) -> str | None:
        """Return the text of numbers that stand as bytes; ``None`` where they are of another VR."""
        if self.vr(tag) not in ("", "UN", vr):
            return None
        found = self.get(tag)
        # PS3.5 6.2.2: what is UN is in little endian
        big = bool(self.walked and self.walked.big and self.vr(tag) != "UN")
        return conversions.unpack(vr, found, big=big) if isinstance(found, bytes) else found

    def vr(self, tag: int) -> str:
        """Return the VR that an element is written in; empty in implicit VR, and for one that is none."""
        if self.walked is None:
            return _vr_of(self.dataset, tag)
        found = self.walked.elements.get(tag)
        return found.vr if found else ""

    def has(self, tag: int) -> bool:
        """Tell whether an element is there, readable or not."""
        if self.walked is None:
            return tag in self.dataset
        return tag in self.walked.elements or tag in self.walked.findings.odd

    def text(self, tag: int, vr: str) -> str | None:
        """Return the text of an element; ``None`` where it is absent, or not of its character set."""
        if vr in PACKED:
            return self.packed(tag, vr)
        found = self.get(tag)
        return character_set.decode(found, self.terms(vr)) if isinstance(found, bytes) else found

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

    def said(self, holder: Holder, limits: Limits) -> tuple[SOPInstance, tuple[Issue, ...]]:
        """Return the statement, at one glance where that is enough, and what is wrong with it."""
        walked = self.walked
        quick = walked and not walked.doubtful and not walked.findings.met
        if walked and quick and (plain := self.plan.read(walked, holder)):
            return plain, (_not_looked(walked.unseen),) if walked.unseen else ()
        issues = Issues(limits)
        self.troubles(issues)
        statement = replace(self.statement(issues), holder=holder)
        issues += self.hidden()
        return statement, issues.told()

    def statement(self, issues: Issues) -> SOPInstance:
        """Read the identity and every value on which readers agree: none if an element is repeated."""
        walked = self.walked
        quick = walked and not (walked.doubtful or walked.findings.odd or self.repeated())
        if walked and quick and (plain := self.plan.read(walked, NOBODY)):
            return plain
        said: dict[str, Value] = {}
        for row in self.plan.rows:
            said |= self.value(row, issues)
        at_offset = issues.at(tag_text(TIMEZONE_OFFSET))
        said = data_set.localised(said, self.plan.rows, self.offset(), at_offset)
        stated = () if self.repeated() else tuple(said.items())
        return replace(self.identity(issues), attributes=stated)

    def held(self, limits: Limits) -> SOPInstance:
        """Return what stands in a data set that is to be written; raise `DocumentError` for a DICOMDIR."""
        found = self.statement(Issues(limits))
        if not found.sop_instance_uid and self.is_directory():
            raise document_error("dicom/directory", "")
        return found

    def identity(self, issues: Issues) -> SOPInstance:
        """Read the UIDs."""
        uids = [(self.plain(tag), tag_text(tag)) for tag in IDENTITY]
        if not any(uid for uid, _ in uids):
            issues.at("").add("dicom/directory" if self.is_directory() else "dicom/no-instance")
            return SOPInstance()
        return data_set.identity(uids, issues)

    def is_directory(self) -> bool:
        """Tell whether this is a DICOMDIR: it has records, or says where they are (PS3.3 F.3.2.2)."""
        try:
            return _FIRST_RECORD in self.reread(_FIRST_RECORD) or _RECORDS in self.reread(_RECORDS)
        except DocumentError:
            return False

    def value(self, row: Attribute, issues: Issues) -> dict[str, Value]:
        """Read one attribute: its keyword and value, or nothing where it is absent or unreadable."""
        found = self.get(row.tag)
        if found is None:
            return {}
        issues = issues.at(tag_text(row.tag))
        if row.vr in PACKED:
            found = self.packed(row.tag, row.vr)
            if found is None:
                issues.add("value/not-of-type", keyword=row.keyword, vr=row.vr)
                return {}
        if isinstance(found, str):
            return {row.keyword: data_set.value(row, found, issues)}
        terms = self.terms(row.vr)
        if not found.isascii():
            if not terms:
                issues.add("dicom/charset-missing", keyword=row.keyword)
            if character_set.is_misspelt(terms):
                issues.at(tag_text(CHARACTER_SET)).add("dicom/charset-misspelt")
            if character_set.is_doubtful(found, terms):
                issues.add("dicom/charset-doubtful", keyword=row.keyword)
        text = character_set.decode(found, terms)
        if text is None:
            issues.add("dicom/undecodable", keyword=row.keyword)
            return {}
        return {row.keyword: data_set.value(row, text, issues)}

    def hidden(self) -> list[Issue]:
        """Return issues for what looks like a status and states nothing."""
        if self.walked and not self.walked.doubtful:
            return []
        try:
            dataset = self.reread(self.plan.walk.last)
        except DocumentError as error:
            return list(error.issues)
        return dicom_hidden.of_dataset(dataset, self.plan.rows)

    def signed(self, changed: Iterable[Attribute], dataset: Any = None) -> list[Issue]:
        """Return issues for what changes and a digital signature covers, or may cover.

        ``dataset`` is the data set as pydicom has read it, if it has.
        """
        tag = dicom_hidden.MAC_PARAMETERS
        count = self.walked.count(tag) if self.walked else tag in self.dataset
        if not count:
            return []
        try:
            dataset = {} if count > 1 else dataset or self.reread(tag)
        except DocumentError:
            dataset = {}
        return dicom_hidden.signed(dataset, changed)

    def reread(self, last: int) -> Any:
        """Return what pydicom reads of the data set, up to a tag; raise `DocumentError`."""
        if self.walked is None:
            return self.dataset
        limits = self.walked.window.limits
        try:
            return by_pydicom.headers(self.source(), limits, last)
        except DocumentError:
            raise document_error("dicom/not-looked-into", "", limit=limits.elements) from None

    def troubles(self, issues: Issues) -> None:
        """Add what is wrong with the data set, whatever it states."""
        if self.tolerantly:
            issues.add("dicom/by-pydicom")
        for code, tag in self._faults().items():
            issues.at(tag_text(tag)).add(code)
        for row in self.plan.rows:
            if self._has_wrong_vr(row):
                issues.at(tag_text(row.tag)).add("dicom/wrong-vr", keyword=row.keyword, vr=row.vr)
        if self.walked and self.walked.unseen:
            issues.append(_not_looked(self.walked.unseen))
        issues += self.repeated()

    def repeated(self) -> list[Issue]:
        """Return an issue for each element that stands more than once, if a statement needs it."""
        counts = self.walked.findings.counts if self.walked else {}
        if max(counts.values(), default=0) < 2:
            return []
        return [
            issue("dicom/repeated", tag_text(tag), count=counts[tag])
            for tag in (*CODE_STRINGS, *(row.tag for row in self.plan.rows))
            if counts.get(tag, 0) > 1
        ]

    def _faults(self) -> dict[str, int]:
        """Return what is wrong with the data set: the code of an issue, and where it was met first."""
        if self.walked is None:
            return dicom_hidden.faults(self.dataset)
        return self.walked.findings.faults

    def _has_wrong_vr(self, row: Attribute) -> bool:
        """Tell whether an element is written in a VR that is not its own; UN is no other (PS3.5 6.2.2)."""
        if self.walked and row.tag in self.walked.findings.odd:
            return True
        return self.vr(row.tag) not in ("", "UN", row.vr)

    def changes(
        self, old: SOPInstance, new: SOPInstance, issues: Issues, exactly: Collection[str]
    ) -> Changes:
        """Return what ``new`` changes in the data set, which states ``old``.

        Raise `DocumentError` where readers disagree what it states, or it cannot be rewritten.
        """
        if twice := self.repeated():
            raise DocumentError(*twice)
        present = frozenset(row.keyword for row in self.plan.rows if self.has(row.tag))
        own = DataSet("", old, self.offset(), present.difference(dict(old.attributes)))
        whole = old.sop_instance_uid in exactly or not new.attributes
        changes = own.changes(self.plan.rows, new, issues, self.unfit, exactly=whole)
        if changes and self.tolerantly:
            raise document_error("dicom/not-rewritable", "")
        bad = [tag for code, tag in self._faults().items() if code != "dicom/order"]
        bad += [r.tag for r, v in changes.items() if v is not False and self._has_wrong_vr(r)]
        if changes and bad:
            raise document_error("dicom/not-rewritable", tag_text(bad[0]))
        return changes

    def unfit(self, row: Attribute, text: str) -> str | None:
        """Tell why a value cannot be written, as the code of an issue; ``None`` where it can."""
        raw = self.raw(row, text)
        if raw is None:
            return "dicom/charset"
        if self.walked and part10_write.element(self.walked, row.tag, row.vr, raw) is None:
            return "dicom/too-long"
        return None

    def raw(self, row: Attribute, text: str) -> bytes | None:
        """Return the bytes of a value; ``None`` where its character set or its VR has none."""
        if row.vr in PACKED:
            return conversions.pack(row.vr, text, big=bool(self.walked and self.walked.big))
        return character_set.encode(text, self.terms(row.vr))

    def encoded(self, changes: Changes) -> part10_write.Changes:
        """Return the elements that change as Part 10 has them; ``None`` where one is removed."""
        made: dict[int, bytes | None] = {}
        for row, text in changes.items():
            made[row.tag] = None
            if not isinstance(text, bool):
                raw = self.raw(row, text or "")
                assert raw is not None and self.walked is not None  # `unfit` has tried
                made[row.tag] = part10_write.element(self.walked, row.tag, row.vr, raw)
        return made


@lru_cache(maxsize=64)
def _not_looked(tag: int) -> Issue:
    """Return the issue for a file that was not looked at behind a long value."""
    return issue("dicom/not-looked-behind", tag_text(tag))


def read(document: Any, wanted: Plan, limits: Limits = DEFAULT, *, how: str = QUICKLY) -> Elements:
    """Open a data set for reading what a plan wants.

    ``how`` is `QUICKLY` (a file is looked at behind group 0100 where that is cheap, what is in memory
    to the end), `FULLY` (to the end) or `STRICTLY` (every element, as rewriting needs). Raise
    `DocumentError` where the document is no data set and no Part 10 file.
    """
    if isinstance(document, Part10File):
        document = document.path
    if isinstance(document, bytes):
        again = partial(Window, document, None, limits)
        return _walked(again, wanted, lambda: io.BytesIO(document), how or FULLY)
    if isinstance(document, Begun):
        file = document.file
        start = Window(document.start, File(file), limits)
        return _walked(lambda: _over(file, limits), wanted, lambda: rewound(file), how, start)
    if isinstance(document, str | PathLike):
        try:
            number = os.open(document, _READ)
            try:
                source = Descriptor(number)
                start = Window(source.read(FIRST_READ), source, limits)
                return _walked(lambda: _again(number, limits), wanted, lambda: document, how, start)
            finally:
                os.close(number)
        except OSError as error:
            reason = reason_of(error)
            raise document_error("document/unreadable", "", reason=reason) from error
    if comes_from(document, "pydicom"):
        return Elements(wanted, dataset=document)
    if isinstance(document, bytearray | memoryview):
        view = memoryview(document)
        return _walked(
            lambda: Window(b"", View(view), limits), wanted, lambda: io.BytesIO(view), how or FULLY
        )
    if hasattr(document, "read"):
        try:
            return _walked(lambda: _over(document, limits), wanted, lambda: rewound(document), how)
        finally:
            rewound(document)
    accepted = "a pydicom Dataset, a path, Part 10 bytes or a binary file object"
    raise document_error(
        "document/unknown-type", "", type=type(document).__name__, accepted=accepted
    )


def _again(number: int, limits: Limits) -> Window:
    os.lseek(number, 0, os.SEEK_SET)
    return Window(b"", Descriptor(number), limits)


def _over(file: Any, limits: Limits) -> Window:
    return Window(b"", File(rewound(file)), limits)


def rewound(file: Any) -> Any:
    """Return a file object at its beginning."""
    file.seek(0)
    return file


def _walked(
    again: Callable[[], Window],
    wanted: Plan,
    source: Callable[[], Any],
    how: str,
    start: Window | None = None,
) -> Elements:
    """Walk; where anything is out of the ordinary look at every element; where that fails ask pydicom."""
    window = start or again()
    window.more(0, 1)
    if not window.data:
        raise document_error("document/empty", "")
    walked = None
    try:
        if how != STRICTLY:
            walked = part10.walk(window, wanted.walk, behind=how == FULLY or None)
    except part10.Lost:
        window = again()
    try:
        walked = walked or part10.survey(window, wanted.walk)
    except part10.Lost:
        return Elements(
            wanted,
            dataset=by_pydicom.headers(source(), window.limits),
            source=source,
            tolerantly=True,
        )
    return Elements(wanted, walked, None, source)


def _of_dataset(dataset: Any, tag: int) -> bytes | str | None:
    from pydicom.dataelem import RawDataElement
    from pydicom.multival import MultiValue

    if tag not in dataset:
        return None
    try:
        element = dataset.get_item(tag)
        if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
            vr = element.VR if element.VR not in (None, "UN") else _vr_in_dictionary(tag)
            if vr not in PACKED:
                return element.value
        found = dataset[tag].value
        if found is None or isinstance(found, bytes):
            return found or b""
        if isinstance(found, MultiValue | list | tuple):
            return "\\".join(map(str, found))
        return str(found)  # DT, DS and IS keep what was read
    except Exception:  # what pydicom raises on a broken element is not one family
        raise document_error("dicom/not-understood", tag_text(tag)) from None


def _vr_in_dictionary(tag: int) -> str:
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    return dictionary_VR(tag) if dictionary_has_tag(tag) else ""


def _vr_of(dataset: Any, tag: int) -> str:
    if tag not in dataset:
        return ""
    try:
        return str(dataset.get_item(tag).VR or "")
    except Exception:  # what pydicom raises on a broken element is not one family
        return ""


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
