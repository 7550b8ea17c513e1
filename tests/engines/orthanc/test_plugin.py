"""Orthanc itself, with the plugin: what is stored there by any way comes to every destination."""

import json
import re
import time
from dataclasses import replace

import httpx
import pytest
import trustme
from bench.orthanc import images
from described import PLAIN, data_set, saved
from engines.destination import Receiver
from engines.fhir_server import fhir_server
from engines.orthanc_running import free_port, heard, orthanc, statement, until
from samples_of import CASES, FOLDER
from small_disk import empty, fill, small_disk
from sopstatus import codec, transformer
from sopstatus.audit import log as audit_log

CT = FOLDER / "authorized-original" / "image.dcm"
IMAGES = [FOLDER / case / "image.dcm" for case in CASES]
REFUSED = FOLDER / "unknown-term" / "image.dcm"  # what is no term may not be taken in
STATED = [file for file in IMAGES if file != REFUSED and statement(file)]


@pytest.fixture(scope="module")
def trusted(tmp_path_factory):
    """Run an Orthanc whose DICOM port asks for certificates, behind a proxy that does so for HTTP.

    Its own HTTPS is not run: Debian 12's Orthanc 1.10.1 ends with a segmentation fault at the first
    request, without any plugin too.
    """
    folder = tmp_path_factory.mktemp("trusted")
    ca, server, own = trustme.CA(), folder / "server.pem", folder / "own.pem"
    ca.cert_pem.write_to_path(folder / "ca.pem")
    for name, hosts in ((server, ("localhost", "127.0.0.1")), (own, ("client",))):
        made = ca.issue_cert(*hosts)
        made.private_key_and_cert_chain_pem.write_to_path(name)
        made.private_key_pem.write_to_path(name.with_suffix(".key"))
        made.cert_chain_pems[0].write_to_path(name.with_suffix(".crt"))
    trust = str(folder / "ca.pem")
    settings = {
        **{"DicomTlsEnabled": True, "DicomTlsCertificate": str(server.with_suffix(".crt"))},
        "DicomTlsPrivateKey": str(server.with_suffix(".key")),
        "DicomTlsTrustedCertificates": trust,
        **{"DicomCheckModalityHost": True, "DicomAlwaysAllowStore": False},
        "DicomModalities": {name: [name.upper(), "127.0.0.1", 104] for name in ("ct1", "other")},
    }
    ours = {
        **{"ConformingModalities": ["CT1"], "ConformingClients": ["127.0.0.0/8"]},
        "BehindProxy": True,
        "Audit": str(folder / "audit.jsonl"),
    }
    with Receiver() as ris, fhir_server() as emr:
        to = {"ris": {"MLLP": ris.address}, "emr": {"FHIR": emr.url}}
        to["bundles"] = {"FHIR": emr.url, "Interaction": "transaction"}
        with orthanc(folder, to, ours=ours, **settings) as running:
            running.ris, running.emr = ris, emr
            running.tls = ("+tls", own.with_suffix(".key"), own.with_suffix(".crt"), "+cf", trust)
            yield running


def study_of(running, uid):
    (found,) = running.client.post(
        "/tools/find", json={"Level": "Study", "Query": {"StudyInstanceUID": uid}}
    ).json()
    return found


def forget(running, file):
    """Delete what Orthanc holds of a sample's instance: what is better is not replaced."""
    (own,) = codec("dicom").instances(file)
    for found in running.client.post("/tools/lookup", content=own.sop_instance_uid).json():
        if found["Type"] == "Instance":
            assert running.client.delete(found["Path"]).status_code == 200


def by_c_store(running, file):
    forget(running, file)
    said = running.storescu(file, "CT1", *running.tls)
    assert "Store Response (Success)" in said, said


def by_stow(running, file):
    forget(running, file)
    answer = running.stow(file.read_bytes())
    assert answer.status_code == 200
    assert "00081199" in answer.json()


def by_rest(running, file):
    forget(running, file)
    assert running.rest(file.read_bytes())["Status"] == "Success"


