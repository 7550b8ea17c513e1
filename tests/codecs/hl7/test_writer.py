"""What is written into a message: which segment is rewritten, where a new one goes, what is told."""

import pytest
from sopstatus import DocumentError, SOPInstance, codec, load_tables
from sopstatus.limits import Limits
from sopstatus.values import context_offset, with_offset

HL7 = codec("hl7")
STATUS, COMMENT = "SOPInstanceStatus", "SOPAuthorizationComment"
WHEN = "SOPAuthorizationDateTime"
POINTER = "1.2^^Application^DICOM"


def message(*lines, kind="ORU^R01", term=""):
    head = rf"MSH|^~\&|A|B|||20240101||{kind}|1|P|2.5.1||||||{term}"
    return "\r".join([head, "PID|1", *lines, ""]).encode()


def about(number=4, status="AO", *, study="1.2", sop_class="", holder="", **said):
    said |= {STATUS: status} if status else {}
    return SOPInstance(study, f"{study}.3", sop_class, f"{study}.3.{number}", holder, said)


def zds(number=4, status="AO^Authorized Original^99SOPSTATUS", sop_class=""):
    return f"ZDS|{POINTER}|1.2.3|{sop_class}|1.2.3.{number}" + (f"|{status}" if status else "")


def write(given, document, **options):
    result = HL7.encode(given, document, **options)
    lines = result.value.decode().split("\r")[2:-1]
    return lines, [(i.code, i.location) for i in result.issues], result


def test_only_what_differs_is_rewritten():
    old = [zds(4, "AUTHORIZED"), "ZZZ|", zds(5), zds(6, "AO|||C|||theirs")]
    document = message("OBR|1", *old)
    assert write([about(4), about(5)], document)[:2] == (["OBR|1", *old], [])
    new = [zds(4, "AUTHORIZED"), "ZZZ|", zds(5, "AC^Authorized Copy^99SOPSTATUS")]
    new += [zds(6, "OR^Original^99SOPSTATUS||x||||theirs")]
    given = [about(5, "AC"), about(6, "OR", **{COMMENT: "x"})]
    assert write(given, document)[:2] == (["OBR|1", *new], [])


def test_a_text_that_goes_makes_room_for_another():
    """Without a repetition character ZDS-9 holds one text."""
    line = f'ZDS|{POINTER}|1.2.3||1.2.3.4|AO^Authorized Original^99SOPSTATUS|x|||SOPAuthorizationDateTime="x"'
    document = message("OBR|1", line).replace(b"^~\\&", b"^")
    kept, told, _ = write([about(**{COMMENT: "a|b"})], document)
    assert kept[1].endswith(r'STATUS||||SOPAuthorizationComment="a\u007cb"')
    assert told == [("hl7/no-escape-character", "ZDS[1]-7")]


def test_removing():
    document = message(
        "OBR|1", zds(4, "AO|||C"), zds(5, "AO|||C|||theirs|"), f"ZDS|{POINTER}||||AO||"
    )
    gone = [about(4, ""), about(5, ""), SOPInstance("1.2")]
    left = ["OBR|1", zds(5, "||||||theirs"), f"ZDS|{POINTER}"]
    assert write(gone, document)[:2] == (left, [])


def test_a_sop_class_is_filled_in_once():
    document = message("OBR|1", zds())
    (_, line), told, result = write([about(sop_class="1.9")], document)
    assert (line, told) == (zds(sop_class="1.9"), [])
    assert HL7.encode([about(sop_class="1.9")], result.value).value == result.value
    assert HL7.encode([about()], result.value).value == result.value
    for pair in ((zds(), zds(sop_class="1.9")), (zds(sop_class="1.9"), zds())):
        twice = message("OBR|1", *pair)
        assert HL7.encode(HL7.decode(twice).value, twice).value == twice


def test_a_bare_segment_of_the_study_is_filled_once():
    bare = f"ZDS|{POINTER}"
    document = message("OBR|1", bare, bare, f"ZDS|{POINTER}|||||||||PACS")
    wide = SOPInstance("1.2", attributes={STATUS: "AO"})
    other = SOPInstance("1.2", holder="B", attributes={STATUS: "OR"})
    lines, told, _ = write([wide, other], document)
    status = "||||AO^Authorized Original^99SOPSTATUS"
    # each segment is written once: what is filled already does not take the other holder's too
    theirs = f"ZDS|{POINTER}||||OR^Original^99SOPSTATUS||||"
    assert lines == ["OBR|1", bare + status, theirs + "|B", f"ZDS|{POINTER}|||||||||PACS"]
    assert told == []
    one = message("OBR|1", bare)
    lines, told, result = write([wide, other], one)
    assert (lines, told) == (["OBR|1", bare + status, theirs + "|B"], [])
    assert HL7.encode([wide, other], result.value).value == result.value
    narrow, _, _ = write([about()], document)
    assert narrow == ["OBR|1", bare, bare, f"ZDS|{POINTER}|||||||||PACS", zds()]
    series = SOPInstance("1.2", "1.2.3", attributes={STATUS: "AO"})
    assert write([series], one)[0] == ["OBR|1", bare, f"ZDS|{POINTER}|1.2.3" + status[1:]]


