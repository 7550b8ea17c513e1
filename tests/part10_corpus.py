"""Part 10 files of every kind: pydicom's own, the samples, those of the issues, what fuzzing found."""

from pathlib import Path

import pydicom
from fuzz.test_crashers import CRASHERS
from samples_of import FOLDER, ROOT

CORPUS = [
    *sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm")),
    *sorted(FOLDER.glob("*/*.dcm")),
    *sorted((ROOT / "tests" / "issue_samples").rglob("*.dcm")),
    *(path for path in CRASHERS if path.parent.name == "dicom"),
]
