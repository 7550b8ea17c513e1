"""The shipped tables of a wheel, proved when it was built: the same as read, or not used at all."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from zlib import crc32

import pytest
from samples_of import ROOT
from sopstatus.table.language import PROFILE_FILE

from tools import missing

NEEDED = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "plugin", "mappings", "samples")
LOADED = """
import json, os, sys
from dataclasses import asdict
from sopstatus.table import proved
from sopstatus.table.load import load
here = os.path.dirname(proved._folder())
assert here == os.path.join(sys.argv[1], "sopstatus"), here
found = proved.read()
def said(tables):
    firsts = [tables.available.index(group) for group in tables.groups]
    held = [[group.attributes.index(row) for row in group.slices] for group in tables.available]
    return repr((asdict(tables), firsts, held))
print(json.dumps([found and said(found), said(load())]))
"""
FIRST = "import sys, sopstatus; sopstatus.codec('hl7').decode(%r); print(*sys.modules)"
MESSAGE = (ROOT / "samples/authorized-original/message.hl7").read_bytes()


def run(*command, **kind):
    return subprocess.run(command, capture_output=True, text=True, check=False, **kind)


def python(path, code, *arguments):
    """Return what an interpreter prints that has this on its path, and no site's packages."""
    environment = {**os.environ, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = run(sys.executable, "-S", "-c", code, *arguments, env=environment, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel, built from the sdist as `python -m build` does it."""
    place = tmp_path_factory.mktemp("built")
    (place / "tree").mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / name, place / "tree" / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, place / "tree")
    # the environment's setuptools, which is as pyproject.toml wants it: no network
    done = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", place, place / "tree")
    if "Missing dependencies" in done.stdout + done.stderr:
        missing("setuptools", "", "make .venv/.ready")
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = place.glob("*.whl")
    assert not (place / "tree/mappings/proved.json").exists()
    return found


@pytest.fixture
def installed(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path)
    return tmp_path


def test_what_an_earlier_build_left_is_not_packed(wheel, tmp_path):
    tree = shutil.copytree(wheel.parent / "tree", tmp_path / "tree")
    for name in ("approval-status.toml", "instance-availability.toml"):
        done = run(sys.executable, "setup.py", "-q", "build_py", cwd=tree)
        assert done.returncode == 0, done.stderr
        packed = tree / "build/lib/sopstatus/mappings"
        assert name in json.loads((packed / "proved.json").read_text())["files"]
        (tree / "mappings" / name).unlink()
    done = run(sys.executable, "setup.py", "-q", "build_py", cwd=tree)
    assert done.returncode == 0, done.stderr
    left = {file.name for file in packed.glob("*.toml")}
    assert left == {file.name for file in (tree / "mappings").glob("*.toml")}
    assert set(json.loads((packed / "proved.json").read_text())["files"]) == left - {PROFILE_FILE}


def both(installed):
    """Return the shipped tables as they were proved, and as they are read."""
    return json.loads(python(installed, LOADED, installed))


def test_the_same_as_read(installed):
    proved, read = both(installed)
    assert proved == read
    assert f"{installed}/sopstatus/mappings/sop-instance-status.toml" in read
    assert "enabled=False" in read or "'enabled': False" in read


def test_no_bytecode_is_packed(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "sopstatus/mappings/proved.json" in names
    assert not [name for name in names if "__pycache__" in name]


def test_a_first_message_reads_and_proves_nothing(installed):
    careful = {"tomllib", "hashlib", "sopstatus.table.load", "sopstatus.table.check"}
    slow = {"datetime", "decimal", "pathlib"}  # each more than the message itself
    assert not (careful | slow) & set(python(installed, FIRST % MESSAGE).split())
    (installed / "sopstatus/mappings/proved.json").unlink()
    assert careful <= set(python(installed, FIRST % MESSAGE).split())


def test_a_zipped_wheel_is_read_and_proved(wheel):
    names = "import sopstatus; print([g.name for g in sopstatus.load_tables().available])"
    assert "approval-status" in python(wheel, names)


def test_built_twice_it_is_the_same(installed):
    file = installed / "sopstatus/mappings/proved.json"
    before = file.read_bytes()
    python(installed, "from sopstatus.table.proved import write; write()")
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["site.toml", "sop-instance-status.toml", "approval-status.toml"])
def test_an_edited_table_is_read(installed, name):
    file = installed / "sopstatus/mappings" / name
    file.write_bytes(file.read_bytes() + b"\n")
    assert both(installed)[0] is None


def test_an_edited_table_is_proved(installed):
    file = installed / "sopstatus/mappings/sop-instance-status.toml"
    file.write_text(file.read_text().replace('vr      = "CS"', 'vr      = "XX"', 1))
    code = (
        "import sopstatus\ntry: sopstatus.load_tables()\nexcept sopstatus.TableError as e: print(e)"
    )
    assert '"XX" is not one of' in python(installed, code)


def test_a_table_that_came_or_went_is_noticed(installed):
    folder = installed / "sopstatus/mappings"
    (folder / "approval-status.toml").rename(folder / "another.toml")
    assert both(installed)[0] is None
    (folder / "another.toml").unlink()
    assert both(installed)[0] is None


def test_damage_is_noticed(installed):
    """Whichever byte it is, and wherever it ends."""
    file = installed / "sopstatus/mappings/proved.json"
    whole = file.read_bytes()
    code = """
import sys
from pathlib import Path
from sopstatus.table import proved
file = Path(proved._folder(), proved.FILE)
whole = file.read_bytes()
for at in range(0, len(whole), 101):
    for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:]):
        file.write_bytes(damaged)
        if proved.read():
            print(at)
"""
    assert python(installed, code) == ""
    file.write_bytes(whole)
    assert both(installed)[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.update(version="0.0.9"),
        lambda said: said.pop("version"),
        lambda said: said["files"].pop("site.toml"),
        lambda said: said.pop("tables"),
        lambda said: said["tables"].pop("sha256"),
        lambda said: said["tables"]["site"].pop("canonical"),
        lambda said: said["tables"]["site"].update(another="x"),
        lambda said: said["tables"]["groups"][0].pop("title"),
        lambda said: said["tables"]["groups"][0]["attributes"][0].pop("file"),
        lambda said: said["tables"]["groups"][0]["attributes"][0].update(another="x"),
    ],
)
def test_another_version_is_noticed(installed, change):
    """Also one whose checksum is right."""
    file = installed / "sopstatus/mappings/proved.json"
    said = json.loads(file.read_bytes())
    del said["crc32"]
    change(said)
    rest = json.dumps(said).encode()[1:]
    file.write_bytes(b'{"crc32": "%08x", ' % crc32(rest) + rest)
    assert both(installed)[0] is None
