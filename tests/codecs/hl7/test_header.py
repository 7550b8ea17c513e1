"""What of the MSH decides whether a message is read: MSH-11, MSH-18 and where the MSH ends."""

import pytest
from sopstatus import Link, SOPInstance, acknowledge, codec, load_tables
from sopstatus.engines.mllp.answer import answers
from sopstatus.engines.mllp.work import work
from sopstatus.explain import explain
from sopstatus.table.language import HL7_CHARACTER_SETS, OTHER_CHARACTER_SETS

HL7, XML = codec("hl7"), codec("hl7-xml")
STATUS, COMMENT = "SOPInstanceStatus", "SOPAuthorizationComment"
IDENTITY = "1.2.3^^Application^DICOM|1.2.3.1||1.2.3.1.1"
NEW = SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.2", "", {STATUS: "OR", COMMENT: "grün"})


def message(charset="", comment="", processing="P", coding="latin-1", end="\r"):
    head = rf"MSH|^~\&|RIS|A|PACS|B|20240102||ORU^R01^ORU_R01|1|{processing}|2.5.1||||||{charset}"
    lines = (head, "OBR|1", f"ZDS|{IDENTITY}|AO||{comment}")
    return "".join(line + end for line in lines).encode(coding)


def codes(result):
    return [(i.code, i.location) for i in result.issues]


def comment_of(result):
    return dict(result.value[0].attributes).get(COMMENT)


class TestCharacterSet:
    @pytest.mark.parametrize("term", HL7_CHARACTER_SETS)
    def test_a_term_of_table_0211_is_no_fault(self, term):
        assert not HL7.decode(message(term)).issues

    @pytest.mark.parametrize(
        ("name", "charset"),
        [
            *((name, name) for name in OTHER_CHARACTER_SETS),
            ("iso8859-1", "8859/1"),
            ("ISO_8859-15", "8859/15"),
            ("8859-1", "8859/1"),
            ("ISO 8859/2", "8859/2"),
            ("8859/16", "ISO-8859-16"),
            ("cp1252", "WINDOWS-1252"),
            ("Windows 1250", "WINDOWS-1250"),
            ("utf8", "UTF8"),
            ("Unicode UTF8", "UNICODE UTF-8"),
            ("unicode", "UNICODE"),
            ("GB18030-2000", "GB 18030-2000"),
            ("ISO_IR 87", "ISO IR87"),
        ],
    )
    def test_another_name_is_read_with_a_warning(self, name, charset):
        result = HL7.decode(message(name))
        assert len(result.value) == 1
        assert codes(result) == [("hl7/charset-name", "MSH-18")] or name in HL7_CHARACTER_SETS
        known = {**HL7_CHARACTER_SETS, **OTHER_CHARACTER_SETS}
        assert any(
            f"read as {term};" in str(result.issues[0])
            for term, one in known.items()
            if one == known[charset]
        )

    def test_its_bytes_are_read_and_written_as_it_says(self):
        for name, coding in (
            ("ISO-8859-1", "latin-1"),
            ("WINDOWS-1252", "cp1252"),
            ("utf8", "utf-8"),
        ):
            document = message(name, "grün", coding=coding)
            assert comment_of(HL7.decode(document)) == "grün"
            written = HL7.encode([NEW], document)
            assert codes(written) == [("hl7/charset-name", "MSH-18")]
            assert written.value.count("grün".encode(coding)) == 2

    def test_a_name_of_python_alone_is_no_character_set(self):
        for name in (
            "unicode_escape",
            "raw_unicode_escape",
            "utf-7",
            "hz",
            "rot13",
            "idna",
            "utf_16",
        ):
            result = HL7.decode(message(name, "grün"))
            assert (result.value, codes(result)) == ((), [("hl7/charset-unsupported", "MSH-18")])

    @pytest.mark.parametrize("name", ["KOI8-R", "EUC-JP", "TIS-620", "LATIN1", "x"])
    def test_ascii_is_ascii_in_any_superset(self, name):
        result = HL7.decode(message(name, "green"))
        assert (comment_of(result), codes(result)) == ("green", [("hl7/charset-any", "MSH-18")])
        written = HL7.encode([NEW], message(name))
        assert written.value.isascii()
        assert [i.code for i in written.issues] == ["hl7/charset-any", "hl7/charset"]
        assert comment_of(HL7.decode(written.value.replace(b"|AO||", b"|||"))) == "grün"
        for odd in ("grün", "\x1b$B", "\x0e!!\x0f", "gr\xfcn"):
            assert codes(HL7.decode(message(name, odd))) == [("hl7/charset-unsupported", "MSH-18")]

    @pytest.mark.parametrize(
        "name",
        [
            "UTF-7",
            "UNICODE UTF-16",
            "UTF-32",
            "HZ-GB-2312",
            "EBCDIC",
            "CNS 11643-1992",
            "IBM500",
            "CP037",
            "ISO646-DE",
            "500",
        ],
    )
    def test_what_is_no_superset_of_ascii_is_not_read(self, name):
        result = HL7.decode(message(name))
        assert (result.value, codes(result)) == ((), [("hl7/charset-unsupported", "MSH-18")])
        assert HL7.encode([NEW], message(name)).value == message(name)

    def test_a_site_names_its_own(self, tmp_path):
        (tmp_path / "site.toml").write_text('hl7-character-sets = { "mswin" = "WINDOWS-1252" }')
        mine = codec("hl7", tables=load_tables(tmp_path))
        document = message("MsWin", "– grün", coding="cp1252")
        result = mine.decode(document)
        assert (comment_of(result), codes(result)) == ("– grün", [])
        assert mine.studies(document) == ["1.2.3"]
        assert mine.encode([NEW], document).value.count("grün".encode("cp1252")) == 2
        assert explain(document, tables=load_tables(tmp_path)).values
        assert not HL7.decode(document).value

    def test_windows_1252_that_is_called_latin_1_is_reported(self):
        result = HL7.decode(message("8859/1", "a – b", coding="cp1252"))
        assert comment_of(result) == "a \x96 b"
        assert ("hl7/charset-windows", "ZDS[1]-7") in codes(result)
        for text in ("grün", "gr\xc3\xbcn", "\xa0"):
            told = codes(HL7.decode(message("8859/1", text)))
            assert "hl7/charset-windows" not in [code for code, _ in told]


