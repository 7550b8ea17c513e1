"""Odd places and odd spellings: private twins, nested copies, signatures, offsets, character sets."""

import io
import json
from pathlib import Path

import pydicom
import pytest
import sopstatus
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from sopstatus import SOPInstance, codec, transformer
from sopstatus.explain import explain
from sopstatus.values import context_offset

DICOM, HL7, FHIR = codec("dicom"), codec("hl7"), codec("fhir")
STATUS, WHEN, COMMENT = "SOPInstanceStatus", "SOPAuthorizationDateTime", "SOPAuthorizationComment"
FILES = ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm"]


def dataset(name="CT_small.dcm", **attributes):
    found = pydicom.dcmread(get_testdata_file(name))
    for keyword, value in attributes.items():
        setattr(found, keyword, value)
    return found


def saved(found):
    buffer = io.BytesIO()
    found.save_as(buffer)
    return buffer.getvalue()


def codes(result):
    return [i.code for i in result.issues]


@pytest.mark.parametrize("name", FILES[:3])
def test_private_twins_are_told_and_not_read(name):
    found = dataset(name)
    block = found.private_block(0x0029, "MMCPrivate", create=True)
    block.add_new(0x38, "CS", "AO")
    block.add_new(0x39, "DT", "20240102")
    for document in (found, saved(found)):
        result = DICOM.decode(document)
        assert not result.value
        assert codes(result) == ["dicom/private-twin"] * 2
        assert [i.location for i in result.issues] == ["(0029,xx38)", "(0029,xx39)"]
        assert "(0100,0410)" in result.issues[0].diagnostics


@pytest.mark.parametrize("name", FILES)
def test_a_nested_status_is_told_and_not_read(name):
    found = dataset(name)
    item = Dataset()
    item.SOPInstanceStatus = "AO"
    item.ReferencedSOPInstanceUID = "1.2.3"
    found.ReferencedImageSequence = Sequence([item])
    for document in (found, saved(found), pydicom.dcmread(io.BytesIO(saved(found)))):
        result = DICOM.decode(document)
        assert not result.value
        assert codes(result) == ["dicom/nested"]
    found.SOPInstanceStatus = "NS"
    assert dict(DICOM.decode(saved(found)).value[0].attributes) == {STATUS: "NS"}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("signed", "told"), [([0x01000410, 0x00080018], True), ([0x00080018], False)]
)
def test_a_signature_that_a_change_breaks(name, signed, told):
    found = dataset(name, SOPInstanceStatus="OR")
    item = Dataset()
    item.MACIDNumber = 1
    item.DataElementsSigned = signed
    found.MACParametersSequence = Sequence([item])
    (x,) = DICOM.decode(found).value
    new = SOPInstance(*x.identity[:2], "", x.sop_instance_uid, "", {STATUS: "AO"})
    for document in (found, saved(found)):
        assert codes(DICOM.encode([x], document)) == []
        assert codes(DICOM.encode([new], document)) == ["dicom/signature"] * told


