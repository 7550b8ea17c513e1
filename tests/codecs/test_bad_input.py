"""Bad input: the exact issue or exception for each, and nothing else of the document is lost."""

import io
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from samples_of import sample, verbatim_slice
from sopstatus import DocumentError, Link, SOPInstance, codec, transformer
from sopstatus.codecs.part10 import walk as part10
from sopstatus.codecs.part10.plan import Plan
from sopstatus.codecs.part10.window import Window

DICOM, HL7, FHIR = codec("dicom"), codec("hl7"), codec("fhir")
TRUSTED = Link(secure=True, authenticated=True, conforms=True)
CT = Path(get_testdata_file("CT_small.dcm")).read_bytes()
STATUS = "SOPInstanceStatus"


def with_status(value, vr="CS"):
    (x,) = DICOM.instances(CT)
    dataset = pydicom.dcmread(io.BytesIO(CT))
    element = pydicom.DataElement(0x01000410, vr, value, validation_mode=pydicom.config.IGNORE)
    dataset[0x01000410] = element
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return x, buffer.getvalue()


def codes(result):
    return [i.code for i in result.issues]


def zds(*fields, header=r"MSH|^~\&|A|||||||1|P|2.5.1||||||UNICODE UTF-8"):
    return (
        header
        + "\rPID|1||4711||SECRET\r"
        + "|".join(["ZDS", "1.2.3^^Application^DICOM", *fields])
        + "\r"
    ).encode()


def extension(*slices):
    url = "https://w3id.org/sopstatus/fhir/StructureDefinition/sop-instance-status"
    return {"url": url, "extension": list(slices)}


def study(*extensions, **more):
    identifier = [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}]
    return {
        "resourceType": "ImagingStudy",
        "identifier": identifier,
        "extension": list(extensions),
        **more,
    }


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "document/empty"),
        (io.BytesIO(b""), "document/empty"),
        (b"hello", "dicom/not-part10"),
        (CT[:100], "dicom/not-part10"),
        (CT[:200], "dicom/truncated"),
        (CT[:500], "dicom/truncated"),
        (CT[:0x3EC], "dicom/truncated"),
        (42, "document/unknown-type"),
        ("no/such/file.dcm", "document/unreadable"),
    ],
)
def test_no_data_set(document, code):
    for call in (DICOM.decode, DICOM.instances, lambda d: DICOM.encode([], d)):
        with pytest.raises(DocumentError) as caught:
            call(document)
        assert [i.code for i in caught.value.issues] == [code]


def test_every_truncation_is_told_or_harmless():
    """Cut anywhere, a file is either refused, or was cut behind all that is read."""
    _, whole = with_status("AO")
    dataset = part10.walk(Window(whole), Plan([0x01000410]))
    end = dataset.elements[0x01000410].end
    for cut in range(132, end):
        try:
            found = DICOM.decode(whole[:cut]).value
        except DocumentError as error:
            assert error.issues[0].code in ("dicom/truncated", "dicom/not-understood")
        else:
            assert not found  # between two elements: a shorter file, as legal as any


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "document/empty"),
        (b"\r\n \r", "document/empty"),
        (b"PID|1\rZDS|1.2.3\r", "hl7/no-msh"),
        ("", "document/empty"),
        ({"resourceType": "ImagingStudy"}, "document/unknown-type"),
        (None, "document/unknown-type"),
    ],
)
def test_no_message(document, code):
    with pytest.raises(DocumentError) as caught:
        HL7.decode(document)
    assert [i.code for i in caught.value.issues] == [code]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({}, "fhir/not-fhir"),
        ({"a": 1}, "fhir/not-fhir"),
        ({"resourceType": 1}, "fhir/not-fhir"),
        ({"resourceType": "Patient"}, "fhir/other-resource"),
        ([], "document/unknown-type"),
        ("{}", "fhir/not-fhir"),
        (b"[]", "fhir/not-fhir"),
        (3, "document/unknown-type"),
    ],
)
def test_no_imaging_resource(document, code):
    with pytest.raises(DocumentError) as caught:
        FHIR.decode(document)
    assert [i.code for i in caught.value.issues] == [code]


