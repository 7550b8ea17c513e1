"""Seeds for the fuzzer: the samples, small real files, every shipped table and old crashers."""

import io
import json
import shutil
import sys
from itertools import islice
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from sopstatus import codec

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
CRASHERS = Path(__file__).with_name("crashers")
SAMPLES = {
    "hl7": "message.hl7",
    "mirth_xml": "message.xml",
    "fhir": "imaging-study.json",
    "dicom_json": "metadata.json",
}
SMALL = [
    "rtplan.dcm",
    "reportsi.dcm",
    "UN_sequence.dcm",
    "image_dfl.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
]


def image_sets(folder):
    """Write what each sample says as metadata of AWS HealthImaging."""
    under = codec("healthimaging")
    for path in (ROOT / "samples").rglob("metadata.json"):
        said = codec("dicom-json").decode(path.read_bytes()).value
        if said:
            made = under.encode(said, under.blank(said)).value
            (folder / path.parent.name).write_bytes(json.dumps(made).encode())


def malformed(folder):
    """Write data sets of every encoding, without a fault and with some."""
    from malformed.data_sets import variants, well_formed

    folder.mkdir(exist_ok=True)
    sample = (ROOT / "samples" / "authorized-original" / "image.dcm").read_bytes()
    for name, data in (*well_formed(sample), *islice(variants(sample, 1), 200)):
        if len(data) < 4096:
            (folder / name).write_bytes(data)


def write(folder):
    """Write one folder of seeds a target."""
    for name, file in SAMPLES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for path in (ROOT / "samples").rglob(file):
            (folder / name / path.parent.name).write_bytes(path.read_bytes())
    for name in ("dicom-json", "healthimaging"):  # near-misses
        for path in (ROOT / "tests" / "issue_samples" / name).glob("*.json*"):
            into = folder / name.replace("-", "_")
            into.mkdir(exist_ok=True)
            shutil.copy(path, into / path.stem)
    for path in (ROOT / "tests" / "malformed" / "cases").iterdir():  # of public bug reports
        kind = {"f": "fhir", "h": "hl7", "j": "dicom_json"}.get(path.name[0], "dicom")
        (folder / kind).mkdir(exist_ok=True)
        shutil.copy(path, folder / kind / path.name)
    image_sets(folder / "healthimaging")
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
    malformed(folder / "launder")
    for path in CRASHERS.glob("*/*"):
        (folder / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, folder / path.parent.name / path.name)
    for target in ("explain", "recognise"):  # any document
        (folder / target).mkdir(exist_ok=True)
        for name in ("hl7", "mirth_xml", "fhir", "dicom", "dicom_json", "healthimaging"):
            for path in (folder / name).iterdir():
                shutil.copy(path, folder / target / f"{name}-{path.name}")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
