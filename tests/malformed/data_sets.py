"""Part 10 files that are malformed but readable, by the thousand, from a seed.

A variant is a small data set in one encoding with one to three faults, each of a kind that field
reports know: elements out of order, twice, with a VR or a length that is wrong, delimiters that
delimit nothing, a transfer syntax that lies, file meta information inside, something behind the end.
"""

import io
import random
import struct
import zlib
from functools import cache
from itertools import chain
from typing import NamedTuple

import pydicom
from part10_made import BIG, DEFLATED, EXPLICIT, IMPLICIT
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

STATUS, DATE, COMMENT, NUMBER = 0x01000410, 0x01000420, 0x01000424, 0x01000426
COMPANIONS = (DATE, COMMENT, NUMBER)
PIXELS, PADDING, SYNTAX = 0x7FE00010, 0xFFFCFFFC, 0x00020010
UIDS = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
ONCE = (*UIDS, 0x00080005, 0x00080201)  # what a reader of the status looks at besides
JPIP, JPIP_HTJ2K = "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"  # whose data set is not deflated
PACKED = (DEFLATED, JPIP, JPIP_HTJ2K)
ENCODINGS = {
    "explicit": EXPLICIT,
    "implicit": IMPLICIT,
    "big": BIG,
    "deflated": DEFLATED,
    "jpip": JPIP,
    "jpip-htj2k": JPIP_HTJ2K,
    "deflated-frames": DEFLATED_FRAMES,
}
ALL_SYNTAXES = (
    *ENCODINGS.values(),
    "1.2.840.10008.1.2.4.50",
    "1.2.3.4.5",
    "",
    "1.2.840.10008.1.2 ",
)
LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
TERMS = (b"AO", b"AO", b"OR", b"AC", b"NS", b"", b"XX")
KEPT = (0x0008, 0x0010, 0x0020, 0x0100)  # groups of the sample that stay


class Element(NamedTuple):
    """An element as it is to be written; ``length`` is what its header says instead of the truth."""

    tag: int
    vr: bytes
    value: bytes
    length: int | None = None
    explicit: bool | None = None  # the header, against the encoding

    def encoded(self, syntax):
        order = ">" if syntax == BIG else "<"
        size = len(self.value) if self.length is None else self.length
        head = struct.pack(order + "HH", self.tag >> 16, self.tag & 0xFFFF)
        explicit = syntax != IMPLICIT if self.explicit is None else self.explicit
        if not explicit or self.tag >> 16 == 0xFFFE:
            return head + struct.pack(order + "I", size) + self.value
        if self.vr in LONG:
            return head + self.vr + b"\0\0" + struct.pack(order + "I", size) + self.value
        return head + self.vr + struct.pack(order + "H", size & 0xFFFF) + self.value


class Made:
    """A file in the making: its elements, what it claims, and what stands around them."""

    def __init__(self, elements, syntax, rng):
        self.elements, self.syntax, self.rng = list(elements), syntax, rng
        self.claimed = syntax
        uids = {e.tag: e.value for e in self.elements}
        self.meta = [Element(0x00020002, b"UI", uids[0x00080016])]
        self.meta += [Element(0x00020003, b"UI", uids[0x00080018])]
        self.meta_again, self.meta_length, self.implicit_meta = [], 0, False
        self.tail, self.outer_tail = b"", b""
        self.preamble = b"\0" * 128 + b"DICM"
        self.zlib_header, self.cut = False, 0

    def index(self, tag):
        """Return where the first element of a tag stands; -1 where there is none."""
        return next((i for i, e in enumerate(self.elements) if e.tag == tag), -1)

    def change(self, tag, **new):
        if (at := self.index(tag)) >= 0:
            self.elements[at] = self.elements[at]._replace(**new)

    def place(self):
        """Return some place among the elements."""
        return self.rng.randrange(len(self.elements) + 1)

    def bytes(self):
        inside = b"".join(e.encoded(self.syntax) for e in self.elements) + self.tail
        if self.syntax in PACKED:
            packer = zlib.compressobj(wbits=zlib.MAX_WBITS if self.zlib_header else -15)
            inside = packer.compress(inside) + packer.flush()
        uid = self.claimed.encode()
        named = [Element(SYNTAX, b"UI", uid + b"\0" * (len(uid) % 2))] if uid else []
        kind = IMPLICIT if self.implicit_meta else EXPLICIT
        meta = b"".join(e.encoded(kind) for e in (*self.meta, *named, *self.meta_again))
        size = struct.pack("<I", max(0, len(meta) + self.meta_length))
        meta = Element(0x00020000, b"UL", size).encoded(kind) + meta
        whole = self.preamble + meta + inside + self.outer_tail
        return whole[: len(whole) - self.cut] if self.cut else whole


