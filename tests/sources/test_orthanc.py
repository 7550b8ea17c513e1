"""The DICOMweb source against a real Orthanc, which splits text and ignores keys of another case."""

import json
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from sopstatus import DocumentError
from sopstatus.sources import dicomweb

from sources.stored import FIRST, SERIES, STUDY, file, status
from tools import need, need_file

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    with started(tmp_path_factory.mktemp("orthanc")) as url:
        yield url


@contextmanager
def started(folder, **more):
    """Run Orthanc with these settings of its DICOMweb plugin."""
    program = need("Orthanc", "orthanc")
    plugin = need_file(PLUGIN, "orthanc-dicomweb")
    port = free_port()
    settings = {
        "HttpPort": port, "HttpBindAddresses": ["127.0.0.1"], "DicomServerEnabled": False,
        "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"),
        "AuthenticationEnabled": False, "RemoteAccessAllowed": False, "Plugins": [str(plugin)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"} | more,
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
        try:
            for _ in range(200):
                try:
                    requests.get(f"{url}/system", timeout=5)
                    break
                except requests.ConnectionError:
                    assert process.poll() is None, (folder / "log").read_text()[-2000:]
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def test_what_orthanc_keeps_is_read_and_found(orthanc):
    files = [file(1), file(2, "AC", r"line one\line two"), file(3, None), file(4, "ao")]
    for one in files:
        assert requests.post(f"{orthanc}/instances", one, timeout=20).status_code == 200
    source = dicomweb(f"{orthanc}/dicom-web", holder="ORTHANC", page=2)
    scanned = source.study(STUDY)
    said = {x.sop_instance_uid: status(x) for x in scanned.instances}
    assert said == {f"{FIRST}.{n}": s for n, s in ((1, "AO"), (2, "AC"), (3, None), (4, "ao"))}
    comments = [x.get("SOPAuthorizationComment") for x in scanned.instances]
    assert r"line one\line two" in comments
    assert {"dicom-json/split-text", "value/lower-case"} <= {i.code for i in scanned.issues}
    found = source.search("SOPInstanceStatus", "AC")
    assert [x.sop_instance_uid for x in found.value] == [f"{FIRST}.2"]
    assert not {i.code for i in found.issues} & {"source/key-refused", "source/key-ignored"}
    assert list(source.studies()) == [STUDY]


@pytest.mark.parametrize("mode", ["MainDicomTags", "Extrapolate"])
def test_metadata_that_orthanc_makes_up_is_refused(tmp_path, mode):
    """Orthanc Book, DICOMweb plugin: where StudiesMetadata and SeriesMetadata are not Full."""
    modes = {"StudiesMetadata": mode, "SeriesMetadata": mode}
    tags = {"StudiesMetadataExtrapolatedTags": ["SOPInstanceStatus"]}
    with started(tmp_path, **modes, **tags) as url:
        for number in range(4):
            requests.post(f"{url}/instances", file(number), timeout=20).raise_for_status()
        source = dicomweb(f"{url}/dicom-web")
        assert [i.code for i in source.study(STUDY).issues] == ["source/summary"]
        for ask in (source.statements, source.metadata):
            with pytest.raises(DocumentError, match="source/summary"):
                ask(STUDY)
        with pytest.raises(DocumentError, match="source/summary"):
            source.metadata(STUDY, SERIES)
        assert len(source.metadata(STUDY, SERIES, f"{FIRST}.1")) == 1
