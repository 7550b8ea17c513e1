"""The walker finds what pydicom finds, in runs and element by element, however little it reads at once."""

import functools
import io
import mmap
import warnings
import zlib
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from part10_corpus import CORPUS
from part10_made import look
from pydicom.dataelem import RawDataElement
from pydicom.filereader import read_partial
from pydicom.uid import DeflatedExplicitVRLittleEndian
from roads import result
from sopstatus import DocumentError, Limits, codec
from sopstatus.codecs.dicom import fast as dicom_plan
from sopstatus.codecs.dicom import hidden as dicom_nooks
from sopstatus.codecs.part10 import walk as part10
from sopstatus.codecs.part10.plan import LONG
from sopstatus.codecs.part10.window import File, View, Window

DICOM = codec("dicom")
PLAN = DICOM.plan.walk
FAULTS = ("dicom/order", "dicom/stray", "dicom/unknown-vr")
UNSEEN = "dicom/not-looked-behind"
SIZES = (1, 2, 7, 8, 9, 11, 12, 13, 15, 16, 17, 64, 133, 1000, 20000)


def walked(window, **how):
    """Everything that a walk tells, or the codes of its refusal."""
    try:
        found = look(window, PLAN, **how)
    except part10.Lost:
        return "lost"
    except DocumentError as error:
        return [i.code for i in error.issues]
    encoding = found.begin, found.implicit, found.big, found.deflated
    counts = {tag: found.findings.counts.get(tag, 0) for tag in PLAN.groups}
    for tag, count in Counter(tag for tag, _ in found.passed()).items():
        assert found.count(tag) == count
    findings = found.passed(), counts, found.findings.faults, found.findings.odd
    places = [found.place(tag) for tag in PLAN.tags] if found.findings.met else []
    return encoding, found.elements, places, found.doubtful, findings, found.unseen


def in_pieces(data, size):
    return Window(b"", File(io.BytesIO(data)), first_read=size)


def agree(data, sizes):
    """Hold every way to walk against the plainest; return what that tells."""
    plain = walked(Window(data), quickly=False)
    quick = walked(Window(data))
    strict = walked(Window(data), strictly=True)
    assert quick == plain
    if plain != "lost":
        assert strict == plain or strict[1].items() >= plain[1].items() or quick[-1]
    for size in sizes:
        assert walked(in_pieces(data, size), quickly=False) == plain
        assert walked(in_pieces(data, size)) == quick
        assert walked(in_pieces(data, size), strictly=True) == strict
    if isinstance(quick, tuple):
        by_pydicom(data, quick)
    return plain


def by_pydicom(data, found):
    """Hold values and places against pydicom's, and what doubt is about."""
    (_, implicit, _, deflated), elements, _, doubtful, _, _ = found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = read_partial(io.BytesIO(data), lambda tag, vr, length: tag > PLAN.last)
        except Exception:  # the reader's own limits are not what is under test
            return
    if deflated and dataset.file_meta.TransferSyntaxUID != DeflatedExplicitVRLittleEndian:
        return  # pydicom inflates no other
    assert elements.keys() == {tag for tag in PLAN.tags if tag in dataset}
    for tag, element in elements.items():
        raw = dataset.get_item(tag)
        if isinstance(raw, RawDataElement):  # Specific Character Set is read at once
            assert element.data == (raw.value or b"")
            assert element.vr == ("" if implicit else raw.VR)
            assert deflated or element.value == raw.value_tell
    rows = DICOM.tables.attributes.values()
    told = dicom_nooks.of_dataset(dataset, rows)
    assert doubtful or not told


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_files_of_others(path):
    data = path.read_bytes()
    agree(data[: 1 << 20], SIZES if len(data) < 40000 else SIZES[-3:])


def without(found, *codes):
    """Drop issues of these codes."""
    if isinstance(found[-1], list):
        whole, beside = found
        return replace(whole, issues=tuple(i for i in whole.issues if i.code not in codes)), beside
    return found


