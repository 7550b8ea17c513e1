"""Every writer of the project: what it does to what stands in its place, and where the disk is full."""

import ast
import errno
import os
import resource
import select
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from samples_of import FOLDER, bare
from sopstatus import writing
from sopstatus.archive.folder import Folder
from sopstatus.cli import main
from sopstatus.engines.delivery.spool import New, Spool
from sopstatus.ledger import Ledger
from sopstatus.model import DocumentError

from tools import missing, need

PACKAGE = Path(writing.__file__).parent
CASE = FOLDER / "authorized-original"
OLD = b"what was there"
LARGE = 200_000


@dataclass(frozen=True)
class Writer:
    """``run(folder)`` writes ``place`` in a folder, and returns an exit code."""

    run: Callable[[Path], int]
    place: str
    mode: int = 0o666
    new: bool = False  # what is there is refused
    needs: str = ""
    old: bytes = OLD  # it takes nothing else in its place
    database: bool = False  # it goes into a regular file or nowhere


def command(*arguments):
    return lambda folder: main([one.replace("{}", str(folder)) for one in arguments])


def scan(folder):
    try:
        Folder(folder, ".parquet").finish({"files": 1, "rows": 1, "unreadable": 0})
    except DocumentError:
        return 3
    return 0


def ledger():
    """An empty ledger."""
    with tempfile.TemporaryDirectory() as folder:
        Ledger(f"{folder}/ledger.db").close()
        return Path(folder, "ledger.db").read_bytes()


IMAGE, MESSAGE, SCANNED = str(CASE / "image.dcm"), str(CASE / "message.hl7"), "{}/../scanned"
TO_FILE = ("-o", "{}/out")
WRITERS = {
    "convert": Writer(command("convert", MESSAGE, "--to", "fhir", *TO_FILE), "out"),
    "convert a file": Writer(
        command("convert", MESSAGE, "--to", "dicom", "--into", IMAGE, *TO_FILE), "out"
    ),
    "artifacts": Writer(command("artifacts", "{}", "--only", "schema"), "schema/table.schema.json"),
    "new": Writer(
        command("new", "QualityControlImage", "--into", "{}"),
        "cases/quality-control-image/case.toml",
        new=True,
    ),
    "report": Writer(command("report", SCANNED, *TO_FILE), "out"),
    "report --png": Writer(
        command("report", SCANNED, "-o", "{}/../page.html", "--png", "{}/out"),
        "out",
        needs="chromium",
    ),
    "export fhir": Writer(
        command("export", SCANNED, "--to", "fhir", *TO_FILE), "out", writing.PRIVATE
    ),
    "export hl7": Writer(
        command("export", SCANNED, "--to", "hl7", *TO_FILE), "out", writing.PRIVATE
    ),
    "spool export": Writer(
        command("spool", "export", "{}/../spool", "1", *TO_FILE), "out", writing.PRIVATE, new=True
    ),
    "bundle": Writer(command("bundle", MESSAGE, *TO_FILE), "out", writing.PRIVATE, new=True),
    "audit": Writer(
        command(
            "convert",
            MESSAGE,
            "--to",
            "dicom",
            "--into",
            "{}/../bare.dcm",
            "-o",
            "{}/../out.dcm",
            "--trusted-link",
            "--holder",
            "PACS",
            "--audit",
            "{}/out",
        ),
        "out",
        writing.PRIVATE,
        old=(FOLDER.parent / "tests/issue_samples/audit/whole.jsonl").read_bytes(),
    ),
    "ledger": Writer(
        command("ledger", "add", "{}/out", "--holder", "PACS", IMAGE),
        "out",
        writing.PRIVATE,
        old=ledger(),
        database=True,
    ),
    "scan": Writer(scan, "summary.json", writing.PRIVATE),
}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    shutil.copy(IMAGE, folder)
    out = tmp_path_factory.mktemp("scanned")
    assert main(["scan", str(folder), "-o", str(out), "--holder", "PACS"]) == 0
    return out


