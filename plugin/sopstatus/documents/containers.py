"""Yield stored documents from folders, ER7 batches, NDJSON and zips, in constant memory."""

from __future__ import annotations

import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from sopstatus.catalogue import document_error, reason_of
from sopstatus.codecs.hl7.outline import ends_in_cr, is_text
from sopstatus.documents.files import files
from sopstatus.model import DocumentError

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(RuntimeError, NotImplementedError, ValueError),  # encrypted; a method that zipfile lacks
)
"""What reading a zip or one of its members raises where it is damaged, or cannot be read at all."""
LIMIT = 64 << 20
"""Bytes of one document; a longer one is reported and passed over."""
_CHUNK = 1 << 20
_MARK = b"\xef\xbb\xbf"
_START = re.compile(rb"[\r\n\x0b](?:\xef\xbb\xbf)?MSH")
# a segment of a batch, or (group 1) any other line; possessive, so that nothing is tried twice
_LINE = re.compile(rb"(?<![^\r\n\x1c])\x0b*+(?:[BF][HT]S[^\r\n]*+|([^\r\n\x1c\x0b][^\r\n\x1c]*+))")
_CR_LINE = re.compile(rb"(?<![^\r\x1c])[\n\x0b]*+(?:[BF][HT]S[^\r]*+|([^\r\n\x1c\x0b][^\r\x1c]*+))")
_LEAD = b"\x0b\r\n\xef\xbb\xbf"
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
            yield _unreadable(path, reason_of(error))


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
    head = first.removeprefix(_MARK).lstrip(b"\x0b \t\r\n").removeprefix(_MARK)
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


def _messages(name: str, first: bytes, file: IO[bytes], limit: int) -> Iterator[Stored]:
    """Yield the messages of a batch; what stands before the first one is passed over."""
    data = bytearray(first)
    at = len(data) - len(data.lstrip(_LEAD))
    number, seen, more = 0, at, True
    while at < len(data) or more:
        is_message = data.startswith(b"MSH", at)
        start = _next(data, at, max(seen, at + 3)) if is_message else _START.search(data, seen)
        if start is None and more:
            seen = max(at, len(data) - 6)  # a mark may be cut in two
            del data[: at if is_message else seen]
            seen, at = seen - at if is_message else 0, 0
            if len(data) > limit + _CHUNK:
                del data[limit + 1 :]  # too long in any case: keep what shows it
                seen = min(seen, len(data))
            chunk = file.read(_CHUNK)
            more = bool(chunk)
            data += chunk
            continue
        end = start.start() + 1 if start else len(data)
        if is_message:
            number += 1
            yield _bounded(f"{name}#{number}", _unframed(bytes(data[at:end])), limit)
        at = seen = start.end() - 3 if start else end


def _next(data: bytearray, at: int, seen: int) -> re.Match[bytes] | None:
    """Return where the next message begins; what follows an LF that is text is none."""
    for start in _START.finditer(data, seen):
        if (
            data[start.start()] != 0x0A
            or not ends_in_cr(data, at)
            or not is_text(data, start.start())
        ):
            return start
    return None


def _unframed(message: bytes) -> bytes:
    """Drop the segments of a batch and the frame characters behind a message."""
    end = 0
    for line in (_CR_LINE if ends_in_cr(message, 0) else _LINE).finditer(message):
        end = line.end(1) if line[1] else end
    return message[: end + 1].rstrip(b"\x1c")
