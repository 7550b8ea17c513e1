"""Elements of a data set as text, from whatever a data set comes in; what cannot be read says where."""

import io
import mmap

import pydicom
import pytest
from part10_made import BIG, DEFLATED, EXPLICIT, IMPLICIT, part10_file, plain
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.uid import UID
from sopstatus import DocumentError, Limits, codec, load_tables
from sopstatus.codecs.dicom import elements as dicom_elements
from sopstatus.codecs.part10.file import Part10File
from sopstatus.codecs.part10.window import Begun
from sopstatus.codecs.shared.issue_list import Issues

PLAN = codec("dicom").plan
ROWS = tuple(load_tables().attributes.values())
STATUS, WHEN, COMMENT, NUMBER = ROWS
SYNTAXES = [EXPLICIT, IMPLICIT, BIG]


def file(*elements, syntax=EXPLICIT):
    """A Part 10 file of these tags, VRs and values, padded."""
    made = (plain(t, vr, v + b" " * (len(v) % 2), syntax) for t, vr, v in elements)
    return part10_file(*made, syntax=syntax)


def read(data, **options):
    return dicom_elements.read(data, PLAN, **options)


def refused(call, *arguments, **options):
    with pytest.raises(DocumentError) as error:
        call(*arguments, **options)
    (issue,) = error.value.issues
    return issue.code, issue.location, issue.diagnostics


DATA = file((0x00080005, "CS", b"ISO_IR 192"), (STATUS.tag, "CS", b"AO"))


# --- sources -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strictly", [False, True])
def test_whatever_a_data_set_comes_in(tmp_path, strictly):
    path = tmp_path / "x.dcm"
    path.write_bytes(DATA)
    opened = io.BytesIO(DATA)
    opened.seek(7)  # a file object is read from its beginning, wherever it stands
    begun = io.BytesIO(DATA)
    start = begun.read(200)
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        for source in (
            DATA,
            bytearray(DATA),
            memoryview(DATA),
            str(path),
            path,
            Part10File(path),
            opened,
            Begun(start, begun),
            mapped,
            pydicom.dcmread(path),
        ):
            found = read(source, how=dicom_elements.STRICTLY if strictly else "")
            assert (found.plain(STATUS.tag), found.get(COMMENT.tag)) == ("AO", None)
            assert bool(found.walked and found.walked.findings.met) is (
                strictly and not isinstance(source, Dataset)
            )
            again = found.source()
            if isinstance(source, Dataset):
                assert again == {}
            elif isinstance(again, str) or again == path:
                assert again in (str(path), path)
            else:
                assert again.read() == DATA


def sources(data, path):
    """The same file in all that is read piece by piece."""
    path.write_bytes(data)
    begun = io.BytesIO(data)
    start = begun.read(200)
    return data, memoryview(data), path, io.BytesIO(data), Begun(start, begun)


def test_what_stands_behind_the_first_piece_is_read(tmp_path):
    data = file(
        (0x00080005, "CS", b"AB"), (0x00084000, "LT", b"x" * 40_000), (STATUS.tag, "CS", b"AO")
    )
    for source in sources(data, tmp_path / "x.dcm"):
        found = read(source)
        assert found.plain(STATUS.tag) == "AO"
        assert found.walked.findings.met == []


def test_limits_hold_whatever_a_data_set_comes_in(tmp_path):
    creator = plain(0x00290010, "LO", b"MMCPrivate")
    more = plain(0x7FE00010, "OB", b"")[:6] + b"\0\0" + (100_000).to_bytes(4, "little")
    data = part10_file(creator, more + b"\0" * 100_000, syntax=DEFLATED)
    for source in sources(data, tmp_path / "x.dcm"):
        told = refused(read, source, limits=Limits(inflated=50_000), how=dicom_elements.STRICTLY)
        assert told[:2] == ("dicom/too-large", "")


def test_a_file_object_is_left_at_its_beginning():
    opened = io.BytesIO(DATA)
    read(opened)
    assert opened.tell() == 0
    broken = io.BytesIO(DATA[:-1])
    assert refused(read, broken)[0] == "dicom/truncated"
    assert broken.tell() == 0


def test_what_is_no_data_set(tmp_path):
    for empty in (b"", bytearray(), io.BytesIO()):
        assert refused(read, empty)[:2] == ("document/empty", "")
    code, where, told = refused(read, 7)
    assert (code, where) == ("document/unknown-type", "")
    assert told.startswith("this codec does not accept int")
    code, where, told = refused(read, tmp_path / "none.dcm")
    assert (code, where) == ("document/unreadable", "")
    assert "(No such file or directory)" in told
    assert refused(read, str(tmp_path))[0] == "document/unreadable"
    assert refused(read, b"x" * 300)[:2] == ("dicom/not-part10", "")


