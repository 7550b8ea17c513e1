"""What libraries warn of never stands beside our own output on standard error."""

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from sopstatus.cli import main

TESTS = Path(__file__).resolve().parent
FOLDERS = (TESTS.parent / "samples", TESTS / "issue_samples", TESTS / "malformed" / "cases")
FILES = sorted(
    path
    for folder in FOLDERS
    for path in folder.rglob("*.*")
    if path.suffix in (".dcm", ".json", ".hl7", ".xml", ".gz")
)
WARNS = TESTS / "malformed" / "cases" / "d7-pydicom-warning-on-stderr.dcm"
MESSAGE = TESTS / "issue_samples" / "shared" / "authorized.hl7"


@pytest.fixture
def run(capfdbinary, recwarn):
    """Return what runs a command, in which nothing is warned of, and gives what it prints."""

    def called(*arguments):
        with warnings.catch_warnings():  # as a process of its own begins
            warnings.resetwarnings()
            warnings.simplefilter("always")
            code = main([*map(str, arguments)])
        told = capfdbinary.readouterr()
        assert [str(warning.message) for warning in recwarn.list] == []
        return code, told.err

    return called


def acknowledged(answer):
    """Return every MSA-1 of an answer, which is a message, or one for each of a batch."""
    segments = re.split(rb"\r\n?|\n", answer)  # it ends as the message's own segments do
    assert segments.pop() == b""
    names = [segment[:3] for segment in segments]
    assert names[:2] == [b"MSH", b"MSA"]
    assert set(names) <= {b"MSH", b"MSA", b"ERR"}
    fields = [segment.split(segments[0][3:4]) for segment in segments]
    return {field[1] for field in fields if field[0] == b"MSA"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_standard_error_holds_our_own_answer_and_nothing_else(path, run, tmp_path):
    code, told = run("show", path, "--issues", "json")
    assert isinstance(json.loads(told), list)
    options = ("--issues", "ack", "-o", tmp_path / "out")
    if path.suffix == ".hl7":
        code, answer = run("convert", path, "--to", "hl7", *options)
    elif path.suffix == ".dcm":
        code, answer = run("convert", MESSAGE, "--to", "dicom", "--into", path, *options)
    else:
        return
    if code != 2:  # SOURCE is no message
        accepted, refused = {b"AA"}, {b"AE", b"AR", b"CE", b"CR"}
        assert acknowledged(answer) <= accepted | (refused if code else set())


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", WARNS, "--issues", "json"],
        ["convert", WARNS, "--to", "fhir", "--issues", "json"],
        ["scan", WARNS, "--workers", "2", "--format", "ndjson", "-o", "{out}"],
        ["explain", WARNS],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_process_of_its_own(arguments, tmp_path):
    given = [str(one).format(out=tmp_path / "out") for one in arguments]
    command = [sys.executable, "-m", "sopstatus", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Warning" not in done.stderr
    assert "site-packages" not in done.stderr
    if "json" in arguments:
        assert isinstance(json.loads(done.stderr), list)


def test_the_file_is_one_that_pydicom_warns_of():
    import pydicom

    with pytest.warns(UserWarning, match="file meta|File Meta|explicit|implicit"):
        pydicom.dcmread(WARNS)