def test_two_holders_in_an_order_that_has_a_bare_segment():
    bare = f"ZDS|{POINTER}"
    order = message("ORC|1", "OBR|1", bare, kind="ORM^O01")
    wide = SOPInstance("1.2", attributes={STATUS: "AO"})
    other = SOPInstance("1.2", holder="B", attributes={STATUS: "OR"})
    status = "||||AO^Authorized Original^99SOPSTATUS"
    lines, told, _ = write([wide, other], order)
    assert (lines, told) == (["ORC|1", "OBR|1", bare + status], [("hl7/one-per-order", "ZDS")])


def test_one_instance_in_two_series_does_not_take_one_segment_twice():
    unknown = f"ZDS|{POINTER}|||1.2.3.4|OR"
    document = message("OBR|1", unknown)
    other = SOPInstance("1.2", "1.2.8", "", "1.2.3.4", "", {STATUS: "AC"})
    lines, _, _ = write([about(4), other], document)
    copy = "ZDS|1.2^^Application^DICOM|{}||1.2.3.4|AC^Authorized Copy^99SOPSTATUS"
    assert lines[1:] == [zds(), copy.format("1.2.8")]
    third = SOPInstance("1.2", "1.2.9", "", "1.2.3.4", "", {STATUS: "AC"})
    lines, _, _ = write([about(4), other, third], document)
    assert lines[1:] == [zds(), copy.format("1.2.8"), copy.format("1.2.9")]


def test_what_is_told_of_a_new_segment_has_its_number():
    text = {COMMENT: "é"}
    document = message("OBR|1", zds(4), zds(5))
    _, told, _ = write([about(n, **text) for n in (6, 7, 8)], document)
    assert told == [("hl7/charset", f"ZDS[{n}]-7") for n in (3, 4, 5)]
    _, told, _ = write([about(5, **text)], document)
    assert told == [("hl7/charset", "ZDS[2]-7")]


def test_several_messages_and_their_studies():
    study = "OBX|1|ST|113014^^DCM||{}"
    two = message("OBR|1", study.format("1.7")) + message(
        "OBR|1", study.format("1.2"), zds(5, "^x")
    )
    found = HL7.decode(two)
    assert [(i.code, i.location) for i in found.issues] == [
        ("hl7/text-without-code", "message[2] ZDS[1]-5")
    ]
    lines, told, _ = write([about(4), about(4, study="1.7")], two)
    assert told == []
    assert lines[2].startswith("ZDS|1.7^") and lines[3].startswith("MSH")
    assert lines[-1] == zds(4)
    _, told, _ = write([about(study="1.9"), about(study="x")], two)
    assert told == [("hl7/no-counterpart", "ZDS"), ("hl7/no-study-uid", "ZDS")]
    assert HL7.encode([about(study="1.9")], two).value == two


def test_an_identity_that_does_not_fit_is_refused():
    document = message("OBR|1", zds(5))
    _, told, result = write([about(holder="é", **{COMMENT: "x"})], document)
    assert (result.value, told) == (document, [("hl7/identity-lost", "ZDS[2]-10")])


def test_orders_are_told_with_their_counts():
    order = message("ORC|NW", "OBR|1", kind="ORM^O01")
    xs = [about(4), about(5), about(6)]
    lines, told, result = write(xs, order, known=xs)
    assert told == [("hl7/rolled-up", "ZDS")]
    assert " 3 " in f" {result.issues[0].diagnostics} "
    assert lines[-1] == f"ZDS|{POINTER}||||AO^Authorized Original^99SOPSTATUS"
    lines, told, result = write([about(4), about(5, "OR")], order, known=xs)
    assert (lines, told) == (["ORC|NW", "OBR|1"], [("hl7/not-for-the-study", "ZDS")])
    assert " 2 " in f" {result.issues[0].diagnostics} "
    wide = SOPInstance("1.2", attributes={STATUS: "AO"})
    assert write([wide], order)[1] == []
    series = SOPInstance("1.2", "1.2.3", attributes={STATUS: "AO"})
    assert write([series], order, known=xs)[1] == [("hl7/not-for-the-study", "ZDS")]


