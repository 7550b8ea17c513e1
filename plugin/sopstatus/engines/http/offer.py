"""What a service offers: the transformations of one set of tables, replaced whole when they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sopstatus import log
from sopstatus.catalogue import document_error
from sopstatus.codecs import FORMATS, Format
from sopstatus.codecs.fhir.text import load as load_fhir
from sopstatus.documents import content
from sopstatus.limits import Limits
from sopstatus.model import AuditRecord, DocumentError, Issue, Result, TableError
from sopstatus.profile import Link
from sopstatus.table import MappingTable, load_tables
from sopstatus.transform import Transformer, transformer

PAIRS = {f"{source}-to-{target}": (source, target) for source in FORMATS for target in FORMATS}
_Named = Callable[..., Result[Any]]


@dataclass(frozen=True, slots=True)
class Carried:
    """A document that was written: its format, its bytes, and what to report about it.

    ``changed``: it is not the one that it was written onto, or where there is none, the one that came.
    """

    name: str
    document: bytes
    issues: tuple[Issue, ...]
    records: tuple[AuditRecord, ...]
    changed: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """The transformations of one set of tables; a request keeps the one that it began with.

    ``others`` are transformers that other distributions offer, by name. ``link`` is what the
    operator knows of the way that requests come: nothing in a request can add to it.
    """

    tables: MappingTable
    limits: Limits
    link: Link
    others: Mapping[str, _Named]
    _made: dict[tuple[Format, Format], Transformer[Any]] = field(default_factory=dict)

    def over(self, link: Link) -> Offer:
        """Return the same over another link."""
        return self if link == self.link else replace(self, link=link)

    def formats(self, name: str) -> tuple[Format, Format] | tuple[Literal[""], Literal[""]]:
        """Return source and target, ``""`` where any; raise `DocumentError` (404) for no name."""
        if name in PAIRS:  # these know the site's tables
            return PAIRS[name]
        if name in self.others:
            return "", ""
        raise document_error("http/unknown-name", "", formats=", ".join(FORMATS))

    def carry(
        self,
        name: str,
        source: Format,
        document: Any,
        into: Any = None,
        *,
        holder: str = "",
        add_missing: bool = False,
    ) -> Carried:
        """Carry the statements of a document, in its codec's form, onto another or a new one.

        Raise `DocumentError` (400) for ``add_missing`` where the target is not FHIR.
        """
        _, target = self.formats(name)
        if add_missing and target != "fhir":
            known = "missing=add where the target is fhir"
            raise document_error("http/parameter", "", parameter="the query", known=known)
        if not target:
            return self._by_site(name, document, into)
        if target == "dicom" and into is None and source != "dicom":
            raise document_error("http/no-into", "")
        carry = self._transformer(source, target)
        result = carry(document, into, link=self.link, holder=holder, add_missing=add_missing)
        return _carried(target, result, document if into is None else into)

    def _by_site(self, name: str, document: Any, into: Any) -> Carried:
        """Carry by a site's own transformer; raise `DocumentError` (500) for what is wrong with that."""
        try:
            result = self.others[name](document, into, link=self.link)
            try:
                target = content.recognise(_bytes(result.value))
            except DocumentError as error:
                raise TypeError("the transformer returned no document") from error
            return _carried(target, result, document if into is None else into)
        except DocumentError:  # the transformer refuses the caller's document
            raise
        except Exception as error:
            log.failure(error, "/transform/", transform=name)
            raise document_error("http/failed", "") from None

    def _transformer(self, source: Format, target: Format) -> Transformer[Any]:
        key = (source, target)
        if key not in self._made:
            self._made[key] = transformer(source, target, tables=self.tables, limits=self.limits)
        return self._made[key]


class Offered:
    """The offer in use. Loading is whole or not at all: broken tables leave the old ones in use."""

    def __init__(
        self, folders: Iterable[str], limits: Limits, link: Link, others: Mapping[str, _Named]
    ) -> None:
        """Load the tables; raise `TableError` where they are broken."""
        self.folders = tuple(folders)
        self.fault: TableError | None = None
        self.offer = Offer(load_tables(*self.folders), limits, link, others)

    def reload(self) -> bool:
        """Load the tables again, and tell whether those are in use now."""
        try:
            tables = load_tables(*self.folders)
        except TableError as error:
            self.fault = error
            return False
        old = self.offer
        self.offer, self.fault = Offer(tables, old.limits, old.link, old.others), None
        return True


def _carried(target: str, result: Result[Any], before: Any) -> Carried:
    changed = bool(result.value != before)
    return Carried(target, _bytes(result.value), result.issues, result.records, changed)


def _bytes(document: Any) -> bytes:
    return document if isinstance(document, bytes) else content.dump_json(document)


def load(name: str, data: bytes, limits: Limits) -> Any:
    """Return a document as its codec takes it; raise `DocumentError` where it is not what it says."""
    return load_fhir(data, limits=limits) if name == "fhir" else data
