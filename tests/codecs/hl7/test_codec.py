"""The codec of HL7 v2 itself: what goes in and comes out, and the message that it makes."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hl7
import pytest
from extra_table import qualification, table
from hl7apy.parser import parse_message
from sopstatus import DocumentError, Limits, SOPInstance, codec, load_tables
from sopstatus.codecs.hl7 import message

HL7 = codec("hl7")
STATUS, COMMENT, EXTRA = "SOPInstanceStatus", "SOPAuthorizationComment", "ContentQualification"
ZDS = "ZDS|1.2^^Application^DICOM|1.2.3||1.2.3.4|AO||ü"
TEXT = "\r".join([r"MSH|^~\&|A|B|||20240101||ORU^R01|1|P|2.5.1||||||8859/1", "OBR|1", ZDS, ""])
X = SOPInstance("1.2", "1.2.3", "", "1.2.3.4", "", {STATUS: "AO", COMMENT: "ü"})
BARE = TEXT.replace(ZDS + "\r", "")
TABLE = table(qualification('PRODUCT = { display = "Geprüft €" }'))


def about(number=4, **said):
    return SOPInstance("1.2", "1.2.3", "", f"1.2.3.{number}", "", {STATUS: "AO"} | said)


def lines(data):
    return data.decode().split("\r")


class TestText:
    """Of a text the characters are known, whatever its MSH-18 says."""

    OTHER_STUDY = TEXT.replace("1.2^^", "1.2ü^^")

    def test_it_is_read_as_it_stands(self):
        assert HL7.decode(TEXT).value == (X,)
        assert HL7.decode(TEXT.encode("latin-1")).value == (X,)

    def test_it_is_written_as_a_text(self):
        new = about(**{COMMENT: "ß€"})
        for document in (TEXT, BARE):
            out = HL7.encode([new], document)
            assert (type(out.value), out.issues) == (str, ())
            assert "ß€" in out.value and HL7.decode(out.value).value == (new,)
        told = HL7.encode([new], TEXT.encode("latin-1")).issues
        assert [i.code for i in told] == ["hl7/charset"]

    def test_it_lists_what_it_knows(self):
        unknown = TEXT.replace("8859/1", "UTF-16")
        assert HL7.instances(unknown) == (replace(X, attributes=()),)
        assert HL7.studies(unknown) == ["1.2"]
        assert HL7.instances(unknown.encode()) == ()
        assert HL7.studies(unknown.encode()) == []

    def test_half_a_surrogate_pair_is_carried(self):
        document = BARE.replace("|A|", "|\ud800|")
        out = HL7.encode([about()], document)
        assert out.value.startswith(document) and HL7.decode(out.value).value == (about(),)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_become_bytes(kind):
    given = TEXT.encode("latin-1")
    out = HL7.encode([X], kind(given)).value
    assert (type(out), out, HL7.decode(kind(given)).value) == (bytes, given, (X,))


@pytest.mark.parametrize(
    "parse", [hl7.parse, lambda text: parse_message(text, validation_level=2, find_groups=False)]
)
def test_a_message_object_becomes_another_of_its_type(parse):
    document = parse(TEXT)
    new = about(**{COMMENT: "ß€"})
    out = HL7.encode([new], document).value
    assert (type(out), HL7.decode(out).value) == (type(document), (new,))
    assert HL7.decode(document).value == (X,)


@pytest.mark.parametrize(
    ("document", "code", "named"),
    [
        (1.5, "document/unknown-type", "float"),
        (b"", "document/empty", ""),
        ("\r\n", "document/empty", ""),
        (b"PID|1\r", "hl7/no-msh", ""),
        (BARE.encode() + b"\r" * 99, "document/too-large", "150"),
    ],
)
def test_what_is_no_message_is_refused_as_a_whole(document, code, named):
    with pytest.raises(DocumentError) as caught:
        codec("hl7", limits=Limits(document=150)).decode(document)
    (issue,) = caught.value.issues
    assert (issue.code, issue.location) == (code, "")
    assert named in issue.diagnostics


def test_every_new_statement_is_written():
    given = [about(4), about(5)]
    assert HL7.decode(HL7.encode(given, BARE.encode()).value).value == tuple(given)


def test_a_keyword_that_no_table_has_is_told_beside_a_known_one():
    out = HL7.encode([about(Nonsense="1")], BARE.encode())
    assert [i.code for i in out.issues] == ["table/unmapped"]
    assert HL7.decode(out.value).value == (about(),)


def test_the_limits_are_those_of_the_codec():
    two = TEXT.encode() + ZDS.replace("3.4", "3.5").encode() + b"\r"
    crowded = TEXT.replace("|AO||ü", "|AO||||A=1~B=2").encode()
    one = codec("hl7", limits=Limits(statements=1, issues=1, repetitions=1))
    for call in (one.decode, one.instances, lambda document: one.encode([X], document)):
        with pytest.raises(DocumentError) as caught:
            call(two)
        assert [i.code for i in caught.value.issues] == ["document/too-many-statements"]
    assert [i.code for i in one.decode(crowded).issues] == ["hl7/too-many-repetitions"]
    assert one.instances(crowded) == ()
    foreign = BARE.encode() + b"ZDS|x\rZDS|y\rZDS|z\r"
    unmapped = [about(A="1", B="1", C="1")]
    for told in (one.decode(foreign).issues, one.encode(unmapped, BARE.encode()).issues):
        assert (len(told), told[-1].code) == (2, "document/more-issues")


class TestTwoSegments:
    """Attributes that stand in another Z segment than ZDS."""

    NEW = about(**{EXTRA: "PRODUCT"})
    ZDX = "ZDX|1.2^^Application^DICOM|1.2.3||1.2.3.4|PRODUCT^{}^99QC"

    @pytest.fixture(autouse=True)
    def tables(self, tmp_path):
        (tmp_path / "extra.toml").write_text(TABLE, "utf-8")
        self.under = codec("hl7", tables=load_tables(tmp_path))

    def test_they_are_one_statement(self):
        document = BARE + ZDS.removesuffix("||ü") + "\r" + self.ZDX.format("") + "\r"
        assert self.under.decode(document).value == (self.NEW,)
        assert self.under.instances(document) == (replace(about(), attributes=()),)
        assert self.under.instances(BARE + self.ZDX.format("")) == (
            replace(about(), attributes=()),
        )

    def test_each_is_written_into_its_own(self):
        zds = "ZDS|1.2^^Application^DICOM|1.2.3||1.2.3.4|AO^Authorized Original^99SOPSTATUS"
        for document, display in ((BARE, "Geprüft €"), (BARE.encode(), "")):
            out = self.under.encode([self.NEW], document)
            text = out.value if isinstance(document, str) else out.value.decode()
            new = [zds, self.ZDX.format(display), ""]
            assert text.split("\r") == [*BARE.split("\r")[:-1], *new]
            assert out.issues == ()
            assert self.under.encode([self.NEW], out.value).value == out.value

    def test_what_is_told_of_the_document_is_told_once(self):
        document = BARE.encode() + BARE.replace("8859/1", "UTF-16").encode()
        out = self.under.encode([self.NEW], document)
        assert [i.code for i in out.issues] == ["hl7/charset-unsupported"]
        assert self.under.decode(out.value).value == (self.NEW,)


class TestNewMessage:
    HEAD = r"MSH|^~\&|SOPSTATUS||||{}||ORU^R01^ORU_R01|{}|P|2.5.1||||||UNICODE UTF-8"
    REST = (
        'PID|||""^^^^PI||^^^^^^U',
        "OBR|1|||18748-4^Diagnostic imaging study^LN||||||||||||||||||||RAD|F",
    )

    def test_it_names_its_study_and_nobody(self):
        made = message([SOPInstance("", "", "", "9.9"), about()], time="2024", control_id="7")
        study = "OBX|1|ST|113014^DICOM Study^DCM|1|1.2||||||O"
        assert lines(made) == [self.HEAD.format("2024", "7"), *self.REST, study, ""]

    @pytest.mark.parametrize("given", [(), [SOPInstance("1.x")], [SOPInstance("")]])
    def test_a_study_without_a_uid_is_not_named(self, given):
        made = message(given, time="2024", control_id="7")
        assert lines(made) == [self.HEAD.format("2024", "7"), *self.REST, ""]

    def test_its_control_id_is_made_of_the_uids_the_statements_and_the_time(self):
        def control_id(given, time="2024"):
            return lines(message(given, time=time))[0].split("|")[9]

        given = [about(4), about(5)]
        assert re.fullmatch("[0-9A-F]{20}", control_id(given))
        assert control_id(given) == control_id(iter(given))
        others = [control_id(given[:1]), control_id(given, "2025")]
        others.append(control_id([about(4), replace(about(5), attributes=())]))
        assert len({control_id(given), *others}) == 4
        assert message([SOPInstance("\ud800")], time="2024")

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be changed here")
    def test_its_time_is_now_wherever_it_is_made(self, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "Asia/Tokyo")
            time.tzset()
            (made,) = re.findall(rb"\|(\d{14}\+0000)\|", message())
        time.tzset()
        made = datetime.strptime(made.decode(), "%Y%m%d%H%M%S%z")
        assert abs(datetime.now(UTC) - made) < timedelta(minutes=5)

    def test_it_is_made_where_there_is_none(self):
        given = [about(4), about(5)]
        out = HL7.encode(given)
        assert HL7.decode(out.value).value == tuple(given)
        assert lines(out.value)[0].split("|")[9] == lines(message(given))[0].split("|")[9]
        known = iter(given)
        assert lines(HL7.blank(known))[1:] == lines(message(given))[1:]
        assert HL7.studies(HL7.blank(given)) == ["1.2"]


class TestGroups:
    """hl7apy drops each Z segment when it finds groups, which is what it does if nobody says no."""

    DOCUMENT = TEXT.replace("OBR|1", "PID|1\rOBR|1||||||||||||||||||||||||F")

    def test_a_message_that_has_lost_them_is_named(self):
        grouped = parse_message(self.DOCUMENT.replace("R01|", "R01^ORU_R01|"))
        result = HL7.decode(grouped)
        assert (result.value, [i.code for i in result.issues]) == ((), ["hl7/groups"])
        assert "find_groups=False" in str(result.issues[0])
        assert "hl7/groups" in [i.code for i in HL7.encode([X], grouped).issues]

    def test_one_that_has_them_or_no_groups_is_not(self):
        for find in (False, True):
            parsed = parse_message(self.DOCUMENT, find_groups=find)  # without MSH-9.3: no structure
            if not any(child.classname == "Group" for child in parsed.children):
                assert "hl7/groups" not in [i.code for i in HL7.decode(parsed).issues]
        assert not HL7.decode(parse_message(BARE, find_groups=False)).issues
        assert not HL7.decode(hl7.parse(BARE)).issues