@pytest.fixture(scope="module")
def spooled(tmp_path_factory):
    spool = Spool(tmp_path_factory.mktemp("spool"))
    spool.add([New((CASE / "message.hl7").read_bytes() + b"NTE|" + b"x" * LARGE + b"\r", 0)])
    spool.close()
    return spool.folder


@pytest.fixture(params=WRITERS)
def writer(request):
    one = WRITERS[request.param]
    if one.needs:
        need(one.needs)
    return one


@pytest.fixture
def place(writer, scanned, spooled, tmp_path):
    """Where the writer writes; nothing is there yet."""
    (tmp_path / "scanned").symlink_to(scanned)
    (tmp_path / "spool").symlink_to(spooled)
    (tmp_path / "bare.dcm").write_bytes(bare(CASE.name, "dicom"))
    found = tmp_path / "folder" / writer.place
    found.parent.mkdir(parents=True)
    yield found
    assert not list(tmp_path.rglob("*.part")), "litter"


def run(writer, place):
    return writer.run(place.parents[len(Path(writer.place).parts) - 1])


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def drained(path, work):
    """Read a FIFO to its end while something is done; return both."""
    got = []
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # there before the writer looks for a reader
    os.set_blocking(end, True)

    def read():
        select.select([end], [], [])
        with open(end, "rb") as file:
            got.append(file.read())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    code = work()
    reader.join(20)
    return code, b"".join(got)


def test_a_new_file(writer, place):
    old = os.umask(0o027)
    try:
        assert run(writer, place) in (0, 1)
    finally:
        os.umask(old)
    assert place.read_bytes()
    assert mode(place) == writer.mode & ~0o027


def test_a_fifo_is_written_into(writer, place):
    os.mkfifo(place)
    if writer.database:
        assert run(writer, place) == 3
        assert place.is_fifo()
        return
    code, got = drained(place, lambda: run(writer, place))
    assert code in (0, 1)
    assert got
    assert place.is_fifo()


