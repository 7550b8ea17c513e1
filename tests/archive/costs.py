"""What a scan asks of storage, counted: python -m archive.costs COUNT.

The objects are CT images of 39 KB whose pixels end the file, and headers fit into the first read. S3
is moto, in a process of its own, which waits 25 ms before each answer; NFS is a disk whose opens and
reads wait 1 ms and 0.5 ms (`archive.latency`). Printed is the table of docs/spark.md.
"""

import contextlib
import multiprocessing
import sys
import tempfile
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO, FileIO
from pathlib import Path
from typing import NamedTuple

import pydicom
from sopstatus.archive import stores
from sopstatus.documents.scanned import Reader

from archive.latency import PLACES as FAR
from archive.names import IMAGE
from archive.s3 import endpoint

THREADS = 16


class Cost(NamedTuple):
    """Of a scan: requests by kind, bytes that came, CPU seconds of the reader, seconds."""

    requests: Counter
    sent: int
    cpu: float
    seconds: float


class Counted(FileIO):
    """A file that counts what is asked of it, and waits."""

    def __init__(self, path, counts, opening=0.0, reading=0.0):
        time.sleep(opening)
        super().__init__(path)
        counts["open"] += 1
        self._counts, self._reading = counts, reading

    def read(self, size=-1):
        time.sleep(self._reading)
        data = super().read(size)
        self._counts["read"] += 1
        self._counts["bytes"] += len(data)
        return data


def image(number):
    """Return an image whose pixels end it, with a UID of its own."""
    made = pydicom.dcmread(IMAGE)
    del made[0xFFFCFFFC]
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
    written = BytesIO()
    made.save_as(written)
    return written.getvalue()


def read_all(paths, opening, threads):
    """Read all, so many at a time; return CPU seconds and seconds."""
    reader = Reader()
    begun, before = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque()
        for path in paths:
            waiting.append(pool.submit(reader.opened, path, lambda path=path: opening(path)))
            if len(waiting) >= 2 * threads:
                assert waiting.popleft().result().instances
        assert all(one.result().instances for one in waiting)
    return time.process_time() - before, time.monotonic() - begun


def of_disk(folder, count, place, threads):
    for number in range(count):
        (folder / f"{number:07}.dcm").write_bytes(image(number))
    counts = Counter()
    found = [str(file) for file in sorted(folder.iterdir())]
    cpu, seconds = read_all(found, lambda path: Counted(path, counts, *FAR[place]), threads)
    sent = counts.pop("bytes")
    return Cost(counts, sent, cpu, seconds)


def _serve(count, far, there):
    with endpoint() as running:
        running.client.create_bucket(Bucket="bucket")
        for number in range(count):
            key = f"study{number // 100}/{number:07}.dcm"
            running.client.put_object(Bucket="bucket", Key=key, Body=image(number))
        running.forget()
        running.far = far
        there.send(running.url)
        there.recv()
        there.send((dict(running.counts()), running.sent))


@contextlib.contextmanager
def served(count, far):
    """Run the store with so many objects; the function that is given tells what came."""
    import os

    from archive.s3 import CREDENTIALS

    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(count, far, there))
    process.start()
    before = dict(os.environ)
    os.environ.update(CREDENTIALS, AWS_ENDPOINT_URL=here.recv())
    stores._s3.cache_clear()

    def told():
        here.send(None)
        counts, sent = here.recv()
        return Counter(counts), sent

    try:
        yield told
    finally:
        os.environ.clear()
        os.environ.update(before)
        stores._s3.cache_clear()
        process.join(10)


def of_store(count, far, threads=THREADS):
    with served(count, far) as told:
        begun, before = time.monotonic(), time.process_time()
        folders, files = stores.below("s3://bucket")
        found = [one.path for one in files]
        found += [one.path for folder in folders for one in stores.listed(folder)]
        assert len(found) == count
        listing, listed = time.process_time() - before, time.monotonic() - begun
        cpu, seconds = read_all(found, stores.opened, threads)
        requests, sent = told()
    return Cost(requests, sent, cpu + listing, seconds + listed)


def main(count):
    print(
        "| place | in flight | requests per object | bytes per object | core-ms per object | objects a second |"
    )
    print("|---|---|---|---|---|---|")
    for place in FAR:
        with tempfile.TemporaryDirectory() as folder:
            threads = 1 if place == "local disk" else THREADS
            told(place, threads, count, of_disk(Path(folder), count, place, threads))
    for threads in (1, THREADS):
        told("object storage", threads, count, of_store(count, 0.025, threads))


def told(place, threads, count, cost):
    asked = ", ".join(f"{n / count:.3g} {kind}" for kind, n in sorted(cost.requests.items()))
    print(
        f"| {place} | {threads} | {asked} | {cost.sent / count:,.0f} | "
        f"{cost.cpu / count * 1000:.2f} | {count / cost.seconds:,.0f} |", flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]))
