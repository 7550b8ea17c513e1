"""Every name that a file system takes is scanned, written, resumed and found again."""

import json
import os
import subprocess
import sys
from collections import Counter

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sopstatus import scan
from sopstatus.cli import main
from sopstatus.documents.files import files, spelled, unspelled

from archive.names import ODD, made


@given(st.binary(max_size=30) | st.sampled_from(ODD))
def test_a_name_comes_back_from_its_spelling(name):
    text = os.fsdecode(name)
    told = spelled(text)
    told.encode("utf-8")  # raises where it is none
    assert unspelled(told) == text


@given(st.text(alphabet="\\udc5f89a", max_size=20))
def test_what_looks_like_a_spelling_is_none(text):
    assert unspelled(spelled(text)) == text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("odd") / "archive"
    place.mkdir()
    made(place)
    return place


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
def test_every_file_has_its_row_and_the_row_its_file(folder, tmp_path, form):
    out = tmp_path / "out"
    asked = ["scan", str(folder), "-o", str(out), "--format", form, "--part-rows", "7"]
    assert main(asked) == 0
    part = sorted(out.glob("part-*"))[3]
    part.unlink()
    assert main([*asked, "--resume"]) == 0  # a scan killed at that moment goes on
    read = "read_ndjson" if form == "ndjson" else "read_parquet"
    found = duckdb.sql(f"SELECT source FROM {read}('{out}/part-*')").fetchall()
    assert Counter(unspelled(source) for (source,) in found) == Counter(files([folder]))
    if form == "parquet":
        rows = [row for one in out.glob("part-*") for row in pq.read_table(one).to_pylist()]
        assert all(os.path.lexists(unspelled(row["source"])) for row in rows)
    else:
        assert all(json.loads(line) for one in out.glob("part-*") for line in one.open())


def test_a_name_that_none_can_be_is_a_row():
    (found,) = scan(["a\0b"])
    assert [one.code for one in found.issues] == ["document/unreadable"]


def test_what_would_wait_for_ever_is_a_row(tmp_path):
    """A pipe that is named itself, or takes the place of a file after the walk."""
    os.mkfifo(tmp_path / "fifo")
    command = [sys.executable, "-m", "sopstatus", "scan", tmp_path / "fifo", "/dev/zero"]
    done = subprocess.run([*command, "-o", tmp_path / "out"], timeout=60, check=False)
    assert done.returncode == 0
    (part,) = (tmp_path / "out").glob("part-*")
    codes = [one["code"] for row in pq.read_table(part).to_pylist() for one in row["issues"]]
    assert codes == ["document/unreadable"] * 2
    assert [i.code for one in scan([tmp_path / "fifo"]) for i in one.issues] == codes[:1]
