"""A data set as Mirth's XML says what the data set says, and nothing else in it is touched."""

import re
import subprocess

import pydicom
import pytest
from artifacts.mirth.data_sets import dicom_xml
from extra_table import table
from samples_of import CASES, FOLDER
from sopstatus import DocumentError, Link, SOPInstance, codec, load_tables, transformer
from sopstatus.documents.content import recognise
from sopstatus.values import context_offset, with_offset

from tools import need

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
    vouched = into(message, data_set(), link=Link(secure=True, authenticated=True, conforms=True))
    assert XML.decode(vouched.value).value == (stating(SOPInstanceStatus="AO"),)


def test_a_new_data_set():
    made = transformer("hl7", "dicom-xml")(
        codec("hl7").encode([stating(SOPAuthorizationComment="患者")]).value,
        link=Link(secure=True, authenticated=True, conforms=True),
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


# --- how it is read, and where it says so --------------------------------------------------------


def places(found):
    return [(issue.code, issue.location) for issue in found.issues]


@pytest.mark.parametrize(
    ("inner", "said", "told"),
    [
        ('<tag01000410 vr="UN">AO</tag01000410>', {}, [("dicom-xml/not-text", "(0100,0410)")]),
        ("<tag01000410><item/></tag01000410>", {}, [("dicom-xml/not-text", "(0100,0410)")]),
        ("<tag01000410>AO</tag01000410>", {"SOPInstanceStatus": "AO"}, []),
        (
            '<tag01000410 vr="CS">QQ</tag01000410>',
            {"SOPInstanceStatus": "QQ"},
            [("value/unknown-term", "(0100,0410)")],
        ),
        (
            '<tag00080201 vr="SH">1</tag00080201><tag01000420 vr="DT">20240102030405</tag01000420>',
            {"SOPAuthorizationDateTime": "20240102030405"},
            [("dicom/offset", "(0008,0201)")],
        ),
        ("<tag0100041>AO</tag0100041><tag0100041G>AO</tag0100041G><tig01000410/>", {}, []),
        ("<tag81000410>AO</tag81000410>", {}, []),
        (
            '<tag01000410 vr="CS">AO</tag01000410><tag01000410 vr="CS">AC</tag01000410>',
            {},
            [("dicom-xml/repeated", "(0100,0410)")],
        ),
        (  # one that is not read keeps nothing else from being read
            '<tag01000410 vr="SQ"/><tag01000424 vr="LT">x</tag01000424>',
            {"SOPAuthorizationComment": "x"},
            [("dicom-xml/not-text", "(0100,0410)")],
        ),
    ],
)
def test_what_is_read_and_where_it_is_odd(inner, said, told):
    read = XML.decode(data_set(inner), holder="PACS1")
    expected = (stating(**said),) if said else ()
    assert [x.holder for x in read.value] == ["PACS1"] * bool(said)
    assert [(x.identity[:3], x.attributes) for x in read.value] == [
        (x.identity[:3], x.attributes) for x in expected
    ]
    assert places(read) == told
    if told and told[0][0] == "dicom-xml/not-text":
        assert "SOPInstanceStatus" in read.issues[0].diagnostics


def test_a_time_without_an_offset_is_local_to_the_data_set():
    held = data_set(
        '<tag00080201 vr="SH">+0100 </tag00080201><tag01000420>20240102030405</tag01000420>'
    )
    ((_, when),) = XML.decode(held).value[0].attributes
    assert (when, context_offset(when)) == ("20240102030405", "+0100")
    (one,) = XML.data_sets(held)
    assert one.offset == "+0100"


def test_identity_without_its_padding_and_the_places_of_what_is_missing():
    short = "<dicom><tag00080018>1.2.3.1.1 </tag00080018></dicom>"
    (one,) = XML.data_sets(short)
    assert (one.instance, one.offset, one.where) == (
        SOPInstance(sop_instance_uid="1.2.3.1.1"),
        "",
        "(0008,0018)",
    )
    read = XML.decode(short)
    assert places(read) == [
        ("dicom/no-uid", f"({tag})") for tag in ("0020,000D", "0020,000E", "0008,0016")
    ]
    assert XML.copies(data_set()) == XML.instances(data_set()) == (stating(),)
    with pytest.raises(DocumentError) as error:
        XML.decode("<HL7Message/>")
    assert places(error.value) == [("dicom-xml/not-dicom-xml", "")]


def test_identity_offset_and_character_set_lose_blanks_at_both_ends():
    latin = data_set(" <tag00080201> +0100 </tag00080201>").replace("ISO_IR 192", "ISO_IR 100")
    padded = re.sub("(<tag0[^>]*>)([^< ][^<]*)<", "\\1 \\2 <", latin)
    assert "> 1.2.3.1.1 <" in padded and "> ISO_IR 100 <" in padded
    assert [(one.instance, one.offset) for one in XML.data_sets(padded)] == [(stating(), "+0100")]
    written = XML.encode([stating(SOPAuthorizationComment="f\xfcr")], padded).value
    assert 'len="4" tag="01000424"' in written


def test_elements_are_written_where_their_tags_belong():
    first = "<dicom>\n <tag01000424>x</tag01000424>\n <tag7FE00010/>\n</dicom>"
    named = first.replace("<dicom>", "<dicom>\n <tag00080018>1.2.3.1.1</tag00080018>")
    both = {"SOPInstanceStatus": "AO", "AuthorizationEquipmentCertificationNumber": None}
    written = XML.encode([stating(**both)], named)
    assert written.value == (
        "<dicom>\n <tag00080018>1.2.3.1.1</tag00080018>"
        '\n <tag01000410 len="2" tag="01000410" vr="CS">AO</tag01000410>'
        '\n <tag01000426 len="0" tag="01000426" vr="LO"></tag01000426>'
        "\n <tag7FE00010/>\n</dicom>"
    )
    latin = data_set().replace("ISO_IR 192", "ISO_IR 100 ")
    written = XML.encode([stating(SOPAuthorizationComment="f\xfcr")], latin).value
    assert 'len="4" tag="01000424" vr="LT">f\xfcr<' in written  # three octets there, padded


def test_an_element_that_changes_is_replaced_and_those_behind_it_are_written_too():
    old = (
        '\n <tag01000410 vr="CS">OR</tag01000410>\n <tag01000420 vr="DT"/>'
        "\n <tag01000424>x</tag01000424>\n <tag7FE00010/>\n"
    )
    said = {
        "SOPInstanceStatus": "AO",
        "SOPAuthorizationDateTime": "2024",
        "AuthorizationEquipmentCertificationNumber": "7",
    }
    assert XML.encode([stating(**said)], data_set(old)).value == data_set(
        '\n <tag01000410 len="2" tag="01000410" vr="CS">AO</tag01000410>'
        '\n <tag01000420 len="4" tag="01000420" vr="DT">2024</tag01000420>'
        '\n <tag01000426 len="2" tag="01000426" vr="LO">7</tag01000426>'
        "\n <tag7FE00010/>\n"
    )


TABLE = table("""
[[attribute]]
keyword = "InstanceCoercionDateTime"
tag = "0008,0015"
vr = "DT"
hl7 = { field = 5, datatype = "DTM" }
fhir = { slice = "coerced", type = "dateTime" }
""")


def test_an_element_of_the_lowest_tag_stands_first(tmp_path):
    (tmp_path / "extra.toml").write_text(TABLE)
    under = codec("dicom-xml", tables=load_tables(tmp_path))
    held = '<dicom note=">"><tag00080018>1.2.3.1.1</tag00080018></dicom>'
    written = under.encode([stating(InstanceCoercionDateTime="2024")], held).value
    added = '<tag00080015 len="4" tag="00080015" vr="DT">2024</tag00080015>'
    assert written == held.replace('">">', f'">">{added}')


def test_what_cannot_be_written_is_told_where_it_would_stand():
    x = stating(SOPInstanceStatus="AO", SOPAuthorizationComment="a\x01")
    written = XML.encode([x], data_set())
    assert places(written) == [("dicom-xml/control-character", "(0100,0424)")]
    assert XML.decode(written.value).value == (stating(SOPInstanceStatus="AO"),)
    told = XML.encode([stating(Odd="x")], data_set())
    assert codes(told) == ["table/unmapped"]
    other = SOPInstance(sop_instance_uid="9.9", attributes={"SOPInstanceStatus": "AO"})
    told = XML.encode([other], data_set())
    assert (told.value, places(told)) == (data_set(), [("dicom/no-counterpart", "(0008,0018)")])
    assert "1 " in told.issues[0].diagnostics
    assert XML.encode([], data_set()).issues == ()


def test_a_time_that_is_local_elsewhere_is_written_with_its_offset():
    held = data_set('<tag00080201 vr="SH">-0500</tag00080201>')
    for offset, text, told in (
        ("+0100", "20240102030405+0100", [("dicom/offset-written", "(0100,0420)")]),
        ("-0500", "20240102030405", []),
    ):
        when = with_offset("20240102030405", offset)
        written = XML.encode([stating(SOPAuthorizationDateTime=when)], held)
        assert f'tag="01000420" vr="DT">{text}' in written.value
        assert places(written) == told


def test_of_several_holders_one_is_chosen():
    about = [
        SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.1", holder, {"SOPInstanceStatus": status})
        for holder, status in (("A", "AO"), ("B", "AC"))
    ]
    told = XML.encode(about, data_set())
    assert (told.value, places(told)) == (data_set(), [("dicom/holder-ambiguous", "(0008,0018)")])
    for x in about:
        (read,) = XML.decode(XML.encode(about, data_set(), holder=x.holder).value).value
        assert read.attributes == x.attributes


def test_the_smallest_data_set():
    element = '<tag{0} len="{1}" tag="{0}" vr="{2}">{3}</tag{0}>'.format
    made = (
        element("00080005", 10, "CS", "ISO_IR 192")
        + element("00080016", 26, "UI", CLASS)
        + element("00080018", 10, "UI", "1.2.3.1.1")
        + element("0020000D", 6, "UI", "1.2.3")
        + element("0020000E", 8, "UI", "1.2.3.1")
    )
    assert XML.blank([stating(), SOPInstance("1.2.3")]).decode() == f"<dicom>{made}</dicom>"
    written = XML.encode([stating(SOPInstanceStatus="AO")]).value.decode()
    assert written == f"<dicom>{made}{element('01000410', 2, 'CS', 'AO')}</dicom>"
    study = SOPInstance("1.2.3", attributes={"SOPInstanceStatus": "AO"})
    assert XML.encode([study], known=[stating()]).value.decode() == written
    other = SOPInstance("1.2.3", "1.2.3.1", CLASS, "1.2.3.1.2")
    for known, count in (((), 0), ((stating(), other), 2)):
        with pytest.raises(DocumentError) as error:
            XML.blank(known)
        assert places(error.value) == [("dicom/not-one-instance", "")]
        assert str(count) in error.value.issues[0].diagnostics


# --- what readers may disagree about -------------------------------------------------------------


def element(name, text, vr="CS", **said):
    attributes = "".join(f' {key}="{value}"' for key, value in {"vr": vr, **said}.items())
    return f"<tag{name}{attributes}>{text}</tag{name}>"


@pytest.mark.parametrize(
    ("inner", "told"),
    [
        (element("01000410", "NS") + element("01000410", "AO"), [("repeated", "(0100,0410)")]),
        (element("01000410", "AO") + element("01000410", "AO"), [("repeated", "(0100,0410)")]),
        (element("01000424", "", "LT") * 2, [("repeated", "(0100,0424)")]),
        (element("00080018", "1.2.9", "UI"), [("repeated", "(0008,0018)")]),
        (element("0020000d", "1.2.9", "UI"), [("repeated", "(0020,000D)")]),
        (element("00080201", "+0100", "SH") * 2, [("repeated", "(0008,0201)")]),
        (element("01000410", "AO", tag="01000424"),
         [("other-tag", "(0100,0410)"), ("other-tag", "(0100,0424)")]),
        (element("00104000", "AO", tag="01000410"), [("other-tag", "(0100,0410)")]),
        ('<TAG01000410 vr="CS" tag=" 01000410 ">AO</TAG01000410>', [("other-tag", "(0100,0410)")]),
        *((f"<{name} vr='CS'{said}>AO</{name.split()[0]}>", [("other-tag", "(0100,0410)")]) for name, said in [
            ("attr", " tag='1000410'"), ("attr", " tag='0x01000410'"), ("attr", " tag='01_000410'"),
            ("x:tag01000410 xmlns:x='u'", ""), ("TAG01000410", ""), ("tag1000410", ""),
        ]),
        (element("01000410", "AO", tag="status"), [("other-tag", "(0100,0410)")]),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_not_read_and_not_written(inner, told):
    document = data_set(inner)
    found = XML.decode(document)
    assert found.value == ()
    assert [(i.code, i.location, i.severity) for i in found.issues] == [
        (f"dicom-xml/{code}", where, "error") for code, where in told
    ]
    for given in ((), [stating(SOPInstanceStatus="NS")]):
        with pytest.raises(DocumentError) as caught:
            XML.encode(given, document)
        assert caught.value.issues == found.issues
    with pytest.raises(DocumentError) as caught:
        transformer("dicom-xml", "dicom-xml")(document)
    assert caught.value.issues == found.issues


def test_what_is_not_ours_may_stand_twice():
    theirs = element("00104000", "a", "LT") * 2 + element("00104001", "b", "LT", tag="00104000")
    document = data_set(theirs + element("01000410", "AO", tag="01000410"))
    found = XML.encode([stating(SOPInstanceStatus="NS")], document)
    assert found.value.count(theirs) == 1
    assert (dict(XML.decode(found.value).value[0].attributes), found.issues) == (
        {"SOPInstanceStatus": "NS"},
        (),
    )


@pytest.mark.parametrize("vr", ["LO", "XS", ""])
def test_another_vr_is_read_and_told(vr):
    found = XML.decode(data_set(element("01000410", "AO", vr)))
    assert [x.attributes for x in found.value] == [(("SOPInstanceStatus", "AO"),)]
    assert codes(found) == ["dicom-xml/wrong-vr"]


@pytest.mark.parametrize(
    ("old", "written"),
    [
        (element("01000410", "AO", "LO"), True),
        (element("01000410", "AO", "UN"), True),
        (element("01000410", "AO", "XS"), False),
        (element("01000410", "", "SQ"), False),
        (element("01000410", "<item/>"), False),
    ],
)
def test_what_is_written_over(old, written):
    document, new = data_set(old), [stating(SOPInstanceStatus="NS")]
    if not written:
        with pytest.raises(DocumentError, match="dicom/not-replaced"):
            XML.encode(new, document)
        return
    found = XML.encode(new, document)
    assert XML.decode(found.value).value[0].attributes == (("SOPInstanceStatus", "NS"),)
    assert [(i.code, i.location) for i in found.issues] == [("dicom/replaced", "(0100,0410)")]


def test_what_cannot_be_read_never_stands_beside_ns():
    document = data_set(element("01000410", "NS") + element("01000424", "<item/>", "SQ"))
    said = [stating(SOPInstanceStatus="NS")]
    assert XML.encode(said, document).value == document
    found = XML.encode(said, document, exactly=["1.2.3.1.1"])
    assert transformer("dicom-xml", "dicom-xml")(document).value == found.value
    assert "tag01000424" not in found.value
    assert [(i.code, i.location) for i in found.issues] == [("dicom/replaced", "(0100,0424)")]
    other = [stating(SOPInstanceStatus="AO")]
    kept = data_set(element("01000410", "AO") + element("01000424", "<item/>", "SQ"))
    assert XML.encode(other, kept).value == kept


def test_a_document_in_which_no_uid_is_found():
    for document in ("<dicom/>", f"<dicom>{element('00100010', 'x', 'PN')}</dicom>"):
        found = XML.decode(document)
        assert (found.value, found.issues[0].code) == ((), "dicom/no-identity")


@pytest.mark.parametrize(
    ("root", "found"),
    [
        ("NativeDicomModel", "Native Model"),
        ('NativeDicomModel xml:space="preserve"', "Native Model"),
        ('n:NativeDicomModel xmlns:n="http://dicom.nema.org/PS3.19/models/NativeDICOM"', "PS3.19"),
        ("file-format", "dcm2xml"),
        ("data-set", "dcm2xml"),
    ],
)
def test_other_xml_of_data_sets_is_called_by_its_name(root, found):
    end = root.partition(" ")[0]
    for head in ("", '<?xml version="1.0" encoding="ISO-8859-1"?>\n', "<!-- a --> <!-- b -->\n"):
        document = f"{head}<{root}><a/></{end}>".encode()
        assert recognise(document) == "dicom-xml"
        with pytest.raises(DocumentError) as caught:
            XML.decode(document)
        (issue,) = caught.value.issues
        assert issue.code == "dicom-xml/other-format"
        assert found in issue.diagnostics


@pytest.mark.parametrize("options", [[], ["-nat"], ["+M"]])
def test_what_dcm2xml_writes_is_called_by_its_name(options):
    path = FOLDER / "authorized-original" / "image.dcm"
    document = subprocess.run(
        [need("dcm2xml"), *options, path], capture_output=True, check=True, timeout=60
    ).stdout
    assert recognise(document) == "dicom-xml"
    with pytest.raises(DocumentError, match="dicom-xml/other-format"):
        XML.decode(document)


def test_a_status_inside_a_sequence_is_told_and_not_read():
    item = f"<item>{element('01000410', 'AO')}</item>"
    for inner in (item, f"<tag0040A730 vr='SQ'>{item}</tag0040A730>"):
        found = XML.decode(data_set(inner))
        assert found.value == ()
        assert [(i.code, i.location) for i in found.issues] == [("dicom/nested", "(0100,0410)")]
