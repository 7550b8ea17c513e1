"""A real Orthanc under attack: nothing that nobody vouched for is held, told or shown as AO or OR."""

import io
import json
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pydicom
import pytest
from engines.destination import Receiver
from engines.fhir_server import fhir_server
from engines.orthanc_running import codec_syntax, free_ports, heard, orthanc, until
from malformed.data_sets import variants
from malformed.readers import more, with_dcmtk, with_pydicom, written
from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom import AE, _config
from samples_of import FOLDER, ROOT, sample
from sopstatus import codec
from sopstatus.audit import log as audit_log
from sopstatus.engines.orthanc.arrival import (
    ACCEPTED,
    CANNOT_UNDERSTAND,
    NOT_AUTHORIZED,
    PROCESSING_FAILURE,
    REST_API,
    Arrival,
    Refused,
)
from sopstatus.engines.orthanc.settings import settings

AO = sample("authorized-original", "dicom")
UID = codec("dicom").instances(AO)[0].sop_instance_uid
VARIANTS = 40  # to a road
SEEDS = {"rest": 11, "stow": 12, "c-store": 13}
ACCEPTABLE = ("explicit", "implicit", "big", "deflated")  # what Orthanc's C-STORE takes of ours
IN_DATA_SET = ("order", "repetition", "vr", "delimiter", "inside", "behind")


def c_store(running, data, folder, uid=UID):
    """Send the bytes of a data set as they are, which other tools do not; return the status."""
    (length,) = struct.unpack("<I", data[140:144])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, uid
    meta.TransferSyntaxUID = codec_syntax(data)
    file = folder / "sent.dcm"
    with file.open("wb") as whole:
        whole.write(b"\0" * 128 + b"DICM")
        write_file_meta_info(whole, meta, enforce_standard=False)
        whole.write(data[144 + length :])
    ae = AE(ae_title="CT1")
    ae.acse_timeout, ae.dimse_timeout = 20, 2  # of some, Orthanc waits for the rest
    ae.add_requested_context(CTImageStorage, meta.TransferSyntaxUID)
    association = ae.associate("127.0.0.1", running.dicom_port, ae_title="ORTHANC")
    assert association.is_established
    try:
        return association.send_c_store(file).get("Status")
    except ValueError:  # no thread of Orthanc is free for it: some wait for the rest of another
        return None
    finally:
        association.release()


def by_rest(running, data, folder=None):
    """Return whether the sender hears that it is stored; ``None`` where it hears nothing."""
    answer = running.client.post("/instances", content=data)
    assert answer.status_code in (200, 400, 404), answer.text  # 404: Orthanc misses a UID
    if answer.status_code != 200:
        return False
    assert answer.json()["Status"] in ("Success", "AlreadyStored")
    return True


def by_stow(running, data, folder=None):
    answer = running.stow(data)
    return answer.status_code == 200 and bool(answer.json()["00081199"].get("Value"))


def by_c_store(running, data, folder):
    status = c_store(running, data, folder)
    return None if status is None else status == ACCEPTED


ROADS = {"rest": by_rest, "stow": by_stow, "c-store": by_c_store}


def held(running):
    """Return the files that Orthanc holds, and forget them."""
    found = []
    for instance in running.get("/instances"):
        found.append(running.client.get(f"/instances/{instance}/file").content)
        assert running.client.delete(f"/instances/{instance}").status_code == 200
    return found


def made(road):
    """Return malformed variants of an authorized original, as one road carries them."""
    if road != "c-store":
        return list(islice(variants(AO, SEEDS[road]), VARIANTS))
    all_of_them = islice(variants(AO, SEEDS[road], IN_DATA_SET), 10 * VARIANTS)
    fit = (one for one in all_of_them if one[0].split("+")[0] in ACCEPTABLE)
    return list(islice(fit, VARIANTS))


@pytest.fixture(autouse=True)
def _bytes_as_they_are(monkeypatch):
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)


