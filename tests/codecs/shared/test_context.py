"""What data sets say beside the status: every format reads the same, and every receiver takes it."""

import json
import os
import random

import hl7
import pytest
from described import FULL, PLAIN, data_set, forms, made, saved
from pydicom.datadict import dictionary_VR, keyword_for_tag
from samples_of import bare, sample
from sopstatus import Limits, codec, load_tables, transformer
from sopstatus.codecs.hl7 import message
from sopstatus.codecs.hl7_xml.codec import of_er7
from sopstatus.codecs.shared import context as contexts
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.transform import names_nothing, says_nothing
from sopstatus.values import tag_text

MANY = int(os.environ.get("CONTEXT_EXAMPLES", "12"))
FORMS = list(forms(data_set()))
each_form = pytest.mark.parametrize("form", FORMS)


def site(tmp_path, **settings):
    lines = [f"{key.replace('_', '-')} = {json.dumps(value)}\n" for key, value in settings.items()]
    (tmp_path / "site.toml").write_text("".join(lines))
    return load_tables(tmp_path)


def segment(message, name):
    return next(s for s in hl7.parse(message.decode()) if str(s[0]) == name)


def test_the_tags_are_those_of_the_dictionary():
    whole = [contexts.IMPERSONAL, contexts.PERSONAL]
    for tag, (keyword, inner) in contexts.SEQUENCES.items():
        assert (keyword_for_tag(tag), dictionary_VR(tag)) == (keyword, "SQ")
        whole.append(inner)
    for rows in whole:
        for tag, row in rows.items():
            assert (keyword_for_tag(tag), dictionary_VR(tag)) == row


@each_form
def test_every_format_says_the_same(form):
    name, document = forms(data_set())[form]
    issues = Issues()
    assert codec(name).contexts(document, issues) == [FULL]
    assert not issues


@pytest.mark.parametrize("seed", range(MANY))
def test_every_format_says_the_same_of_any_data_set(seed):
    found = made(random.Random(seed))
    said = {}
    for form, (name, document) in forms(found).items():
        (said[form],) = codec(name).contexts(document, Issues())
    assert said["bytes"]["StudyInstanceUID"] == found.StudyInstanceUID
    assert [form for form in said if said[form] != said["bytes"]] == []


def test_a_value_that_is_not_legal_is_left_out_and_told():
    plain = {"PatientBirthDate": "19700230", "StudyID": "A\\B", "PatientSex": "female"}
    issues = Issues()
    (said,) = codec("dicom").contexts(saved(data_set(plain=plain, items={})), issues)
    assert not said.keys() & plain.keys()
    codes = [(one.code, one.location) for one in issues]
    left_out = "document/context-left-out"
    assert codes == [(left_out, t) for t in ("(0010,0030)", "(0010,0040)", "(0020,0010)")]
    assert not any(text in str(one) for one in issues for text in plain.values())


def test_a_sequence_that_is_not_read_is_told():
    """Of what stands in front of it pydicom would make more than the limit allows."""
    image = saved(data_set())
    at = image.index(b"\x08\0\x51\0SQ")
    many = (
        b"\x08\0\x40\0SQ\0\0" + (8 * 5000).to_bytes(4, "little") + b"\xfe\xff\0\xe0\0\0\0\0" * 5000
    )
    many = b"\x08\0\x40\0SQ\0\0\xff\xff\xff\xff" + many[12:] + b"\xfe\xff\xdd\xe0\0\0\0\0"
    issues = Issues()
    under = codec("dicom", limits=Limits(elements=1000))
    (said,) = under.contexts(image[:at] + many + image[at:], issues)
    assert said == {key: text for key, text in FULL.items() if "." not in key}
    told = [(one.code, one.location) for one in issues]
    left_out = "document/context-left-out"
    assert told == [(left_out, tag_text(tag)) for tag in contexts.SEQUENCES if tag < 0x00400275]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("00100020", {"vr": "LO", "Value": "x"}),
        ("00100020", {"vr": "LO", "Value": [{}]}),
        ("00100020", {"vr": "LO", "Value": ["x"], "InlineBinary": "eA=="}),
        ("00100020", 7),
        ("00100010", {"vr": "PN", "Value": [{"Alphabetic": 7}]}),
        ("00321064", {"vr": "SQ", "Value": {}}),
        ("00321064", {"vr": "SQ", "Value": ["x"]}),
    ],
)
def test_what_cannot_be_read_of_json_is_told(member, value):
    node = data_set().to_json_dict() | {member: value}
    issues = Issues()
    codec("dicom-json").contexts(node, issues)
    told = ("document/context-left-out", f"({member[:4]},{member[4:]})")
    assert told in [(one.code, one.location) for one in issues]


