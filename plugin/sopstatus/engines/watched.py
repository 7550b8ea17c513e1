"""Files that are taken into use again when they change: certificates, tokens, lists of peers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from sopstatus import log
from sopstatus.documents.files import stamp_of
from sopstatus.engines import supervisor

_Stamps = tuple[tuple[int, ...], ...]
EVERY = 1.0  # seconds between two looks: a secret of a container changes by a link, which no event tells


class Watched:
    """Some files of one purpose; ``take`` reads them and puts them in use, or raises and changes nothing.

    ``name`` stands in events. Made before the files are read first, so that no change is missed.
    """

    def __init__(self, name: str, files: Iterable[str | None], take: Callable[[], None]) -> None:
        self.name, self.files = name, tuple(file for file in files if file)
        self.take = take
        self._used: _Stamps | None = self._stamps()  # None: what is there was not taken
        self._told: object = None

    @property
    def has_changed(self) -> bool:
        """Tell whether a file is another than when all were taken last, or was not taken since."""
        return self._used != self._stamps()

    def reload(self, *, asked: bool = False) -> bool:
        """Take the files into use, whole or not at all, and say so; tell whether it was done.

        A fault that stays is reported once, and each time that somebody has ``asked``.
        """
        stamps, self._used = self._stamps(), None
        fault: OSError | ValueError | None = None
        piped = False
        try:
            piped = any(Path(file).is_fifo() for file in self.files)
            if not piped:
                self.take()
        except (OSError, ValueError) as raised:  # `ssl.SSLError` is the former, `Unsafe` the latter
            fault = raised
        state = (stamps, repr(fault)) if piped or fault else None
        if state and (asked or state != self._told):
            if fault:
                log.not_reloaded(self.name, fault)
            else:
                log.event("not-reloaded", "warning", what=self.name, reason="a-pipe-is-read-once")
        self._told = state
        if state:
            return False
        self._used = stamps
        log.event("reloaded", what=self.name)
        return True

    def _stamps(self) -> _Stamps:
        found: list[tuple[int, ...]] = []
        for file in self.files:
            try:
                found.append(stamp_of(file))
            except OSError:
                found.append(())
        return tuple(found)


async def look(
    watched: Sequence[Watched], take: Callable[[list[Watched]], Awaitable[None]]
) -> None:
    """Look for changed files again and again, whatever fails: it is reported once, and tried again."""
    told = ""
    while watched:
        await asyncio.sleep(EVERY)
        try:
            await take([one for one in watched if one.has_changed])
            told = ""
        except Exception as fault:  # such as a listener that cannot be opened again
            if told != repr(fault):
                log.not_reloaded("listener", fault)
            told = repr(fault)


async def again(*steps: Callable[[], Awaitable[None]]) -> None:
    """Read all files again, as the supervisor asks, and tell it when that is over, done or not."""
    supervisor.reloading()
    try:
        for step in steps:
            try:
                await step()
            except Exception as fault:
                log.not_reloaded("listener", fault)
    finally:
        supervisor.tell(supervisor.READY)