@pytest.mark.parametrize("road", ROADS)
def test_what_is_malformed_is_held_without_a_status_or_refused_to_its_sender(tmp_path, road):
    ours = {"Audit": str(tmp_path / "audit.jsonl")}
    stored, names, refused = [], [], []
    with orthanc(tmp_path, ours=ours) as running:
        for name, data in made(road):
            told = ROADS[road](running, data, tmp_path)
            found = held(running)
            # where the file is cut, Orthanc may answer 404 and have stored what was made of it
            assert found or not told, name
            stored += found
            (names if found else refused).append(name)
    assert len(names) == len(stored)
    by_dcmtk = with_dcmtk(written(tmp_path, stored))
    wrong = [
        (name, why)
        for name, data, dcmtk in zip(names, stored, by_dcmtk, strict=True)
        for why in {more(with_pydicom(data), "NS"), more(dcmtk, "NS")}
        if why
    ]
    assert wrong == []
    assert names and refused
    records = [r for r in audit_log.read(tmp_path / "audit.jsonl") if r.outcome == "done"]
    assert [r.after for r in records] == ["NS"] * len(stored)


def changed(status=None, uid=None, **more):
    """Return the sample with another status, identity or anything else."""
    made = pydicom.dcmread(io.BytesIO(AO))
    if status is not None:
        made.SOPInstanceStatus = status
    if uid is not None:
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = uid
    for keyword, value in more.items():
        setattr(made, keyword, value)
    out = io.BytesIO()
    made.save_as(out)
    return out.getvalue()


def states(running):
    """Return the status that the one instance has, in its file and as the plugin tells it."""
    (instance,) = running.get("/instances")
    path = f"/instances/{instance}"
    file = pydicom.dcmread(io.BytesIO(running.client.get(f"{path}/file").content))
    said = running.client.get(f"{path}/sop-status", headers={"Accept": "text/plain"}).text
    return file.get("SOPInstanceStatus"), said


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    "element",
    [
        pytest.param((b"\x00\x01\x24\x04LT\x16\x00", b"\xff\xfe\x80"), id="comment"),
        pytest.param((b"\x00\x01\x20\x04DT\x14\x00", b"yesterday"), id="date"),
    ],
)
def test_what_cannot_be_read_beside_the_status_loses_no_image(plain, road, element, tmp_path):
    head, bad = element
    data = changed(SpecificCharacterSet="ISO_IR 192")
    at = data.index(head) + len(head)
    data = data[:at] + bad + data[at + len(bad) :]
    assert ROADS[road](plain, data, tmp_path)
    assert states(plain) == ("NS", "NS")
    held(plain)


def test_what_pydicom_warns_of_is_not_written_beside_our_events(plain):
    """Its warnings quote the data set."""
    known = set(plain.text().splitlines())
    for file in sorted((ROOT / "tests/malformed/cases").glob("*.dcm")):
        by_rest(plain, file.read_bytes())
        held(plain)
    told = [line for line in plain.text().splitlines() if line not in known]
    assert any(line.startswith("{") for line in told)
    assert [line for line in told if "Warning:" in line or "site-packages" in line] == []


def test_stow_rs_never_claims_that_what_was_refused_is_stored(plain):
    """DICOMweb 1.7 lists no failure, and stops there; the page says so."""
    at = AO.index(b"\x00\x01\x10\x04CS")
    first, twice, last = changed(uid="1.2.3.9.1"), AO + AO[at : at + 10], changed(uid="1.2.3.9.2")
    answer = plain.stow(first, twice, last)
    assert answer.status_code == 200
    told = answer.json()
    assert [one["00081155"]["Value"] for one in told["00081199"]["Value"]] == [["1.2.3.9.1"]]
    assert "Value" not in told["00081198"]
    (found,) = held(plain)
    assert pydicom.dcmread(io.BytesIO(found)).SOPInstanceUID == "1.2.3.9.1"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Run an Orthanc that nobody has told whom to trust, and that keeps what it has."""
    folder = tmp_path_factory.mktemp("plain")
    with orthanc(folder, ours={"Audit": str(folder / "audit.jsonl")}) as running:
        yield running


def test_a_deeply_nested_data_set_does_not_end_orthanc(plain):
    """Orthanc's HTTP threads have a stack of 100 KB."""
    deep = pydicom.Dataset()
    for _ in range(40):  # Orthanc itself ends at 60
        above = pydicom.Dataset()
        above.RequestAttributesSequence = [deep]
        deep = above
    data = changed(RequestAttributesSequence=[deep])
    at = data.index(b"\x00\x01\x10\x04CS")
    for one in (data, data + data[at : at + 10]):
        by_rest(plain, one)
        held(plain)
        by_stow(plain, one)
        held(plain)
    assert plain.process.poll() is None


