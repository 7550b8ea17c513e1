"""Object stores, against moto: what is listed and opened, whatever the key, and with how many requests."""

import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pydicom
import pytest
from samples_of import FOLDER
from sopstatus.archive import stores
from sopstatus.documents.scanned import Reader

from archive.names import IMAGE
from archive.s3 import endpoint

KEYS = (
    *("a.dcm", "dir/b.dcm", "dir/deeper/c.dcm", "dir//empty-segment.dcm", "direct.dcm"),
    *("dir/tab\tin", "dir/ä患", "dir/%2F", "dir/a+b c", "dir/_x", "dir/.y", "dir/*?[", "dir/#;&"),
)


@pytest.fixture(scope="module")
def s3():
    with endpoint() as running:
        running.client.create_bucket(Bucket="bucket")
        data = IMAGE.read_bytes()
        for key in KEYS:
            running.client.put_object(Bucket="bucket", Key=key, Body=data)
        running.client.put_object(Bucket="bucket", Key="made/", Body=b"")
        running.client.put_object(Bucket="bucket", Key="empty", Body=b"")
        running.forget()
        yield running


def names(path):
    folders, files = stores.below(path)
    found = [one for folder in folders for one in stores.listed(folder)]
    return sorted(one.path for one in (*files, *found))


def test_every_key_is_listed_once_and_opened(s3):
    assert names("s3://bucket") == sorted(f"s3://bucket/{key}" for key in (*KEYS, "empty"))
    inside = [f"s3a://bucket/{key}" for key in KEYS if key.startswith("dir/")]
    assert names("s3a://bucket/dir") == sorted(inside), "and direct.dcm is not below it"
    assert names("s3://bucket/a.dcm") == ["s3://bucket/a.dcm"]
    assert names("s3://bucket/gone") == ["s3://bucket/gone"]
    reader = Reader()
    for path in names("s3://bucket/dir"):
        found = reader.opened(path, lambda path=path: stores.opened(path))
        assert [i.code for i in found.issues] == [], path
        assert found.instances[0]["SOPInstanceStatus"] == "AO"


def test_what_is_known_without_opening(s3):
    (_, files) = stores.below("s3://bucket")
    (one,) = [f for f in files if f.path.endswith("/a.dcm")]
    assert one.size == IMAGE.stat().st_size
    assert len(one.etag) == 32
    assert one.modified > 1_600_000_000_000_000


def test_one_ranged_get_for_a_header_and_no_head(s3):
    image = pydicom.dcmread(IMAGE)
    del image[0xFFFCFFFC]  # DataSetTrailingPadding: behind the pixels, so it would be looked at
    written = BytesIO()
    image.save_as(written)
    assert len(written.getvalue()) > 30_000
    s3.client.put_object(Bucket="bucket", Key="image", Body=written.getvalue())
    s3.forget()
    Reader().opened("s3://bucket/image", lambda: stores.opened("s3://bucket/image"))
    assert s3.asked == [("GET", "/bucket/image", "bytes=0-16383")]


def test_a_header_that_is_longer_is_read_on(s3):
    data = (FOLDER / "authorized-original" / "metadata.json").read_bytes()
    s3.client.put_object(
        Bucket="bucket", Key="long.json", Body=b"[" + b" " * 40_000 + data.lstrip()[1:]
    )
    s3.forget()
    found = Reader().opened("s3://bucket/long.json", lambda: stores.opened("s3://bucket/long.json"))
    assert found.format == "dicom-json"
    assert [r for *_, r in s3.asked][:2] == [
        "bytes=0-16383",
        f"bytes=16384-{16384 + (1 << 24) - 1}",
    ]
    assert len(s3.asked) == 2


def test_an_object_that_is_replaced_meanwhile_is_not_mixed(s3):
    s3.client.put_object(Bucket="bucket", Key="changes", Body=b"1" * 50_000)
    with stores.opened("s3://bucket/changes") as file:
        assert file.read(10) == b"1" * 10
        s3.client.put_object(Bucket="bucket", Key="changes", Body=b"2" * 50_000)
        with pytest.raises(OSError, match="PreconditionFailed"):
            file.read(10)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("s3://bucket/gone", "NoSuchKey"), ("s3://none/x", "NoSuchBucket"), ("s3://", "."),
        ("s3:///x", "."), ("nosuch://a/b", "."), ("gs:", "."), ("file:/gone", "No such file"), ("", "."),
        ("a\0b", "Invalid argument"), ("s3://bucket/\udcff", "."), ("/", "directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_an_operating_system_error(s3, path, reason):
    with pytest.raises(OSError, match=reason), stores.opened(path) as file:
        file.read(10)


def test_an_empty_object_has_no_bytes(s3):
    with stores.opened("s3://bucket/empty") as file:
        assert file.read(10) == b""


def test_without_credentials_the_store_says_so(s3, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    stores._s3.cache_clear()
    try:
        with pytest.raises(OSError, match="NoCredentials"):
            stores.reachable("s3://bucket/dir")
    finally:
        stores._s3.cache_clear()


def test_reads_are_in_flight_together(s3):
    """Nothing is answered before eight are there, so one after the other would wait for ever."""
    s3.together = threading.Barrier(8)
    try:
        with ThreadPoolExecutor(8) as pool:
            read = [
                pool.submit(lambda: stores.opened("s3://bucket/a.dcm").read(100)) for _ in range(8)
            ]
            assert {len(one.result()) for one in read} == {100}
    finally:
        s3.together = None


def test_what_is_done_beside_comes_in_order_and_not_too_far_ahead():
    begun, first = [], threading.Event()

    def work(number):
        begun.append(number)
        if number == 0:
            assert first.wait(30)  # until a later one has been done
        if number == 3:
            first.set()
        return number

    def given():
        for number in range(20):
            assert len(begun) >= number - 4
            yield number

    with ThreadPoolExecutor(4) as pool:
        found = stores.in_order(pool, work, given(), 4, lambda number: number % 7 != 6)
        assert list(found) == list(range(20))


def test_network_mounts_are_far(tmp_path, monkeypatch):
    lines = (
        "1 2 0:1 / / rw - ext4 /dev/sda rw\n"
        "2 3 0:2 / /mnt/a\\040b rw shared:1 - nfs4 host:/a rw\n"
        "3 3 0:3 / /mnt/fuse rw - fuse.sshfs host: rw\n"
    )
    mounts = tmp_path / "mountinfo"
    mounts.write_text(lines)
    monkeypatch.setattr(stores, "MOUNTS", mounts)
    stores._mounts.cache_clear()
    try:
        far = [p for p in ("/mnt/a b/x", "/mnt/fuse/x", "/mnt/fuseless", "/x") if stores.is_far(p)]
        assert far == ["/mnt/a b/x", "/mnt/fuse/x"]
        assert stores.is_far("s3://bucket/x") and not stores.is_far("file:/x")
    finally:
        stores._mounts.cache_clear()
