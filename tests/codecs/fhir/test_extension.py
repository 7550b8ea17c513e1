"""The complex extension, slice by slice: what is read, what is told and where, what is rewritten."""

import copy

import pytest
from samples_of import verbatim_slice as verbatim
from sopstatus import SOPInstance, load_tables
from sopstatus.codecs.fhir import extension as ext
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import Found
from sopstatus.values import context_offset, with_offset

(GROUP,) = load_tables().groups
KEYWORDS = STATUS, WHEN, COMMENT, NUMBER = [row.keyword for row in GROUP.attributes]
SLICES = ["status", "authorizationDateTime", "authorizationComment", "equipmentCertificationNumber"]


def extension(*inner, **more):
    return {"url": GROUP.extension, **more, "extension": list(inner)}


def status(code, **more):
    return {**more, "url": "status", "valueCode": code}


def when(text):
    return {"url": "authorizationDateTime", "valueDateTime": text}


def comment(text):
    return {"url": "authorizationComment", "valueString": text}


def number(text):
    return {"url": "equipmentCertificationNumber", "valueString": text}


def holder(text):
    return {"url": "holder", "valueString": text}


THEIRS = {"url": "theirs", "valueDecimal": 1.5}


def read(*inner):
    issues = Issues()
    said = ext.read(extension(*inner), GROUP, issues.at("at"))
    return said, [(i.code, i.location) for i in issues]


def test_the_slices_are_what_the_tests_take_them_for():
    assert [row.slice for row in GROUP.attributes] == SLICES


@pytest.mark.parametrize(
    ("inner", "said", "told"),
    [
        ([status("AO")], {STATUS: "AO"}, []),
        ([status("QQ")], {STATUS: "QQ"}, [("value/unknown-term", "[0]")]),
        (
            [THEIRS, status("ao")],
            {STATUS: "ao"},
            [("fhir/unknown-slice", "[0]"), ("value/lower-case", "[1]")],
        ),
        ([when("2024-01-02")], {WHEN: "20240102"}, []),
        ([comment(" x"), number("C")], {COMMENT: " x", NUMBER: "C"}, []),
        ([verbatim(f'{STATUS}=""')], {STATUS: None}, []),
        ([verbatim(f'{STATUS}="QQ "')], {STATUS: "QQ "}, [("value/unknown-term", "")]),
        ([verbatim(f'{COMMENT}="\\f"')], {COMMENT: "\f"}, []),
        # the first of two exact texts counts
        ([verbatim(f'{COMMENT}="a"'), verbatim(f'{COMMENT}="b"')], {COMMENT: "a"}, []),
        # somebody changed the slice, or took it away
        (
            [status("AO"), verbatim(f'{STATUS}="AC"')],
            {STATUS: "AO"},
            [("fhir/verbatim-stale", "[0]")],
        ),
        (
            [status("AO"), verbatim(f'{STATUS}=""')],
            {STATUS: "AO"},
            [("fhir/verbatim-stale", "[0]")],
        ),
        ([verbatim(f'{STATUS}="AO"')], {}, [("fhir/verbatim-stale", "")]),
        ([status("AO"), verbatim(f'{STATUS}="AO "')], {STATUS: "AO "}, []),
    ],
)
def test_what_is_read(inner, said, told):
    found, issues = read(*inner)
    assert dict(found.attributes) == said
    assert not found.unread
    assert issues == [(code, f"at.extension{at}" if at else "at") for code, at in told]


@pytest.mark.parametrize(
    ("inner", "code", "at"),
    [
        ([status("AO"), status("AO")], "fhir/repeated-slice", 0),
        ([THEIRS, {"url": "status", "valueString": "AO"}], "fhir/wrong-type", 1),
        ([status(1)], "fhir/wrong-type", 0),
        ([{"url": "status"}], "fhir/wrong-type", 0),
        ([{"url": "status", "_valueCode": {"id": "x"}}], "fhir/data-absent", 0),
        ([{"url": "status", "extension": [{}]}], "fhir/data-absent", 0),
    ],
)
def test_a_slice_that_cannot_be_read_is_told_and_left_alone(inner, code, at):
    found, issues = read(*inner, verbatim(f'{STATUS}="AC"'), comment("x"))
    assert (found.unread, found.attributes) == ({STATUS}, ((COMMENT, "x"),))
    assert issues[-1] == (code, f"at.extension[{at}]")


def test_a_time_that_is_none_is_told_and_left_alone():
    found, issues = read(when("yesterday"), status("AO"))
    assert (found.unread, found.attributes) == ({WHEN}, ((STATUS, "AO"),))
    assert issues == [("fhir/not-date-time", "at.extension[0]")]


