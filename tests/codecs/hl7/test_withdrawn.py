"""A message that takes back its order or result states nothing, and nothing is written onto it."""

import pytest
from sopstatus import SOPInstance, codec, explain

HL7, XML = codec("hl7"), codec("hl7-xml")
MSH = "MSH|^~\\&|RIS|A|PACS|B|20240102||ORU^R01^ORU_R01|1|P|2.5.1"
STUDY = "1.2.3"
ZDS = f"ZDS|{STUDY}^^Application^DICOM|1.2.3.1||1.2.3.1.1|AO"
NEW = SOPInstance(STUDY, "1.2.3.1", "", "1.2.3.1.2", "", {"SOPInstanceStatus": "AO"})


def message(*lines, end="\r"):
    return "".join(line + end for line in (MSH, *lines)).encode()


def obr(state):
    return "OBR|1" + "|" * 24 + state


def obx(state, study=STUDY, code="113014"):
    return f"OBX|1|ST|{code}^DICOM Study^DCM||{study}||||||{state}"


TAKEN_BACK = [
    ["ORC|CA", "OBR|1"],
    ["ORC|OC", "OBR|1"],
    ["ORC|ca^x", "OBR|1"],
    ["ORC|\\X43\\A ", "OBR|1"],
    ["ORC| OC~RE", "OBR|1"],
    [obr("X")],
    ["ORC|RE", obr(" x ")],
    ["OBR|1", obx("W")],
    ["OBR|1", obx("D")],
    ["OBR|1", obx("X", code="110180")],
    ["OBR|1", obx("D", code="UID^Study^L^113014")],
]
IN_FORCE = [
    ["ORC|NW", "OBR|1"],
    ["ORC|CAN||CA", "OBR|1"],
    ["ORC||CA|OC", "OBR|1"],
    [obr("F")],
    ["ORC|RE", obr("C"), obx("F")],
    ["OBR|1", obx("X", study="9.9")],
    ["OBR|1", "OBX|1|TX|1^a^b||x||||||X"],
    ["ORC|CA", "OBR|1", "ORC|RE", "OBR|2"],
]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("lines", TAKEN_BACK)
def test_it_states_nothing(lines, end):
    document = message(*lines, ZDS, end=end)
    result = HL7.decode(document)
    assert (result.value, [i.code for i in result.issues]) == ((), ["hl7/withdrawn"])
    assert [i.code for i in explain.explain(document).issues] == ["hl7/withdrawn"]


@pytest.mark.parametrize("lines", TAKEN_BACK)
def test_nothing_is_written_onto_it(lines):
    for document in (message(*lines), message(*lines, ZDS), message(*lines, ZDS[:35])):
        result = HL7.encode([NEW], document)
        assert result.value == document
        assert "hl7/withdrawn" in [i.code for i in result.issues]


@pytest.mark.parametrize("lines", IN_FORCE)
def test_any_other_is_in_force(lines):
    document = message(*lines, ZDS)
    assert [x.attributes for x in HL7.decode(document).value] == [(("SOPInstanceStatus", "AO"),)]
    written = HL7.encode([NEW], document)
    assert not written.issues
    assert len(HL7.decode(written.value).value) == 2


def test_another_group_of_the_message_is_in_force():
    document = message("ORC|CA", "OBR|1", ZDS, "ORC|RE", "OBR|2", ZDS[:-2] + "OR")
    result = HL7.decode(document)
    assert [x.attributes for x in result.value] == [(("SOPInstanceStatus", "OR"),)]
    assert [i.location for i in result.issues] == ["ZDS[1]"]


def test_a_statement_before_the_groups_falls_with_all_of_them():
    assert not HL7.decode(message("PID|1", ZDS, obr("X"), obr("X"))).value
    assert HL7.decode(message("PID|1", ZDS, obr("X"), obr("F"))).value


def test_what_names_its_study_only_is_no_fault():
    assert not HL7.decode(message("ORC|CA", "OBR|1", "ZDS|1.2.3^^Application^DICOM")).issues


def test_in_the_xml_of_mirth_too():
    from sopstatus.codecs.hl7_xml import of_er7

    for lines in TAKEN_BACK:
        result = XML.decode(of_er7(message(*lines, ZDS)))
        assert (result.value, [i.code for i in result.issues]) == ((), ["hl7/withdrawn"])
