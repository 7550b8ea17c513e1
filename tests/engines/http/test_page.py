"""What the page of the service shows is what happens."""

import shutil

import pytest
from samples_of import ROOT
from serving import service
from shown import holds, operations, shown
from sopstatus import codec
from sopstatus.catalogue import catalogue
from sopstatus.cli import parser
from sopstatus.engines.http.answers import _MORE
from sopstatus.engines.http.media import MEDIA_TYPES
from sopstatus.engines.http.openapi import openapi

PAGE = (ROOT / "docs" / "serve.md").read_text()
SHOWN = shown(PAGE)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "try"
    shutil.copytree(ROOT / "samples", folder)
    with service() as running:
        yield folder / "authorized-original", running


@pytest.mark.parametrize("number", range(len(SHOWN)))
def test_requests_are_answered_so(place, number):
    folder, running = place
    holds(*SHOWN[number], running.url, folder)
    if "out.dcm" in SHOWN[number][0]:
        (said,) = codec("dicom").decode(folder / "out.dcm").value
        assert said["SOPInstanceStatus"] == "NS"
    if "same.dcm" in SHOWN[number][0]:
        assert (folder / "same.dcm").read_bytes() == (folder / "image.dcm").read_bytes()


def test_every_operation_is_shown():
    done = {method + path for commands, _ in SHOWN for method, path in operations(commands)}
    for path, told in openapi("1")["paths"].items():
        for method in told:
            start = method.upper() + path.partition("{")[0]
            assert any(one.startswith(start) for one in done), (method, path)


def test_every_option_status_and_media_type_is_on_the_page():
    serve = parser("serve")
    names = [a.option_strings[-1] for a in serve._actions if a.option_strings]
    others = ("gateway/", "source/")  # docs/gateway.md
    told = {code: entry.status for code, entry in catalogue().items() if entry.status}
    statuses = {status for code, status in told.items() if not code.startswith(others)}
    for name in [*names, *MEDIA_TYPES, *map(str, {*statuses, *_MORE})]:
        assert name in PAGE or name == "--help", name
