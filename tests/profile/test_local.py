"""The same held copy in another format, on the same machine: no link is crossed, and nothing changes."""

import itertools
import json
import re
from dataclasses import replace

import pydicom
import pytest
from samples_of import ROOT, sample
from sopstatus import DocumentError, Link, codec, profile, transformer
from sopstatus.audit import log as audit_log
from sopstatus.cli import COMMANDS, main, parser
from sopstatus.codecs import DATA_SETS, FORMATS
from sopstatus.profile import Copy

LOCAL = Link.local()
AO = sample("authorized-original", "dicom")
(KNOWN,) = codec("dicom").decode(AO).value
SAID = {
    "AO": dict(KNOWN.attributes),
    "OR": {"SOPInstanceStatus": "OR"},
    "AC": {"SOPInstanceStatus": "AC", "SOPAuthorizationComment": "reviewed"},
    "NS": {"SOPInstanceStatus": "NS"},
}


def stating(name, term):
    """Return a data set of a format that states a term."""
    under = codec(name)
    blank = AO if name == "dicom" else under.blank([KNOWN])
    bare = under.encode([replace(KNOWN, attributes=())], blank).unwrap()
    stated = replace(KNOWN, attributes=tuple(sorted(SAID[term].items())))
    return under.encode([stated], bare).unwrap(), stated


@pytest.mark.parametrize("term", SAID)
@pytest.mark.parametrize("pair", [*itertools.product(DATA_SETS, DATA_SETS)], ids="-to-".join)
def test_it_states_the_same_and_has_its_record(pair, term):
    document, stated = stating(pair[0], term)
    result = transformer(*pair)(document, link=LOCAL, holder="PACS")
    assert not [issue for issue in result.issues if issue.code.startswith("link/")]
    (said,) = codec(pair[1]).decode(result.unwrap()).value
    assert said.attributes == stated.attributes and said.identity == stated.identity
    (record,) = result.records
    assert (record.event, record.before, record.after) == ("respell", term, term)
    assert (record.outcome, record.rule, record.holder) == ("done", "interpretation", "PACS")
    assert (record.secure, record.authenticated, record.conforms) == (None, None, None)
    if pair[0] == pair[1]:
        assert type(result.value) is type(document)


def test_pydicom_reads_the_same():
    made = transformer("dicom", "dicom-json")(AO, link=LOCAL).unwrap()
    (one,) = made if isinstance(made, list) else json.loads(made)
    dataset = pydicom.Dataset.from_json(one)
    assert dataset.SOPInstanceStatus == "AO"
    assert dataset.SOPAuthorizationComment == "Released after review"


def test_another_document_is_another_copy():
    bare, _ = stating("dicom-json", "NS")
    for given in ({"into": bare}, {"outbound": Link()}, {"outbound": LOCAL}):
        with pytest.raises(ValueError, match="one held copy"):
            transformer("dicom", "dicom-json")(AO, link=LOCAL, **given)


STATEMENTS = sorted(set(FORMATS) - set(DATA_SETS))
PAIRS = [pair for pair in itertools.product(FORMATS, FORMATS) if not {*pair} <= {*DATA_SETS}]


@pytest.mark.parametrize("pair", PAIRS, ids="-to-".join)
def test_statements_about_copies_are_refused(pair):
    document = (
        stating(pair[0], "AO")[0]
        if pair[0] in DATA_SETS
        else sample("authorized-original", "hl7" if pair[0].startswith("hl7") else "fhir")
    )
    with pytest.raises(ValueError, match="formats of data sets"):
        transformer(*pair)(document, link=LOCAL)


def test_it_is_never_a_trusted_link():
    assert not LOCAL.trusted
    for name in ("secure", "authenticated", "conforms"):
        with pytest.raises(ValueError, match="crosses no link"):
            Link(is_local=True, **{name: True})
    at = profile.Circumstances(link=LOCAL, policy="demote-to-copy", time="2024-01-01T00:00:00Z")
    assert profile.receive(KNOWN, at=at).copy.state == "NS"
    assert profile.send(Copy.of(KNOWN), at=at).sent.get("SOPInstanceStatus") == "NS"
    assert not profile.transfer(Copy.of(KNOWN), at=at).done


def test_what_is_read_in_two_ways_or_is_no_term_is_refused():
    at = AO.index(b"\x00\x01\x10\x04CS\x02\x00AO")
    again = AO[: at + 10] + b"\x00\x01\x10\x04CS\x02\x00NS" + AO[at + 10 :]
    padded = AO[:at] + b"\x00\x01\x10\x04CS\x02\x00XX" + AO[at + 10 :]
    for data in (again, padded):
        for target in DATA_SETS:
            with pytest.raises(DocumentError) as caught:
                transformer("dicom", target)(data, link=LOCAL)
            assert "profile/not-written" in [one.code for one in caught.value.issues]
            assert all(record.outcome == "refused" for record in caught.value.records)


def test_no_request_and_no_setting_can_say_so():
    for name in set(COMMANDS) - {"convert"}:
        assert not [x for x in parser(name).everything() if "--local" in x.option_strings], name
    own = ROOT / "plugin" / "sopstatus"
    for path in own.rglob("*.py"):
        inside = path.relative_to(own).as_posix()
        if inside not in ("profile/link.py", "cli/convert.py", "transform.py"):
            assert not re.search(r"\.local\(\)|is_local=|\.is_local\b", path.read_text()), inside


# the command line


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.dcm"
    path.write_bytes(AO)
    return path


def test_convert_local(image, tmp_path, capsys):
    out, log = tmp_path / "out.json", tmp_path / "audit.jsonl"
    given = ["convert", str(image), "--to", "dicom-json", "-o", str(out)]
    assert main(given) == 0
    err = capsys.readouterr().err
    assert "warning link/untrusted" in err and "--local says" in err
    assert main([*given, "--local", "--audit", str(log)]) == 0
    assert capsys.readouterr().err == ""
    assert dict(codec("dicom-json").decode(out).value[0].attributes) == SAID["AO"]
    assert [record.event for record in audit_log.read(log)] == ["respell"]


def test_convert_refuses_it(image, tmp_path, capsys):
    message = tmp_path / "message.hl7"
    message.write_bytes(sample("authorized-original", "hl7"))
    json_out = ["--to", "dicom-json", "-o", str(tmp_path / "out"), "--local"]
    for given, why in (
        ([str(message), *json_out], f"{message} is hl7"),
        ([str(image), *json_out, "--into", str(image)], "--local excludes --into"),
        ([str(image), *json_out, "--trusted-link"], "--local excludes --trusted-link"),
        ([str(image), "--to", "fhir", "--local"], "--local has no meaning with --to fhir"),
    ):
        assert main(["convert", *given]) == 2
        assert why in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", [["SOPSTATUS_LOCAL"], ["sopstatus.toml"]], ids="".join)
def test_it_is_no_setting(source, image, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if source == ["SOPSTATUS_LOCAL"]:
        monkeypatch.setenv("SOPSTATUS_LOCAL", "1")
    else:
        (tmp_path / "sopstatus.toml").write_text("local = true\n")
    assert main(["convert", str(image), "--to", "dicom-json"]) == 2
    assert "pass --local on the command line" in capsys.readouterr().err
