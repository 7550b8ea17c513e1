"""Documents that gzip has packed are read as what is in them, and never written onto."""

import gzip
import zipfile
import zlib

import pytest
from samples_of import FOLDER
from sopstatus import DocumentError, explain, scan
from sopstatus.archive.documents import Documents
from sopstatus.cli import main
from sopstatus.documents.content import load
from sopstatus.documents.scanned import Reader
from sopstatus.limits import LARGEST, Limits

CASE = FOLDER / "authorized-original"
FILES = sorted(path for path in CASE.iterdir() if path.suffix in (".dcm", ".hl7", ".json", ".xml"))
MESSAGE = CASE / "message.hl7"


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def both(request, tmp_path):
    """Return a file, and the same packed."""
    packed = tmp_path / f"{request.param.name}.gz"
    packed.write_bytes(gzip.compress(request.param.read_bytes(), mtime=0))
    return request.param, packed


def printed(capfdbinary, *arguments):
    code = main([*map(str, arguments)])
    return code, *capfdbinary.readouterr()


@pytest.mark.parametrize(
    "command",
    [
        ["show", "--json"],
        ["show", "--issues", "json"],
        ["convert", "--to", "fhir"],
        ["convert", "--to", "dicom-json", "--trusted-link"],
        ["explain", "--json"],
    ],
    ids=" ".join,
)
def test_the_command_line_reads_what_is_in_it(both, command, capfdbinary):
    plain, packed = (printed(capfdbinary, *command, path) for path in both)
    assert packed == plain
    assert plain[0] == 0


def test_a_scan_reads_what_is_in_it(both):
    plain, packed = scan(both, workers=1)
    assert (packed.format, packed.instances, packed.issues, packed.described) == (
        plain.format,
        plain.instances,
        plain.issues,
        plain.described,
    )
    assert plain.instances


def test_a_scan_into_files_reads_what_is_in_it_also_in_a_zip(both, tmp_path):
    plain, packed = both
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as whole:
        whole.write(packed, packed.name)
    read = Documents(Reader())
    want = read(str(plain))[0].instances
    assert want
    assert [one.instances for one in read(str(packed))] == [want]
    assert [one.instances for one in read(str(tmp_path / "all.zip"))] == [want]


def test_explain_reads_what_is_in_it(both):
    plain, packed = (explain.explain(path.read_bytes()).to_dict() for path in both)
    assert packed == plain


def test_several_members_are_one_document():
    data = MESSAGE.read_bytes()
    packed = gzip.compress(data[:100], mtime=0) + gzip.compress(data[100:]) + bytes(7)
    assert load(packed) == load(data)


def test_image_set_metadata_stays_packed():
    data = gzip.compress(b'{"SchemaVersion": "1.1", "Study": {}}', mtime=0)
    assert load(data) == ("healthimaging", data)


@pytest.mark.parametrize(
    ("data", "limits", "code"),
    [
        (
            gzip.compress(bytes(1 << 20), mtime=0),
            Limits(inflated=(1 << 20) - 1),
            "document/too-large",
        ),
        (
            gzip.compress(bytes(1 << 20), mtime=0),
            Limits(inflated=1 << 20),
            "document/unknown-format",
        ),
        (gzip.compress(b"x" * 1000, mtime=0) * 9, Limits(inflated=8999), "document/too-large"),
        (gzip.compress(b"MSH|", mtime=0)[:-1], Limits(), "document/not-gzip"),
        (b"\x1f\x8bx", Limits(), "document/not-gzip"),
        (gzip.compress(b"MSH|", mtime=0) + b"x", Limits(), "document/not-gzip"),
        (gzip.compress(b"", mtime=0), Limits(), "document/empty"),
        (gzip.compress(b"no document", mtime=0), Limits(), "document/unknown-format"),
    ],
)
def test_what_cannot_be_unpacked_is_refused(data, limits, code):
    with pytest.raises(DocumentError, match=code):
        load(data, limits=limits)


def test_a_scan_refuses_a_bomb(tmp_path):
    path = tmp_path / "bomb.dcm.gz"
    path.write_bytes(gzip.compress(bytes(1 << 20), mtime=0))
    (found,) = scan([path], workers=1, limits=Limits(inflated=1 << 16))
    assert [issue.code for issue in found.issues] == ["document/too-large"]


@pytest.mark.parametrize("command", [["convert", "--to", "dicom", "-o", "{out}"], ["explain"]])
def test_nothing_is_written_onto_it(command, tmp_path, capsys):
    target = tmp_path / "image.dcm.gz"
    target.write_bytes(gzip.compress((CASE / "image.dcm").read_bytes()))
    before, out = target.read_bytes(), tmp_path / "out"
    command = [one.format(out=out) for one in command]
    assert main([*command, str(MESSAGE), "--into", str(target)]) == 3
    assert "document/packed-target /" in capsys.readouterr().err
    assert (target.read_bytes(), out.exists()) == (before, False)


def test_a_limit_is_what_zlib_can_be_asked_for():
    """On a 32-bit machine, as in a browser, a default is more than that."""
    assert Limits(inflated=1 << 80).inflated == LARGEST
    assert zlib.decompressobj().decompress(zlib.compress(b"x"), LARGEST + 1) == b"x"
    with pytest.raises(OverflowError):
        zlib.decompressobj().decompress(b"", LARGEST + 2)