@pytest.mark.filterwarnings("ignore")  # pydicom tells of what it mends
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_whatever_a_file_comes_in(path, monkeypatch):
    data = path.read_bytes()
    want = result(DICOM.decode, data)
    # a file, unlike what is in memory, is not looked at to its end where that takes long
    assert without(result(DICOM.decode, str(path)), UNSEEN) == without(want, UNSEEN)
    assert without(result(DICOM.decode, io.BytesIO(data)), UNSEEN) == without(want, UNSEEN)
    assert result(DICOM.decode, memoryview(bytearray(data))) == want
    if data:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            assert without(result(DICOM.decode, mapped), UNSEEN) == without(want, UNSEEN)
    with monkeypatch.context() as patch:  # element by element, value by value
        patch.setattr(part10, "walk", functools.partial(part10.walk, quickly=False))
        patch.setattr(dicom_plan.Plan, "read", lambda *_: None)
        assert result(DICOM.decode, data) == want

    def lost(*_, **__):
        raise part10.Lost

    with monkeypatch.context() as patch:  # every element looked at
        patch.setattr(part10, "walk", lost)
        assert without(result(DICOM.decode, data), *FAULTS) == without(want, *FAULTS)
    with monkeypatch.context() as patch:
        patch.setattr(part10, "walk", lost)
        patch.setattr(part10, "survey", lost)
        # it was read; what pydicom refuses is another matter. Of what stands twice it takes one, and JPIP's
        # deflated data sets it does not inflate
        if isinstance(want[-1], list) and path.name not in ("repeated.dcm", "jpip-deflated"):
            found = result(DICOM.decode, data)
            ours = ("dicom/by-pydicom", *FAULTS)
            assert without(found, *ours) == without(want, *ours)


# --- data sets that are made up ------------------------------------------------------------------