@pytest.mark.filterwarnings("ignore")
def test_what_the_walk_gives_up_is_read_by_pydicom(tmp_path):
    no_syntax = plain(0x00020012, "UI", b"1.2\0")
    data = bytes(128) + b"DICM" + no_syntax + plain(0x00080018, "UI", b"1.2\0")
    found = read(data, how=dicom_elements.STRICTLY)
    assert (found.walked, found.plain(0x00080018), found.tolerantly) == (None, "1.2", True)
    assert read(data).tolerantly
    assert found.source().read() == data


# --- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_text_of_the_default_repertoire(syntax):
    data = file(
        (0x00080005, "CS", b"ISO 2022 IR 6\\ ISO 2022 IR 87 "),
        (0x00080201, "SH", b"+0100\0"),
        (0x0020000D, "UI", b"1.2\xff\0"),
        syntax=syntax,
    )
    found = read(data)
    terms = ("ISO 2022 IR 6", "ISO 2022 IR 87")
    assert (found.offset(), found.character_set()) == ("+0100", terms)
    assert [found.terms(vr) for vr in ("LO", "LT", "SH", "ST", "UC", "UT", "PN")] == [terms] * 7
    assert [found.terms(vr) for vr in ("CS", "DT", "UI")] == [()] * 3
    assert (found.plain(0x0020000D), found.plain(0x0020000E)) == ("1.2\xff", "")
    assert read(file((0x0020000D, "UI", b"1.2"), syntax=syntax)).character_set() == ()
    assert read(file((0x00080201, "SH", b"X01X"), syntax=syntax)).offset() == "X01X"


def test_values_of_a_data_set_in_memory():
    found = Dataset()
    found.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    found.SOPAuthorizationDateTime = "20240102030405.120000+0100"
    found.SOPAuthorizationComment = ""
    found.add_new(NUMBER.tag, "OB", b"\1\2")
    found.add_new(0x00280030, "DS", ["1.50", "2"])
    elements = read(found)
    assert elements.character_set() == ("", "ISO 2022 IR 87")
    assert elements.get(WHEN.tag) == "20240102030405.120000+0100"
    assert elements.get(COMMENT.tag) in ("", b"")
    found.SOPAuthorizationComment = None
    assert elements.get(COMMENT.tag) in ("", b"")
    assert elements.get(NUMBER.tag) == b"\1\2"
    assert elements.get(0x00280030) == "1.50\\2"
    assert elements.get(STATUS.tag) is None
    found[STATUS.tag] = RawDataElement(Tag(STATUS.tag), "CS", 4, b"AO  ", 0, False, True)
    assert elements.get(STATUS.tag) == b"AO  "
    assert elements.plain(STATUS.tag) == "AO"


def test_an_element_that_pydicom_cannot_read_is_named():
    class Broken(Dataset):
        def get_item(self, key, *, keep_deferred=False):
            raise ValueError("broken")

    found = Broken()
    found.SOPInstanceStatus = "AO"
    elements = read(found)
    assert refused(elements.get, STATUS.tag)[:2] == ("dicom/not-understood", "(0100,0410)")


def test_every_uid_of_a_data_set():
    inner = Dataset()
    inner.ReferencedSOPInstanceUID = "1.5"
    found = Dataset()
    found.SOPInstanceUID = "1.2"
    found.PatientName = "X"
    found.ReferencedImageSequence = [inner, inner]
    found.add_new(0x00091001, "SQ", None)
    found.add_new(0x0008001A, "UI", ["1.3", "1.4"])
    assert sorted(map(str, dicom_elements.uids(found))) == ["1.2", "1.3", "1.4", "1.5", "1.5"]
    assert all(isinstance(uid, UID) for uid in dicom_elements.uids(found))
    assert isinstance(found[0x0008001A].value, MultiValue)


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "raw", "said", "codes"),
    [
        (b"ISO_IR 192", "Müller".encode(), {COMMENT.keyword: "Müller"}, []),
        (b"ISO_IR 100", b"M\xfcller", {COMMENT.keyword: "Müller"}, []),
        (b"ISO_IR 100", "Müller".encode(), {COMMENT.keyword: "MÃ¼ller"}, ["charset-doubtful"]),
        (b"ISO_IR 192", b"M\xfcller", {}, ["undecodable"]),
        (b"", b"M\xfcller", {COMMENT.keyword: "Müller"}, ["charset-missing"]),
        (b"", b"plain ", {COMMENT.keyword: "plain"}, []),
        (b"ISO_IR 100", b"", {COMMENT.keyword: None}, []),
    ],
)
def test_a_text_is_of_its_character_set_or_told(terms, raw, said, codes):
    data = file((0x00080005, "CS", terms), (COMMENT.tag, "LT", raw))
    issues = Issues()
    assert read(data).value(COMMENT, issues) == said
    assert [(i.code, i.location) for i in issues] == [
        (f"dicom/{code}", "(0100,0424)") for code in codes
    ]
    assert all(COMMENT.keyword in i.diagnostics for i in issues)
    assert read(data).value(NUMBER, issues) == {}