WRITES = [
    (method, path)
    for method in ("PUT", "DELETE")
    for path in (
        *("metadata/5101", "metadata/5100", "metadata/SopStatement", "metadata/SopStatus"),
        *("metadata/05101", "metadata/%35101", "metadata/5101/", "/metadata//5101"),
        *("./metadata/../metadata/5101", "metadata/%53opStatement"),
    )
]


@pytest.mark.parametrize("level", ["instances", "series", "studies", "patients"])
def test_nobody_writes_metadata_of_ours_over_http(plain, level):
    assert by_rest(plain, AO)
    (identifier,) = plain.get(f"/{level}")
    for method, path in WRITES:
        answer = plain.client.request(method, f"/{level}/{identifier}/{path}", content=b"AO")
        assert answer.status_code == 403, (method, path)
    for method in ("PUT", "DELETE"):
        headers = {"X-HTTP-Method-Override": method}
        path = f"/{level}/{identifier}/metadata/5101"
        answer = plain.client.post(path, content=b"AO", headers=headers)
        assert answer.status_code == 403
    other = f"/{level}/{identifier}/metadata/1024"
    assert plain.client.put(other, content=b"theirs").status_code == 200
    assert plain.client.get(other).text == "theirs"
    assert states(plain) == ("NS", "NS")
    held(plain)


