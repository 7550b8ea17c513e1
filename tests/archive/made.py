"""Archives of synthetic files: python tests/archive/made.py FOLDER COUNT.

Each file is a data set of the samples with a SOP Instance UID of its own, without pixels; ten
instances a series, four series a study. Every 50th is broken.
"""

import sys
from pathlib import Path

import pydicom
from pydicom.filebase import DicomBytesIO

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CASES = ("authorized-original", "original", "authorized-copy", "not-specified", "absent", "empty")
_UIDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")


def templates():
    for case in CASES:
        dataset = pydicom.dcmread(SAMPLES / case / "image.dcm")
        if "PixelData" in dataset:
            del dataset.PixelData
        marks = [f"1.2.826.0.1.3680043.8.498.{index}0000000000" for index in (1, 2, 3)]
        for keyword, mark in zip(_UIDS, marks, strict=True):
            setattr(dataset, keyword, mark)
        dataset.file_meta.MediaStorageSOPInstanceUID = marks[0]
        buffer = DicomBytesIO()
        dataset.save_as(buffer)
        yield buffer.getvalue(), [mark.encode() for mark in marks]


def made(folder, count):
    """Write ``count`` files, a folder a study."""
    several = list(templates())
    for number in range(count):
        data, marks = several[number % len(several)]
        for mark, value in zip(marks, (number, number // 10, number // 40), strict=True):
            data = data.replace(mark, mark[:-10] + str(1_000_000_000 + value).encode())
        study = Path(folder) / f"{number // 40:06}"
        study.mkdir(parents=True, exist_ok=True)
        (study / f"{number:08}.dcm").write_bytes(data[:300] if number % 50 == 49 else data)


if __name__ == "__main__":
    made(sys.argv[1], int(sys.argv[2]))
