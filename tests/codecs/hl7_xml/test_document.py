"""What line of ER7 each element of Mirth's XML is, and what element each line."""

import pytest
import sopstatus
from samples_of import CASES, sample
from sopstatus import DocumentError, Limits, SOPInstance, codec
from sopstatus.codecs.hl7_xml import of_er7

XML, HL7 = codec("hl7-xml"), codec("hl7")
MSH = "<MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2></MSH>"
ZDS = "<ZDS><ZDS.1><ZDS.1.1>1.2.3</ZDS.1.1></ZDS.1></ZDS>"
AO = {"SOPInstanceStatus": "AO"}


def document(*segments, header=MSH):
    return f"<HL7Message>{header}{''.join(segments)}</HL7Message>"


def places(found):
    return [(issue.code, issue.location) for issue in found.issues]


# --- XML as ER7 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_samples_become_the_messages(case):
    data = sample(case, "hl7")
    text = data.decode("iso8859-1" if b"|8859/1" in data else "utf-8").replace("\r\n", "\r")
    assert XML.er7(sample(case, "hl7-xml")).decode() == text


def test_fields_stand_at_their_numbers_in_the_message_s_own_delimiters():
    header = (
        "<MSH><MSH.1>#</MSH.1><MSH.2>*!%@</MSH.2><MSH.3><MSH.3.1>A</MSH.3.1><MSH.3.2>B</MSH.3.2>"
        "</MSH.3><MSH.5>C#</MSH.5></MSH>"
    )
    held = document(
        "<zds><x/></zds>",
        "<ZDS><ZDS.2><ZDS.2.1>1</ZDS.2.1><ZDS.2.3><ZDS.2.3.2>2</ZDS.2.3.2></ZDS.2.3></ZDS.2>"
        "<ZDS.2>3*&#13;&#10;</ZDS.2></ZDS>",
        "<PID/>",
        header=header,
    )
    assert XML.er7(held) == b"MSH#*!%@#A*B##C%F%\r?\rZDS##1**@2!3%S%%X0D%%X0A%\rPID\r"


@pytest.mark.parametrize("name", ["zds", "Zds"])
@pytest.mark.parametrize("fields", ["zds", "ZDS", "Zds"])
def test_an_element_whose_name_is_misspelt_is_named(name, fields):
    ours = ZDS[5:-6].replace("ZDS", fields)
    held = document("<PID/>", f"<{name}>{ours}</{name}>", "<NTE/>")
    for spelt in (held, held.encode()):
        found = XML.decode(spelt)
        assert found.value == ()
        assert places(found) == [("hl7/looks-like", "segment[3]")]
        assert found.issues[0].severity == "information"
        added = XML.encode([SOPInstance("1.2.3", attributes=AO)], spelt).value
        assert ours in (added if isinstance(added, str) else added.decode())


@pytest.mark.parametrize(
    "segment",
    [
        "<zds/>",
        "<zds>1.2.3</zds>",
        "<zds><x.1>1.2.3</x.1></zds>",
        "<zds><zds.1><zds.1.1>PERFORM</zds.1.1></zds.1></zds>",
        "<zds1><zds1.1>1.2.3</zds1.1></zds1>",
        "<NTE><zds><zds.1>1.2.3</zds.1></zds></NTE>",
    ],
)
def test_an_element_that_is_not_ours_is_not_named(segment):
    assert XML.decode(document(segment)).issues == ()


PARTS = (
    "<ZDS><ZDS.1><ZDS.1.1>a|*^</ZDS.1.1><ZDS.1.2><ZDS.1.2.1>x</ZDS.1.2.1>"
    "<ZDS.1.2.2>y</ZDS.1.2.2></ZDS.1.2></ZDS.1><ZDS.1>b</ZDS.1></ZDS>"
)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("<MSH/>", "MSH|^~\\&\rZDS|a\\F\\*\\S\\^x&y~b\r"),
        # no escape character: what would cut the line cannot be told
        ("<MSH><MSH.1/><MSH.2>*</MSH.2></MSH>", "MSH|*\rZDS|a\ufffd\ufffd^*x&y~b\r"),
        # the truncation character of 2.7 is none of these
        ("<MSH><MSH.2>^~\\&amp;#</MSH.2></MSH>", "MSH|^~\\&#\rZDS|a\\F\\*\\S\\^x&y~b\r"),
        ("<MSH><MSH.2>^~</MSH.2></MSH>", "MSH|^~\rZDS|a\ufffd*\ufffd^x&y~b\r"),
    ],
)
def test_delimiters_that_a_header_leaves_out(header, line):
    assert XML.er7(document(PARTS, header=header)).decode() == line


