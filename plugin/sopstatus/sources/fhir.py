"""A FHIR server as a source: what its ImagingStudy resources say of a study."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from sopstatus.catalogue import document_error
from sopstatus.codecs.fhir import FHIRCodec
from sopstatus.codecs.fhir.text import load
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, SOPInstance
from sopstatus.sources.attempts import Attempts
from sopstatus.sources.web import asked
from sopstatus.table import MappingTable, load_tables

_PAGES = 100  # of one search; a server that goes on for ever is not followed
_PIECE = 1 << 16
_HARMLESS = ("warning", "information", "success")  # OperationOutcome.issue.severity


class FHIRServer:
    """A server that searches ImagingStudy by ``identifier``; ``url`` is its base.

    ``session`` is a `requests.Session` that knows how to log in. ``timeout`` is in seconds,
    ``attempts`` how often a request is made that the server was too busy for. Many
    threads may ask where they may share the session.
    """

    def __init__(
        self,
        url: str,
        *,
        session: requests.Session | None = None,
        timeout: float = 20.0,
        attempts: Attempts | int = 5,
        tables: MappingTable | None = None,
        limits: Limits = DEFAULT,
    ) -> None:
        self.url = url.rstrip("/")
        self.session = session or requests.Session()
        self.timeout, self.limits = timeout, limits
        self.attempts = Attempts.of(attempts)
        self._codec = FHIRCodec(tables or load_tables(), limits)

    def statements(self, study_instance_uid: str) -> list[SOPInstance]:
        """Return what is known of a study; raise `DocumentError` where the server does not say."""
        said: dict[SOPInstance, None] = {}  # a page may repeat what another has
        for bundle in self._pages(study_instance_uid):
            read = self._codec.decode(bundle)
            said |= dict.fromkeys(
                x for x in read.value if x.study_instance_uid == study_instance_uid
            )
        return list(said)

    def _pages(self, study: str) -> list[Any]:
        keys = {"identifier": f"urn:dicom:uid|urn:oid:{study}"}
        found = [self._bundle(f"{self.url}/ImagingStudy", keys)]
        while following := self._next(found[-1]):
            if len(found) == _PAGES:
                reason = f"its answer has more than {_PAGES} pages"
                raise document_error("source/unavailable", "", reason=reason)
            found.append(self._bundle(following, {}))
        return found

    def _bundle(self, url: str, keys: dict[str, str]) -> Any:
        def ask() -> Any:
            headers = {"Accept": "application/fhir+json"}
            with self.session.get(
                url, params=keys, headers=headers, timeout=self.timeout, stream=True
            ) as answer:
                answer.raise_for_status()
                data = bytearray()
                for piece in answer.iter_content(_PIECE):
                    data += piece
                    if len(data) > self.limits.document:
                        raise document_error("document/too-large", "", limit=self.limits.document)
                return bytes(data)

        data = asked(ask, self.attempts)
        try:
            found = load(data, limits=self.limits)
        except DocumentError:
            raise document_error(
                "source/unavailable", "", reason="its answer is not JSON"
            ) from None
        if not _is_searchset(found):
            reason = "its answer is not a searchset Bundle without errors"
            raise document_error("source/unavailable", "", reason=reason)
        return found

    def _next(self, bundle: dict[str, Any]) -> str:
        """Return the address of the next page; raise `DocumentError` where it is on another server."""
        links = bundle.get("link")
        for link in links if isinstance(links, list) else []:
            if isinstance(link, dict) and link.get("relation") == "next":
                whole = urljoin(f"{self.url}/", str(link.get("url", "")))
                if urlsplit(whole)[:2] != urlsplit(self.url)[:2]:
                    reason = "it says that the next page is on another server"
                    raise document_error("source/unavailable", "", reason=reason)
                return whole
        return ""


def _is_searchset(found: Any) -> bool:
    """Tell whether this is the answer to a search, and no OperationOutcome in it says that it failed."""
    if not isinstance(found, dict) or found.get("resourceType") != "Bundle":
        return False
    entries = found.get("entry", [])
    if found.get("type") != "searchset" or not isinstance(entries, list):
        return False
    resources = [one.get("resource") if isinstance(one, dict) else None for one in entries]
    return all(isinstance(one, dict) and not _failed(one) for one in resources)


def _failed(resource: dict[str, Any]) -> bool:
    issues = resource.get("issue")
    return resource.get("resourceType") == "OperationOutcome" and not (
        isinstance(issues, list)
        and all(isinstance(i, dict) and i.get("severity") in _HARMLESS for i in issues)
    )