def test_a_code_has_no_character_set():
    issues = Issues()
    data = file((0x00080005, "CS", b"ISO_IR 192"), (STATUS.tag, "CS", "Ü".encode()))
    assert read(data).value(STATUS, issues) != {STATUS.keyword: "Ü"}
    first = issues.told()[0]
    assert (first.code, first.location) == ("dicom/charset-missing", "(0100,0410)")


def test_what_is_wrong_with_a_value_says_where():
    issues = Issues()
    data = file((STATUS.tag, "CS", b"QQ"))
    assert read(data).value(STATUS, issues) == {STATUS.keyword: "QQ"}
    assert [(i.code, i.location) for i in issues] == [("value/unknown-term", "(0100,0410)")]


def test_an_identity_says_where_its_uids_stand():
    issues = Issues()
    data = file((0x00080018, "UI", b"1.02"), (0x0020000D, "UI", b"1.2\0"))
    found = read(data).identity(issues)
    assert found.identity == ("1.2", "", "1.02", "")
    assert [(i.code, i.location) for i in issues] == [
        ("dicom/no-uid", "(0020,000E)"),
        ("dicom/no-uid", "(0008,0016)"),
        ("value/not-uid", "(0008,0018)"),
    ]


# --- writing -------------------------------------------------------------------------------------


def test_why_a_value_cannot_be_written():
    latin, none = file((0x00080005, "CS", b"ISO_IR 100")), file((STATUS.tag, "CS", b"AO"))
    for source in (latin, pydicom.dcmread(io.BytesIO(latin))):
        elements = read(source)
        assert elements.unfit(COMMENT, "Müller") is None
        assert elements.unfit(COMMENT, "患者") == "dicom/charset"
        assert elements.unfit(STATUS, "Ü") == "dicom/charset"
    assert read(none).unfit(COMMENT, "Müller") == "dicom/charset"
    assert read(none).unfit(COMMENT, "x" * 0xFFFE) is None
    assert read(none).unfit(COMMENT, "x" * 0xFFFF) == "dicom/too-long"
    held = read(pydicom.dcmread(io.BytesIO(none)))
    assert held.unfit(COMMENT, "x" * 0xFFFF) is None


def test_changes_are_encoded_in_the_data_set_s_character_set():
    elements = read(file((0x00080005, "CS", b"ISO_IR 100")), how=dicom_elements.STRICTLY)
    changes = {STATUS: "AO", WHEN: False, COMMENT: "Mü", NUMBER: None}
    made = elements.encoded(changes)
    assert made == {
        STATUS.tag: plain(STATUS.tag, "CS", b"AO"),
        WHEN.tag: None,
        COMMENT.tag: plain(COMMENT.tag, "LT", b"M\xfc"),
        NUMBER.tag: plain(NUMBER.tag, "LO", b""),
    }


# --- hidden --------------------------------------------------------------------------------------


def test_somebody_looks_closer_only_where_there_is_doubt():
    creator = (0x00290010, "LO", b"MMCPrivate")
    twin = (0x00291038, "CS", b"AO")
    for parts, told in (((creator, twin), ["(0029,xx38)"]), ((creator,), []), ((twin,), [])):
        data = file(*parts)
        for source in (data, pydicom.dcmread(io.BytesIO(data))):
            assert [i.location for i in read(source).hidden()] == told


def test_nobody_looks_closer_behind_the_last_element():
    inside = plain(STATUS.tag, "CS", b"AO")
    items = b"\xfe\xff\x00\xe0" + len(inside).to_bytes(4, "little") + inside
    creator, twin = plain(0x00290010, "LO", b"MMCPrivate"), plain(0x00291038, "CS", b"AO")
    for tag, told in ((0x00311001, ["(0029,xx38)", "(0100,0410)"]), (0x01000427, ["(0029,xx38)"])):
        head = plain(tag, "SQ", b"")[:6] + bytes(2) + len(items).to_bytes(4, "little")
        found = read(part10_file(creator, twin, head + items))
        assert [issue.location for issue in found.hidden()] == told


def test_a_doubtful_data_set_is_inflated_within_its_limit():
    creator = plain(0x00290010, "LO", b"MMCPrivate")
    rest = plain(0x7FE00010, "OB", b"")[:6] + b"\0\0" + (100_000).to_bytes(4, "little")
    data = part10_file(creator, rest + b"\0" * 100_000, syntax=DEFLATED)
    assert not read(data, limits=Limits(inflated=50_000)).hidden()  # which needs no more of it
    assert read(data, limits=Limits(inflated=200_000)).walked
    quiet = part10_file(rest + b"\0" * 100_000, syntax=DEFLATED)
    assert read(quiet, limits=Limits(inflated=50_000)).walked
