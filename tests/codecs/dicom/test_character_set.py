"""Specific Character Set: strictly there and back, and never a question mark."""

from dataclasses import replace
from io import BytesIO

import pytest
from artifacts.mirth.data_sets import dicom_xml
from pydicom import dcmread
from pydicom.charset import convert_encodings
from samples_of import FOLDER
from sopstatus import codec
from sopstatus.codecs.dicom import character_set as charset

JAPANESE = ("", "ISO 2022 IR 87")
KOREAN = ("", "ISO 2022 IR 149")


@pytest.mark.parametrize(
    ("text", "terms", "raw"),
    [
        ("plain", (), b"plain"),
        ("plain", ("no such",), b"plain"),
        ("é", ("ISO_IR 100",), b"\xe9"),
        ("é", (" ISO_IR 100 ",), b"\xe9"),
        ("é", ("ISO IR 100",), b"\xe9"),
        ("é", ("ISO-IR 100",), b"\xe9"),
        ("é", ("ISO_IR-192",), b"\xc3\xa9"),
        ("患者", ("", "ISO_2022_IR_87"), b"\x1b$B45<T\x1b(B"),
        ("é", ("ISO_IR 192",), b"\xc3\xa9"),
        ("a\x1bb", ("ISO_IR 192",), b"a\x1bb"),
        ("患者", ("GB18030",), "患者".encode("gb18030")),
        ("患者", JAPANESE, b"\x1b$B45<T\x1b(B"),
        ("a患b", JAPANESE, b"\x1b(Ba\x1b$B45\x1b(Bb"),
        ("가", KOREAN, b"\x1b$)C\xb0\xa1"),
    ],
)
def test_there_and_back(text, terms, raw):
    assert charset.encode(text, terms) == raw
    assert charset.decode(raw, terms) == text


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("é", ()),
        ("患", ("ISO_IR 100",)),
        ("é", ("no such",)),
        ("é", ("ISO_IR 192", "no such")),
        ("¥", ("ISO_IR 13",)),
        ("가", JAPANESE),
        ("a\x1bb", JAPANESE),
        ("患\x1b", JAPANESE),
        ("\ud800", ("ISO_IR 192",)),
    ],
)
def test_text_that_does_not_fit_is_not_written(text, terms):
    assert charset.encode(text, terms) is None


@pytest.mark.parametrize(
    ("raw", "terms"),
    [
        (b"\xe9", ("ISO_IR 192",)),
        (b"\xe9", ("no such",)),
        (b"\xe9", ("ISO_IR 100", "no such")),
        (b"\x1b$B4", JAPANESE),
        (b"\x1b%%x\xff", JAPANESE),
    ],
)
def test_bytes_of_another_character_set_are_not_read(raw, terms):
    assert charset.decode(raw, terms) is None


def test_bytes_that_read_better_as_utf_8_are_doubtful():
    raw = "é".encode()
    assert charset.is_doubtful(raw, ("ISO_IR 100",)) is True
    for other, terms in (
        (b"\xe9", ("ISO_IR 100",)),
        (b"e", ("ISO_IR 100",)),
        (raw, ("ISO_IR 192",)),
        (raw, ()),
        (raw, ("no such",)),
        (raw, ("ISO 2022 IR 100", "ISO 2022 IR 87")),
    ):
        assert charset.is_doubtful(other, terms) is False


@pytest.mark.parametrize(
    ("terms", "misspelt"),
    [
        ((), False),
        (("",), False),
        (("ISO_IR 100",), False),
        ((" ISO_IR 100 ",), False),
        (JAPANESE, False),
        (("no such",), False),
        (("ISO IR 999",), False),
        (("ISO IR 100",), True),
        (("ISO-IR 100",), True),
        (("", "ISO 2022-IR 87"), True),
    ],
)
def test_names_that_are_misspelt(terms, misspelt):
    assert charset.is_misspelt(terms) is misspelt


@pytest.mark.parametrize("name", ["ISO IR 100", "ISO-IR 100", "ISO-2022-IR 100", "ISO IR 144"])
@pytest.mark.filterwarnings("ignore")  # what pydicom says of them
def test_a_misspelt_name_is_what_pydicom_takes_it_for(name):
    (encoding,) = convert_encodings(name)
    assert charset.is_misspelt((name,))
    assert charset.decode(b"\xe9", (name,)) == b"\xe9".decode(encoding)


@pytest.mark.parametrize("name", [b"ISO IR 100", b"ISO-IR 100"])
@pytest.mark.filterwarnings("ignore")
def test_text_is_written_by_the_name_that_was_meant_and_the_name_stays(name):
    data = (FOLDER / "authorized-original" / "image.dcm").read_bytes()
    assert data.count(b"ISO_IR 100") == 1
    data = data.replace(b"ISO_IR 100", name)
    (x,) = codec("dicom").decode(data).value
    comment = {**dict(x.attributes), "SOPAuthorizationComment": "grün"}
    found = codec("dicom").encode([replace(x, attributes=comment)], data)
    dataset = dcmread(BytesIO(found.value))
    assert (dataset.SOPAuthorizationComment, found.issues) == ("grün", ())
    assert dataset.SpecificCharacterSet == name.decode()
    again = codec("dicom").decode(found.value)
    assert dict(again.value[0].attributes) == comment
    assert [(i.code, i.location) for i in again.issues] == [
        ("dicom/charset-misspelt", "(0008,0005)")
    ]
    xml = dicom_xml(dataset).replace("ISO_IR 192", name.decode())
    assert [i.code for i in codec("dicom-xml").decode(xml).issues] == ["dicom/charset-misspelt"]
    (x,) = codec("dicom-xml").decode(xml).value
    new = replace(x, attributes={**comment, "SOPAuthorizationComment": "rün"})
    written = codec("dicom-xml").encode([new], xml)
    assert written.issues == ()
    assert codec("dicom-xml").decode(written.value).value[0].attributes == new.attributes
