"""What becomes of a message: checked, enriched or transformed; no socket and no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sopstatus import content
from sopstatus.catalogue import document_error
from sopstatus.codecs.hl7 import HL7Codec
from sopstatus.engines.enrich import Source, enriched
from sopstatus.limits import Limits
from sopstatus.link import Link
from sopstatus.model import ERROR, FATAL, DocumentError, Issue, Result
from sopstatus.table import load_tables

Transform = Callable[..., Result[Any]]


class Outcome(NamedTuple):
    """What goes on, and what is to be told.

    ``error`` is set where the message could not be read at all, or the transformer failed
    (``trouble``): then nothing goes on. ``notes`` are for the log only: no fault of the sender's.
    """

    message: bytes
    issues: tuple[Issue, ...] = ()
    error: DocumentError | None = None
    trouble: bool = False
    notes: tuple[Issue, ...] = ()

    @property
    def failed(self) -> bool:
        """Tell whether the message goes nowhere."""
        return self.error is not None or any(i.severity in (FATAL, ERROR) for i in self.issues)


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
                made = _bytes(done.value)
                if self.forwarded and not made.startswith((b"MSH", b"BHS", b"FHS")):
                    raise document_error("hl7/no-msh", "")
                return Outcome(made, done.issues)
            read = self.codec.decode(message)
            if self.source is None or any(i.severity in (FATAL, ERROR) for i in read.issues):
                return Outcome(message, read.issues)
            more = enriched(message, read.value, self.codec, self.source)
            return Outcome(more.value, read.issues, notes=more.issues)
        except DocumentError as error:
            ours = error.issues[0].code.startswith(
                ("source/", "ledger/")
            )  # the message is not at fault
            return Outcome(b"", error.issues, error, trouble=ours)
        except Exception as fault:  # somebody else's code; the listener lives on
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


def _bytes(value: Any) -> bytes:
    """Return a document as bytes: ER7 as it is, text in UTF-8, parsed JSON printed."""
    if isinstance(value, bytes):
        return value
    return value.encode("utf-8") if isinstance(value, str) else content.dump_json(value)
