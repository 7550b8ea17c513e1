"""FHIR NDJSON, as `show` and `convert` read it: every line is one resource, and none is left out."""

import json

import pytest
from samples_of import sample
from sopstatus import DocumentError, codec
from sopstatus.cli import main
from sopstatus.documents import content

LINE = json.dumps(sample("authorized-original", "fhir")).encode()
OTHER = LINE.replace(b"AO", b"NS")


def test_every_line_is_read(tmp_path, capsys):
    file = tmp_path / "studies.ndjson"
    file.write_bytes(b"\xef\xbb\xbf" + LINE + b"\r\n\n" + OTHER + b"\n")
    assert main(["show", "--json", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)["statements"]
    assert [one["attributes"]["SOPInstanceStatus"] for one in told] == ["AO", "NS"]
    out = tmp_path / "out.hl7"
    main(["convert", str(file), "--to", "hl7", "-o", str(out)])
    said = codec("hl7").decode(out.read_bytes()).value
    assert {dict(one.attributes)["SOPInstanceStatus"] for one in said} == {"AO", "NS"}


@pytest.mark.parametrize(
    ("line", "code"),
    [(b"{", "document/not-json"), (b'{"a": 1, "a": 2}', "document/repeated-member")],
)
def test_a_line_that_cannot_be_read_is_named(line, code):
    with pytest.raises(DocumentError) as caught:
        content.load_lines(b"\n".join([LINE, LINE, line]))
    assert [(one.code, one.location) for one in caught.value.issues] == [(code, "line[3]")]


@pytest.mark.parametrize(
    "data", [b"", LINE, b"{\n}", b'{"00080018": {"vr": "UI"}}\n{}', b"[\n]", b"MSH|\nPID|"]
)
def test_what_is_none(data):
    assert content.load_lines(data) is None
