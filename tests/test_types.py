"""What a type checker is told by the package as it is installed."""

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = Path(__file__).resolve().parents[1] / "plugin"

RIGHT = """\
from typing import Any, assert_type

from pydicom import Dataset

from sopstatus import FORMATS, AuditRecord, Codec, Link, MappingTable, Result, Transformer
from sopstatus import codec, load_tables, transformer
from sopstatus.codecs import DataSetCodec

to_fhir = transformer("hl7", "fhir")
assert_type(to_fhir, Transformer[dict[str, Any]])
assert_type(to_fhir(b"MSH"), Result[dict[str, Any]])
assert_type(to_fhir(b"MSH", {"resourceType": "ImagingStudy"}), Result[dict[str, Any]])
assert_type(transformer("fhir", "hl7")({}), Result[bytes])
assert_type(codec("fhir").blank(()), dict[str, Any])
assert_type(codec("dicom").blank(()), Dataset)
of_data_sets: list[DataSetCodec] = [
    codec("dicom"), codec("dicom-json"), codec("dicom-xml"), codec("healthimaging")
]
every: list[Codec] = [codec(name, tables=load_tables()) for name in FORMATS]
assert_type(every[0].tables, MappingTable)
assert_type(to_fhir(b"MSH", link=Link(secure=True)).records, tuple[AuditRecord, ...])
"""
WRONG = """\
from sopstatus import AuditRecord, Link, codec, transformer

transformer("hl7", "fhri")
codec("fihr")
Link(True, True, True)
AuditRecord("receive", "NS")
transformer("hl7", "fhir")(b"MSH", holders="PACS")
transformer("hl7", "fhir")(b"MSH").value.decode()
from sopstatus import transfromer
"""


def checked(folder, text):
    """Return the lines, beginning at 1, in which mypy finds an error, and all that it says."""
    (folder / "snippet.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "cache", "snippet.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PLUGIN), "MYPYPATH": ""},  # as a site-packages
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    return {int(line.split(":")[1]) for line in errors}, done.stdout + done.stderr


def test_what_is_right_and_what_is_misspelt(tmp_path):
    found, said = checked(tmp_path, RIGHT)
    assert not found and "Success" in said, said
    found, said = checked(tmp_path, WRONG)
    assert found == {3, 4, 5, 6, 7, 8, 9}, said
