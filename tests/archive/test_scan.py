"""``sopstatus.scan``: a record for every file, in order, whatever the file and whoever reads it."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom.data
import pytest
from sopstatus import Scanned, codec, scan
from sopstatus.documents.files import files

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
RELEASED = SAMPLES / "authorized-original"
KINDS = {
    "image.dcm": "dicom",
    "imaging-study.json": "fhir",
    "message.hl7": "hl7",
    "message.xml": "hl7-xml",
    "metadata.json": "dicom-json",
}


@pytest.fixture
def archive(tmp_path):
    """More files than a scan reads in its own process: each sample and broken ones, synthetic."""
    broken = {"empty": b"", "cut.dcm": (RELEASED / "image.dcm").read_bytes()[:400], "text": b"no"}
    for number in range(30):
        folder = tmp_path / f"{number:02}"
        shutil.copytree(RELEASED, folder)
        for name, data in broken.items():
            (folder / name).write_bytes(data)
        for index in range(3):
            shutil.copy(SAMPLES / "absent" / "image.dcm", folder / f"silent{index}.dcm")
    return tmp_path


def test_one_of_each_format_says_what_its_codec_reads():
    found = list(scan([RELEASED]))
    assert {Path(one.source).name: one.format for one in found} == KINDS
    for one in found:
        document = Path(one.source).read_bytes()
        said = codec(one.format).decode(json.loads(document) if one.format == "fhir" else document)
        assert one.instances == said.value
        assert one.issues == said.issues


def test_an_instance_that_nothing_is_said_of_is_told():
    (found,) = scan([SAMPLES / "absent" / "image.dcm"])
    assert [one.attributes for one in found.instances] == [()]
    assert found.instances[0].sop_instance_uid
    (found,) = scan([SAMPLES / "absent" / "imaging-study.json"])
    assert {one.attributes for one in found.instances} == {()}


@pytest.mark.parametrize("workers", [None, 1, 2, 3])
def test_processes_change_nothing(archive, workers):
    expected = [(str(p)) for p in sorted(archive.rglob("*")) if p.is_file()]
    records = list(scan([archive], workers=workers))
    assert [one.source for one in records] == expected
    assert len(records) == 330
    assert records == list(scan(expected, workers=1))


def test_data_sets_are_held_by_whom_the_caller_names():
    paths = [RELEASED / "image.dcm", SAMPLES / "absent" / "image.dcm", RELEASED / "message.hl7"]
    held = [one.holder for found in scan(paths, holder="PACS") for one in found.instances]
    assert held == ["PACS", "PACS", ""]


def test_each_runs_where_the_file_was_read(archive):
    sizes = list(scan([archive], workers=2, each=pickle.dumps))
    assert [pickle.loads(data) for data in sizes] == list(scan([archive], workers=1))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_scan_reads_no_further_ahead_than_it_must(workers):
    taken = []

    def names():
        for _ in range(100_000):
            taken.append(None)
            yield RELEASED / "image.dcm"

    records = scan(names(), workers=workers)
    for _ in range(10):
        assert next(records).format == "dicom"
    assert len(taken) < 2000
    records.close()


def test_whoever_stops_early_leaves_no_process_behind():
    code = (
        "import sys; from sopstatus import scan\n"
        f"found = scan([{str(RELEASED / 'image.dcm')!r}] * 20000, workers=2)\n"
        "next(found); found.close()\n"
        "import multiprocessing; print(multiprocessing.active_children())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_bad_files_are_records(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_bytes(b"hello")
    (tmp_path / "cut.dcm").write_bytes(
        (RELEASED / "image.dcm").read_bytes().partition(b"Released")[0]
    )
    found = {Path(one.source).name: one for one in scan([tmp_path, tmp_path / "none"])}
    codes = {name: [issue.code for issue in one.issues] for name, one in found.items()}
    assert codes == {
        "cut.dcm": ["dicom/truncated"],
        "empty": ["document/empty"],
        "none": ["document/unreadable"],
        "text": ["document/unknown-format"],
    }
    assert all(one.instances == () for one in found.values())
    assert found["none"] == Scanned(str(tmp_path / "none"), "", (), found["none"].issues)


def test_folders(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "2").touch()
    (tmp_path / "b" / "1").touch()
    (tmp_path / "a").touch()
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "circle").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert [os.path.relpath(f, tmp_path) for f in files([tmp_path])] == [
        *("a", "b/1", "b/c/2", "nowhere")
    ]
    assert list(files([tmp_path / "a", "other"])) == [str(tmp_path / "a"), "other"]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b").mkdir()
    found = files([tmp_path])
    assert next(found) == str(tmp_path / "a")
    (tmp_path / "b").rmdir()
    (gone,) = scan(found)
    assert gone.source == str(tmp_path / "b")
    assert [issue.code for issue in gone.issues] == ["document/unreadable"]


def test_every_file_that_pydicom_ships():
    paths = sorted(map(str, Path(pydicom.data.__file__).parent.rglob("*.dcm")))
    assert len(paths) > 50
    records = list(scan(paths, workers=1))
    assert [one.source for one in records] == paths
    assert sum(one.format == "dicom" for one in records) > 50
