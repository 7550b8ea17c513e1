"""Structured events: one an issue, one a transformation, and nothing that a person could be in."""

import json
import re
import subprocess
import sys

import pytest
import structlog
from samples_of import CASES, sample
from sopstatus import DocumentError, Result, SOPInstance, codec, load_tables, log, transformer
from sopstatus.catalogue import document_error, issue


@pytest.fixture(autouse=True)
def _as_it_was():
    yield
    structlog.reset_defaults()


def events(capsys):
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


@pytest.mark.parametrize("case", CASES)
def test_one_event_an_issue_and_one_a_transformation(case, capsys):
    log.configure(json=True, level="debug")
    result = codec("hl7").decode(sample(case, "hl7"))
    log.report(result, source="hl7", seconds=0.25)
    *told, last = events(capsys)
    assert [(e["event"], e["severity"], e["location"], e["diagnostics"]) for e in told] == [
        (i.code, i.severity, i.location, i.diagnostics) for i in result.issues
    ]
    assert last["event"] == "transformation"
    assert last["statements"] == len(result.value)
    assert (last["source"], last["seconds"]) == ("hl7", 0.25)
    tables = load_tables()
    assert last["sha256"] == tables.sha256
    assert last["tables"] == {group.name: group.version for group in tables.groups}
    assert sum(last["issues"].values()) == len(result.issues)


def test_terms_are_counted_and_values_that_are_no_term_are_not_shown(capsys):
    log.configure(json=True, level="info")
    said = ["AO", "AO", "NS", "DOE^JANE", None]
    statements = [SOPInstance("1.2", "", "", f"1.2.{n}", "", {"SOPInstanceStatus": value,
                  "SOPAuthorizationComment": "DOE^JANE"}) for n, value in enumerate(said)]  # fmt: skip
    log.report(Result(b"MSH|"), statements=statements, source="fhir", target="hl7")
    (event,) = events(capsys)
    assert event["terms"] == {"SOPInstanceStatus": {"AO": 2, "NS": 1, "emptied": 1, "other": 1}}
    assert event["statements"] == 5
    assert (event["source"], event["target"]) == ("fhir", "hl7")
    assert "DOE" not in str(event)


def test_a_document_is_no_statement(capsys):
    log.configure(json=True, level="info")
    log.report(transformer("dicom", "hl7")(sample("original", "dicom")))
    assert "statements" not in events(capsys)[-1]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["fatal", "error", "warning", "information"]),
        ("info", ["fatal", "error", "warning", "information"]),
        ("warning", ["fatal", "error", "warning"]),
        ("error", ["fatal", "error"]),
        ("critical", ["fatal"]),
    ],
)
def test_levels(level, expected, capsys):
    log.configure(json=True, level=level)
    facts = {"value": "x", "keyword": "K", "terms": "AO", "charset": "c"}
    codes = ("document/empty", "value/unknown-term", "hl7/charset-missing", "hl7/null")
    log.report([issue(code, "", **facts) for code in codes])
    assert [e["severity"] for e in events(capsys)] == expected


def test_an_exception_and_people(capsys):
    log.configure(json=False, level="info")
    log.report(document_error("hl7/no-msh", ""), channel="ORU-in")
    (line,) = capsys.readouterr().err.splitlines()
    assert "[critical ] hl7/no-msh" in line
    assert "channel=ORU-in" in line


@pytest.mark.parametrize(
    "value", ["DOE^JANE", "Jane Doe", b"MSH|", {"a": 1}, "x" * 65, "a\nb", "", ["AO"], "é"]
)
def test_what_may_be_a_person_is_left_out(value, capsys):
    log.configure(json=True, level="info")
    log.report([issue("hl7/null", "", keyword="K")], given=value)
    assert events(capsys)[0]["given"] == "(left out)"


@pytest.mark.parametrize(
    "value", ["hl7", 3, 0.5, True, None, "ORU-in/1", "2024-01-02T03:04:05+01:00"]
)
def test_numbers_and_words_are_let_through(value, capsys):
    log.configure(json=True, level="info")
    log.report([issue("hl7/null", "", keyword="K")], given=value)
    assert events(capsys)[0]["given"] == value


def test_usage():
    with pytest.raises(ValueError, match="loud"):
        log.configure(json=True, level="loud")


def test_only_this_module_loads_structlog():
    script = "import sys, sopstatus.acknowledge, sopstatus.outcome, sopstatus.cli.convert\n"
    script += "sys.exit('structlog' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_nothing_is_configured_by_importing_or_reporting(capsys):
    before = structlog.is_configured()
    log.report([issue("hl7/null", "", keyword="K")])
    assert structlog.is_configured() is before is False
    assert "hl7/null" in capsys.readouterr().out  # structlog's own default


def test_a_fault_is_told_by_its_path_below_the_package():
    for fault, place in (
        (lambda: codec("hl7").decode(3.5), r"codecs/shared/taken\.py:\d+"),
        (lambda: next(iter(())), r"test_log\.py:\d+"),
    ):
        with pytest.raises((DocumentError, StopIteration)) as error:
            fault()
        assert re.fullmatch(place, log.line_of(error.value))
