"""From file to file: what the bytes in memory become, in bounded memory, whole or not at all."""

import errno
import io
import os
import stat
import struct
import subprocess
import sys
import tracemalloc

import pydicom
import pytest
from part10_corpus import CORPUS
from samples_of import FOLDER, bare
from sopstatus import DocumentError, Link, SOPInstance, codec, transformer
from sopstatus.cli import main
from sopstatus.codecs.part10 import file as part10_file
from sopstatus.codecs.part10.file import Part10File, Rewriting

DICOM = codec("dicom")
SAMPLE = FOLDER / "authorized-original" / "image.dcm"
SAID = {"SOPInstanceStatus": "AC", "SOPAuthorizationComment": "synthetic " * 20}
TRUSTED = Link(secure=True, authenticated=True, conforms=True)


def statements(data):
    """A statement about the file's own instance, and one that empties what it says."""
    (own,) = DICOM.copies(data)
    uids = *own.identity[:2], "", own.sop_instance_uid, ""
    return SOPInstance(*uids, SAID), SOPInstance(*uids, {"SOPInstanceStatus": None}), own


def refused(call, *arguments, **options):
    """The code of a refusal, its place and its words."""
    with pytest.raises(DocumentError) as caught:
        call(*arguments, **options)
    (issue,) = caught.value.issues
    return issue.code, issue.location, issue.diagnostics


@pytest.mark.filterwarnings("ignore")  # pydicom tells of what it mends
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_the_same_as_in_memory(path, tmp_path):
    data = path.read_bytes()
    out = tmp_path / "out.dcm"
    try:
        new = statements(data)
    except DocumentError as error:
        with pytest.raises(DocumentError) as caught:
            DICOM.rewrite([], path, out)
        assert caught.value.issues == error.issues
        new = ()
    for x in new:
        try:
            want = DICOM.encode([x], data)
        except DocumentError as error:
            assert refused(DICOM.rewrite, [x], path, out)[0] == error.issues[0].code
            new = ()
            break
        assert DICOM.rewrite([x], path, out).issues == want.issues
        assert out.read_bytes() == want.value
    assert path.read_bytes() == data
    assert [p.name for p in tmp_path.iterdir()] == ["out.dcm"] * bool(new)


def with_pixels(deflated=False, pixels=None):
    """The sample with bytes behind it as pixel data."""
    dataset = pydicom.dcmread(SAMPLE)
    dataset.add_new(0x7FE00010, "OB", pixels or os.urandom(3 << 20))
    if deflated:
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


@pytest.mark.parametrize("deflated", [False, True])
def test_a_file_of_many_chunks(tmp_path, deflated):
    path, data = tmp_path / "in.dcm", with_pixels(deflated)
    path.write_bytes(data)
    for x in statements(data):
        DICOM.rewrite([x], path, tmp_path / "out.dcm")
        assert (tmp_path / "out.dcm").read_bytes() == DICOM.encode([x], data).value


def test_a_group_length_is_mended(tmp_path):
    data = with_pixels()
    at = data.index(b"\0\1\x10\4CS")
    data = data[:at] + b"\0\1\0\0UL\4\0\xe8\3\0\0" + data[at:]  # pydicom writes none
    at += 8
    (path := tmp_path / "in.dcm").write_bytes(data)
    DICOM.rewrite(statements(data)[:1], path, path)
    grown = len(path.read_bytes()) - len(data)
    assert grown > 100
    lengths = [struct.unpack_from("<I", d, at)[0] for d in (data, path.read_bytes())]
    assert lengths[1] - lengths[0] == grown


def test_who_reads_meets_the_old_file_or_the_new(tmp_path):
    path = tmp_path / "in.dcm"
    path.write_bytes(SAMPLE.read_bytes())
    path.chmod(0o640)
    x = statements(path.read_bytes())[0]
    with path.open("rb") as reader:
        DICOM.rewrite([x], path, path)
        assert reader.read() == SAMPLE.read_bytes()
    assert path.read_bytes() == DICOM.encode([x], SAMPLE.read_bytes()).value
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_changes_meanwhile_is_not_mixed(tmp_path):
    path = tmp_path / "in.dcm"
    path.write_bytes(SAMPLE.read_bytes())
    written = DICOM.encode(statements(path.read_bytes())[:1], Part10File(path))
    path.write_bytes(SAMPLE.read_bytes() + b"\0\0")
    code, where, told = refused(written.value.save, tmp_path / "out.dcm")
    assert (code, where) == ("document/unreadable", "")
    assert "(it has changed meanwhile)" in told
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_there_says_so(tmp_path):
    path = tmp_path / "in.dcm"
    for gone in (Part10File(path).state, Rewriting(path, ()).save):
        code, where, told = refused(gone, *[tmp_path / "out.dcm"] * (gone.__name__ == "save"))
        assert (code, where) == ("document/unreadable", "")
        assert f"({os.strerror(errno.ENOENT)})" in told
    assert not list(tmp_path.iterdir())


