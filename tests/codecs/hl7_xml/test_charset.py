"""MSH-18 holds for the engine's XML as it does for ER7: what it cannot hold goes into ZDS-9."""

import pytest
from artifacts.mirth.character_sets import KANJI, LATIN, SETS, about, message
from sopstatus import codec
from sopstatus.codecs.hl7_xml import of_er7

ER7, XML = codec("hl7"), codec("hl7-xml")


@pytest.mark.parametrize(("charset", "text", "fits"), SETS)
def test_what_the_character_set_cannot_hold_stands_in_zds_9(charset, text, fits):
    xml = XML.encode([about(text)], of_er7(message(charset).encode(), "utf-8"))
    assert XML.decode(xml.value).value == (about(text),)
    (line,) = [x for x in XML.er7(xml.value).decode().split("\r") if x.startswith("ZDS")]
    assert line.split("|")[7] == (text if fits else "")
    assert [i.code for i in xml.issues] == ([] if fits else ["hl7/charset"])
    if charset != "NONE OF THEM":  # bytes in an unknown set are refused; text has been decoded
        er7 = ER7.encode([about(text)], message(charset).encode("ascii"))
        assert [
            i.code for i in er7.issues if i.severity != "warning" or i.code == "hl7/charset"
        ] == [i.code for i in xml.issues]


def test_a_holder_that_it_cannot_hold_is_refused():
    document = of_er7(message("8859/1").encode(), "utf-8")
    xml = XML.encode([about("x", KANJI)], document)
    assert (xml.value, [i.code for i in xml.issues]) == (document, ["hl7/identity-lost"])


def test_a_data_set_is_carried_by_the_same_rule():
    image = codec("dicom-xml").blank([about(LATIN)])
    image = codec("dicom-xml").encode([about(KANJI)], image).value
    said = codec("dicom-xml").decode(image).value
    xml = XML.encode(said, of_er7(message("8859/1").encode(), "utf-8"))
    assert [i.code for i in xml.issues] == ["hl7/charset"]
    assert KANJI.encode() not in xml.value
