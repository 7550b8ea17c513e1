"""The spool by itself and its command: answers that are kept, pages, age, versions, room, senders."""

import json
import resource
import shutil
import signal
import sqlite3
import time

import pytest
from engines.destination import Receiver
from engines.mllp.test_forward import command, forwarding, free_port, rows
from engines.running import Client, code, message
from engines.test_trust import wait_for
from small_disk import empty, fill, small_disk
from sopstatus import DocumentError
from sopstatus.engines.delivery.fhir import judged
from sopstatus.engines.delivery.spool import Fault, New, Spool

BARE = b"MSH|^~\\&|A\r"


def many(folder, count, sent=0):
    """Make a spool of so many messages, the first of which are sent, a day ago."""
    spool = Spool(folder)
    with spool.writing() as db:
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO message (state, stream, control_id, body, size, received, changed)"
            " SELECT CASE WHEN i <= ? THEN 'sent' ELSE 'queued' END, 1, CAST(i AS BLOB), ?, 11, 1, ?"
            " FROM n",
            (count, sent, BARE, time.time() - 86_000),
        )
    spool.begin(sent, sent)
    spool.close()


def test_a_dead_letter_keeps_what_its_destination_said(tmp_path):
    said = [
        b"MSH|^~\\&|PACS|A|RIS|H|2024||ACK|1|P|2.5\rMSA|AE|77|DOE^JANE is no patient\rERR||PID^1^3|204^x|E\r"
    ]
    with (
        Receiver(lambda *_: said[0]) as receiver,
        forwarding(tmp_path, receiver.address) as running,
        Client(running.port) as client,
    ):
        assert code(client.ask(message())) == "AA"
        (row,) = wait_for(lambda: rows(tmp_path, "dead"))
    assert (row["reason"], row["answer"], row["attempts"]) == ("refused", "AE PID^1^3 204", 1)
    told = command("show", tmp_path, 1)[1]
    assert "AE PID^1^3 204" in told and "DOE" not in told
    assert command("export", tmp_path, 1, "--answer", "-o", tmp_path / "answer.hl7")[0] == 0
    assert (tmp_path / "answer.hl7").read_bytes().strip() == said[0].strip()
    assert (tmp_path / "answer.hl7").stat().st_mode & 0o777 == 0o600
    assert command("replay", tmp_path, 1)[0] == 0
    status, told = command("export", tmp_path, 1, "--answer", "-o", tmp_path / "gone")
    assert status == 3 and "there is no answer" in told


def test_a_fhir_server_s_codes_are_shown_and_its_answer_is_kept():
    outcome = {"resourceType": "OperationOutcome", "issue": [
        {"severity": "error", "code": "not-found", "diagnostics": "Patient/DOE is not known"},
        {"severity": "warning", "code": "informational"}]}  # fmt: skip
    verdict = judged(422, json.dumps(outcome).encode())
    assert (verdict.kind, verdict.answer) == ("dead-letter", "HTTP 422 not-found")
    assert b"DOE" in verdict.said
    for body in (
        b"",
        b"{",
        b"[]",
        b'{"issue": 3}',
        b'{"issue": [{"severity": "error", "code": "DOE JANE"}]}',
    ):
        assert judged(500, body).answer == "HTTP 500"


@pytest.mark.parametrize("version", [1, 3])
def test_a_spool_of_another_version_is_refused_in_words(tmp_path, version):
    if version == 1:
        with sqlite3.connect(tmp_path / "spool.db") as db:
            db.execute("CREATE TABLE spool (own INTEGER NOT NULL)")
    else:
        Spool(tmp_path).close()
        with sqlite3.connect(tmp_path / "spool.db") as db:
            db.execute("UPDATE spool SET version = 3")
    db.close()
    with pytest.raises(DocumentError, match=f"version {version}, and this sopstatus has version 2"):
        Spool(tmp_path)
    status, told = command("list", tmp_path)
    assert status == 3 and "mllp/other-spool" in told