@pytest.mark.parametrize(
    "there", ["ZDS|1.9^^Application^DICOM", "IPC|A|B|1.9", "OBX|1|ST|113014^^DCM||1.9", zds()]
)
def test_an_order_takes_one_segment(there):
    order = message("ORC|NW", "OBR|1", there, kind="OMG^O19")
    wide = SOPInstance("1.2", attributes={STATUS: "AO"})
    lines, told, result = write([wide], order)
    assert (lines, told) == (["ORC|NW", "OBR|1", there], [("hl7/one-per-order", "ZDS")])
    assert "OMG" in result.issues[0].diagnostics


def test_each_of_two_orders_takes_its_own():
    orders = ["ORC|1", "OBR|1", f"ZDS|{POINTER}", "ORC|2", "OBR|2", "ZDS|1.7^^Application^DICOM"]
    document = message(*orders, kind="ORM^O01")
    given = [SOPInstance(study, attributes={STATUS: "AO"}) for study in ("1.7", "1.2")]
    lines, told, _ = write(given, document)
    status = "||||AO^Authorized Original^99SOPSTATUS"
    assert told == []
    assert lines == [line + status * line.startswith("ZDS") for line in orders]


def test_statements_and_repetitions_up_to_the_limit():
    document = message("OBR|1", zds(4), zds(5), zds(6, "AO||||A~B~C"))
    with pytest.raises(DocumentError) as error:
        codec("hl7", limits=Limits(statements=2)).decode(document)
    (issue,) = error.value.issues
    assert (issue.code, issue.location) == ("document/too-many-statements", "ZDS[3]")
    assert "more than 2 " in issue.diagnostics
    assert len(codec("hl7", limits=Limits(statements=3)).decode(document).value) == 3
    with pytest.raises(DocumentError) as error:
        codec("hl7", limits=Limits(statements=2)).encode([about(9)], document)
    assert error.value.issues == (issue,)
    assert codec("hl7", limits=Limits(statements=3)).encode([about(9)], document).value
    found = codec("hl7", limits=Limits(repetitions=2)).decode(document)
    assert [(i.code, i.location) for i in found.issues] == [
        ("hl7/too-many-repetitions", "ZDS[3]-9")
    ]
    assert "more than 2 " in found.issues[0].diagnostics
    assert len(found.value) == 2


def test_what_is_not_ours_to_read_says_where():
    document = message("OBR|1", "ZDS|PERFORM", "ZDS", b"ZDS|\xff".decode("latin-1"), term="")
    document = document.replace("ÿ".encode(), b"\xff")
    found = HL7.decode(document)
    assert [(i.code, i.location) for i in found.issues] == [
        ("hl7/foreign-zds", "ZDS[1]"),
        ("hl7/foreign-zds", "ZDS[2]"),
        ("hl7/undecodable", "ZDS[3]-1"),
    ]
    assert "ZDS" in found.issues[0].diagnostics
    assert "(none)" in found.issues[2].diagnostics
    both = HL7.decode(document + document)
    assert [i.location for i in both.issues][3:] == [
        f"message[2] {i.location}" for i in found.issues
    ]


def test_a_new_segment_is_told_of_in_its_message():
    """Numbered as it stands there, not as it was written."""
    first, second = (
        message("OBR|1", f"ZDS|{study}^^Application^DICOM|{study}.9", term="ASCII").replace(
            b"PID|1", b"PID|1\rOBX|1|ST|113014^^DCM||" + study.encode()
        )
        for study in ("1.2", "1.7")
    )
    given = [about(4), about(5), about(4, study="1.7", **{COMMENT: "患者"})]
    issues = HL7.encode(given, first + second).issues
    assert [(i.code, i.location) for i in issues] == [("hl7/charset", "message[2] ZDS[2]-7")]


def test_an_order_of_a_batch_is_told_of_in_its_message():
    order = message("ORC|1", "OBR|1", "ZDS|1.7^^Application^DICOM", kind="ORM^O01")
    other = order.replace(b"1.7^", b"1.2^").replace(b"ORC", b"ORC|1\rIPC|A|B|1.9\rORC")
    given = [SOPInstance(study, "1.2.3", attributes={STATUS: "AO"}) for study in ("1.7", "1.2")]
    told = [(i.code, i.location) for i in HL7.encode(given, order + other).issues]
    assert told == [
        ("hl7/not-for-the-study", "message[1] ZDS"),
        ("hl7/not-for-the-study", "message[2] ZDS"),
    ]


