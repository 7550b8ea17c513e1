"""sopstatus ledger add, show and check."""

import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from ledger.told import COMMENT, UID, minute, seen, whole_life
from samples_of import FOLDER, bare
from sopstatus import Link, codec, transformer
from sopstatus.archive.progress import progress
from sopstatus.audit import log as audit_log
from sopstatus.cli import main
from sopstatus.ledger import Ledger

CASE = FOLDER / "authorized-original"


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "audit.jsonl"
    audit_log.append(file, whole_life())
    return file


def run(capsys, *arguments):
    code = main(["ledger", *map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_audit_files(database, log, capsys):
    assert run(capsys, "add", database, log) == (0, "8 new, 0 known\n", "")
    assert run(capsys, "add", database, log) == (0, "0 new, 8 known\n", "")
    assert run(capsys, "check", database) == (0, "1 instances, 0 findings\n", "")
    code, out, _ = run(capsys, "show", database, UID)
    assert code == 0
    assert "PACS              AO   since 2024-01-01T00:05:00.000Z\n" in out
    assert "authorize done: OR -> AO\n" in out
    assert "transfer done: AO -> AO> (peer PACS)\n" in out
    assert COMMENT not in out


def test_show_for_machines(database, log, capsys):
    run(capsys, "add", database, log)
    told = json.loads(run(capsys, "show", database, UID, "--json")[1])
    held = {h["holder"]: h["state"] for h in told["holdings"]}
    assert held == {"CT": "AC", "PACS": "AO", "VIEWER": "AC"}
    assert len(told["facts"]) == 8


def test_documents_of_every_format(database, capsys):
    files = sorted(CASE.glob("*.*"))
    documents = [f for f in files if f.suffix in (".dcm", ".hl7", ".json")]
    assert len(documents) >= 3
    options = ("--holder", "PACS", "--time", "2024-01-01T00:00Z")
    code, out, _ = run(capsys, "add", database, *documents, *options, "--trusted-link")
    assert (code, out) == (0, f"1 new, {len(documents) - 1} known\n")
    code, out, _ = run(capsys, "add", database, *documents, *options)  # some are claims now
    assert (code, out) == (0, f"1 new, {len(documents) - 1} known\n")


def test_a_data_set_needs_a_holder(database, capsys):
    code, out, err = run(capsys, "add", database, CASE / "image.dcm")
    assert (code, out) == (1, "0 new, 0 known\n")
    assert "error ledger/no-holder statement[0]: " in err


def test_what_is_unreadable_does_not_stop_the_rest(database, log, tmp_path, capsys):
    (tmp_path / "text").write_text("no document")
    code, out, err = run(capsys, "add", database, tmp_path / "text", tmp_path / "DOE", log)
    assert (code, out) == (3, "8 new, 0 known\n")
    assert "document/unknown-format" in err
    assert f"document/unreadable {tmp_path}/DOE: " in err  # what the user typed


def test_a_broken_chain_is_no_evidence(database, log, capsys):
    log.write_text(log.read_text().replace('"after":"OR"', '"after":"AO"', 1))
    code, out, err = run(capsys, "add", database, log)
    assert (code, out) == (1, "0 new, 0 known\n")
    assert "audit/changed line 1" in err


def test_check_tells_what_is_wrong(database, capsys):
    with Ledger(database) as ledger:
        ledger.observe([seen("OR", "A"), seen("OR", "B")], time=minute(0))
    code, out, err = run(capsys, "check", database, "--original-age", "1.5")
    counts = ["1  error ledger/two-holders", "2  warning ledger/original-too-old"]
    assert [line.strip() for line in out.splitlines()] == [*counts, "1 instances, 3 findings"]
    assert code == 1
    assert f"error ledger/two-holders {UID}: " in err
    assert f"warning ledger/original-too-old {UID}@A: " in err
    code, out, err = run(capsys, "check", database, "--json")
    (told,) = map(json.loads, out.splitlines())
    assert (code, told["code"], told["location"], err) == (1, "ledger/two-holders", UID, "")


def test_check_gives_five_examples_of_a_code_or_all(database, capsys):
    with Ledger(database) as ledger:
        for number in range(7):
            uid = f"{UID}.{number}"
            ledger.observe([replace(seen("OR", h), sop_instance_uid=uid) for h in "AB"])
    for more, shown in ((), 5), (("--all",), 7):
        code, out, err = run(capsys, "check", database, *more)
        assert (code, err.count("error ledger/two-holders")) == (1, shown)
        assert "      7  error ledger/two-holders\n" in out


def test_a_warning_is_no_error(database, capsys):
    with Ledger(database) as ledger:
        ledger.observe([seen("OR", "A")], time=minute(0))
    assert run(capsys, "check", database, "--original-age", "1")[0] == 0
    assert run(capsys, "check", database, "--original-age", "1", "--json")[0] == 0


def test_nothing_is_known(database, capsys):
    Ledger(database).close()
    assert run(capsys, "show", database, UID) == (0, "nothing is known about this instance\n", "")


def test_a_time_without_an_offset(database, log, capsys):
    assert run(capsys, "add", database, log, "--time", "2024-01-01T00:00")[0] == 2


def test_a_server_that_is_not_there(tmp_path, capsys):
    url = f"postgresql://nobody:secret@/DOE?host={tmp_path}"
    code, out, err = run(capsys, "check", url)
    assert (code, out) == (3, "")
    assert "fatal ledger/unavailable postgresql:///DOE: " in err
    assert "secret" not in err and str(tmp_path) not in err


@pytest.mark.parametrize("url", ["postgresql://[", "postgresql://h:port/x"])
def test_a_url_that_is_none(url, capsys):
    code, _, err = run(capsys, "check", url)
    assert code == 3
    assert "fatal ledger/unavailable postgresql://" in err


def test_without_the_extra(tmp_path):
    script = "import sys; sys.modules['sqlalchemy'] = None; from sopstatus.cli import main"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; sys.exit(main(['ledger', 'check', 'x.db']))"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == 'error: ledger needs the extra: pip install "sopstatus[ledger]"\n'
    assert not list(tmp_path.iterdir())


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal_only(monkeypatch):
    for stream, shown in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr("sys.stderr", stream)
        assert list(progress(iter(range(3)), "records")) == [0, 1, 2]
        assert bool(stream.getvalue()) is shown


def test_a_folder_of_documents(database, capsys):
    """Every format says the same of one copy; the folder has them all."""
    options = ("--holder", "PACS", "--time", "2024-01-01T00:00Z", "--trusted-link")
    code, out, _ = run(capsys, "add", database, CASE, *options)
    assert (code, out) == (0, f"1 new, {len(list(CASE.iterdir())) - 1} known\n")


def test_what_a_transformer_has_recorded(database):
    """A study of two instances, written onto the image of one, makes nobody a holder of the other."""
    study = FOLDER / "two-series"
    link = Link(secure=True, authenticated=True, conforms=True)
    carry = transformer("fhir", "dicom")
    done = carry(
        json.loads((study / "imaging-study.json").read_text()),
        bare("two-series", "dicom"),
        link=link,
        holder="PACS",
    )
    first, second = (
        codec("fhir").decode(json.loads((study / "imaging-study.json").read_text())).value
    )
    with Ledger(database) as ledger:
        assert ledger.add(done.records).new == 1
        assert [h.holder for h in ledger.holdings(first.sop_instance_uid)] == ["PACS"]
        assert ledger.holdings(second.sop_instance_uid) == []