def test_a_long_spool_is_listed_in_pages(tmp_path):
    many(tmp_path, 2500, sent=100)
    first = json.loads(command("list", tmp_path, "--json")[1].rpartition("]")[0] + "]")
    assert [row["id"] for row in first] == list(range(1, 1001))
    status, told = command("list", tmp_path, "--limit", "3", "--after", "7")
    assert status == 0 and told.count("\n") == 5 and "there are more: --after 10" in told
    assert (
        command("list", tmp_path, "--state", "queued", "--limit", "1")[1].splitlines()[1][:3]
        == "101"
    )
    assert "more" not in command("list", tmp_path, "--after", "2400")[1]


def steps(folder, work):
    """Return how many steps of its machine SQLite takes for some work."""
    spool, count = Spool(folder), 0

    def step():
        nonlocal count
        count += 1

    spool._db.set_progress_handler(step, 100)
    work(spool)
    spool.close()
    return count


@pytest.mark.parametrize("work", [
    lambda spool: spool.recover(), lambda spool: list(spool.entries("", 0, 100)),
    lambda spool: spool.queued(spool.progress()[0], 200, 1 << 20), lambda spool: spool.waiting(),
    lambda spool: spool.add([New(BARE, 1, b"x")]), lambda spool: list(spool.entries("dead", 0, 1)),
], ids=["start", "page", "batch", "metrics", "store", "dead"])  # fmt: skip
def test_no_step_grows_with_the_spool(tmp_path, work):
    """A start, a page, a batch, a look of the metrics and a message take the same in any spool."""
    many(tmp_path / "small", 2000)
    many(tmp_path / "large", 40_000)
    assert steps(tmp_path / "large", work) <= steps(tmp_path / "small", work) + 5


def test_what_was_sent_long_ago_is_pruned(tmp_path):
    many(tmp_path, 30_000, sent=25_000)
    assert command("prune", tmp_path, "--older-than", "2d")[1] == "forgot 0 messages\n"
    assert command("prune", tmp_path, "--older-than", "1h")[1] == "forgot 25000 messages\n"
    spool = Spool(tmp_path)
    assert spool.counts() == {"queued": 5000, "sent": 0, "dead": 0, "replayed": 0}
    spool.close()
    assert command("prune", tmp_path, "--older-than", "soon")[0] == 2


def test_messages_are_refused_before_the_disk_is_full_and_delivery_goes_on(tmp_path):
    """Of 4 MiB, 5 % stay free."""
    port = free_port()
    with (
        small_disk(tmp_path / "disk", 4 << 20) as place,
        forwarding(place / "spool", f"127.0.0.1:{port}") as running,
        Client(running.port) as client,
    ):
        assert code(client.ask(message("1"))) == "AA"
        fill(place, leave=40)
        answer = client.ask(message("2"))
        assert code(answer) == "AR" and b"mllp/no-room" in answer
        with Receiver(port=port) as receiver:
            assert receiver.wait(1) == ["1"]
        empty(place)
        assert code(client.ask(message("3"))) == "AA"


def test_who_sends_what_is_counted(tmp_path):
    def said(sender, status, number=1):
        text = message(status=f"{status}^^99SOPSTATUS").replace(
            "|RIS|HOSPITAL|", f"|{sender}|HOSPITAL|"
        )
        with Client(running.port) as client:
            for _ in range(number):
                assert code(client.ask(text)) == "AE"

    with Receiver() as receiver, forwarding(tmp_path, receiver.address) as running:
        said("RIS", "XX", 3)
        said("RIS", "YY")
        said("LAB", "XX")
        found = wait_for(
            lambda: len(f := json.loads(command("senders", tmp_path, "--json")[1])) == 3 and f
        )
    keys = ("application", "facility", "code", "field", "value", "times")
    assert tuple(found[0][key] for key in keys) == (
        "RIS", "HOSPITAL", "value/unknown-term", "ZDS-5", "XX", 3)  # fmt: skip
    assert sorted((row["application"], row["value"], row["times"]) for row in found) == [
        ("LAB", "XX", 1), ("RIS", "XX", 3), ("RIS", "YY", 1)]  # fmt: skip
    told = command("senders", tmp_path)[1]
    assert told.splitlines()[0].split() == [
        "MSH-3",
        "MSH-4",
        "CODE",
        "FIELD",
        "VALUE",
        "TIMES",
        "LAST",
    ]