@pytest.mark.parametrize(
    ("value", "code", "read"),
    [
        ("XX", "value/unknown-term", "XX"),
        ("ORIGINAL", "value/unknown-term", "ORIGINAL"),
        ("ao", "value/lower-case", "ao"),
        (" AO", "value/padded", "AO"),
        ("AO\0\0", "value/padded", "AO"),
        (["AO", "AC"], "value/multiplicity", "AO\\AC"),
        ("X" * 21, "value/too-long", "X" * 21),
    ],
)
def test_status_in_a_data_set(value, code, read):
    _, data = with_status(value)
    result = DICOM.decode(data)
    assert code in codes(result)
    assert all(i.location == "(0100,0410)" for i in result.issues)
    assert result.value[0].attributes == ((STATUS, read),)
    assert DICOM.encode(result.value, data).value == data
    # nothing is lost on the way round
    there = transformer("dicom", "hl7")(data).value
    on = transformer("hl7", "fhir")(there).value
    back = transformer("fhir", "dicom")(on, CT, link=TRUSTED)
    assert DICOM.decode(back.value).value == result.value


def test_padding_that_is_legal_is_no_issue():
    assert codes(DICOM.decode(with_status("AO ")[1])) == []


@pytest.mark.parametrize(
    ("field", "code", "read"),
    [
        ("XX^Odd^99SOPSTATUS", "value/unknown-term", "XX"),
        ("ao", "value/lower-case", "ao"),
        ("AO~AC", "value/multiplicity", "AO\\AC"),
        ("^Authorized Original", "hl7/text-without-code", None),
        ("AO^Authorized Original^DCM", "hl7/coding-system", "AO"),
        ('""', "hl7/null", ""),
    ],
)
def test_status_in_a_message(field, code, read):
    document = zds("1.2.3.4", "1.2.5", "1.2.3.4.1", field, "20240102", "kept")
    result = HL7.decode(document)
    assert codes(result) == [code]
    assert result.issues[0].location == "ZDS[1]-5"
    said = dict(result.value[0].attributes)
    assert said.get(STATUS) == (read or None)
    assert (STATUS in said) is (read is not None)
    assert said["SOPAuthorizationDateTime"] == "20240102"
    assert said["SOPAuthorizationComment"] == "kept"
    assert HL7.encode(result.value, document).value == document


@pytest.mark.parametrize("count", range(9))
def test_a_segment_with_too_few_fields(count):
    document = zds(*["1.2.3.4", "1.2.5", "1.2.3.4.1", "AO", "2024", "c", "N", "", "H"][:count])
    result = HL7.decode(document)
    assert not result.issues
    assert len(result.value) == (count > 3)
    x = SOPInstance("1.2.3", "1.2.3.4", "1.2.5", "1.2.3.4.1", "", {STATUS: "AC"})
    assert x in HL7.decode(HL7.encode([x], document).value).value


@pytest.mark.parametrize(
    "pointer", ["PERFORM", "987861", "1.2.3^^Application^PDF", "1.02.3", "", "1." + "1" * 70]
)
def test_a_foreign_segment_is_left_alone(pointer):
    document = zds().replace(b"1.2.3^^Application^DICOM", pointer.encode()) + b"ZDS|||||AO\r"
    result = HL7.decode(document)
    assert not result.value
    assert set(codes(result)) == {"hl7/foreign-zds"}
    x = SOPInstance("1.2.3", attributes={STATUS: "AO"})
    assert document in HL7.encode([x], document).value


@pytest.mark.parametrize("name", [b"ZDS=", b"ZDS1", b"ZDSS"])
def test_a_segment_id_has_three_characters(name):
    longer = zds("1.2.3.4", "1.2.5", "1.2.3.4.1", "AO").replace(b"ZDS|", name + b"|")
    document = longer + b"ZDS|1.2.3||||NS\r"
    result = HL7.decode(document)
    assert [(x.sop_instance_uid, x.attributes) for x in result.value] == [("", ((STATUS, "NS"),))]
    assert not result.issues
    x = SOPInstance("1.2.3", "1.2.3.4", "1.2.5", "1.2.3.4.1", "", {STATUS: "AC"})
    for into in (longer, document):  # by the quick road and by the other
        written = HL7.encode([x], into).value
        assert written.startswith(into)
        assert x in HL7.decode(written).value


def test_another_separator_ends_a_segment_id_too():
    document = b"MSH=^~\\&=A\rZDS=1.2.3====AO\rZDS|1.2.3||||AC\r"
    assert [x.attributes for x in HL7.decode(document).value] == [((STATUS, "AO"),)]


