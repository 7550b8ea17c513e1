"""The three spellings of what one document says: each made by the transformers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sopstatus.catalogue import issue
from sopstatus.codecs import Format, codec
from sopstatus.codecs.fhir import FHIRCodec
from sopstatus.codecs.hl7.blank import message
from sopstatus.codecs.shared.statements import by_uid
from sopstatus.documents import content
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue
from sopstatus.profile import Link
from sopstatus.table import MappingTable
from sopstatus.transform import transformer
from sopstatus.workbench.blank_file import blank_file
from sopstatus.workbench.given import Given, of

SIDES: tuple[Format, ...] = ("dicom", "hl7", "fhir")
MOST_DATA_SETS = 20
"""How many data sets are made of a document about more."""


@dataclass(frozen=True, slots=True)
class Made:
    """A document, what it was written onto (``None``: it is the source), and what was told then."""

    document: Given
    onto: Given | None = None
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """One spelling: several data sets, one document, or none where no data set is named.

    ``issues`` say why none could be made, or what a new document lacks.
    """

    format: Format
    made: tuple[Made, ...]
    issues: tuple[Issue, ...] = ()
    more: int = 0  # data sets that were not made


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made of a document: ``into`` are documents to write onto, by format.

    ``time`` is MSH-7 of new messages (default: now).
    """

    source: Given
    tables: MappingTable
    into: Mapping[Format, Given]
    link: Link | None = None
    holder: str = ""
    limits: Limits = DEFAULT
    time: str = ""


def sides(wish: Wish) -> list[Side]:
    """Return the document's own side first where it is none of the three, then those."""
    own = wish.source.format
    names = SIDES if own in SIDES else (own, *SIDES)
    itself = Side(own, (Made(wish.source),))
    return [itself if name == own else _side(wish, name) for name in names]


def _side(wish: Wish, name: Format) -> Side:
    try:
        targets, lacks, more = _targets(wish, name)
        return Side(name, tuple(_made(wish, name, target) for target in targets), lacks, more)
    except DocumentError as error:
        return Side(name, (), error.issues)


def _targets(wish: Wish, name: Format) -> tuple[list[Given], tuple[Issue, ...], int]:
    """Return what is written onto, what new documents lack, and how many data sets are left out."""
    if name in wish.into:
        return [wish.into[name]], (), 0
    reader, document = codec(wish.source.format, tables=wish.tables), wish.source.document
    known = reader.instances(document)
    if name == "dicom":
        about = list(by_uid(known).values())
        shown = [of(blank_file(one, wish.tables)) for one in about[:MOST_DATA_SETS]]
        return shown, (), len(about) - len(shown)
    said = reader.decode(document).value
    carry = transformer(wish.source.format, name, tables=wish.tables, limits=wish.limits)
    known, contexts, lacks = carry.about(document, known, said, made=True)
    known = known or said
    if name == "hl7":
        if not any(context.get("PatientID") for context in contexts):
            lacks += (issue("hl7/no-patient", "PID-3"),)
        made: Any = message(known, contexts=contexts, site=wish.tables.site, time=wish.time)
    else:
        made = FHIRCodec(wish.tables).blank(known, contexts=contexts)
    return [of(_written(made))], lacks, 0


def _written(document: Any) -> bytes | str:
    return document if isinstance(document, bytes | str) else content.dump_json(document)


def _made(wish: Wish, name: Format, onto: Given) -> Made:
    source = wish.source
    carry = transformer(source.format, name, tables=wish.tables, limits=wish.limits)
    done = carry(source.document, onto.document, link=wish.link, holder=wish.holder)
    told = len(codec(source.format, tables=wish.tables).decode(source.document).issues)
    return Made(of(_written(done.value)), onto, done.issues[told:])
