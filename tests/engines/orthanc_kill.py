"""kill -9 of Orthanc, and of a destination, in the middle of stores.

By hand: ``make orthanc-kill STORES=1000``. A sender stores until it is told that the instance is
stored, as modalities do. One destination is ``sopstatus mllp``, which forwards to a receiver here, the
other a FHIR server. Every statement must reach the receiver, and twice only with its MSH-10 and
marked; the last resource of every study must state all of its instances.
"""

import json
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx
import pydicom
from pydicom.uid import generate_uid
from samples_of import FOLDER
from sopstatus import codec
from sopstatus.engines.delivery.spool import Spool

from engines.destination import Receiver
from engines.fhir_server import fhir_server
from engines.orthanc_running import free_port, free_ports, heard, orthanc, until
from engines.running import ours

IN_A_STUDY, SENDERS = 25, 2


def images(count):
    """Yield so many small data sets, some in each study, with statements that differ."""
    made = pydicom.dcmread(FOLDER / "authorized-original" / "image.dcm")
    del made.PixelData
    for number in range(count):
        if number % IN_A_STUDY == 0:
            made.StudyInstanceUID = generate_uid(entropy_srcs=["study", str(number)])
            made.SeriesInstanceUID = generate_uid(entropy_srcs=["series", str(number)])
        made.SOPInstanceUID = generate_uid(entropy_srcs=["instance", str(number)])
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        made.SOPAuthorizationComment = f"number {number}"
        with tempfile.SpooledTemporaryFile() as file:
            made.save_as(file)
            file.seek(0)
            yield file.read()


class Senders:
    """Threads that store each data set until Orthanc says that it has it."""

    def __init__(self, url, data):
        self._url, self._data, self._next = url, data, iter(data)
        self._lock, self.stored, self.again = threading.Lock(), 0, 0
        self._threads = [threading.Thread(target=self._run) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def join(self):
        for thread in self._threads:
            thread.join()

    def _run(self):
        with httpx.Client(trust_env=False, timeout=30) as client:
            while True:
                with self._lock:
                    data = next(self._next, None)
                if data is None:
                    return
                while not self._store(client, data):
                    time.sleep(0.1)
                with self._lock:
                    self.stored += 1

    def _store(self, client, data):
        try:
            done = client.post(f"{self._url}/instances", content=data)
        except httpx.TransportError:
            self.again += 1
            return False
        return done.status_code == 200 and done.json()["Status"] in ("Success", "AlreadyStored")


def run(stores, folder, seconds=120):
    """Store so many, with both kills; return what came, and what the spools have marked."""
    data = list(images(stores))
    settings = {**free_ports(), "OverwriteInstances": False}
    forwarding = {"port": free_port()}
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        emr = stack.enter_context(fhir_server())
        to = {"ris": {"MLLP": f"127.0.0.1:{forwarding['port']}"}, "emr": {"FHIR": emr.url}}
        options = ("--forward", receiver.address, "--spool", str(folder / "ris"))

        def destination():
            return stack.enter_context(ours(*options, **forwarding))

        def archive():
            more = {"ApplyProfile": False}  # the statements themselves are to come
            return stack.enter_context(orthanc(folder, to, ours=more, **settings))

        ris, running = destination(), archive()
        senders = Senders(running.url, data)
        for part in (1, 2, 3, 4):
            assert until(lambda p=part: senders.stored >= stores * p // 5, seconds)
            if part % 2:
                running.kill()
                running = archive()
            else:
                ris.kill()
                ris.wait()
                time.sleep(1)
                ris = destination()
        senders.join()
        wanted = {codec("dicom").decode(one, holder="ORTHANC").value[0] for one in data}
        assert until(lambda: wanted <= set(heard(receiver)), seconds), "lost"

        def resources():
            last = {path: body for path, _, body in tuple(emr.received)}
            return [one for body in last.values() for one in told(body)]

        assert until(lambda: wanted <= set(resources()), seconds), "lost for FHIR"
        assert set(resources()) == wanted
        time.sleep(2)  # would something come again?
        ids, count = receiver.ids(), len(heard(receiver))
    marked = set()
    for place in (folder / "ris", folder / "sopstatus" / "ris"):
        spool = Spool(place, create=False)
        marked |= {entry.control_id.decode() for entry in spool.entries() if entry.repeated}
        spool.close()
    return ids, count, marked, senders.again, len(emr.received)


def told(body):
    """Return what a resource states."""
    return codec("fhir").decode(json.loads(body)).value


def check(stores, ids, count, marked, again, puts):
    """Raise `AssertionError` unless the promise was kept; return a line of figures."""
    twice = [name for name, number in Counter(ids).items() if number > 1]
    assert set(twice) <= marked, "a duplicate that is not marked"
    assert len(set(ids)) == stores, "told of twice under two names"
    return (
        f"{stores} stores, Orthanc and a destination killed twice each: {stores} statements, 0 lost, "
        f"{count - stores} sent twice ({len(twice)} marked), {again} stores tried again, "
        f"{puts} FHIR updates"
    )


if __name__ == "__main__":
    number = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        print(check(number, *run(number, Path(place), seconds=1200)))
