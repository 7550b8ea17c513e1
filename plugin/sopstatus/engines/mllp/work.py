"""What becomes of a message: checked, enriched or transformed; no socket and no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sopstatus import log
from sopstatus.catalogue import document_error
from sopstatus.codecs.hl7 import HL7Codec
from sopstatus.documents import content
from sopstatus.engines.enrich import enriched
from sopstatus.limits import Limits
from sopstatus.model import INFORMATION, DocumentError, Issue, Result
from sopstatus.profile import Link
from sopstatus.sources.source import Source
from sopstatus.table import load_tables
from sopstatus.transform import SAYS_NOTHING, says_nothing

Transform = Callable[..., Result[Any]]


class Outcome(NamedTuple):
    """What goes on, and what is to be told.

    ``error`` is set where the message could not be read at all, or the transformer failed
    (``trouble``): then nothing goes on. ``notes`` are for the log only: no fault of the sender's.
    A ``message`` without bytes, and no error: it is taken, and there is nothing to send.
    """

    message: bytes
    issues: tuple[Issue, ...] = ()
    error: DocumentError | None = None
    trouble: bool = False
    notes: tuple[Issue, ...] = ()

    @property
    def failed(self) -> bool:
        """Tell whether the message goes nowhere."""
        return self.error is not None or (
            bool(self.issues) and any(i.is_error for i in self.issues)
        )


@dataclass(frozen=True, slots=True)
class Work:
    """What is done to each message.

    Without ``transform`` the statements are checked, and those that ``source`` knows of the
    message's studies are added; a message that needs nothing goes on byte for byte. ``transform``
    is a callable of the entry points' kind: ``transform(message, link=link) -> Result``. Where the
    message is to be ``forwarded``, HL7 must come of it.
    """

    codec: HL7Codec
    source: Source | None = None
    transform: Transform | None = None
    forwarded: bool = False

    @property
    def is_quick(self) -> bool:
        """Tell whether nothing but the message itself is looked at."""
        return self.source is None and self.transform is None

    def __call__(self, message: bytes, link: Link) -> Outcome:
        """Work on one message; whatever happens, there is an outcome."""
        try:
            if self.transform is not None:
                done = self.transform(message, link=link)
                if says_nothing(done.issues):
                    return _nothing(done.issues)
                made = _bytes(done.value)
                head = made[:8].removeprefix(b"\xef\xbb\xbf")
                if self.forwarded and not head.startswith((b"MSH", b"BHS", b"FHS")):
                    raise document_error("hl7/no-msh", "")
                return Outcome(made, done.issues)
            read = self.codec.decode(message)
            if self.source is None or any(i.is_error for i in read.issues):
                return Outcome(message, read.issues)
            more = enriched(message, read.value, self.codec, self.source)
            return Outcome(more.value, read.issues, notes=more.issues)
        except DocumentError as error:
            ours = error.issues[0].code.startswith(
                ("source/", "ledger/")
            )  # the message is not at fault
            return Outcome(b"", error.issues, error.alone(), trouble=ours)
        except Exception as fault:  # somebody else's code; the listener lives on
            log.failure(fault, "mllp")
            failed = document_error("mllp/failed", "", reason=type(fault).__name__)
            return Outcome(b"", failed.issues, failed, trouble=True)


def work(
    *,
    limit: int,
    tables: Any = None,
    source: Source | None = None,
    transform: Transform | None = None,
    forwarded: bool = False,
) -> Work:
    """Make the work for messages of at most ``limit`` bytes."""
    under = HL7Codec(tables or load_tables(), Limits(document=limit))
    return Work(under, source, transform, forwarded)


def _nothing(issues: tuple[Issue, ...]) -> Outcome:
    """Return what becomes of a message that says nothing: an ADT, for instance, is no fault."""
    told = [i if i.code != SAYS_NOTHING else replace(i, severity=INFORMATION) for i in issues]
    notes = tuple(one for one in told if not one.is_error)
    return Outcome(b"", tuple(one for one in told if one.is_error), notes=notes)


def _bytes(value: Any) -> bytes:
    """Return a document as bytes: ER7 as it is, text in UTF-8, parsed JSON printed."""
    if isinstance(value, bytes):
        return value
    return value.encode("utf-8") if isinstance(value, str) else content.dump_json(value)
