"""Names that file systems and stores allow, and that have cost somebody a job."""

import os
import shutil
from pathlib import Path

from samples_of import FOLDER

ODD = (
    *(b"not-utf-8-\xff\xfe", b"half-\xc3", b"looks-like-\\udcff", b"\\udc5c", b"back\\slash"),
    *("umlaut-ä".encode(), "umlaut-a\u0308".encode(), "患者".encode(), "\U0001f480".encode()),
    *(b"new\nline", b"return\rtab\t", b"\x01\x7f", b" blank ", b"quote\"'`", b"comma,semi;"),
    *(b"%2F%41%", b"hash#?query&", b"glob*?[a]{b}", b"c:d", b"s3:", b"file:", b"http:", b"$HOME"),
    *(b"_underscore", b".hidden", b"_temporary", b"~", b"-o", b"=", b"a!b", b"n" * 250),
)
IMAGE = FOLDER / "authorized-original" / "image.dcm"


def made(folder):
    """Write a folder with every odd name: of a file, and of a folder with files in it."""
    for name in ODD:
        below = Path(folder, "in", os.fsdecode(name))
        below.mkdir(parents=True)
        shutil.copy(IMAGE, Path(folder, os.fsdecode(b"f" + name[:240])))
        shutil.copy(IMAGE, below / os.fsdecode(name))
        (below / "text").write_text("no")
    Path(folder, "dangling").symlink_to("gone")
    os.mkfifo(Path(folder) / "fifo")
