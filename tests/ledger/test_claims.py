"""What a document says over a link that nobody vouched for: kept, shown, and no evidence."""

import json

import pytest
from ledger.told import COMPLETE, UID, at, minute, seen, whole_life
from samples_of import FOLDER
from sopstatus import Link, codec
from sopstatus.audit import log as audit_log
from sopstatus.cli import main
from sopstatus.codecs.hl7 import message
from sopstatus.ledger import Ledger
from sopstatus.profile import NOTHING, Circumstances, receive

CASE = FOLDER / "authorized-original"
FORGED = seen("AO", "PACS", **COMPLETE)


@pytest.fixture
def ledger(database):
    with Ledger(database) as opened:
        yield opened


def found(ledger):
    return [(one.code, one.location) for _, issues in ledger.check() for one in issues]


def states(ledger, uid=UID):
    return {held.holder: held.state for held in ledger.holdings(uid)}


def test_a_claim_makes_nobody_a_holder(ledger):
    ledger.claim([FORGED, seen("OR", "CT")], time=minute(0))
    assert states(ledger) == {}
    assert ledger.statements("1.2.3") == []
    assert found(ledger) == []
    assert (len(ledger), ledger.claims()) == (1, 2)
    assert [fact.claimed for fact in ledger.facts(UID)] == [True, True]


def test_a_claim_changes_no_holding(ledger):
    """Whether it comes before or after what was seen."""
    ledger.claim([FORGED], time=minute(0))
    ledger.observe([seen("NS", "PACS")], time=minute(1))
    ledger.claim([FORGED], time=minute(2))
    ledger.observe([seen("NS", "PACS")], time=minute(3))
    assert states(ledger) == {"PACS": "NS"}
    assert [dict(x.attributes) for x in ledger.statements("1.2.3")] == [{"SOPInstanceStatus": "NS"}]
    assert found(ledger) == [("ledger/claimed-otherwise", f"{UID}@PACS")]
    assert len(ledger.facts(UID)) == 2  # a claim between them does not make a scan add a row


def test_two_claims_at_once_are_named_and_none_is_chosen(ledger):
    ledger.claim([seen("NS", "PACS"), seen("AO", "PACS"), seen("AO", "CT")], time=minute(0))
    assert found(ledger) == [("ledger/claimed-twice", f"{UID}@PACS")]
    ledger.claim([seen("AO", "PACS")], time=minute(1))  # later: a change
    assert found(ledger) == [("ledger/claimed-twice", f"{UID}@PACS")]


def test_a_claim_vouches_for_no_copy(ledger):
    """An AO that somebody claims is none that a copy could be of."""
    ledger.observe([seen("AC", "VIEWER")], time=minute(0))
    ledger.claim([FORGED], time=minute(1))
    assert found(ledger) == [("ledger/copy-without-original", f"{UID}@VIEWER")]


def test_nor_does_a_record_of_what_came_over_such_a_link(ledger):
    """We took it in as NS; that it said AO is no evidence of an AO."""
    untrusted = Circumstances(Link(secure=False), "PACS", "CT", "demote-to-copy", minute(0))
    arrived = receive(seen("AO", **COMPLETE), held=NOTHING, at=untrusted)
    assert (arrived.record.received, arrived.record.after) == ("AO", "NS")
    ledger.add([arrived.record])
    ledger.observe([seen("AC", "VIEWER")], time=minute(1))
    assert states(ledger) == {"PACS": "NS", "VIEWER": "AC"}
    assert found(ledger) == [("ledger/copy-without-original", f"{UID}@VIEWER")]
    assert ledger.claims() == 0


def test_a_claim_makes_no_original_old(ledger):
    ledger.claim([seen("OR", "CT")], time=minute(0))
    ledger.observe([seen("OR", "CT")], time=minute(60 * 20))
    late = "2024-01-02T10:00:00.000Z"
    assert [list(issues) for _, issues in ledger.check(original_age=1, at=late)] == [[]]


def test_a_claim_of_before_may_have_been_right(ledger):
    ledger.claim([seen("OR", "PACS")], time=minute(0))
    ledger.observe([FORGED], time=minute(1))
    assert found(ledger) == []
    ledger.claim([FORGED], time=minute(2))  # and this one says the same
    assert found(ledger) == []


def test_the_study_that_a_claim_names_is_not_taken(ledger):
    stranger = seen("AO", "PACS")
    ledger.claim([type(stranger)("9.9", "9.9.1", "", UID, "PACS", {})], time=minute(0))
    ledger.observe([FORGED], time=minute(1))
    assert ledger.statements("9.9") == []
    assert [x.study_instance_uid for x in ledger.statements("1.2.3")] == ["1.2.3"]


def test_the_same_claim_again_adds_nothing(ledger):
    assert ledger.claim([FORGED], time=minute(0)).new == 1
    assert ledger.claim([FORGED], time=minute(0)).known == 1
    assert ledger.observe([FORGED], time=minute(0)).new == 1
    assert states(ledger) == {"PACS": "AO"}


def test_only_some_holders_may_be_spoken_for(ledger):
    for take in (ledger.observe, ledger.claim):
        done = take([seen("AO", "CT"), FORGED, seen("AO")], holder="OTHER", only=["PACS"])
        assert done.new == 1
        assert [(i.code, i.location) for i in done.issues] == [
            ("ledger/other-holder", "statement[0]"),
            ("ledger/other-holder", "statement[2]"),
        ]
    done = ledger.add(whole_life(), only=["CT", "VIEWER"])
    assert {i.code for i in done.issues} == {"ledger/other-holder"}
    assert set(states(ledger)) == {"CT", "PACS", "VIEWER"}
    assert at("CT", 0).holder == "CT"