@cache
def _base(sample, syntax):
    """Return the elements of a sample in an encoding, and those that the faults need beside them."""
    dataset = pydicom.dcmread(io.BytesIO(sample))
    more = [
        DataElement(0x00090010, "LO", "ACME"),
        DataElement(0x00091001, "LO", "something private"),
        DataElement(0x00280010, "US", 4),
        DataElement(0x00430010, "LO", "ACME"),
        DataElement(0x00431001, "UN", b"\1\2\3\4"),
        DataElement(0x04000010, "US", 1),  # MAC ID Number
        DataElement(0x04000100, "UI", "1.2.3.4"),
        DataElement(0x60000010, "US", 4),
        DataElement(PIXELS, "OW", bytes(64)),
    ]
    kept = [e for e in dataset if e.tag.group in KEPT]
    out = []
    for element in sorted([*kept, *more], key=lambda e: e.tag):
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = syntax != BIG, False
        write_data_element(buffer, element)
        data = buffer.getvalue()
        vr = element.VR.encode()
        out.append(Element(int(element.tag), vr, data[12 if vr in LONG else 8 :]))
    if syntax == IMPLICIT:  # what stands inside sequences is in implicit VR too
        for i, e in enumerate(out):
            if e.vr == b"SQ":
                buffer = DicomBytesIO()
                buffer.is_little_endian, buffer.is_implicit_VR = True, True
                write_data_element(buffer, dataset[e.tag])
                out[i] = e._replace(value=buffer.getvalue()[8:])
    return tuple(out)


# --- order ------------------------------------------------------------------------------------


def status_moved(made):
    """Move the status, a companion or the whole group."""
    which = made.rng.choice(
        [(STATUS,), (STATUS,), (STATUS, *COMPANIONS), (made.rng.choice(COMPANIONS),)]
    )
    moved = [e for e in made.elements if e.tag in which]
    made.elements = [e for e in made.elements if e.tag not in which]
    behind = made.rng.choice(
        [PIXELS, 0x60000010, 0x04000100, 0x00431001, 0x00091001, 0x00080005, 0]
    )
    at = made.index(behind) + 1 if behind else made.place()
    made.elements[at:at] = moved


def status_to_an_end(made):
    """Move the status to the very end or beginning."""
    moved = [e for e in made.elements if e.tag == STATUS]
    rest = [e for e in made.elements if e.tag != STATUS]
    made.elements = made.rng.choice([rest + moved, moved + rest])


def other_moved(made):
    """Move anything else, UIDs above all."""
    tag = made.rng.choice([*UIDS, 0x00080005, 0x00080201, PIXELS, 0x00280010, 0x04000010])
    if (at := made.index(tag)) >= 0:
        made.elements.insert(made.place(), made.elements.pop(at))


def swapped(made):
    """Exchange two elements."""
    i, j = (made.rng.randrange(len(made.elements)) for _ in "ab")
    made.elements[i], made.elements[j] = made.elements[j], made.elements[i]


# --- repetition -------------------------------------------------------------------------------


def status_twice(made):
    """Write the status again, with the same or another term, near or far."""
    again = Element(STATUS, b"CS", made.rng.choice(TERMS))
    at = made.index(STATUS)
    where = [at, at + 1, len(made.elements), made.index(PIXELS) + 1, 0, made.place()]
    made.elements.insert(made.rng.choice(where), again)


def another_twice(made):
    """Write a companion, a UID, the character set or the offset again."""
    tag = made.rng.choice([*COMPANIONS, *ONCE])
    if (at := made.index(tag)) >= 0:
        old = made.elements[at]
        value = made.rng.choice([old.value, old.value[:-2], b"1.9\0", b""])
        made.elements.insert(made.rng.choice([at, at + 1, made.place()]), old._replace(value=value))


