"""What the hot paths cost in instructions, which do not depend on how busy the machine is.

Each piece of work is counted by cachegrind as the difference of two processes, of which one does
it some times more, and told in units of a yardstick in plain Python, so that another build of
Python counts about the same. ``python -m bench.guard`` prints the figures of today.
"""

import gc
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "instructions.toml"


def yardstick():
    """Make something of dicts, texts and tuples, and sort it."""

    def work():
        said = {str(i): (i % 100, "x" * (i % 7)) for i in range(100)}
        return sorted(said.items(), key=lambda pair: pair[1])

    return work


def _sample(name):
    return (HERE.parents[1] / "samples" / "authorized-original" / name).read_bytes()


def _codec(name):
    from sopstatus import codec

    return codec(name)


def hl7_decode():
    """Read 100 ZDS."""
    under, data = _codec("hl7"), _sample("message.hl7")
    (one,) = under.decode(data).value
    many = [replace(one, sop_instance_uid=f"1.2.3.{n}") for n in range(1, 101)]
    data = under.encode(many, data).value
    return lambda: under.decode(data)


def hl7_encode():
    """Write a ZDS into a message that has none."""
    under, data = _codec("hl7"), _sample("message.hl7")
    given = under.decode(data).value
    bare = b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(b"ZDS"))
    return lambda: under.encode(given, bare)


def hl7_escaped():
    """Read a ZDS whose comment has an escaped character."""
    under, data = _codec("hl7"), _sample("message.hl7")
    odd = data.replace(b"Released after review", b"Released \\T\\ reviewed")
    assert odd != data
    return lambda: under.decode(odd)


def fhir_decode():
    """Read the extension of an ImagingStudy."""
    under, study = _codec("fhir"), json.loads(_sample("imaging-study.json"))
    return lambda: under.decode(study)


def fhir_encode():
    """Write another status onto an ImagingStudy."""
    under, study = _codec("fhir"), json.loads(_sample("imaging-study.json"))
    (one,) = under.decode(study).value
    new = [replace(one, attributes={**dict(one.attributes), "SOPInstanceStatus": "AC"})]
    return lambda: under.encode(new, study)


def dicom_decode():
    """Read a Part 10 file."""
    under, data = _codec("dicom"), _sample("image.dcm")
    return lambda: under.decode(data)


def dicom_encode():
    """Write another status into a Part 10 file."""
    under, data = _codec("dicom"), _sample("image.dcm")
    (one,) = under.decode(data).value
    new = [replace(one, attributes={**dict(one.attributes), "SOPInstanceStatus": "AC"})]
    return lambda: under.encode(new, data)


def dicom_applied():
    """Let a data set in over a link that nobody vouched for: judged, written and read again."""
    from sopstatus import transformer

    arrives, data = transformer("dicom", "dicom"), _sample("image.dcm")
    return lambda: arrives(data)


def dicom_json_decode():
    """Read DICOMweb metadata."""
    under, data = _codec("dicom-json"), _sample("metadata.json")
    return lambda: under.decode(data)


def dicom_json_alike():
    """Read the metadata of 100 instances that differ in little."""
    under, (one,) = _codec("dicom-json"), json.loads(_sample("metadata.json"))
    many = [{**one, "00080018": {"vr": "UI", "Value": [f"1.2.3.{n}"]}} for n in range(1, 101)]
    data = json.dumps(many).encode()
    return lambda: under.decode(data)


def fhir_encode_many():
    """Write 100 statements, each with a comment of its own, onto a study that states nothing."""
    under, (one,) = _codec("fhir"), _codec("hl7").decode(_sample("message.hl7")).value
    said = dict(one.attributes)
    many = [
        replace(
            one,
            sop_instance_uid=f"1.2.3.{n}",
            attributes={**said, "SOPAuthorizationComment": f"no. {n}"},
        )
        for n in range(1, 101)
    ]
    bare = under.blank([replace(new, attributes=()) for new in many])
    return lambda: under.encode(many, bare)


def acknowledge():
    """Answer a message that was taken."""
    from sopstatus.acknowledge import acknowledge

    data = _sample("message.hl7")
    return lambda: acknowledge(data, time="20240102030405+0000", control_id="1")


TIMES = 20
WORK = (
    hl7_decode, hl7_encode, hl7_escaped, fhir_decode, fhir_encode, dicom_decode, dicom_encode, dicom_applied,
    dicom_json_decode, dicom_json_alike, fhir_encode_many, acknowledge,
)  # fmt: skip


def instructions(name):
    """Return the instructions of one call."""
    return (_count(name, TIMES) - _count(name, 0)) / TIMES


def _count(name, times):
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command += [sys.executable, "-m", "bench.guard", name, str(times)]
    # the threads of numpy's OpenBLAS, which pydicom imports, spin while they wait
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=HERE.parent, env=environment, capture_output=True, text=True, check=True
    )
    return int(re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)[1].replace(",", ""))


def recorded():
    """Return the yardsticks that each piece of work took when it was last looked at."""
    return tomllib.loads(RECORDED.read_text("utf-8"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work = globals()[sys.argv[1]]()
        for _ in range(10):
            work()  # what is done once, and what the interpreter specialises, is not counted
        gc.collect()
        gc.disable()  # a full collection costs as much as a thousand calls, and comes when it likes
        for _ in range(int(sys.argv[2])):
            work()
    else:
        unit = instructions("yardstick")
        for made in WORK:
            print(f"{made.__name__} = {instructions(made.__name__) / unit:.3f}")
