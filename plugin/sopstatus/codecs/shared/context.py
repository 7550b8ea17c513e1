"""What data sets say of patient, order and study: what a new document says beside its statements.

It goes one way, into a new document: never into one that somebody gave, a data set, an
issue, a record or a log. A value that is not legal is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from sopstatus._lazily import pattern
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.values import (
    MAX_CHARACTERS,
    has_illegal_control,
    is_code_string,
    is_offset,
    is_uid,
    parse_dt,
    tag_text,
    trim,
)

Context = dict[str, str]
"""Texts of one data set by DICOM Keyword; what its first item says by ``Sequence.Keyword``."""

OFFSET = "TimezoneOffsetFromUTC"
IMPERSONAL = {
    0x00080016: ("SOPClassUID", "UI"),
    0x00080018: ("SOPInstanceUID", "UI"),
    0x00080060: ("Modality", "CS"),
    0x00180015: ("BodyPartExamined", "CS"),
    0x0020000D: ("StudyInstanceUID", "UI"),
    0x0020000E: ("SeriesInstanceUID", "UI"),
    0x00200011: ("SeriesNumber", "IS"),
    0x00200013: ("InstanceNumber", "IS"),
    0x00200060: ("Laterality", "CS"),
    0x00201206: ("NumberOfStudyRelatedSeries", "IS"),
    0x00201208: ("NumberOfStudyRelatedInstances", "IS"),
}
"""What names no person, order or day: all that a site gets whose ``context`` is ``uids``."""
PERSONAL = {
    0x00080020: ("StudyDate", "DA"),
    0x00080030: ("StudyTime", "TM"),
    0x00080050: ("AccessionNumber", "SH"),
    0x00080090: ("ReferringPhysicianName", "PN"),
    0x00080201: (OFFSET, "SH"),
    0x00081030: ("StudyDescription", "LO"),
    0x0008103E: ("SeriesDescription", "LO"),
    0x00100010: ("PatientName", "PN"),
    0x00100020: ("PatientID", "LO"),
    0x00100021: ("IssuerOfPatientID", "LO"),
    0x00100030: ("PatientBirthDate", "DA"),
    0x00100040: ("PatientSex", "CS"),
    0x00200010: ("StudyID", "SH"),
    0x00401001: ("RequestedProcedureID", "SH"),
    0x00402016: ("PlacerOrderNumberImagingServiceRequest", "LO"),
    0x00402017: ("FillerOrderNumberImagingServiceRequest", "LO"),
}
_ENTITY = {
    0x00400031: ("LocalNamespaceEntityID", "UT"),
    0x00400032: ("UniversalEntityID", "UT"),
    0x00400033: ("UniversalEntityIDType", "CS"),
}
_CODE = {
    0x00080100: ("CodeValue", "SH"),
    0x00080102: ("CodingSchemeDesignator", "SH"),
    0x00080104: ("CodeMeaning", "LO"),
}
SEQUENCES = {
    0x00080051: ("IssuerOfAccessionNumberSequence", _ENTITY),
    0x00100024: ("IssuerOfPatientIDQualifiersSequence", _ENTITY),
    0x00321064: ("RequestedProcedureCodeSequence", _CODE),
    0x00400275: (
        "RequestAttributesSequence",
        {0x00401001: ("RequestedProcedureID", "SH"), 0x00080050: ("AccessionNumber", "SH")},
    ),
}
"""Of these sequences the first item is read."""
_TIME = pattern(r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?", re.ASCII)
_NO_TEXT = pattern("[\\\\\x1b\ud800-\udfff\ufffe\uffff]")  # several values; no character of Unicode
_NUMBER = pattern(r"[+-]?\d{1,12}", re.ASCII)
_GROUPS, _PARTS, _LONGEST_GROUP = 3, 5, 64  # of a PN (PS3.5 6.2, 6.2.1)


class Unreadable(Exception):
    """Something is there, and nothing can be said of it."""


class Source(Protocol):
    """A data set, or an item, of any format."""

    def text(self, tag: int, keyword: str, vr: str) -> str | None:
        """Return the text of an attribute, ``None`` where it is absent; raise `Unreadable`."""

    def item(self, tag: int, keyword: str) -> Source | None:
        """Return the first item of a sequence, ``None`` where there is none; raise `Unreadable`."""


def collect(source: Source, wanted: str, issues: Issues) -> Context:
    """Return what a data set says, as much as is ``wanted``: ``all``, ``uids`` or ``none``.

    An issue reports each value that is left out because it is not legal, or cannot be read.
    """
    found: Context = {}
    if wanted == "none":
        return found
    plain = IMPERSONAL if wanted == "uids" else IMPERSONAL | PERSONAL
    _take(source, plain, "", found, issues)
    for tag, (name, inner) in SEQUENCES.items() if wanted != "uids" else ():
        try:
            item = source.item(tag, name)
        except Unreadable:
            issues.at(tag_text(tag)).add("document/context-left-out", keyword=name)
            continue
        if item:
            _take(item, inner, f"{name}.", found, issues)
    return found


def _take(
    source: Source,
    wanted: dict[int, tuple[str, str]],
    prefix: str,
    found: Context,
    issues: Issues,
) -> None:
    for tag, (keyword, vr) in wanted.items():
        try:
            text = trim(vr, source.text(tag, keyword, vr) or "").lstrip(" ")
        except Unreadable:
            text, legal = "?", False
        else:
            if not text:
                continue
            legal = is_legal(keyword, vr, text)
        if legal:
            found[prefix + keyword] = str(int(text)) if vr == "IS" else text
        else:
            issues.at(tag_text(tag)).add("document/context-left-out", keyword=keyword)


def is_legal(keyword: str, vr: str, text: str) -> bool:
    """Tell whether a text is one legal value of its VR (PS3.5 6.2)."""
    if keyword == OFFSET:
        return is_offset(text)
    if vr == "DA":
        return len(text) == 8 and parse_dt(text) is not None
    if vr == "TM":
        return _TIME.fullmatch(text) is not None
    if vr == "IS":
        return _NUMBER.fullmatch(text) is not None
    if vr == "CS":
        return is_code_string(text)
    if vr == "UI":
        return is_uid(text)
    if _NO_TEXT.search(text) or has_illegal_control("LO", text):
        return False
    if vr == "PN":
        groups = text.split("=")
        fits = all(len(g) <= _LONGEST_GROUP and g.count("^") < _PARTS for g in groups)
        return fits and len(groups) <= _GROUPS
    return len(text) <= MAX_CHARACTERS.get(vr, MAX_CHARACTERS["LO"])


def agreed(contexts: Iterable[Context]) -> Context:
    """Return what these data sets say alike; what they say differently is said of none."""
    found: Context = {}
    differ: set[str] = set()
    for context in contexts:
        for keyword, text in context.items():
            if found.setdefault(keyword, text) != text:
                differ.add(keyword)
    return {keyword: text for keyword, text in found.items() if keyword not in differ}


def by(keyword: str, contexts: Iterable[Context]) -> dict[str, list[Context]]:
    """Sort data sets by one of their UIDs."""
    found: dict[str, list[Context]] = {}
    for context in contexts:
        if uid := context.get(keyword):
            found.setdefault(uid, []).append(context)
    return found


def number(context: Context, keyword: str) -> int | None:
    """Return a number of a data set (IS)."""
    return int(context[keyword]) if keyword in context else None


def moment(context: Context, offset: str = "") -> str:
    """Return Study Date and Time as one DT; nothing without a date.

    With the data set's offset, or that of the site, ``offset``.
    """
    day = context.get("StudyDate", "")
    time = context.get("StudyTime", "") if day else ""
    return day + time + (context.get(OFFSET, offset) if time else "")


def names(text: str) -> list[tuple[str, list[str]]]:
    """Return the groups of a PN (alphabetic A, ideographic I, phonetic P), five components each."""
    groups = zip("AIP", text.split("="), strict=False)
    return [
        (kind, [part.strip() for part in [*group.split("^"), "", "", "", ""][:_PARTS]])
        for kind, group in groups
        if group.strip("^ ")
    ]


class Authority(NamedTuple):
    """Who assigned an identifier (HD): a name that is known locally, and one that is known to all."""

    namespace: str = ""
    universal_id: str = ""
    type: str = ""


_ISSUERS = {
    "PatientID": "IssuerOfPatientIDQualifiersSequence",
    "AccessionNumber": "IssuerOfAccessionNumberSequence",
}


def authority(context: Context, keyword: str, default: str = "") -> Authority:
    """Return who assigned a Patient ID or Accession Number; ``default`` is the site's for the former."""
    issuer = _ISSUERS[keyword]
    of_patient = keyword == "PatientID"
    namespace = context.get(f"{issuer}.LocalNamespaceEntityID", "")
    namespace = context.get("IssuerOfPatientID", namespace) if of_patient else namespace
    uid = context.get(f"{issuer}.UniversalEntityID", "")
    kind = context.get(f"{issuer}.UniversalEntityIDType", "") if uid else ""
    if namespace or uid:
        return Authority(namespace, uid, kind)
    return Authority(*default.split("^")) if of_patient else Authority()