@pytest.mark.parametrize("store", [by_c_store, by_stow, by_rest])
def test_what_is_stored_comes_to_every_destination(trusted, store):
    before, puts = len(trusted.ris.received), len(trusted.emr.received)
    time.sleep(1)  # Orthanc's time of storing is of seconds
    for file in IMAGES:
        if file != REFUSED:
            store(trusted, file)
    expected = [statement(file) for file in STATED]
    assert until(lambda: len(trusted.ris.received) >= before + len(expected))
    assert heard(trusted.ris)[before:] == expected
    last = {}  # of several data sets of one instance, the last one
    for one in expected:
        last[one.sop_instance_uid] = one
    fhir = codec("fhir")

    def told(transaction):
        found = {}
        for path, _, body in tuple(trusted.emr.received)[puts:]:
            if (path == "/fhir") == transaction:
                document = json.loads(body)
                for one in fhir.decode(document).value:
                    found[one.sop_instance_uid] = one
        return found

    for transaction in (False, True):
        assert until(lambda t=transaction: told(t) == last), told(transaction)


def test_resources_are_put_under_the_identifier_of_the_study(trusted):
    by_rest(trusted, CT)
    study = study_of(trusted, statement(CT).study_instance_uid)
    place = f"/fhir/ImagingStudy/{study}"
    assert until(lambda: any(path == place for path, _, _ in tuple(trusted.emr.received)))
    kind, body = next((k, b) for path, k, b in trusted.emr.received if path == place)
    assert kind == "application/fhir+json; charset=utf-8"
    assert json.loads(body)["id"] == study


@pytest.mark.parametrize("file", STATED, ids=lambda file: file.parent.name)
def test_rest_answers_in_the_form_that_is_asked_for(trusted, file):
    by_rest(trusted, file)
    own = statement(file)
    study = study_of(trusted, own.study_instance_uid)
    (instance,) = trusted.client.post(
        "/tools/find", json={"Level": "Instance", "Query": {"SOPInstanceUID": own.sop_instance_uid}}
    ).json()
    forms = {
        "application/fhir+json": "fhir",
        "application/hl7-v2": "hl7",
        "application/dicom+json": "dicom-json",
    }
    for path in (f"/instances/{instance}", f"/studies/{study}"):
        for media, name in forms.items():
            answer = trusted.client.get(f"{path}/sop-status", headers={"Accept": media})
            assert (answer.status_code, answer.headers["content-type"]) == (200, media)
            document = json.loads(answer.content) if "json" in media else answer.content
            options = {"holder": "ORTHANC"} if name == "dicom-json" else {}
            assert own in codec(name).decode(document, **options).value
    status = dict(own.attributes).get("SOPInstanceStatus", "") or '""'
    kept = f"/instances/{instance}/metadata/SopStatus"
    assert until(lambda: trusted.client.get(kept).text == status)


VARIES = re.compile(rb"\|\d{14}\+0000\|\|ORU\^R01\^ORU_R01\|[0-9A-F]{20}")  # MSH-7, MSH-10


def test_messages_and_resources_say_what_the_data_set_says(trusted):
    image = data_set()
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(image, keyword, getattr(image, keyword) + ".7")
    data, before = saved(image), len(trusted.ris.received)
    found = trusted.rest(data)
    message = transformer("dicom", "hl7")(data, holder="ORTHANC").value
    resource = transformer("dicom", "fhir")(data, holder="ORTHANC").value
    assert PLAIN["PatientID"].encode() in message
    uid = image.StudyInstanceUID.encode()

    def told():  # what earlier tests stored may still come
        return [one for one in trusted.ris.received[before:] if uid in one]

    assert until(told)
    assert VARIES.sub(b"", told()[0]) == VARIES.sub(b"", message)
    place = f"/fhir/ImagingStudy/{found['ParentStudy']}"

    def put():
        return [json.loads(b) for path, _, b in tuple(trusted.emr.received) if path == place]

    assert until(put)
    assert put()[-1] == resource | {"id": found["ParentStudy"]}
    for media, want in (("application/hl7-v2", message), ("application/fhir+json", resource)):
        answer = trusted.client.get(f"{found['Path']}/sop-status", headers={"Accept": media})
        if isinstance(want, bytes):
            assert VARIES.sub(b"", answer.content) == VARIES.sub(b"", want)
        else:
            assert answer.json() == want
    assert not any(text in trusted.text() for text in (PLAIN["PatientID"], "Jürgen", "Hausarzt"))


