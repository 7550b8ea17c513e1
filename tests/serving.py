"""A real process of ``sopstatus serve`` on loopback, and what it says."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import httpx

MEDIA = {
    "dicom": "application/dicom",
    "dicom-json": "application/dicom+json",
    "fhir": "application/fhir+json",
    "healthimaging": "application/json",
    "hl7": "application/hl7-v2",
    "hl7-xml": "application/xml",
}


@dataclass
class Running:
    """A process that has told where it listens."""

    process: subprocess.Popen
    url: str
    port: int
    errors: IO[bytes]

    def client(self, **options):
        """Return a client; tests give it back."""
        return httpx.Client(base_url=self.url, trust_env=False, timeout=30, **options)

    def text(self):
        """Return all that was logged; where the process writes next is left alone."""
        file = self.errors.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode()

    def events(self, name=""):
        """Return what was logged, of one name."""
        whole, _, _ = self.text().rpartition("\n")  # the last line may be on its way
        told = [json.loads(line) for line in whole.splitlines()]
        return [event for event in told if not name or event["event"] == name]

    def stop(self, sig=signal.SIGTERM):
        """End the process and return its exit code."""
        self.process.send_signal(sig)
        return self.process.wait(30)


def command(*options):
    """Return the command that starts a service."""
    return [sys.executable, "-m", "sopstatus", "serve", "--port", "0", *map(str, options)]


def service(*options, notice=0):
    """Run a service until the block ends."""
    return _running(command("--notice", notice, *options))


def workbench(*options):
    """Run a workbench until the block ends."""
    return _running(
        [sys.executable, "-m", "sopstatus", "workbench", "--port", "0", *map(str, options)]
    )


@contextmanager
def _running(arguments):
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        line = process.stdout.readline()
        errors.seek(0)
        assert line, errors.read().decode()
        told = json.loads(line)
        running = Running(process, told["url"], told["port"], errors)
        try:
            yield running
        finally:
            if process.poll() is None:
                running.stop()


def parts(document, into, source, target):
    """Return the files of a multipart/form-data body."""
    return {
        "document": ("d", document, MEDIA[source]),
        "into": ("i", into, MEDIA[target]),
    }


def related(document, into, source, target, boundary="==x=="):
    """Return a multipart/related body and its headers."""
    body = b"".join(
        f"--{boundary}\r\nContent-Type: {MEDIA[name]}\r\n\r\n".encode() + data + b"\r\n"
        for data, name in ((document, source), (into, target))
    )
    kind = f'multipart/related; type="{MEDIA[source]}"; boundary="{boundary}"'
    return {"content": body + f"--{boundary}--\r\n".encode(), "headers": {"Content-Type": kind}}
