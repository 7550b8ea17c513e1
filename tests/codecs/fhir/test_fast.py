"""Extensions that need no care are read at once; whatever needs it is left to the careful road."""

from dataclasses import replace

import pytest
from sopstatus import load_tables
from sopstatus.codecs.fhir.fast import plan

(GROUP,) = load_tables().groups
STATUS, WHEN, COMMENT, NUMBER = [row.keyword for row in GROUP.attributes]


def read(document):
    return plan(GROUP).read(document)


def code(text):
    return {"url": "status", "valueCode": text}


def time(text):
    return {"url": "authorizationDateTime", "valueDateTime": text}


def text(url, value):
    return {"url": url, "valueString": value}


def comment(value):
    return text("authorizationComment", value)


def number(value):
    return text("equipmentCertificationNumber", value)


def extension(*inner):
    return {"url": "x", "extension": list(inner)}


ALL = [
    text("holder", "PACS"),
    number("C-1"),
    comment(r"words \ of 患者"),
    time("2024-01-02T03:04:05+01:00"),
    code("AO"),
]


@pytest.mark.parametrize(
    ("inner", "said", "holder"),
    [
        ([], {}, ""),
        ([code("AO")], {STATUS: "AO"}, ""),
        ([time("2024-01-02T03:04:05.125Z")], {WHEN: "20240102030405.125+0000"}, ""),
        ([comment("x")], {COMMENT: "x"}, ""),
        ([text("holder", "PACS")], {}, "PACS"),
        (
            ALL,
            {
                STATUS: "AO",
                WHEN: "20240102030405+0100",
                COMMENT: r"words \ of 患者",
                NUMBER: "C-1",
            },
            "PACS",
        ),
    ],
)
def test_read_at_once(inner, said, holder):
    """Sorted by keyword, whatever their order was."""
    assert read(extension(*inner)) == (tuple(sorted(said.items())), holder)


@pytest.mark.parametrize(
    "inner",
    [
        [code("QQ")],
        [code("ao")],
        [code(7)],
        [code(["AO"])],
        [{"url": "status", "valueString": "AO"}],
        [{"url": "status"}],
        [code("AO") | {"id": "1"}],
        [{"url": ["status"], "valueCode": "AO"}],
        [{"url": None, "valueCode": "AO"}],
        [{"valueCode": "AO", "valueString": "x"}],
        [7],
        ["ab"],
        [code("AO"), code("AO")],
        [code("AO"), code("AC")],
        [*ALL, text("holder", "PACS")],
        [*ALL, text("verbatim", "x")],
        [text("verbatim", "x")],
        [text("theirs", "x")],
        [text("holder", "")],
        [text("holder", None)],
        [{"url": "holder", "valueCode": "PACS"}],
        [text("holder", "A"), text("holder", "A")],
        [time("2024-02-30T03:04:05Z")],
        [time(7)],
        [comment("")],
        [comment(None)],
        [comment("a\x00b")],
        [number("C" * 65)],
        [number(r"a\b")],
    ],
)
def test_read_with_care(inner):
    assert read(extension(*inner)) is None


@pytest.mark.parametrize("inner", [None, {}, (), "ab", 7])
def test_what_is_no_list_of_slices(inner):
    assert read({"url": "x", "extension": inner}) is None
    assert read({"url": "x"}) is None
    assert read({"Extension": []}) is None


def test_the_longest_text():
    assert read(extension(number("C" * 64))) == (((NUMBER, "C" * 64),), "")


def test_a_vr_without_a_limit_takes_a_text_of_any_length():
    (row,) = (replace(row, vr="UT") for row in GROUP.attributes if row.keyword == COMMENT)
    long = comment("x" * 20000)
    assert read(extension(long)) is None
    assert plan(replace(GROUP, slices=(row,))).read(extension(long)) is not None


def test_a_group_is_compiled_once():
    assert plan(GROUP) is plan(GROUP)
