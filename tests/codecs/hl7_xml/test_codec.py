"""HL7 v2 as Mirth's XML: the same as the message, and nothing else in the XML is touched."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.formats import hl7_documents
from laws.strategies import statements
from samples_of import CASES, sample
from sopstatus import DocumentError, Limits, SOPInstance, codec
from sopstatus.codecs.hl7 import outline
from sopstatus.codecs.hl7_xml import of_er7

XML, HL7 = codec("hl7-xml"), codec("hl7")
MSH = "<MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2></MSH>"
POINTER = "<ZDS.1><ZDS.1.1>1.2.3</ZDS.1.1></ZDS.1>"
AO = "<ZDS.5><ZDS.5.1>AO</ZDS.5.1></ZDS.5>"


def message(zds, header=MSH):
    return f"<HL7Message>{header}<ZDS>{zds}</ZDS></HL7Message>"


def stating(**attributes):
    return SOPInstance("1.2.3", attributes=attributes)


def codes(found):
    return [issue.code for issue in found.issues]


def engine(document):
    """Write the XML as the engine's serializer does: by number, gaps filled, nothing escaped."""
    root = ET.fromstring(document)
    field, others = root.findtext("MSH/MSH.1"), root.findtext("MSH/MSH.2")
    component, repetition, subcomponent = others[0], others[1:2], others[3:4]

    def joined(node, mark, below):
        if not len(node):
            return node.text or ""
        parts = {}
        for child in node:
            parts[int(child.tag.rpartition(".")[2])] = joined(child, below, "")
        return mark.join(parts.get(n, "") for n in range(1, max(parts) + 1))

    lines = []
    for segment in root:
        fields = {}
        for node in segment:
            text = joined(node, component, subcomponent)
            fields.setdefault(int(node.tag.rpartition(".")[2]), []).append(text)
        numbers = range(1, max(fields, default=0) + 1)
        texts = [repetition.join(fields.get(number, [""])) for number in numbers]
        texts = texts[1:] if segment.tag == "MSH" else texts
        lines.append(field.join([segment.tag, *texts]) + "\r")
    return "".join(lines)


# --- the same as the message ---------------------------------------------------------------------


def text_of(case):
    data = sample(case, "hl7")
    return data.decode("iso8859-1" if b"|8859/1" in data else "utf-8").replace("\r\n", "\r")


@pytest.mark.parametrize("case", CASES)
def test_the_samples_are_the_messages(case):
    assert engine(sample(case, "hl7-xml")) == text_of(case)
    read, told = XML.decode(sample(case, "hl7-xml")), HL7.decode(text_of(case))
    assert (read, XML.instances(sample(case, "hl7-xml"))) == (told, HL7.instances(text_of(case)))


def blanks_at_the_ends_are_kept(text):
    """What the engine's scripts would trim is escaped; the message needs no such care."""
    return re.sub(r"([\\$.])X(20|09)\1", lambda m: chr(int(m[2], 16)), text)


@settings(max_examples=min(settings.default.max_examples, 400))
@given(data=st.data())
def test_written_as_xml_it_becomes_the_same_message(data):
    document, known, holders = data.draw(hl7_documents())
    text = re.sub(b"[\x0b\x1c\x00]|\xef\xbb\xbf", b"", document).decode("ascii").replace("\n", "\r")
    lines = [x for x in text.split("\r") if x.strip() and x[:3] not in ("FHS", "BHS", "BTS")]
    lines = [re.sub(r"^ *([A-Za-z]{3}) *", r"\1", line) for line in lines]  # names of elements
    text = "".join(line + "\r" for line in lines)
    given_ = data.draw(statements(known, holders=holders))
    written = XML.encode(given_, of_er7(text.encode(), "utf-8").decode())
    charset = outline.messages(text.encode("ascii"))[0].charset
    expected = HL7.encode(given_, text.encode("ascii"))
    assert blanks_at_the_ends_are_kept(engine(written.value)) == blanks_at_the_ends_are_kept(
        expected.value.decode(charset)
    )
    # MSH-18 says nothing of how XML is read; a name that is not known is called ASCII in the message
    told = [(one.code, one.location) for one in expected.issues if one.code[:12] != "hl7/charset-"]
    assert [(one.code, one.location) for one in written.issues] == told


def test_blanks_that_the_engine_would_trim_are_escaped():
    x = stating(SOPAuthorizationComment="  two before and one tab behind\t")
    written = XML.encode([x], message(POINTER)).value
    assert "<ZDS.7.1>\\X20\\\\X20\\two before and one tab behind\\X09\\</ZDS.7.1>" in written
    assert XML.decode(written).value == (x,)