def code_of(context: Context) -> tuple[str, str, str] | None:
    """Return the Requested Procedure Code: value, meaning and scheme; ``None`` where it is not whole."""
    found = [
        context.get(f"RequestedProcedureCodeSequence.{keyword}", "")
        for keyword, _ in _CODE.values()
    ]
    value, scheme, meaning = found
    return (value, meaning, scheme) if value and scheme else None


class Keywords:
    """A data set or item as an object of texts by DICOM Keyword."""

    def __init__(self, *levels: dict[str, Any]) -> None:
        self.levels = levels

    def text(self, tag: int, keyword: str, vr: str) -> str | None:
        """Return the text of an attribute."""
        found = self._find(keyword)
        values = found if isinstance(found, list) else [] if found is None else [found]
        if not all(type(v) in (str, int, float) for v in values):
            raise Unreadable
        return "\\".join(filter(None, map(str, values))) if values else None

    def item(self, tag: int, keyword: str) -> Source | None:
        """Return the first item of a sequence."""
        found = self._find(keyword)
        first = found[0] if isinstance(found, list) and found else found
        if not isinstance(first, dict | list | None):
            raise Unreadable
        return Keywords(first) if isinstance(first, dict) else None

    def _find(self, keyword: str) -> Any:
        return next((level[keyword] for level in self.levels if keyword in level), None)
