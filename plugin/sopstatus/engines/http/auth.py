"""Who may call, and what that shows of the link: a bearer token (RFC 6750) or mutual TLS."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from functools import lru_cache
from secrets import compare_digest


def authorized(headers: Mapping[bytes, bytes], known: tuple[bytes, ...]) -> bool:
    """Tell whether a request has one of the tokens that are known."""
    scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
    found = [compare_digest(given.strip(), token) for token in known]  # all of them: same time
    return scheme.lower() == b"bearer" and any(found)


@lru_cache(maxsize=256)
def is_loopback(name: str) -> bool:
    """Tell whether a name is ``localhost`` or a literal address of loopback; nothing is resolved."""
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def is_local(host: str) -> bool:
    """Tell whether only this machine reaches an address that is listened on; a name is resolved."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(map(is_loopback, found))
