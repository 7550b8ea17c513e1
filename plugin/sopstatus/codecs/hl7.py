"""HL7 v2 ER7: statements in the Z segments of any message, as bytes in and bytes out.

``decode`` reads every Z segment of ours, ``encode`` splices what differs into the bytes as they
came; everything else, foreign Z segments included, stays byte for byte. Text (``str``), and messages
of hl7apy, python-hl7 and MessageFoundry go in too and come out as what they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sopstatus.catalogue import document_error, issue
from sopstatus.codecs import er7
from sopstatus.codecs.er7 import Message
from sopstatus.codecs.hl7_append import appended
from sopstatus.codecs.hl7_orders import studies
from sopstatus.codecs.hl7_read import pieces
from sopstatus.codecs.hl7_write import Writer
from sopstatus.codecs.issues import Issues
from sopstatus.codecs.statement import Reading, identities, merge, unmapped
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Issue, Result, SOPInstance
from sopstatus.table import MappingTable
from sopstatus.values import is_uid


@dataclass(frozen=True, slots=True)
class HL7Codec:
    """Statements in HL7 v2 messages."""

    tables: MappingTable
    limits: Limits = DEFAULT

    def decode(self, document: Any) -> Result[tuple[SOPInstance, ...]]:
        """Read what the document's Z segments say; raise `DocumentError` where it has no MSH."""
        said, issues = self._said(document)
        return Result(merge(said), issues.told())

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """List what the document's Z segments are about, said about or not."""
        return identities(chain.from_iterable(self._said(document)[0]))

    def read(self, document: Any) -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""
        said, issues = self._said(document)
        return Result(merge(said), issues.told()), identities(chain.from_iterable(said))

    def studies(self, document: Any) -> list[str]:
        """List the Study Instance UIDs that the document names, in any segment."""
        data, charset, _ = _as_bytes(document)
        return studies(data, charset)

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
    ) -> Result[Any]:
        """Write statements into a message and return the new one.

        ``known`` lists the instances that the source knows, so that an order message, which takes
        one ZDS an order, gets a statement about the study only where it is true of all of them.
        """
        given = tuple(instances)
        if into is None:
            into = message(given)
        if len(given) == 1 and type(into) is bytes and len(into) <= self.limits.document:
            quick = appended(into, given[0], self.tables.segments)
            if quick is not None:
                return Result(quick)
        data, charset, back = _as_bytes(into)
        issues = Issues(self.limits)
        issues += unmapped(given, self.tables)
        found = self._messages(data, charset, issues)
        writer: Writer | None = None
        position, known = self.tables.site.hl7_position, tuple(known) or given
        for name, rows in self.tables.segments.items():
            if writer is not None and writer.edits:
                data = er7.splice(data, writer.edits)
                found = self._messages(data, charset, [])
            writer = Writer(data, found, name, rows, position, issues, self.limits)
            writer.write(given, known)
        if writer is not None and writer.edits:
            data = er7.splice(data, writer.edits)
        return Result(back(data), issues.told())

    def blank(self, known: Iterable[SOPInstance], release: str = "") -> bytes:
        """Return the smallest message that can hold statements about these instances."""
        return message(tuple(known))

    def _said(self, document: Any) -> tuple[list[list[SOPInstance]], Issues]:
        data, charset, _ = _as_bytes(document)
        issues = Issues(self.limits)
        found = self._messages(data, charset, issues)
        return pieces(found, self.tables.segments, issues, self.limits), issues

    def _messages(self, data: bytes, charset: str, issues: list[Issue]) -> list[Message]:
        if len(data) > self.limits.document:
            raise document_error("document/too-large", "", limit=self.limits.document)
        if not data or data.isspace():
            raise document_error("document/empty", "")
        found = er7.messages(data, charset, tuple(self.tables.segments))
        if not found:
            raise document_error("hl7/no-msh", "")
        return usable(found, issues)


def usable(found: list[Message], issues: list[Issue]) -> list[Message]:
    """Return the messages that can be cut; the others are an issue each."""
    cut = []
    for item in found:
        where = f"{item.prefix}MSH"
        if item.delimiters is None:
            issues.append(issue("hl7/encoding-characters", f"{where}-2"))
        elif item.charset is None:
            issues.append(issue("hl7/charset-unsupported", f"{where}-18"))
        else:
            cut.append(item)
    return cut


def message(
    instances: Iterable[SOPInstance] = (), *, time: str = "", control_id: str = ""
) -> bytes:
    """Make the smallest ORU^R01 (2.5.1, UTF-8) about the study of these instances.

    It holds no patient: put statements into a message of your own where there is one. ``time`` is
    MSH-7 (default: now), ``control_id`` MSH-10 (default: made from the UIDs).
    """
    given = tuple(instances)
    study = next((i.study_instance_uid for i in given if i.study_instance_uid), "")
    time = time or datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")
    names = "\n".join(uid for i in given for uid in i.identity)
    control_id = (
        control_id
        or hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()[:20].upper()
    )
    lines = [
        f"MSH|^~\\&|SOPSTATUS||||{time}||ORU^R01^ORU_R01|{control_id}|P|2.5.1||||||UNICODE UTF-8",
        "PID|||",
        "OBR|1|||18748-4^Diagnostic imaging study^LN|||||||||||||||||||||F",
    ]
    if is_uid(study):
        lines.append(f"OBX|1|ST|113014^DICOM Study^DCM||{study}||||||F")
    return "".join(line + "\r" for line in lines).encode()


def _as_bytes(document: Any) -> tuple[bytes, str, Any]:
    """Return the document's bytes, a character set that overrules MSH-18, and the way back."""
    if isinstance(document, bytes | bytearray | memoryview):
        return bytes(document), "", bytes
    if isinstance(document, str):
        encoded = document.encode("utf-8", "surrogatepass")
        return encoded, "utf-8", lambda data: data.decode("utf-8", "surrogatepass")
    from sopstatus.codecs import hl7_objects

    if hl7_objects.is_message(document):
        text, back = hl7_objects.text_of(document)
        return text.encode("utf-8"), "utf-8", lambda data: back(data.decode("utf-8"))
    raise document_error("document/unknown-type", "", type=type(document).__name__)
