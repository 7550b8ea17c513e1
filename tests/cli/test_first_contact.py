"""What a newcomer meets: the demonstration, and the samples as files."""

import re
import subprocess
from pathlib import Path

import pytest
import sopstatus
from cli_terminal import on_a_terminal
from samples_of import FOLDER, ROOT
from sopstatus.cli import demo, main

CASES = sorted(path.parent.name for path in FOLDER.glob("*/image.dcm"))


def test_the_demonstration(capsys):
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    for piece in (
        "(0100,0410)  SOPInstanceStatus                          AO  Authorized Original",
        "|AO^Authorized Original^99SOPSTATUS|20240115103015+0100|Released after review|SYN-CERT-4711",
        '{"url": "status", "valueCode": "AO"},',
        "identical, byte for byte",
        "(0100,0410)  SOPInstanceStatus  NS",
        "warning link/untrusted (0100,0410): ",
        'HL7 ZDS-9          SOPAuthorizationDateTime="20240115103015.123456-0500"  the exact text',
    ):
        assert piece in out
    rows = out.partition("over one that is not\n")[2].partition("\n\n")[0].splitlines()
    assert [row.split()[0] for row in rows] == CASES
    assert all(" identical " in row for row in rows)


def test_the_demonstration_compares(monkeypatch, capsys):
    """What comes back changed is said, and is the exit code."""
    monkeypatch.setattr(demo, "TRUSTED", sopstatus.Link())
    assert main(["demo"]) == 1
    out = capsys.readouterr().out
    assert "came back: DIFFERENT" in out
    assert len(re.findall(r"^  [a-z-]+ .* DIFFERENT ", out, re.MULTILINE)) == len(CASES) - 3 + 1


def test_the_status_is_coloured_on_a_terminal():
    code, shown = on_a_terminal("demo")
    assert code == 0
    assert "|\x1b[1;32mAO^Authorized Original^99SOPSTATUS\x1b[0m|" in shown
    code, shown = on_a_terminal("demo", env={"NO_COLOR": "1"})
    assert code == 0 and "\x1b" not in shown


def test_what_it_says_to_try(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command in demo._TRY:
        assert main(command.split()) == 0
    assert (tmp_path / "try" / "mirth" / "channel-dicom.xml").is_file()


def test_make_demo_has_an_environment_of_its_own():
    """The package and what it needs: no group of development, and nothing editable."""
    run = ["make", "--dry-run", "--always-make", "demo"]
    steps = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    installs = [line for line in steps.splitlines() if "pip install" in line]
    assert installs and all(line.startswith("build/demo/bin/python ") for line in installs)
    assert all(line.endswith(" .") and "-qq" in line for line in installs)
    assert not any(word in steps for word in ("--group", "--editable", ".venv"))


# samples


def test_the_samples_as_files(tmp_path, capsys):
    out = tmp_path / "try"
    assert main(["samples", str(out)]) == 0
    shipped = {path.relative_to(FOLDER) for path in FOLDER.glob("*/**/*") if path.is_file()}
    shipped = {path for path in shipped if "__pycache__" not in path.parts}
    assert {path.relative_to(out) for path in out.glob("*/**/*") if path.is_file()} == shipped
    for path in shipped:
        assert (out / path).read_bytes() == (FOLDER / path).read_bytes()
    assert not list(out.glob("*.py"))
    capsys.readouterr()
    assert main(["samples", str(out)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["samples"]) == 0
    assert "authorized-original/image.dcm" in capsys.readouterr().out.splitlines()


def test_the_samples_from_python():
    assert sopstatus.samples.names() == CASES
    image = sopstatus.samples.path("authorized-original") / "image.dcm"
    assert isinstance(image, Path) and image.is_file()
    with pytest.raises(LookupError, match="authorized-original"):
        sopstatus.samples.path("../secret")
