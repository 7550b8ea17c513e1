"""The DICOMweb source against a real Orthanc, which splits text and ignores keys of another case."""

import json
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests
from sopstatus.sources import dicomweb
from tools import need, need_file

from sources.stored import FIRST, STUDY, file, status

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    program = need("Orthanc", "orthanc")
    plugin = need_file(PLUGIN, "orthanc-dicomweb")
    folder, port = tmp_path_factory.mktemp("orthanc"), free_port()
    settings = {
        "HttpPort": port, "HttpBindAddresses": ["127.0.0.1"], "DicomServerEnabled": False,
        "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"),
        "AuthenticationEnabled": False, "RemoteAccessAllowed": False, "Plugins": [str(plugin)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
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
    comments = [dict(x.attributes).get("SOPAuthorizationComment") for x in scanned.instances]
    assert r"line one\line two" in comments
    assert {"dicom-json/split-text", "value/lower-case"} <= {i.code for i in scanned.issues}
    found = source.search("SOPInstanceStatus", "AC")
    assert [x.sop_instance_uid for x in found.value] == [f"{FIRST}.2"]
    assert not {i.code for i in found.issues} & {"source/key-refused", "source/key-ignored"}
    assert list(source.studies()) == [STUDY]