SYNTAXES = {
    "explicit": b"1.2.840.10008.1.2.1",
    "implicit": b"1.2.840.10008.1.2",
    "big": b"1.2.840.10008.1.2.2",
    "deflated": b"1.2.840.10008.1.2.1.99",
}
TAGS = sorted({*PLAN.tags, 0x00080000, 0x00081110, 0x00081140, 0x00180050, 0x00290010, 0x00290011})
TAGS += [0x00291038, 0x0040A730, 0x00540220, 0x01000000, 0x01000412, 0x01000500, 0x7FE00010]
VALUES = st.one_of(
    st.sampled_from([b"", b"AO", b"1.2.3 ", b"MMCPrivate", b"MMCPrivate  ", b"MMCPrivate2 "]),
    st.sampled_from([b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00", b"\x00\x01\x10\x04CS", b"\xfe\xff"]),
    st.sampled_from([2, 30, 62, 64, 66, 126, 256, 1030]).map(bytes),
    st.binary(max_size=20),
)
VRS = st.sampled_from([b"CS", b"UI", b"DT", b"LO", b"SH", b"UL", b"OB", b"UN", b"UT", b"OW"])
# in implicit VR pydicom ends what it does not know as a sequence at the first delimiter inside it
SEQUENCES = [0x00081110, 0x00081140, 0x0040A730, 0x00540220]
PLAIN = st.tuples(VRS, VALUES)
ITEMS = st.deferred(lambda: st.lists(st.tuples(st.booleans(), CONTENTS), max_size=3))
SEQUENCE = st.tuples(st.sampled_from([b"SQ", b"SQ", b"UN"]), st.booleans(), ITEMS)
ELEMENTS = st.one_of(
    st.tuples(st.sampled_from(TAGS), PLAIN), st.tuples(st.sampled_from(SEQUENCES), SEQUENCE)
)
CONTENTS = st.lists(ELEMENTS, max_size=5, unique_by=lambda element: element[0]).map(dict)


def encoded(contents, syntax):
    """Encode a data set, in the order that it is given."""
    order, implicit = "big" if syntax == "big" else "little", syntax == "implicit"
    number = functools.partial(int.to_bytes, byteorder=order)

    def header(tag):
        return number(tag >> 16, 2) + number(tag & 0xFFFF, 2)

    def sequence(undefined, items, inner):
        out = b""
        for open_ended, content in items:
            body = encoded(content, inner)
            if open_ended:
                out += header(0xFFFEE000) + b"\xff" * 4 + body + header(0xFFFEE00D) + bytes(4)
            else:
                out += header(0xFFFEE000) + number(len(body), 4) + body
        return out + (header(0xFFFEE0DD) + bytes(4)) * undefined

    out = b""
    for tag, (vr, *rest) in contents.items():
        if len(rest) == 1:
            (value,), length = rest, None
        else:
            undefined, items = rest
            value = sequence(undefined, items, "implicit" if vr == b"UN" else syntax)
            length = 0xFFFFFFFF if undefined else None
        length = len(value) if length is None else length
        if implicit:
            out += header(tag) + number(length, 4) + value
        elif vr in LONG:
            out += header(tag) + vr + bytes(2) + number(length, 4) + value
        else:
            out += header(tag) + vr + number(length, 2) + value
    return out


def part10_file(body, syntax):
    uid = SYNTAXES[syntax] + bytes(len(SYNTAXES[syntax]) % 2)
    meta = b"\2\0\x10\0UI" + len(uid).to_bytes(2, "little") + uid
    if syntax == "deflated":
        deflater = zlib.compressobj(wbits=-15)
        body = deflater.compress(body) + deflater.flush()
    return bytes(128) + b"DICM" + meta + body


@st.composite
def files(draw):
    syntax = draw(st.sampled_from(sorted(SYNTAXES)))
    contents = draw(CONTENTS)
    if draw(st.integers(0, 4)):
        contents = dict(sorted(contents.items()))
    body = encoded(contents, syntax)
    if draw(st.integers(0, 4)) == 0:
        body = body[: draw(st.integers(0, len(body)))]
    return part10_file(body + bytes(draw(st.sampled_from([0, 0, 0, 1, 7, 8]))), syntax)


@settings(max_examples=min(400, settings().max_examples))  # each is walked nine times
@given(files(), st.integers(1, 40))
def test_made_up_files(data, size):
    agree(data, [size])


@pytest.mark.parametrize("syntax", sorted(SYNTAXES))
@pytest.mark.parametrize("undefined", [True, False])
def test_a_nested_status_is_met_wherever_the_window_ends(syntax, undefined):
    """At every size of the first read, and however deep: also behind what runs pass."""
    status = {0x01000410: (b"CS", b"AO")}
    items = [(undefined, {0x00080016: (b"UI", b"1.2.3 ")}), (undefined, status)]
    for depth in range(5):
        contents = {0x00080005: (b"CS", b"ISO_IR 100"), 0x00081140: (b"SQ", undefined, items)}
        contents[0x01000410] = (b"CS", b"NS")
        data = part10_file(encoded(contents, syntax), syntax)
        _, elements, _, doubtful, _, _ = walked(Window(data))
        assert doubtful
        assert elements[0x01000410].data == b"NS"
        for size in range(1, len(data) + 1, 1 + depth):
            agree(data, [size])
        items = [(undefined, {0x00081110: (b"SQ", undefined, items)})]


@pytest.mark.parametrize("syntax", sorted(SYNTAXES))
@pytest.mark.parametrize("more", [0, 60])
def test_a_text_that_looks_like_the_tag_is_none(syntax, more):
    """Only what may be a sequence is looked into, whether runs pass it or not."""
    text = {0x00080005: (b"CS", b"\x00\x01\x10\x04\x01\x00\x04\x10" + bytes(more))}
    data = part10_file(encoded({0x00081110: (b"SQ", True, [(True, text)])}, syntax), syntax)
    for quickly in (True, False):
        assert not walked(Window(data), quickly=quickly)[3]


def test_depth_is_counted_alike_in_runs():
    items = []
    for _ in range(6):
        items = [(True, {0x00081110: (b"SQ", True, items)})]
    data = part10_file(encoded({0x00081110: (b"SQ", True, items)}, "explicit"), "explicit")
    for depth in range(9):
        limits = Limits(depth=depth)
        found = [walked(Window(data, None, limits), quickly=quickly) for quickly in (True, False)]
        assert found[0] == found[1]
        assert (found[0] == ["dicom/too-deep"]) is (depth < 7)


def test_long_values_are_not_read():
    """A walk seeks over them, and keeps nothing that it has passed."""
    contents = {0x00080005: (b"CS", b"ISO_IR 100"), 0x00091010: (b"OB", bytes(50_000_000))}
    contents[0x01000410] = (b"CS", b"AO")
    contents[0x7FE00010] = (b"OW", bytes(50_000_000))
    data = part10_file(encoded(contents, "explicit"), "explicit")
    read = []

    class Counting(View):
        def read(self, size):
            found = super().read(size)
            read.append(len(found))
            return found

    window = Window(b"", Counting(memoryview(data)))
    assert part10.walk(window, PLAN).elements[0x01000410].data == b"AO"
    assert sum(read) < 100_000
    assert len(window.data) < 100_000
