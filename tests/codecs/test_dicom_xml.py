"""A data set as Mirth's XML says what the data set says, and nothing else in it is touched."""

import re

import pydicom
import pytest
from mirth.data_sets import dicom_xml
from samples_of import CASES, FOLDER
from sopstatus import DocumentError, Link, SOPInstance, codec, transformer

XML, DICOM = codec("dicom-xml"), codec("dicom")
CLASS = "1.2.840.10008.5.1.4.1.1.7"
IDENTITY = (
    f'<tag00080005 vr="CS">ISO_IR 192</tag00080005><tag00080016 vr="UI">{CLASS}</tag00080016>'
    '<tag00080018 vr="UI">1.2.3.1.1</tag00080018>'
    '<tag0020000D vr="UI">1.2.3</tag0020000D><tag0020000E vr="UI">1.2.3.1</tag0020000E>'
)


def data_set(inner=""):
    return f"<dicom>{IDENTITY}{inner}</dicom>"


def stating(**attributes):
    return SOPInstance("1.2.3", "1.2.3.1", CLASS, "1.2.3.1.1", attributes=attributes)


def codes(found):
    return [issue.code for issue in found.issues]


@pytest.mark.parametrize("case", CASES)
def test_the_samples(case):
    dataset = pydicom.dcmread(FOLDER / case / "image.dcm")
    document = dicom_xml(dataset)
    assert XML.decode(document, holder="PACS1").value == (
        DICOM.decode(dataset, holder="PACS1").value
    )
    assert XML.instances(document) == DICOM.instances(dataset)
    bare = re.sub(
        "<tag010004(10|20|24|26)[^>]*?(?:/>|>.*?</tag010004\\1>)", "", document, flags=re.S
    )
    said = DICOM.decode(dataset).value
    dataset.SpecificCharacterSet = "ISO_IR 192"
    bare = re.sub("(<tag00080005[^>]*>)[^<]*", "\\1ISO_IR 192", bare)
    written = XML.encode(said, bare).value
    assert XML.decode(written).value == said
    assert [node for node in re.findall(r"<tag([0-9A-F]{8})", written) if node[:4] == "0100"] == (
        sorted(re.findall(r"<tag(0100[0-9A-F]{4})", document))
    )


def test_only_what_changes_is_written():
    nested = '<item><tag01000410 vr="CS">AO</tag01000410></item>'
    theirs = f'\n <tag00409096 vr="SQ">{nested}</tag00409096><!-- x -->\n <tag7FE00010/>'
    old = data_set(theirs)
    written = XML.encode([stating(SOPInstanceStatus="AO")], old).value
    added = '\n <tag01000410 len="2" tag="01000410" vr="CS">AO</tag01000410>'
    assert written == old.replace("</tag00409096>", f"</tag00409096>{added}")
    assert XML.encode([stating(SOPInstanceStatus="AO")], written).value == written
    assert XML.encode([stating()], written).value == old


def test_a_comment_in_a_character_set_that_cannot_hold_it():
    latin = data_set().replace("ISO_IR 192", "ISO_IR 100")
    refused = XML.encode([stating(SOPAuthorizationComment="患者")], latin)
    assert (refused.value, codes(refused)) == (latin, ["dicom/charset"])
    written = XML.encode([stating(SOPAuthorizationComment="für\r\n")], latin).value
    assert '<tag01000424 len="6" tag="01000424" vr="LT">für&#13;\n</tag01000424>' in written


def test_an_emptied_value_and_what_is_no_text():
    empty = data_set('<tag01000410 vr="CS"/>')
    assert XML.decode(empty).value == (stating(SOPInstanceStatus=None),)
    odd = data_set('<tag01000410 vr="UN">65\\79</tag01000410>')
    assert (XML.decode(odd).value, codes(XML.decode(odd))) == ((), ["dicom-xml/not-text"])
    assert XML.encode([stating()], odd).value == odd


def test_the_links_policy_holds_here_too():
    message = codec("hl7").encode([stating(SOPInstanceStatus="AO")]).value
    into = transformer("hl7", "dicom-xml")
    result = into(message, data_set())
    assert XML.decode(result.value).value == (stating(SOPInstanceStatus="NS"),)
    assert codes(result) == ["link/untrusted"]
    vouched = into(message, data_set(), link=Link(True, True, True))
    assert XML.decode(vouched.value).value == (stating(SOPInstanceStatus="AO"),)


def test_a_new_data_set():
    made = transformer("hl7", "dicom-xml")(
        codec("hl7").encode([stating(SOPAuthorizationComment="患者")]).value,
        link=Link(True, True, True),
    ).value
    assert XML.decode(made).value == (stating(SOPAuthorizationComment="患者"),)
    with pytest.raises(DocumentError) as error:
        XML.blank(())
    assert codes(error.value) == ["dicom/not-one-instance"]


def test_a_data_set_without_an_instance_takes_nothing():
    for document in ("<dicom/>", "<dicom></dicom>"):
        found = XML.encode([stating(SOPInstanceStatus="AO")], document)
        assert (found.value, codes(found)) == (document, ["dicom/no-counterpart"])
        wide = SOPInstance("1.2.3", attributes={"SOPInstanceStatus": "AO"})
        assert XML.encode([wide], document).value == document
        assert XML.instances(document) == ()
