"""Who may call, and what that shows of the link: a bearer token (RFC 6750) or mutual TLS."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path
from secrets import compare_digest

_SHORTEST = 16


class Unsafe(ValueError):
    """The service would be open to others; the text says in one line what is missing."""


def tokens(file: str) -> tuple[bytes, ...]:
    """Return the tokens of a file, one a line; raise `Unsafe` where there is none of some length."""
    try:
        lines = Path(file).read_bytes().split()
    except OSError as error:
        raise Unsafe(f"--token-file cannot be read ({error.strerror})") from None
    if not lines or min(map(len, lines)) < _SHORTEST:
        raise Unsafe(f"--token-file needs a token a line, each of {_SHORTEST} characters or more")
    return tuple(lines)


def authorized(headers: Mapping[bytes, bytes], known: tuple[bytes, ...]) -> bool:
    """Tell whether a request has one of the tokens that are known."""
    scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
    found = [compare_digest(given.strip(), token) for token in known]  # all of them: same time
    return scheme.lower() == b"bearer" and any(found)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(one).is_loopback for one in found)
