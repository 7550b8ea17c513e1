"""``sopstatus new``: what it makes loads, and its case holds or says plainly what is to do."""

import pytest
from pydicom.datadict import DicomDictionary
from sopstatus import load_tables
from sopstatus.cli import main
from sopstatus.codecs import FORMATS
from sopstatus.table import lint
from sopstatus.table.language import HL7_DATATYPES
from sopstatus.table.scaffold import PLACEHOLDER, Unfit, _terms, keyword_of, scaffold
from sopstatus.testkit import run
from sopstatus.testkit.case import read

from testkit.test_forty import ROWS

ONE_OF_EACH_VR = {}
for tag, (vr, _, _, retired, keyword) in DicomDictionary.items():
    if (
        vr in HL7_DATATYPES and keyword and not retired and tag >> 16 > 0x0008
    ):  # a data set needs those
        ONE_OF_EACH_VR.setdefault(vr, keyword)
ONE_OF_EACH_VM = {}
for tag, (vr, vm, _, retired, keyword) in DicomDictionary.items():
    if vr in HL7_DATATYPES and keyword and not retired and tag >> 16 > 0x0008 and vm != "1":
        ONE_OF_EACH_VM.setdefault(vm, keyword)
KEYWORDS = [
    *dict.fromkeys([*ONE_OF_EACH_VR.values(), *ONE_OF_EACH_VM.values(), *ROWS]),
    *("QualityControlImage", "LossyImageCompression"),
    *("UID", "Modality"),  # elements of an ImagingStudy are called so too
]


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
    homes = known.pop("homes")
    assert {vrs[keyword] for keyword in known} == {"CS"}
    assert set(homes) < set(vrs)


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
        ("ApprovalStatus", "which is off: --enable switches it on"),
        ("StudyInstanceUID", "is read to tell what a data set is about"),
        ("(0029,1001)", "a private attribute has no dictionary"),
        ("6000,3000", "OverlayData: its tag repeats (60xx,3000), and a row has one tag"),
        ("OverlayData", "OverlayData: its tag repeats (60xx,3000), and a row has one tag"),
        ("Transfer Syntax UID", "is not an attribute of a data set; take one of another group"),
        ("CommandField", "is not an attribute of a data set; take one of another group"),
        ("PatientName", "its VR is PN; a table can carry CS, DA"),
        ("ReferencedImageSequence", "its VR is SQ"),
        ("SmallestImagePixelValue", "which one it is depends on another attribute"),
    ],
)
def test_what_cannot_be_made(keyword, words, capsys):
    with pytest.raises(Unfit) as raised:
        scaffold(keyword, load_tables())
    assert words in str(raised.value)
    assert main(["new", keyword]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        *("PixelSpacing", "pixelspacing", "Pixel Spacing", "pixel-spacing"),
        *("(0028,0030)", "0028,0030", "00280030", "0x00280030", "0028 0030"),
        *("0X00280030", "x0028x0030", "[0028, 0030]", "0028-0030", "0028.0030"),
    ],
)
def test_an_attribute_in_any_spelling(text):
    assert scaffold(text, load_tables()).name == "pixel-spacing"


def test_a_name_with_an_apostrophe():
    assert keyword_of("Patient's Age") == keyword_of("patients age") == "PatientAge"


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("PatientID", "PID-3 and Patient.identifier have a place for PatientID already"),
        ("StudyComments", "PS3.6 has retired StudyComments"),
        ("SequenceVariant", "the terms of SequenceVariant are to do"),
    ],
)
def test_what_to_think_of_first(keyword, words, capsys):
    assert main(["new", keyword]) == 0
    assert words in capsys.readouterr().err


def test_a_name_of_a_person_has_a_home(capsys):
    assert main(["new", "PatientName"]) == 2
    assert "PID-5 and Patient.name have it" in capsys.readouterr().err


def test_a_shipped_table_is_switched_on(tmp_path, capsys):
    assert main(["new", "approval status", "--enable", "--into", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/approval-status.toml\n"
    assert "ApprovalStatus" in load_tables(tmp_path).attributes
    assert main(["new", "ApprovalStatus", "--enable", "--into", str(tmp_path)]) == 2
    assert "is on already" in capsys.readouterr().err
    assert main(["new", "PixelSpacing", "--enable"]) == 2
    assert "no table that is off has it" in capsys.readouterr().err


def test_check_says_the_fix_and_sums_up(tmp_path, capsys):
    assert main(["new", "PixelSpacing", "--into", str(tmp_path)]) == 0
    assert main(["check", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no faults: 2 tables on with 5 attributes"
    file = tmp_path / "pixel-spacing.toml"
    text = file.read_text()
    for old, new, fix in (
        ('"0.1.0"', '"1"', 'write "1.0.0"'),
        ('"0028,0030"', '"00280030"', 'write "0028,0030"'),
        ('"ZDS"', '"zds"', 'write "ZDS"'),
        ('"pixel-spacing"', '"Pixel Spacing"', 'write "pixel-spacing"'),
        ('"decimal"', '"decimel"', 'Write "decimal"'),
        ('vm      = "2"\n', "", 'write vm = "2"'),
    ):
        assert old in text
        file.write_text(text.replace(old, new))
        assert main(["check", str(tmp_path)]) == 1
        out = capsys.readouterr()
        assert fix in out.out
        assert out.err.endswith("fault in 1 file; fix the first, and check again\n")


def test_nothing_is_written_over(tmp_path, capsys):
    (tmp_path / "cases" / "quality-control-image").mkdir(parents=True)
    kept = tmp_path / "cases" / "quality-control-image" / "case.toml"
    kept.write_text("mine")
    assert main(["new", "QualityControlImage", "--into", str(tmp_path)]) == 3
    assert kept.read_text() == "mine"
    assert f"document/unwritable {tmp_path}" in capsys.readouterr().err


def test_without_a_folder_it_is_printed(capsys):
    assert main(["new", "QualityControlImage"]) == 0
    out = capsys.readouterr().out
    assert 'keyword = "QualityControlImage"' in out
    assert "case.toml ---" in out
