"""Files that are taken into use again when they change: certificates, tokens, lists of peers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from sopstatus import log
from sopstatus.documents.files import stamp_of

EVERY = 1.0  # seconds between two looks: a secret of a container changes by a link, which no event tells


class Watched:
    """Some files of one purpose; ``take`` reads them and puts them in use, or raises and changes nothing.

    ``name`` is told by events. Made before the files are read first, so that no change is missed.
    """

    def __init__(self, name: str, files: Iterable[str | None], take: Callable[[], None]) -> None:
        self.name, self.files = name, tuple(file for file in files if file)
        self.take = take
        self._seen = self._stamps()

    @property
    def has_changed(self) -> bool:
        """Tell whether a file is another than when all were read last."""
        return self._seen != self._stamps()

    def reload(self) -> bool:
        """Take the files into use, whole or not at all, and say so; tell whether it was done."""
        self._seen = self._stamps()
        if any(Path(file).is_fifo() for file in self.files):
            log.event("not-reloaded", "warning", what=self.name, reason="a-pipe-is-read-once")
            return False
        try:
            self.take()
        except (OSError, ValueError) as fault:  # `ssl.SSLError` is the former, `Unsafe` the latter
            log.not_reloaded(self.name, fault)
            return False
        log.event("reloaded", what=self.name)
        return True

    def _stamps(self) -> tuple[tuple[int, ...], ...]:
        found: list[tuple[int, ...]] = []
        for file in self.files:
            try:
                found.append(stamp_of(file))
            except OSError:
                found.append(())
        return tuple(found)