def test_a_sender_that_makes_up_codes_fills_no_disk(tmp_path):
    spool = Spool(tmp_path)
    spool.count({Fault("RIS", "H", "value/unknown-term", "ZDS-5", f"X{n}"): 1 for n in range(1500)})
    assert len(spool.faults()) == 1000
    spool.count({Fault("RIS", "H", "value/unknown-term", "ZDS-5", "X1"): 2})
    for n in range(2000):  # what is said again and again stays, and a new sender is seen
        spool.count({Fault("RIS", "H", "value/unknown-term", "ZDS-5", f"Y{n}"): 1})
    spool.count({Fault("LAB", "H", "value/unknown-term", "ZDS-5", "XX"): 1})
    assert spool.faults()[0][4:6] == ("X1", 2) and len(spool.faults()) == 1000
    assert ("LAB", "XX") in [(one.application, one.value) for one in spool.faults()]
    spool.close()


def gone(folder):
    shutil.rmtree(folder)


def moved(folder):
    folder.rename(folder.with_name("old"))


def anew(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def restored(folder):
    shutil.copy(folder / "spool.db", folder / "copy")
    (folder / "copy").replace(folder / "spool.db")


def without(name):
    def removed(folder):
        (folder / name).unlink()

    return pytest.param(removed, id=name)


@pytest.mark.parametrize("done", [gone, moved, anew, restored, *map(without, (
    "spool.db", "spool.db-wal", "spool.db-shm", "progress"))])  # fmt: skip
def test_nothing_is_acknowledged_into_a_file_that_has_no_name_any_more(tmp_path, done):
    """Whoever cleans up, mounts or restores under a service that runs: it would all be lost at its end."""
    with (
        forwarding(tmp_path / "spool", f"127.0.0.1:{free_port()}") as running,
        Client(running.port) as client,
    ):
        assert code(client.ask(message("1"))) == "AA"
        done(tmp_path / "spool")
        answer = client.ask(message("2"))
        assert code(answer) == "AR" and (
            b"mllp/damaged-spool" in answer or b"mllp/not-stored" in answer
        )


@pytest.mark.parametrize("task", [["list"], ["prune", "--older-than", "0s"], ["replay", "1"]])
def test_no_command_writes_beside_a_service_whose_files_were_removed(tmp_path, task):
    """The second process would begin the log of the database anew, and the first go on in the old one."""
    folder, stored = tmp_path / "spool", [str(n).encode() for n in range(20)]
    with (
        forwarding(folder, f"127.0.0.1:{free_port()}") as running,
        Client(running.port) as client,
    ):
        for one in stored:
            assert code(client.ask(message(one.decode()))) == "AA"
        (folder / "spool.db-shm").unlink()
        status, told = command(task[0], folder, *task[1:])
        assert status == 3 and "mllp/damaged-spool" in told
        assert code(client.ask(message("x"))) == "AR"
    again = Spool(folder)
    assert [one.control_id for one in again.entries()] == stored
    again.close()


@pytest.mark.parametrize("start", [100_003, 131_071, 180_001])
def test_wherever_a_write_ends_what_was_stored_is_there(tmp_path, start):
    """A file may grow to so many bytes and no more, and the spool is written until it says so."""
    spool = Spool(tmp_path)
    stored, refused = [], ""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (start, before[1]))
    try:
        while not refused:
            try:
                stored += spool.add([New(BARE + b"x" * 700, 1, b"%d" % len(stored))])
            except DocumentError as error:
                refused = error.issues[0].code
            else:
                spool.begin(stored[-1] - 1, stored[-1])
                spool.settle(stored[-1] - 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert refused == "mllp/not-stored"
    spool.close()
    again = Spool(tmp_path)
    assert [one.id for one in again.entries()] == stored
    assert again.queued(again.recover(), 9, 1 << 20)[0][0].repeated
    again.close()
