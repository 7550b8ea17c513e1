"""The second reader: it finds what the codecs find, and doubts whatever readers could differ about."""

import ast
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from part10_made import BIG, part10_file, plain
from pydicom import Dataset, dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from samples_of import CASES, sample
from sopstatus import DocumentError, codec, transformer
from sopstatus.codecs.part10.file import Part10File
from sopstatus.limits import DEFAULT, Limits
from sopstatus.profile import rereading
from sopstatus.profile.link import TRUSTED
from sopstatus.profile.rereading import Claim, Doubt, Found, fault, read
from sopstatus.table.language import COMPANIONS, STATUS

FORMATS = ("dicom", "dicom-json", "dicom-xml", "healthimaging")
WHOLE = sample("authorized-original", "dicom")
AO = WHOLE[: WHOLE.index(b"\xe0\x7f\x10\0OW")]
AT = AO.index(b"\x00\x01\x10\x04CS\x02\x00AO")
ELEMENT, UID = AO[AT : AT + 10], dcmread(io.BytesIO(AO)).SOPInstanceUID
PIXELS = b"\xe0\x7f\x10\x00OW\0\0\4\0\0\0\1\2\3\4"


def saved(data, syntax):
    if syntax == BIG:
        return part10_file(
            plain(0x00080018, "UI", UID.encode() + b"\0" * (len(UID) % 2), BIG),
            plain(0x01000410, "CS", b"AO", BIG),
            *(plain(tag, "LO", b"1 ", BIG) for tag in (0x01000420, 0x01000424, 0x01000426)),
            syntax=BIG,
        )
    dataset = dcmread(io.BytesIO(data))
    dataset["SOPInstanceStatus"]  # decoded, so that it is written anew
    dataset.file_meta.TransferSyntaxUID = syntax
    out = io.BytesIO()
    dataset.save_as(out, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    return out.getvalue()


def test_it_shares_no_code_with_what_it_checks():
    tree = ast.parse(Path(rereading.__file__).read_text())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {n for n in names if n.startswith("sopstatus")} == {
        "sopstatus.limits",
        "sopstatus.table.language",
    }


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_it_finds_what_the_codec_finds(case, name):
    image, under = sample(case, "dicom"), codec(name)
    (known,) = codec("dicom").copies(image)
    document = image
    if name != "dicom":
        document = under.encode([known], under.blank([known])).value
    (copy,) = under.copies(document)
    said = {k: v for k, v in copy.attributes if k == STATUS or k in COMPANIONS}
    wanted = Found(known.sop_instance_uid, said.pop(STATUS, "") or "", frozenset(said))
    how = {"image_set": name == "healthimaging"}
    assert read(document, DEFAULT, **how) == [wanted]
    if isinstance(document, dict):
        text = json.dumps(document)
        assert read(text, DEFAULT, **how) == read(text.encode(), DEFAULT, **how) == [wanted]
    if name == "dicom":
        assert read(dcmread(io.BytesIO(document)), DEFAULT) == [wanted]


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, BIG, DeflatedExplicitVRLittleEndian],
)
def test_every_road_to_a_file(tmp_path, syntax):
    data = saved(AO, syntax)
    (tmp_path / "a.dcm").write_bytes(data)
    (known,) = codec("dicom").copies(data)
    held = Found(UID, "AO", frozenset(COMPANIONS))
    assert read(data, DEFAULT) == read(io.BytesIO(data), DEFAULT) == [held]
    assert read(tmp_path / "a.dcm", DEFAULT) == [held]
    onto = Part10File(tmp_path / "a.dcm")
    for attributes in ({STATUS: "NS"}, {STATUS: "AC", COMPANIONS[1]: "x" * 300_000}):
        stated = replace(known, attributes=attributes)
        rewriting = codec("dicom").encode([stated], onto).value
        wanted = Found(UID, attributes[STATUS], frozenset(attributes) - {STATUS})
        assert read(rewriting, DEFAULT) == [wanted]
        rewriting.save(tmp_path / "out.dcm")
        assert read(tmp_path / "out.dcm", DEFAULT) == [wanted]


def item(*elements):
    return b"\xfe\xff\0\xe0\xff\xff\xff\xff" + b"".join(elements) + b"\xfe\xff\r\xe0\0\0\0\0"