# --- VR ---------------------------------------------------------------------------------------

NO_VR = (b"XS", b"??", b"\0\0", b"cs", b"ZZ", b"C ", b"  ")


def status_of_another_vr(made):
    """Give the status a VR that is none, or not its own."""
    vr = made.rng.choice([*NO_VR, b"UN", b"LO", b"OB", b"SH", b"UT", b"ST", b"US", b"SQ", b"IS"])
    made.change(STATUS, vr=vr)


def status_as_a_sequence(made):
    """Make a sequence of the status, an item with a status inside."""
    inner = Element(STATUS, b"CS", b"AO").encoded(made.syntax)
    item = Element(0xFFFEE000, b"", inner).encoded(made.syntax)
    if made.rng.random() < 0.5:
        made.change(STATUS, vr=b"SQ", value=item)
    else:
        end = Element(0xFFFEE0DD, b"", b"").encoded(made.syntax)
        vr = made.rng.choice([b"SQ", b"UN", b"CS"])
        made.change(STATUS, vr=vr, value=item + end, length=0xFFFFFFFF)


def another_of_another_vr(made):
    """Give any other element a VR that is none, or not its own."""
    at = made.rng.randrange(len(made.elements))
    vr = made.rng.choice([*NO_VR, b"UN", b"LO", b"OB", b"SQ"])
    made.elements[at] = made.elements[at]._replace(vr=vr)


def header_of_the_other_kind(made):
    """Write one element with an explicit header among implicit ones, or the other way round."""
    at = made.rng.choice([made.index(STATUS), made.rng.randrange(len(made.elements))])
    if at >= 0:
        made.elements[at] = made.elements[at]._replace(explicit=made.syntax == IMPLICIT)


# --- lengths ----------------------------------------------------------------------------------


def status_padded(made):
    """Give the status a value that some readers trim, split or cut."""
    values = [b"AO\0\0", b" AO ", b"AO ", b"A", b"AO\0", b"AO\\NS", b"NS\\AO", b"AO" + b" " * 14]
    values += [b"NS\0AO ", b"\0AO ", b"ao", b"AO\r\n", b"AO;NS "]
    made.change(STATUS, value=made.rng.choice(values))


def length_wrong(made):
    """Let a header say more, less, or an undefined length."""
    at = made.rng.choice(
        [made.index(STATUS), made.index(DATE), made.rng.randrange(len(made.elements))]
    )
    if at >= 0:
        true = len(made.elements[at].value)
        wrong = [true + 1, true + 2, true + 8, true + 10, true - 1, true - 2, 0, 0xFFFFFFFF, 0xFFFF]
        made.elements[at] = made.elements[at]._replace(length=max(0, made.rng.choice(wrong)))


def odd(made):
    """Make the value of an element odd, truly."""
    at = made.rng.randrange(len(made.elements))
    made.elements[at] = made.elements[at]._replace(value=made.elements[at].value + b"\0")


def cut(made):
    """End the file too early."""
    made.cut = made.rng.choice([1, 2, 7, 8, 60, 72, 80, made.rng.randrange(1, 400)])


# --- delimiters -------------------------------------------------------------------------------


def stray_delimiter(made):
    """Put an item or a delimiter between elements."""
    tag = made.rng.choice([0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD])
    status = made.index(STATUS)
    at = made.rng.choice([status, status + 1, made.place()])
    size = made.rng.choice([None, None, 0xFFFFFFFF, 10])
    made.elements.insert(max(at, 0), Element(tag, b"", b"", size))


def sequence_not_ended(made):
    """Open a sequence of undefined length in front of the status, and forget its end."""
    item = Element(0xFFFEE000, b"", b"", made.rng.choice([0, 0xFFFFFFFF])).encoded(made.syntax)
    at = max(0, made.rng.choice([made.index(STATUS), made.place()]))
    made.elements.insert(at, Element(0x00400275, b"SQ", item, 0xFFFFFFFF))


