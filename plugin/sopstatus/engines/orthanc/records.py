"""The audit file of what arrives at Orthanc: a record is on the disk before its data set is let in."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path

from sopstatus.audit import log
from sopstatus.model import AuditRecord


class Records:
    """Writes the records of many threads; those that wait for the disk are written at one go."""

    def __init__(self, file: str | Path) -> None:
        self._file = file
        self._waiting: deque[tuple[tuple[AuditRecord, ...], Future[None]]] = deque()
        self._writing = threading.Lock()

    def keep(self, records: tuple[AuditRecord, ...]) -> None:
        """Return when the records are on the disk; raise `DocumentError` where it refuses."""
        if not self._file or not records:
            return
        done: Future[None] = Future()
        self._waiting.append((records, done))
        with self._writing:
            if not done.done():
                self._write([self._waiting.popleft() for _ in range(len(self._waiting))])
        done.result()

    def _write(self, batch: list[tuple[tuple[AuditRecord, ...], Future[None]]]) -> None:
        try:
            log.append(self._file, [one for records, _ in batch for one in records])
        except BaseException as fault:
            for _, done in batch:
                done.set_exception(fault)
        else:
            for _, done in batch:
                done.set_result(None)
