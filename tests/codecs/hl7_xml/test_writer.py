"""What is written into Mirth's XML: which element goes, which comes, and in whose delimiters."""

from sopstatus import SOPInstance, codec

XML = codec("hl7-xml")
MSH = "<MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2></MSH>"
POINTER = "<ZDS.1><ZDS.1.1>1.2</ZDS.1.1></ZDS.1>"
NEW = "<ZDS.1><ZDS.1.1>1.2</ZDS.1.1><ZDS.1.2/><ZDS.1.3>Application</ZDS.1.3><ZDS.1.4>DICOM</ZDS.1.4></ZDS.1>"
STATUS, WHEN, COMMENT = "SOPInstanceStatus", "SOPAuthorizationDateTime", "SOPAuthorizationComment"
NUMBER = "AuthorizationEquipmentCertificationNumber"
DISPLAYS = {"AO": "Authorized Original", "AC": "Authorized Copy", "OR": "Original"}


def document(*segments, header=MSH, gap=""):
    return f"<HL7Message>{gap}{gap.join([header, *segments])}</HL7Message>"


def about(series="", **said):
    return SOPInstance("1.2", series, attributes=said)


def zds(inner, series="", pointer=POINTER):
    series = f"<ZDS.2><ZDS.2.1>{series}</ZDS.2.1></ZDS.2>" if series else ""
    return f"<ZDS>{pointer}{series}{inner}</ZDS>"


def field(number, *components):
    texts = enumerate(components, 1)
    inner = "".join(f"<ZDS.{number}.{n}>{text}</ZDS.{number}.{n}>" for n, text in texts)
    return f"<ZDS.{number}>{inner}</ZDS.{number}>" if inner else f"<ZDS.{number}/>"


def status(term):
    return field(5, term, DISPLAYS[term], "99SOPSTATUS")


def test_a_field_is_added_and_none_before_it():
    held = document(zds(""))
    written = XML.encode([about(**{COMMENT: "x"})], held).value
    assert written == document(zds(field(7, "x")))
    assert XML.encode([about(**{STATUS: "AO", COMMENT: "x"})], written).value == (
        document(zds(status("AO") + field(7, "x")))
    )


def test_a_field_is_emptied_where_it_stands():
    held = document(zds(status("AO") + field(7, "x") + field(11, "theirs")))
    gone = XML.encode([about(**{COMMENT: "x"})], held).value
    assert gone == document(zds(field(5) + field(7, "x") + field(11, "theirs")))
    assert XML.encode([about()], held).value == document(
        zds(field(5) + field(7) + field(11, "theirs"))
    )
    held = document(zds(status("AO") + field(7, "x")))
    assert XML.encode([about()], held).value == document(zds(field(5) + field(7)))


def test_repetitions_become_one_or_more():
    kept = f'{STATUS}="AO "'
    three = field(9, "Odd=1") + "<!-- theirs -->" + field(9, kept) + field(9, "Odd=2")
    held = document(zds(status("AO") + three))
    (x,) = XML.decode(held).value
    assert x.attributes == ((STATUS, "AO "),)
    two = field(9, "Odd=1") + field(9, "Odd=2") + "<!-- theirs -->"
    assert XML.encode([about(**{STATUS: "AO"})], held).value == document(zds(status("AO") + two))
    back = XML.encode([x], document(zds(status("AO") + two))).value
    assert XML.decode(back).value == (x,) and back.endswith("<!-- theirs --></ZDS></HL7Message>")


def test_fields_out_of_order_take_a_new_one_behind_those_that_it_follows():
    held = document(f"<ZDS>{field(11, 'theirs')}{POINTER}{field(3)}</ZDS>")
    written = XML.encode([about(**{COMMENT: "x"})], held).value
    assert written == document(
        f"<ZDS>{field(11, 'theirs')}{POINTER}{field(3)}{field(7, 'x')}</ZDS>"
    )
    held = document(f"<ZDS>{field(6, '2024')}{POINTER}</ZDS>")
    written = XML.encode([about(**{WHEN: "2024", NUMBER: "x"})], held).value
    assert written == document(f"<ZDS>{field(6, '2024')}{POINTER}{field(8, 'x')}</ZDS>")


def test_new_segments_and_changed_and_removed_ones_in_one_document():
    gap = "\n  "
    held = document(
        "<PID/>",
        zds(status("OR"), "1.2.3"),
        zds(status("AO"), "1.2.4"),
        zds(status("OR"), "1.2.5"),
        gap=gap,
    )
    given = [about("1.2.3", **{STATUS: "AO"}), about("1.2.4"), about("1.2.5", **{STATUS: "AC"})]
    given += [about("1.2.6", **{STATUS: "AO"}), about("1.2.7", **{STATUS: "AC"})]
    assert XML.encode(given, held).value == document(
        "<PID/>",
        zds(status("AO"), "1.2.3"),
        zds(status("AC"), "1.2.5"),
        zds(field(3) + field(4) + status("AO"), "1.2.6", NEW),
        zds(field(3) + field(4) + status("AC"), "1.2.7", NEW),
        gap=gap,
    )


def test_each_message_has_its_own_delimiters():
    other = "<MSH><MSH.1>#</MSH.1><MSH.2>*!%@</MSH.2></MSH>"
    held = document(zds(field(7, "x")), other, zds(field(7, "y"), "1.2.3"))
    said = "a|b^c~d#e*f!g"
    given = [about(**{COMMENT: said}), about("1.2.3", **{COMMENT: said})]
    assert XML.encode(given, held).value == document(
        zds(field(7, "a\\F\\b\\S\\c\\R\\d#e*f!g")),
        other,
        zds(field(7, "a|b^c~d%F%e%S%f%R%g"), "1.2.3"),
    )
    held = document("<PID/>", other, zds("", "1.2.3"))
    written = XML.encode([about("1.2.4", **{COMMENT: said})], held).value
    inner = field(3) + field(4) + field(5) + field(6) + field(7, "a|b^c~d%F%e%S%f%R%g")
    assert written == document("<PID/>", other, zds("", "1.2.3"), zds(inner, "1.2.4", NEW))


def test_each_study_s_new_statement_stands_in_its_own_message():
    held = document(zds(""), MSH, zds("").replace("1.2<", "1.3<"))
    given = [
        about("1.2.3", **{STATUS: "AO"}),
        SOPInstance("1.3", "1.3.1", attributes={COMMENT: "x"}),
    ]
    written = XML.encode(given, held).value
    first, second = written.split("</MSH>")[1:]
    assert first.startswith(zds("") + "<ZDS>") and "1.2.3" in first
    assert second.startswith(zds("").replace("1.2<", "1.3<") + "<ZDS>") and "1.3.1" in second
    assert XML.decode(written).value == tuple(given)
