"""Work that runs in C, where Python executes no line: regular expressions, searches, slices.

``python -m growth.machine work 1000`` does each piece once over a text of that size, made so that a
pattern that tries things twice would take the square of it.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

from sopstatus import SOPInstance, codec
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.codecs.shared import xml_text
from sopstatus.documents import content
from sopstatus.documents.containers import stored
from sopstatus.engines.mllp.frame import Framer
from sopstatus.explain.json_spans import spans
from sopstatus.model import DocumentError
from sopstatus.table.check import _BARE_TAG
from sopstatus.values import date_time_to_dt, is_fhir_code, is_range, is_uid, parse_dt

HEAD = b"MSH|^~\\&|A|B|C|D|20240101||ORU^R01|1|P|2.5.1\r"
MARKS = outline.Delimiters("|", "^", "~", "\\", "&")


def files(n):
    """Return batches as files hold them."""
    yield HEAD + b"\r" * n + b"x"
    yield HEAD + b"\x1c\x0b" * n + b"x"
    yield HEAD + b"\rBTS|" * n + b"x\rx"
    yield HEAD + b"BTS|1\r" * n
    yield b"FHS|\r" + b"\r\x0b" * n
    yield HEAD * (n // 40)


def work(n):
    """Do every piece of work once."""
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(files(n)):
            path = Path(folder) / str(number)
            path.write_bytes(data)
            for _ in stored([path]):
                pass
    for text in ("-" + "1" * n + "x", "1" * n, "20240101" * (n // 8) + "x", "+" * n, "1." * n):
        is_range(text), parse_dt(text), date_time_to_dt(text), is_uid(text), is_fhir_code(text)
    for text in ("=" + " " * n, "= ( " * n, "=(" * n):
        _BARE_TAG.search(text)
    for text in ("encoding='a' " * n, "encoding= " * n, "encoding" + " " * n, "?" * n):
        with contextlib.suppress(DocumentError):
            xml_text.as_bytes(f"<?xml {text}".encode())
    for text in ("\\" * n, "\\X4" * n, "\\X" + "41" * n, "\\T" * n, "\\.br" * n):
        er7.unescape(text, MARKS, "utf-8")
    for data in (
        b"{" + b" " * n,
        b"[" * n,
        b'{"' + b"a" * n,
        b"<?xml " + b" " * n,
        b"\r" * n + b"x",
    ):
        with contextlib.suppress(DocumentError):
            content.recognise(data)
    for data in (b"\r\x1c" * n, b"\rZDS\x1c" * n, b"\n\x0b" * n, b"\rMSH" * n):
        outline.messages(HEAD + data, "", ("ZDS",))
    for data in (
        b"\x0bx\x1c\r" * n,
        b"\x0b" + b"x\x1c" * n,
        b"\x0bMSH" * n + b"\x1c\r",
        b"\r\n" * n,
    ):
        for size in (64, len(data)):
            framer = Framer(n)
            for at in range(0, len(data), size):
                framer.feed(data[at : at + size])
    spans(b'{"a": "' + b'\\"' * n + b'", "b": [' + b"1," * n + b"1]}", [("b", 1)])


def writes(n):
    """Write n statements about instances of which half are spoken of there."""
    uids = [("1.2", "1.2.3", "1.9", f"1.2.3.{i}") for i in range(n)]
    said = [SOPInstance(*about, "", {"SOPInstanceStatus": "AO"}) for about in uids]
    for name in ("hl7", "fhir"):
        under = codec(name)
        under.encode(said, under.encode(said[::2], under.blank(said[::2])).value)


if __name__ == "__main__":
    do = {"work": work, "writes": writes}[sys.argv[1]]
    do(40)  # what is done once
    do(int(sys.argv[2]))