def test_what_orthanc_makes_itself_is_no_authorized_original(plain):
    """By its REST interface anybody may have it change a data set, or make one."""
    assert by_rest(plain, AO)
    (instance,), (study,) = plain.get("/instances"), plain.get("/studies")
    change = {"Replace": {"SOPInstanceStatus": "AO"}, "Force": True}
    kept = {"Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]}
    tags = {"SOPInstanceStatus": "AO", "SOPClassUID": CTImageStorage, "PatientID": "1"}
    for path, asked in (
        (f"/studies/{study}/modify", change),
        (f"/studies/{study}/modify", {**change, **kept}),
        ("/tools/bulk-modify", {**change, "Resources": [instance]}),
        ("/tools/create-dicom", {"Tags": tags, "Force": True}),
    ):
        assert plain.client.post(path, json=asked).status_code == 200, (path, asked)
    made = plain.client.post(f"/instances/{instance}/modify", json={**change, **kept})
    assert pydicom.dcmread(io.BytesIO(made.content)).SOPInstanceStatus == "AO"
    assert by_rest(plain, made.content)
    assert plain.client.put(f"/instances/{instance}/attachments/dicom", content=AO).is_error
    found = held(plain)
    assert len(found) == 4
    assert {pydicom.dcmread(io.BytesIO(one)).SOPInstanceStatus for one in found} == {"NS"}


def test_metadata_that_were_forged_while_the_plugin_was_away_are_not_believed(tmp_path):
    """Whoever writes them knows all that can be asked of Orthanc, but not the key."""
    ports, to = free_ports(), {}
    with Receiver() as ris, fhir_server() as emr:
        to = {"ris": {"MLLP": ris.address}, "emr": {"FHIR": emr.url}}
        with orthanc(tmp_path, to, **ports) as running:
            assert by_rest(running, AO)
            (instance,) = running.get("/instances")
            (study,) = running.get("/studies")
            path = f"/instances/{instance}/metadata/5101"
            assert until(lambda: running.client.get(path).status_code == 200)
            own = running.get(path)
        assert own["statement"][0]["01000410"]["Value"] == ["NS"]
        assert (tmp_path / "sopstatus" / "metadata.key").stat().st_mode & 0o777 == 0o600
        own["statement"][0]["01000410"]["Value"] = ["AO"]
        forged = [json.dumps(own), "{" * 5000]
        for text in forged:
            with orthanc(tmp_path, plugin=False, **ports) as running:
                for number in (5100, 5101):
                    where = f"/instances/{instance}/metadata/{number}"
                    assert running.client.put(where, content=text).status_code == 200
                study_status = f"/studies/{study}/metadata/5100"
                assert running.client.put(study_status, content="AO").status_code == 200
            with orthanc(tmp_path, to, **ports) as running:
                assert states(running) == ("NS", "NS")
                for media, name in (
                    ("application/fhir+json", "fhir"),
                    ("application/hl7-v2", "hl7"),
                ):
                    for at in (f"/instances/{instance}", f"/studies/{study}"):
                        answer = running.client.get(f"{at}/sop-status", headers={"Accept": media})
                        body = json.loads(answer.content) if name == "fhir" else answer.content
                        (said,) = codec(name).decode(body).value
                        assert dict(said.attributes) == {"SOPInstanceStatus": "NS"}
        assert {one["SOPInstanceStatus"] for one in heard(ris)} == {"NS"}


def test_what_orthanc_holds_is_told_and_not_what_came_after_it(tmp_path):
    """Without OverwriteInstances, which is the default, Orthanc keeps the first of one identity."""
    with Receiver() as ris, fhir_server() as emr:
        to = {"ris": {"MLLP": ris.address}, "emr": {"FHIR": emr.url}}
        ours = {"ApplyProfile": False}
        with orthanc(tmp_path, to, ours=ours, OverwriteInstances=False) as running:
            assert running.rest(changed("AC"))["Status"] == "Success"
            assert until(lambda: len(heard(ris)) == 1)
            assert running.rest(changed("AO"))["Status"] == "AlreadyStored"
            assert running.stow(changed("OR")).status_code == 200
            assert c_store(running, changed("AO"), tmp_path) == ACCEPTED
            assert states(running) == ("AC", "AC")
            other = changed("NS", generate_uid(entropy_srcs=["another"]))
            assert running.rest(other)["Status"] == "Success"
            assert until(lambda: len(heard(ris)) == 2)
            (study,) = running.get("/studies")
            kept = f"/studies/{study}/metadata/SopStatus"
            assert until(lambda: running.client.get(kept).text == "mixed")
    said = [one["SOPInstanceStatus"] for one in heard(ris)]
    assert said == ["AC", "NS"]
    fhir = codec("fhir")
    told = [fhir.decode(json.loads(body)).value for _, _, body in emr.received]
    terms = {one["SOPInstanceStatus"] for found in told for one in found}
    assert terms == {"AC", "NS"}


@pytest.mark.parametrize("overwrite", [True, False])
def test_the_record_of_what_was_not_stored_says_so(tmp_path, overwrite):
    ours = {"Audit": str(tmp_path / "audit.jsonl")}
    with orthanc(tmp_path, ours=ours, OverwriteInstances=overwrite) as running:
        for data in (AO, changed("OR")):
            assert by_rest(running, data)
        assert states(running) == ("NS", "NS")
    found = [
        (r.before, r.received, r.after, r.outcome, r.code)
        for r in audit_log.read(tmp_path / "audit.jsonl")
    ]
    again = ("done", "") if overwrite else ("refused", "profile/already-held")
    assert found == [("-", "AO", "NS", "done", ""), ("NS", "OR", "NS", *again)]


def test_a_held_original_is_not_erased_by_a_stranger(tmp_path):
    audit = tmp_path / "audit.jsonl"
    ours = {"ConformingClients": ["127.0.0.0/8"], "BehindProxy": True, "Audit": str(audit)}
    far = {"X-Forwarded-For": "10.1.1.1"}
    with orthanc(tmp_path, ours=ours) as running:
        assert by_rest(running, AO)
        for data in (AO, changed("NS"), changed("OR"), changed(PatientID="another")):
            answer = running.client.post("/instances", content=data, headers=far)
            assert answer.status_code == 400
            assert states(running) == ("AO", "AO")
        assert c_store(running, AO, tmp_path) == NOT_AUTHORIZED
        for data in (changed("NS"), changed("OR"), changed("AC")):
            assert not by_rest(running, data)  # whoever is trusted does not lower it either
            assert not by_stow(running, data)
        assert by_rest(running, AO)
        assert states(running) == ("AO", "AO")
    found = list(audit_log.read(audit))
    assert [r.outcome for r in found] == ["done", *["refused"] * 11, "done"]
    assert {(r.before, r.after) for r in found[1:-1]} == {("AO", "AO")}


def test_over_a_trusted_link_only_an_original_becomes_an_authorized_one(tmp_path):
    ours = {"ConformingClients": ["127.0.0.0/8"], "BehindProxy": True}
    with orthanc(tmp_path, ours=ours) as running:
        for status, stored in (
            ("NS", True),
            ("OR", True),
            ("OR", True),
            ("AO", True),
            ("OR", False),
        ):
            assert by_rest(running, changed(status)) is stored, status
        assert states(running) == ("AO", "AO")
        held(running)
        for status, stored in (("AC", True), ("AC", True), ("AO", False), ("NS", True)):
            assert by_rest(running, changed(status)) is stored, status
        assert states(running) == ("NS", "NS")


def test_a_site_may_let_a_lower_status_in(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "site.toml").write_text('on-held = "demote"\n')
    ours = {"ConformingClients": ["127.0.0.0/8"], "BehindProxy": True}
    ours["Mappings"] = [str(tmp_path / "site")]
    far = {"X-Forwarded-For": "10.1.1.1"}
    with orthanc(tmp_path, ours=ours) as running:
        assert by_rest(running, AO)
        assert running.client.post("/instances", content=AO, headers=far).status_code == 200
        assert states(running) == ("NS", "NS")


@pytest.mark.parametrize(
    ("ours", "held_then", "status", "http"),
    [
        ({}, ("NS", "NS"), ACCEPTED, 200),
        ({"RefuseUnknownTerms": True}, None, CANNOT_UNDERSTAND, 400),
        ({"ApplyProfile": False}, ("XX", "XX"), ACCEPTED, 200),
        ({"ApplyProfile": False, "RefuseUnknownTerms": True}, None, CANNOT_UNDERSTAND, 400),
    ],
    ids=["as the profile says", "refused", "as it came", "refused without the profile"],
)
def test_a_status_that_is_no_term(tmp_path, ours, held_then, status, http):
    data = (FOLDER / "unknown-term" / "image.dcm").read_bytes()
    at = data.index(b"\x00\x01\x10\x04CS") + 8
    sent = changed(data[at : at + 2].decode())
    with orthanc(tmp_path, ours=ours) as running:
        for road in (
            lambda: c_store(running, sent, tmp_path) == status,
            lambda: running.client.post("/instances", content=sent).status_code == http,
            lambda: by_stow(running, sent) is (http == 200),
        ):
            assert road()
            if held_then is None:
                assert running.get("/instances") == []
            else:
                assert states(running) == held_then
                held(running)


def twice(data):
    """Return a data set that states its status twice: no two readers agree."""
    at = data.index(b"\x00\x01\x10\x04CS")
    return data[: at + 10] + data[at : at + 8] + b"NS" + data[at + 10 :]


def test_what_is_refused_is_not_said_to_be_stored_beside_others(plain):
    good = changed("OR", generate_uid(entropy_srcs=["good"]))
    part = b"--b\r\nContent-Type: application/dicom\r\n\r\n"
    bad = twice(AO)
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
    for parts, stored in (((good, bad), 1), ((bad, good), 0)):
        body = b"".join(part + one + b"\r\n" for one in parts) + b"--b--\r\n"
        answer = plain.client.post("/dicom-web/studies", content=body, headers=headers)
        assert answer.status_code == 200
        assert len(answer.json()["00081199"].get("Value", [])) == stored
        assert len(held(plain)) == stored
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("bad.dcm", bad)
        archive.writestr("good.dcm", good)
    answer = plain.client.post("/instances", content=whole.getvalue())
    assert [one["Status"] for one in answer.json()] == ["Success"]
    assert len(held(plain)) == 1


def test_all_roads_at_once_wait_for_no_lock(plain, tmp_path):
    """Orthanc's plugin holds Python's lock while it asks Orthanc."""
    files = [changed(uid=generate_uid(entropy_srcs=["at once", str(n)])) for n in range(30)]

    def study(_):
        return [
            plain.client.get(f"/studies/{one}/sop-status").status_code
            for one in plain.get("/studies")
        ]

    roads = [by_rest, by_stow]
    with ThreadPoolExecutor(6) as threads:
        waits = [threads.submit(roads[n % 2], plain, data) for n, data in enumerate(files * 2)]
        waits += [threads.submit(study, n) for n in range(20)]
        for data in files[:10]:
            (own,) = codec("dicom").instances(data)
            assert c_store(plain, data, tmp_path, own.sop_instance_uid) == ACCEPTED
        for wait in waits:
            assert wait.result(60) not in (False, None)
    assert len(held(plain)) == len(files)


def test_a_fault_of_ours_lets_nothing_in():
    """Orthanc stores a data set as it came where the callback fails."""
    arrival = Arrival(settings({}), None, [].extend)  # without an archive, nothing can be asked
    with pytest.raises(Refused) as refused:
        arrival.received(AO, REST_API)
    assert refused.value.status == PROCESSING_FAILURE
