"""What a scan finds inside zips, tars, NDJSON and behind a DICOMweb address."""

import gzip
import json
import socket
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sopstatus import Limits, scan
from sopstatus.archive import containers
from sopstatus.archive.documents import Documents
from sopstatus.cli import main
from sopstatus.documents.scanned import Reader
from sopstatus.testing import dicomweb as servers
from sopstatus.testing.faults import Faulty, Tokens
from sopstatus.testing.running import running
from sources.stored import URLS, file

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FILES = {f"{p.parent.name}/{p.name}": p for p in sorted(SAMPLES.glob("*/*")) if p.is_file()}
FILES = dict(list(FILES.items())[:60])


def told(records):
    return [(one.source, one.format, one.instances, one.issues, one.described) for one in records]


def expected(prefix, names=FILES):
    found = scan(FILES[name] for name in names)
    return [
        (f"{prefix}!{name}", *rest) for name, (_, *rest) in zip(names, told(found), strict=True)
    ]


def zipped(place):
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.mkdir("empty")
        for name, path in FILES.items():
            whole.write(path, name)


def tarred(place, mode):
    with tarfile.open(place, mode) as whole:
        for name, path in FILES.items():
            whole.add(path, name)
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        whole.addfile(link)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_members_say_what_the_files_say(tmp_path, name):
    path = tmp_path / name
    if name.endswith("zip"):
        zipped(path)
    else:
        tarred(path, f"w:{name.rpartition('.')[2].replace('tar', '')}")
    assert told(Documents(Reader())(str(path))) == expected(path)


def study(number):
    text = (SAMPLES / "authorized-original" / "imaging-study.json").read_text()
    return json.dumps(json.loads(text.replace("urn:oid:", f"urn:oid:1.{number}.")))


def test_lines_of_bulk_data(tmp_path):
    path = tmp_path / "ImagingStudy.ndjson"
    lines = [study(1), "", study(2), '{"resourceType": "Patient"}', "{broken}"]
    path.write_text("\n".join(lines))
    records = Documents(Reader())(str(path))
    assert [one.source.rpartition("!")[2] for one in records] == ["1", "3", "4", "5"]
    assert [bool(one.instances) for one in records] == [True, True, False, False]
    assert [issue.code for issue in records[3].issues] == ["document/not-json"]
    single = tmp_path / "one.json"
    single.write_text(study(1) + "\n")
    assert [one.source for one in Documents(Reader())(str(single))] == [str(single)]


def test_what_is_gzip_and_no_tar_is_read_as_before(tmp_path):
    path = tmp_path / "metadata.gz"
    path.write_bytes(gzip.compress(b'{"SchemaVersion": "1.1"}'))
    ((found, *_),) = [Documents(Reader())(str(path))]
    assert found.format == "healthimaging"


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar", "nothing"])
def test_a_damaged_container_is_told_and_no_stop(tmp_path, kind):
    path = tmp_path / f"damaged.{kind}"
    if kind == "zip":
        zipped(path)
    elif kind == "nothing":
        path.write_bytes(b"PK\3\4" + b"\0" * 300)
    else:
        tarred(path, "w:gz" if kind == "tar.gz" else "w")
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    *before, last = Documents(Reader())(str(path))
    codes = {issue.code for issue in last.issues}
    assert codes & {"container/broken", "document/unreadable"}
    if kind.startswith("tar"):
        assert any(one.instances for one in before)


