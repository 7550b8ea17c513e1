"""The bounds of a listener, and where it stores."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from sopstatus.engines.mllp.frame import LIMIT


@dataclass(frozen=True, slots=True)
class Settings:
    """The bounds of a listener, and how it answers.

    ``limit`` is of one message and ``held`` of all that is in memory, in bytes; ``connections`` and
    ``pending`` (messages a connection that wait for their answers) are counts; times are seconds:
    ``block`` from a block's beginning to its end, and for a peer to take an answer, ``idle`` between
    blocks, ``quiet`` for a CR that is missing, ``drain`` for what is open at the end. ``respond``:
    the transformed message is the answer. ``only_one``: see `answers`.
    """

    limit: int = LIMIT
    held: int = 256 << 20
    connections: int = 1000
    pending: int = 64
    workers: int = 4
    block: float = 60.0
    idle: float = 3600.0
    quiet: float = 0.5
    drain: float = 10.0
    respond: bool = False
    only_one: bool = False


class Store(Protocol):
    """Where messages are kept until they are delivered."""

    def put(self, message: bytes, stream: int) -> asyncio.Future[int]:
        """Store a message; the result comes when it is safe on disk, or `DocumentError`."""

    def count(self, application: str, facility: str, code: str, field: str, value: str) -> None:
        """Count what a sender has said that is no value of an attribute."""