def test_what_is_no_slice_is_told():
    found, issues = read(
        "x", {}, {"url": 7}, verbatim("Odd=1"), {"url": "verbatim", "valueString": 7}, status("AO")
    )
    assert dict(found.attributes) == {STATUS: "AO"}
    malformed = [("fhir/malformed", f"at.extension[{n}]") for n in range(3)]
    assert issues == [
        *malformed,
        *(("fhir/verbatim-malformed", f"at.extension[{n}]") for n in (3, 4)),
    ]
    assert ext.read({"url": GROUP.extension, "extension": {}}, GROUP, Issues()).attributes == ()


def test_what_is_told_of_a_slice_names_it():
    issues = Issues()
    inner = [status("AO"), status("AC"), status("OR"), {"url": "authorizationComment"}, THEIRS]
    ext.read(extension(*inner, when("x")), GROUP, issues.at("at"))
    told = {i.code: i.diagnostics for i in issues}
    assert (
        ", ".join(sorted([*SLICES, "holder", "holderUid", "holderUidType", "verbatim"]))
        in told["fhir/unknown-slice"]
    )
    assert "slice status appears 3 times" in told["fhir/repeated-slice"]
    assert all(text in told["fhir/wrong-type"] for text in ("authorizationComment", "valueString"))
    assert WHEN in told["fhir/not-date-time"]
    issues.clear()
    inner = [{"url": "status", "extension": [{}]}, comment("x"), verbatim(f'{COMMENT}=""')]
    ext.read(extension(*inner), GROUP, issues.at("at"))
    told = {i.code: i.diagnostics for i in issues}
    assert "status" in told["fhir/data-absent"]
    assert COMMENT in told["fhir/verbatim-stale"]


def test_the_offset_of_the_slice_stays_with_the_exact_time():
    exact = verbatim(f'{WHEN}="20240102030405"')
    found, issues = read(when("2024-01-02T03:04:05+01:00"), exact)
    ((keyword, value),) = found.attributes
    assert (keyword, value, context_offset(value), issues) == (WHEN, "20240102030405", "+0100", [])
    found, _ = read(when("2024-01-02"), exact)
    assert (found.attributes, context_offset(found.attributes[0][1])) == (
        ((WHEN, "20240102030405"),),
        "",
    )


def test_the_holder():
    assert read(status("AO"))[0].holder == ""
    assert read(holder("PACS1"), holder("PACS2"))[0].holder == "PACS1"
    assert read({"url": "holder", "valueString": 7})[0].holder == ""
    assert read({"url": "holder"})[0].holder == ""


# --- writing ---------------------------------------------------------------------------------------


def about(holder="", **said):
    return SOPInstance("1.2", "1.2.3", "", "1.2.3.4", holder, said)


def make(new, offset=""):
    issues = Issues()
    made = ext.make(GROUP, new, offset, issues.at("at"))
    assert made["url"] == GROUP.extension
    assert all(i.location == "at" and i.diagnostics for i in issues)
    return made["extension"], [i.code for i in issues]


def test_what_is_made():
    said = {STATUS: "AO", COMMENT: "a\fb", NUMBER: None}
    exact = [verbatim(f'{COMMENT}="a\\fb"'), verbatim(f'{NUMBER}=""')]
    told = ([status("AO"), comment("ab"), holder("PACS1"), *exact], [])
    assert make(about("PACS1", **said)) == told


@pytest.mark.parametrize("text", ["QQ", "AO "])
def test_a_status_that_a_code_cannot_say_exactly(text):
    assert make(about(**{STATUS: text}))[0][-1] == verbatim(f'{STATUS}="{text}"')


@pytest.mark.parametrize(
    ("text", "offset", "near", "told"),
    [
        ("20240102030405.123456+0100", "", "2024-01-02T03:04:05.123456+01:00", None),
        ("202401", "", "2024-01", None),
        ("20240102030405", "", "2024-01-02", "fhir/offset-missing"),
        ("20240102030405", "+0200", "2024-01-02T03:04:05+02:00", "fhir/date-time-shortened"),
        ("2024010203", "+0200", "2024-01-02", "fhir/date-time-shortened"),
        ("202401020304+0100", "", "2024-01-02", "fhir/date-time-shortened"),
        ("2024-", "", None, None),
    ],
)
def test_a_time_and_the_site_s_offset(text, offset, near, told):
    kept = [] if near and not told else [verbatim(f'{WHEN}="{text}"')]
    slices = [when(near)] if near else []
    assert make(about(**{WHEN: text}), offset) == (slices + kept, [told] if told else [])


def test_the_data_set_s_offset_comes_before_the_site_s():
    value = with_offset("20240102030405", "-0500")
    assert make(about(**{WHEN: value}), "+0200")[0][0] == when("2024-01-02T03:04:05-05:00")


