"""JSON as text: numbers as they are spelt, faults with line and column, and edits in place."""

import json
import re

import pytest
from refusals import refused
from sopstatus.codecs.shared import json_text
from sopstatus.codecs.shared.json_document import load_json


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        (json_text.Number("1.50e0"), "1.50e0"),
        (load_json(b"1.50"), "1.50"),
        (load_json(b"-0"), "-0"),
        (None, None),
        ([], None),
        ({}, None),
    ],
)
def test_what_a_value_is_spelt(node, text):
    assert json_text.spelt(node) == text
    assert text is None or type(json_text.spelt(node)) is str


def test_numbers_keep_their_spelling():
    assert json_text.parse("\ufeff [1.50e0, -0, 5, NaN, -Infinity]\n") == [
        json_text.Number(text) for text in ("1.50e0", "-0", "5", "NaN", "-Infinity")
    ]
    assert all(type(n) is json_text.Number for n in json_text.parse("[1.5, 5, NaN]"))


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("[1,\n 2,, 3]", 2, 4),
        ("[1]x", 1, 4),
        ("[1]\n\n  x", 3, 3),
        ("", 1, 1),
        ("\n\n", 3, 1),
        ("\ufeff", 1, 2),
        ("\nx\n\n", 2, 1),
        ("[1]\n\n x\n\n", 3, 2),
    ],
)
def test_a_fault_has_line_and_column(text, line, column):
    code, told = refused(json_text.parse, text)
    assert code == "document/not-json"
    assert f"line {line}, column {column}" in told


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b"\xff", 1, 1),
        (b"ab\nc\xff", 2, 2),
        (b"\n\xff\n\n", 2, 1),
        (b"a\nb\ncd\xff\n", 3, 3),
    ],
)
def test_bytes_that_are_not_utf_8(data, line, column):
    code, told = refused(json_text.text_of_bytes, data)
    assert code == "document/not-json"
    assert f"line {line}, column {column}" in told
    assert json_text.text_of_bytes("é".encode()) == "é"


@pytest.mark.parametrize("text", ["[[[1]]]", '{"a": {"b": {"c": 1}}}', '[{"a": []}, 1]'])
def test_depth_counts_lists_and_objects(text):
    assert json_text.parse(text, 3) == json_text.parse(text)
    code, told = refused(json_text.parse, text, 2)
    assert code == "document/too-deep"
    assert " 2 " in told
    assert json_text.is_deeper([[[[]]]], 3) and not json_text.is_deeper([[[[]]]], 4)
    assert not json_text.is_deeper("text", 0)
    assert json_text.is_deeper([], 0)


def test_a_text_that_exhausts_the_stack():
    code, told = refused(json_text.parse, "[" * 100_000)
    assert code == "document/too-deep"
    assert re.search(r" nested more than \d+ deep", told)


OBJECT = 'x { "a" : 1.50 ,\n "b\\n":[{"}":"{"}], "a":"\\u00e9" } y'


def test_members_have_places():
    found = list(json_text.members(OBJECT, 2))
    assert [m.name for m in found] == ["a", "b\n", "a"]
    assert [OBJECT[m.start : m.value] for m in found] == ['"a" : ', '"b\\n":', '"a":']
    assert [OBJECT[m.value : m.end] for m in found] == ["1.50", '[{"}":"{"}]', '"\\u00e9"']
    assert list(json_text.members("{ }", 0)) == []


def test_objects_are_found_by_path():
    text = '\ufeff{"a": {"b": {"c": 1}, "x": [{"b": {}}]}, "d" : { } , "e": 1}'
    wanted = {("a",), ("a", "b"), ("d",), ("e",), ("f",), ("a", "x", "b")}
    found = json_text.objects(text, wanted)
    assert [path for path, _, _ in found] == [("a",), ("a", "b"), ("d",)]
    assert [text[start:end] for _, start, end in found] == [
        '{"b": {"c": 1}, "x": [{"b": {}}]}',
        '{"c": 1}',
        "{ }",
    ]
    assert json_text.objects(text, {()}) == [((), 1, len(text))]
    compact = '{"d":{},"a":{"b":{}},"":{"a":1},"e":{"":{}}}'
    found = json_text.objects(compact, {("a", "b"), ("d",), ("",), ("e", "")})
    assert [path for path, _, _ in found] == [("d",), ("a", "b"), ("",), ("e", "")]
    assert [compact[start:end] for _, start, end in found] == ["{}", "{}", '{"a":1}', "{}"]


