"""Documents of DICOM JSON: what is one, what comes back, and where its data sets stand."""

import json

import pytest
from refusals import refused
from sopstatus import Limits
from sopstatus.codecs.dicom_json.document import opened, values
from sopstatus.limits import DEFAULT


@pytest.mark.parametrize(
    ("text", "many"),
    [("{}", False), ("[]", True), (" \n[{}]", True), ("\ufeff{}", False), ("\ufeff [", True)],
)
def test_a_text_is_opened_and_comes_back_as_what_it_was(text, many):
    data = text.encode()
    for given, kind in ((text, str), (data, bytes), (bytearray(data), bytes)):
        document = opened(given, DEFAULT)
        assert (document.data, document.parsed, document.many) == (data, None, many)
        assert document.back(data) == (text if kind is str else data)
        assert type(document.back(data)) is kind
    assert opened(memoryview(data), DEFAULT).data == data
    far = opened(" " * 100 + text.removeprefix("\ufeff"), DEFAULT)
    assert far.many is many
    marked = opened("\ufeff" + " " * 100 + text.removeprefix("\ufeff"), DEFAULT)
    assert marked.many is many


def test_parsed_json_is_taken_as_it_is():
    for given in ({}, [], [{}]):
        document = opened(given, DEFAULT)
        assert (document.data, document.many) == (None, isinstance(given, list))
        assert document.parsed is given


def test_what_is_no_document():
    code, words = refused(opened, 7, DEFAULT)
    assert code == "document/unknown-type"
    assert "does not accept int" in words
    for given in ("", b" \n"):
        assert refused(opened, given, DEFAULT)[0] == "document/empty"
    for given in ("7", b'"x"', "<a/>", "x{", "\ufeff"):
        assert refused(opened, given, DEFAULT)[0] == "dicom-json/not-dicom-json"
    assert opened("{}", Limits(document=2)).data == b"{}"
    code, words = refused(opened, "{ }", Limits(document=2))
    assert code == "document/too-large"
    assert "more than 2 bytes" in words
    assert opened('["\ud800"]', DEFAULT).data == b'["\xed\xa0\x80"]'


@pytest.mark.parametrize(
    "text", ["{}", ' {"a": [true]} ', "[]", " [ ] ", "[{},null]", ' [ {} , "x" ]\n']
)
def test_the_values_and_their_spans(text):
    whole = json.loads(text)
    found = list(values(text))
    assert [node for node, _, _ in found] == (whole if isinstance(whole, list) else [whole])
    assert [json.loads(text[start:end]) for _, start, end in found] == [n for n, _, _ in found]
    assert not any(text[start:end] != text[start:end].strip() for _, start, end in found)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("[{}", 4), ("[{}}", 4), ("[{},", 5), ("[{} {}]", 5), ("{}x", 3), ("{},{}", 3), ("[{}] ]", 6),
        ("[]x", 3), ("{", 2), ("[,{}]", 2),
    ],
)  # fmt: skip
def test_what_is_no_json_is_told_with_its_place(text, column):
    code, words = refused(lambda: list(values(text)))
    assert code == "document/not-json"
    assert f"line 1, column {column})" in words