def status_nested(made):
    """Put a status into an item of a sequence, which is none of the copy's own."""
    inner = Element(STATUS, b"CS", b"AO").encoded(made.syntax)
    size = made.rng.choice([None, 0xFFFFFFFF])
    item = Element(0xFFFEE000, b"", inner, size).encoded(made.syntax)
    if size:
        item += Element(0xFFFEE00D, b"", b"").encoded(made.syntax)
    whole = made.rng.choice([None, 0xFFFFFFFF])
    if whole:
        item += Element(0xFFFEE0DD, b"", b"").encoded(made.syntax)
    tag, vr = made.rng.choice([(0x00081115, b"SQ"), (0x00091002, b"UN"), (0x00400275, b"SQ")])
    at = next((i for i, e in enumerate(made.elements) if e.tag > tag), len(made.elements))
    made.elements.insert(at, Element(tag, vr, item, whole))


def pixels_encapsulated(made):
    """Encapsulate the pixel data, with what looks like a status in a fragment; end it or not."""
    inner = made.rng.choice([Element(STATUS, b"CS", b"AO").encoded(made.syntax), bytes(8)])
    value = Element(0xFFFEE000, b"", b"").encoded(made.syntax)
    value += Element(0xFFFEE000, b"", inner).encoded(made.syntax)
    if made.rng.random() < 0.7:
        value += Element(0xFFFEE0DD, b"", b"").encoded(made.syntax)
    made.change(PIXELS, vr=b"OB", value=value, length=0xFFFFFFFF)
    if made.syntax == EXPLICIT and made.rng.random() < 0.7:
        made.claimed = "1.2.840.10008.1.2.4.50"


# --- what it claims ---------------------------------------------------------------------------


def syntax_lies(made):
    """Claim another transfer syntax."""
    made.claimed = made.rng.choice([one for one in ALL_SYNTAXES if one != made.claimed])


def syntax_twice(made):
    """Claim two transfer syntaxes."""
    other = made.rng.choice([one for one in ALL_SYNTAXES if one]).encode()
    again = Element(SYNTAX, b"UI", other + b"\0" * (len(other) % 2))
    made.rng.choice([made.meta, made.meta_again]).append(again)


def meta_length_wrong(made):
    """Let (0002,0000) say more or less, or write all of group 2 in implicit VR."""
    made.meta_length = made.rng.choice([0, -8, 8, 10, 400, -10000, 100000])
    made.implicit_meta = not made.meta_length


def meta_inside(made):
    """Put an element of group 2 or 0, or a group length, into the data set."""
    value = made.rng.choice(ALL_SYNTAXES).encode()
    one = made.rng.choice(
        [
            Element(SYNTAX, b"UI", value + b"\0" * (len(value) % 2)),
            Element(0x00020003, b"UI", b"1.2.3\0"),
            Element(0x00000002, b"UI", b"1.2\0"),
            Element(0x01000000, b"UL", b"\x0a\0\0\0"),
            Element(0x00080000, b"UL", b"\xff\xff\0\0"),
        ]
    )
    made.elements.insert(made.rng.choice([0, made.place(), max(0, made.index(STATUS))]), one)


def preamble(made):
    """Leave the preamble out, or make it that of a TIFF."""
    tiff = b"II*\0\x08\0\0\0".ljust(128, b"\1") + b"DICM"
    made.preamble = made.rng.choice([b"DICM", b"", b"\0" * 128, tiff])


# --- behind the end ---------------------------------------------------------------------------


def padding(made):
    """Pad behind the pixel data, with what looks like a status, and more behind that."""
    inner = Element(STATUS, b"CS", b"AO").encoded(made.syntax)
    value = made.rng.choice([bytes(8), inner])
    made.elements.append(Element(PADDING, b"OB", value))
    if made.rng.random() < 0.5:
        made.elements.append(Element(STATUS, b"CS", b"AO"))


def bytes_behind(made):
    """Put a few bytes behind the last element."""
    made.tail += made.rng.choice(
        [b"\0", b"\0" * 7, b"\0" * 8, b"\0" * 640, b"\n", b"\x1a", b"end of file"]
    )


