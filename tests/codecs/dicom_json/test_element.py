"""One attribute of DICOM JSON: what is read of it, and what exactly is told."""

import pytest
from sopstatus.codecs.dicom_json.element import attribute, spellings, text_of


def read(node, vr="CS", fetch=None):
    told = []
    text = text_of(node, vr, lambda code, **facts: told.append((code, facts)), fetch)
    return text, [(code.removeprefix("dicom-json/"), facts) for code, facts in told]


@pytest.mark.parametrize(
    ("node", "text", "told"),
    [
        ({"vr": "CS", "Value": ["AO"]}, "AO", []),
        ({"vr": "CS", "Value": ["AO", None, "AC"]}, "AO\\\\AC", []),
        ({"vr": "CS"}, "", []),
        ({}, "", [("no-vr", {"vr": "CS"})]),
        ({"vr": None}, "", [("no-vr", {"vr": "CS"})]),
        ({"vr": "LO", "Value": ["AO"]}, "AO", [("wrong-vr", {"found": "LO", "vr": "CS"})]),
        ({"vr": "a b"}, "", [("wrong-vr", {"found": "not a VR", "vr": "CS"})]),
        ({"vr": "X1"}, "", [("wrong-vr", {"found": "not a VR", "vr": "CS"})]),
        ({"vr": 12}, "", [("wrong-vr", {"found": "not a VR", "vr": "CS"})]),
        ({"vr": ["C", "S"]}, "", [("wrong-vr", {"found": "not a VR", "vr": "CS"})]),
        ({"vr": "CS", "Value": "AO"}, "AO", [("not-a-list", {})]),
        ({"vr": "CS", "Value": None}, "", [("empty-value", {})]),
        ({"vr": "CS", "Value": []}, "", [("empty-value", {})]),
        ({"vr": "CS", "Value": [""]}, "", [("empty-value", {})]),
        ({"vr": "CS", "Value": [None]}, "", [("empty-value", {})]),
        ({"vr": "CS", "Value": [None, "AO"]}, "\\AO", []),
        ({"vr": "CS", "Value": ["AO", {}]}, None, [("unreadable", {})]),
        ({"vr": "CS", "Value": [1, "AO"]}, "1\\AO", [("not-text", {})]),
        ({"vr": "CS", "value": ["AO"]}, "AO", [("member-name", {"member": "Value"})]),
        (
            {"VR": "CS", "VALUE": ["AO"]},
            "AO",
            [("member-name", {"member": m}) for m in ("vr", "Value")],
        ),
        ({"vr": "CS", "Value": ["AO"], "value": ["AC"]}, "AO", []),
        (
            {"vr": "CS", "vALUE": ["AO"], "value": ["AC"]},
            "AO",
            [("member-name", {"member": "Value"})],
        ),
        ({"vr": "CS", "Value": ["AO"], "theirs": 1}, "AO", []),
        ({"vr": "CS", "InlineBinary": "QU8="}, "AO", [("inline-binary", {})]),
        ({"vr": "CS", "Value": ["AC"], "InlineBinary": "QU8="}, "AC", []),
        ({"vr": "CS", "InlineBinary": "QU8"}, None, [("unreadable", {})]),
        ({"vr": "CS", "InlineBinary": "QU8=\n"}, None, [("unreadable", {})]),
        ({"vr": "CS", "InlineBinary": 7}, None, [("unreadable", {})]),
        ({"vr": "CS", "InlineBinary": "é"}, None, [("unreadable", {})]),
        ({"vr": "CS", "InlineBinary": "/w=="}, None, [("inline-binary", {}), ("not-utf-8", {})]),
        ({"vr": "CS", "BulkDataURI": "x"}, None, [("bulk-data", {})]),
        ("AO", "AO", [("not-an-object", {})]),
        (["AO", "AC"], "AO\\AC", [("not-an-object", {})]),
        (7, "7", [("not-an-object", {}), ("not-text", {})]),
        (None, "", [("not-an-object", {}), ("empty-value", {})]),
    ],
)
def test_a_code(node, text, told):
    assert read(node) == (text, told)


def test_a_line_of_text_was_split_at_its_backslashes():
    for vr in ("LT", "ST", "UT"):
        node = {"vr": vr, "Value": ["a", None, "b"]}
        assert read(node, vr) == ("a\\\\b", [("split-text", {"count": 3})])
        assert read({"vr": vr, "Value": ["a"]}, vr) == ("a", [])
    assert read({"vr": "LO", "Value": ["a", "b"]}, "LO") == ("a\\b", [])


def test_bulk_data_is_what_is_fetched():
    node = {"vr": "LT", "BulkDataURI": "here"}
    assert read(node, "LT", {"here": "é".encode()}.__getitem__) == ("é", [])
    assert read(node, "LT", {"here": bytearray(b"x")}.__getitem__) == ("x", [])
    assert read(node, "LT", {}.__getitem__) == (None, [("bulk-data-failed", {})])
    assert read(node, "LT", lambda _: b"\xff") == (None, [("not-utf-8", {})])
    assert read({"vr": "LT", "BulkDataURI": 7}, "LT", bytes) == (None, [("bulk-data", {})])
    inline = {**node, "InlineBinary": "QQ=="}
    assert read(inline, "LT", {}.__getitem__) == ("A", [("inline-binary", {})])


@pytest.mark.parametrize(
    ("vr", "value", "node"),
    [
        ("CS", None, {"vr": "CS"}),
        ("CS", "AO", {"vr": "CS", "Value": ["AO"]}),
        ("CS", "AO\\\\AC", {"vr": "CS", "Value": ["AO", None, "AC"]}),
        ("LT", "a\\b", {"vr": "LT", "Value": ["a\\b"]}),
        ("LO", "a\\b", {"vr": "LO", "Value": ["a", "b"]}),
    ],
)
def test_an_attribute_is_written(vr, value, node):
    assert attribute(vr, value) == node
    assert list(attribute(vr, value)) == list(node)
    assert read(node, vr) == (value or "", [])


def test_the_standard_s_name_comes_first():
    assert spellings(0x0020000D, "StudyInstanceUID") == (
        "0020000D",
        "0020,000D",
        "(0020,000D)",
        "0020000d",
        "0020,000d",
        "(0020,000d)",
        "StudyInstanceUID",
    )
    assert len(spellings(0x01000410, "SOPInstanceStatus")) == 4
