"""What a site has chosen for its gateway, and what a request is allowed."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from sopstatus.codecs.fhir import FHIRCodec
from sopstatus.documents import content
from sopstatus.engines.gateway.asgi import Scope, header
from sopstatus.limits import DEFAULT, Limits
from sopstatus.profile import UNKNOWN, Link
from sopstatus.sources.source import Source
from sopstatus.table import Group, MappingTable, load_tables

OPEN, CLOSED = "open", "closed"
Scopes = Callable[[Scope], "frozenset[str] | None"]
STATUS = "SOPInstanceStatus"
_ANYTHING = re.compile(r"(?:^|[&?;])_(?:content|text|filter|query)[=:]")


def granted(scope: Scope) -> frozenset[str] | None:
    """Return the scopes of a request: of Starlette's authentication, else of its bearer token.

    ``None`` = it shows none. The token is not verified: who answers the request does that, and
    nothing of a request with a bad one is shown.
    """
    if (auth := scope.get("auth")) is not None:
        return frozenset(getattr(auth, "scopes", ()))
    scheme, *token = header(scope["headers"], b"authorization").split(maxsplit=1) or [b""]
    parts = token[0].strip().split(b".") if token else []
    if scheme.lower() != b"bearer" or len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    said = claims.get("scope", claims.get("scp")) if isinstance(claims, dict) else None
    if isinstance(said, str):
        return frozenset(said.split())
    return frozenset(map(str, said)) if isinstance(said, list) else None


@dataclass(frozen=True)
class Site:
    """The choices of a site; ``on_failure`` is the one that must be made.

    ``on_failure``: what to do where the archive or this software fails: ``open`` lets requests and
    answers through as they are, ``closed`` refuses them. What a client must not see is never let
    through. ``archives``: sources by the address that Endpoints name; ``enrich``: ``read``,
    ``write``, both or none. ``demote``: over a link that is not trusted each status that is written
    becomes NS. ``tag``: keep a rolled-up ``meta.tag``. ``read_scope``, ``write_scope``: what a
    client's scopes must name, where it shows any. ``search``: whether the parameter is answered
    here. ``base``: the path of the FHIR API. ``fresh``: seconds for which an archive's answer is cached.
    """

    on_failure: str
    archives: Mapping[str, Source] = field(default_factory=dict)
    enrich: frozenset[str] = frozenset()
    link: Link = UNKNOWN
    demote: bool = False
    tag: bool = False
    read_scope: str = ""
    write_scope: str = ""
    search: bool = True
    base: str = ""
    audit: str = ""
    max_body: int = 64 << 20
    timeout: float = 30.0
    fresh: float = 10.0
    tables: MappingTable = field(default_factory=load_tables)
    limits: Limits = DEFAULT
    scopes: Scopes = granted

    def __post_init__(self) -> None:
        if self.on_failure not in (OPEN, CLOSED):
            raise ValueError(f"on_failure must be open or closed, not {self.on_failure!r}")
        if unknown := self.enrich - {"read", "write"}:
            raise ValueError(f"enrich must be read or write, not {', '.join(sorted(unknown))}")

    @cached_property
    def codec(self) -> FHIRCodec:
        """Return the codec of FHIR with this site's tables."""
        return FHIRCodec(self.tables, self.limits)

    @cached_property
    def group(self) -> Group:
        """Return the group of the status."""
        return next(
            group
            for group in self.tables.groups
            if any(row.keyword == STATUS for row in group.attributes)
        )

    @cached_property
    def marks(self) -> tuple[bytes, ...]:
        """Return what a body has to contain where it states anything of ours."""
        return tuple(url.encode() for url in self.tables.extensions)

    @property
    def guards(self) -> bool:
        """Tell whether what cannot be looked at is refused."""
        return bool(self.demote or self.read_scope or self.write_scope)

    @property
    def system(self) -> str:
        """Return the CodeSystem of the status."""
        return f"{self.tables.site.canonical}/CodeSystem/{self.group.name}"

    @property
    def rollup_system(self) -> str:
        """Return the system of the rolled-up tag."""
        return f"{self.system}-rollup"

    def concerns(self, body: bytes) -> bool:
        """Tell whether a body may state anything of ours, also escaped or in another encoding."""
        return any(mark in body for mark in self.marks) or b"\\" in body or b"\0" in body

    def mentions(self, document: Any) -> bool:
        """Tell whether parsed JSON names an extension of ours."""
        text = json.dumps(document, ensure_ascii=False, default=str)
        return any(mark.decode() in text for mark in self.marks)

    def asks_of_status(self, query: str) -> bool:
        """Tell whether a query could learn a status from what it finds, by whatever parameter."""
        text = unquote_plus(query)
        named = self.group.name in text or _ANYTHING.search(text)
        return bool(named) or (self.tag and any(f"_tag{sign}" in text for sign in ("=", ":")))

    def may_read(self, scope: Scope) -> bool:
        """Tell whether a client may see statements."""
        return self._may(scope, self.read_scope)

    def may_write(self, scope: Scope) -> bool:
        """Tell whether a client may make statements."""
        return self._may(scope, self.write_scope)

    def _may(self, scope: Scope, wanted: str) -> bool:
        if not wanted:
            return True
        shown = self.scopes(scope)
        return shown is None or wanted in shown


def json_of(site: Site, body: bytes) -> Any:
    """Parse a body; numbers keep their spelling.

    Raise `DocumentError` where it is not JSON, or where another system could parse it otherwise.
    """
    return content.load_json(body, limits=site.limits)
