"""Which blocks answer a message: original and enhanced acknowledgment mode (HL7 v2 2.9.2, 2.9.3).

Original mode (MSH-15 and MSH-16 empty): one answer, AA, AE or AR. Enhanced mode: the accept
acknowledgment (CA, CE, CR) where MSH-15 wants it, then the application acknowledgment (AA, AE, AR)
where MSH-16 wants it; a message that was not accepted gets the first of them that is wanted. AE and
CE say "fix the content", AR and CR "send it again later", or to another system.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sopstatus.acknowledge import acknowledge, negative
from sopstatus.catalogue import document_error
from sopstatus.codecs.hl7 import outline
from sopstatus.engines.mllp.frame import NOT_FRAMED, TOO_LARGE, Block
from sopstatus.model import DocumentError, Issue


class Header(NamedTuple):
    """What of a MSH decides who answers what; texts are as they stand, without blanks around."""

    kind: str  # MSH-9.1
    sender: tuple[str, str]  # MSH-3 and MSH-4
    control_id: bytes  # MSH-10
    accept: str  # MSH-15
    application: str  # MSH-16

    @property
    def is_enhanced(self) -> bool:
        """Tell whether the message asks for enhanced mode."""
        return bool(self.accept or self.application)

    @property
    def wants_success(self) -> bool:
        """Tell whether the sender wants to know that all went well (table 0155)."""
        return not self.is_enhanced or bool({self.accept, self.application} - {"", "NE", "ER"})


_NOTHING = Header("", ("", ""), b"", "", "")


def header(message: bytes) -> Header:
    """Read the header of the first message in a block; one without MSH has nothing in it."""
    start = 0 if message.startswith(b"MSH") else -1
    if start < 0:
        found = outline.messages(message)
        if not found:
            return _NOTHING
        start = found[0].start
    end = message.find(b"\r", start)
    line = message[start : end if end >= 0 else len(message)].partition(b"\n")[0]
    fields = [field.strip() for field in line.split(line[3:4] or b"|", 17)]
    fields += [b""] * (17 - len(fields))
    kind = fields[8].split(fields[1][:1] or b"^")[0].decode("latin-1")
    accept, application = (f.upper().decode("latin-1") for f in fields[14:16])
    sender = fields[2].decode("utf-8", "replace"), fields[3].decode("utf-8", "replace")
    return Header(kind, sender, fields[9], accept, application)


def answers(
    message: bytes,
    issues: Sequence[Issue] = (),
    *,
    asked: Header | None = None,
    reject: bool = False,
    only_one: bool = False,
) -> list[bytes]:
    """Return the answers to a message, each for a block of its own, in their order.

    An issue that is an error makes it AE (CE), ``reject`` AR (CR). ``only_one``: at most one, the
    accept acknowledgment first, for senders that read one block for each they write. What is itself
    an acknowledgment is not acknowledged in original mode: two listeners would never end. ``asked``
    is the message's header, where it has been read.
    """
    asked = asked or header(message)
    try:
        if not asked.is_enhanced:
            if asked.kind == "ACK":
                return []
            return [acknowledge(message, issues, reject=reject)]
        found = (acknowledge(message, issues, accept=a, reject=reject) for a in (True, False))
        wanted = [answer for answer in found if answer]
    except DocumentError as error:
        return [negative(message, error)]
    failed = reject or any(issue.is_error for issue in issues)
    return wanted[:1] if failed or only_one else wanted


def refusal(data: bytes, error: DocumentError) -> list[bytes]:
    """Answer what could not be read: AR where there is no message, else AE. Always one answer."""
    told = {issue.code for issue in error.issues}
    nothing = bool(told & {"hl7/no-msh", "document/empty", "mllp/not-framed", "mllp/broken-off"})
    return [negative(data, error, reject=nothing)]


def fault(block: Block, limit: int) -> DocumentError:
    """Return what is wrong with a block that holds no whole message."""
    if block.fault == TOO_LARGE:
        return document_error("document/too-large", "", limit=limit)
    if block.fault == NOT_FRAMED:
        return document_error("mllp/not-framed", "")
    return document_error("mllp/broken-off", "")