class TestOffsets:
    def message(self, time, msh7="20240101120000+0200", verbatim=""):
        return (
            f"MSH|^~\\&|A||||{msh7}||ORU|1|P|2.5.1\rZDS|1.2.3|1.2.3.1||1.2.3.4|AO|{time}|||{verbatim}\r"
        ).encode()

    def test_msh_7_gives_the_offset_of_a_dtm_that_has_none(self):
        value = dict(HL7.decode(self.message("20240101120000")).value[0].attributes)[WHEN]
        assert (value, context_offset(value)) == ("20240101120000", "+0200")
        study = transformer("hl7", "fhir")(self.message("20240101120000")).value
        assert "'valueDateTime': '2024-01-01T12:00:00+02:00'" in str(study)

    def test_but_not_of_a_dt_that_was_never_local_to_it(self):
        found = dataset(SOPInstanceStatus="AO", SOPAuthorizationDateTime="20240101120000")
        del found.TimezoneOffsetFromUTC
        (x,) = DICOM.decode(found).value
        out = HL7.encode([x], self.message("")).value
        value = dict(HL7.decode(out).value[-1].attributes)[WHEN]
        assert (value, context_offset(value)) == ("20240101120000", "")
        direct = FHIR.decode(transformer("dicom", "fhir")(found).value).value
        study = transformer("hl7", "fhir")(transformer("dicom", "hl7")(found).value).value
        assert FHIR.decode(study).value == direct

    def test_the_data_set_s_offset_travels_through_every_format(self):
        found = dataset(SOPInstanceStatus="AO", SOPAuthorizationDateTime="20240101120000")  # -0500
        message = transformer("dicom", "hl7")(found).value
        study = transformer("hl7", "fhir")(message).value
        (said,) = FHIR.decode(transformer("dicom", "fhir")(found).value).value
        assert FHIR.decode(study).value == (said,)
        assert "2024-01-01T12:00:00-05:00" in str(study)
        again = transformer("fhir", "hl7")(study, message).value
        assert again == message
        # into a data set that is local to another offset, it is written out
        other = dataset(TimezoneOffsetFromUTC="+0900")
        (x,) = FHIR.decode(study).value
        result = DICOM.encode([x], other)
        assert result.value.SOPAuthorizationDateTime == "20240101120000-0500"
        assert codes(result) == ["dicom/offset-written"]

    @pytest.mark.parametrize("offset", ["-0000", "+1500", "Z", "0100"])
    def test_an_offset_that_is_none(self, offset):
        found = dataset(SOPInstanceStatus="AO", SOPAuthorizationDateTime="20240101120000")
        element = pydicom.DataElement(
            0x00080201, "SH", offset, validation_mode=pydicom.config.IGNORE
        )
        found[0x00080201] = element
        result = transformer("dicom", "fhir")(found)
        assert codes(result) == ["dicom/offset", "document/context-left-out", "fhir/offset-missing"]
        assert "'valueDateTime': '2024-01-01'" in str(result.value)

    def test_the_site_s_offset_comes_last(self, tmp_path):
        (tmp_path / "site.toml").write_text('offset = "+0100"')
        tables = sopstatus.load_tables(tmp_path)
        found = dataset(SOPInstanceStatus="AO", SOPAuthorizationDateTime="20240101120000")
        assert "12:00:00-05:00" in str(transformer("dicom", "fhir", tables=tables)(found).value)
        del found.TimezoneOffsetFromUTC
        study = transformer("dicom", "fhir", tables=tables)(found).value
        assert "12:00:00+01:00" in str(study)
        back = transformer("fhir", "dicom", tables=tables)(
            study, found, link=sopstatus.Link(secure=True, authenticated=True, conforms=True)
        )
        assert back.value == found


CHARSETS = [
    ("UNICODE UTF-8", "utf-8", "Müller 患者 مر"),
    ("8859/1", "iso8859-1", "Müller ß"),
    ("8859/5", "iso8859-5", "Иван"),
    ("GB 18030-2000", "gb18030", "患者 㐂 ¥"),
    ("KS X 1001", "euc_kr", "김희중"),
    ("BIG-5", "big5", "許功蓋"),  # their second bytes are 5C
    ("~ISO IR87", "iso2022_jp_2", "患者 表ソ"),
    ("ISO IR14", "shift_jis", "ソ表能"),  # their second bytes are 5C
]


@pytest.mark.parametrize(("term", "codec_name", "text"), CHARSETS)
def test_hl7_character_sets(term, codec_name, text):
    head = f"MSH|^~\\&|A|||||||1|P|2.5.1||||||{term}\rPID|1||||{text}\r"
    document = head.encode(codec_name) + f"ZDS|1.2.3|||1.2.3.4||||C-{text}||\r".encode(codec_name)
    (x,) = HL7.decode(document).value
    assert dict(x.attributes) == {"AuthorizationEquipmentCertificationNumber": f"C-{text}"}
    assert HL7.encode([x], document).value == document
    new = SOPInstance("1.2.3", "", "", "1.2.3.4", "", {COMMENT: f"{text}|{text}"})
    out = HL7.encode([new], document)
    assert not out.issues
    assert out.value.startswith(head.encode(codec_name))
    assert f"{text}\\F\\{text}".encode(codec_name) in out.value
    assert HL7.decode(out.value).value == (new,)