@pytest.mark.parametrize("marks", ["", "^^~\\&", "^~\\&#+", "A~\\&", '^~"&'])
def test_delimiters_that_cannot_be_used(marks):
    good = zds("", "", "", "AO")
    header = f"MSH|{marks}|A\r".encode() if marks else b"MSHA^~\\&AB\r"
    bad = header + b"ZDS|1.2.9|||||AO\r"
    result = HL7.decode(good + bad)
    assert codes(result) == ["hl7/encoding-characters"]
    assert result.issues[0].location == "message[2] MSH-2"
    assert len(result.value) == 1


def test_a_uid_of_70_characters():
    uid = "1.2." + "3" * 66
    result = HL7.decode(zds("1.2.3.4", "1.2.5", uid, "AO"))
    assert codes(result) == ["value/not-uid"]
    assert result.value[0].sop_instance_uid == uid
    dataset = pydicom.dcmread(io.BytesIO(CT))
    dataset[0x00080018] = pydicom.DataElement(
        0x00080018, "UI", uid, validation_mode=pydicom.config.IGNORE
    )
    assert codes(DICOM.decode(dataset)) == ["value/not-uid"]
    x = SOPInstance(uid, attributes={STATUS: "AO"})
    refused = HL7.encode([x], zds())
    assert codes(refused) == ["hl7/no-study-uid"]
    assert refused.value == zds()
    bad = study(extension({"url": "status", "valueCode": "AO"}))
    bad["identifier"][0]["value"] = f"urn:oid:{uid}"
    assert codes(FHIR.decode(bad)) == ["value/not-uid"]


@pytest.mark.parametrize(
    ("slices", "code", "at"),
    [
        ([{"url": "status", "valueString": "AO"}], "fhir/wrong-type", ".extension[0]"),
        ([{"url": "status", "valueCode": 7}], "fhir/wrong-type", ".extension[0]"),
        ([{"url": "stauts", "valueCode": "AO"}], "fhir/unknown-slice", ".extension[0]"),
        ([{"url": "status", "valueCode": "AO"}] * 2, "fhir/repeated-slice", ".extension[0]"),
        ([{"url": "status", "valueCode": "ao"}], "value/lower-case", ".extension[0]"),
        ([{"url": "status", "valueCode": "XX"}], "value/unknown-term", ".extension[0]"),
        (
            [{"url": "authorizationDateTime", "valueDateTime": "2024-01-02T03:04"}],
            "fhir/not-date-time",
            ".extension[0]",
        ),
        (
            [{"url": "verbatim", "valueString": "SOPInstanceStatus=AO"}],
            "fhir/verbatim-malformed",
            ".extension[0]",
        ),
        (["status"], "fhir/malformed", ".extension[0]"),
    ],
)
def test_slices_that_are_not_right(slices, code, at):
    document = study(extension(*slices))
    result = FHIR.decode(document)
    assert codes(result) == [code]
    assert result.issues[0].location == "ImagingStudy.extension[0]" + at
    assert FHIR.encode(result.value, document).value == document


def test_a_verbatim_text_alone_never_states_a_term():
    """What the field could have said and does not, nobody says for it."""
    kept = 'SOPInstanceStatus="AO"'
    for result in (
        HL7.decode(zds("", "", "", "", "", "", "", kept)),
        FHIR.decode(study(extension(verbatim_slice(kept)))),
    ):
        assert not result.value
        assert [c.partition("/")[2] for c in codes(result)] == ["verbatim-stale"]
    changed = HL7.decode(zds("", "", "", "NS", "", "", "", kept))
    assert dict(changed.value[0].attributes) == {STATUS: "NS"}
    assert codes(changed) == ["hl7/verbatim-stale"]


def test_one_bad_instance_does_not_sink_the_others():
    instances = [
        {"uid": f"1.2.3.{n}", "extension": [extension({"url": "status", "valueCode": "AO"})]}
        for n in range(1, 6)
    ]
    instances[2] = {"uid": 7}
    instances[3] = None
    result = FHIR.decode(study(series=[{"uid": "1.2.3.4", "instance": instances}]))
    assert len(result.value) == 3
    assert codes(result) == ["fhir/no-uid", "fhir/malformed"] or codes(result) == [
        "fhir/malformed",
        "fhir/no-uid",
    ]


