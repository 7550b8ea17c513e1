"""What archives know of a study, found by the Endpoints of its ImagingStudy."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from sopstatus.catalogue import document_error
from sopstatus.engines.gateway.document import objects
from sopstatus.engines.gateway.settings import Site
from sopstatus.model import SOPInstance
from sopstatus.sources.source import Source, said

WADO_RS, QIDO_RS = "dicom-wado-rs", "dicom-qido-rs"  # FHIR, endpoint-connection-type
_KEPT = 1024  # answers
_AT_ONCE = 8
Statements = tuple[SOPInstance, ...]
Get = Callable[[str], Awaitable[Any]]
"""Returns the resource behind a relative reference, ``None`` where the client may not see it."""


class Archives:
    """The sources of a site; only addresses that it names are ever asked.

    Where a study names no Endpoint at all and the site has one archive, that is asked.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sources = {url.rstrip("/"): source for url, source in site.archives.items()}
        self._known: OrderedDict[tuple[str, str], tuple[float, Statements]] = OrderedDict()
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def statements(
        self, study: dict[str, Any], uids: Iterable[str], beside: Mapping[str, Any], get: Get
    ) -> Statements:
        """Return what is known of a resource's studies; raise `DocumentError` where one fails.

        ``beside`` are the resources of its Bundle by their URLs; an Endpoint may be one of them.
        """
        sources = await self._of(study, beside, get)
        found: list[SOPInstance] = []
        for url in sources:
            for uid in uids:
                found += await self._ask(url, uid)
        return tuple(found)

    async def _of(self, study: dict[str, Any], beside: Mapping[str, Any], get: Get) -> list[str]:
        references = _references(study)
        if not references:
            return list(self._sources) if len(self._sources) == 1 else []
        own = {f"#{inner.get('id')}": inner for inner in objects(study, "contained")}
        found: dict[str, None] = {}
        for reference in references:
            endpoint = own.get(reference, beside.get(reference))
            if endpoint is None and reference.startswith("Endpoint/"):
                endpoint = await get(reference)
            address = _address(endpoint)
            found |= {url: None for url in self._sources if address == url}
        return list(found)

    async def _ask(self, url: str, uid: str) -> Statements:
        key, now = (url, uid), time.monotonic()
        if key in self._known and now - self._known[key][0] < self._site.fresh:
            self._known.move_to_end(key)
            return self._known[key][1]
        source: Source = self._sources[url]
        try:
            async with asyncio.timeout(self._site.timeout), self._places:
                found = await asyncio.to_thread(said, source, uid)
        except TimeoutError:
            raise document_error("source/unavailable", "", reason="no answer in time") from None
        self._known[key] = (time.monotonic(), found)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found


def _references(study: dict[str, Any]) -> list[str]:
    """Return the references to Endpoints of a study and its series, each once."""
    nodes = [study, *objects(study, "series")]
    found = [one.get("reference") for node in nodes for one in objects(node, "endpoint")]
    return list(dict.fromkeys(text for text in found if isinstance(text, str)))


def _address(endpoint: Any) -> str:
    """Return the address of an Endpoint that speaks DICOMweb; R5 lists connection types."""
    if not isinstance(endpoint, dict) or endpoint.get("resourceType") != "Endpoint":
        return ""
    said = endpoint.get("connectionType")
    types = objects(endpoint, "connectionType") or ([said] if isinstance(said, dict) else [])
    codes = {one.get("code") for one in types}
    codes |= {coding.get("code") for one in types for coding in objects(one, "coding")}
    address = endpoint.get("address")
    speaks = bool(codes & {WADO_RS, QIDO_RS})
    return address.rstrip("/") if speaks and isinstance(address, str) else ""