def test_rest_refuses(trusted):
    by_rest(trusted, CT)
    study = study_of(trusted, statement(CT).study_instance_uid)
    ask = trusted.client
    assert ask.get("/instances/none/sop-status").status_code == 404
    path = f"/studies/{study}/sop-status"
    assert ask.get(path, headers={"Accept": "text/html"}).status_code == 406
    assert ask.get(path, headers={"Accept": "text/html, */*;q=0.1"}).status_code == 200
    assert ask.put(path, content=b"").status_code == 405


def test_explorer_shows_the_status(trusted):
    assert "SOP Instance Status: " in trusted.client.get("/plugins/explorer.js").text
    by_rest(trusted, CT)
    study = study_of(trusted, statement(CT).study_instance_uid)
    kept = f"/studies/{study}/metadata/SopStatus"
    assert until(lambda: trusted.client.get(kept).text in ("AO", "mixed"))


def test_who_is_not_known_to_conform_brings_no_status(trusted):
    for one in trusted.get("/instances"):
        trusted.client.delete(f"/instances/{one}")
    said = trusted.storescu(CT, "OTHER", *trusted.tls)
    assert "Store Response (Unknown Status: 0x124)" in said, said  # Refused: Not Authorized
    said = trusted.storescu(CT, "NOBODY", *trusted.tls)  # Orthanc knows no such caller
    assert "Store Response (Success)" not in said, said
    said = trusted.storescu(REFUSED, "CT1", *trusted.tls)
    assert "CannotUnderstand" in said, said
    answer = trusted.client.post("/instances", content=REFUSED.read_bytes())
    assert (answer.status_code, answer.json()["Message"]) == (400, "Bad file format")
    assert trusted.get("/instances") == []
    far = {"X-Forwarded-For": "127.0.0.1, 10.1.1.1"}  # the proxy adds at the end
    trusted.client.post("/instances", content=CT.read_bytes(), headers=far)
    (found,) = trusted.get("/dicom-web/instances", params={"includefield": "01000410"})
    assert found["01000410"]["Value"] == ["NS"]


def test_dicomweb_as_orthanc_answers_it(trusted):
    """Hold the codec against Orthanc's own DICOM JSON, and pin what Orthanc does to a query."""
    with_delimiters = FOLDER / "delimiters-in-comment" / "image.dcm"
    for file in (CT, with_delimiters):
        by_rest(trusted, file)
    own, decode = statement(with_delimiters, ""), codec("dicom-json").decode
    study = f"/dicom-web/studies/{own.study_instance_uid}"
    metadata = trusted.get(f"{study}/metadata")
    comment = own["SOPAuthorizationComment"]
    assert comment.count("\\") >= 1
    assert len(metadata[0]["01000424"]["Value"]) == comment.count("\\") + 1  # LT is VM 1 (PS3.5)
    read = decode(metadata)
    assert "dicom-json/split-text" in [issue.code for issue in read.issues]
    assert read.value == (own,)

    def query(**parameters):
        return trusted.get("/dicom-web/instances", params=parameters)

    def states(found):
        return sum("01000410" in one for one in found)

    everything = query()
    assert states(everything) == 0  # not among what is answered by itself
    assert states(query(includefield="all")) == 0
    assert states(query(includefield="01000410,01000420")) == 0  # the list of PS3.18 8.3.4.3
    asked = query(includefield=["01000410", "01000420"])  # once for each
    assert states(asked) == len(list(trusted.get("/instances")))
    assert {"01000410", "01000420"} <= asked[0].keys()
    assert len(query(SopInstanceStatus="AO")) == len(everything)  # a key that it does not know
    found = query(**{"01000410": "AO", "includefield": "01000410"})
    assert [one["01000410"]["Value"] for one in found] == [["AO"]] * len(found) != []


