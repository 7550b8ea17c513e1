"""What the page of the gateway shows is what happens, before a server that others wrote."""

import re
import shutil

from samples_of import ROOT
from shown import holds, operations, shown
from sopstatus.engines.gateway.openapi import openapi

from engines.gateway.served import gateway, medplum

PAGE = (ROOT / "docs" / "gateway.md").read_text()


def test_requests_are_answered_so(tmp_path):
    folder = shutil.copytree(ROOT / "samples", tmp_path / "try") / "authorized-original"
    with medplum() as server, gateway(server.url) as front:
        for commands, answer in shown(PAGE):
            told = holds(commands, answer, front.url, folder)
            if "=NS" in commands:
                ours, nobody = told.split('{"resourceType":"Bundle"')[1:]
                assert '"entry"' in ours
                assert '"ImagingStudy"' not in nobody
        assert server.get("/ImagingStudy/synthetic").status_code == 200  # the base is the server's


def test_every_operation_is_shown():
    done = {one for commands, _ in shown(PAGE) for one in operations(commands)}
    for path, told in openapi("1")["paths"].items():
        pattern = re.escape(path).replace(r"\{id\}", "synthetic")
        for method in told:
            assert any(m == method.upper() and re.fullmatch(pattern, p) for m, p in done), path