def run(capsys, *arguments):
    code = main(["ledger", *map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.fixture
def forged(tmp_path):
    """A message whose ZDS-10 names a holder that has not sent it, and the same in FHIR."""
    known = codec("hl7").encode([FORGED], message([FORGED])).value
    (tmp_path / "message.hl7").write_bytes(known)
    made = codec("fhir").encode([FORGED], known=[FORGED]).value
    (tmp_path / "study.json").write_text(json.dumps(made))
    return [tmp_path / "message.hl7", tmp_path / "study.json"]


@pytest.mark.parametrize("n", [0, 1])
def test_what_a_stranger_sends_is_a_claim(database, forged, capsys, n):
    add = ("add", database, "--time", "2024-01-01T00:00Z")
    assert run(capsys, *add, forged[n]) == (0, "1 new, 0 known\n", "")
    told = run(capsys, "check", database)
    assert told == (0, "1 instances, 0 findings, 1 claims that are not evidence\n", "")
    shown = run(capsys, "show", database, UID)[1]
    assert "claimed AO" in shown
    assert "since" not in shown
    (fact,) = json.loads(run(capsys, "show", database, UID, "--json")[1])["facts"]
    assert fact["claimed"] is True
    # who vouches for the link has evidence
    assert run(capsys, *add, forged[n], "--trusted-link") == (0, "1 new, 0 known\n", "")
    assert "PACS              AO   since" in run(capsys, "show", database, UID)[1]


@pytest.mark.parametrize("n", [0, 1])
def test_nor_may_he_speak_for_another(database, forged, capsys, n):
    for more in ((), ("--trusted-link",)):
        add = ("add", database, forged[n], "--only-holder", "CT", "--only-holder", "VIEWER")
        code, out, err = run(capsys, *add, *more)
        assert (code, out) == (1, "0 new, 0 known\n")
        assert err.startswith("error ledger/other-holder statement[0]: ")
        assert "PACS" not in err


def test_data_sets_are_what_was_seen(database, capsys):
    for file in ("image.dcm", "metadata.json"):
        run(capsys, "add", database, CASE / file, "--holder", "PACS")
    assert run(capsys, "check", database)[1] == "1 instances, 0 findings\n"


def test_an_audit_file_may_be_limited_to_its_holder(database, tmp_path, capsys):
    audit_log.append(tmp_path / "audit.jsonl", whole_life())
    code, out, err = run(capsys, "add", database, tmp_path / "audit.jsonl", "--only-holder", "CT")
    assert (code, out) == (1, "4 new, 0 known\n")
    assert err.count("ledger/other-holder record[") == 4


def test_an_audit_file_in_a_folder_is_nobodys(database, tmp_path, capsys):
    """Whoever may put a file there could have written a whole chain."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    audit_log.append(folder / "study.json", whole_life())
    code, out, err = run(capsys, "add", database, folder)
    assert (code, out) == (0, "0 new, 0 known\n")
    assert err.startswith("warning ledger/audit-in-folder ")
    assert run(capsys, "add", database, folder / "study.json")[1] == "8 new, 0 known\n"


def test_what_is_scanned_is_seen_and_messages_are_claims(database, tmp_path, forged, capsys):
    pytest.importorskip("duckdb")
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "image.dcm").write_bytes((CASE / "image.dcm").read_bytes())
    (folder / "message.hl7").write_bytes(forged[0].read_bytes())
    main(["scan", str(folder), "-o", str(tmp_path / "out"), "--holder", "ARCHIVE"])
    export = ["export", str(tmp_path / "out"), "--to", "ledger", "-o", database]
    assert main([*export, "--holder", "ARCHIVE", "--only-holder", "ARCHIVE"]) == 1
    assert "ledger/other-holder" in capsys.readouterr().err
    assert run(capsys, "check", database)[1] == "1 instances, 0 findings\n"
    assert main([*export, "--holder", "ARCHIVE"]) == 0
    capsys.readouterr()
    told = run(capsys, "check", database)[1]
    assert told == "2 instances, 0 findings, 1 claims that are not evidence\n"


@pytest.mark.parametrize(
    ("only", "taken", "refused"),
    [(["ARCHIVE"], 1, 1), (["PACS"], 1, 1), (["ARCHIVE", "PACS"], 2, 0), (["RIS"], 0, 2)],
)
def test_a_scan_may_be_limited_to_its_holders(tmp_path, forged, capsys, only, taken, refused):
    pytest.importorskip("duckdb")
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "image.dcm").write_bytes((CASE / "image.dcm").read_bytes())
    (folder / "message.hl7").write_bytes(forged[0].read_bytes())
    scan = ["scan", str(folder), "-o", str(tmp_path / "out"), "--holder", "ARCHIVE"]
    scan += ["--to", "ledger", str(tmp_path / "ledger.db")]
    assert main([*scan, *(f"--only-holder={one}" for one in only)]) == bool(refused)
    told = capsys.readouterr()
    assert told.out.endswith(f"{taken} new, 0 known\n")
    assert told.err.count("error ledger/other-holder statement[") == refused


@pytest.mark.parametrize(
    "command",
    [
        ("scan", str(FOLDER), "-o", "out", "--to", "fhir", "out.ndjson"),
        ("scan", str(FOLDER), "-o", "out"),
        ("export", "out", "--to", "changes", "--ledger", "ledger.db"),
    ],
)
def test_no_limit_is_ignored(command, capsys):
    assert main([*command, "--only-holder", "PACS"]) == 2
    assert capsys.readouterr().err == "error: --only-holder needs --to ledger\n"
