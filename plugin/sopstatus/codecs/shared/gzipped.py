"""What gzip has packed (RFC 1952), unpacked to no more than a limit."""

from __future__ import annotations

import zlib

from sopstatus.catalogue import document_error
from sopstatus.limits import Limits

MAGIC = b"\x1f\x8b"
_HEAD = 4096


def start(data: bytes) -> bytes:
    """Return the first bytes of what is packed; none where it cannot be unpacked."""
    try:
        return zlib.decompressobj(wbits=31).decompress(data[: 16 * _HEAD], _HEAD)
    except zlib.error:
        return b""


def inflated(data: bytes, limits: Limits, code: str = "document/not-gzip") -> bytes:
    """Undo gzip; raise `DocumentError` where that is more than the limit, or not possible."""
    out = bytearray()
    while data:
        inflater = zlib.decompressobj(wbits=31)
        try:
            out += inflater.decompress(data, limits.inflated + 1 - len(out))
        except zlib.error:
            raise document_error(code, "") from None
        if len(out) > limits.inflated:
            raise document_error("document/too-large", "", limit=limits.inflated)
        if not inflater.eof:  # it was cut off
            raise document_error(code, "")
        data = inflater.unused_data.lstrip(b"\0")
    return bytes(out)