def elements_behind(made):
    """Begin again behind the end: the status alone, or the whole data set once more."""
    syntax = made.rng.choice([made.syntax, made.syntax, EXPLICIT, IMPLICIT])
    again = made.rng.choice([[Element(STATUS, b"CS", b"AO")], made.elements])
    made.tail += b"\0" * made.rng.choice([0, 0, 8]) + b"".join(e.encoded(syntax) for e in again)


def file_behind(made):
    """Put another Part 10 file behind the first."""
    second = Made(_base(made.sample, EXPLICIT), EXPLICIT, made.rng)
    second.preamble = made.rng.choice([second.preamble, b"DICM"])
    made.outer_tail += second.bytes()


def signatures(made):
    """Sign the status, so that a reader can tell or not: MAC Parameters Sequence of any VR and value."""
    signed = made.rng.choice([b"\0\1\x10\4", b"\0\1\x10", b"", b"ABCD"])
    vr = made.rng.choice([b"AT", b"AT", b"LO", b"UN", b"SQ"])
    inside = Element(0x04000020, vr, signed).encoded(made.syntax)
    item = Element(0xFFFEE000, b"", inside[: made.rng.choice([999, 2])]).encoded(made.syntax)
    value = made.rng.choice([item, item, b"\1\2\3\4", b""])
    vr = made.rng.choice([b"SQ", b"SQ", b"UN", b"OB", b"CS", b"UI", b"UL"])
    length = made.rng.choice([None, None, None, 0xFFFFFFFF])
    at = max(0, made.rng.choice([made.index(0x60000010), made.place()]))
    made.elements.insert(at, Element(0x4FFE0001, vr, value, length))


# --- deflated ---------------------------------------------------------------------------------


def deflated_wrongly(made):
    """Write the header of zlib, or something behind the end of what is deflated."""
    made.zlib_header = made.rng.random() < 0.3
    plain = Element(STATUS, b"CS", b"AO").encoded(EXPLICIT)
    packer = zlib.compressobj(wbits=-15)
    made.outer_tail += made.rng.choice([plain, packer.compress(plain) + packer.flush(), b"\0", b""])


FAULTS = {
    "order": (status_moved, status_to_an_end, other_moved, swapped),
    "repetition": (status_twice, status_twice, another_twice),
    "vr": (
        *(status_of_another_vr, status_as_a_sequence),
        *(another_of_another_vr, header_of_the_other_kind),
    ),
    "length": (status_padded, length_wrong, odd, cut),
    "delimiter": (stray_delimiter, sequence_not_ended, status_nested, pixels_encapsulated),
    "syntax": (syntax_lies, syntax_twice, meta_length_wrong, preamble),
    "inside": (meta_inside,),
    "behind": (padding, bytes_behind, elements_behind, file_behind),
    "signature": (signatures,),
    "deflate": (deflated_wrongly,),
}
_KINDS = tuple(FAULTS)


def variants(sample, seed, kinds=_KINDS):
    """Yield (name, Part 10 bytes) without end: a malformed variant of a sample each.

    The same sample, seed and kinds give the same variants. The name says encoding and faults.
    """
    rng = random.Random(seed)
    while True:
        encoding = rng.choice(("explicit", "explicit", "implicit", *ENCODINGS))
        made = Made(_base(sample, ENCODINGS[encoding]), ENCODINGS[encoding], rng)
        made.sample = sample
        if rng.random() < 0.3:
            made.change(STATUS, value=rng.choice(TERMS))
        if rng.random() < 0.1:  # more than a reader takes in at once
            made.change(PIXELS, value=bytes(rng.choice([5_000, 70_000])))
        faults = [rng.choice(FAULTS[rng.choice(kinds)]) for _ in range(rng.choice((1, 1, 2, 3)))]
        for fault in faults:
            fault(made)
        yield "+".join([encoding, *(fault.__name__ for fault in faults)]), made.bytes()


def well_formed(sample):
    """Yield (name, Part 10 bytes) of each encoding without a fault."""
    for encoding, syntax in ENCODINGS.items():
        yield encoding, Made(_base(sample, syntax), syntax, random.Random(0)).bytes()


def fault_names():
    """Return the name of every fault."""
    return {fault.__name__ for fault in chain.from_iterable(FAULTS.values())}
