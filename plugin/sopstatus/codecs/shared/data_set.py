"""What the codecs of data sets share: a value as it is read, and what a statement changes in one.

A data set is the copy itself, so it names no holder and there is one statement for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sopstatus.catalogue import document_error
from sopstatus.codecs.shared import row_values as forms
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import (
    Near,
    Reading,
    by_uid,
    compatible,
    contradicting,
    expand,
    identities,
    offsets,
    unmapped,
    weigh,
)
from sopstatus.holder import COMPATIBLE, Holder, compare, is_about
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, Result, SOPInstance, Value
from sopstatus.table import Attribute, MappingTable
from sopstatus.table.conversions import PACKED, number, pack
from sopstatus.table.language import GOVERNED
from sopstatus.values import (
    context_offset,
    is_offset,
    is_uid,
    spelt_out,
    tag_text,
    trim,
    with_offset,
)

NOT_LEGAL = "value/not-legal"
D = TypeVar("D", bound="DataSet")
Statements = tuple[SOPInstance, ...]
Changes = dict[Attribute, Value | bool]
"""By row: a value, ``None`` for zero length, ``False`` to remove."""

CHARACTER_SET, SOP_CLASS, SOP_INSTANCE = 0x00080005, 0x00080016, 0x00080018
TIMEZONE_OFFSET, STUDY, SERIES = 0x00080201, 0x0020000D, 0x0020000E
IDENTITY = {
    STUDY: "StudyInstanceUID",
    SERIES: "SeriesInstanceUID",
    SOP_CLASS: "SOPClassUID",
    SOP_INSTANCE: "SOPInstanceUID",
}
"""The UIDs of a SOP Instance by tag, in the order of `SOPInstance`."""

TWIN_CREATOR = "MMCPrivate"
TWINS = {0x38: 0x01000410, 0x39: 0x01000420, 0x3A: 0x01000424, 0x3B: 0x01000426}
"""Hitachi writes the four attributes a second time, as (0029,xx38) to (0029,xx3B)."""
NO_VR = "not a VR"
_NOT_REPLACED = ("SQ", NO_VR)
_VRS = frozenset(
    ("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL",
     "OV", "OW", "PN", "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US",
     "UT", "UV")
)  # fmt: skip


def vr_named(found: object) -> str:
    """Return a VR that is one (PS3.5 6.2), `NO_VR` in place of any other."""
    return found if isinstance(found, str) and found in _VRS else NO_VR


def value(row: Attribute, text: str, issues: Issues) -> Value:
    """Drop the padding of a value and tell what is wrong with it."""
    if row.vr == "CS" and text.rstrip(" ") != trim("CS", text):
        issues.add("value/padded", keyword=row.keyword)
    if row.vm == "1" and row.vr not in PACKED:
        text = trim(row.vr, text)
    else:
        text = "\\".join(number(row.vr, trim(row.vr, item)) for item in text.split("\\"))
    for code, facts in forms.problems(row, text) if text else ():
        issues.add(code, **facts)
    return text or None


def number_unfit(row: Attribute, text: str) -> str | None:
    """Return the code of what keeps text out of a number that stands as bytes."""
    return NOT_LEGAL if row.vr in PACKED and pack(row.vr, text) is None else None


def identity(uids: Sequence[tuple[str, str]], issues: Issues) -> SOPInstance:
    """Make an identity of study, series, class and instance: each a UID and where it stands."""
    for uid, where in uids:
        if not uid:
            issues.at(where).add("dicom/no-uid")
        elif not is_uid(uid):
            issues.at(where).add("value/not-uid", length=len(uid))
    study, series, sop_class, sop = (uid for uid, _ in uids)
    return SOPInstance(study, series, sop_class, sop)


def localised(
    said: dict[str, Value], rows: Iterable[Attribute], offset: str, issues: Issues
) -> dict[str, Value]:
    """Attach Timezone Offset From UTC (0008,0201) to every DT that has no offset of its own."""
    if offset and not is_offset(offset):
        issues.add("dicom/offset")
    for row in rows:
        if row.vr == "DT" and (text := said.get(row.keyword)):
            said[row.keyword] = with_offset(text, offset)
    return said


def about(given: Iterable[SOPInstance], own: SOPInstance, holder: str) -> list[SOPInstance]:
    """Return the statements about this data set; ``given`` is expanded to instances already."""
    uid, mine = own.sop_instance_uid, Holder.of(holder)
    return [
        one
        for one in given
        if one.sop_instance_uid == uid and compatible(one, own) and is_about(one.holder, mine)
    ]


def agreed(found: Sequence[SOPInstance], issues: Issues) -> SOPInstance | None:
    """Return the one thing that these statements say; ``None`` where they differ or are none."""
    if len({i.attributes for i in found}) > 1:
        issues.add("dicom/holder-ambiguous", count=len(found))
        return None
    return found[0] if found else None


def undecided(given: Iterable[SOPInstance], holder: str, issues: Issues) -> None:
    """Report that a statement may be about this holder's copy, or may not.

    It is written only where a site says whose a bare AE Title is (``[holders]``).
    """
    mine = Holder.of(holder)
    if mine.universal_id and any(
        one.holder.key and compare(one.holder, mine) is COMPATIBLE for one in given
    ):
        issues.at("holder").add("holder/compatible")


class Spoken:
    """What statements say of many copies, sorted by the copy, and each thing once.

    With ``holder``, these are its copies, and what is said of other holders' is about none.
    """

    def __init__(
        self,
        given: Iterable[SOPInstance],
        owns: Sequence[SOPInstance],
        holder: str = "",
        limits: Limits = DEFAULT,
    ) -> None:
        whole, named = tuple(given), Holder.of(holder)
        mine = [one for one in whole if is_about(one.holder, named)]
        self._others = [one for one in whole if not is_about(one.holder, named)]
        self._by_uid: dict[str, Near[SOPInstance]] = {}
        self._about: dict[tuple[str, str, str], tuple[SOPInstance, ...]] = {}
        self._unused: dict[int, SOPInstance] = {}
        self._limit, self._left = limits.pairs, limits.pairs + 2 * (len(whole) + len(owns))
        seen: set[tuple[object, ...]] = set()
        for one in expand(_each_once(tuple(dict.fromkeys(mine))), owns, limits):
            if (said := _said(one)) not in seen:
                seen.add(said)
                self._by_uid.setdefault(one.sop_instance_uid, Near()).add(one, one)
                self._unused[id(one)] = one

    def about(self, own: SOPInstance) -> tuple[SOPInstance, ...]:
        """Return the statements about one of the copies; raise `DocumentError` beyond the limit."""
        key = own.identity[:3]
        if key not in self._about:
            near = self._by_uid.get(own.sop_instance_uid)
            self._about[key] = tuple(near.to(own)) if near else ()
            self._allow(len(self._about[key]))
            for one in self._about[key]:
                self._unused.pop(id(one), None)
        return self._about[key]

    def decisions(self, owns: Iterable[SOPInstance]) -> list[tuple[SOPInstance, Statements]]:
        """Pair each copy, those that state the same once, with the statements about it.

        Raise `DocumentError` beyond the limit, before anything is decided.
        """
        pairs = [(own, self.about(own)) for own in dict.fromkeys(owns)]
        self._allow(sum(len(found) for _, found in pairs))
        return pairs

    def _allow(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise document_error("document/too-many-pairs", "", limit=self._limit)

    @property
    def unused(self) -> list[SOPInstance]:
        """The statements that are about none of the copies asked for so far."""
        return [*self._others, *self._unused.values()]


def _said(one: SOPInstance) -> tuple[object, ...]:
    """Return what a statement says of which instance, without its holder."""
    return (*one.identity[:3], one.attributes, offsets(one))


def _each_once(given: Sequence[SOPInstance]) -> Iterable[SOPInstance]:
    """Leave out what another holder has said too, unless a holder says more than one thing.

    Of those, what is more specific wins over the wider.
    """
    counts = Counter(one.holder.key for one in given)
    if len(counts) < 2:
        return given
    alone = {_said(one): one for one in reversed(given) if counts[one.holder.key] == 1}
    return [one for one in given if counts[one.holder.key] > 1 or alone[_said(one)] is one]


def silent_beside(owns: Sequence[SOPInstance]) -> set[SOPInstance]:
    """Return the data sets that say nothing beside another one of the same instance that speaks."""
    silent = {own for own in owns if not own.attributes}
    speaking: dict[str, Near[SOPInstance]] = {}
    for own in owns if silent else ():
        if own.attributes:
            speaking.setdefault(own.sop_instance_uid, Near()).add(own, own)
    return {
        own
        for own in silent
        if own.sop_instance_uid in speaking
        and next(iter(speaking[own.sop_instance_uid].to(own)), None)
    }


def chosen(
    given: Sequence[SOPInstance], own: SOPInstance, holder: str, issues: Issues
) -> SOPInstance | None:
    """Choose the statement about one data set: its own, else its series', else its study's.

    ``issues`` are at its SOP Instance UID.
    """
    undecided(given, holder, issues)
    found = about(expand(given, [own], issues.limits), own, holder)
    if given and not found:
        issues.add("dicom/no-counterpart", count=len(given))
    return agreed(found, issues)


def shared_out(
    given: Iterable[SOPInstance], owns: Sequence[D], holder: str, issues: Issues
) -> tuple[list[tuple[D, SOPInstance]], int]:
    """Pair data sets with the new statement of each that gets one; count the statements about none.

    Where one instance stands twice, a data set that says nothing is left so beside one that speaks.
    """
    given = tuple(given)
    undecided(given, holder, issues)
    speaking: dict[str, Near[SOPInstance]] = {}
    if any(not one.instance.attributes for one in owns):
        for own in (one.instance for one in owns if one.instance.attributes):
            speaking.setdefault(own.sop_instance_uid, Near()).add(own, own)
    spoken = Spoken(given, [one.instance for one in owns], holder, issues.limits)
    found: dict[tuple[str, str, str], tuple[SOPInstance | None, Issues]] = {}
    news: list[tuple[D, SOPInstance]] = []
    for one in owns:
        own = one.instance
        others = None if own.attributes else speaking.get(own.sop_instance_uid)
        if others and next(others.to(own), None):
            continue
        key = own.identity[:3]
        if key not in found:
            told = Issues()
            found[key] = (agreed(spoken.about(own), told), told)
        new, told = found[key]
        news += [(one, new)] if new else []
        issues += [replace(issue, location=one.where) for issue in told]
    weigh((new for _, new in news), issues.limits)
    return news, len(spoken.unused)


def changed(
    rows: Iterable[Attribute],
    given: Iterable[SOPInstance],
    owns: Sequence[D],
    holder: str,
    issues: Issues,
    exactly: Collection[str],
) -> tuple[list[tuple[D, Changes]], int]:
    """Pair data sets with what changes in each that gets a new statement, as `shared_out` does.

    Those with a SOP Instance UID in ``exactly`` are to state what is given and nothing else.
    """
    news, left = shared_out(given, owns, holder, issues)
    found = []
    for one, new in news:
        whole = one.instance.sop_instance_uid in exactly
        made = one.changes(rows, new, issues, exactly=whole)
        found.append((one, one.replaced(made, issues)))
    return found, left


def only(known: Iterable[SOPInstance]) -> SOPInstance:
    """Return the one instance that is known; raise `DocumentError` where there are more, or none."""
    about = by_uid(known)
    if len(about) != 1:
        raise document_error("dicom/not-one-instance", "", count=len(about))
    return about.popitem()[1]


@dataclass(slots=True)
class DataSet:
    """One data set of a document: its place there, what it says, and its own (0008,0201)."""

    at: str
    instance: SOPInstance
    offset: str = ""
    unread: frozenset[str] = frozenset()
    """Keywords of attributes that stand there and could not be read."""
    odd_vrs: tuple[tuple[str, str], ...] = ()
    """Keywords of attributes that stand there under another VR, and that VR."""
    faults: tuple[Issue, ...] = ()
    """Why nothing may be written into a document with this data set."""

    @property
    def where(self) -> str:
        """The place of its SOP Instance UID, as an issue names it."""
        return tag_text(SOP_INSTANCE)

    def place_of(self, row: Attribute) -> str:
        """Return the place of an attribute, as an issue names it."""
        return tag_text(row.tag)

    def changes(
        self,
        rows: Iterable[Attribute],
        new: SOPInstance,
        issues: Issues,
        unfit: Callable[[Attribute, str], str | None] = lambda *_: None,
        *,
        exactly: bool = False,
    ) -> Changes:
        """Return what ``new`` changes here; ``unfit`` tells why a value cannot be written, as a code.

        What could not be read goes with the statement that it belongs to (what the profile governs,
        only with one of its own); where ``exactly`` that is to stand here which ``new`` says, also
        if nothing else changes.
        """
        said, wanted = dict(self.instance.attributes), dict(new.attributes)
        changed: Changes = {}
        rows = tuple(rows)
        for row in rows:
            text = wanted.get(row.keyword)
            offset = context_offset(text)
            if text and self.offset and offset and offset != self.offset:
                text = spelt_out(text, offset)  # it was local to another one than this data set's
                issues.at(self.place_of(row)).add("dicom/offset-written", keyword=row.keyword)
            if row.keyword not in wanted:
                if row.keyword in said:
                    changed[row] = False
            elif row.keyword not in said or said[row.keyword] != text:
                if text and (code := number_unfit(row, text) or unfit(row, text)):
                    facts = {"vr": row.vr, "value": forms.shown(row, text)}
                    about = facts if code == NOT_LEGAL else {}
                    issues.at(self.place_of(row)).add(code, keyword=row.keyword, **about)
                else:
                    changed[row] = text
        governed = exactly or any(row.keyword in GOVERNED for row in changed)
        others = exactly or bool(changed)
        for row in rows:
            goes = governed if row.keyword in GOVERNED else others
            if goes and row.keyword in self.unread and row.keyword not in wanted:
                changed[row] = False
        return changed

    def replaced(self, changed: Changes, issues: Issues) -> Changes:
        """Return what changes, with an issue for each that could not be read, or has another VR.

        Raise `DocumentError` where a governed one would be written over a sequence or what is no VR.
        """
        odd_vrs = dict(self.odd_vrs)
        for row, new in changed.items():
            vr = odd_vrs.get(row.keyword, row.vr)
            if new is not False and vr in _NOT_REPLACED and row.keyword in GOVERNED:
                facts = {"keyword": row.keyword, "found": vr}
                raise document_error("dicom/not-replaced", self.place_of(row), **facts)
            if vr != row.vr or row.keyword in self.unread:
                issues.at(self.place_of(row)).add("dicom/replaced", keyword=row.keyword)
        return changed


@dataclass(frozen=True, slots=True)
class DataSets(Generic[D]):
    """What codecs share whose documents hold data sets as text: how statements are read out of them."""

    tables: MappingTable
    limits: Limits = DEFAULT

    def decode(self, document: Any, *, holder: str = "") -> Result[Statements]:
        """Read one statement for each data set that makes one; ``holder`` is who holds them all."""
        issues = Issues(self.limits)
        return self._said(self._found(document, issues), holder, issues)[0]

    def copies(self, document: Any) -> Statements:
        """Return what each data set states, also where that is nothing."""
        return tuple(one.instance for one in self.data_sets(document))

    def instances(self, document: Any) -> Statements:
        """List the identities of the data sets, said about or not."""
        return identities(self.copies(document))

    def read(self, document: Any, *, holder: str = "") -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        issues = Issues(self.limits)
        said, known = self._said(self._found(document, issues), holder, issues)
        return said, identities(one for one in known if one.sop_instance_uid)

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        holder: str = "",
        exactly: Collection[str] = (),
    ) -> Result[Any]:
        """Write each statement into the data set that it is about and return the new document.

        Where several holders are spoken of, ``holder`` says whose copies these are. Raise
        `DocumentError` where readers may disagree what a data set of the document says: nothing is
        written then, into no other either. Of data sets with a SOP Instance UID in ``exactly``,
        what cannot be read and is not stated goes, also where nothing else changes.
        """
        given, into, holder, issues = self._begun(instances, into, known, holder)
        return Result(self._written(given, into, holder, issues, exactly), issues.told())

    def blank(self, known: Iterable[SOPInstance]) -> Any:
        """Return the smallest document about these instances."""
        raise NotImplementedError

    def data_sets(self, document: Any) -> list[D]:
        """Return every data set that names its instance, with the places of its attributes."""
        found = self._found(document, Issues(self.limits))
        return [one for one in found if one.instance.sop_instance_uid]

    def _found(self, document: Any, issues: Issues) -> Iterable[D]:
        raise NotImplementedError

    def _begun(
        self, instances: Iterable[SOPInstance], into: Any, known: Iterable[SOPInstance], holder: str
    ) -> tuple[Statements, Any, Holder, Issues]:
        """Return what is to be written, onto what, whose copies these are, and the first issues."""
        given = self.tables.settled(instances)
        issues = Issues(self.limits)
        issues += unmapped(given, self.tables)
        into = self.blank((*known, *given)) if into is None else into
        return given, into, self.tables.whose(holder), issues

    def _written(
        self, given: Statements, into: Any, holder: str, issues: Issues, exactly: Collection[str]
    ) -> Any:
        """Return the new document; nothing is raised once something is written."""
        raise NotImplementedError

    def _said(
        self, found: Iterable[D], holder: str, issues: Issues
    ) -> tuple[Result[Statements], list[SOPInstance]]:
        found = list(found)
        for one in contradicting([one for one in found if one.instance.sop_instance_uid]):
            issues.at(one.where).add("document/contradiction")
        known = [one.instance for one in found]
        stated = (one for one in known if one.attributes)
        if named := self.tables.whose(holder):
            stated = (replace(one, holder=named) for one in stated)
        return Result(tuple(stated), issues.told()), known


def is_governed(keywords: Iterable[str]) -> bool:
    """Tell whether one of these is an attribute that the profile decides on (PS3.15 A.1.1)."""
    return not set(GOVERNED).isdisjoint(keywords)
