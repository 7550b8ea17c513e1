"""Archives of synthetic files: python tests/archive/made.py FOLDER COUNT.

Each file is a data set of the samples with a SOP Instance UID of its own, without pixels; ten
instances a series, four series a study, which has a modality, station and date. Every 50th is broken.
"""

import sys
from pathlib import Path

import pydicom
from pydicom.filebase import DicomBytesIO

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CASES = (
    *("authorized-original", "authorized-copy", "authorized-original", "original", "absent"),
    *("authorized-original", "not-specified", "authorized-original", "original", "empty"),
    *("authorized-original", "authorized-copy", "authorized-original"),
)
MODALITIES = ("CT", "MR", "CR", "CT", "US", "DX", "MG", "CT", "MR", "XA", "NM")
_UIDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")


def templates():
    for case in CASES:
        dataset = pydicom.dcmread(SAMPLES / case / "image.dcm")
        if "PixelData" in dataset:
            del dataset.PixelData
        marks = [f"1.2.826.0.1.3680043.8.498.{index}0000000000" for index in (1, 2, 3)]
        for keyword, mark in zip(_UIDS, marks, strict=True):
            setattr(dataset, keyword, mark)
        dataset.Modality, dataset.StationName = "ZZ", "STATION?"
        dataset.StudyDate, dataset.AcquisitionDate = "19010101", "19010102"
        dataset.file_meta.MediaStorageSOPInstanceUID = marks[0]
        buffer = DicomBytesIO()
        dataset.save_as(buffer)
        yield buffer.getvalue(), [mark.encode() for mark in marks]


def described(data, study):
    """Return the data with the modality, station and dates of a study."""
    modality = MODALITIES[study % len(MODALITIES)]
    day = f"{2026 - study * study % 9}{1 + study % 12:02}{1 + study % 28:02}"
    texts = {
        "\x60\0CS\2\0ZZ": f"\x60\0CS\2\0{modality}",
        "\0\x60CS\0\2ZZ": f"\0\x60CS\0\2{modality}",  # big endian
        "\x60\0\2\0\0\0ZZ": f"\x60\0\2\0\0\0{modality}",  # implicit VR
        "STATION?": f"{modality}-ROOM{study % 3 + 1}",
        "19010101": day,
        "19010102": day,
    }
    for mark, text in texts.items():
        data = data.replace(mark.encode(), text.encode())
    return data


def made(folder, count):
    """Write ``count`` files, a folder a study."""
    several = list(templates())
    for number in range(count):
        data, marks = several[number % len(several)]
        for mark, value in zip(marks, (number, number // 10, number // 40), strict=True):
            data = data.replace(mark, mark[:-10] + str(1_000_000_000 + value).encode())
        data = described(data, number // 40)
        study = Path(folder) / f"{number // 40:06}"
        study.mkdir(parents=True, exist_ok=True)
        (study / f"{number:08}.dcm").write_bytes(data[:300] if number % 50 == 49 else data)


if __name__ == "__main__":
    made(sys.argv[1], int(sys.argv[2]))
