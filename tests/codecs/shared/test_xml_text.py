"""XML with places: every span is exact, every encoding goes there and back, every refusal says why."""

import pytest
from refusals import refused
from sopstatus import Limits
from sopstatus.codecs.shared import xml_text
from sopstatus.limits import DEFAULT


def test_spans_and_texts():
    data = b'<a x="1>2">t<b/><c></c><d />u<e><!-- /></e --></e></a >\n'
    root = xml_text.parse(data, DEFAULT)
    assert (root.name, root.attributes, root.text) == ("a", {"x": "1>2"}, "tu")
    assert data[root.start : root.end] == data[:-1]
    assert data[root.inner :] == b"</a >\n"
    spans = [data[node.start : node.end] for node in root.children]
    assert spans == [b"<b/>", b"<c></c>", b"<d />", b"<e><!-- /></e --></e>"]
    assert [node.inner == node.end for node in root.children] == [True, False, True, False]
    assert [data[node.inner : node.end] for node in root.children] == [b"", b"</c>", b"", b"</e>"]


def test_text_is_read_whole_and_in_utf_8_whatever_is_declared():
    data = '<?xml version="1.0" encoding="iso-8859-1"?><a>ä&lt;<![CDATA[<ö>]]>ü</a>'.encode()
    assert xml_text.parse(data, DEFAULT).text == "ä<<ö>ü"


def test_text_is_that_of_its_own_element():
    root = xml_text.parse(b"<a>1<b>2<c>3</c>4</b>5</a>", DEFAULT)
    (inner,) = root.children
    assert (root.text, inner.text, inner.children[0].text) == ("15", "24", "3")


def test_what_is_no_xml_is_told_with_line_and_column():
    code, words = refused(xml_text.parse, b"<a>\n <b></a>", DEFAULT)
    assert code == "document/not-xml"
    assert "line 2, column 7" in words
    for data in (b"<a>", b"<a/>x", b"<a><b></b>", b"<a>\xff</a>"):
        assert xml_text.as_bytes(data)[0] == data
        assert refused(xml_text.parse, data, DEFAULT)[0] == "document/not-xml"
    for data in (b"", b" \n"):
        assert refused(xml_text.parse, data, DEFAULT)[0] == "document/empty"
    assert refused(xml_text.parse, b"<!DOCTYPE a><a/>", DEFAULT)[0] == "document/xml-dtd"


def test_limits_allow_what_they_say():
    data = b"<a><b/></a>"
    for limits in (Limits(depth=2), Limits(document=len(data))):
        assert xml_text.parse(data, limits).children
    code, words = refused(xml_text.parse, data, Limits(depth=1))
    assert code == "document/too-deep"
    assert "more than 1 deep" in words
    code, words = refused(xml_text.parse, data, Limits(document=len(data) - 1))
    assert code == "document/too-large"
    assert f"more than {len(data) - 1} bytes" in words


@pytest.mark.parametrize(
    ("name", "octets", "back"),
    [
        ("ISO-8859-15", b"\xa4", "€"),
        ("latin-1", b"\xe4", "ä"),
        ("Windows-1252", b"\x80", "€"),
        ("us-ascii", b"a", "a"),
        ("UTF-8", b"\xc3\xa4", "ä"),
    ],
)
def test_an_encoding_goes_there_and_back(name, octets, back):
    for head in (f'<?xml version="1.0" encoding="{name}"?>', f"<?xml encoding = '{name}' ?>"):
        document = head.encode() + b"<a>" + octets + b"</a>"
        data, way_back = xml_text.as_bytes(document)
        assert data.decode() == f"{head}<a>{back}</a>"
        assert way_back(data) == document
        added = way_back(data + "患".encode())
        assert added == document + ("患".encode() if name == "UTF-8" else b"&#24739;")


def test_what_is_given_as_text_or_with_a_mark_keeps_its_kind():
    data, back = xml_text.as_bytes("<a>ä</a>")
    assert (data, back(data)) == ("<a>ä</a>".encode(), "<a>ä</a>")
    marked = b'\xef\xbb\xbf<?xml encoding="utf-8"?><a/>'
    for kind in (bytes, bytearray, memoryview):
        data, back = xml_text.as_bytes(kind(marked))
        assert (data, back(data)) == (marked, marked)
    half = xml_text.as_bytes("<a>\ud800</a>")[0]
    assert refused(xml_text.parse, half, DEFAULT)[0] == "document/not-xml"
    marked = b'\xef\xbb\xbf<?xml encoding="utf-7"?><a/>'
    assert refused(xml_text.as_bytes, marked)[0] == "document/xml-encoding"


@pytest.mark.parametrize(
    "document",
    [
        b'<?xml version="1.0" encoding="utf-16"?><a/>',
        b'<?xml version="1.0" encoding="x-nonsense"?><a/>',
        b'<?xml version="1.0" encoding="ascii"?><a>\xff</a>',
        "<a/>".encode("utf-16"),
        b"\xfe\xff\0<",
    ],
)
def test_an_encoding_that_is_not_read(document):
    code, words = refused(xml_text.as_bytes, document)
    assert code == "document/xml-encoding"
    assert "ascii, utf-8, iso8859-1, iso8859-15, cp1252)" in words


def test_what_is_no_document():
    code, words = refused(xml_text.as_bytes, 7)
    assert code == "document/unknown-type"
    assert words.startswith("this codec does not accept int;")


def test_the_end_of_a_start_tag():
    data = b"it's<X b='\">' c=\">'\">z>"
    assert data[xml_text.tag_end(data, 4) :] == b"z>"


def test_the_white_space_before_an_element():
    assert xml_text.lead(b"<a>x \t\r\n<b/>", 8) == b" \t\r\n"
    assert xml_text.lead(b"<a>x<b/>", 4) == b""
    assert xml_text.lead(b"\n<a/>", 1) == b"\n"
    assert xml_text.lead(b" " * 300, 300) == b" " * 200


def test_characters_that_xml_holds_and_those_that_need_care():
    assert xml_text.holds("a\t\n\r\x7f患😀\ufffd")
    for character in "\0\x08\x0b\x0c\x0e\x1f\ud800\udfff\ufffe\uffff":
        assert not xml_text.holds(f"a{character}")
    assert xml_text.escape("a&b<c>d\r\n\"'") == "a&amp;b&lt;c&gt;d&#13;\n\"'"