def test_an_element_that_stands_twice_is_told():
    image = saved(data_set())
    at = image.index(b"\x10\0\x20\0LO")
    end = at + 8 + int.from_bytes(image[at + 6 : at + 8], "little")
    issues = Issues()
    (said,) = codec("dicom").contexts(image[:end] + image[at:end] + image[end:], issues)
    assert "PatientID" not in said
    assert ("document/context-left-out", "(0010,0020)") in [(i.code, i.location) for i in issues]


@pytest.mark.parametrize("target", ["hl7", "hl7-xml", "fhir"])
@pytest.mark.parametrize("text", ["\ud800", "x\udc80", "\uffff", "\x1b(B", "a\x7f"])
def test_what_no_document_can_hold_is_left_out(text, target):
    node = data_set().to_json_dict(bulk_data_threshold=1 << 30)
    node["00100020"]["Value"] = [text]
    node["00100010"]["Value"] = [{"Alphabetic": text}]
    for document in (node, json.dumps(node)):
        done = transformer("dicom-json", target)(document)
        assert [i.code for i in done.issues].count("document/context-left-out") == 2
        made = json.dumps(done.value, ensure_ascii=False) if target == "fhir" else done.value
        assert text not in (made if isinstance(made, str) else made.decode())


@pytest.mark.parametrize("target", ["hl7", "hl7-xml", "fhir"])
def test_a_document_of_somebody_gets_none_of_it(target):
    image, into = saved(data_set()), bare("original", "hl7")
    if target == "fhir":
        into = bare("original", "fhir")
    elif target == "hl7-xml":
        into = of_er7(into)
    plain = sample("authorized-original", "dicom")
    carry = transformer("dicom", target)
    assert carry(image, into).value == carry(plain, into).value


def test_a_site_wants_less(tmp_path):
    image = saved(data_set())
    for wanted, keywords in (
        ("uids", {row[0] for row in contexts.IMPERSONAL.values()}),
        ("none", set()),
    ):
        tables = site(tmp_path, context=wanted)
        (said,) = codec("dicom", tables=tables).contexts(image, Issues())
        assert said.keys() == keywords
        message = transformer("dicom", "hl7", tables=tables)(image)
        assert [x.code for x in message.issues] == ["hl7/no-patient"]
        assert b"SYN" not in message.value.replace(b"99SOPSTATUS", b"").replace(b"SYN-CERT", b"")
        resource = transformer("dicom", "fhir", tables=tables)(image).value
        assert resource["subject"]["display"] == "unknown"
        assert "started" not in resource
        assert (resource["series"][0].get("number") == 3) is (wanted == "uids")


def test_a_site_names_itself(tmp_path):
    settings = {
        "patient_authority": "HOME^1.2.3^ISO",
        "hl7_version": "2.7",
        "hl7_sender": "US^HERE",
        "hl7_receiver": "RIS^THERE",
        "endpoint": "Endpoint/pacs",
    }
    tables = site(tmp_path, **settings)
    image = saved(data_set(plain={"PatientID": "SYN1"}, items={}))
    made = transformer("dicom", "hl7", tables=tables)(image).value
    head, patient = segment(made, "MSH"), segment(made, "PID")
    assert [str(head[n]) for n in (3, 4, 5, 6, 12)] == ["US", "HERE", "RIS", "THERE", "2.7"]
    assert str(patient[3]) == "SYN1^^^HOME&1.2.3&ISO^PI"
    resource = transformer("dicom", "fhir", tables=tables)(image).value
    assert resource["subject"]["identifier"] == {"system": "urn:oid:1.2.3", "value": "SYN1"}
    assert resource["endpoint"] == [{"reference": "Endpoint/pacs"}]


def test_a_time_without_an_offset_has_that_of_the_site(tmp_path):
    plain = {k: v for k, v in PLAIN.items() if k != contexts.OFFSET} | {"StudyTime": "235960"}
    image = saved(data_set(plain=plain))
    tables = site(tmp_path, offset="+0530")
    made = transformer("dicom", "hl7", tables=tables)(image).value
    assert str(segment(made, "OBR")[7]) == "202401012359+0530"  # HL7 knows no leap second
    started = transformer("dicom", "fhir", tables=tables)(image).value["started"]
    assert started == "2024-01-01T23:59:60+05:30"


