"""The hub value, results and issues.

A value is the attribute's own DICOM text. Every codec knows these types and one format, never
another codec.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from sopstatus.holder import NOBODY, Holder

T = TypeVar("T")
Value = str | None
"""The attribute's DICOM text. ``None`` = stated and emptied; a missing keyword = not stated."""


@dataclass(frozen=True, slots=True)
class SOPInstance:
    """What is stated about one copy of a SOP Instance, held by one Application Entity.

    An empty UID means "not said"; an empty ``sop_instance_uid`` makes the statement one about the
    whole series (or study). ``holder`` is who holds the copy, for the status belongs to a held copy
    and not to the SOP Instance everywhere (PS3.15 A.1.1 c); a plain text is an AE Title.
    ``attributes`` pairs DICOM Keywords with values; a mapping is taken too, and it is
    kept sorted. The empty string is stored as ``None``.
    """

    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    holder: Holder = NOBODY
    attributes: tuple[tuple[str, Value], ...] = ()

    if TYPE_CHECKING:

        def __init__(
            self,
            study_instance_uid: str = "",
            series_instance_uid: str = "",
            sop_class_uid: str = "",
            sop_instance_uid: str = "",
            holder: str = "",
            attributes: Mapping[str, Value] | Iterable[tuple[str, Value]] = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        if not isinstance(self.holder, Holder):
            object.__setattr__(self, "holder", Holder(self.holder))
        given: Iterable[tuple[str, Value]] = self.attributes
        pairs = given.items() if isinstance(given, Mapping) else given
        known = {keyword: value or None for keyword, value in pairs}
        object.__setattr__(self, "attributes", tuple(sorted(known.items())))

    def __getitem__(self, keyword: str) -> Value:
        """Return what is stated of an attribute; raise `KeyError` where it is not stated."""
        return dict(self.attributes)[keyword]

    def __contains__(self, keyword: str) -> bool:
        return any(stated == keyword for stated, _ in self.attributes)

    def get(self, keyword: str) -> Value:
        """Return the value of an attribute: ``None`` where it is emptied, or not stated at all."""
        return dict(self.attributes).get(keyword)

    @property
    def uids(self) -> tuple[str, str, str, str]:
        """The UIDs of the study, the series, the SOP Class and the SOP Instance."""
        return (*self.identity[:2], self.sop_class_uid, self.sop_instance_uid)

    @property
    def identity(self) -> Identity:
        """What tells two statements apart: the UIDs of what they are about, and the holder's key."""
        return (
            self.study_instance_uid,
            self.series_instance_uid,
            self.sop_instance_uid,
            self.holder.key,
        )


Identity = tuple[str, str, str, Holder]


class _Draft:
    """A statement while its fields are set, which afterwards they cannot be."""

    __slots__ = tuple(SOPInstance.__dataclass_fields__)


def stated(
    study: str,
    series: str,
    sop_class: str,
    sop: str,
    holder: Holder,
    attributes: tuple[tuple[str, Value], ...],
) -> SOPInstance:
    """Make a statement of attributes that are sorted and hold no empty text: no check, so quick."""
    made: Any = _Draft()
    made.study_instance_uid = study
    made.series_instance_uid = series
    made.sop_class_uid = sop_class
    made.sop_instance_uid = sop
    made.holder = holder
    made.attributes = attributes
    made.__class__ = SOPInstance
    return cast("SOPInstance", made)


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

    @property
    def is_error(self) -> bool:
        """Tell whether it is an error, or worse."""
        return self.severity in (FATAL, ERROR)

    def is_at_least(self, severity: str) -> bool:
        """Tell whether it is as severe as this, or worse."""
        return self.severity in SEVERITIES[: SEVERITIES.index(severity) + 1]

    def __str__(self) -> str:
        return f"{self.severity} {self.code} {self.location or '-'}: {self.diagnostics}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One change, or refused change, of the status of one held copy (PS3.15 A.1.1).

    ``before`` and ``after`` are states of the transition table: ``-`` (not held), ``ABS``, ``NS``,
    ``OR``, ``AO``, ``AC`` and the bookkeeping states ``OR?``, ``AO?`` (received, not yet committed)
    and ``OR>``, ``AO>`` (sent, waiting for commitment). ``time`` is UTC, ISO 8601 with a ``Z``.
    ``received`` is the status that arrived (``ABS`` where there was none, ``invalid`` where it is
    no term), ``sent`` the one that went out or into a new instance (``left-out`` where none did);
    both are empty where no data set moved. ``row`` is the row of the table.
    ``mappings`` names the mapping tables that read and wrote: name, version, SHA-256.
    """

    event: str
    before: str
    after: str
    rule: str  # "f.2", or "interpretation"
    outcome: str  # "done" or "refused"
    code: str  # the catalogue's issue code where there is one
    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    holder: str
    peer: str  # AE Title of the other side; "" = not said
    secure: bool | None
    authenticated: bool | None
    conforms: bool | None
    policy: str
    time: str
    table: str
    table_version: str
    table_sha256: str
    received: str = ""
    sent: str = ""
    row: str = ""
    mappings: str = ""


class DocumentError(Exception):
    """A document is not what it claims to be, or was not written; ``issues`` says where and why.

    ``records`` are the audit records of what was refused (PS3.15 A.1.1); a host keeps them as it
    keeps those of a `Result`.
    """

    def __init__(self, *issues: Issue, records: tuple[AuditRecord, ...] = ()) -> None:
        super().__init__(*issues)
        self.issues = issues
        self.records = records

    def __str__(self) -> str:
        return "; ".join(map(str, self.issues))

    def alone(self) -> DocumentError:
        """Return the same without where it was raised: what keeps it would keep the document, too."""
        return DocumentError(*self.issues, records=self.records)


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
        if worst := [i for i in self.issues if i.is_error]:
            raise DocumentError(*worst)
        return self.value
