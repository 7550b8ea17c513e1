"""A walk over a Part 10 file: what it finds, where it gives up, and what it tells of the rest."""

import io
import itertools
import struct
import zlib

import pytest
from part10_made import BIG, DEFLATED, EXPLICIT, IMPLICIT, look, part10_file, plain
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID
from sopstatus import DocumentError, Limits
from sopstatus.codecs.part10 import walk as part10
from sopstatus.codecs.part10.plan import Plan
from sopstatus.codecs.part10.walk import Element, walk
from sopstatus.codecs.part10.window import File, Window

STATUS, COMMENT = 0x01000410, 0x01000424
PLAN = Plan([STATUS, COMMENT], [STATUS], (0x0029, b"MMCPrivate"))
SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
WAYS = [{"quickly": True}, {"quickly": False}, {"strictly": True}]


def windows(data, **limits):
    """The file at once, and in pieces."""
    yield Window(data, None, Limits(**limits))
    for size in (1, 16, 1000):
        yield Window(b"", File(io.BytesIO(data)), Limits(**limits), first_read=size)


def every(data, ways=WAYS, **limits):
    return [look(window, PLAN, **how) for how in ways for window in windows(data, **limits)]


def refused(data, **limits):
    """The one code and place of every way's refusal."""
    found = set()
    for how in WAYS:
        for window in windows(data, **limits):
            with pytest.raises(DocumentError) as error:
                look(window, PLAN, **how)
            (issue,) = error.value.issues
            found.add((issue.code, issue.location, issue.diagnostics))
    ((code, where, told),) = found
    return code, where, told


def lost(data, ways=WAYS):
    for how in ways:
        for window in windows(data):
            with pytest.raises(part10.Lost):
                look(window, PLAN, **how)
    return True


def long(tag, vr, value, *, length=None, syntax=EXPLICIT):
    """An element of a VR whose length has 32 bits; undefined where ``length`` says so."""
    order = ">" if syntax == BIG else "<"
    size = len(value) if length is None else length
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack("<I", size) + value
    return head + vr.encode() + b"\0\0" + struct.pack(order + "I", size) + value


def delimiter(number, syntax=EXPLICIT, length=0):
    return struct.pack((">" if syntax == BIG else "<") + "HHI", 0xFFFE, number, length)


def item(inside, syntax=EXPLICIT, *, undefined=True):
    if undefined:
        end = delimiter(0xE00D, syntax)
        return delimiter(0xE000, syntax, 0xFFFFFFFF) + inside + end
    return delimiter(0xE000, syntax, len(inside)) + inside


def sequence(*items, tag=0x00081140, syntax=EXPLICIT, undefined=True, vr="SQ"):
    inside = b"".join(items)
    if undefined:
        inside += delimiter(0xE0DD, syntax)
        return long(tag, vr, inside, length=0xFFFFFFFF, syntax=syntax)
    return long(tag, vr, inside, syntax=syntax)