@pytest.mark.parametrize(
    "theirs",
    [
        f"ZDS|{POINTER}|||||||||PACS",
        f"ZDS|{POINTER}|||1.2.3.4",
        f"ZDS|{POINTER}|1.2.3",
    ],
)
def test_a_segment_that_says_more_than_its_study_is_not_filled(theirs):
    """A holder, a series or an instance: it is about something else."""
    document = message("OBR|1", theirs)
    result = HL7.encode([SOPInstance("1.2", attributes={STATUS: "AO"})], document)
    made = f"ZDS|{POINTER}||||AO^Authorized Original^99SOPSTATUS\r".encode()
    assert (result.value, result.issues) == (document + made, ())


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_a_segment_goes_with_its_terminator(end):
    document = message("OBR|1", zds(4), zds(5)).replace(b"\r", end)
    left = message("OBR|1", zds(5)).replace(b"\r", end)
    assert HL7.encode([about(4, "")], document).value == left


def test_a_new_segment_stands_behind_the_last_of_its_name():
    document = message("EVN|", "TXA|1", "OBX|1", "ZXX|", zds(5), "ZYY|", kind="MDM^T02")
    lines, told, _ = write([about(4)], document)
    assert (lines[-4:], told) == (["ZXX|", zds(5), zds(4), "ZYY|"], [])


def test_a_site_s_end_of_message_may_be_its_header(tmp_path):
    (tmp_path / "site.toml").write_text('hl7-position = "message"')
    under = codec("hl7", tables=load_tables(tmp_path))
    header = b"MSH|^~\\&|A\r"
    given = [about(4), about(5)]
    made = under.encode(given, header).value
    assert made == header + f"{zds(4)}\r{zds(5)}\r".encode()
    both = header + b"OBR|1\r" + header.replace(b"A", b"B") + f"{zds(6)}\r".encode()
    assert under.encode(given, both).value == both + f"{zds(4)}\r{zds(5)}\r".encode()


def test_an_offset_goes_with_the_time_that_was_local_to_it():
    elsewhere = with_offset("20240102030405", "+0100")
    document = message("OBR|1").replace(b"20240101|", b"20240101+0200|")
    line = zds(4, "AO^Authorized Original^99SOPSTATUS|20240102030405|||{}")
    (_, made), _, result = write([about(4, **{WHEN: elsewhere})], document)
    assert made == line.format('TimezoneOffsetFromUTC="+0100"')
    for when, left in (("20240102", "20240102|||"), (None, '""|||')):
        (_, made), _, _ = write([about(4, **{WHEN: when})], result.value)
        assert made == zds(4, f"AO^Authorized Original^99SOPSTATUS|{left}")
    (_, made), _, _ = write([about(4)], result.value)
    assert made == zds(4, "AO^Authorized Original^99SOPSTATUS||||")


def test_where_no_order_names_the_study():
    """An order message takes it in its last order, any other at its end."""
    orders = [f"{name}|{n}" for n in (1, 2, 3) for name in ("ORC", "OBR")]
    lines, told, _ = write([about(4)], message(*orders, "OBX|1", "ZXX|", kind="OMI^O23"))
    assert (lines, told) == ([*orders, "OBX|1", "ZXX|", zds(4)], [])
    wide = SOPInstance("1.2", attributes={STATUS: "AO"})
    lines, told, _ = write([wide], message(*orders, "OBX|1", kind="ORM^O01"))
    made = f"ZDS|{POINTER}||||AO^Authorized Original^99SOPSTATUS"
    assert (lines, told) == ([*orders, made, "OBX|1"], [])


def test_the_same_text_local_to_another_place_is_another_time():
    document = message("OBR|1", zds(4, "AO|20240102030405")).replace(
        b"20240101|", b"20240101+0200|"
    )
    local = [about(4, **{WHEN: with_offset("20240102030405", o)}) for o in ("+0200", "-0500")]
    unknown = about(4, **{WHEN: "20240102030405"})
    for same in (local[0], unknown):
        assert HL7.encode([same], document).value == document
    moved = HL7.encode([local[1]], document)
    line = zds(4, 'AO|20240102030405|||TimezoneOffsetFromUTC="-0500"')
    assert moved.value.decode().split("\r")[3] == line
    for same in (local[1], unknown):
        assert HL7.encode([same], moved.value).value == moved.value
    (back,) = HL7.decode(HL7.encode([local[0]], moved.value).value).value
    assert context_offset(back[WHEN]) == "+0200"
