"""What the codecs of data sets share: a value as it is read, and what a statement changes in one.

A data set is the copy itself, so it names no holder and there is one statement for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sopstatus.catalogue import issue
from sopstatus.codecs import forms
from sopstatus.codecs.statement import compatible, expand
from sopstatus.model import Issue, SOPInstance, Value
from sopstatus.table import Attribute
from sopstatus.values import context_offset, is_offset, is_uid, trim, with_offset

Changes = dict[Attribute, Value | bool]
"""By row: a value, ``None`` for zero length, ``False`` to remove."""

SOP_CLASS, SOP_INSTANCE, TIMEZONE_OFFSET = 0x00080016, 0x00080018, 0x00080201
STUDY, SERIES = 0x0020000D, 0x0020000E
IDENTITY = {
    STUDY: "StudyInstanceUID",
    SERIES: "SeriesInstanceUID",
    SOP_CLASS: "SOPClassUID",
    SOP_INSTANCE: "SOPInstanceUID",
}
"""The UIDs of a SOP Instance by tag, in the order of `SOPInstance`."""


def value(row: Attribute, text: str, where: str, issues: list[Issue]) -> Value:
    """Drop the padding of a value and tell what is wrong with it."""
    if row.vr == "CS" and text.rstrip(" ") != trim("CS", text):
        issues.append(issue("value/padded", where, keyword=row.keyword))
    text = trim(row.vr, text)
    for code, facts in forms.problems(row, text) if text else ():
        issues.append(issue(code, where, **facts))
    return text or None


def identity(uids: Sequence[tuple[str, str]], issues: list[Issue]) -> SOPInstance:
    """Make an identity of study, series, class and instance: each a UID and where it stands."""
    for uid, where in uids:
        if not uid:
            issues.append(issue("dicom/no-uid", where))
        elif not is_uid(uid):
            issues.append(issue("value/not-uid", where, length=len(uid)))
    study, series, sop_class, sop = (uid for uid, _ in uids)
    return SOPInstance(study, series, sop_class, sop)


def localised(
    said: dict[str, Value], rows: Iterable[Attribute], offset: str, where: str, issues: list[Issue]
) -> dict[str, Value]:
    """Attach Timezone Offset From UTC (0008,0201) to every DT that has no offset of its own."""
    if offset and not is_offset(offset):
        issues.append(issue("dicom/offset", where))
    for row in rows:
        if row.vr == "DT" and (text := said.get(row.keyword)):
            said[row.keyword] = with_offset(text, offset)
    return said


def about(given: Iterable[SOPInstance], own: SOPInstance, holder: str) -> list[SOPInstance]:
    """Return the statements about this data set; ``given`` is expanded to instances already."""
    uid = own.sop_instance_uid
    found = [i for i in given if i.sop_instance_uid == uid and compatible(i, own)]
    return [i for i in found if i.holder in ("", holder)] if holder else found


def agreed(found: Sequence[SOPInstance], where: str, issues: list[Issue]) -> SOPInstance | None:
    """Return the one thing that these statements say; ``None`` where they differ or are none."""
    if len({i.attributes for i in found}) > 1:
        issues.append(issue("dicom/holder-ambiguous", where, count=len(found)))
        return None
    return found[0] if found else None


def shared_out(
    given: Iterable[SOPInstance],
    owns: Sequence[tuple[SOPInstance, str]],
    holder: str,
    issues: list[Issue],
) -> tuple[list[SOPInstance | None], int]:
    """Give each of many data sets its new statement; count the statements that are about none.

    ``owns`` are what the data sets say now, and where each has its SOP Instance UID. Where one
    instance stands twice, a data set that says nothing is left so beside one that speaks.
    """
    speaking: dict[str, list[SOPInstance]] = {}
    for own, _ in owns:
        if own.attributes:
            speaking.setdefault(own.sop_instance_uid, []).append(own)
    by_uid: dict[str, list[SOPInstance]] = {}
    for statement in expand(given, [own for own, _ in owns]):
        by_uid.setdefault(statement.sop_instance_uid, []).append(statement)
    left = {id(statement) for same in by_uid.values() for statement in same}
    news: list[SOPInstance | None] = []
    for own, where in owns:
        others = () if own.attributes else speaking.get(own.sop_instance_uid, ())
        if any(compatible(own, other) for other in others):
            news.append(None)
            continue
        found = about(by_uid.get(own.sop_instance_uid, ()), own, holder)
        left -= {id(statement) for statement in found}
        news.append(agreed(found, where, issues))
    return news, len(left)


def changes(
    rows: Iterable[Attribute],
    old: SOPInstance,
    new: SOPInstance,
    here: str,
    where: Callable[[Attribute], str],
    issues: list[Issue],
    unfit: Callable[[Attribute, str], str | None] = lambda *_: None,
) -> Changes:
    """Return what ``new`` changes in a data set that says ``old``.

    ``here`` is the data set's own (0008,0201); ``unfit`` tells why a value cannot be written, as
    the code of an issue.
    """
    said, wanted = dict(old.attributes), dict(new.attributes)
    changed: Changes = {}
    for row in rows:
        text = wanted.get(row.keyword)
        offset = context_offset(text)
        if text and here and offset and offset != here:
            text += offset  # it was local to another offset than this data set's
            issues.append(issue("dicom/offset-written", where(row), keyword=row.keyword))
        if row.keyword not in wanted:
            if row.keyword in said:
                changed[row] = False
        elif row.keyword not in said or said[row.keyword] != text:
            code = unfit(row, text) if text else None
            if code:
                issues.append(issue(code, where(row), keyword=row.keyword))
            else:
                changed[row] = text
    return changed
