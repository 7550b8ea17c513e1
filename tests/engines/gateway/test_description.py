"""The gateway's own description, and Schemathesis holding the process against it."""

import os
import subprocess
import sys
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator
from sopstatus.engines.gateway.openapi import openapi

from engines.gateway.served import gateway, medplum


def test_what_is_described_is_so(tmp_path):
    OpenAPIV31SpecValidator(openapi("1")).validate()
    schemathesis = Path(sys.executable).with_name("schemathesis")
    with medplum() as server, gateway(server.url) as front:
        done = subprocess.run(
            [
                *(schemathesis, "run", f"{front.url}/-/openapi.json"),
                *("--max-examples", "10", "--seed", "1", "--phases", "examples,coverage,fuzzing"),
                *("--checks", "not_a_server_error,status_code_conformance,"
                  "content_type_conformance,response_schema_conformance"),
                *("--generation-database", "none", "--no-color"),
            ],
            capture_output=True, text=True, cwd=tmp_path, check=False, env=os.environ,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr
        assert "Traceback" not in front.text()
        ready = front.get("/-/readyz").json()
        assert ready["status"] == "ready"
        assert ready["tables"]["sop-instance-status"]  # which tables, as serve says it
        assert front.get("/-/nothing").status_code == 404