@pytest.mark.parametrize(
    "header", ["<MSH.1>||</MSH.1>", "<MSH.2>^|\\&amp;</MSH.2>", "<MSH.2>^é\\&amp;</MSH.2>"]
)
def test_delimiters_that_cannot_be_used(header):
    held = document(ZDS, header=f"<MSH>{header}</MSH>")
    told = XML.decode(held)
    assert (told.value, places(told)) == ((), [("hl7/encoding-characters", "MSH-2")])
    assert XML.er7(held) == b"MSHM\rZDSM1.2.3\r"


def test_segments_before_the_header_have_the_usual_delimiters():
    header = "<FHS><FHS.4><FHS.4.1>a|b</FHS.4.1><FHS.4.2>c</FHS.4.2></FHS.4></FHS>"
    held = document(header=header + MSH)
    assert XML.er7(held) == b"FHS||||a\\F\\b^c\rMSH|^~\\&\r"


# --- where an oddity is ----------------------------------------------------------------------------


def test_an_oddity_is_told_at_its_segment_and_field():
    odd = (
        "<ZDS><ZDS.1>1.2.3</ZDS.1><ZDS.7>a|b</ZDS.7></ZDS>",
        "<ZDS><x/><ZDS.1>1.2.3</ZDS.1></ZDS>",
        "<ZDS><ZDS.5/><ZDS.1>1.2.3</ZDS.1><ZDS.7/></ZDS>",
        "<ZDS><ZDS.1><ZDS.1.2/><ZDS.1.1>1.2.3</ZDS.1.1></ZDS.1></ZDS>",
        "<ZDS><ZDS.1><ZDS.1.1>1.2.3</ZDS.1.1><ZDS.1.1>9</ZDS.1.1></ZDS.1></ZDS>",
        "<ZDS><ZDS.1><ZDS.1.1>1.2.3</ZDS.1.1><ZDS.1.257/></ZDS.1></ZDS>",
        "<ZDS><ZDS.1><ZDS.1.1>1.2.3</ZDS.1.1>words</ZDS.1></ZDS>",
    )
    told = [
        ("hl7-xml/unescaped-delimiter", "ZDS[1]-7"),
        ("hl7-xml/malformed", "ZDS[2]"),
        ("hl7-xml/out-of-order", "ZDS[3]"),
        ("hl7-xml/out-of-order", "ZDS[4]-1"),
        *(("hl7-xml/malformed", f"ZDS[{n}]-1") for n in (5, 6, 7)),
    ]
    assert [place for place in places(XML.decode(document(*odd))) if "hl7-xml" in place[0]] == told
    foreign = [text.replace("ZDS", "ZZZ") for text in odd]
    assert places(XML.decode(document(*foreign, ZDS))) == []


def test_repetitions_the_highest_number_and_indentation_are_not_odd():
    held = document(
        "<ZDS>\n <ZDS.1>\n  <ZDS.1.1>1.2.3</ZDS.1.1>\n  <ZDS.1.256/>\n </ZDS.1>\n <ZDS.3>\n </ZDS.3>"
        "<ZDS.9>Odd=1</ZDS.9><ZDS.9>Odd=2</ZDS.9></ZDS>"
    )
    line = XML.er7(held).split(b"\r")[1]
    assert line == b"ZDS|1.2.3" + b"^" * 255 + b"||||||||Odd=1~Odd=2"
    assert not [place for place in places(XML.decode(held)) if "hl7-xml" in place[0]]
    assert XML.er7(document("<ZDS><x/><ZDS.257/><ZDS.1>1</ZDS.1></ZDS>")).endswith(b"ZDS|1\r")