SEQUENCE = b"\x54\0\x16\0SQ\0\0\xff\xff\xff\xff%s\xfe\xff\xdd\xe0\0\0\0\0"
FRAGMENTS = (
    b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0"
    b"\xfe\xff\0\xe0\4\0\0\0\1\2\3\4\xfe\xff\xdd\xe0\0\0\0\0"
)
UNKNOWN = b"\x45\0\x10\x10UN\0\0\xff\xff\xff\xff%s\xfe\xff\xdd\xe0\0\0\0\0"
GOOD = {
    "a sequence": AO[:AT] + SEQUENCE % item(ELEMENT, SEQUENCE % item()) + AO[AT:],
    "a private sequence in implicit VR": AO[:AT]
    + UNKNOWN % item(b"\0\1\x10\4\2\0\0\0AO")
    + AO[AT:],
    "pixels": AO + PIXELS,
    "fragments": AO + FRAGMENTS,
    "padding": AO + b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0\0\0\0\0",
    "a block filled up": AO + b"\0" * 512,
}
BAD = {
    "moved to the end": AO[:AT] + AO[AT + 10 :] + ELEMENT,
    "twice": AO[:AT] + ELEMENT + AO[AT:],
    "behind pixels": AO[:AT] + AO[AT + 10 :] + PIXELS + ELEMENT,
    "a second behind pixels": AO + PIXELS + ELEMENT,
    "a second behind fragments": AO + FRAGMENTS + ELEMENT,
    "another VR": AO.replace(ELEMENT, ELEMENT.replace(b"CS", b"LO")),
    "a sequence instead": AO.replace(ELEMENT, b"\0\1\x10\4SQ\0\0\0\0\0\0"),
    "a VR that is none": AO.replace(ELEMENT, b"\0\1\x09\4XS\2\0xx" + ELEMENT),
    "a delimiter": AO[:AT] + b"\xfe\xff\r\xe0\0\0\0\0" + AO[AT:],
    "file meta information": AO[:AT] + b"\2\0\x10\0UI\2\0" + b"1\0" + AO[AT:],
    "a second file": AO + AO,
    "cut off": AO[:-1],
    "cut off behind pixels": AO + PIXELS[:-1],
    "a few bytes more": AO + b"\1\2\3",
    "an open sequence": AO[:AT] + SEQUENCE[:12] + AO[AT:],
}


@pytest.mark.parametrize("name", GOOD)
def test_what_every_reader_reads_alike(name):
    wanted = [Found(UID, "AO", frozenset(COMPANIONS))]
    assert read(GOOD[name], DEFAULT) == read(io.BytesIO(GOOD[name]), DEFAULT) == wanted


@pytest.mark.parametrize("name", BAD)
def test_doubts(name):
    for document in (BAD[name], io.BytesIO(BAD[name])):
        with pytest.raises(Doubt):
            read(document, DEFAULT)
    assert fault(AO, BAD[name], {UID: [Claim("AO")]}, DEFAULT)


SAID = {"00080018": {"vr": "UI", "Value": ["1.2"]}}
NODE = {"vr": "CS", "Value": ["AO"]}


@pytest.mark.parametrize(
    "document",
    [
        '{"01000410": {"vr":"CS","Value":["NS"]}, "01000410": {"vr":"CS","Value":["AO"]}}',
        '[{"01000410": {"vr":"CS","vr":"LO","Value":["NS"]}}]',
        '{"Study": {"Series": {}, "Series": {}}}',
        {**SAID, "01000410": NODE, "SOPInstanceStatus": NODE},
        {**SAID, "01000410": {"vr": "UN", "InlineBinary": "QU8="}},
        {**SAID, "01000410": {"vr": "LO", "BulkDataURI": "x"}},
        {**SAID, "01000410": {"vr": "LO", "Value": ["AO"]}},
        {**SAID, "01000410": "AO"},
        "<dicom><tag01000410>NS</tag01000410><tag01000410>AO</tag01000410></dicom>",
        '<dicom><tag01000411 tag="01000410">AO</tag01000411></dicom>',
        '<dicom><tag01000410 vr="SQ"><item/></tag01000410></dicom>',
        "<dicom>",
        "{",
        b"\x1f\x8b\0",
    ],
)
def test_doubts_about_text(document):
    with pytest.raises(Doubt):
        read(document, DEFAULT)


@pytest.mark.parametrize(
    "study",
    [
        {"DICOM": {STATUS: "AO"}, "Series": {}},
        {"Series": []},
        {"Series": {"1": {"Instances": [{"DICOM": {STATUS: "AO"}}]}}},
        {"Series": {"1": {"Instances": {"2": {"DICOM": [STATUS, "AO"]}}}}},
        None,
    ],
)
def test_doubts_about_an_image_set(study):
    with pytest.raises(Doubt):
        read({"Study": study}, DEFAULT, image_set=True)


def test_a_data_set_is_no_image_set_because_it_holds_a_study():
    """The codec says what the document is; the second reader guesses nothing."""
    odd = SAID | {"01000410": NODE, "Study": {}}
    assert read(odd, DEFAULT) == [Found("1.2", "AO", frozenset())]
    claim = {"1.2": [Claim("NS")]}
    assert fault(odd, odd, claim, DEFAULT)
    assert fault(odd, odd, claim, DEFAULT, image_set=True).endswith("is not found")
    unread = SAID | {"01000410": {"vr": "CS", "BulkDataURI": "http://127.0.0.1/ao"}}
    assert read(unread, DEFAULT) == [Found("1.2", "?", frozenset())]