NAME = plain(0x00100010, "PN", b"A^B^")
NAMES = {syntax: plain(0x00100010, "PN", b"A^B^", syntax) for syntax in SYNTAXES}
PIXELS = long(0x7FE00010, "OB", b"\1\2\3\4")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_elements_have_their_place_and_value(syntax):
    parts = [
        plain(tag, vr, value, syntax)
        for tag, vr, value in (
            (0x00100010, "PN", b"A^B^"),
            (STATUS, "CS", b"AO"),
            (0x01000420, "DT", b"2024"),
            (COMMENT, "LT", b"words "),
            (0x01000426, "LO", b"C1"),
        )
    ]
    data = part10_file(*parts, syntax=syntax)
    begin = 132 + len(plain(0x00020010, "UI", syntax.encode() + b"\0" * (len(syntax) % 2)))
    base = 0 if syntax == DEFLATED else begin
    vr = ("", "") if syntax == IMPLICIT else ("CS", "LT")
    first, second = base + len(parts[0]), base + len(b"".join(parts[:3]))
    want = {
        STATUS: Element(first, first + 8, first + 10, vr[0], b"AO"),
        COMMENT: Element(second, second + 8, second + 14, vr[1], b"words "),
    }
    for found in every(data):
        assert found.elements == want
        assert found.begin == begin
        assert (found.implicit, found.big, found.deflated) == (
            syntax == IMPLICIT,
            syntax == BIG,
            syntax == DEFLATED,
        )
        assert not found.doubtful


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_strict_walk_knows_where_an_absent_element_goes(syntax):
    name = plain(0x00100010, "PN", b"A^B^", syntax)
    between = plain(0x01000420, "DT", b"2024", syntax)
    behind = plain(0x01000426, "LO", b"C1", syntax)
    length = plain(0x01000000, "UL", b"\0\0\0\0", syntax)
    for parts, status, comment, groups in (
        ((), 0, 0, set()),
        ((name,), 1, 1, set()),
        ((name, between), 1, 2, set()),
        ((name, between, behind), 1, 2, set()),
        ((name, length, between, behind), 2, 3, {0x01000000}),
        ((behind,), 0, 0, set()),
    ):
        data = part10_file(*parts, syntax=syntax)
        for found in every(data, WAYS[2:]):
            at = [found.begin + len(b"".join(parts[:n])) for n in (status, comment)]
            assert [found.place(STATUS), found.place(COMMENT)] == at
            assert found.elements.keys() == groups
        for found in every(data, WAYS[:2]):
            assert (found.findings.met, found.elements) == ([], {})


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_nothing_is_read_behind_the_last_tag(syntax):
    data = part10_file(plain(STATUS, "CS", b"AO", syntax), syntax=syntax)
    more = long(0x7FE00010, "OB", b"\1", length=99, syntax=syntax) + b"anything"
    assert [f.elements[STATUS].data for f in every(data + more)] == [b"AO"] * 12


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("size", [0, 2, 256, 512, 0x4000])
def test_a_length_is_read_in_its_byte_order(size, syntax):
    data = part10_file(plain(COMMENT, "LT", b"x" * size, syntax), syntax=syntax)
    assert [f.elements[COMMENT].data for f in every(data)] == [b"x" * size] * 12


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_value_is_whole_wherever_the_window_ends(syntax):
    words = bytes(range(65, 91)) * 5
    parts = [plain(0x00080005, "CS", b"AB", syntax), plain(COMMENT, "LT", words, syntax)]
    data = part10_file(*parts, syntax=syntax)
    for size in range(1, len(data) + 1):
        for how in WAYS:
            window = Window(b"", File(io.BytesIO(data)), first_read=size)
            found = look(window, PLAN, **how)
            start = len(parts[0]) + (0 if syntax == DEFLATED else found.begin)
            vr = "" if syntax == IMPLICIT else "LT"
            want = Element(start, start + 8, start + 8 + len(words), vr, words)
            assert found.elements == {COMMENT: want}


# --- what is no file, or ends too early ----------------------------------------------------------


def test_what_is_no_part_10_file():
    for data in (b"", b"\0" * 131, b"\0" * 128 + b"DICX" + NAME, NAME * 20):
        assert refused(data)[:2] == ("dicom/not-part10", "")


def test_a_file_that_names_no_transfer_syntax_is_left_to_pydicom():
    head = b"\0" * 128 + b"DICM"
    assert lost(head)
    assert lost(head + NAME)
    assert lost(head + plain(0x00020010, "UI", b"\0\0") + NAME)
    assert lost(head + plain(0x00020012, "UI", b"1.2\0") + NAME)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("size", [10, 100, 40_000])
