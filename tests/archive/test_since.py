"""``scan --since``: what is new or changed since an earlier scan, and since the scans before it."""

import os
import shutil
from collections import Counter

import pyarrow.parquet as pq
import pytest
from sopstatus.cli import main

from archive.made import made


@pytest.fixture
def archive(tmp_path):
    made(tmp_path / "archive", 60)
    return tmp_path / "archive"


def scanned(archive, out, *options):
    main(["scan", str(archive), "-o", str(out), "--part-rows", "7", *map(str, options)])
    found = [pq.read_table(part).column("source").to_pylist() for part in out.glob("part-*")]
    return Counter(os.path.relpath(name, archive) for names in found for name in names)


def test_only_what_is_new_or_changed_is_read(archive, tmp_path):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    assert sum(scanned(archive, first).values()) == 60
    one, other, gone = (
        archive / "000000/00000003.dcm",
        archive / "000001/00000041.dcm",
        archive / "000000/00000001.dcm",
    )
    old = one.stat()
    shutil.copy(other, one)  # another size or time
    shutil.copy(one, archive / "000000" / "00000003.new")
    os.utime(archive / "000000" / "00000005.dcm", ns=(1, old.st_mtime_ns + 1))  # the same size
    gone.unlink()
    changed = {"000000/00000003.dcm", "000000/00000003.new", "000000/00000005.dcm"}
    assert scanned(archive, second, "--since", first) == Counter(changed)
    assert scanned(archive, third, "--since", second) == Counter()
    shutil.copy(other, archive / "last")
    assert scanned(archive, tmp_path / "fourth", "--since", third) == Counter(["last"])


def test_what_could_not_be_read_is_read_again(archive, tmp_path):
    (archive / "dangling").symlink_to(tmp_path / "later")
    scanned(archive, tmp_path / "first")
    assert scanned(archive, tmp_path / "second", "--since", tmp_path / "first") == Counter(
        ["dangling"]
    )


def test_a_file_that_came_back_as_it_was_before_the_last_scan_has_changed(archive, tmp_path):
    file = archive / "000000" / "00000003.dcm"
    kept = tmp_path / "kept"
    shutil.copy2(file, kept)
    scanned(archive, tmp_path / "first")
    shutil.copy(archive / "000001" / "00000041.dcm", file)
    scanned(archive, tmp_path / "second", "--since", tmp_path / "first")
    shutil.copy2(kept, file)
    found = scanned(archive, tmp_path / "third", "--since", tmp_path / "second")
    assert found == Counter(["000000/00000003.dcm"])


def test_it_is_resumed_with_the_same_earlier_scan_only(archive, tmp_path, capsys):
    first, out = tmp_path / "first", tmp_path / "out"
    scanned(archive / "000000", first)
    shutil.copytree(archive / "000001", archive / "000000" / "new")
    whole = scanned(archive / "000000", out, "--since", first)
    assert sum(whole.values()) == 20
    sorted(out.glob("part-*"))[1].unlink()
    assert scanned(archive / "000000", out, "--since", first, "--resume") == whole
    asked = ["scan", str(archive / "000000"), "-o", str(out), "--resume"]
    assert main(asked) == 3
    assert "archive/other-scan /" in capsys.readouterr().err
    asked = ["scan", str(archive / "000001"), "-o", str(tmp_path / "x"), "--since", str(first)]
    assert main(asked) == 3
    assert "archive/other-scan --since" in capsys.readouterr().err
