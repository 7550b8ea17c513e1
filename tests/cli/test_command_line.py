"""The command line, as a user meets it: files in, files and one line an issue out, exit codes."""

import io
import json
import subprocess
import sys

import pydicom
import pytest
from pydicom.data import get_testdata_file
from sopstatus import codec, transform
from sopstatus.cli import main


@pytest.fixture
def files(tmp_path):
    """An authorized image, the same unauthorized, its message and its resource."""
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    dataset.save_as(tmp_path / "bare.dcm")
    dataset.SOPInstanceStatus = "AO"
    dataset.SOPAuthorizationDateTime = "20240102030405.123456+0100"
    dataset.save_as(tmp_path / "image.dcm")
    message = transform.dicom_to_hl7(dataset).value
    (tmp_path / "message.hl7").write_bytes(message)
    resource = transform.hl7_to_fhir(message).value
    (tmp_path / "study.json").write_text(json.dumps(resource))
    return tmp_path


def lines(capsys):
    captured = capsys.readouterr()
    return captured.out, captured.err.splitlines()


@pytest.mark.parametrize("source", ["image.dcm", "message.hl7", "study.json"])
@pytest.mark.parametrize(("to", "into"), [("dicom", "bare.dcm"), ("hl7", None), ("fhir", None)])
def test_convert(files, capsys, source, to, into):
    out = files / "out"
    arguments = ["convert", str(files / source), "--to", to, "-o", str(out)]
    more = ["--into", str(files / into), "--trusted-link"] if into else []
    assert main([*arguments, *more]) == 0
    data = out.read_bytes()
    document = json.loads(data) if to == "fhir" else data
    said = dict(codec(to).decode(document).value[0].attributes)
    assert said == {
        "SOPInstanceStatus": "AO",
        "SOPAuthorizationDateTime": "20240102030405.123456+0100",
    }
    assert [p.name for p in files.iterdir() if p.name.endswith(".part")] == []
    told = [line for line in lines(capsys)[1] if "hl7/no-patient" not in line]
    assert all(line.startswith("information ") for line in told)


def test_an_untrusted_link_says_so(files, capsys):
    out = files / "out.dcm"
    code = main(
        [
            "convert",
            str(files / "message.hl7"),
            "--to",
            "dicom",
            "--into",
            str(files / "bare.dcm"),
            "-o",
            str(out),
        ]
    )
    assert code == 0
    assert pydicom.dcmread(out).SOPInstanceStatus == "NS"
    (line,) = lines(capsys)[1]
    assert line.startswith("warning link/untrusted (0100,0410): ")
    assert "was written as NS: the link is not trusted" in line


def test_strict_writes_nothing(files, capsys):
    out = files / "out.dcm"
    arguments = [
        "convert",
        str(files / "message.hl7"),
        "--to",
        "dicom",
        "--into",
        str(files / "bare.dcm"),
    ]
    assert main([*arguments, "-o", str(out), "--strict"]) == 1
    assert not out.exists()
    assert lines(capsys)[1]


def test_numbers_keep_their_spelling(files, capsysbinary):
    resource = (files / "study.json").read_text()
    odd = resource.replace(
        '{"resourceType"',
        '{"x": [1.50, 1e2, -0, 10000000000000000000000, "\\ud800"], "resourceType"',
        1,
    )
    (files / "odd.json").write_text(odd)
    assert (
        main(
            [
                "convert",
                str(files / "message.hl7"),
                "--to",
                "fhir",
                "--into",
                str(files / "odd.json"),
            ]
        )
        == 0
    )
    out = capsysbinary.readouterr().out
    assert [t.strip().rstrip(b",") for t in out.splitlines()[2:7]] == [
        b"1.50",
        b"1e2",
        b"-0",
        b"10000000000000000000000",
        b'"\\ud800"',
    ]
    assert json.loads(out) == json.loads(odd)


@pytest.mark.parametrize("release", ["R4", "R4B", "R5"])
def test_release(files, capsysbinary, release):
    arguments = [
        "convert",
        str(files / "image.dcm"),
        "--to",
        "fhir",
        "--release",
        release,
        "--validate",
    ]
    assert main(arguments) == 0
    assert json.loads(capsysbinary.readouterr().out)["resourceType"] == "ImagingStudy"


