"""The hub value, and how results and faults are told.

A value is the attribute's own DICOM text. Every codec knows these types and one format, never
another codec.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sopstatus.audit import AuditRecord

T = TypeVar("T")
Value = str | None
"""The attribute's DICOM text. ``None`` = stated and emptied; a missing keyword = not stated."""


@dataclass(frozen=True, slots=True)
class SOPInstance:
    """What is stated about one copy of a SOP Instance, held by one Application Entity.

    An empty UID means "not said"; an empty ``sop_instance_uid`` makes the statement one about the
    whole series (or study). ``holder`` is the AE Title of the copy's holder, for the status belongs
    to a held copy and not to the SOP Instance everywhere (PS3.15 A.1.1 c). ``attributes`` pairs
    DICOM Keywords with values; a mapping is taken too, and it is kept sorted. The empty string is
    stored as ``None``.
    """

    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    holder: str = ""
    attributes: tuple[tuple[str, Value], ...] = ()

    def __post_init__(self) -> None:
        given: Iterable[tuple[str, Value]] = self.attributes
        pairs = given.items() if isinstance(given, Mapping) else given
        known = {keyword: value or None for keyword, value in pairs}
        object.__setattr__(self, "attributes", tuple(sorted(known.items())))

    @property
    def identity(self) -> Identity:
        """What tells two statements apart: the UIDs of what they are about, and the holder."""
        return (
            self.study_instance_uid,
            self.series_instance_uid,
            self.sop_instance_uid,
            self.holder,
        )


Identity = tuple[str, str, str, str]


def stated(
    study: str,
    series: str,
    sop_class: str,
    sop: str,
    holder: str,
    attributes: tuple[tuple[str, Value], ...],
) -> SOPInstance:
    """Make a statement of attributes that are sorted and hold no empty text: no check, so quick."""
    made = object.__new__(SOPInstance)
    put = object.__setattr__
    put(made, "study_instance_uid", study)
    put(made, "series_instance_uid", series)
    put(made, "sop_class_uid", sop_class)
    put(made, "sop_instance_uid", sop)
    put(made, "holder", holder)
    put(made, "attributes", attributes)
    return made


FATAL, ERROR, WARNING, INFORMATION = "fatal", "error", "warning", "information"
SEVERITIES = (FATAL, ERROR, WARNING, INFORMATION)
"""FHIR's IssueSeverity, worst first."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: an ``OperationOutcome.issue``, an HL7 ``ERR`` segment or a log line.

    ``code`` is one of the catalogue (``issues.toml``), where its cause and remedy stand too.
    ``location`` is written as the source writes it: ``(0100,0410)``, ``ZDS[2]-6``,
    ``ImagingStudy.series[0].instance[2].extension[0]``. No field ever holds patient data or free
    text of the document.
    """

    severity: str
    code: str
    location: str
    diagnostics: str

    def __str__(self) -> str:
        return f"{self.severity} {self.code} {self.location or '-'}: {self.diagnostics}"


class DocumentError(Exception):
    """A document is not what it claims to be; ``issues`` says where and why."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__(*issues)
        self.issues = issues

    def __str__(self) -> str:
        return "; ".join(map(str, self.issues))


class TableError(Exception):
    """A mapping table is broken: the file, the line and key in it, what is wrong and the remedy.

    ``line`` and ``column`` count from 1; ``length`` is that of the key in characters. ``message``
    ends with the remedy, after a semicolon; ``rule`` is the kind of fault, where `lint` told it.
    """

    rule = ""

    def __init__(
        self, file: str, line: int, key: str, message: str, column: int = 1, length: int = 0
    ) -> None:
        super().__init__(file, line, key, message, column, length)
        self.file, self.line, self.key, self.message = file, line, key, message
        self.column, self.length = column, length

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}:{self.line}:{key} {self.message}"


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """A value, the issues met on the way to it, and what became of each status (A.1.1)."""

    value: T
    issues: tuple[Issue, ...] = field(default=())
    records: tuple[AuditRecord, ...] = field(default=())

    def unwrap(self) -> T:
        """Return the value; raise `DocumentError` where an issue is an error."""
        if worst := [i for i in self.issues if i.severity in (FATAL, ERROR)]:
            raise DocumentError(*worst)
        return self.value
