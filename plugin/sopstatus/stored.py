"""Stored documents one after the other: of folders, ER7 batches, NDJSON and zips, in flat memory."""

from __future__ import annotations

import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from sopstatus.catalogue import document_error
from sopstatus.files import files
from sopstatus.model import DocumentError

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(RuntimeError, NotImplementedError, ValueError),  # encrypted; a method that zipfile lacks
)
"""What reading a zip or one of its members raises where it is damaged, or cannot be read at all."""
LIMIT = 64 << 20
"""Bytes of one document; a longer one is told and passed over."""
_CHUNK = 1 << 20
_START = re.compile(rb"[\r\n\x0b]MSH")
_FRAME = re.compile(rb"[\r\n\x1c](?:[BF][HT]S[^\r\n]*|[\r\n\x1c\x0b])*\Z")
_ER7 = (b"MSH", b"FHS", b"BHS")


class Stored(NamedTuple):
    """One document: the path of its file, a number where the file holds several, its bytes.

    ``error`` is set in place of the bytes where it could not be read, ``part10`` where it is a
    DICOM file on disk, of which whoever reads it needs the beginning alone.
    """

    source: str
    data: bytes
    error: DocumentError | None = None
    part10: str = ""


def stored(paths: Iterable[str | os.PathLike[str]], limit: int = LIMIT) -> Iterator[Stored]:
    """Yield every document below these paths, in order; a broken one stops nothing."""
    for path in files(paths):
        try:
            with open(path, "rb") as file:
                head = file.read(132)
                if head[128:] == b"DICM":
                    yield Stored(path, b"", part10=path)
                elif head.startswith(b"PK\x03\x04"):
                    yield from _zipped(path, file, limit)
                else:
                    file.seek(0)
                    yield from _cut(path, file, limit)
        except OSError as error:
            yield _unreadable(path, error.strerror or type(error).__name__)


def _zipped(path: str, file: IO[bytes], limit: int) -> Iterator[Stored]:
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if member.is_dir():
                    continue
                name = f"{path}!{member.filename}"
                try:
                    with archive.open(member) as inner:
                        yield from _cut(name, inner, limit)
                except BROKEN as error:
                    yield _unreadable(name, type(error).__name__)
    except BROKEN as error:
        yield _unreadable(path, type(error).__name__)


def _unreadable(source: str, reason: str) -> Stored:
    return Stored(source, b"", document_error("document/unreadable", "", reason=reason))


def _cut(name: str, file: IO[bytes], limit: int) -> Iterator[Stored]:
    """Yield the documents of one file: messages of a batch, lines of NDJSON, or the file itself."""
    first = file.readline(limit + 1)
    head = first.removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b \t\r\n")
    if head.startswith(_ER7):
        yield from _messages(name, first, file, limit)
    elif head.startswith(b"{") and first.rstrip().endswith(b"}"):
        yield from _lines(name, first, file, limit)
    else:
        rest = file.read(max(0, limit + 1 - len(first)))  # of a zip a line may be longer than asked
        yield _bounded(name, first + rest, limit)


def _bounded(source: str, data: bytes, limit: int) -> Stored:
    if len(data) > limit:
        return Stored(source, b"", document_error("document/too-large", "", limit=limit))
    return Stored(source, data)


def _lines(name: str, line: bytes, file: IO[bytes], limit: int) -> Iterator[Stored]:
    number = 1
    while line:
        if line.strip():
            yield _bounded(f"{name}#{number}", line, limit)
        while line and not line.endswith(b"\n"):  # the rest of a line that is too long
            line = file.readline(limit)
        line = file.readline(limit + 1)
        number += 1


def _messages(name: str, data: bytes, file: IO[bytes], limit: int) -> Iterator[Stored]:
    number, more = 0, True
    while data or more:
        start = _START.search(data, 3 if data.startswith(b"MSH") else 0)
        if start is None and more:
            if len(data) > limit + _CHUNK and data.startswith(b"MSH"):
                data = data[: limit + 1]  # too long in any case: keep what shows it
            chunk = file.read(_CHUNK)
            more = bool(chunk)
            data += chunk
            continue
        end = start.start() + 1 if start else len(data)
        piece, data = data[:end], data[end:]
        piece = piece.lstrip(b"\x0b\r\n\xef\xbb\xbf")
        if piece.startswith(b"MSH"):
            number += 1
            found = _FRAME.search(piece)
            whole = piece[: found.start() + 1] if found else piece
            yield _bounded(f"{name}#{number}", whole.rstrip(b"\x1c"), limit)