class TestProcessing:
    @pytest.fixture
    def tables(self, tmp_path):
        (tmp_path / "site.toml").write_text('processing = ["P", "D"]')
        return load_tables(tmp_path)

    @pytest.mark.parametrize("name", ["hl7", "hl7-xml"])
    def test_another_one_is_neither_read_nor_written(self, tables, name):
        from sopstatus.codecs.hl7_xml import of_er7

        mine = codec(name, tables=tables)
        for value, read in (("P", 1), ("D", 1), (" P^T", 1), ("T", 0), ("", 0), ("PD", 0)):
            document = message(processing=value)
            document = of_er7(document) if name == "hl7-xml" else document
            result = mine.decode(document)
            assert len(result.value) == read, value
            assert codes(result) == [("hl7/processing-id", "MSH-11")] * (1 - read)
            written = mine.encode([NEW], document)
            assert (written.value == document) == (not read)

    def test_any_is_read_where_the_site_does_not_say(self):
        assert all(
            HL7.decode(message(processing=value)).value for value in ("P", "T", "D", "", "x")
        )

    def test_it_is_rejected_with_its_condition(self, tables):
        document = message(processing="T")
        issues = codec("hl7", tables=tables).decode(document).issues
        answer = acknowledge.acknowledge(document, issues).decode().split("\r")
        assert answer[1].startswith("MSA|AR|1|")
        assert answer[2].split("|")[2:5] == [
            "MSH^1^11",
            "202^Unsupported processing id^HL70357",
            "E",
        ]

    def test_the_listener_passes_nothing_on_and_says_so_in_either_mode(self, tables):
        document = message(processing="T")
        outcome = work(limit=1 << 20, tables=tables)(document, Link())
        assert outcome.failed
        (answer,) = answers(document, outcome.issues)
        assert b"MSA|AR|1|" in answer
        enhanced = document.replace(b"|2.5.1||||||", b"|2.5.1|||AL|AL||")
        (answer,) = answers(enhanced, work(limit=1 << 20, tables=tables)(enhanced, Link()).issues)
        assert b"MSA|CR|1|" in answer

    def test_one_of_a_batch_is_rejected_and_the_other_read(self, tables):
        document = message(processing="T") + message()
        result = codec("hl7", tables=tables).decode(document)
        assert (len(result.value), len(result.issues)) == (1, 1)
        answer = acknowledge.acknowledge(document, result.issues)
        assert [line[4:6] for line in answer.split(b"\r") if line[:3] == b"MSA"] == [b"AR", b"AA"]
        assert [u.code for u in explain(document, tables=tables).untouched] == ["hl7/processing-id"]


