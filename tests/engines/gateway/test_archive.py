"""What the archive knows is added on the way; where it fails, the site has chosen what happens."""

import signal
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from sopstatus.testing import dicomweb as servers
from sopstatus.testing.running import running
from sources.stored import FIRST, SERIES, STUDY, file
from sources.test_opened import answering

from engines.gateway.served import FHIR, codes, gateway, medplum, statuses
from engines.gateway.served import study as blank

QUALITY_CONTROL = (
    Path(__file__).parents[2] / "issue_samples" / "value" / "open-set" / "quality-control.toml"
)


@pytest.fixture(scope="module")
def server():
    with medplum() as running_:
        yield running_


@pytest.fixture(scope="module")
def archive():
    app = servers.orthanc()
    with running(app) as url:
        for n, status in enumerate(("AO", "AC", None)):
            app.state.archive.store(file(n, status))
        yield f"{url}/dicom-web"


def endpoint(url, kind="dicom-wado-rs", **more):
    return {
        "resourceType": "Endpoint", "status": "active", "address": url,
        "connectionType": {"code": kind}, "payloadType": [{"text": "DICOM"}], **more,
    }  # fmt: skip


def study(*references):
    """Return an ImagingStudy of what the archive has, and says nothing of it itself."""
    made = blank(uid=STUDY)
    made["series"][0]["uid"] = SERIES
    made["series"][0]["instance"] = [{"uid": f"{FIRST}.{n}", "sopClass": {
        "system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}}
        for n in range(3)]  # fmt: skip
    if references:
        made["endpoint"] = [{"reference": reference} for reference in references]
    return made


def stored(server, resource):
    return server.post("/ImagingStudy", json=resource, headers=FHIR).json()["id"]


def test_on_read_and_in_a_search(server, archive):
    known = server.post("/Endpoint", json=endpoint(archive), headers=FHIR).json()["id"]
    other = server.post("/Endpoint", json=endpoint("http://127.0.0.1:9/x"), headers=FHIR).json()
    name = stored(server, study(f"Endpoint/{known}"))
    elsewhere = stored(server, study(f"Endpoint/{other['id']}"))
    inside = stored(server, {**study("#e"), "contained": [endpoint(f"{archive}/", id="e")]})
    nowhere = stored(server, study())
    options = ("--archive", archive, "--enrich", "read", "--holder", "ARCHIVE")
    with gateway(server.url, *options) as front:
        for id_, found in ((name, ["AO", "AC"]), (inside, ["AO", "AC"]), (nowhere, ["AO", "AC"])):
            assert statuses(front.get(f"/ImagingStudy/{id_}").json()) == found
        # an address that the site does not name is never asked
        assert statuses(front.get(f"/ImagingStudy/{elsewhere}").json()) == []
        assert statuses(server.get(f"/ImagingStudy/{name}").json()) == []  # it is not stored
        hits = front.get("/ImagingStudy?sop-instance-status=AC&_count=100").json()["entry"]
        assert {e["resource"]["id"] for e in hits} == {name, inside, nowhere}
        told = front.get(f"/ImagingStudy/{name}/$sop-status").json()["parameter"]
        assert len(told) == 3
        xml = front.get(f"/ImagingStudy/{name}", headers={"accept": "application/fhir+xml"})
        assert (xml.status_code, codes(xml)) == (406, ["http/not-acceptable"])
        packed = front.get(f"/ImagingStudy/{name}", headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        fresh = front.get(
            f"/ImagingStudy/{name}", headers={"if-none-match": packed.headers["etag"]}
        )
        assert fresh.status_code == 200  # the archive may know more than it did


def test_new_tables_ask_the_archive_for_what_they_name(server, tmp_path):
    app, name = servers.orthanc(), stored(server, study())
    (tmp_path / "site.toml").write_text('publisher = "A synthetic site"\n')
    data_set = dcmread(BytesIO(file(0, "AO")))
    data_set.QualityControlImage = "YES"
    data_set.save_as(image := BytesIO())
    app.state.archive.store(image.getvalue())
    with (
        running(app) as url,
        gateway(
            server.url, "--archive", f"{url}/dicom-web", "--enrich", "read", "--fresh", "0",
            "--mappings", tmp_path,
        ) as front,
    ):  # fmt: skip
        before = front.get(f"/ImagingStudy/{name}")
        assert (statuses(before.json()), "quality-control" in before.text) == (["AO"], False)
        (tmp_path / "new").write_bytes(QUALITY_CONTROL.read_bytes())
        (tmp_path / "new").rename(tmp_path / "quality-control.toml")
        front.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            after = front.get(f"/ImagingStudy/{name}")
            if "quality-control" in after.text:
                break
        assert "StructureDefinition/quality-control" in after.text


def test_on_write_alone_and_in_a_transaction(server, archive):
    options = ("--archive", archive, "--enrich", "write", "--holder", "ARCHIVE", "--tag")
    with gateway(server.url, *options) as front:
        answer = front.post("/ImagingStudy", json=study(), headers=FHIR)
        assert answer.status_code == 201
        assert statuses(server.get(f"/ImagingStudy/{answer.json()['id']}").json()) == ["AO", "AC"]
        assert answer.json()["meta"]["tag"][0]["code"] == "mixed"
        urn = "urn:uuid:7d3a6a5e-1d4c-4d57-9a6e-9a3d2a3c1f00"
        sent = {
            "resourceType": "Bundle", "type": "transaction", "entry": [
                {"fullUrl": urn, "resource": endpoint(archive),
                 "request": {"method": "POST", "url": "Endpoint"}},
                {"resource": study(urn), "request": {"method": "POST", "url": "ImagingStudy"}},
            ],
        }  # fmt: skip
        done = front.post("/", json=sent, headers=FHIR)
        assert done.status_code == 200, done.text
        place = done.json()["entry"][1]["response"]["location"]
        assert statuses(server.get(f"/{place}").json()) == ["AO", "AC"]


@pytest.mark.parametrize("body", [None, b"null", b""], ids=["gone", "null", "empty"])
@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_an_archive_that_does_not_answer_as_one(server, on_failure, body):
    name = stored(server, study())
    options = ("--enrich", "read", "--enrich", "write", "--archive")
    with (
        running(answering(200, body)) as url,
        gateway(
            server.url, *options, url if body is not None else "http://127.0.0.1:9/web",
            on_failure=on_failure,
        ) as front,
    ):  # fmt: skip
        for answer in (
            front.get(f"/ImagingStudy/{name}"),
            front.post("/ImagingStudy", json=study(), headers=FHIR),
        ):
            if on_failure == "open":
                assert answer.status_code in (200, 201)
                assert answer.json()["resourceType"] == "ImagingStudy"
                assert answer.headers["sopstatus-issues"].startswith("fatal=")
            else:
                assert (answer.status_code, codes(answer)) == (502, ["source/unavailable"])


def test_an_answer_that_is_too_large(server):
    name = stored(server, study())
    options = ("--archive", "http://127.0.0.1:9/web", "--enrich", "read", "--max-body", "500")
    for on_failure, status in (("open", 200), ("closed", 502)):
        with gateway(server.url, *options, on_failure=on_failure) as front:
            assert front.get(f"/ImagingStudy/{name}").status_code == status
