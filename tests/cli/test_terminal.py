"""What is seen on a terminal, and what errors call what the user typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_terminal import on_a_terminal
from samples_of import FOLDER, bare
from sopstatus.catalogue import catalogue
from sopstatus.cli import main

CASE = FOLDER / "authorized-original"
IMAGE, MESSAGE, STUDY = (
    str(CASE / name) for name in ("image.dcm", "message.hl7", "imaging-study.json")
)


def test_a_message_is_shown_line_by_line(tmp_path):
    code, shown = on_a_terminal("convert", STUDY, "--to", "hl7", "--into", MESSAGE)
    data = (CASE / "message.hl7").read_bytes()
    assert code == 0
    assert shown.splitlines() == data.decode().rstrip("\r").split("\r")
    out = tmp_path / "out.hl7"
    assert main(["convert", STUDY, "--to", "hl7", "--into", MESSAGE, "-o", str(out)]) == 0
    assert out.read_bytes() == data  # in a file it is what it is


def test_a_message_on_a_pipe_is_bytes(capsysbinary):
    assert main(["convert", STUDY, "--to", "hl7", "--into", MESSAGE]) == 0
    assert capsysbinary.readouterr().out == (CASE / "message.hl7").read_bytes()


def test_no_escape_reaches_the_terminal(tmp_path):
    path = tmp_path / "message.hl7"
    path.write_bytes(
        (CASE / "message.hl7").read_bytes().replace(b"Synthetic report", b"\x1b[2J\x07x")
    )
    code, shown = on_a_terminal("convert", STUDY, "--to", "hl7", "--into", str(path))
    assert code == 0 and "\x1b" not in shown and "\x07" not in shown and "[2Jx" in shown


def test_nothing_binary_reaches_the_terminal(tmp_path):
    (tmp_path / "bare.dcm").write_bytes(bare("authorized-original", "dicom"))
    given = ["convert", MESSAGE, "--to", "dicom", "--into", str(tmp_path / "bare.dcm")]
    code, shown = on_a_terminal(*given)
    assert code == 2
    assert (
        shown == "error: a data set is binary, which is not for a terminal: name a file with -o\n"
    )


def test_issues_are_coloured_and_explained_once(tmp_path):
    path = tmp_path / "message.hl7"
    path.write_bytes(
        b"MSH|^~\\&|A|||||||1|P|2.5.1\rZDS|1.2.3|||1.2.3.4|XX|x\rZDS|1.2.3|||1.2.3.5|AO^^L\r"
    )
    code, shown = on_a_terminal("show", str(path))
    assert code == 1
    assert "\x1b[1;31merror\x1b[0m value/unknown-term ZDS[1]-5: " in shown
    assert "\x1b[33mwarning\x1b[0m " in shown
    assert shown.count("sopstatus issue ") == 1
    assert shown.endswith("sopstatus issue value/unknown-term explains this issue\n")
    code, shown = on_a_terminal("show", str(path), env={"NO_COLOR": "1"})
    assert "\x1b" not in shown and "\nerror value/unknown-term " in shown
    code, shown = on_a_terminal("show", str(path), env={"TERM": "dumb"})
    assert "\x1b" not in shown
    code, shown = on_a_terminal("show", IMAGE)
    assert code == 0 and "sopstatus issue" not in shown


def test_progress_needs_no_extra(tmp_path):
    code, shown = on_a_terminal("ledger", "add", str(tmp_path / "x.db"), IMAGE, "--holder", "PACS")
    assert code == 0 and "1 new, 0 known" in shown
    given = ["scan", str(CASE), "-o", str(tmp_path / "out"), "--workers", "1"]
    code, shown = on_a_terminal(*given)
    assert code == 0 and "files: " in shown
    code, shown = on_a_terminal(*given[:3], str(tmp_path / "out2"), *given[4:], "--quiet")
    assert code == 0 and "files: " not in shown


# show


def test_the_status_comes_first(capsys):
    assert main(["show", IMAGE]) == 0
    labels = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert labels[:4] == [
        "SOPInstanceStatus",
        "SOPAuthorizationDateTime",
        "SOPAuthorizationComment",
        "AuthorizationEquipmentCertificationNumber",
    ]


def test_many_files_a_line_each(capsys, tmp_path):
    absent = str(FOLDER / "absent" / "image.dcm")
    uid = "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
    assert main(["show", IMAGE, absent, "--brief"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"AO       {uid}  -  {IMAGE}",
        f"-        -  -  {absent}",
    ]
    assert main(["show", str(CASE), "--brief"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(list(CASE.iterdir()))
    assert main(["show", IMAGE, MESSAGE, "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["file"], one["format"]) for one in records] == [(IMAGE, "dicom"), (MESSAGE, "hl7")]
    assert main(["show", IMAGE, MESSAGE]) == 0
    assert f"\n{MESSAGE}:\nSOPInstanceStatus" in capsys.readouterr().out


def test_one_that_is_unreadable_does_not_stop_the_others(capsys, tmp_path):
    (tmp_path / "x").write_bytes(b"hello")
    assert main(["show", str(tmp_path / "x"), IMAGE, str(tmp_path / "none"), "--brief"]) == 3
    out, err = capsys.readouterr()
    assert out.startswith("AO ")
    assert [line.split()[1:3] for line in err.splitlines()] == [
        ["document/unknown-format", f"{tmp_path}/x:"],
        ["document/unreadable", f"{tmp_path}/none:"],
    ]


# convert


def test_many_into_a_folder(tmp_path, capsys):
    source, out = tmp_path / "in", tmp_path / "out"
    for case in ("authorized-original", "original"):
        (source / case).mkdir(parents=True)
        (source / case / "image.dcm").write_bytes((FOLDER / case / "image.dcm").read_bytes())
    assert main(["convert", str(source), "--to", "fhir", "-o", str(out)]) == 0
    made = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert made == ["authorized-original/image.json", "original/image.json"]
    single = tmp_path / "one.json"
    image = str(source / "original" / "image.dcm")
    assert main(["convert", image, "--to", "fhir", "-o", str(single)]) == 0
    assert single.read_bytes() == (out / "original" / "image.json").read_bytes()
    capsys.readouterr()
    given = [image, IMAGE, "--to", "fhir", "-o", str(tmp_path / "two")]
    assert main(["convert", *given]) == 2
    assert "would both become" in capsys.readouterr().err
    assert not (tmp_path / "two").exists()
    for more in ([], ["-o", str(out), "--into", STUDY], ["-o", str(out), "--issues", "ack"]):
        assert main(["convert", image, MESSAGE, "--to", "fhir", *more]) == 2


# what was typed


@pytest.mark.parametrize(
    ("given", "code", "name"),
    [
        (["show", "{0}/none"], 3, "{0}/none"),
        (["show", "{0}/bad"], 3, "{0}/bad"),
        (["explain", "{0}/bad"], 3, "{0}/bad"),
        (["convert", "{0}/none", "--to", "hl7"], 3, "{0}/none"),
        (["convert", MESSAGE, "--to", "fhir", "--into", "{0}/none"], 3, "{0}/none"),
        (["convert", MESSAGE, "--to", "fhir", "--into", "{0}/bad"], 3, "{0}/bad"),
        (["convert", MESSAGE, "--to", "fhir", "--into", IMAGE], 2, IMAGE),
        (["convert", MESSAGE, "--to", "fhir", "-o", "{0}/no/out"], 3, "{0}/no/out"),
        (["ledger", "check", "{0}/none.db"], 3, "{0}/none.db"),
        (
            ["ledger", "check", "postgresql://u:secret@127.0.0.1:9/x?y=1"],
            3,
            "postgresql://127.0.0.1:9/x",
        ),
        (["ledger", "add", "{0}/x.db", IMAGE, "{0}/bad", "--holder", "A"], 3, "{0}/bad"),
        (["audit", "verify", "{0}/none"], 3, "{0}/none"),
        (["report", "{0}/none"], 3, "{0}/none"),
        (["export", "{0}/none", "--to", "fhir", "-o", "{0}/x"], 3, "{0}/none"),
        (["spool", "list", "{0}/none"], 3, "{0}/none"),
        (["check", "{0}/none"], 1, "{0}/none"),
    ],
)
def test_errors_name_what_was_typed(given, code, name, tmp_path, capsys):
    (tmp_path / "bad").write_bytes(b"hello")
    assert main([one.format(tmp_path) for one in given]) == code
    out, err = capsys.readouterr()
    assert name.format(tmp_path) in out + err
    assert "secret" not in err
    for word in ("SOURCE", "TARGET", "FILE", "DB", "OUT", "DIR", "DOCUMENT", "SCANNED"):
        assert f" {word}" not in err.split(": ")[0], err


def test_a_machine_s_form_keeps_the_placeholder(tmp_path, capsys):
    """A path may hold a patient's name, and lines of JSON go into logs."""
    assert main(["show", str(tmp_path / "none"), "--issues", "json"]) == 3
    err = capsys.readouterr().err
    assert json.loads(err)[0]["location"] == "SOURCE" and str(tmp_path) not in err


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (["diff", "-", "-", "--replay", "{0}/none"], "--replay: there is no file or folder {0}/none"),
        (["scan", "{0}/none", "-o", "{0}/out"], "PATH: there is no file or folder {0}/none"),
        (["workbench", "--mappings", "{0}/none", "--port", "0"], "there is no file or folder {0}/none"),
        (["serve", "--port", "0", "--audit", "{0}/no/a"], "--audit {0}/no/a cannot be written: there is no"),
        (["serve", "--port", "0", "--audit", "{0}"], "--audit {0} cannot be written: it is a folder"),
        (["mllp", "--port", "0", "--source", "{0}/none"], "--source: there is no file or folder {0}/none"),
        (["show", IMAGE, "--mappings", "{0}/none"], "{0}/none"),
        (["convert", MESSAGE, "--to", "dicom", "--into", IMAGE, "-o", "{0}/x", "--audit", "{0}/no/a"],
         "--audit {0}/no/a cannot be written"),
    ],
)  # fmt: skip
def test_a_mistyped_path_is_usage_before_anything_starts(given, name, tmp_path, capsys):
    assert main([one.format(tmp_path) for one in given]) == 2
    out, err = capsys.readouterr()
    assert out == "" and name.format(tmp_path) in err and len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_no_placeholder_of_the_catalogue_reaches_a_person():
    for entry in catalogue().values():
        assert not set("{}") & set(entry.general_remedy + entry.cause)
        assert entry.general_remedy[0] != "-"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("where", [">/dev/full", ">&-"])
@pytest.mark.parametrize("task", ["help", "show", "convert", "samples", "send", "show --help"])
def test_standard_output_that_cannot_be_written(task, where):
    """One line and the exit code of what cannot be written; never a traceback."""
    given = {
        "show": f"show {FOLDER}",
        "convert": f"convert {FOLDER}/authorized-original/message.hl7 --to fhir",
        "send": f"send {FOLDER}/authorized-original/message.hl7 127.0.0.1:1",
    }.get(task, task)
    line = f"{sys.executable} -m sopstatus {given} {where}"
    ended = subprocess.run(
        line, check=False, shell=True, stderr=subprocess.PIPE, text=True, timeout=60
    )
    assert ended.returncode == 3
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(
        "fatal document/unwritable standard output: the file cannot be written ("
    )
    assert "Traceback" not in ended.stderr and "Exception ignored" not in ended.stderr


def test_a_closed_standard_error_is_not_standard_output():
    line = f"{sys.executable} -m sopstatus show nowhere 2>&-"
    ended = subprocess.run(line, check=False, shell=True, stdout=subprocess.PIPE, timeout=60)
    assert (ended.returncode, ended.stdout) == (3, b"")