def test_a_flipped_byte_costs_one_member(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        for name in ("1", "2", "3"):
            whole.writestr(name, (SAMPLES / "original" / "message.hl7").read_bytes() * 20)
        at = whole.infolist()[1].header_offset + 60
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    records = Documents(Reader())(str(path))
    assert [bool(one.instances) for one in records] == [True, False, True]
    assert [issue.code for issue in records[1].issues] == ["document/unreadable"]


def test_a_bomb_is_bounded(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.writestr("zeros", b"MSH|" + b"\0" * 50_000_000)
    (one,) = Documents(Reader(limits=Limits(inflated=1_000_000)))(str(path))
    assert [issue.code for issue in one.issues] == ["document/too-large"]


def test_more_members_than_may_be(tmp_path):
    path = tmp_path / "many.ndjson"
    path.write_text("{}\n" * 40)
    *_, last = Documents(Reader(limits=Limits(statements=30)))(str(path))
    assert [issue.code for issue in last.issues] == ["container/too-many"]


def test_a_container_in_a_container_is_a_row(tmp_path):
    zipped(tmp_path / "in.zip")
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as whole:
        whole.write(tmp_path / "in.zip", "in.zip")
    (one,) = Documents(Reader())(str(tmp_path / "out.zip"))
    assert [issue.code for issue in one.issues] == ["document/unknown-format"]


def test_an_empty_container_has_a_row(tmp_path):
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()
    assert told(Documents(Reader())(str(tmp_path / "a.zip"))) == [
        (str(tmp_path / "a.zip"), "zip", (), (), ())
    ]


def test_mixed_and_resumed(tmp_path):
    archive, out = tmp_path / "archive", tmp_path / "out"
    archive.mkdir()
    zipped(archive / "a.zip")
    tarred(archive / "b.tar", "w")
    (archive / "c.ndjson").write_text(f"{study(1)}\n{study(2)}\n")
    (archive / "d.dcm").write_bytes((SAMPLES / "original" / "image.dcm").read_bytes())
    arguments = ["scan", str(archive), "-o", str(out), "--part-rows", "1"]
    assert main(arguments) == 0
    rows = [row for part in sorted(out.glob("part-*")) for row in pq.read_table(part).to_pylist()]
    assert len(list(out.glob("part-*"))) == 4  # a container is in one part
    sources = [row["source"] for row in rows]
    inside = Documents(Reader())
    assert sorted(set(sources)) == sorted(
        {one.source for file in archive.iterdir() for one in inside(str(file))}
    )
    (out / "part-000001.parquet").unlink()
    assert main([*arguments, "--resume"]) == 0
    again = [row for part in sorted(out.glob("part-*")) for row in pq.read_table(part).to_pylist()]
    assert sorted(map(str, again)) == sorted(map(str, rows))


def test_kinds_of_a_few_bytes():
    for start in (b"", b"P", b"\x1f\x8b", b"{}", b"{}\n", b"{\n}\n{"):
        assert containers.kind(start, BytesIO(start), Limits()) == ""


LONG = json.dumps({"resourceType": "Patient", "id": "x" * 100_000})


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no-mark", "mark"])
@pytest.mark.parametrize("length", [0, 100_000, (1 << 14) - 1, 1 << 14, (1 << 14) + 1])
def test_lines_of_any_length_packed_or_marked(tmp_path, pack, mark, length):
    """A first line may end anywhere about the first 16 KiB; a BOM is Notepad's."""
    first = study(1)
    first = first[:-1] + " " * max(0, length - len(first) - 1 - len(mark.encode())) + "}"
    path = tmp_path / "ImagingStudy.ndjson"
    path.write_bytes(pack(f"{mark}{first}\n\n{study(2)}\n".encode()))
    records = Documents(Reader())(str(path))
    assert [one.source.rpartition("!")[2] for one in records] == ["1", "3"]
    assert [len(one.instances) for one in records] == [1, 1]
    assert all(one.issues == () for one in records)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_one_long_document_is_no_lines(tmp_path, pack):
    for text in (LONG, f"{LONG}\n", f"{LONG}\n\n", json.dumps(json.loads(LONG), indent=1)):
        path = tmp_path / "one.json"
        path.write_bytes(pack(text.encode()))
        (one,) = Documents(Reader())(str(path))
        assert (one.source, one.format) == (str(path), "fhir")


def test_a_torn_or_boundless_packed_file_is_bounded(tmp_path):
    path = tmp_path / "a.ndjson.gz"
    whole = gzip.compress("".join(f"{study(n)}\n" for n in range(200)).encode())
    path.write_bytes(whole[:-200])
    *before, last = Documents(Reader())(str(path))
    assert len(before) > 10
    assert [issue.code for issue in last.issues] == ["container/broken"]
    path.write_bytes(gzip.compress(f"{study(1)}\n{study(2)}\n".encode() + b"\n" * 5_000))
    *_, last = Documents(Reader(limits=Limits(statements=1000)))(str(path))
    assert [issue.code for issue in last.issues] == ["container/too-many"]


def test_a_dicomweb_server_is_scanned_and_resumed(tmp_path):
    app, out = servers.orthanc(), tmp_path / "out"
    with running(app) as url:
        address = url + URLS["orthanc"]
        for number, study in enumerate(("1.2.9", "1.2.10", "1.2.3")):
            app.state.archive.store(file(number, study=study), address)
        arguments = ["scan", address, "-o", str(out), "--holder", "PACS", "--part-rows", "1"]
        assert main(arguments) in (0, 1)
        (out / "part-000001.parquet").unlink()
        assert main([*arguments, "--resume"]) in (0, 1)
    rows = [row for part in sorted(out.glob("part-*")) for row in pq.read_table(part).to_pylist()]
    assert sorted(row["source"] for row in rows) == [
        f"{address}/studies/{uid}" for uid in ("1.2.10", "1.2.3", "1.2.9")
    ]
    assert {(row["holder"], row["SOPInstanceStatus"]) for row in rows} == {("PACS", "AO")}


def test_a_scan_ends_at_the_first_401_and_goes_on_with_another_token(tmp_path, capsys):
    """RFC 6750 3.1: invalid_token; the file is read again for every request."""
    app, out, token = servers.azure(), tmp_path / "out", tmp_path / "token"
    for number in range(1, 6):
        app.state.archive.store(file(number, study=f"1.2.{number}"))
    guard = Tokens(app, ["first"])
    before = Faulty(guard)

    async def expiring(scope, receive, send):
        if "1.2.3/metadata" in scope["path"]:
            guard.valid -= {"first"}
        await before(scope, receive, send)

    token.write_bytes(b"\xef\xbb\xbffirst\r\n")
    token.chmod(0o600)
    with running(expiring) as url:
        arguments = ["scan", f"{url}/v2", "-o", str(out), "--token-file", str(token)]
        assert main(arguments) == 3
        assert "source/unauthorized" in capsys.readouterr().err
        assert sources_of(out) == [f"{url}/v2/studies/1.2.{n}" for n in (1, 2)]
        asked = [a for a in before.asked if a.endswith("/metadata") and "/instances/" not in a]
        assert [a.split("/")[-2] for a in asked] == ["1.2.1", "1.2.2", "1.2.3", "1.2.3"]

        guard.valid = {"second"}
        token.write_text("second")
        assert main([*arguments, "--resume"]) == 0
        assert sources_of(out) == [f"{url}/v2/studies/1.2.{n}" for n in range(1, 6)]
        token.unlink()
        assert main([*arguments, "--resume"]) == 2
        assert "--token-file" in capsys.readouterr().err


def sources_of(out):
    found = [pq.read_table(part).column("source") for part in sorted(out.glob("part-*"))]
    return [name for column in found for name in column.to_pylist()]


def test_a_server_that_does_not_answer_is_told(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert main(["scan", f"http://127.0.0.1:{port}/dicom-web", "-o", str(tmp_path / "out")]) == 3
    assert "source/unavailable" in capsys.readouterr().err