def test_an_error_without_words_is_told_by_its_name():
    (issue,) = part10_file.unreadable(TimeoutError()).issues
    assert "(TimeoutError)" in issue.diagnostics


@pytest.mark.parametrize(
    ("out", "reason"), [("no/folder/out.dcm", errno.ENOENT), ("folder", errno.EISDIR)]
)
def test_a_place_that_cannot_be_written(tmp_path, out, reason):
    (tmp_path / "folder").mkdir()
    rewriting = Rewriting(SAMPLE, Part10File(SAMPLE).state())
    for how in ({}, {"at": "OUT"}):
        code, where, told = refused(rewriting.save, tmp_path / out, **how)
        assert (code, where) == ("document/unwritable", how.get("at", ""))
        assert f"({os.strerror(reason)})" in told
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def copied(path, out):
    Rewriting(path, Part10File(path).state()).save(out)


def test_a_file_that_shrinks_while_it_is_copied_is_not_taken_for_whole(tmp_path, monkeypatch):
    (path := tmp_path / "in.dcm").write_bytes(with_pixels())

    class Shrinks(io.FileIO):
        def read(self, size):
            chunk = super().read(size)
            os.truncate(path, 1 << 20)
            return chunk

    monkeypatch.setattr(part10_file, "FileIO", Shrinks)
    code, _, told = refused(copied, path, tmp_path / "out.dcm")
    assert code == "document/unwritable"
    assert f"({os.strerror(errno.EIO)})" in told
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("number", "told"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_synchronized_does_no_harm(tmp_path, monkeypatch, number, told):
    """Some file systems of a network have no such thing; a disk that fails is another matter."""
    fsync = os.fsync

    def of_files(opened):
        if stat.S_ISDIR(os.fstat(opened).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(opened)

    monkeypatch.setattr(os, "fsync", of_files)
    out = tmp_path / "out.dcm"
    if told:
        assert f"({os.strerror(number)})" in refused(copied, SAMPLE, out)[2]
    else:
        copied(SAMPLE, out)
        assert out.read_bytes() == SAMPLE.read_bytes()


@pytest.mark.parametrize("deflated", [False, True])
def test_a_full_disk_leaves_the_target_as_it_was(tmp_path, deflated):
    path, out = tmp_path / "in.dcm", tmp_path / "out.dcm"
    path.write_bytes(with_pixels(deflated))
    out.write_bytes(b"as it was")
    script = (
        "import resource, sys\n"
        "from sopstatus.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = ["convert", str(SAMPLE), "--to", "dicom", "--into", str(path), "-o", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", script, *command, "--trusted-link"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert f"fatal document/unwritable {out}: " in done.stderr
    assert out.read_bytes() == b"as it was"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.dcm", "out.dcm"]


@pytest.mark.parametrize("deflated", [False, True])
def test_memory_does_not_grow_with_the_file(tmp_path, deflated):
    path = tmp_path / "in.dcm"
    data = with_pixels(deflated, bytes(24 << 20))
    with path.open("wb") as file:
        file.write(data)
        if not deflated:
            file.truncate(len(data) + (90 << 20))
    (x, *_) = statements(data)
    tracemalloc.start()
    DICOM.rewrite([x], path, tmp_path / "out.dcm")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_convert_from_file_to_file(tmp_path, capfdbinary):
    into, out = FOLDER / "original" / "image.dcm", tmp_path / "out.dcm"
    source = str(into.with_name("message.hl7"))
    command = ["convert", source, "--to", "dicom", "--into", str(into), "--holder", "ARCHIVE"]
    for more in ([], ["--trusted-link"]):
        code = main([*command, *more, "-o", str(out)])
        assert main([*command, *more]) == code
        printed = capfdbinary.readouterr()
        assert printed.out == out.read_bytes()
        half = len(printed.err) // 2
        assert printed.err[:half] == printed.err[half:]
    assert [p.name for p in tmp_path.iterdir()] == ["out.dcm"]


def test_the_link_s_policy_holds_from_file_to_file(tmp_path):
    source, image = FOLDER / "authorized-original" / "message.hl7", tmp_path / "image.dcm"
    image.write_bytes(bare("authorized-original", "dicom"))
    into = Part10File(image)
    carry = transformer("hl7", "dicom")
    for link, status in ((None, "NS"), (TRUSTED, "AO")):
        result = carry(source.read_bytes(), into, link=link)
        result.value.save(out := tmp_path / "out.dcm")
        assert dict(DICOM.decode(out).value[0].attributes)["SOPInstanceStatus"] == status
        assert result.issues == carry(source.read_bytes(), image.read_bytes(), link=link).issues