@pytest.mark.parametrize("source", ["image.dcm", "message.hl7", "study.json"])
def test_show(files, capsys, source):
    assert main(["show", str(files / source)]) == 0
    out, _ = lines(capsys)
    assert "SOPInstanceStatus         AO  Authorized Original" in out
    assert main(["show", str(files / source), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["statements"][0]["attributes"]["SOPInstanceStatus"] == "AO"
    assert "patient" not in out.lower()


def test_show_of_nothing(files, capsys):
    assert main(["show", str(files / "bare.dcm")]) == 0
    assert "states no status" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "document/empty"),
        (b"hello", "document/unknown-format"),
        (b'{"resourceType": "ImagingStudy",', "document/not-json"),
        (b"{" * 100_000, "document/not-json"),
        (b'{"a": 1}', "fhir/not-fhir"),
        (b"FHS|^~\\&\r", "hl7/no-msh"),
        (bytes(128) + b"DICM" + b"\2\0\0\0UL\4\0\0", "dicom/truncated"),
    ],
)
def test_unreadable_documents(tmp_path, capsys, content, code):
    path = tmp_path / "document"
    path.write_bytes(content)
    assert main(["show", str(path)]) == 3
    (line,) = lines(capsys)[1]
    assert line.startswith(f"fatal {code} ")


def test_missing_file(tmp_path, capsys):
    assert main(["show", str(tmp_path / "none")]) == 3
    assert "document/unreadable" in lines(capsys)[1][0]
    assert main(["convert", str(tmp_path / "none"), "--to", "hl7"]) == 3


def test_issues_that_are_errors(tmp_path, capsys):
    path = tmp_path / "message.hl7"
    path.write_bytes(b"MSH|^~\\&|A|||||||1|P|2.5.1\rZDS|1.2.3|||1.2.3.4|XX\r")
    assert main(["show", str(path)]) == 1
    (line,) = lines(capsys)[1]
    assert line.startswith(
        'error value/unknown-term ZDS[1]-5: "XX" is not a term of SOPInstanceStatus; send one of NS'
    )


@pytest.mark.parametrize(
    "arguments",
    [["convert"], ["convert", "x", "--to", "fax"], ["nonsense"], ["show"]],
)
def test_usage(arguments):
    assert main(arguments) == 2


def test_usage_of_convert(files, capsys):
    assert main(["convert", str(files / "message.hl7"), "--to", "dicom"]) == 2
    assert (
        main(
            [
                "convert",
                str(files / "message.hl7"),
                "--to",
                "fhir",
                "--into",
                str(files / "bare.dcm"),
            ]
        )
        == 2
    )
    (files / "site").mkdir()
    (files / "site" / "x.toml").write_text('nam = "x"')
    assert main(["show", str(files / "message.hl7"), "--mappings", str(files / "site")]) == 2
    assert 'did you mean "name"?' in capsys.readouterr().err


def test_check(files, capsys):
    assert main(["check"]) == 0
    assert "sop-instance-status 1.0.0 on, 4 attributes" in capsys.readouterr().out
    (files / "site").mkdir()
    (files / "site" / "x.toml").write_text('name = "x"\nfoo = 1\ntitle = 2\n')
    assert main(["check", str(files / "site")]) == 1
    out = capsys.readouterr().out.splitlines()
    faults = [line for line in out if "x.toml:" in line]
    assert len(faults) >= 2
    assert all(": error: " in line for line in faults)


MESSAGE = b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|M-1|P|2.5.1||||||8859/1\r"
BAD = MESSAGE + b"ZDS|1.2.3|1.2.3.1||1.2.3.4|XX|20240230\r"