LOST = [
    message(end=""),
    message(end="\\r"),
    message(end="&#13;"),
    message(end=" ") + b"\n",
    b"\x0b" + message(end="") + b"\x1c\r",
    b"MSH|^~\\&|||||||ACK|1|P|2.5.1OBR|1",
    b"MSH|^~\\&|||||||ACK|1|P|2.5.1PID|1||||LOST^ANNA||OBR|1||||||||||||||||",
    "MSH|^~\\&|||||||ACK|1|P|2.5.1PID|1||||ÄÖ^ANNA||OBR|1|||||||||||||||||||||".encode("latin-1"),
    b"MSH*^~\\&*A*B****20240102**ORU^R01*1*P*2.5.1ZDS*1.2.3*1.2.3.1**1.2.3.1.1*AO",
    # curl 7.88 -d @message.hl7: of each 255 bytes, what stands before the first CR
    b"MSH|^~\\&|A|B|C|D|20240115||ORU^R01|1|P|2.5.1||||||UNICODE UTF-8DICOM Study^DCM||1.2.3|||||"
    b"|F.3.6.1|AO^Authorized Original^99SOPSTATUS|20240115103015+0100|Released",
]
KEPT = [
    b"MSH|^~\\&|RAPID|XPID|RAPID|B|20240102|RAPID|ACK|1|P|2.5.1\r",
    b"MSH|^~\\&|RIS|A|PACS|B|20240102||ACK|1|P|2.5.1\rMSA|AA|1\r",
    b"MSH|^~\\&|RIS|A|PACS|B|20240102||ACK|RAPID|1|PID",
    b"MSH|^~\\&|RIS",
    b"MSH|^~\\&|RIS|A|PACS|B|20240102||ACK|1|P|2.5.1||||||||||||||||||\r",
]


class TestLineEnds:
    @pytest.mark.parametrize("document", LOST)
    def test_a_message_in_one_line_is_named(self, document):
        result = HL7.decode(document)
        assert (result.value, codes(result)) == ((), [("hl7/lost-line-ends", "MSH")])
        assert "curl --data-binary" in str(result.issues[0])
        assert HL7.encode([NEW], document).value == document
        assert [u.code for u in explain(document).untouched] == ["hl7/lost-line-ends"]
        assert b"ANNA" not in acknowledge.acknowledge(document, result.issues)

    @pytest.mark.parametrize("document", [*KEPT, message(), message(end="\n"), message(end="\r\n")])
    def test_any_other_is_read(self, document):
        assert not HL7.decode(document).issues

    def test_a_script_that_drops_them_is_named(self):
        dropped = message().replace(b"\r", b"")
        assert codes(HL7.decode(dropped)) == [("hl7/lost-line-ends", "MSH")]
