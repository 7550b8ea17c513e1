"""The three spellings of what one document says: each made by the transformers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sopstatus import content
from sopstatus.catalogue import document_error
from sopstatus.codecs.statement import by_uid
from sopstatus.limits import DEFAULT, Limits
from sopstatus.link import Link
from sopstatus.model import DocumentError, Issue
from sopstatus.table import MappingTable
from sopstatus.transform import codec, transformer
from sopstatus.workbench.blank_file import blank_file
from sopstatus.workbench.given import Given, of

SIDES = ("dicom", "hl7", "fhir")
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
    """One spelling: several data sets, else one document, or ``issues`` that say why none."""

    format: str
    made: tuple[Made, ...]
    issues: tuple[Issue, ...] = ()
    more: int = 0  # data sets that were not made


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made of a document: ``into`` are documents to write onto, by format."""

    source: Given
    tables: MappingTable
    into: Mapping[str, Given]
    link: Link | None = None
    holder: str = ""
    limits: Limits = DEFAULT


def sides(wish: Wish) -> list[Side]:
    """Return the document's own side first where it is none of the three, then those."""
    own = wish.source.format
    names = SIDES if own in SIDES else (own, *SIDES)
    itself = Side(own, (Made(wish.source),))
    return [itself if name == own else _side(wish, name) for name in names]


def _side(wish: Wish, name: str) -> Side:
    try:
        targets, more = _targets(wish, name)
        return Side(name, tuple(_made(wish, name, target) for target in targets), more=more)
    except DocumentError as error:
        return Side(name, (), error.issues)


def _targets(wish: Wish, name: str) -> tuple[list[Given], int]:
    """Return what is written onto, and how many data sets are left out."""
    if name in wish.into:
        return [wish.into[name]], 0
    reader = codec(wish.source.format, tables=wish.tables)
    known = reader.instances(wish.source.document)
    if name != "dicom":
        known = known or reader.decode(wish.source.document).value
        return [of(_written(codec(name, tables=wish.tables).blank(known)))], 0
    about = by_uid(known)
    if not about:
        raise document_error("dicom/not-one-instance", "", count=0)
    shown = list(about.values())[:MOST_DATA_SETS]
    return [of(blank_file(one, wish.tables)) for one in shown], len(about) - len(shown)


def _written(document: Any) -> bytes | str:
    return document if isinstance(document, bytes | str) else content.dump_json(document)


def _made(wish: Wish, name: str, onto: Given) -> Made:
    source = wish.source
    carry = transformer(source.format, name, tables=wish.tables, limits=wish.limits)
    done = carry(source.document, onto.document, link=wish.link, holder=wish.holder)
    told = len(codec(source.format, tables=wish.tables).decode(source.document).issues)
    return Made(of(_written(done.value)), onto, done.issues[told:])