def test_a_statement_about_something_else_is_refused():
    x = SOPInstance("1.9", "1.9.1", "", "1.9.1.1", "", {STATUS: "AO"})
    assert codes(DICOM.encode([x], CT)) == ["dicom/no-counterpart"]
    assert DICOM.encode([x], CT).value == CT
    document = study(series=[{"uid": "1.2.3.4", "instance": [{"uid": "1.2.3.4.5"}]}])
    assert codes(FHIR.encode([x], document)) == ["fhir/no-counterpart"]
    assert FHIR.encode([x], document).value == document


def test_an_unknown_keyword_is_never_dropped_silently():
    x = SOPInstance("1.2.3", attributes={"QualityControlImage": "YES"})
    assert "table/unmapped" in codes(HL7.encode([x], zds()))
    assert "table/unmapped" in codes(FHIR.encode([x], study()))


def test_text_that_the_target_cannot_hold():
    x = SOPInstance("1.2.3", "1.2.3.4", "", "1.2.3.4.1", "", {"SOPAuthorizationComment": "患者 ¥"})
    for term in ("", "8859/1", "ISO IR14"):
        document = zds(header=rf"MSH|^~\&|A|||||||1|P|2.5.1||||||{term}")
        out = HL7.encode([x], document)
        assert codes(out) == ["hl7/charset"]
        assert b"?" not in out.value
        assert HL7.decode(out.value).value == (x,)
    (own,) = DICOM.instances(CT)  # ISO_IR 100
    said = SOPInstance(*own.identity[:2], "", own.sop_instance_uid, "", dict(x.attributes))
    out = DICOM.encode([said], CT)
    assert codes(out) == ["dicom/charset"]
    assert out.value == CT


def test_half_a_surrogate_pair_crashes_nothing():
    text = "\ud800 lone"
    slices = {"url": "authorizationComment", "valueString": text}
    result = FHIR.decode(study(extension(slices)))
    assert dict(result.value[0].attributes) == {"SOPAuthorizationComment": text}
    out = HL7.encode(result.value, zds())
    assert HL7.decode(out.value).value == result.value


def test_issues_carry_no_text_of_the_document():
    secret = "SECRET^PATIENT"
    documents = [zds("1.2.3.4", "1.2.5", "1.2.3.4.1", f"{secret}", secret, secret, secret, secret)]
    for result in map(HL7.decode, documents):
        assert result.issues
        assert not any("SECRET" in str(i) or "PATIENT" in str(i) for i in result.issues)


class TestNothingOfTheDocumentEscapes:
    """Warnings are errors here, so a library that prints what it dislikes fails these."""

    def test_a_uid_that_is_none_in_a_message(self):
        document = zds("MARKER", "", "MARKER", "AO")
        result = transformer("hl7", "dicom")(document)
        assert result.value.SOPInstanceStatus == "NS"
        assert not any("MARKER" in str(i) for i in result.issues)

    def test_a_uid_that_is_none_in_a_data_set(self):
        dataset = pydicom.dcmread(io.BytesIO(CT))
        odd = pydicom.DataElement(0x0020000E, "UI", "MARKER", validation_mode=pydicom.config.IGNORE)
        dataset[0x0020000E] = odd
        (x,) = DICOM.instances(dataset)
        said = SOPInstance(*x.identity[:2], "", x.sop_instance_uid, "", {STATUS: "AO"})
        out = DICOM.encode([said], dataset).value
        assert out.SOPInstanceStatus == "AO"
        assert STATUS not in dataset
        assert out[0x0020000E] is not dataset[0x0020000E]

    def test_the_name_of_an_unknown_element(self):
        document = study(status="available", subject={"display": "x"}, MARKER=1)
        result = FHIR.decode(document, validate=True, release="R4")
        assert "fhir/invalid" in codes(result)
        assert not any("MARKER" in str(i) for i in result.issues)


@pytest.mark.parametrize("extension", [{"url": "theirs"}, None, "text"])
def test_what_is_no_list_of_extensions_is_left_as_it_is(extension):
    under = codec("fhir")
    study = sample("authorized-original", "fhir")
    (x,) = under.decode(study).value
    study["series"][0]["instance"][0]["extension"] = extension
    result = under.encode([x], study)
    assert result.value == study
    assert [(i.code, i.location) for i in result.issues] == [
        ("fhir/malformed", "ImagingStudy.series[0].instance[0].extension")
    ]