# --- nothing else is touched ---------------------------------------------------------------------


def test_only_the_fields_that_change_are_written():
    old = message(
        f'<!-- why -->{POINTER}<ZDS.3 />\n<ZDS.5 note="x">\n <ZDS.5.1>OR</ZDS.5.1></ZDS.5>'
        "<ZDS.11><ZDS.11.1><![CDATA[their <own>]]></ZDS.11.1></ZDS.11>"
    )
    when = stating(SOPInstanceStatus="OR", SOPAuthorizationDateTime="20240102")
    added = "<ZDS.6><ZDS.6.1>20240102</ZDS.6.1></ZDS.6>"
    assert XML.encode([when], old).value == old.replace("<ZDS.11>", added + "<ZDS.11>")
    new = stating(SOPInstanceStatus="AO")
    assert XML.encode([new], old).value == old.replace(
        '<ZDS.5 note="x">\n <ZDS.5.1>OR</ZDS.5.1></ZDS.5>',
        "<ZDS.5><ZDS.5.1>AO</ZDS.5.1><ZDS.5.2>Authorized Original</ZDS.5.2>"
        "<ZDS.5.3>99SOPSTATUS</ZDS.5.3></ZDS.5>",
    )


def test_a_new_segment_is_indented_like_its_neighbour_and_goes_without_a_trace():
    old = f"<HL7Message>\n  {MSH}\n  <PID><PID.1/></PID>\n</HL7Message>\n".encode()
    written = XML.encode([stating(SOPInstanceStatus="AO")], old).value
    assert b"</PID>\n  <ZDS>" in written
    assert written.endswith(b"</ZDS>\n</HL7Message>\n")
    series = SOPInstance("1.2.3", "1.2.3.1", attributes={"SOPInstanceStatus": "AO"})
    there = XML.encode([series], old).value
    assert there != old
    assert XML.encode([SOPInstance("1.2.3", "1.2.3.1")], there).value == old


def test_fields_are_added_in_the_order_of_their_numbers():
    for inner in (
        POINTER,
        f"{POINTER}<ZDS.10><ZDS.10.1>PACS1</ZDS.10.1></ZDS.10>",
        f"<ZDS.12><ZDS.12.1>x</ZDS.12.1></ZDS.12>{POINTER}",  # as somebody else's script left it
    ):
        x = SOPInstance(
            "1.2.3",
            holder="PACS1" if "PACS1" in inner else "",
            attributes={"SOPInstanceStatus": "XX", "SOPAuthorizationComment": "c"},
        )
        written = XML.encode([x], message(inner)).value
        numbers = [int(node.tag[4:]) for node in ET.fromstring(written).find("ZDS")]
        ours = [n for n in numbers if n != 12]
        assert ours == sorted(ours)
        assert XML.decode(written).value == (x,)


def test_an_empty_segment_and_an_empty_field():
    for zds in ("<ZDS/>", "<ZDS></ZDS>", f"<ZDS>{POINTER}<ZDS.5/></ZDS>"):
        old = f"<HL7Message>{MSH}{zds}</HL7Message>"
        x = stating(SOPInstanceStatus="NS")
        assert XML.decode(XML.encode([x], old).value).value == (x,)


@pytest.mark.parametrize("encoding", ["utf-8", "ISO-8859-1", "windows-1252", "US-ASCII"])
def test_encodings(encoding):
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    said = message(POINTER + "<ZDS.11>&#252;</ZDS.11>")
    said = said.replace("</MSH>", "<MSH.18>UNICODE UTF-8</MSH.18></MSH>")
    old = (head + said).encode(encoding)
    x = stating(SOPAuthorizationComment="für 患者")
    new = XML.encode([x], old).value
    assert XML.decode(new).value == (x,)
    assert b"&#252;" in new
    assert ET.fromstring(new).findtext("ZDS/ZDS.7/ZDS.7.1") == "für 患者"
    assert XML.encode([x], memoryview(old)).value == new


# --- how it is read ------------------------------------------------------------------------------


def test_a_field_that_a_script_set_has_no_components():
    assert XML.decode(message("<ZDS.1>1.2.3</ZDS.1><ZDS.5>AO</ZDS.5>")).value == (
        stating(SOPInstanceStatus="AO"),
    )


