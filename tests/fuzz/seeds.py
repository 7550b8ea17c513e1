"""Seeds for the fuzzer: the samples, small real files, every shipped table and old crashers."""

import io
import shutil
import sys
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

ROOT = Path(__file__).resolve().parents[2]
CRASHERS = Path(__file__).with_name("crashers")
SMALL = [
    "rtplan.dcm",
    "reportsi.dcm",
    "UN_sequence.dcm",
    "image_dfl.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
]


def write(folder):
    """Write one folder of seeds a target."""
    for name, pattern in (("hl7", "*.hl7"), ("mirth_xml", "message.xml"), ("fhir", "*.json")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for path in (ROOT / "samples").rglob(pattern):
            (folder / name / path.parent.name).write_bytes(path.read_bytes())
    for path in (ROOT / "tests" / "issue_samples" / "dicom-xml").glob("*.xml"):
        (folder / "mirth_xml" / path.name).write_bytes(path.read_bytes())
    (folder / "tables").mkdir(exist_ok=True)
    for path in (ROOT / "mappings").glob("*.toml"):
        (folder / "tables" / path.name).write_bytes(path.read_bytes())
    (folder / "dicom").mkdir(exist_ok=True)
    for name in SMALL:
        dataset = pydicom.dcmread(get_testdata_file(name), force=True)
        dataset.SOPInstanceStatus = "AO"
        if "PixelData" in dataset:
            del dataset.PixelData
        buffer = io.BytesIO()
        dataset.save_as(buffer)
        (folder / "dicom" / name).write_bytes(buffer.getvalue())
    for path in CRASHERS.glob("*/*"):
        (folder / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, folder / path.parent.name / path.name)
    for target in ("explain", "recognise"):  # any document
        (folder / target).mkdir(exist_ok=True)
        for name in ("hl7", "mirth_xml", "fhir", "dicom"):
            for path in (folder / name).iterdir():
                shutil.copy(path, folder / target / f"{name}-{path.name}")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
