"""An analyst's day in the terminal, every command a real process: the walk of docs/mapping-authors.md."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sopstatus import SOPInstance, codec, load_tables

BIN = Path(sys.executable).parent
MESSAGES = int(os.environ.get("REPLAYED", "10000"))


class Terminal:
    """Runs commands as they are typed, in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the plugins of these tests are not the analyst's
            "PYTEST_PLUGINS": "pytest_sopstatus",
        }

    def __call__(self, line, code=0):
        done = subprocess.run(
            line.split(), cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)


def write_messages(file, tables):
    """Write a batch as a feed has it: every third message says that it is a phantom."""
    under = codec("hl7", tables=tables)
    with file.open("wb") as batch:
        batch.write(b"FHS|^~\\&|RIS\rBHS|^~\\&|RIS\r")
        for n in range(MESSAGES):
            uids = (f"1.2.{n}", f"1.2.{n}.1", "1.2.840.10008.5.1.4.1.1.2", f"1.2.{n}.1.1", "")
            said = {"SOPInstanceStatus": "AO", "QualityControlImage": ("NO", "YES")[n % 3 == 0]}
            x = SOPInstance(*uids, said)
            batch.write(under.encode([x], under.blank([x])).value)
        batch.write(f"BTS|{MESSAGES}\rFTS|1\r".encode())


def test_the_day(terminal):
    folder = terminal.folder
    # a table for Quality Control Image, and a case that shows what it does
    made = terminal("sopstatus new QualityControlImage --into site").split()
    assert made == [
        "site/quality-control-image.toml",
        "site/cases/quality-control-image/case.toml",
    ]
    table = folder / made[0]

    # an error while editing, at its place, with what was probably meant
    table.write_text(table.read_text().replace("datatype", "datatyp"))
    told = terminal("sopstatus check site", code=1).splitlines()
    row = next(i for i, line in enumerate(told) if "unknown key" in line)
    assert re.match(r"site/quality-control-image\.toml:20:25: error: attribute\.1\.hl7", told[row])
    assert told[row + 2].index("^") == told[row + 1].index("datatyp")
    assert told[row + 2].count("^") == len("datatyp")
    assert told[row + 3].strip() == '= did you mean "datatype"?'
    stopped = terminal("pytest -q --sopstatus-mappings site site/cases", code=4)
    assert "passed" not in stopped

    # mended
    table.write_text(table.read_text().replace("datatyp ", "datatype "))
    assert "quality-control-image 0.1.0 on, 1 attributes" in terminal("sopstatus check site")
    assert "7 passed" in terminal("pytest -q --sopstatus-mappings site site/cases")

    # ten thousand stored messages, and a change of the table: another display, one more alias
    write_messages(folder / "stored.hl7", load_tables(folder / "site"))
    shutil.copytree(folder / "site", folder / "changed")
    other = folder / "changed" / table.name
    other.write_text(
        other.read_text()
        .replace("0.1.0", "0.2.0")
        .replace("Quality control or phantom image", "Phantom")
    )
    shown = terminal("pytest -q --sopstatus-mappings changed changed/cases", code=1)
    assert re.search(
        r"ZDS-11 \| YES\^Quality control or phantom.* \| YES\^Phantom\^99SOPSTATUS", shown
    )
    terminal("pytest -q --sopstatus-mappings changed --sopstatus-update changed/cases")
    assert "7 passed" in terminal("pytest -q --sopstatus-mappings changed changed/cases")

    # what the display does to stored messages: nothing is read otherwise
    assert "documents, " in terminal("sopstatus diff site changed --replay stored.hl7 --to fhir")

    # a field that moves is another matter: the diff says so before it ships
    other.write_text(other.read_text().replace("field = 11", "field = 12"))
    told = terminal("sopstatus diff site changed --replay stored.hl7 --to fhir", code=1)
    yes = (MESSAGES + 2) // 3
    assert f"{MESSAGES} documents, {MESSAGES} read: {MESSAGES} change" in told
    assert re.search(rf"{MESSAGES - yes}  QualityControlImage\[\] +NO -> \(nothing\)", told)
    assert re.search(rf"{yes}  QualityControlImage\[\] +YES -> \(nothing\)", told)
    assert f"{MESSAGES} become other fhir" in told
    assert "quality-control-image: version 0.1.0 -> 0.2.0" in told
    assert "quality-control-image: QualityControlImage: field: 11 -> 12" in told
    record = json.loads(
        terminal("sopstatus diff site changed --replay stored.hl7 --to fhir --json", code=1)
    )
    assert record["changed"] == MESSAGES