def test_the_last_of_two_names_counts():
    text = '{"a": {"b": {"n": 1}}, "a": {"b": {"n": 2}, "b": {"n": 3}}}'
    ((_, start, end),) = json_text.objects(text, {("a", "b")})
    assert text[start:end] == '{"n": 3}'
    assert json_text.objects('{"a": {"b": {}}, "a": 1}', {("a", "b"), ("a",)}) == []
    both = '{"a": {"b": {}}, "c": {}, "a": {}}'
    assert [both[s:e] for _, s, e in json_text.objects(both, {("a", "b"), ("a",), ("c",)})] == [
        "{}"
    ] * 2


@pytest.mark.parametrize(
    ("text", "edits", "sort", "new"),
    [
        ("{}", {"a": 1}, False, '{"a":1}'),
        ("{ }", {"a": 1}, False, '{"a":1}'),
        ("{}", {"a": ...}, False, "{}"),
        ('{"b":1}', {"a": 2}, True, '{"a":2,"b":1}'),
        ('{"b":1}', {"a": 2}, False, '{"b":1,"a":2}'),
        ('{"b":1}', {"c": 2}, True, '{"b":1,"c":2}'),
        ('{"a": 1, "c": 3}', {"b": [2, 4]}, True, '{"a": 1, "b": [2, 4], "c": 3}'),
        ('{"a": 1, "c": 3}', {"a": ...}, True, '{"c": 3}'),
        ('{"a": 1, "c": 3}', {"c": ...}, True, '{"a": 1}'),
        ('{"a": 1}', {"a": ...}, True, "{}"),
        ('{\n "a" : 1\n}', {"a": "é"}, True, '{\n "a" : "é"\n}'),
        ('{\n "a" : 1,\n "b" : 2\n}', {"c": 3}, False, '{\n "a" : 1,\n "b" : 2,\n "c" : 3\n}'),
        ('{"a":1,"b":2,"c":3}', {"a": ..., "b": 5, "d": ...}, False, '{"b":5,"c":3}'),
        ('{"a":1}', {"b": [2, {"x": 4, "y": 5}]}, False, '{"a":1,"b":[2,{"x":4,"y":5}]}'),
        ('{"a":1}', {"a": [2, {"x": 4, "y": 5}]}, False, '{"a":[2,{"x":4,"y":5}]}'),
        ('{"a": 1}', {"a": [2, {"x": 4, "y": 5}]}, False, '{"a": [2, {"x": 4, "y": 5}]}'),
        # of two members of one name the last one counts, and is the one that stays
        ('{"a":1,"b":2,"a":3}', {"a": 4}, False, '{"b":2,"a":4}'),
        ('{"a":1,"b":2,"a":3}', {"a": ...}, False, '{"b":2}'),
    ],
)
def test_an_object_is_edited_in_place(text, edits, sort, new):
    assert json_text.edited(text, 0, edits, sort=sort) == new
    assert json_text.edited("[1, " + text + "]", 4, edits, sort=sort) == new
    want = {**json.loads(text), **edits}
    assert json.loads(new) == {name: value for name, value in want.items() if value is not ...}


def test_new_text_is_printed_as_it_is():
    assert json_text.dumped({"é": [1, "患"]}, (",", ":")) == '{"é":[1,"患"]}'
    assert json_text.dumped({"é": [1, 2]}, (", ", ": ")) == '{"é": [1, 2]}'
    assert json_text.dumped("é\ud800", (",", ":")) == '"\\u00e9\\ud800"'
    assert json_text.dumped(["é\ud800", 1], (", ", ": ")) == '["\\u00e9\\ud800", 1]'