def test_a_link_to_a_fifo_is_written_into(writer, place, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    place.symlink_to(tmp_path / "fifo")
    if writer.database:
        assert run(writer, place) == 3
        assert place.is_symlink()
        return
    code, got = drained(tmp_path / "fifo", lambda: run(writer, place))
    assert code in (0, 1)
    assert got
    assert place.is_symlink()
    assert (tmp_path / "fifo").is_fifo()


def test_a_device_stays_one(writer, place):
    """A null device of our own: were it replaced, the machine's would be too."""
    try:
        os.mknod(place, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        place.read_bytes()  # not on a file system without devices
    except OSError:
        missing("a device of our own", "", "run as root")
    assert run(writer, place) in ((3,) if writer.database else (0, 1))
    assert stat.S_ISCHR(place.lstat().st_mode)


def test_of_a_link_the_target_is_replaced(writer, place, tmp_path):
    """Relative, over another, and in the end to a file that is there or not."""
    (tmp_path / "else").mkdir()
    target = tmp_path / "else" / "target"
    if not writer.new:
        target.write_bytes(writer.old)
        target.chmod(0o604)
    (tmp_path / "else" / "second").symlink_to("target")
    place.symlink_to(os.path.relpath(tmp_path / "else" / "second", place.parent))
    assert run(writer, place) in (0, 1)
    assert place.is_symlink()
    assert (tmp_path / "else" / "second").is_symlink()
    assert target.read_bytes() not in (b"", writer.old)
    assert not target.is_symlink()


def test_what_is_replaced_keeps_its_mode_and_owner(writer, place):
    place.write_bytes(writer.old)
    place.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(place, 12345, 23456)
    before = place.stat()
    assert run(writer, place) in ((3,) if writer.new else (0, 1))
    after = place.stat()
    assert (place.read_bytes() == writer.old) is writer.new
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_a_folder_is_refused(writer, place, request):
    place.mkdir()
    is_audit = request.node.callspec.id == "audit"  # refused as usage, before anything is read
    assert run(writer, place) == (2 if is_audit else 3)
    assert list(place.iterdir()) == []


def test_links_in_a_circle_are_refused(writer, place):
    place.symlink_to(place.with_name("other"))
    place.with_name("other").symlink_to(place)
    assert run(writer, place) == 3
    assert place.is_symlink()


def test_a_full_disk_leaves_what_was_there(writer, place, request):
    """In a process of its own, whose files may not grow beyond some bytes."""
    if writer.needs:
        pytest.skip("the browser needs files of its own")
    if not writer.new:
        place.write_bytes(writer.old)

    def work():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        limit = LARGE if "spool" in request.node.name else len(writer.old) + 9
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return run(writer, place) == 3

    assert in_child(work)
    assert not place.exists() if writer.new else place.read_bytes() == writer.old


def opens(node):
    """Whether a call opens, writes or renames a file, as far as its name tells."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in ("write_text", "write_bytes", "mkstemp", "NamedTemporaryFile", "copyfile", "rename"):
        return True
    given = [
        a for a in (*node.args, *(k.value for k in node.keywords)) if isinstance(a, ast.Constant)
    ]
    modes = [a.value for a in given if isinstance(a.value, str)]
    if name == "open" and any(set(m) <= set("rwaxbt+") and set(m) & set("wax+") for m in modes):
        return True
    return name == "open" and any(
        isinstance(x, ast.Attribute) and x.attr in ("O_WRONLY", "O_RDWR") for x in ast.walk(node)
    )


# files that only we read, and files in temporary folders
OWN = {
    "archive/folder.py": 1,  # the lock
    "cli/shared.py": 2,  # /dev/null
    "artifacts/fhir/package.py": 1,  # in memory
    "report/picture.py": 1,
    "table/proved.py": 1,  # in a wheel that is being built
    "workbench/drafts.py": 1,
}


def test_nobody_else_writes_files():
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        if name != "writing.py" and (count := sum(map(opens, calls))):
            found[name] = count
    assert found == OWN


def written(path, data=b"new", **options):
    """The code of what comes of writing: ``""`` where all went well."""
    try:
        writing.write(path, data, at="OUT", **options)
    except DocumentError as error:
        return error.issues[0].diagnostics.partition("(")[2].partition(")")[0]
    return ""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_goes_where_it_is_sent(tmp_path, name):
    """A shell's ``>>``: the file is the same one, and what it held stays."""
    log = tmp_path / "log"
    log.write_bytes(OLD)
    before = log.stat().st_ino
    with log.open("ab") as out:
        done = [sys.executable, "-m", "sopstatus", "convert", MESSAGE, "--to", "fhir", "-o", name]
        assert subprocess.run(done, stdout=out, stderr=subprocess.PIPE, check=False).returncode == 0
    assert log.read_bytes().startswith(OLD + b"{")
    assert log.stat().st_ino == before
    assert list(tmp_path.iterdir()) == [log]


def test_a_socket_is_written_into(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        assert written(tmp_path / "socket") == ""
        with server.accept()[0] as client:
            assert client.recv(9) == b"new"
    assert written(tmp_path / "socket") == os.strerror(errno.ECONNREFUSED)
    assert (tmp_path / "socket").is_socket()


@pytest.mark.parametrize("name", ["line\nfeed", "-o", " ", "\udcff", "ä" * 127, ".part"])
def test_any_name(tmp_path, monkeypatch, name):
    """Also relative to where we are, and as long as a name may be."""
    monkeypatch.chdir(tmp_path)
    for data in (b"first", b"second"):
        assert written(name, data) == ""
        assert (tmp_path / name).read_bytes() == data
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "number"),
    [("", errno.EISDIR), (".", errno.EISDIR), ("no/out", errno.ENOENT), ("file/out", errno.ENOTDIR),
     ("x" * 256, errno.ENAMETOOLONG), ("link", errno.ENOENT)],
)  # fmt: skip
def test_no_place_to_write(tmp_path, monkeypatch, name, number):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "link").symlink_to("gone/out")
    assert written(name) == os.strerror(number)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "link"]