def test_a_file_that_ends_in_a_value_says_in_which(syntax, size):
    for tag, vr in ((0x00100010, "PN"), (STATUS, "CS")):
        data = part10_file(plain(tag, vr, b"x" * size, syntax), syntax=syntax)
        where = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
        for cut in (1, size // 2, size):
            assert refused(data[:-cut])[:2] == ("dicom/truncated", where)


def test_a_file_that_ends_in_its_meta_information_says_where():
    whole = part10_file()
    assert refused(whole[:-1])[:2] == ("dicom/truncated", "(0002,0010)")
    version = long(0x00020001, "OB", b"\0\1")
    data = whole[:132] + version + whole[132:]
    assert refused(data[: 132 + len(version) - 1])[:2] == ("dicom/truncated", "(0002,0001)")
    for empty in (b"", plain(0x00020013, "SH", b"")):
        assert [f.begin for f in every(data + empty)] == [len(data + empty)] * 12
    assert refused(data + b"\2\0\x13\0")[:2] == ("dicom/truncated", "")


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_file_that_ends_in_a_header(syntax):
    data = part10_file(plain(0x00080005, "CS", b"AB", syntax), syntax=syntax)
    for rest in (b"\x10", b"X", b"\x10\0\x10\0PN\4"):
        assert refused(data + rest)[:2] == ("dicom/truncated", "")
    for rest in (b"\0", b"\0" * 7):  # padding
        assert len(every(data + rest)) == 12
    if syntax != IMPLICIT:
        head = long(0x00100010, "UT", b"", syntax=syntax)
        for cut in (1, 4):
            assert refused(data + head[:-cut])[:2] == ("dicom/truncated", "(0010,0010)")


# --- what cannot be followed ---------------------------------------------------------------------


QUICKLY = WAYS[:2]


def surveyed(data):
    """What every survey finds out."""
    found = {
        (tuple(f.elements.items()), tuple(f.findings.faults.items()), frozenset(f.findings.odd))
        for f in every(data, WAYS[2:])
    }
    ((elements, faults, odd),) = found
    return dict(elements), dict(faults), odd


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_wanted_element_out_of_order_is_found_and_its_disorder_told(syntax):
    status = plain(STATUS, "CS", b"AO", syntax)
    pixels = long(0x7FE00010, "OW", bytes(50_000), syntax=syntax)
    for parts in (
        (plain(COMMENT, "LT", b"x ", syntax), status),
        (plain(0x03000010, "CS", b"AO", syntax), status),
        (pixels, status),
        (NAMES[syntax], pixels, long(0xFFFCFFFC, "OB", b"", syntax=syntax), status),
    ):
        data = part10_file(*parts, syntax=syntax)
        assert lost(data, QUICKLY)
        elements, faults, odd = surveyed(data)
        assert (elements[STATUS].data, faults, odd) == (b"AO", {"dicom/order": STATUS}, set())
    data = part10_file(status, NAMES[syntax], syntax=syntax)
    assert lost(data, QUICKLY)
    assert surveyed(data)[1] == {"dicom/order": 0x00100010}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_how_often_an_element_stands_there_is_counted(syntax):
    """In one run, over many, and behind pixel data; the first one is kept."""
    for value in (b"AO", b"x" * 70):
        status = plain(STATUS, "CS", value, syntax)
        pixels = long(0x7FE00010, "OW", bytes(50_000), syntax=syntax)
        for between in ((), (NAMES[syntax],), (pixels,), (status, pixels)):
            data = part10_file(status, *between, plain(STATUS, "CS", b"NS", syntax), syntax=syntax)
            assert lost(data, QUICKLY)
            for found in every(data, WAYS[2:]):
                assert found.elements[STATUS].data == value
                assert found.findings.counts[STATUS] == 2 + between.count(status)
    early = [plain(tag, "UI", b"1.", syntax) for tag in (0x00080018, 0x00080050, 0x00080018)]
    plan = Plan([0x00080018, STATUS])
    for quickly in (True, False):
        with pytest.raises(part10.Lost):
            walk(Window(part10_file(*early, syntax=syntax)), plan, quickly=quickly)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_wanted_element_that_is_a_sequence_has_no_value(syntax):
    inside = item(plain(0x00080050, "SH", b"x ", syntax), syntax)
    defined = [] if syntax == IMPLICIT else [False]
    for undefined in [True, *defined]:
        one = sequence(inside, tag=STATUS, syntax=syntax, undefined=undefined)
        data = part10_file(one, syntax=syntax)
        assert lost(data, QUICKLY)
        assert surveyed(data) == ({}, {}, {STATUS})


def test_a_vr_that_is_none_is_read_by_plausibility():
    """As DCMTK does: 16 bits of length; or 32 behind two zeros."""
    first, status = plain(0x00080005, "CS", b"AB"), plain(STATUS, "CS", b"AO")
    for vr in ("ZZ", "cs", "\0\0"):
        for odd in (plain(0x00100010, vr, b"AB"), long(0x00100010, vr, b"ABCDEF")):
            data = part10_file(first, odd, status)
            assert lost(data, QUICKLY)
            elements, faults, odd_tags = surveyed(data)
            assert (elements[STATUS].data, faults) == (b"AO", {"dicom/unknown-vr": 0x00100010})
            assert odd_tags == set()
        data = part10_file(first, plain(STATUS, vr, b"AO"))
        elements, faults, odd_tags = surveyed(data)
        assert (elements[STATUS].data, faults) == (b"AO", {"dicom/unknown-vr": STATUS})
        assert odd_tags == {STATUS}
        broken = item(plain(0x00080050, vr, b"AB"))
        assert lost(part10_file(first, sequence(broken)))
        assert lost(part10_file(first, plain(0x00100010, vr, b"AB") + b"\1\2\3\4\5\6\7\0"))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("tag", [0x00020010, 0x00000002, 0xFFFEE00D, 0xFFFEE0DD])
def test_what_cannot_stand_in_a_data_set_is_told_wherever_it_stands(tag, syntax):
    stray = (
        plain(tag, "UI", b"", syntax) if tag >> 16 != 0xFFFE else delimiter(tag & 0xFFFF, syntax)
    )
    status = plain(STATUS, "CS", b"AO", syntax)
    pixels = long(0x7FE00010, "OW", bytes(20_000), syntax=syntax)
    for parts in (
        (NAMES[syntax], stray, status),
        (status, stray, pixels),
        (status, pixels, stray),
        (pixels, stray, status),
    ):
        data = part10_file(*parts, syntax=syntax)
        assert lost(data, QUICKLY)
        elements, faults, _ = surveyed(data)
        assert (elements[STATUS].data, faults["dicom/stray"]) == (b"AO", tag)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_padding_at_the_end_is_no_element(syntax):
    data = part10_file(plain(STATUS, "CS", b"AO", syntax), bytes(40_000), syntax=syntax)
    elements, faults, _ = surveyed(data)
    assert (elements[STATUS].data, faults) == (b"AO", {})
    parts = NAMES[syntax], bytes(80), plain(STATUS, "CS", b"AO", syntax)
    behind = part10_file(*parts, syntax=syntax)
    elements, faults, _ = surveyed(behind)
    assert (elements[STATUS].data, faults) == (b"AO", {"dicom/stray": 0})


def fragments(count, length=20_000):
    pieces = (delimiter(0xE000, length=length) + bytes(length)) * count
    return long(0x7FE00010, "OB", pieces + delimiter(0xE0DD), length=0xFFFFFFFF)


def test_how_far_a_walk_looks_behind_the_last_tag():
    """Over a few fragments and short sequences, to the end if asked; else it says where it stopped."""
    status = plain(STATUS, "CS", b"AO")
    short = sequence(item(plain(0x00080050, "SH", b"x ") * 10), tag=0x04000561)
    many = sequence(*[item(plain(0x00080050, "SH", b"x ") * 10)] * 100, tag=0x52009230)
    wide = sequence(item(long(0x54001010, "OW", bytes(100_000))), tag=0x54000100)
    few = fragments(part10.FRAGMENTS - 1)
    for behind, unseen in (
        (short, 0), (wide, 0), (few, 0), (short + wide + few, 0),
        (many, 0x52009230), (fragments(part10.FRAGMENTS + 1), 0x7FE00010), (short + many, 0x52009230),
    ):  # fmt: skip
        data = part10_file(status, behind)
        hidden = part10_file(status, behind, status)
        assert {f.unseen for f in every(data, QUICKLY)} == {unseen}
        assert {f.unseen for f in every(data, [{"behind": True}])} == {0}
        assert lost(hidden, [{"behind": True}, *([] if unseen else QUICKLY)])
        for found in every(hidden, WAYS[2:]):
            assert found.findings.counts[STATUS] == 2
    assert {f.unseen for f in every(part10_file(status, many), [{"behind": False}])} == {0}


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_behind_the_last_tag_a_file_may_end_anywhere(syntax):
    """What is not there is no status; a wanted element is there, or the file is refused."""
    status = plain(STATUS, "CS", b"AO", syntax)
    inside = sequence(
        item(plain(0x00080050, "SH", b"x ", syntax), syntax), tag=0x52009230, syntax=syntax
    )
    whole = status + inside + long(0x7FE00010, "OW", bytes(50), syntax=syntax)
    for cut in range(len(status) + 12, len(whole)):
        for found in every(part10_file(whole[:cut], syntax=syntax)):
            assert found.elements[STATUS].data == b"AO"
    late = part10_file(inside, status, syntax=syntax)
    if syntax != DEFLATED:
        for window in windows(late[:-1]):
            with pytest.raises(DocumentError):
                part10.survey(window, PLAN)


def test_limits_behind_the_last_tag():
    """Reading says where it stopped; rewriting, which has to know, refuses."""
    status = plain(STATUS, "CS", b"AO")
    deep = sequence(item(sequence(item(plain(0x00080050, "SH", b"x ")))), tag=0x52009230)
    for window in windows(part10_file(status, deep), depth=1):
        assert walk(window, PLAN).unseen == 0x52009230
    for window in windows(part10_file(status, deep), depth=1):
        with pytest.raises(DocumentError) as error:
            part10.survey(window, PLAN)
        assert error.value.issues[0].code == "dicom/too-deep"
    big = part10_file(status, long(0x7FE00010, "OW", bytes(50_000)), syntax=DEFLATED)
    for window in windows(big, inflated=20_000):
        assert walk(window, PLAN).unseen == 0x7FE00010
    for window in windows(big, inflated=20_000):
        with pytest.raises(DocumentError) as error:
            part10.survey(window, PLAN)
        assert error.value.issues[0].code == "dicom/too-large"


def test_a_sequence_that_is_not_built_as_one_is_left_to_pydicom():
    inside = plain(0x00080050, "SH", b"x ")
    for broken in (
        sequence(inside),  # no item
        sequence(delimiter(0xE00D)),  # an item's end, outside
        sequence(delimiter(0xE000, length=0xFFFFFFFF) + inside),  # the sequence ends in an item
        sequence(delimiter(0xE001)),
    ):
        assert lost(part10_file(broken, NAME, PIXELS))


TRANSFER_SYNTAXES = sorted(
    uid for uid, (_, kind, *_) in UID_dictionary.items() if kind == "Transfer Syntax"
)


@pytest.mark.parametrize("uid", [*TRANSFER_SYNTAXES, "1.2.3.4.5"])
def test_every_transfer_syntax_of_the_standard_and_a_private_one(uid):
    """PS3.6 annex A, retired ones too: what pydicom makes of it, and PS3.5 annex A says."""
    deflates = {"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"}
    known = UID(uid)
    implicit = known.is_implicit_VR if not known.is_private else False
    big = not (known.is_little_endian if not known.is_private else True)
    written = IMPLICIT if implicit else BIG if big else EXPLICIT
    body = plain(STATUS, "CS", b"AO", written)
    if not deflates & {uid}:
        frames = (
            fragments(3, 100)
            if written == EXPLICIT
            else long(0x7FE00010, "OW", b"", syntax=written)
        )
        body += frames
    else:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = packer.compress(body) + packer.flush()
    data = (
        part10_file()[:132] + plain(0x00020010, "UI", uid.encode() + b"\0" * (len(uid) % 2)) + body
    )
    for found in every(data):
        assert found.elements[STATUS].data == b"AO"
        assert (found.implicit, found.big, found.deflated) == (implicit, big, uid in deflates)
        assert (found.findings.faults, found.unseen) == ({}, 0)


@pytest.mark.parametrize(
    ("syntax", "written", "implicit"),
    [
        (EXPLICIT, IMPLICIT, True),  # some writers lie about it
        (IMPLICIT, EXPLICIT, False),
        (EXPLICIT, EXPLICIT, False),
        (IMPLICIT, IMPLICIT, True),
    ],
)
def test_what_the_bytes_are_counts_and_not_what_they_claim(syntax, written, implicit):
    parts = (plain(t, v, b"AO", written) for t, v in ((0x00080005, "CS"), (STATUS, "CS")))
    for found in every(part10_file(*parts, syntax=syntax)):
        assert (found.implicit, found.elements[STATUS].data) == (implicit, b"AO")
    long_first = long(0x00080005, "UT", b"", syntax=written)
    for found in every(part10_file(long_first, syntax=syntax)):
        assert found.implicit is implicit
    for found in every(part10_file(syntax=syntax)):  # nothing tells but the claim
        assert found.implicit is (syntax == IMPLICIT)


def test_a_length_in_implicit_vr_may_look_like_a_vr():
    """At the top level, and inside UN."""
    size = int.from_bytes(b"DA\2\0", "little")
    name = plain(0x00100010, "PN", bytes(size), IMPLICIT)
    first, status = (plain(tag, "CS", b"AO", IMPLICIT) for tag in (0x00080005, STATUS))
    data = part10_file(first, name, status, syntax=IMPLICIT)
    assert [f.elements[STATUS].data for f in every(data)] == [b"AO"] * 12
    inside = sequence(item(name), tag=0x00091010, vr="UN")
    data = part10_file(inside, plain(STATUS, "CS", b"AO"))
    assert [f.elements[STATUS].data for f in every(data)] == [b"AO"] * 12


# --- sequences -----------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("levels", [1, 2, 3, 4, 6])
def test_a_sequence_is_passed_and_what_it_holds_is_told(levels, undefined, syntax):
    outer, inner = undefined
    for number, is_told in ((STATUS, True), (COMMENT, False)):
        inside = plain(number, "CS", b"AO", syntax)
        for _ in range(levels):
            one = item(inside, syntax, undefined=inner)
            inside = sequence(one, syntax=syntax, undefined=outer)
        data = part10_file(inside, plain(STATUS, "CS", b"NS", syntax), syntax=syntax)
        for found in every(data):
            assert (found.elements[STATUS].data, found.doubtful) == (b"NS", is_told)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_sequence_of_a_defined_length_inside_an_item_is_told_of_too(syntax):
    for number, is_told in ((STATUS, True), (COMMENT, False)):
        inner = item(plain(number, "CS", b"AO", syntax), syntax)
        inside = sequence(inner, syntax=syntax, undefined=False)
        data = part10_file(sequence(item(inside, syntax), syntax=syntax), syntax=syntax)
        assert {found.doubtful for found in every(data)} == {is_told}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_nested_tag_is_told_of_as_a_sequence_too(syntax):
    """Of whatever length; it is none of this VR, but it stands there."""
    quiet = item(plain(0x00080050, "SH", b"x ", syntax), syntax)
    for undefined in (True, False):
        odd = sequence(quiet, tag=STATUS, syntax=syntax, undefined=undefined)
        data = part10_file(sequence(item(odd, syntax), syntax=syntax), syntax=syntax)
        assert all(found.doubtful for found in every(data))


def test_what_looks_like_a_tag_inside_a_value_is_not_told():
    looks = b"\0\1\x10\4CS"
    for vr in ("OB", "UN", "UT"):
        data = part10_file(sequence(item(long(0x00880200, vr, looks))))
        assert not any(found.doubtful for found in every(data))


def test_what_nobody_asks_for_is_sought_over():
    """At the top level and inside items; an item of a defined length is searched."""

    class Counted(io.BytesIO):
        count = 0

        def read(self, size=-1):
            found = super().read(size)
            self.count += len(found)
            return found

    value = long(0x00880200, "OB", bytes(100_000))
    for passed, is_read in (
        (value, False),
        (sequence(item(value)), False),
        (sequence(item(value, undefined=False)), True),
    ):
        data = part10_file(passed, plain(STATUS, "CS", b"AO"))
        for how in WAYS:
            file = Counted(data)
            found = look(Window(b"", File(file), first_read=100), PLAN, **how)
            assert found.elements[STATUS].data == b"AO"
            assert (file.count > 2000) is is_read


def test_fragments_are_passed():
    """Encapsulated pixel data (PS3.5 A.4), here before what is wanted."""
    pieces = delimiter(0xE000) + delimiter(0xE000, length=4) + b"\0\1\x10\4" + delimiter(0xE0DD)
    icon = long(0x00880200, "OB", pieces, length=0xFFFFFFFF)
    for found in every(part10_file(icon, plain(STATUS, "CS", b"AO"))):
        assert found.elements[STATUS].data == b"AO"


def test_the_inside_of_un_is_implicit():
    """PS3.5 6.2.2, note 2."""
    inside = item(plain(STATUS, "CS", b"AO", IMPLICIT))
    deeper = item(sequence(inside, syntax=IMPLICIT))
    for one in (
        sequence(inside, tag=0x00091010, vr="UN"),
        sequence(deeper, tag=0x00091010, vr="UN"),
        sequence(item(sequence(inside, tag=0x00091010, vr="UN"))),
    ):
        data = part10_file(one, plain(STATUS, "CS", b"NS"))
        assert [(f.elements[STATUS].data, f.doubtful) for f in every(data)] == [(b"NS", True)] * 12


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_sequences_are_followed_to_the_limit(depth, syntax):
    inside = plain(0x00080050, "SH", b"x ", syntax)
    for _ in range(depth):
        inside = sequence(item(inside, syntax), syntax=syntax)
    whole = part10_file(inside, plain(STATUS, "CS", b"AO", syntax), syntax=syntax)
    assert [f.elements[STATUS].data for f in every(whole, depth=depth)] == [b"AO"] * 12
    code, where, told = refused(whole, depth=depth - 1)
    assert (code, where) == ("dicom/too-deep", "")
    assert f" {depth - 1} " in told


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_file_that_ends_in_a_sequence(syntax):
    inside = item(plain(0x00080050, "SH", b"x" * 90, syntax), syntax)
    whole = part10_file(sequence(inside, syntax=syntax), syntax=syntax)
    assert [f.elements for f in every(whole)] == [{}] * 12
    for cut in (1, 8, 16, 30, 100):
        assert refused(whole[:-cut])[:2] == ("dicom/truncated", "")


# --- private creators ----------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize(
    ("tag", "name", "is_told"),
    [
        (0x00290010, b"MMCPrivate", True),
        (0x002900FF, b"MMCPrivate", True),
        (0x00290011, b"MMCPrivateX ", True),  # somebody looks closer
        (0x00290010, b"OTHERS", False),
        (0x00290010, b"xMMCPrivate ", False),
        (0x00291010, b"MMCPrivate", False),
        (0x0029000E, b"MMCPrivate", False),
        (0x00270010, b"MMCPrivate", False),
    ],
)
def test_a_private_creator_is_told(tag, name, is_told, syntax):
    data = part10_file(
        plain(tag, "LO", name, syntax), plain(STATUS, "CS", b"AO", syntax), syntax=syntax
    )
    for found in every(data):
        assert (found.elements[STATUS].data, found.doubtful) == (b"AO", is_told)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_what_is_told_once_stays_told(syntax):
    """Whatever is passed behind it."""
    told = item(plain(STATUS, "CS", b"AO", syntax), syntax, undefined=False)
    for undefined in itertools.product((True, False), repeat=3):
        first = sequence(told, tag=0x00081140, syntax=syntax, undefined=undefined[0])
        quiet = item(plain(0x00080050, "SH", b"x ", syntax), syntax, undefined=undefined[1])
        second = sequence(quiet, quiet, tag=0x00081199, syntax=syntax, undefined=undefined[2])
        creator = plain(0x00290010, "LO", b"OTHERS", syntax)
        data = part10_file(first, second, creator, syntax=syntax)
        assert all(found.doubtful for found in every(data))
