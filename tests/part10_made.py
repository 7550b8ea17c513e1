"""Part 10 files made by hand, byte for byte, so that no library has a say in what is expected."""

import struct
import zlib

from sopstatus.codecs.part10 import walk as part10

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"


def plain(tag, vr, value, syntax=EXPLICIT):
    """An element whose length is even and fits into 16 bits, by hand."""
    order = ">" if syntax == BIG else "<"
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack("<I", len(value)) + value
    return head + vr.encode() + struct.pack(order + "H", len(value)) + value


def part10_file(*elements, syntax=EXPLICIT):
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = plain(0x00020010, "UI", uid)
    inside = b"".join(elements)
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        inside = packer.compress(inside) + packer.flush()
    return b"\0" * 128 + b"DICM" + meta + inside


def look(window, plan, *, strictly=False, **how):
    """Walk over a file, or look at every element."""
    return part10.survey(window, plan) if strictly else part10.walk(window, plan, **how)