def test_a_folder_that_vanishes(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()

    def lost():
        with writing.replacing(folder / "out", at="OUT") as out:
            out.write(b"new")
            shutil.rmtree(folder)

    with pytest.raises(DocumentError) as caught:
        lost()
    assert os.strerror(errno.ENOENT) in caught.value.issues[0].diagnostics
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def for_all():
    """A folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_folder_that_takes_nothing(for_all):
    """Root may write everywhere; so this is another."""
    folder = for_all / "folder"
    folder.mkdir()
    (folder / "out").write_bytes(OLD)
    folder.chmod(0o555)

    def work():
        if os.geteuid() == 0:
            os.seteuid(65534)
        return written(folder / "out") == os.strerror(errno.EACCES)

    assert in_child(work)
    assert (folder / "out").read_bytes() == OLD
    assert len(list(folder.iterdir())) == 1


def in_child(work):
    """Whether a piece of work comes out true, in a process of its own."""
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def children(*works):
    """Do several pieces of work at once, each in a process of its own; return whose came out true."""
    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(in_child, works))


def test_two_writers_of_one_file(tmp_path):
    out, sizes = tmp_path / "out", (1, 100_000)
    out.write_bytes(b"a" * sizes[0])

    def write(n):
        return lambda: all(written(out, b"ab"[n : n + 1] * sizes[n]) == "" for _ in range(60))

    def read():
        return all(len(out.read_bytes()) in sizes for _ in range(400))

    assert children(write(0), write(1), read) == [True] * 3
    assert list(tmp_path.iterdir()) == [out]


def test_of_two_that_write_a_new_file_one_does(tmp_path):
    for n in range(20):
        out = tmp_path / str(n)
        done = children(*[lambda out=out: written(out, new=True) == ""] * 2)
        assert sorted(done) == [False, True]
    assert len(list(tmp_path.iterdir())) == 20


def test_a_new_file_where_there_are_no_hard_links(tmp_path, monkeypatch):
    """FAT has none."""

    def link(_from, _to):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    assert written(tmp_path / "out", new=True) == ""
    assert (tmp_path / "out").read_bytes() == b"new"

    def comes(_from, to):
        to.write_bytes(OLD)
        link(_from, to)

    monkeypatch.setattr(os, "link", comes)
    assert written(tmp_path / "other", new=True) == os.strerror(errno.EEXIST)
    assert (tmp_path / "other").read_bytes() == OLD
    assert len(list(tmp_path.iterdir())) == 2


def test_while_it_is_written_nobody_else_reads_what_was_private(tmp_path):
    (tmp_path / "out").write_bytes(OLD)
    (tmp_path / "out").chmod(0o644)
    with writing.replacing(tmp_path / "out", at="OUT") as out:
        assert stat.S_IMODE(os.fstat(out.fileno()).st_mode) == 0o600
        (found,) = tmp_path.glob(".*")
        assert len(found.name) > 16
    with writing.replacing(tmp_path / "new", at="OUT", mode=writing.PRIVATE) as out:
        assert stat.S_IMODE(os.fstat(out.fileno()).st_mode) == 0o600


def test_a_device_that_is_full(tmp_path):
    try:
        os.mknod(tmp_path / "full", 0o600 | stat.S_IFCHR, os.makedev(1, 7))
        (tmp_path / "full").open("wb", buffering=0).close()
    except OSError:
        missing("a device of our own", "", "run as root")
    assert written(tmp_path / "full") == os.strerror(errno.ENOSPC)
    assert stat.S_ISCHR((tmp_path / "full").stat().st_mode)


@pytest.mark.parametrize("is_member", [True, False])
def test_the_rights_of_a_group_stay_with_it_or_go(for_all, is_member):
    """Who is no owner keeps the group; where it is none of theirs, no other group gets its rights."""
    out = for_all / "folder" / "out"
    out.parent.mkdir()
    out.write_bytes(OLD)
    out.chmod(0o664)
    if os.geteuid():
        missing("another owner", "", "run as root")
    os.chown(out, 1234, 23456)
    out.parent.chmod(0o777)

    def work():
        os.setgroups([23456] if is_member else [])
        os.setegid(65534)
        os.seteuid(65534)
        return written(out) == ""

    assert in_child(work)
    found = out.stat()
    assert (found.st_gid, mode(out)) == ((23456, 0o664) if is_member else (65534, 0o604))
