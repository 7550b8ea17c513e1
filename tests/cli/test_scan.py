"""``sopstatus scan``: a row an instance in part files, whatever ends the scan, and however often."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from archive.made import made
from sopstatus import load_tables, scan
from sopstatus.cli import main
from sopstatus.documents.files import files

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
KEYWORDS = list(load_tables().attributes)
UIDS = ("study_instance_uid", "series_instance_uid", "sop_class_uid", "sop_instance_uid",
        "holder", "holder_uid", "holder_uid_type")  # fmt: skip
DESCRIBED = ("modality", "station_name", "study_date", "acquisition_date", "context")
COUNT = 3000


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    made(folder, COUNT)
    return folder


def plain(scanned):
    """Return the rows that a record of `sopstatus.scan` makes, told anew."""
    rows = []
    for number, one in enumerate(scanned.instances or [None]):
        uids = [getattr(one, name) if one else "" for name in UIDS[:4]]
        uids += one.holder.parts if one else ("", "", "")
        told = [] if number else [(i.severity, i.code, i.location) for i in scanned.issues]
        said = dict(one.attributes) if one else {}
        beside = scanned.described[number] if one else ("",) * len(DESCRIBED)
        rows.append((scanned.source, scanned.format, *uids, *beside, said, told))
    return rows


def expected(*paths, **options):
    return [row for one in scan(paths, workers=1, **options) for row in plain(one)]


def of_parquet(out):
    rows = []
    for part in sorted(Path(out).glob("part-*.parquet")):
        for row in pq.read_table(part).to_pylist():
            said = {k: row[k] or None for k in sorted(KEYWORDS) if row[k] is not None}
            told = [(i["severity"], i["code"], i["location"]) for i in row["issues"]]
            rows.append(
                (row["source"], row["format"], *(row[n] for n in UIDS + DESCRIBED), said, told)
            )
    return rows


def of_ndjson(out):
    rows = []
    for part in sorted(Path(out).glob("part-*.ndjson")):
        for row in map(json.loads, part.read_text().splitlines()):
            told = [(i["severity"], i["code"], i["location"]) for i in row["issues"]]
            uids = (row[n] for n in UIDS + DESCRIBED)
            rows.append((row["source"], row["format"], *uids, row["attributes"], told))
    return rows


READERS = {"parquet": of_parquet, "ndjson": of_ndjson}


def command(*arguments):
    return [sys.executable, "-m", "sopstatus", "scan", *map(str, arguments)]


def start(*arguments, **options):
    return subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, text=True, **options)


def until(true):
    for _ in range(6000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("it never happened")


@pytest.mark.parametrize("form", READERS)
def test_rows_are_what_a_scan_reads(tmp_path, form, capsys):
    out = tmp_path / "out"
    assert main(["scan", str(SAMPLES), "-o", str(out), "--format", form, "--holder", "PACS"]) == 0
    rows = READERS[form](out)
    assert rows == expected(SAMPLES, holder="PACS")
    assert any(None in row[-2].values() for row in rows)  # emptied is not absent
    assert any(row[-1] and not row[1] for row in rows)  # unreadable
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rows"] == len(rows)
    assert summary["files"] == len(set(files([SAMPLES])))
    assert capsys.readouterr().out.startswith(f"{summary['files']} files, {len(rows)} rows, ")


@pytest.mark.parametrize(("case", "code"), [("authorized-original", 0), ("unknown-term", 1)])
def test_a_faulty_archive_is_told_by_the_exit_code_if_asked_for(tmp_path, case, code):
    scanned = ["scan", str(SAMPLES / case), "-o", str(tmp_path / "out")]
    assert main(scanned) == 0
    assert main([*scanned, "--resume", "--strict"]) == code


def test_a_site_s_table_has_its_columns(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "instance-availability.toml").write_text(
        (SAMPLES.parent / "mappings" / "instance-availability.toml")
        .read_text()
        .replace("enabled = false", "enabled = true")
    )
    image = SAMPLES / "original" / "image.dcm"
    out = tmp_path / "out"
    assert main(["scan", str(image), "-o", str(out), "--mappings", str(site)]) == 0
    assert "InstanceAvailability" in pq.read_table(out / "part-000000.parquet").column_names


def test_names_that_are_no_utf_8(tmp_path):
    name = os.fsencode(tmp_path) + b"/archive/\xff\n.dcm"
    (tmp_path / "archive").mkdir()
    Path(os.fsdecode(name)).write_bytes((SAMPLES / "original" / "image.dcm").read_bytes())
    for form in ("ndjson", "parquet"):
        arguments = ["scan", str(tmp_path / "archive"), "-o", str(tmp_path / form)]
        assert main([*arguments, "--format", form]) == 0
        assert main([*arguments, "--format", form, "--resume"]) == 0
        ((found, *_),) = READERS[form](tmp_path / form)
        assert found == f"{tmp_path}/archive/\\udcff\n.dcm"


@pytest.mark.parametrize("form", READERS)
def test_kill_9_again_and_again(archive, tmp_path, form):
    chance, out = random.Random(410), tmp_path / "out"
    arguments = [archive, "-o", out, "--format", form, "--part-rows", 60, "--workers", 2]
    killed = 0
    for _ in range(6):
        before = len(list(out.glob("part-*")))
        process = start(*arguments, *(["--resume"] if out.exists() else []))
        more = chance.randint(1, 4)
        until(
            lambda n=before + more, p=process: (
                len(list(out.glob("part-*"))) >= n or p.poll() is not None
            )
        )
        time.sleep(chance.random() / 50)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
    assert killed >= 3
    assert main(["scan", *map(str, arguments[:3]), "--resume", "--format", form]) == 0
    assert READERS[form](out) == expected(archive)
    assert {file.name for file in out.iterdir() if not file.name.startswith("part-")} == {
        *(".covers", ".lock", "scan.json", "summary.json")
    }


def children(pid):
    with suppress(FileNotFoundError):
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return set()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_it_leaves_no_process_and_keeps_what_was_done(archive, tmp_path, number):
    out = tmp_path / "out"
    arguments = [archive, "-o", out, "--part-rows", 100, "--workers", 2]
    process = start(*arguments, start_new_session=True)
    until(lambda: len(list(out.glob("part-*"))) >= 3)
    others = children(process.pid)
    assert others
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal sends it: to all of them
    else:
        process.send_signal(number)
    told, _ = process.communicate()
    until(lambda: not any(is_running(pid) for pid in others))
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert "stopped: continue with --resume" in told
        assert not (out / "summary.json").exists()
        done = int(told.split()[0])
        assert 300 <= done == sum(len(part(out, n)) for n in range(len(parts(out))))
    assert main(["scan", *map(str, arguments), "--resume"]) == 0
    assert of_parquet(out) == expected(archive)


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def parts(out):
    return sorted(out.glob("part-*"))


def part(out, number):
    return pq.read_table(parts(out)[number]).to_pylist()


def test_a_reading_process_that_dies_is_told_and_what_was_read_is_kept(archive, tmp_path):
    out = tmp_path / "out"
    arguments = [archive, "-o", out, "--part-rows", 100, "--workers", 2]
    process = start(*arguments, stderr=subprocess.PIPE)
    until(lambda: len(parts(out)) >= 3)
    for pid in children(process.pid):
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    _, told = process.communicate()
    assert process.returncode == 3
    assert told.startswith("fatal archive/process-killed -: ")
    assert len(told.splitlines()) == 1
    assert main(["scan", *map(str, arguments), "--resume"]) == 0
    assert of_parquet(out) == expected(archive)


def test_resuming_reads_what_is_new_and_only_that(tmp_path):
    archive, out = tmp_path / "archive", tmp_path / "out"
    made(archive, 300)
    arguments = ["scan", str(archive), "-o", str(out), "--part-rows", "37"]
    assert main(arguments) == 0
    first = of_parquet(out)
    assert main([*arguments, "--resume"]) == 0
    assert of_parquet(out) == first
    image = (SAMPLES / "original" / "image.dcm").read_bytes()
    for name in ("000000/0", "000003/new.dcm", "zzz"):
        (archive / name).write_bytes(image)
    gone = next(files([archive / "000004"]))
    Path(gone).unlink()
    for _ in range(2):  # what the second round has found is known to the third
        assert main([*arguments, "--resume"]) == 0
        assert [Path(row[0]).name for row in of_parquet(out)[len(first) :]] == [
            *("0", "new.dcm", "zzz")
        ]
    (archive / "000001" / "again").write_bytes(image)
    assert main([*arguments, "--resume"]) == 0
    assert sorted(map(str, of_parquet(out))) == sorted(
        map(str, [*(row for row in first if row[0] == gone), *expected(archive)])
    )


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_a_damaged_part_is_read_again(tmp_path, capsys, damage):
    archive, out = tmp_path / "archive", tmp_path / "out"
    made(archive, 100)
    arguments = ["scan", str(archive), "-o", str(out), "--part-rows", "30"]
    assert main(arguments) == 0
    file = out / "part-000001.parquet"
    data = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(data[:-9] if damage == "cut" else data[:50] + b"x" + data[51:])
    capsys.readouterr()
    assert main([*arguments, "--resume"]) == 0
    told = capsys.readouterr().err
    assert told.startswith("warning archive/part-damaged part-000001.parquet: ") or damage == "gone"
    assert sorted(map(str, of_parquet(out))) == sorted(map(str, expected(archive)))


def test_progress_for_schedulers(archive, tmp_path):
    done = subprocess.run(
        command(archive, "-o", tmp_path / "out", "--json"),
        capture_output=True,
        text=True,
        check=False,
    )
    last = json.loads(done.stderr.splitlines()[-1])
    unreadable = sum(
        not row[5] and any(severity in ("fatal", "error") for severity, _, _ in row[-1])
        for row in expected(archive)
    )
    assert unreadable > 10
    assert (last["files"], last["rows"], last["unreadable"]) == (COUNT, COUNT, unreadable)
    assert last.keys() == {
        *("files", "rows", "unreadable", "faulty", "total", "seconds", "rate", "eta")
    }


def test_a_file_that_is_named_twice_is_read_once(tmp_path):
    made(tmp_path / "a", 40)
    inner = next(files([tmp_path / "a"]))
    paths = [str(tmp_path / "a"), f"{tmp_path}/./a", inner]
    assert main(["scan", *paths, "-o", str(tmp_path / "out")]) == 0
    assert len(of_parquet(tmp_path / "out")) == 40


@pytest.mark.parametrize("out", [".", "out", "a/b/out"])
def test_out_is_not_read(tmp_path, out, capsys):
    assert main(["scan", str(tmp_path), "-o", str(tmp_path / out)]) == 2
    assert "must not be inside what is scanned" in capsys.readouterr().err
    assert list(islice(tmp_path.iterdir(), 1)) == []