def test_a_field_of_nothing_but_strangers_is_empty():
    held = document("<ZDS><ZDS.1>1.2.3</ZDS.1><ZDS.7><x/></ZDS.7></ZDS>")
    assert XML.er7(held).endswith(b"ZDS|1.2.3||||||\r")
    assert places(XML.decode(held)) == [("hl7-xml/malformed", "ZDS[1]-7")]


def test_a_document_that_is_refused_is_refused_as_a_whole():
    for held in ("<ORU_R01/>", "<Bundle/>", "<HL7Message/>", '<x xmlns="urn:hl7-org:v2xml"/>'):
        with pytest.raises(DocumentError) as error:
            XML.decode(held)
        assert [issue.location for issue in error.value.issues] == [""]


# --- ER7 as XML ------------------------------------------------------------------------------------


def test_segments_become_the_elements_that_the_engine_makes():
    charset = b"|" * 14 + b"8859/1"
    data = b"MSH|^~\\&|SEND|\xe4" + charset + b"\rZDS|1.2~3^4&5^|| a\\T\\<\tb\t|\rPID\rPV1|\r"
    assert of_er7(data + b"\rMSH|^^^^\r").decode() == (
        "<HL7Message><MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2><MSH.3><MSH.3.1>SEND</MSH.3.1>"
        "</MSH.3><MSH.4><MSH.4.1>ä</MSH.4.1></MSH.4>"
        + "".join(f"<MSH.{n}/>" for n in range(5, 18))
        + "<MSH.18><MSH.18.1>8859/1</MSH.18.1></MSH.18></MSH>"
        "<ZDS><ZDS.1><ZDS.1.1>1.2</ZDS.1.1></ZDS.1><ZDS.1><ZDS.1.1>3</ZDS.1.1>"
        "<ZDS.1.2><ZDS.1.2.1>4</ZDS.1.2.1><ZDS.1.2.2>5</ZDS.1.2.2></ZDS.1.2><ZDS.1.3/></ZDS.1>"
        "<ZDS.2/><ZDS.3><ZDS.3.1>\\X20\\a\\T\\&lt;\tb\\X09\\</ZDS.3.1></ZDS.3><ZDS.4/></ZDS>"
        "<PID/><PV1><PV1.1/></PV1></HL7Message>"
    )


def test_a_character_set_that_is_given_overrules_the_header_s():
    charset = b"|" * 15 + b"8859/1"
    data = b"MSH|^~\\&|\xc3\xa4" + charset + b"\rPID\r"
    assert "<MSH.3.1>ä</MSH.3.1>" in of_er7(data, "utf-8").decode()
    assert "<MSH.3.1>Ã¤</MSH.3.1>" in of_er7(data).decode()


def test_what_cannot_be_decoded_is_told_with_its_character_set():
    named = b"MSH|^~\\&" + b"|" * 16 + b"UNICODE UTF-8\rPID|\xff\r"
    for data, charset in ((named, "UNICODE UTF-8"), (b"MSH|^~\\&|\rPID|\xff\r", "none")):
        with pytest.raises(DocumentError) as error:
            of_er7(data)
        (issue,) = error.value.issues
        assert (issue.code, issue.location) == ("hl7/undecodable", "PID")
        assert f"({charset})" in issue.diagnostics
    with pytest.raises(DocumentError, match="hl7/encoding-characters"):
        of_er7(b"MSH|^^^^\rMSH|^~\\&|\r")
    with pytest.raises(DocumentError, match="hl7/undecodable"):
        of_er7(b"MSH|^~\\&" + b"|" * 16 + b"ASCII\rPID|\xc3\xa4\r")
    with pytest.raises(DocumentError) as error:
        of_er7(b"PID|1\r")
    assert [issue.location for issue in error.value.issues] == [""]


