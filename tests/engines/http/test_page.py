"""What the page of the service shows is what happens."""

import json
import re
import shlex
import subprocess

import pytest
from samples_of import ROOT, bare, sample
from serving import service
from sopstatus import codec
from sopstatus.catalogue import catalogue
from sopstatus.cli import parser
from sopstatus.documents import content
from sopstatus.engines.http.answers import _MORE
from sopstatus.engines.http.media import MEDIA_TYPES

from tools import need

PAGE = (ROOT / "docs" / "serve.md").read_text()
CASE = "authorized-original"
COMMANDS = [
    command.replace("\\\n", "")
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for command in re.split(r"\n(?! )", block.strip())
    if "curl" in command
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for file, name in {
        "message.hl7": "hl7", "order.hl7": "hl7", "study.json": "fhir", "image.dcm": "dicom",
    }.items():  # fmt: skip
        document = bare(CASE, name) if name == "dicom" else sample(CASE, name)
        data = document if isinstance(document, bytes) else content.dump_json(document)
        (folder / file).write_bytes(data)
    with service() as running:
        yield folder, running


def test_there_are_five():
    assert len(COMMANDS) == 5


@pytest.mark.parametrize("command", COMMANDS)
def test_curl(place, command):
    folder, running = place
    assert shlex.split(command)
    command = command.replace("http://127.0.0.1:8410", running.url)
    command = command.replace("curl", f"{need('curl', 'curl')} -sS --fail --noproxy '*'")
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command], capture_output=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    if "out.dcm" in command:
        (said,) = codec("dicom").decode(folder / "out.dcm").value
        assert said["SOPInstanceStatus"] == "NS"
    elif "x-ndjson" in command:
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert [x["status"] for x in told] == [200, 400]
    elif "fhir-to-hl7" in command:
        assert b"ZDS|" in done.stdout
    else:
        told = json.loads(done.stdout)
        resource = told["document"] if "Accept" in command else told
        (said,) = codec("fhir").decode(resource).value
        assert said["SOPInstanceStatus"] == "AO"


def test_every_option_status_and_media_type_is_on_the_page():
    serve = parser("serve")
    names = [a.option_strings[-1] for a in serve._actions if a.option_strings]
    others = ("gateway/", "source/")  # docs/gateway.md
    told = {code: entry.status for code, entry in catalogue().items() if entry.status}
    statuses = {status for code, status in told.items() if not code.startswith(others)}
    for name in [*names, *MEDIA_TYPES, *map(str, {*statuses, *_MORE})]:
        assert name in PAGE or name == "--help", name