def test_repetitions_in_one_text_where_the_channel_does_not_cut_them():
    kept = 'SOPAuthorizationDateTime="2024-2025"~Odd=1'
    read = XML.decode(message(f"{POINTER}<ZDS.9><ZDS.9.1>{kept}</ZDS.9.1></ZDS.9>"))
    assert read.value == () or dict(read.value[0].attributes)
    said = XML.decode(message(f'{POINTER}<ZDS.9>Odd=1~SOPInstanceStatus="XX"</ZDS.9>'))
    assert said.value == (stating(SOPInstanceStatus="XX"),)


def test_escape_sequences_are_undone_once():
    told = XML.decode(message(f"{POINTER}<ZDS.7><ZDS.7.1>a\\T\\b &lt;\\E\\</ZDS.7.1></ZDS.7>"))
    assert told.value == (stating(SOPAuthorizationComment="a&b <\\"),)
    assert not told.issues


@pytest.mark.parametrize(
    ("inner", "code", "comment"),
    [
        ("<ZDS.7>a|b</ZDS.7>", "hl7-xml/unescaped-delimiter", "a|b"),
        ("<ZDS.7><ZDS.7.1>a^b\nc</ZDS.7.1></ZDS.7>", "hl7-xml/unescaped-delimiter", "a^b\nc"),
        ("<ZDS.7>Zorro</ZDS.7><x/>", "hl7-xml/malformed", "Zorro"),
        ("<ZDS.7>Zorro</ZDS.7>words", "hl7-xml/malformed", "Zorro"),
        ("<ZDS.7>Zorro</ZDS.7><ZDS.70000/>", "hl7-xml/malformed", "Zorro"),
        ("<ZDS.9/><ZDS.7>Zorro</ZDS.7>", "hl7-xml/out-of-order", "Zorro"),
    ],
)
def test_oddities_are_told_and_left(inner, code, comment):
    document = message(POINTER + inner)
    read = XML.decode(document)
    assert read.value == (stating(SOPAuthorizationComment=comment),)
    assert codes(read) == [code]
    assert XML.encode(read.value, document).value == document
    assert comment not in str(read.issues[0])


def test_delimiters_that_cannot_be_used():
    for header in ("<MSH><MSH.1>||</MSH.1></MSH>", "<MSH><MSH.1>|</MSH.1><MSH.2>||</MSH.2></MSH>"):
        document = message(POINTER + AO, header)
        assert codes(XML.decode(document)) == ["hl7/encoding-characters"]
        assert XML.encode([stating(SOPInstanceStatus="AC")], document).value == document


def test_a_header_without_delimiters_has_the_usual_ones():
    assert XML.decode(message(POINTER + AO, "<MSH/>")).value


# --- what is refused -----------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><HL7Message>&l9;</HL7Message>', "xml-dtd"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><HL7Message/>', "xml-dtd"),
        ("<HL7Message>&l9;</HL7Message>", "not-xml"),
        ("<HL7Message>", "not-xml"),
        ("", "empty"),
        ("<a>" * 100_000, "too-deep"),
        ('<?xml version="1.0" encoding="utf-7"?><HL7Message/>', "xml-encoding"),
        ('<?xml version="1.0" encoding="nonsense"?><HL7Message/>', "xml-encoding"),
    ],
)
def test_what_is_no_document(document, code):
    with pytest.raises(DocumentError) as error:
        XML.decode(document.encode())
    assert codes(error.value) == [f"document/{code}"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<HL7Message/>", "hl7/no-msh"),
        ("<HL7Message><MSHX/></HL7Message>", "hl7/no-msh"),
        ("<ORU_R01><MSH/></ORU_R01>", "hl7-xml/strict"),
        ('<x xmlns="urn:hl7-org:v2xml"/>', "hl7-xml/strict"),
        ("<ACK/>", "hl7-xml/strict"),
        ('<Bundle xmlns="http://hl7.org/fhir"/>', "hl7-xml/not-mirth"),
    ],
)
def test_what_is_another_document(document, code):
    for call in (XML.decode, XML.instances, lambda given: XML.encode([], given)):
        with pytest.raises(DocumentError) as error:
            call(document)
        assert codes(error.value) == [code]


def test_too_large():
    with pytest.raises(DocumentError) as error:
        codec("hl7-xml", limits=Limits(document=10)).decode(message(POINTER))
    assert codes(error.value) == ["document/too-large"]


def test_a_message_that_cannot_be_written_as_xml():
    for data, code in (
        (b"PID|1\r", "hl7/no-msh"),
        (b"MSH|^~\\&|\xff\r", "hl7/undecodable"),
        (b"MSH|^^^^\r", "hl7/encoding-characters"),
    ):
        with pytest.raises(DocumentError) as error:
            of_er7(data)
        assert codes(error.value) == [code]
