"""Tell requests for this service from those that a web page elsewhere made a browser send.

A page that a user of this machine opens can send requests to loopback, and can let its own name mean
127.0.0.1 (DNS rebinding), so that the browser takes the answers for the page's own. What it cannot
choose are the headers Host, Origin (RFC 6454 7) and Sec-Fetch-Site (W3C Fetch Metadata).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sopstatus.engines.http.auth import is_loopback
from sopstatus.engines.trust_files import Unsafe

_HOST = re.compile(
    r"(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::([0-9]{1,5}))?", re.I | re.A
)
_DEFAULT = {"http": "80", "https": "443"}
_LOOKED_AT = frozenset(
    (
        b"host",
        b"origin",
        b"sec-fetch-site",
        b"transfer-encoding",
        b"content-length",
        b"content-type",
    )
)
_HERE = ("", "none", "same-origin")  # what Sec-Fetch-Site says of a user, or of our own page

Named = tuple[str, str]  # name in small letters; port, empty where none is given


@dataclass(frozen=True, slots=True)
class Door:
    """What a listener answers to: ``allowed`` are names besides, where no port means any port."""

    port: str
    loopback: bool
    tls: bool
    allowed: frozenset[Named] = frozenset()

    def fault(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the code of the issue that a request has, empty where it has none."""
        given: dict[bytes, list[str]] = {}
        for name, value in headers:
            if name in _LOOKED_AT:
                given.setdefault(name, []).append(value.decode("latin-1"))
        hosts, origins = given.get(b"host", []), given.get(b"origin", [])
        if len(hosts) > 1:  # RFC 9112 3.2
            return "http/other-host"
        host = _named(hosts[0]) if hosts else None
        if (self.loopback or self.allowed) and not self._is_ours(host):
            return "http/other-host"
        if not all(self._is_own(origin, host) for origin in origins):
            return "http/other-origin"
        sites = given.get(b"sec-fetch-site", []) if self.loopback and not origins else []
        if not all(site in _HERE for site in sites):
            return "http/other-origin"
        has_body = b"transfer-encoding" in given or any(
            length.strip("0") for length in given.get(b"content-length", [])
        )
        if has_body and not any(given.get(b"content-type", [])):
            return "http/no-content-type"
        return ""

    def _is_ours(self, host: Named | None) -> bool:
        if host is None:
            return False
        if self._is_allowed(host):
            return True
        return self.loopback and host[1] in ("", self.port) and is_loopback(host[0])

    def _is_allowed(self, host: Named) -> bool:
        return host in self.allowed or (host[0], "") in self.allowed

    def _is_own(self, origin: str, host: Named | None) -> bool:
        """Tell whether a page came from this service by the same name, or from an allowed one."""
        scheme, found, rest = origin.partition("://")
        page = _named(rest) if found and scheme in _DEFAULT else None
        if page is None or (self.tls and scheme != "https"):
            return False
        port = _DEFAULT[scheme]
        if self._is_allowed((page[0], page[1] or port)):
            return True
        return host is not None and page[0] == host[0] and (page[1] or port) == (host[1] or port)


def door(sock: socket.socket, *, tls: bool, allowed: Iterable[str] = ()) -> Door:
    """Return what a bound socket answers to; raise `Unsafe` for a name that is none."""
    address, port = sock.getsockname()[:2]
    return Door(str(port), is_loopback(address.partition("%")[0]), tls, names(allowed))


def names(given: Iterable[str]) -> frozenset[Named]:
    """Return the names of ``--allowed-host``; raise `Unsafe` for one that no Host can have."""
    found = {text: _named(text) for text in given}
    for text, name in found.items():
        if name is None:
            raise Unsafe(f"--allowed-host {text!r} is not NAME or NAME:PORT")
    return frozenset(name for name in found.values() if name)


@lru_cache(maxsize=256)
def _named(text: str) -> Named | None:
    match = _HOST.fullmatch(text)
    return (match[1].lower(), match[2] or "") if match else None