def test_nobody_vouches_for_a_port_without_certificates(tmp_path):
    silent = FOLDER / "absent" / "image.dcm"
    with Receiver() as ris:
        ours = {"ConformingClients": ["127.0.0.0/8"], "Audit": str(tmp_path / "audit.jsonl")}
        with orthanc(tmp_path, {"ris": {"MLLP": ris.address}}, ours=ours) as running:
            ways = (
                running.storescu,
                lambda file: running.stow(file.read_bytes()),
                lambda file: running.rest(file.read_bytes()),
            )
            expected = []
            for store in ways:
                for file in (CT, silent):
                    time.sleep(1)
                    store(file)
                    (known,) = codec("dicom").instances(file)
                    ns = (("SOPInstanceStatus", "NS"),)
                    expected.append(replace(known, holder="ORTHANC", attributes=ns))
            assert until(lambda: heard(ris) == expected), heard(ris)
            found = running.get("/dicom-web/instances", params={"includefield": "01000410"})
            assert [one["01000410"]["Value"] for one in found] == [["NS"], ["NS"]]
            assert until((tmp_path / "audit.jsonl").exists)
    records = audit_log.read(tmp_path / "audit.jsonl")
    assert {(r.received, r.after, r.rule) for r in records} == {
        ("AO", "NS", "f.2"),
        ("ABS", "NS", "f.2"),
    }


def test_without_a_record_nothing_is_stored(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        audit, port = disk / "audit.jsonl", free_port()
        fill(disk)

        def ready():
            return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code

        with orthanc(tmp_path, ours={"Audit": str(audit), "MetricsPort": port}) as running:
            assert until(lambda: ready() == 503)
            running.storescu(CT)
            assert running.rest(CT.read_bytes())["HttpStatus"] == 400
            assert running.get("/instances") == []
            assert not audit.exists() or not audit.read_bytes()
            empty(disk)
            assert until(lambda: ready() == 200)
            by_rest(running, CT)
            assert len(list(audit_log.read(audit))) == len(running.get("/instances")) == 1
            running.storescu(FOLDER / "absent" / "image.dcm")
            assert len(list(audit_log.read(audit))) == 2
        assert audit_log.verify(audit) == ()


def test_a_full_queue_delays_and_loses_nothing(tmp_path):
    port = free_port()
    ours = {"ApplyProfile": False, "QueueLimit": 2}
    with orthanc(tmp_path, {"ris": {"MLLP": f"127.0.0.1:{port}"}}, ours=ours) as running:
        files = [file for file in STATED if file.parent.name != "ihe-order-zds"]
        expected = []
        for file in files:
            by_rest(running, file)
            expected.append(statement(file))
            time.sleep(0.3)
        with Receiver(port=port) as ris:
            last = {one.sop_instance_uid: one for one in expected}
            assert until(lambda: set(last.values()) <= set(heard(ris))), heard(ris)
            assert until(lambda: len(heard(ris)) >= len(last))
            assert len(set(ris.ids())) == len(ris.ids())


def test_many_stores_of_a_study_make_few_resources(tmp_path):
    many = 60
    with fhir_server() as emr, orthanc(tmp_path, {"emr": {"FHIR": emr.url}}) as running:
        data, began = images(), time.monotonic()
        for _ in range(many):
            running.rest(next(data))
        took = time.monotonic() - began

        def told():
            made = [json.loads(body) for _, _, body in tuple(emr.received)]
            return made and sum(len(one["instance"]) for one in made[-1]["series"])

        assert until(lambda: told() == many)
        # one when it has been quiet, and one each half second in which no store came
        assert len(emr.received) <= 2 + 2 * took < many


def test_operators_see_the_queues_and_whether_delivery_runs(tmp_path):
    port, closed = free_port(), free_port()
    to = {"ris": {"MLLP": f"127.0.0.1:{closed}"}}
    with orthanc(tmp_path, to, ours={"MetricsPort": port}) as running:
        running.rest(CT.read_bytes())

        def asked(path):
            return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False)

        def show(text):
            assert until(lambda: text in asked("/metrics").text)

        show('sopstatus_spool_messages{destination="ris",state="queued"} 1.0')
        show('sopstatus_destination_up{destination="ris"} 0.0')
        show('sopstatus_retries_total{destination="ris",reason="no-connection"}')
        assert asked("/healthz").status_code == asked("/readyz").status_code == 200
