"""A real Orthanc on loopback with the plugin, and senders to it: storescu, STOW-RS, REST."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from samples_of import FOLDER
from sopstatus import codec

from tools import need, need_file

# without it DCMTK waits 40 ms for an acknowledgment, twice a data set (Nagle)
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
PLUGINS = Path("/usr/share/orthanc/plugins")
SCRIPT = FOLDER / "orthanc" / "sopstatus_plugin.py"
SYNTAXES = {  # what storescu has to propose, by Transfer Syntax UID
    "1.2.840.10008.1.2": "-xi",
    "1.2.840.10008.1.2.1": "-xe",
    "1.2.840.10008.1.2.1.99": "-xd",
    "1.2.840.10008.1.2.2": "-xb",
    "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.5": "-xr",
}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def free_ports():
    """Return settings of two free ports, for an Orthanc that starts more than once."""
    return {"HttpPort": free_port(), "DicomPort": free_port()}


class Running:
    """An Orthanc that runs, and a client of its REST interface."""

    def __init__(self, process, configuration, errors):
        self.process, self.dicom_port = process, configuration["DicomPort"]
        self._errors = errors
        self.url = f"http://127.0.0.1:{configuration['HttpPort']}"
        once = httpx.Limits(max_keepalive_connections=0)  # Orthanc closes them after a second
        self.client = httpx.Client(base_url=self.url, timeout=60, limits=once, trust_env=False)

    def text(self):
        """Return all that Orthanc and the plugin have written."""
        return os.pread(self._errors.fileno(), 1 << 24, 0).decode()

    def get(self, path, **options):
        answer = self.client.get(path, **options)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def rest(self, data):
        """Store by POST /instances; return what Orthanc says."""
        return self.client.post("/instances", content=data).json()

    def stow(self, *files):
        """Store by STOW-RS (PS3.18 10.5); return the answer."""
        head = b"--b\r\nContent-Type: application/dicom\r\n\r\n"
        body = b"".join(head + data + b"\r\n" for data in files) + b"--b--\r\n"
        kind = 'multipart/related; type="application/dicom"; boundary=b'
        headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
        return self.client.post("/dicom-web/studies", content=body, headers=headers)

    def storescu(self, file, title="CT1", *options):
        """Store by C-STORE; return what storescu prints."""
        data = Path(file).read_bytes()
        syntax = codec_syntax(data)
        command = [need("storescu"), "-v", "-aet", title, "-aec", "ORTHANC", "-R", SYNTAXES[syntax]]
        command += [*options, "127.0.0.1", str(self.dicom_port), str(file)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=ENVIRONMENT
        )
        return done.stdout + done.stderr

    def processor_time(self):
        """Return the seconds of processor time that Orthanc has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def codec_syntax(data):
    """Return the Transfer Syntax UID of a Part 10 file (0002,0010)."""
    start = data.index(b"\x02\x00\x10\x00UI") + 8
    length = int.from_bytes(data[start - 2 : start], "little")
    return data[start : start + length].rstrip(b"\0").decode()


@contextlib.contextmanager
def orthanc(folder, destinations=(), *, plugin=True, ours=None, prefix=sys.prefix, **settings):
    """Run an Orthanc that keeps all in ``folder``; end it with SIGTERM."""
    program = need("Orthanc", "orthanc")
    plugins = [need_file(PLUGINS / "libOrthancDicomWeb.so", "orthanc-dicomweb")]
    python = need_file(PLUGINS / "libOrthancPython.so", "orthanc-python")
    configuration = {
        **{"StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db")},
        **free_ports(),
        **{"RemoteAccessAllowed": False, "AuthenticationEnabled": False},
        **{"Plugins": [str(p) for p in [*plugins, *([python] if plugin else [])]]},
        **{"DicomCheckCalledAet": False, "StableAge": 1, "OverwriteInstances": True},
        **{"PythonScript": str(SCRIPT), "PythonVerbose": False},
        "UserMetadata": {"SopStatus": 5100, "SopStatement": 5101},
        "SopStatus": {
            "Folder": str(folder / "sopstatus"),
            "SweepSeconds": 1,
            "Destinations": dict(destinations),
            **(ours or {}),
        },
        **settings,
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(configuration))
    environment = {**ENVIRONMENT, "SOPSTATUS_ENVIRONMENT": prefix}
    environment.pop("PYTHONPATH", None)
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen([program, file], stdout=errors, stderr=errors, env=environment) as process,
    ):
        running = Running(process, configuration, errors)
        try:
            for _ in range(600):
                if process.poll() is not None:
                    break
                with contextlib.suppress(httpx.TransportError):
                    running.client.get("/system")
                    break
                time.sleep(0.1)
            errors.seek(0)
            assert process.poll() is None, errors.read()
            yield running
        finally:
            running.client.close()
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()


def statement(file, holder="ORTHANC"):
    """Return what a sample's data set states, or ``None``."""
    found = codec("dicom").decode(Path(file).read_bytes(), holder=holder).value
    return found[0] if found else None


def heard(receiver):
    """Return what the messages state that have come, in their order."""
    hl7 = codec("hl7")
    return [one for text in tuple(receiver.received) for one in hl7.decode(text).value]


def until(holds, seconds=60, pause=0.05):
    """Wait until something holds; return whether it does."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