# --- rewriting -------------------------------------------------------------------------------------


def rewrite(old, new):
    """Return the slices of an extension that says something else now."""
    issues, kept = Issues(), copy.deepcopy(old)
    said = ext.read(old, GROUP, Issues().at("at"))
    found = Found(about(said.holder, **dict(said.attributes)), None, said.unread)
    made = ext.rewrite(old, GROUP, found, new, "", issues.at("at"))
    assert old == kept
    assert {k: v for k, v in made.items() if k != "extension"} == {
        k: v for k, v in old.items() if k != "extension"
    }
    return made["extension"]


def test_only_what_differs_is_rewritten():
    old = extension(status("AO ", id="s"), THEIRS, comment("x"), holder("PACS1"), id="e")
    assert rewrite(old, about(**{STATUS: "AO", COMMENT: "y"})) == [
        status("AO ", id="s"),
        comment("y"),
        THEIRS,
        holder("PACS1"),
    ]
    assert rewrite(old, about(**{COMMENT: "x"})) == [THEIRS, comment("x"), holder("PACS1")]


def test_slices_keep_the_order_of_the_table():
    old = extension(THEIRS, number("C"), verbatim("Odd=1"), holder("PACS1"))
    said = {STATUS: "QQ", WHEN: "2024", COMMENT: "x", NUMBER: "C"}
    assert rewrite(old, about(**said)) == [
        when("2024"),
        comment("x"),
        THEIRS,
        number("C"),
        verbatim("Odd=1"),
        holder("PACS1"),
        verbatim(f'{STATUS}="QQ"'),
    ]
    behind = extension(status("AO"), when("2024"), THEIRS)
    assert rewrite(behind, about(**{STATUS: "AO", WHEN: "2024", NUMBER: "C"})) == [
        status("AO"),
        when("2024"),
        number("C"),
        THEIRS,
    ]


def test_the_exact_text_goes_with_its_value():
    others = [
        verbatim(f'{COMMENT}="c\\f"'),
        verbatim("Odd=1"),
        {"url": "verbatim", "valueString": 7},
    ]
    old = extension(status("AO"), verbatim(f'{STATUS}="AO "'), *others)
    kept = {COMMENT: "c\f"}
    assert rewrite(old, about(**kept, **{STATUS: "AC"})) == [status("AC"), *others]
    assert rewrite(old, about(**kept)) == others
    emptied = rewrite(old, about(**kept, **{STATUS: None}))
    assert emptied == [*others, verbatim(f'{STATUS}=""')]
    assert rewrite(extension(*emptied), about(**kept, **{STATUS: None})) == emptied


def test_a_former_keyword_goes_with_its_value_too():
    old = extension(verbatim('SOPAuthorizationDateAndTime="2024x"'))
    assert rewrite(old, about(**{WHEN: "2025"})) == [when("2025")]


def test_what_could_not_be_read_stays_unless_something_is_said_of_it():
    old = extension(status("AO"), status("AC"), comment("x"))
    assert rewrite(old, about(**{COMMENT: "y"})) == [status("AO"), status("AC"), comment("y")]
    assert rewrite(old, about(**{COMMENT: "x", STATUS: "OR"})) == [status("OR"), comment("x")]


def test_a_rewritten_time_has_the_site_s_offset_and_says_so_in_its_place():
    issues = Issues()
    old = Found(about(), None)
    new = about(**{WHEN: "20240102030405"})
    made = ext.rewrite(extension(), GROUP, old, new, "+0200", issues.at("at"))
    assert made["extension"][0] == when("2024-01-02T03:04:05+02:00")
    assert [(i.code, i.location) for i in issues] == [("fhir/date-time-shortened", "at")]


def test_an_extension_with_other_slices_says_more():
    ours = extension(status("AO"), holder("A"), verbatim("x"), comment("x"))
    assert not ext.says_more(ours, GROUP)
    assert not ext.says_more({"url": GROUP.extension}, GROUP)
    for more in (THEIRS, "x", {}):
        assert ext.says_more(extension(status("AO"), more), GROUP)


def test_slices_are_counted_up_to_the_limit():
    assert not ext.is_crowded(extension(*[THEIRS] * 3), 3)
    assert ext.is_crowded(extension(*[THEIRS] * 4), 3)
    for inner in ({}, {"extension": None}, {"extension": {"a": 1, "b": 2}}):
        assert not ext.is_crowded(inner, 1)


def test_a_slice_whose_url_is_no_text_stays():
    """Whatever stands there, a statement that goes leaves it."""
    for url in (["status"], {}, None, 7):
        assert ext.says_more(extension(status("AO"), {"url": url}), GROUP)