def zds(term, raw):
    return (
        f"MSH|^~\\&|A|||||||1|P|2.5.1||||||{term}\r".encode()
        + b"ZDS|1.2.3|||1.2.3.4|NS||"
        + raw
        + b"\r"
    )


@pytest.mark.parametrize(
    ("term", "raw", "code", "text"),
    [
        ("8859/1", "Müller".encode(), "hl7/charset-doubtful", "MÃ¼ller"),
        ("UNICODE UTF-8", "Müller".encode("latin-1"), "hl7/undecodable", None),
        ("ASCII", "Müller".encode(), "hl7/undecodable", None),
        ("", "Müller".encode(), "hl7/charset-missing", "Müller"),
        ("", "Müller".encode("latin-1"), "hl7/undecodable", None),
    ],
)
def test_an_msh_18_that_lies_or_is_missing(term, raw, code, text):
    document = zds(term, raw)
    result = HL7.decode(document)
    assert codes(result) == [code]
    said = dict(result.value[0].attributes)
    assert said.get(COMMENT) == text
    assert said[STATUS] == "NS"
    assert HL7.encode(result.value, document).value == document
    # what could not be read stays, whatever else is said
    new = SOPInstance(
        "1.2.3", "", "", "1.2.3.4", "", {STATUS: "OR"} | ({COMMENT: text} if text else {})
    )
    assert raw in HL7.encode([new], document).value


@pytest.mark.parametrize("term", ["UNICODE UTF-16", "CNS 11643-1992", "EBCDIC"])
def test_a_character_set_that_cannot_be_read(term):
    document = zds(term, b"x")
    assert codes(HL7.decode(document)) == ["hl7/charset-unsupported"]
    assert HL7.encode([SOPInstance("1.2.3", attributes={STATUS: "AO"})], document).value == document


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ("ISO_IR 192", "Müller 患者 مر 😀"),
        ("ISO_IR 100", "Müller"),
        ("ISO_IR 13", "ﾔﾏﾀﾞ"),
        ("GB18030", "王^小东 㐂"),
        ("GBK", "王小东"),
        (["", "ISO 2022 IR 87"], "患者 表"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ 患者"),
        (["", "ISO 2022 IR 149"], "김희중 abc"),
    ],
)
@pytest.mark.parametrize("name", FILES)
def test_specific_character_set(terms, text, name):
    found = dataset(name, SpecificCharacterSet=terms, PatientName="X", SOPInstanceStatus="NS")
    (x,) = DICOM.instances(found)
    new = SOPInstance(
        *x.identity[:2],
        "",
        x.sop_instance_uid,
        "",
        {COMMENT: text, "AuthorizationEquipmentCertificationNumber": text},
    )
    for document in (found, saved(found)):
        out = DICOM.encode([new], document)
        assert not [i for i in out.issues if i.severity != "information"]
        assert dict(DICOM.decode(out.value).value[0].attributes) == dict(new.attributes)
        read = pydicom.dcmread(io.BytesIO(out.value)) if isinstance(out.value, bytes) else out.value
        assert read.SOPAuthorizationComment == text


def test_specific_character_set_that_lies():
    found = dataset(SpecificCharacterSet="ISO_IR 192", SOPAuthorizationComment="Müller")
    data = saved(found)
    for terms, code in (
        (b"ISO_IR 100", "dicom/charset-doubtful"),
        (b"ISO_IR 999", "dicom/undecodable"),
    ):
        lying = data.replace(b"ISO_IR 192", terms)
        assert codes(DICOM.decode(lying)) == [code]
        assert DICOM.encode(DICOM.decode(lying).value, lying).value == lying
    latin = saved(dataset(SpecificCharacterSet="ISO_IR 100", SOPAuthorizationComment="Müller"))
    assert codes(DICOM.decode(latin.replace(b"ISO_IR 100", b"ISO_IR 192"))) == ["dicom/undecodable"]
    none = pydicom.dcmread(io.BytesIO(latin))
    del none.SpecificCharacterSet
    assert "dicom/charset-missing" in codes(DICOM.decode(saved(none)))


