"""Extensions that need no care are read at once; whatever needs it is left to the careful road."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sopstatus import load_tables
from sopstatus.codecs.fhir import extension, fast
from sopstatus.codecs.fhir.fast import plan
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.values import with_offset

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


def made(*inner):
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
    assert read(made(*inner)) == (tuple(sorted(said.items())), holder)


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
    assert read(made(*inner)) is None


@pytest.mark.parametrize("inner", [None, {}, (), "ab", 7])
def test_what_is_no_list_of_slices(inner):
    assert read({"url": "x", "extension": inner}) is None
    assert read({"url": "x"}) is None
    assert read({"Extension": []}) is None


def test_the_longest_text():
    assert read(made(number("C" * 64))) == (((NUMBER, "C" * 64),), "")


def test_a_vr_without_a_limit_takes_a_text_of_any_length():
    (row,) = (replace(row, vr="UT") for row in GROUP.attributes if row.keyword == COMMENT)
    long = comment("x" * 20000)
    assert read(made(long)) is None
    assert plan(replace(GROUP, slices=(row,))).read(made(long)) is not None


def test_a_group_is_compiled_once():
    assert plan(GROUP) is plan(GROUP)


TEXTS = st.one_of(
    st.sampled_from(["AO", "NS", "ao", "AO ", "QQ", " ", "\x7f", "a\\b", "20240115103015"]),
    st.sampled_from(
        ["20240115103015+0100", "20240229103015.125-0500", "2024", "20240115103060+0000"]
    ),
    st.text(max_size=70),
)


@given(st.sampled_from(GROUP.slices), TEXTS)
@example(GROUP.slices[1], with_offset("20240115103015", "+0100"))
@example(replace(GROUP.slices[0], vm="1-n"), "AO")
@example(replace(GROUP.slices[0], fhir_type="Coding"), "AO")
@example(replace(GROUP.slices[0], to_fhir={"AO": "original"}), "AO")
@example(replace(GROUP.slices[0], to_fhir={"AO": "a b  c"}), "AO")
@example(replace(GROUP.slices[2], fhir_type="CodeableConcept"), "x")
def test_a_value_is_written_at_once_as_with_care_or_not_at_all(row, value):
    issues = Issues()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extension, "writer", lambda _: lambda _: None)
        careful = extension.slices(row, value, "", issues)
    if text := fast.writer(row)(value):
        assert (extension.slices(row, value, "", Issues()), issues.told()) == (careful, ())
        assert [one for one in careful[0].values() if one != row.slice] == [text]


def test_what_most_statements_say_is_written_at_once():
    said = ("AO", "20240115103015+0100", "Released after review", "C-1")
    assert all(fast.writer(row)(text) for row, text in zip(GROUP.slices, said, strict=True))
