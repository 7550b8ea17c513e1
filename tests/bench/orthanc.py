"""Orthanc rows: what the plugin adds to a store, and what it leaves of the stores a second.

Three processes of Orthanc on the same disk, in turn: without the Python plugin, with a script whose
callbacks do nothing (what Orthanc's embedding of Python costs), and with ours, which applies the
profile, writes metadata and tells an MLLP destination and a FHIR server that answer at once.
"""

import itertools
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pydicom
from engines.destination import Receiver
from engines.fhir_server import fhir_server
from engines.orthanc_running import heard, orthanc, until

from bench.harness import OURS, Row

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "authorized-original" / "image.dcm"
PLAIN, EMPTY = "Orthanc without a plugin", "a script that does nothing"
SECOND = "the second"
PAUSE = 1.0  # our delivery begins half a second after the last store: not in another's turn
CONNECTIONS, TOGETHER, IN_AN_ASSOCIATION = 4, 64, 50
NOTE = (
    "Before the store is answered the profile is applied, the result is read again by a reader of its own, what is "
    "held is looked up, and the audit record is on the disk; delivery waits until the stores rest. By processor time "
    "within our callbacks: the profile, with the second reader, 32 %, Orthanc's own reading of the result 22 %, its "
    "look-up of the instance 18 %, reading what it then holds 16 %, the audit record 12 %, and the disk's sync beside. "
    "Its two calls alone take more than the aim allows for all. It calls a plugin for one arrival at a time."
)
SCRIPT = """
import orthanc
orthanc.RegisterOnStoredInstanceCallback(lambda dicom, instance: None)
orthanc.RegisterIncomingCStoreInstanceFilter(lambda dicom: 0)
orthanc.RegisterIncomingHttpRequestFilter(lambda uri, **request: True)
keep = orthanc.ReceivedInstanceAction.KEEP_AS_IS
orthanc.RegisterReceivedInstanceCallback(lambda data, origin: (keep, None))
"""


def images(of_a_study=64):
    """Yield the sample for ever, each time as another instance, so many of each study."""
    data, read = SAMPLE.read_bytes(), pydicom.dcmread(SAMPLE, stop_before_pixels=True)
    instance, study = read.SOPInstanceUID.encode(), read.StudyInstanceUID.encode()
    for number in itertools.count():
        made = data
        for uid, end in ((instance, b".%d" % number), (study, b".%d" % (number // of_a_study))):
            made = made.replace(uid, uid[: len(uid) - len(end)] + end)
        yield made


def one(running, data):
    """Return a callable that stores an instance by REST."""

    def store():
        running.rest(next(data))

    return store


def several(running, data):
    """Return a callable that stores many over some connections at a time."""
    pool = ThreadPoolExecutor(CONNECTIONS)

    def store():
        assert all(pool.map(running.rest, [next(data) for _ in range(TOGETHER)]))

    return store


def associated(running):
    """Return a callable that stores many in one association; storescu invents their UIDs."""

    def store():
        said = running.storescu(SAMPLE, "CT1", "+II", "--repeat", str(IN_AN_ASSOCIATION))
        assert said.count("Store Response (Success)") == IN_AN_ASSOCIATION, said

    return store


def processor(running, data, idle):
    """Return a callable that stores many, waits until all is done, and tells the processor's time."""

    def store():
        before = running.processor_time()
        for _ in range(TOGETHER):
            running.rest(next(data))
        assert until(idle, 300)
        time.sleep(1.5)  # the rows of the spool follow
        return (running.processor_time() - before) * 1e3 / TOGETHER

    return store


def delivered(running, data, receiver):
    """Return a callable that stores an instance and waits until the destination has it."""

    def store():
        count = len(receiver.received)
        running.rest(next(data))
        assert until(lambda: len(receiver.received) > count, pause=0.0005)

    return store


def timed(running, data):
    """Store an instance, and return the milliseconds that it took."""
    start = time.perf_counter()
    running.rest(data)
    return (time.perf_counter() - start) * 1e3


def rows():
    """Yield the rows."""
    with ExitStack() as stack:
        enter = stack.enter_context
        folders = [Path(enter(tempfile.TemporaryDirectory())) for _ in range(3)]
        receiver, emr = enter(Receiver()), enter(fhir_server())
        (folders[1] / "empty.py").write_text(SCRIPT)
        to = {"ris": {"MLLP": receiver.address}, "emr": {"FHIR": emr.url}}
        servers = {
            OURS: enter(orthanc(folders[0], to, ours={"Audit": str(folders[0] / "audit.jsonl")})),
            EMPTY: enter(orthanc(folders[1], PythonScript=str(folders[1] / "empty.py"))),
            PLAIN: enter(orthanc(folders[2], plugin=False)),
        }
        data, limits = images(), frozenset((EMPTY, PLAIN))
        size = SAMPLE.stat().st_size
        told = {"limits": limits, "budget": 3, "pause": PAUSE, "note": NOTE, "rounds": 5}
        works = {
            "Orthanc: an instance stored by REST": (one, 1, 1 / 1.2),
            f"Orthanc: stored by REST over {CONNECTIONS} connections": (several, TOGETHER, 1 / 1.3),
        }
        for work, (make, count, aim) in works.items():
            contenders = {name: make(running, data) for name, running in servers.items()}
            told_size = f"{count} of {size} bytes"
            shown = "Orthanc: an instance stored" if count == 1 else ""
            facts = {**told, "shown": shown}
            yield Row(work, told_size, contenders, {PLAIN: aim}, **facts)
        contenders = {name: associated(running) for name, running in servers.items()}
        many = f"{IN_AN_ASSOCIATION} of {size} bytes"
        work = "Orthanc: stored by C-STORE in one association"
        aims = {PLAIN: 1 / 1.25}
        yield Row(work, many, contenders, aims, **told)

        def is_told():
            return len({i.sop_instance_uid for i in heard(receiver)}) == instances(servers[OURS])

        assert until(is_told, 300)
        contenders = {
            name: processor(running, data, is_told if name == OURS else lambda: True)
            for name, running in servers.items()
        }
        unit = "ms of processor"
        yield Row(
            "Orthanc: a store in all",
            f"{size} bytes",
            contenders,
            {PLAIN: 1 / 1.7},
            limits=limits,
            unit=unit,
            note=NOTE,
        )
        contenders = {OURS: delivered(servers[OURS], data, receiver)}
        yield Row("Orthanc: from the store to the destination", f"{size} bytes", contenders)
    starts = []

    def first():
        with tempfile.TemporaryDirectory() as folder, orthanc(Path(folder)) as running:
            starts.append([timed(running, next(data)) for _ in range(2)])
        return starts[-1][0]

    contenders = {OURS: first, SECOND: lambda: starts[-1][1]}
    yield Row(
        "Orthanc: the first data set after a start", f"{size} bytes", contenders, {SECOND: 1 / 1.2},
        limits=frozenset([SECOND]), unit="ms",
    )  # fmt: skip


def instances(running):
    """Return how many instances Orthanc holds."""
    return running.get("/statistics")["CountInstances"]
