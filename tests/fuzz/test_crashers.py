"""Inputs that once crashed or broke a law, found by the fuzzer."""

from pathlib import Path

import pytest

from fuzz import targets

CRASHERS = sorted(Path(__file__).with_name("crashers").glob("*/*"))


@pytest.mark.parametrize("path", CRASHERS, ids=lambda p: f"{p.parent.name}-{p.name[:20]}")
@pytest.mark.filterwarnings("ignore")  # pydicom tells of what it mends
def test_crasher(path):
    getattr(targets, path.parent.name)(path.read_bytes())


def test_there_are_some():
    assert {path.parent.name for path in CRASHERS} >= {"hl7", "fhir", "dicom", "tables"}