@pytest.mark.parametrize("command", [["show"], ["convert", "--to", "fhir"]])
def test_issues_for_a_script(tmp_path, capsys, command):
    path = tmp_path / "message.hl7"
    path.write_bytes(BAD)

    def told(form):
        assert main([*command, str(path), "--issues", form]) == 1
        return capsys.readouterr().err

    codes = ["value/unknown-term", "value/not-date-time"]
    assert [line.split()[1] for line in told("text").splitlines()] == codes
    listed = json.loads(told("json"))
    assert [(x["code"], x["location"]) for x in listed] == list(
        zip(codes, ["ZDS[1]-5", "ZDS[1]-6"], strict=True)
    )
    resource = json.loads(told("outcome"))
    assert resource["resourceType"] == "OperationOutcome"
    assert [x["details"]["coding"][0]["code"] for x in resource["issue"]] == codes
    answer = told("ack").split("\r")
    assert answer[0].startswith("MSH|^~\\&|C|D|A|B|")
    assert answer[1].startswith("MSA|AE|M-1")
    assert [line[:3] for line in answer[2:]] == ["ERR", "ERR", ""]


def test_issues_of_a_clean_document(tmp_path, capsys):
    path = tmp_path / "message.hl7"
    path.write_bytes(MESSAGE + b"ZDS|1.2.3|1.2.3.1||1.2.3.4|AO\r")
    for form, start in (("text", ""), ("json", "[]\n"), ("outcome", "{"), ("ack", "MSH|")):
        assert main(["show", str(path), "--issues", form]) == 0
        err = capsys.readouterr().err
        assert err[: len(start)] == start
        assert form != "text" or not err
        assert form != "ack" or "MSA|AA|M-1\r" in err


def test_issues_of_what_cannot_be_read(tmp_path, capsys):
    path = tmp_path / "broken"
    path.write_bytes(b"{")
    for form, expected in (("json", "document/not-json"), ("outcome", "fatal"), ("ack", "MSA|AR|")):
        assert main(["show", str(path), "--issues", form]) == 3
        assert expected in capsys.readouterr().err
    assert main(["show", str(tmp_path / "none"), "--issues", "ack"]) == 3
    assert "MSA|AR|" in capsys.readouterr().err


def test_no_message_is_accepted_that_was_not_carried(tmp_path, capsys):
    path, out = tmp_path / "message.hl7", tmp_path / "out"
    path.write_bytes(MESSAGE + b"ZDS|1.2.3|1.2.3.1||1.2.3.4|AO^^L\r")  # a warning, no error
    arguments = ["convert", str(path), "--to", "fhir", "--issues", "ack"]
    for more, code, answer in (
        (["-o", str(out), "--strict"], 1, "AR"),
        (["-o", str(tmp_path / "none" / "out")], 3, "AR"),
        (["-o", str(out)], 0, "AA"),
    ):
        assert not out.exists()
        assert main([*arguments, *more]) == code
        assert [x[4:6] for x in capsys.readouterr().err.split("\r") if x[:3] == "MSA"] == [answer]


def test_only_a_message_is_answered(files, capsys):
    out = files / "out"
    arguments = ["convert", str(files / "study.json"), "--to", "hl7", "-o", str(out)]
    assert main([*arguments, "--issues", "ack"]) == 2
    assert "study.json is fhir" in capsys.readouterr().err
    assert not out.exists()


def test_the_codes_are_those_of_the_site(tmp_path, capsys):
    (tmp_path / "site.toml").write_text('canonical = "https://site.test/fhir"')
    path = tmp_path / "message.hl7"
    path.write_bytes(BAD)
    main(["show", str(path), "--issues", "outcome", "--mappings", str(tmp_path)])
    assert "https://site.test/fhir/CodeSystem/sopstatus-issue" in capsys.readouterr().err


def test_as_a_process(files):
    def run(*arguments, data=b""):
        return subprocess.run(
            [sys.executable, "-m", "sopstatus", *arguments],
            input=data,
            capture_output=True,
            check=False,
        )

    message = (files / "message.hl7").read_bytes()
    done = run("convert", "-", "--to", "fhir", data=message)
    assert done.returncode == 0
    assert json.load(io.BytesIO(done.stdout))["resourceType"] == "ImagingStudy"
    assert run("show", "-", data=b"").returncode == 3
    assert run("--version").stdout.startswith(b"sopstatus ")
    assert run("demo").returncode == 0
    answered = run("show", "-", "--issues", "ack", data=BAD.replace(b"M-1", b"M-\xe9"))
    assert b"\rMSA|AE|M-\xe9|" in answered.stderr  # in the message's own character set
