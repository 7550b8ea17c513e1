"""The body of a request: whole, bounded in size and time; and how gzip is undone."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping

from starlette.types import Receive

from sopstatus.catalogue import document_error

LINGER = 4
"""How many times the limit is read and thrown away, so that the caller gets to read the answer."""
MEMBERS = 16
"""How many gzip streams one body may hold: each costs a copy of what is left."""
_GZIP = 16 + zlib.MAX_WBITS


class Disconnected(Exception):
    """The caller has gone before its request was whole."""


class Body:
    """The body that is still to come; ``limit`` bounds its bytes, ``seconds`` its time."""

    def __init__(
        self, receive: Receive, headers: Mapping[bytes, bytes], limit: int, seconds: float
    ) -> None:
        self._receive, self._headers = receive, headers
        self.limit, self.seconds = limit, seconds
        self.whole = False  # all of it has been received

    @property
    def gzipped(self) -> bool:
        """Tell whether gzip is to be undone; raise `DocumentError` (415) for any other coding."""
        coding = self._headers.get(b"content-encoding", b"identity").strip().lower()
        if coding not in (b"identity", b"", b"gzip", b"x-gzip"):
            raise document_error("http/coding", "Content-Encoding")
        return coding in (b"gzip", b"x-gzip")

    async def read(self) -> bytes:
        """Return the body as it came; raise `DocumentError` (408, 413)."""
        if self._declared > self.limit:
            raise document_error("http/too-large", "", limit=self.limit)
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.seconds):
                while not self.whole:
                    pieces.append(await self._piece())
                    size += len(pieces[-1])
                    if size > self.limit:
                        raise document_error("http/too-large", "", limit=self.limit)
        except TimeoutError:
            raise document_error("http/too-slow", "", seconds=f"{self.seconds:g}") from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def discard(self) -> bool:
        """Throw away what is left of a refused body, within bounds, and tell whether all came."""
        size = 0
        if self.whole or b"expect" in self._headers or self._declared > LINGER * self.limit:
            return self.whole
        try:
            async with asyncio.timeout(min(self.seconds, 2.0)):
                while not self.whole and size <= LINGER * self.limit:
                    size += len(await self._piece())
        except (TimeoutError, Disconnected):
            pass
        return self.whole

    @property
    def _declared(self) -> int:
        return int(self._headers.get(b"content-length", b"0"))

    async def _piece(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        self.whole = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece


def inflated(data: bytes, limit: int) -> bytes:
    """Undo gzip (RFC 1952), members one after another; raise `DocumentError` (400, 413)."""
    pieces: list[bytes] = []
    size = 0
    for _ in range(MEMBERS):
        member = zlib.decompressobj(_GZIP)
        try:
            piece = member.decompress(data, limit + 1 - size)
        except zlib.error:
            raise document_error("http/not-gzip", "") from None
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise document_error("http/too-large", "", limit=limit)
        if not member.eof:
            raise document_error("http/not-gzip", "")
        data = member.unused_data
        if not data:
            return b"".join(pieces)
    raise document_error("http/not-gzip", "")