@pytest.mark.parametrize(("said", "shown"), [("0", None), ("-1", None), ("1", 1), ("800", 800)])
def test_a_count_is_no_lower_than_what_is_listed(said, shown):
    counts = dict.fromkeys(("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"), said)
    resource = transformer("dicom", "fhir")(saved(data_set(plain=PLAIN | counts))).value
    found = [resource.get(name) for name in ("numberOfSeries", "numberOfInstances")]
    assert found == [shown, shown]


def test_what_data_sets_say_differently_is_said_of_none():
    one, other = data_set(), data_set(plain=PLAIN | {"PatientID": "SYN-1", "Modality": "MR"})
    other.SOPInstanceUID += ".1"
    both = [d.to_json_dict(bulk_data_threshold=1 << 30) for d in (one, other)]
    resource = transformer("dicom-json", "fhir")(both).value
    assert "identifier" not in resource["subject"]
    assert "code" not in resource["series"][0]["modality"]
    assert resource["description"] == PLAIN["StudyDescription"]
    assert resource["numberOfInstances"] == 800
    assert b'PID|||""' in transformer("dicom-json", "hl7")(both).value


def test_every_study_is_a_message_of_its_own():
    one, other = data_set(), data_set(plain=PLAIN | {"PatientID": "SYN-2"})
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(other, keyword, getattr(other, keyword) + ".1")
    both = [d.to_json_dict(bulk_data_threshold=1 << 30) for d in (one, other)]
    made = transformer("dicom-json", "hl7")(both).value
    first, second = (b"MSH" + part for part in made.split(b"MSH")[1:])
    for part, dataset in ((first, one), (second, other)):
        assert str(segment(part, "PID")[3]).startswith(dataset.PatientID + "^")
        assert str(segment(part, "ZDS")[4]) == dataset.SOPInstanceUID
    assert segment(first, "MSH")[10] != segment(second, "MSH")[10]
    bundle = transformer("dicom-json", "fhir")(both).value
    subjects = [entry["resource"]["subject"]["identifier"]["value"] for entry in bundle["entry"]]
    assert subjects == [one.PatientID, other.PatientID]


def test_an_image_released_later_is_another_message():
    ids = []
    for status in ("OR", "AO", "AO"):
        image = data_set()
        image.SOPInstanceStatus = status
        (said,) = codec("dicom").decode(saved(image)).value
        ids.append(segment(message([said], time="20240101"), "MSH")[10])
    assert ids[0] != ids[1] == ids[2]


@pytest.mark.parametrize("naming", ["OBX", "OBX, alternate code", "ZDS", "IPC"])
def test_the_study_that_a_message_names_is_kept(naming):
    lines = {
        "OBX": "OBX|1|ST|113014^DICOM Study^DCM||1.2.3||||||O",
        "OBX, alternate code": "OBX|1|ST|UID^^L^113014^DICOM Study^DCM||1.2.3||||||O",
        "ZDS": "ZDS|1.2.3^^Application^DICOM",
        "IPC": "IPC|A1|RP1|1.2.3|SPS1",
    }
    text = f"MSH|^~\\&|A|B|C|D|20240101||ORU^R01|1|P|2.5.1\rPID|||1\rOBR|1\r{lines[naming]}\r"
    for name, document in (("hl7", text.encode()), ("hl7-xml", of_er7(text.encode()))):
        done = transformer(name, "fhir")(document)
        assert done.value["identifier"][0]["value"] == "urn:oid:1.2.3"
        assert [x.code for x in done.issues] == ["document/states-nothing"]
        assert says_nothing(done.issues)
        assert not names_nothing(done.issues)


def test_a_message_that_names_no_study_makes_no_resource():
    text = b"MSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5.1\rPID|||1\r"
    done = transformer("hl7", "fhir")(text)
    assert done.issues[-1].code == "document/says-nothing"
    assert names_nothing(done.issues)


@pytest.mark.parametrize("target", ["hl7", "fhir", "dicom-json"])
def test_an_image_without_a_status_says_so(target):
    done = transformer("dicom", target)(sample("absent", "dicom"))
    assert "document/states-nothing" in [x.code for x in done.issues]


def test_nothing_of_it_enters_a_data_set():
    image = saved(data_set())
    for target in ("dicom-json", "dicom-xml", "healthimaging"):
        made = transformer("dicom", target)(image).value
        assert "SYN-4711" not in (made if isinstance(made, str) else str(made))
