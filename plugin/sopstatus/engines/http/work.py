"""One request or one line of a batch, from the bytes that came to those that go: no waiting here."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from sopstatus.audit import log as audit_log
from sopstatus.catalogue import document_error
from sopstatus.codecs import Format
from sopstatus.documents import content
from sopstatus.engines.http.answers import (
    JSON_FORMATS,
    Answer,
    counted,
    problem,
    status_of,
    wrapped,
)
from sopstatus.engines.http.body import inflated
from sopstatus.engines.http.media import answer_form, check, parsed
from sopstatus.engines.http.offer import Carried, Offer, load
from sopstatus.engines.http.parts import document_and_into, split
from sopstatus.limits import Limits
from sopstatus.model import ERROR, FATAL, WARNING, DocumentError, Issue
from sopstatus.transform import names_nothing


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller wants done: nothing of it says anything of the link that it came over."""

    name: str
    content_type: str
    accept: str = ""
    holder: str = ""
    add_missing: bool = False
    handling: str = ""
    gzipped: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What the work is done with: an offer, a bound on bytes, a file of audit records or none."""

    offer: Offer
    limit: int
    audit: str = ""

    def transform(self, asked: Asked, body: bytes) -> Answer:
        """Return the answer to one request; raise `DocumentError` where there is no document."""
        offer = self.offer
        source, target = offer.formats(asked.name)
        form = answer_form(asked.accept, target) if target else None
        if asked.gzipped:
            body = inflated(body, self.limit)
        media, into, into_type = parsed(asked.content_type), None, ""
        said = asked.content_type
        if media.name in ("multipart/related", "multipart/form-data"):
            part, onto = document_and_into(split(body, media), media)
            body, said = part.content, part.content_type
            if onto:
                into, into_type = onto.content, onto.content_type
        source = source or content.recognise(body)
        check(said, source, "Content-Type")
        if into is not None:
            target = target or content.recognise(into)
            check(into_type, target, "part[2] Content-Type")
        document = load(source, body, offer.limits)
        onto_document = None if into is None else load(target, into, offer.limits)
        done = self._carried(
            *(asked.name, source, document, onto_document),
            holder=asked.holder,
            add_missing=asked.add_missing,
        )
        form = form or answer_form(asked.accept, done.name)
        if failed(done.issues, asked.handling) or names_nothing(done.issues):
            raise DocumentError(*done.issues)
        audit_log.keep(self.audit, done.records)
        data = wrapped(done.document, done.name, done.issues) if form.wrapped else done.document
        told = counted(done.issues)
        return Answer(200, form.media, data, done.issues, told, asked.name, changed=done.changed)

    def line(self, number: int, data: bytes, handling: str = "") -> Answer:
        """Return the line that answers one line of a batch: no fault of it is another's."""
        offer = self.offer
        try:
            asked = _item(data, number, offer.limits)
            name, document, into = asked["transform"], asked["document"], asked.get("into")
            source, target = offer.formats(name if isinstance(name, str) else "")
            document = _given(document, source, number, offer.limits)
            source = source or content.recognise(document)
            onto = None if into is None else _given(into, target, number, offer.limits)
            done = self._carried(name, source, document, onto)
            handling = "strict" if asked.get("strict") is True else handling
            if failed(done.issues, handling) or names_nothing(done.issues):
                raise DocumentError(*done.issues)
            audit_log.keep(self.audit, done.records)
        except DocumentError as error:
            return self.refused_line(number, error.issues)
        body = wrapped(done.document, done.name, done.issues, line=number, status=200)
        return Answer(200, "", body, done.issues, transform=name, changed=done.changed)

    def refused_line(self, number: int, issues: tuple[Issue, ...]) -> Answer:
        """Return the line that says why one line of a batch was not done."""
        status = status_of(issues)
        told = problem(status, issues, self.offer.tables.site.canonical)
        body = json.dumps({"line": number} | told).encode() + b"\n"
        return Answer(status, "", body, issues)

    def _carried(
        self,
        name: str,
        source: Format,
        document: Any,
        into: Any,
        holder: str = "",
        add_missing: bool = False,
    ) -> Carried:
        """Carry, as the offer does; what is refused is recorded too."""
        try:
            return self.offer.carry(
                name, source, document, into, holder=holder, add_missing=add_missing
            )
        except DocumentError as error:
            audit_log.keep(self.audit, error.records)
            raise


def failed(issues: tuple[Issue, ...], handling: str) -> bool:
    """Tell whether no document is to be answered: ``handling`` is "strict", "lenient" or neither."""
    worst = {"strict": WARNING, "lenient": FATAL}.get(handling, ERROR)
    return any(found.is_at_least(worst) for found in issues)


def _item(data: bytes, number: int, limits: Limits) -> dict[str, Any]:
    item = content.load_json(data, limits=limits)
    if isinstance(item, dict) and {"transform", "document"} <= item.keys():
        return item
    raise document_error("http/batch-line", f"line[{number}]")


def _given(value: Any, name: str, number: int, limits: Limits) -> Any:
    """Return a document of a line as its codec takes it: JSON, text, or ``{"base64": ...}``."""
    where = f"line[{number}]"
    if isinstance(value, dict) and value.keys() == {"base64"}:
        try:
            data = base64.b64decode(value["base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise document_error("http/batch-line", where) from None
    elif isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
    elif isinstance(value, dict | list) and name in JSON_FORMATS:
        return value
    elif isinstance(value, dict | list) and not name:
        data = content.dump_json(value)
    else:
        raise document_error("http/batch-line", where)
    return load(name, data, limits)