def test_null_semantics():
    """Empty, two quotes, absent and short in HL7; absent and zero length in DICOM; absent in FHIR."""
    base = "MSH|^~\\&|A|||||||1|P|2.5.1\rZDS|1.2.3|||1.2.3.4"
    said = [
        [dict(x.attributes) for x in HL7.decode(f"{base}{rest}\r".encode()).value]
        for rest in ("", "|", "||||", '|""', "|AO|")
    ]
    assert said == [[], [], [], [{STATUS: None}], [{STATUS: "AO"}]]
    empty = dataset(SOPInstanceStatus="")
    assert dict(DICOM.decode(empty).value[0].attributes) == {STATUS: None}
    assert dict(DICOM.decode(saved(empty)).value[0].attributes) == {STATUS: None}
    assert DICOM.decode(dataset()).value == ()
    # "" deletes: the data set's element becomes empty, which PS3.5 7.4.5 calls absent, and says so
    held = dataset(SOPInstanceStatus="AC")
    message = f'{base.replace("1.2.3.4", held.SOPInstanceUID).replace("|1.2.3|", f"|{held.StudyInstanceUID}|")}|""\r'
    result = transformer("hl7", "dicom")(
        message.encode(), held, link=sopstatus.Link(secure=True, authenticated=True, conforms=True)
    )
    assert result.value["SOPInstanceStatus"].is_empty
    assert codes(result) == ["hl7/null"]


def test_two_quotes_as_text_do_not_delete():
    x = SOPInstance("1.2.3", "", "", "1.2.3.4", "", {COMMENT: '""'})
    out = HL7.encode([x], b"MSH|^~\\&|A|||||||1|P|2.5.1\r").value
    assert b"\\X2222\\" in out
    assert HL7.decode(out).value == (x,)


@pytest.mark.parametrize(
    "slices",
    [
        {
            "url": "status",
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                    "valueCode": "masked",
                }
            ],
        },
        {
            "url": "status",
            "_valueCode": {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                        "valueCode": "error",
                    }
                ]
            },
        },
    ],
)
def test_data_absent_reason_states_nothing(slices):
    extension = {"url": sopstatus.load_tables().groups[0].extension, "extension": [slices]}
    study = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
        "extension": [extension],
    }
    result = FHIR.decode(study)
    assert not result.value
    assert codes(result) == ["fhir/data-absent"]
    assert FHIR.encode([], study).value == study


@pytest.mark.parametrize(
    "text",
    [
        "MSH|^~\\&|A|B\rPID|1||4711",
        '{"resourceType": "ImagingStudy"}',
        "  leading",
        "a\\b",
        "a\r\nb\fc\td",
        "x" * 10240,
        "\\.br\\",
        "~~",
    ],
)
def test_texts_that_are_hard_to_carry(text):
    found = dataset(SOPInstanceStatus="AO", SOPAuthorizationComment=text)
    want = DICOM.decode(found).value
    message = transformer("dicom", "hl7")(found).value
    study = transformer("hl7", "fhir")(message).value
    assert HL7.decode(message).value == want
    assert FHIR.decode(study).value == want
    back = transformer("fhir", "dicom")(
        study, dataset(), link=sopstatus.Link(secure=True, authenticated=True, conforms=True)
    )
    assert back.value.SOPAuthorizationComment == text
    assert len([line for line in message.split(b"\r") if line.startswith(b"ZDS|")]) == 1


