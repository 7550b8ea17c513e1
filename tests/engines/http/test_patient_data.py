"""What the service logs, counts and answers beside documents holds no patient data."""

import gzip
import json

from serving import MEDIA, parts, service
from test_no_patient_data import ALL, INTO, MARK, NAME, searched

TOGETHER = [(name, document) for name, documents in ALL.items() for _, document in documents]


def data(document):
    """Return a document's bytes; one that no JSON can hold comes as what it prints."""
    if isinstance(document, bytes):
        return document
    return json.dumps(document, skipkeys=True).encode()


def test_no_marker_appears():
    with service("--log-level", "debug") as running, running.client() as client:
        for name, document in TOGETHER:
            for target in ("dicom", "fhir", "hl7"):
                told(client, name, target, data(document))
        for path in (f"/{MARK}", f"/transform/{MARK}", f"/transform/hl7-to-fhir?{MARK}={NAME}"):
            for headers in (
                {"content-type": NAME, "accept": NAME},
                {"content-type": f"multipart/related; boundary={MARK}"},
                {"content-encoding": MARK, "authorization": f"Bearer {MARK}"},
            ):
                answer = client.post(path, content=data(NAME), headers=headers)
                assert answer.status_code >= 400
                searched(answer.text, answer.headers)
        broken = f"--{MARK}\r\n{MARK}\x00: {MARK}\r\n\r\n{MARK}".encode()
        answer = client.post(
            "/transform/hl7-to-fhir",
            content=broken,
            headers={"content-type": f"multipart/form-data; boundary={MARK}"},
        )
        searched(answer.text)
        lines = f'{NAME}\n{{"transform": "{MARK}", "document": "{MARK}"}}\n[{MARK}\n"{MARK}"'
        for body, headers in (
            (lines.encode(), {}),
            (gzip.compress(lines.encode()), {"content-encoding": "gzip"}),
        ):
            headers = {"content-type": "application/x-ndjson", **headers}
            searched(client.post("/batch", content=body, headers=headers).text)
        searched(client.get("/metrics").text, client.get("/readyz").text)
        running.stop()
        assert len(running.events()) > 500
        searched(running.text())


def told(client, name, target, document):
    """Ask for a document, in both ways, and search what is answered beside it."""
    url = f"/transform/{name}-to-{target}"
    into = data(INTO[target])
    for accept in ("*/*", "application/json", "application/fhir+json, */*;q=0.1"):
        answer = client.post(
            url, files=parts(document, into, name, target), headers={"accept": accept}
        )
        searched(answer.headers)
        if answer.status_code != 200:
            assert answer.status_code in (400, 413, 422)
            searched(answer.text)
        elif answer.headers["content-type"] == MEDIA["healthimaging"]:
            searched(answer.json()["issues"])
