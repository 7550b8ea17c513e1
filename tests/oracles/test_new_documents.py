"""Documents made of a DICOM file alone: receivers that others wrote take them.

``CONTEXT_EXAMPLES`` says of how many generated data sets (default: 12).
"""

import json
import os
import random
import subprocess

import fhirkit
import hl7
import pytest
from described import data_set, made, saved
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Group, Message
from hl7apy.parser import parse_message, parse_segment
from samples_of import CASES, ROOT, sample
from sopstatus import load_tables, transformer
from sopstatus.codecs.fhir import models
from sopstatus.table.language import HL7_VERSIONS

from tools import need, need_file

MANY = int(os.environ.get("CONTEXT_EXAMPLES", "12"))
DATA_SETS = {
    "full": saved(data_set()),
    **{case: sample(case, "dicom") for case in CASES},
    **{f"made {seed}": saved(made(random.Random(seed))) for seed in range(MANY)},
}
each = pytest.mark.parametrize("name", DATA_SETS)
NAMELESS = ("no-identity",)


def tables(tmp_path, **settings):
    lines = [f"{key.replace('_', '-')} = {json.dumps(value)}\n" for key, value in settings.items()]
    (tmp_path / "site.toml").write_text("".join(lines))
    return load_tables(tmp_path)


def without_zds(message):
    return "".join(
        line + "\r" for line in message.decode().split("\r") if line and not line.startswith("ZDS")
    )


def grouped(text, version):
    """Put the segments into the official groups of ORU^R01; hl7apy's own parser cannot for 2.8.

    (It takes the OBX for one of ORDER_DOCUMENT.)
    """
    strict = {"version": version, "validation_level": VALIDATION_LEVEL.STRICT}
    message = Message("ORU_R01", **strict)
    result, order, patient, observation = (
        Group(f"ORU_R01_{name}", **strict)
        for name in ("PATIENT_RESULT", "ORDER_OBSERVATION", "PATIENT", "OBSERVATION")
    )
    visit = Group("ORU_R01_VISIT", **strict)
    for line in text.rstrip("\r").split("\r"):
        name = line[:3]
        if name == "MSH":
            message.msh = line
            continue
        group = {"PID": patient, "PV1": visit, "OBR": order, "OBX": observation}[name]
        group.add(parse_segment(line, **strict))
    if visit.children:
        patient.add(visit)
    if observation.children:
        order.add(observation)
    result.add(patient)
    result.add(order)
    message.add(result)
    return message


@pytest.mark.parametrize("version", HL7_VERSIONS)
def test_hl7apy_takes_the_message(version, tmp_path):
    carry = transformer("dicom", "hl7", tables=tables(tmp_path, hl7_version=version))
    for name, data in DATA_SETS.items():
        text = without_zds(carry(data).value)
        if version == "2.8":
            message = grouped(text, version)
        else:
            message = parse_message(
                text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True
            )
        assert message.validate(), name
        assert message.version == version


def test_python_hl7_and_medplum_read_what_stands_there():
    modules = need_file(ROOT / "build/npm/node_modules", "nodejs npm; make build/npm/.ready")
    carry = transformer("dicom", "hl7")
    messages = [carry(data).value for data in DATA_SETS.values()]
    command = [need("node", "nodejs"), ROOT / "tests/oracles/medplum_hl7.mjs", modules]
    given = json.dumps([message.decode() for message in messages])
    found = json.loads(
        subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout
    )
    assert len(found) == len(messages)
    for message, medplum in zip(messages, found, strict=True):
        lines = [line.split("|") for line in message.decode().rstrip("\r").split("\r")]
        read = [[str(field) for field in segment] for segment in hl7.parse(message.decode())]
        assert [line[:1] + line[2:] if line[0] == "MSH" else line for line in read] == lines
        assert [line for line in medplum if line != [""]] == lines


@each
@pytest.mark.parametrize("release", ["R4", "R4B", "R5"])
def test_fhir_takes_the_resource(name, release, tmp_path):
    carry = transformer("dicom", "fhir", tables=tables(tmp_path, fhir_release=release))
    made = carry(DATA_SETS[name]).value
    assert models.validate(made, release) == []
    if release == "R4":
        assert fhirkit.validate(json.dumps(made)) == []