@pytest.mark.parametrize(
    ("keyword", "value", "code"),
    [
        (COMMENT, "x" * 10241, "value/too-long"),
        (COMMENT, "a\x00b", "value/control-character"),
        ("AuthorizationEquipmentCertificationNumber", "x" * 65, "value/too-long"),
        ("AuthorizationEquipmentCertificationNumber", "a\nb", "value/control-character"),
        ("AuthorizationEquipmentCertificationNumber", "A\\B", "value/multiplicity"),
        (WHEN, "20240101-20240131", "value/date-time-range"),
        (WHEN, "20240101-", "value/date-time-range"),
        (WHEN, "-20240101", "value/date-time-range"),
        (WHEN, "20240230", "value/not-date-time"),
        (WHEN, "20240101240000", "value/not-date-time"),
        (WHEN, "20240101120000-0000", "value/negative-zero-offset"),
    ],
)
def test_values_that_are_told_and_carried(keyword, value, code):
    x = SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.4", "", {keyword: value})
    message = HL7.encode([x], b"MSH|^~\\&|A|||||||1|P|2.5.1\r").value
    assert HL7.decode(message).value == (x,)
    assert code in codes(HL7.decode(message))
    study = FHIR.encode([x], FHIR.blank([x])).value
    assert FHIR.decode(study).value == (x,)
    assert code in codes(FHIR.decode(study))


@pytest.mark.parametrize("name", FILES[:3])
@pytest.mark.parametrize(("vr", "raw"), [("LO", "AO"), ("UN", b"AO"), ("SH", "AO ")])
def test_a_wrong_vr_is_read_all_the_same(name, vr, raw):
    found = dataset(name)
    found[0x01000410] = pydicom.DataElement(
        0x01000410, vr, raw, validation_mode=pydicom.config.IGNORE
    )
    for document in (found, saved(found)):
        assert dict(DICOM.decode(document).value[0].attributes) == {STATUS: "AO"}


def test_un_bytes_in_a_file():
    data = saved(dataset(SOPInstanceStatus="AO"))
    at = data.index(b"\x00\x01\x10\x04CS\x02\x00AO")
    patched = data[:at] + b"\x00\x01\x10\x04UN\x00\x00\x02\x00\x00\x00AO" + data[at + 10 :]
    (x,) = DICOM.decode(patched).value
    assert dict(x.attributes) == {STATUS: "AO"}
    assert DICOM.encode([x], patched).value == patched
    assert Path(get_testdata_file("CT_small.dcm")).exists()


@pytest.mark.parametrize("name", ["hl7", "fhir"])
def test_the_keyword_of_before_2011_is_read_and_never_written(name):
    under = codec(name)
    said = {STATUS: "AO", WHEN: "20240102030405.123456+0100"}
    if name == "fhir":
        said[WHEN] = "2024010203+0100"  # a dateTime has no hours alone
    x = SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.4", "", said)

    def renamed(document, old, new):
        if isinstance(document, bytes):
            return document.replace(old.encode(), new.encode())
        return json.loads(json.dumps(document).replace(old, new))

    new = under.encode([x], under.blank([x])).value
    before, behind = ("", "=") if name == "hl7" else ('"', '"')
    old = renamed(new, f"{before}{WHEN}{behind}", f"{before}SOPAuthorizationDateAndTime{behind}")
    assert old != new
    assert under.decode(old) == under.decode(new)
    assert under.encode([x], old).value == old
    told = {value.row.keyword: value for value in explain(old).values}[WHEN]
    assert told.value == said[WHEN]
    assert told.verbatim_source
    # another value replaces both, and none of the old text stays behind
    y = SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.4", "", {**said, WHEN: "202401020304.5"})
    again = under.encode([y], old).value
    assert [v.attributes for v in under.decode(again).value] == [y.attributes]
    assert "DateAndTime" not in str(again)
    assert "DateAndTime" not in str(
        under.encode(
            [SOPInstance(*x.identity[:2], "", x.sop_instance_uid, "", {STATUS: "AO"})], old
        ).value
    )