@pytest.mark.parametrize("name", [" ZDS", "ZDS ", "OBX 1", "a<b", "1AB", "", "note: text"])
def test_a_name_that_no_element_can_have_is_refused(name):
    with pytest.raises(DocumentError) as error:
        of_er7(f"MSH|^~\\&|\rPID|1\r{name}|1.2.3\r".encode())
    assert places(error.value) == [("hl7-xml/segment-name", "segment[3]")]


def test_characters_that_xml_cannot_hold_are_escaped_where_there_is_an_escape():
    for encoding, kept in (("^~\\&", "a\\X1B\\b"), ("^~", "ab")):
        made = of_er7(f"MSH|{encoding}|\rPID|a\x1bb\r".encode()).decode()
        assert f"<PID.1.1>{kept}</PID.1.1>" in made or f"<PID.1>{kept}</PID.1>" in made


def test_only_the_blanks_that_the_engine_trims_are_escaped():
    made = of_er7("MSH|^~\\&|\rPID|\xa0a\xa0\r".encode(), "utf-8").decode()
    assert "<PID.1.1>\xa0a\xa0</PID.1.1>" in made
    made = of_er7(b"MSH|^~\\&|\rPID|a& b\r").decode()
    assert "<PID.1.1.2>\\X20\\b</PID.1.1.2>" in made
    made = of_er7(b"MSH|^\rPID|a~b^ c\r").decode()  # no repetitions, no escape sequences
    assert "<PID.1><PID.1.1>a~b</PID.1.1><PID.1.2> c</PID.1.2></PID.1>" in made


# --- writing ---------------------------------------------------------------------------------------


def test_a_new_document_holds_the_statements():
    xs = (SOPInstance("1.2.3", attributes=AO),)
    made = XML.encode(xs).value
    assert isinstance(made, bytes)
    assert XML.decode(made).value == xs
    assert XML.instances(XML.blank(xs)) == ()
    assert b"<OBX.5.1>1.2.3</OBX.5.1>" in XML.blank(xs)


def test_an_order_takes_a_statement_about_the_study_only_if_it_is_true_of_all_that_are_known():
    order = "MSH|^~\\&|A|B|||20240101||ORM^O01|1|P|2.5.1\rORC|NW\rOBR|1\rZDS|1.2.3\r"
    one, other = (SOPInstance("1.2.3", "1.2.3.1", "", f"1.2.3.1.{n}", "", AO) for n in (1, 2))
    held = of_er7(order.encode())
    told = XML.encode([one], held, known=[one, other])
    assert (told.value, places(told)) == (
        held,
        places(HL7.encode([one], order, known=[one, other])),
    )
    assert places(told)[0][0] == "hl7/not-for-the-study"
    for known in ((one,), ()):
        written = XML.encode([one], held, known=known)
        assert XML.er7(written.value).decode() == HL7.encode([one], order, known=known).value


def test_a_site_may_say_end_of_message(tmp_path):
    (tmp_path / "site.toml").write_text('hl7-position = "message"')
    text = "MSH|^~\\&|A\rOBR|1\rOBX|1|ST|113014^DICOM Study^DCM||1.2.3\rOBR|2\r"
    under = codec("hl7-xml", tables=sopstatus.load_tables(tmp_path))
    made = under.encode([SOPInstance("1.2.3", attributes=AO)], of_er7(text.encode())).value
    assert under.er7(made).startswith(text.encode() + b"ZDS|1.2.3")


def test_what_no_table_maps_is_told():
    x = SOPInstance("1.2.3", attributes={"Odd": "x"})
    assert [code for code, _ in places(XML.encode([x], document(ZDS)))] == ["table/unmapped"]


def test_limits_hold_for_every_call():
    held = document(ZDS, ZDS.replace("1.2.3", "1.2.4"))
    x = SOPInstance("1.2.3", attributes=AO)
    for limit in (1, 2):
        under = codec("hl7-xml", limits=Limits(statements=limit))
        for call in (under.decode, under.instances, lambda given, u=under: u.encode([x], given)):
            if limit == 2:
                assert call(held)
                continue
            with pytest.raises(DocumentError, match="document/too-many-statements"):
                call(held)
