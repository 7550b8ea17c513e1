"""Nothing is laundered by the hosts either: the command line, the service, a real Orthanc."""

import contextlib
from itertools import islice

import pynetdicom
import pytest
from engines.orthanc_running import orthanc
from part10_made import BIG, EXPLICIT, IMPLICIT
from pydicom.errors import InvalidDicomError
from pynetdicom.sop_class import CTImageStorage
from samples_of import sample
from serving import MEDIA, parts, service
from sopstatus.audit import log as audit_log
from sopstatus.cli import main

from malformed import documents
from malformed.data_sets import variants
from malformed.readers import (
    claimed,
    in_image_set,
    in_json,
    in_xml,
    more,
    with_dcmtk,
    with_pydicom,
    written,
)
from malformed.roads import statement

COUNT = 40
AO, NS = sample("authorized-original", "dicom"), sample("not-specified", "dicom")
MALFORMED = list(islice(variants(AO, 40), COUNT))
DOCUMENTS = {
    "dicom-json": (documents.dicom_json, in_json),
    "dicom-xml": (documents.dicom_xml, in_xml),
    "healthimaging": (documents.healthimaging, in_image_set),
}
pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom reports what it repairs


def read(folder, data):
    """Return what pydicom and DCMTK read in Part 10 bytes."""
    return with_pydicom(data), *with_dcmtk(written(folder, [data]))


def silent(said):
    """Tell whether nothing is read of a status."""
    return not said.status and not said.companions


class Run:
    """The command ``convert`` with an audit file of its own."""

    def __init__(self, folder):
        self.folder, self.audit, self.told = folder, folder / "audit.jsonl", 0

    def convert(self, source, to, into=None):
        """Return what was written, or nothing, and the new records."""
        out = self.folder / "out"
        out.unlink(missing_ok=True)
        (self.folder / "source").write_bytes(source)
        command = ["convert", str(self.folder / "source"), "--to", to, "-o", str(out)]
        if into is not None:
            (self.folder / "into").write_bytes(into)
            command += ["--into", str(self.folder / "into")]
        assert main([*command, "--audit", str(self.audit)]) <= 3  # written, or refused
        records = list(audit_log.read(self.audit)) if self.audit.exists() else []
        new, self.told = records[self.told :], len(records)
        return out.read_bytes() if out.exists() else None, new


@pytest.fixture
def run(tmp_path, capsys):
    yield Run(tmp_path)
    capsys.readouterr()


def test_a_message_onto_malformed_data_sets(run, tmp_path):
    wrote = 0
    for name, data in MALFORMED:
        out, records = run.convert(statement("hl7", "AO"), "dicom", data)
        if out is None or out == data:
            assert not any(r.outcome == "done" and r.after != r.before for r in records), name
            continue
        wrote += 1
        for said in read(tmp_path, out):
            assert not more(said, claimed(records)), name
            assert not said.status, name
    assert wrote < COUNT


def test_malformed_data_sets_onto_a_good_one(run, tmp_path):
    wrote = 0
    for name, data in MALFORMED:
        out, records = run.convert(data, "dicom", NS)
        if out is None:
            continue
        wrote += 1
        for said in read(tmp_path, out):
            assert not more(said, claimed(records)), name
    assert wrote


@pytest.mark.parametrize("form", DOCUMENTS)
def test_malformed_documents_by_the_command_line(run, form):
    made, reader = DOCUMENTS[form]
    wrote = 0
    for name, data in islice(made(40), COUNT):
        out, records = run.convert(data, form)
        if out is not None:
            wrote += 1
            assert not more(reader(out), claimed(records)), (name, data)
    assert wrote


@pytest.fixture(scope="module")
def client():
    with service() as running, running.client() as client:
        yield client


def test_malformed_data_sets_by_the_service(client, tmp_path):
    head = {"content-type": MEDIA["dicom"]}
    answered = set()
    for name, data in MALFORMED:
        answer = client.post("/transform/dicom-to-dicom", content=data, headers=head)
        answered.add(answer.status_code)
        for said in read(tmp_path, answer.content) if answer.status_code == 200 else ():
            assert silent(said), name
        form = parts(statement("hl7", "AO"), data, "hl7", "dicom")
        answer = client.post("/transform/hl7-to-dicom", files=form)
        answered.add(answer.status_code)
        if answer.status_code == 200 and answer.content != data:
            for said in read(tmp_path, answer.content):
                assert silent(said), name
    assert {200, 422} <= answered <= {200, 400, 422}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Run an Orthanc whose plugin trusts nobody."""
    with orthanc(tmp_path_factory.mktemp("archive")) as running:
        yield running


@pytest.fixture
def sender(monkeypatch):
    """Return an Application Entity that sends files as they are, unread."""
    monkeypatch.setattr(pynetdicom._config, "STORE_SEND_CHUNKED_DATASET", True)
    ae = pynetdicom.AE("CT1")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 5
    for syntax in (EXPLICIT, IMPLICIT, BIG):  # Orthanc 1.10.1 answers nothing to a deflated one
        ae.add_requested_context(CTImageStorage, syntax)
    yield ae
    ae.shutdown()


def stored(archive, tmp_path):
    """Return what is read in every data set that is stored, and delete it."""
    for one in archive.get("/instances"):
        data = archive.client.get(f"/instances/{one}/file").content
        yield from read(tmp_path, data)
        archive.client.delete(f"/instances/{one}")


@pytest.mark.parametrize("way", ["rest", "stow"])
def test_malformed_data_sets_over_http_into_orthanc(archive, tmp_path, way):
    kept = 0
    for name, data in MALFORMED:
        getattr(archive, way)(data)
        for said in stored(archive, tmp_path):
            kept += 1
            assert silent(said), (name, said)
    assert kept


def test_malformed_data_sets_by_c_store_into_orthanc(archive, sender, tmp_path):
    kept = 0
    file = tmp_path / "sent.dcm"
    for name, data in MALFORMED:
        file.write_bytes(data)
        # for each anew: Orthanc ends an association over which something came that it cannot parse
        made = sender.associate("127.0.0.1", archive.dicom_port, ae_title="ORTHANC")
        assert made.is_established
        # what has no file meta information, or no syntax that was negotiated, cannot be sent
        with contextlib.suppress(ValueError, AttributeError, InvalidDicomError, EOFError):
            made.send_c_store(file)
        if made.is_established:
            made.release()
        for said in stored(archive, tmp_path):
            kept += 1
            assert silent(said), (name, said)
    assert kept