def test_the_faults_that_it_names():
    claim = {UID: [Claim("NS", frozenset(COMPANIONS))]}
    assert fault(AO, AO, claim, DEFAULT) == "the status that stands there is not NS"
    claim = {UID: [Claim("AO", frozenset(COMPANIONS))]}
    assert fault(AO, AO, claim, DEFAULT) == f"{min(COMPANIONS)} was not removed"
    assert fault(AO, AO, {UID: [Claim("AO")]}, DEFAULT) == ""
    changed = [SAID, SAID | {"00080018": {"vr": "UI", "Value": ["1.3"]}}]
    other = [SAID, changed[1] | {"01000410": NODE}]
    claim = {"1.2": [Claim("")]}
    assert fault(changed, other, claim, DEFAULT).startswith("a copy about which nothing")
    assert fault(changed, changed, claim, DEFAULT) == ""


def test_what_is_deflated_is_bounded():
    data = saved(AO, DeflatedExplicitVRLittleEndian)
    with pytest.raises(Doubt, match="too large"):
        read(data, Limits(inflated=200))
    with pytest.raises(Doubt):
        read(data[:-8], DEFAULT)


def test_a_transfer_syntax_that_stands_twice():
    start = AO.index(b"\2\0\x10\0UI")
    end = start + 8 + int.from_bytes(AO[start + 6 : start + 8], "little")
    with pytest.raises(Doubt, match="transfer syntax stands twice"):
        read(AO[:end] + AO[start:end] + AO[end:], DEFAULT)


@pytest.mark.filterwarnings("ignore")
def test_file_meta_information_that_pydicom_would_write_otherwise(tmp_path):
    """It writes a group length over the first four bytes of its value; the others would be elements."""
    end = 144 + int.from_bytes(AO[140:144], "little")
    meta = AO[144:end]
    hidden = meta + AO[end:] + b"\xe1\x7f\x10\0OB\0\0" + len(AO[144:]).to_bytes(4, "little")
    long = plain(0x00020000, "UL", AO[140:144] + hidden)
    odd_vr = AO[:132] + meta + plain(0x00020100, "ZZ", b"") + AO[end:]
    (path := tmp_path / "x.dcm").write_bytes(AO[:132] + long + meta + AO[end:])
    held = Dataset()
    held.SOPInstanceUID, held.StudyInstanceUID = UID, "1.2.3"
    held.file_meta = dcmread(path).file_meta
    out = io.BytesIO()
    held.save_as(out, enforce_file_format=False, implicit_vr=False, little_endian=True)
    assert len(out.getvalue()) > len(hidden)  # so pydicom does it still
    for document in (
        dcmread(path),
        path,
        io.BytesIO(path.read_bytes()),
        dcmread(io.BytesIO(odd_vr)),
    ):
        with pytest.raises(DocumentError) as error:
            transformer("dicom", "dicom")(document)
        assert "profile/not-written" in [issue.code for issue in error.value.issues]
        assert [record.outcome for record in error.value.records] == ["refused"]
    said = transformer("dicom", "hl7")(AO, link=TRUSTED).value
    with pytest.raises(DocumentError):
        transformer("hl7", "dicom")(said, held, link=TRUSTED)


@pytest.mark.parametrize("vr", ["ZZ", "SQ", "UN", "UT"])
@pytest.mark.filterwarnings("ignore")
def test_a_vr_that_file_meta_information_cannot_have(vr):
    end = 144 + int.from_bytes(AO[140:144], "little")
    odd = b"\2\0\0\x0f" + vr.encode() + bytes(8 if vr != "ZZ" else 2)
    length = (int.from_bytes(AO[140:144], "little") + len(odd)).to_bytes(4, "little")
    data = AO[:140] + length + AO[144:end] + odd[:12] + AO[end:]
    found = dcmread(io.BytesIO(data))
    for document in (found, io.BytesIO(data), data):
        with pytest.raises((DocumentError, Doubt)):
            transformer("dicom", "dicom")(document)


def test_a_data_set_that_pydicom_has_not_inflated():
    found = dcmread(io.BytesIO(AO))
    for syntax in ("1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"):
        found.file_meta.TransferSyntaxUID = syntax
        with pytest.raises(DocumentError, match="pydicom does not inflate it") as error:
            transformer("dicom", "dicom")(found)
        assert [record.outcome for record in error.value.records] == ["refused"]


def test_a_data_set_in_which_pydicom_finds_no_instance():
    found = dcmread(io.BytesIO(AO))
    del found.SOPInstanceUID, found.SOPInstanceStatus
    with pytest.raises(DocumentError, match="names no instance"):
        transformer("dicom", "dicom")(found)
