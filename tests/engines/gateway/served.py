"""Real processes on loopback: a FHIR server that others wrote, and ``sopstatus gateway`` before it."""

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import httpx
from sopstatus import SOPInstance, codec

from tools import need, need_file

HERE = Path(__file__).parent
MODULES = HERE.parents[2] / "build" / "npm" / "node_modules"
FHIR = {"content-type": "application/fhir+json"}
STUDY, SERIES = "1.2.3", "1.2.3.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
URL = "https://w3id.org/sopstatus/fhir/StructureDefinition/sop-instance-status"


class Served:
    """A process that listens, and a client of it."""

    def __init__(self, url, process, errors):
        self.url, self.process, self._errors = url, process, errors
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def text(self):
        """Return all that it wrote to standard error."""
        self._errors.seek(0)
        return self._errors.read().decode()

    def __getattr__(self, name):
        return getattr(self.client, name)


@contextmanager
def process(command, url_of):
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as running,
    ):
        try:
            line = running.stdout.readline().decode()
            errors.seek(0)
            assert line, errors.read().decode()
            served = Served(url_of(line), running, errors)
            with served.client:
                yield served
        finally:
            running.kill()


@contextmanager
def medplum():
    """Run Medplum's FHIR router."""
    node = need("node", "nodejs")
    need_file(MODULES / "@medplum" / "fhir-router", "nodejs npm, then make build/npm/.ready")
    command = [node, HERE / "medplum.mjs", MODULES]
    with process(command, lambda line: f"http://127.0.0.1:{int(line)}/fhir") as served:
        yield served


@contextmanager
def gateway(upstream, *options, on_failure="closed"):
    """Run the gateway before a server."""
    command = [
        *(sys.executable, "-m", "sopstatus", "gateway", "--port", "0", "--notice", "0"),
        *("--upstream", upstream, "--on-failure", on_failure, *map(str, options)),
    ]
    with process(command, lambda line: json.loads(line)["url"]) as served:
        yield served


def study(count=2, uid=STUDY, **more):
    """Return an ImagingStudy that says nothing of its instances."""
    instances = [
        {
            "uid": f"{SERIES}.{n}",
            "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{CT}"},
        }
        for n in range(count)
    ]
    return {
        "resourceType": "ImagingStudy",
        "status": "available",
        "subject": {"reference": "Patient/synthetic"},
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
        "series": [
            {"uid": SERIES, "modality": {"code": "CT"}, "instance": instances},
        ],
        **more,
    }


def said(number=0, status="AO", holder="", uid=STUDY, **more):
    """Return a statement about an instance of `study`."""
    attributes = {"SOPInstanceStatus": status, **more}
    return SOPInstance(uid, SERIES, CT, f"{SERIES}.{number}", holder, attributes)


def stating(*statements, **more):
    """Return an ImagingStudy with these statements."""
    uid = statements[0].study_instance_uid if statements else STUDY
    return codec("fhir").encode(statements, study(uid=uid, **more)).value


def statuses(resource):
    """Return the status of each statement of a resource."""
    found = codec("fhir").decode(resource).value
    return [one.get("SOPInstanceStatus") for one in found]


def codes(answer):
    """Return the codes of an OperationOutcome's issues."""
    told = answer.json()
    assert told["resourceType"] == "OperationOutcome", told
    return [issue["details"]["coding"][0]["code"] for issue in told["issue"]]
