"""Every entry of the catalogue has a sample, and the sample prints that entry's line."""

import re
import runpy
from pathlib import Path

import pytest
from docs.issue_samples import run, samples
from sopstatus.catalogue import catalogue

FOLDER = Path(__file__).resolve().parents[1] / "issue_samples"
SAMPLES = samples(FOLDER)
LINE = re.compile(r"(fatal|error|warning|information) ([a-z0-9-]+/[a-z0-9-]+) (.*?): (.+)")
EXIT = {"fatal": 3, "error": 1, "warning": 0, "information": 0}


@pytest.mark.parametrize("code", catalogue())
def test_sample(code):
    assert code in SAMPLES, (
        f"{code} has no sample: add what triggers it to tests/issue_samples/samples.toml"
    )
    sample = SAMPLES[code]
    exit_code, lines = run(sample, FOLDER)
    told = [LINE.fullmatch(line).groups() for line in lines]
    assert {found for _, found, _, _ in told} == {code, *sample.also}
    for severity, found, location, _ in told:
        assert severity == catalogue()[found].severity
        if found == code:
            assert (location == "-") is sample.nowhere
    if not sample.run.startswith("python "):
        assert exit_code == max(EXIT[severity] for severity, *_ in told)


def test_there_is_no_sample_of_a_code_that_is_gone():
    assert set(SAMPLES) <= set(catalogue())


def test_every_file_is_used():
    text = (FOLDER / "samples.toml").read_text()
    text += "".join(path.read_text() for path in FOLDER.glob("*/*.py"))
    for path in FOLDER.glob("*/*"):
        assert path.relative_to(FOLDER).as_posix() in text


def test_the_data_sets_are_those_that_the_script_makes():
    made = dict(runpy.run_path(str(FOLDER / "make.py"))["files"]())
    for name, content in made.items():
        if name != "dicom/too-large.dcm":  # builds of zlib differ
            assert (FOLDER / name).read_bytes() == content, name
    assert {path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*.dcm")} == set(made)
