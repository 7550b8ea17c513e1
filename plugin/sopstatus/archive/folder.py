"""The folder that a scan writes: part files, and for each of them the list of files that it covers.

``part-000012.parquet`` counts from the moment that it has its name. Before that it is written and
synchronised to disk under another, and its list, ``.covers/000012``, is in place. A list without
its part is of a scan that was killed in between, and void. So whatever the moment of a kill or a
power failure, the lists of the parts that are there tell exactly which files have their rows in
them, and a scan that is resumed reads the others.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from io import BufferedRandom
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, cast

from sopstatus import writing
from sopstatus.archive.order import Covered
from sopstatus.archive.rows import Counts
from sopstatus.catalogue import document_error

VERSION = 2
_SETTINGS, _SUMMARY, _LISTS = "scan.json", "summary.json", ".covers"
_LOCK = ".lock"
_BEGUN = {_LISTS, _LOCK}  # there before the scan can have parts


@dataclass(frozen=True, slots=True)
class Part:
    """A part file that is there, and the head of its list."""

    number: int
    file: Path
    listed: Path
    round: int
    size: int
    sha256: str
    counts: Counts

    def is_whole(self) -> bool:
        """Tell whether the file is, byte for byte, what was written."""
        with self.file.open("rb") as file:
            same = os.fstat(file.fileno()).st_size == self.size
            return same and hashlib.file_digest(file, "sha256").hexdigest() == self.sha256

    def sources(self) -> list[Covered]:
        """Return the files that the part covers, in the order of the walk."""
        with self.listed.open("rb") as file:
            file.readline()
            names = zlib.decompress(file.read())
        told = names.split(b"\0")
        each = zip(told[::2], told[1::2], strict=True)
        return [Covered(os.fsdecode(name), stamp.decode("ascii")) for name, stamp in each]

    def remove(self) -> None:
        """Remove the part, so that what it covers is scanned again."""
        self.file.unlink()
        self.listed.unlink()


class Folder:
    """The folder of one scan; one process at a time writes into it."""

    def __init__(self, path: str | os.PathLike[str], suffix: str, at: str = "OUT") -> None:
        self.path, self.at = Path(path), at  # what issues call it
        self.suffix = suffix
        self._next = self._round = 0

    @contextmanager
    def opened(self, settings: dict[str, Any], *, resume: bool) -> Iterator[None]:
        """Take the folder, new or to go on with; raise `DocumentError` where it is not for us.

        ``settings`` are what the rows depend on: a scan goes on with the same ones only.
        """
        with writing.told(self.at):
            is_new = not self.path.is_dir() or _BEGUN.issuperset(
                file.name
                for file in self.path.iterdir()
                if not file.name.endswith(writing.UNFINISHED)
            )
            if not is_new and not resume:
                raise document_error("archive/not-empty", self.at)
            if not is_new:
                self._check(settings)
            if settings.get("since"):
                own = {name: value for name, value in settings.items() if name != "since"}
                Folder(settings["since"], self.suffix, "--since")._check(own)
            (self.path / _LISTS).mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # no fork inherits it
            except (BlockingIOError, PermissionError):
                raise document_error("archive/in-use", self.at) from None
            _put(self.path / _SETTINGS, {"version": VERSION, **settings})
            with writing.told(self.at):
                self._clear()
            yield
        finally:
            os.close(lock)

    def _check(self, settings: dict[str, Any]) -> None:
        there = self.settings()
        for name, value in {"version": VERSION, **settings}.items():
            if there.get(name) != value:
                raise document_error("archive/other-scan", self.at, setting=name)

    def settings(self) -> dict[str, Any]:
        """Return what the scan was told; raise `DocumentError` where this is no scan's folder."""
        try:
            found = json.loads((self.path / _SETTINGS).read_bytes())
        except (OSError, ValueError):
            raise document_error("archive/not-scan", self.at) from None
        if not isinstance(found, dict):
            raise document_error("archive/not-scan", self.at)
        return found

    def _clear(self) -> None:
        """Remove what a kill has left unfinished."""
        (self.path / _SUMMARY).unlink(missing_ok=True)
        for file in self.path.glob(f".*{writing.UNFINISHED}"):
            file.unlink()
        for file in (self.path / _LISTS).iterdir():
            if not file.name.isdecimal() or not self._file(int(file.name)).exists():
                file.unlink()
        parts = self.parts()
        self._next = 1 + max((part.number for part in parts), default=-1)
        self._round = 1 + max((part.round for part in parts), default=-1)

    def parts(self) -> list[Part]:
        """Return the parts that are there, by number."""
        found = []
        for file in sorted(self.path.glob(f"part-*{self.suffix}")):
            number = int(file.name.removeprefix("part-").removesuffix(self.suffix))
            listed = self.path / _LISTS / f"{number:06}"
            try:
                with listed.open("rb") as opened:
                    head = json.loads(opened.readline())
            except (OSError, ValueError):
                raise document_error("archive/not-scan", self.at) from None
            counts = Counts(*head["counts"])
            found.append(
                Part(number, file, listed, head["round"], head["size"], head["sha256"], counts)
            )
        return found

    def covered(self) -> list[Iterator[Covered]]:
        """Return the files that parts cover, a round each, in the order of the walk."""
        rounds = groupby(self.parts(), key=lambda part: part.round)
        several = [list(parts) for _, parts in rounds]
        return [(one for part in parts for one in part.sources()) for parts in several]

    def before(self) -> list[Iterator[Covered]]:
        """Return what this scan covers, and then those that it was since, the newest first."""
        earlier = self.earlier()
        return self.covered() + (earlier.before() if earlier else [])

    def earlier(self) -> Folder | None:
        """Return the scan that this one is since."""
        since = self.settings().get("since")
        return Folder(since, self.suffix) if since else None

    def commit(
        self, sources: list[Covered], counts: Counts, write: Callable[[BinaryIO], None]
    ) -> None:
        """Add a part: ``write`` fills its file; once this returns it is there, whatever comes."""
        with _replacing(self._file(self._next)) as file:
            write(file)
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            digest = hashlib.file_digest(cast(BufferedRandom, file), "sha256").hexdigest()
            head = {"round": self._round, "size": size, "sha256": digest, "counts": counts}
            names = b"\0".join(os.fsencode(text) for one in sources for text in one)
            text = json.dumps(head).encode() + b"\n" + zlib.compress(names, 1)
            with _replacing(self.path / _LISTS / f"{self._next:06}") as listed:
                listed.write(text)
        self._next += 1

    def finish(self, summary: dict[str, Any]) -> None:
        """Say that the scan has come to its end."""
        _put(self.path / _SUMMARY, summary)

    def summary(self) -> dict[str, Any] | None:
        """Return what `finish` was told; ``None`` = the scan has not come to its end."""
        with suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.path / _SUMMARY).read_bytes())
            return found
        return None

    def _file(self, number: int) -> Path:
        return self.path / f"part-{number:06}{self.suffix}"


def _put(file: Path, content: dict[str, Any]) -> None:
    with _replacing(file) as opened:
        opened.write(f"{json.dumps(content, indent=2)}\n".encode())


def _replacing(file: Path) -> AbstractContextManager[BinaryIO]:
    return writing.replacing(file, at="OUT", mode=writing.PRIVATE)
