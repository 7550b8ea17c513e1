"""MLLP blocks out of bytes as they come: no socket, no clock (HL7 v2 MLLP Release 1).

A block is ``<VT> message <FS><CR>``. Senders are laxer than that: LF stands between blocks, the CR
is missing, a block begins again where one broke off. However the bytes are cut on their way, the
same blocks come out, and each byte is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LIMIT = 16 << 20
"""The longest message by default, in bytes."""
HEAD = 4096
"""How much is kept of a message that is too long: enough for its MSH."""
NOT_FRAMED, TOO_LARGE, BROKEN_OFF = "not-framed", "too-large", "broken-off"

_VT, _FS, _CR = 0x0B, 0x1C, 0x0D
_BEHIND_FS = (_CR, 0x0A, _VT)  # what follows the FS of an end; before anything else it is content
_BETWEEN = b"\r\n\t \x00\x1c"
_ANEW = re.compile(rb"\x0b(?=(?:\xef\xbb\xbf)?(?:MSH|FHS|BHS))")


_METHODS = b"GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE PRI".split()
_OTHERS = {b"\x16\x03": "tls"} | {b"%s " % method: "http" for method in _METHODS}


def foreign(first: bytes) -> str | None:
    """Tell which other protocol a connection begins with: ``http``, ``tls``, or none (``""``).

    ``first`` are its first bytes without empty lines (RFC 9112 2.2); ``None``: more of them decide.
    A web page can make a browser send an HTTP request to any port, with a whole block in its body.
    The marks are a method and a blank (RFC 9112 3) and a record of a handshake (RFC 8446 5.1).
    """
    for mark, name in _OTHERS.items():
        if first.startswith(mark):
            return name
    return None if any(mark.startswith(first) for mark in _OTHERS) else ""


class Block(NamedTuple):
    """A message, or what came instead of one.

    ``fault`` is empty for a whole message; else ``data`` is at most its beginning: `NOT_FRAMED`
    (bytes outside a block, told once until the next block), `TOO_LARGE` or `BROKEN_OFF` (no end
    came before the next beginning, or before the connection closed). ``size`` counts its bytes.
    """

    data: bytes
    fault: str
    size: int


class Framer:
    """Cuts a stream of bytes into blocks; ``limit`` bounds one message, and so what is kept."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._bytes = bytearray()
        self._inside = False
        self._told = False  # of the bytes outside a block
        self._seen = 0  # no end of the block stands before this place
        self._dropped = 0  # bytes of a message that is too long

    @property
    def inside(self) -> bool:
        """Tell whether a block has begun and not ended."""
        return self._inside

    @property
    def is_lost(self) -> bool:
        """Tell whether bytes outside a block came last."""
        return self._told

    @property
    def held(self) -> int:
        """Return how many bytes are kept."""
        return len(self._bytes)

    @property
    def waits(self) -> bool:
        """Tell whether only the CR of a block's end is missing."""
        return self._inside and bool(self._bytes) and self._bytes[-1] == _FS

    def feed(self, data: bytes) -> list[Block]:
        """Take the next bytes, and return the blocks that they complete."""
        blocks: list[Block] = []
        self._bytes += data
        done = 0  # bytes that are dealt with; they are removed at the end, all at once
        while True:
            if not self._inside:
                begin = self._bytes.find(_VT, done)
                gap = self._bytes[done : begin if begin >= 0 else len(self._bytes)]
                if gap.strip(_BETWEEN) and not self._told:
                    blocks.append(Block(b"", NOT_FRAMED, 0))
                    self._told = True
                if begin < 0:
                    done = len(self._bytes)
                    break
                done = self._seen = begin + 1
                self._inside, self._told = True, False
            end = self._end()
            if end < 0:
                break
            blocks += self._blocks(done, end)
            done = end + 1
            self._inside = False
        del self._bytes[:done]
        self._seen = max(self._seen - done, 0)
        self._drop()
        return blocks

    def quiet(self) -> list[Block]:
        """Return the block whose CR does not come, if there is one: nothing has come for a while."""
        if not self.waits:
            return []
        blocks = self._blocks(0, len(self._bytes) - 1)
        self._bytes.clear()
        self._inside = False
        return blocks

    def close(self) -> list[Block]:
        """Return what is left when no more bytes will come."""
        blocks = self.quiet()
        if self._inside:
            size = len(self._bytes) + self._dropped
            blocks.append(Block(bytes(self._bytes[:HEAD]), BROKEN_OFF, size))
            self._bytes.clear()
            self._inside, self._dropped = False, 0
        return blocks

    def _end(self) -> int:
        """Return the place of the FS that ends the block; -1 where it has not come."""
        last = len(self._bytes) - 1
        while (found := self._bytes.find(_FS, self._seen)) >= 0:
            self._seen = found
            if found == last:
                return -1
            if self._bytes[found + 1] in _BEHIND_FS:
                return found
            self._seen += 1
        self._seen = len(self._bytes)
        return -1

    def _blocks(self, begin: int, end: int) -> list[Block]:
        size = end - begin + self._dropped
        self._dropped = 0
        if size > self.limit:
            head = bytes(self._bytes[begin : begin + min(HEAD, self.limit)])
            return [Block(head, TOO_LARGE, size)]
        data = bytes(memoryview(self._bytes)[begin:end])
        if _VT not in data:
            return [Block(data, "", size)]
        *broken, last = _ANEW.split(data)
        blocks = [Block(part[:HEAD], BROKEN_OFF, len(part)) for part in broken if part]
        return [*blocks, Block(last, "", len(last))]

    def _drop(self) -> None:
        """Keep only the beginning of a message that has become too long."""
        if self._inside and self._seen + self._dropped > self.limit:
            head = min(HEAD, self.limit)
            lost = self._seen - head
            if lost > 0:
                del self._bytes[head : self._seen]
                self._dropped += lost
                self._seen = head


def frame(message: bytes) -> bytes:
    """Put a message into a block."""
    return b"\x0b%b\x1c\r" % message
