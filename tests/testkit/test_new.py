"""``sopstatus new``: what it makes loads, and its case holds or says plainly what is to do."""

import pytest
from pydicom.datadict import DicomDictionary
from sopstatus import load_tables
from sopstatus.__main__ import main
from sopstatus.scaffold import PLACEHOLDER, Unfit, _terms, scaffold
from sopstatus.table import lint
from sopstatus.table_language import HL7_DATATYPES
from sopstatus.testkit import run
from sopstatus.testkit.case import read
from sopstatus.transform import FORMATS

ONE_OF_EACH_VR = {}
for vr, _, _, retired, keyword in DicomDictionary.values():
    if vr in HL7_DATATYPES and keyword and not retired:
        ONE_OF_EACH_VR.setdefault(vr, keyword)
KEYWORDS = [*ONE_OF_EACH_VR.values(), "QualityControlImage", "LossyImageCompression"]


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_it_loads_and_its_case_holds(keyword, tmp_path):
    assert main(["new", keyword, "--into", str(tmp_path)]) == 0
    assert not lint(tmp_path)
    tables = load_tables(tmp_path)
    row = tables.attributes[keyword]
    (file,) = tmp_path.glob("cases/*/case.toml")
    case = read(file)
    assert bool(case.todo) == (row.vr == "CS" and not _terms(keyword))
    assert (PLACEHOLDER in row.displays) == bool(case.todo)
    for name in FORMATS:
        run.expectation(case, name, tables)


def test_quality_control_image():
    made = scaffold("QualityControlImage", load_tables())
    assert made.name == "quality-control-image"
    for line in ('tag     = "0028,0300"', 'terms   = "enumerated"', "field = 11,", "YES = {"):
        assert line in made.table


def test_every_known_term_stands_in_the_dictionary():
    import tomllib
    from importlib.resources import files

    known = tomllib.loads(files("sopstatus").joinpath("dicom_terms.toml").read_text())
    vrs = {keyword: vr for vr, _, _, _, keyword in DicomDictionary.values()}
    assert {vrs[keyword] for keyword in known} == {"CS"}


def test_the_next_one_takes_the_next_field(tmp_path):
    for keyword in ("QualityControlImage", "BurnedInAnnotation"):
        assert main(["new", keyword, "--into", str(tmp_path)]) == 0
    rows = load_tables(tmp_path).attributes
    assert [rows[k].field for k in ("QualityControlImage", "BurnedInAnnotation")] == [11, 12]


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("QualityControlImag", 'did you mean "QualityControlImage"?'),
        ("SOPInstanceStatus", "the table sop-instance-status has it; use that"),
        ("ApprovalStatus", "which is off: enabled = true switches it on"),
        ("PatientName", "its VR is PN; a table can carry CS, DT"),
        ("ReferencedImageSequence", "its VR is SQ"),
    ],
)
def test_what_cannot_be_made(keyword, words, capsys):
    with pytest.raises(Unfit) as raised:
        scaffold(keyword, load_tables())
    assert words in str(raised.value)
    assert main(["new", keyword]) == 2
    assert words in capsys.readouterr().err


def test_nothing_is_written_over(tmp_path, capsys):
    (tmp_path / "cases" / "quality-control-image").mkdir(parents=True)
    kept = tmp_path / "cases" / "quality-control-image" / "case.toml"
    kept.write_text("mine")
    assert main(["new", "QualityControlImage", "--into", str(tmp_path)]) == 3
    assert kept.read_text() == "mine"
    assert "document/unwritable DIR" in capsys.readouterr().err


def test_without_a_folder_it_is_printed(capsys):
    assert main(["new", "QualityControlImage"]) == 0
    out = capsys.readouterr().out
    assert 'keyword = "QualityControlImage"' in out
    assert "case.toml ---" in out
