"""The pytest plugin as an analyst runs it: real pytest runs over folders of cases."""

import base64
import io
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest
from samples_of import FOLDER, ROOT, bare, sample
from sopstatus import codec

pytest_plugins = "pytester"
QUALITY = (
    (ROOT / "mappings" / "README.md").read_text().partition("```toml\n")[2].partition("```")[0]
)
SAY = """\
title = "A quality control image is told"
# a remark that stays

[say]
QualityControlImage = "YES"
SOPAuthorizationDateTime = "20240115103015.123456-0500"

[expect.hl7]
"ZDS-11" = "NO^Quality control image^99SOPSTATUS"
"""


@pytest.fixture
def place(pytester, monkeypatch):
    """A folder with a site's table, and no configuration of ours."""
    site = pytester.mkdir("site")
    (site / "quality.toml").write_text(QUALITY)
    pytester.mkdir("cases")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others take seconds to load
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_sopstatus")
    return pytester


def case(place, name, text, *files):
    folder = place.path / "cases" / name
    folder.mkdir()
    (folder / "case.toml").write_text(text)
    for file in files:
        shutil.copy(file, folder)
    return folder


def run(place, *arguments):
    return place.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_without_an_option_nothing_is_collected_and_nothing_is_loaded(place, monkeypatch):
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_PLUGINS")  # as it is installed: by its entry point
    case(place, "qc", SAY)
    place.makepyfile(
        "import sys\ndef test():\n    assert 'pytest_sopstatus' in sys.modules\n"
        "    assert 'sopstatus' not in sys.modules"
    )
    run(place).assert_outcomes(passed=1)


def test_what_is_said_is_shown_beside_what_was_expected(place):
    case(place, "qc", SAY)
    result = run(place, "--sopstatus-mappings", "site", "cases")
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.re_match_lines(
        [
            r"_+ qc: say-hl7 _+",
            r"hl7 +\| expected +\| found",
            r"ZDS-11 \| NO\^Quality control image\^99SOPSTATUS \| YES\^Quality control image\^99SOP",
            r"ZDS-6 +\| \(nothing\) +\| 20240115103015.1234-0500",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_update_rewrites_the_expectations_and_nothing_else(place):
    folder = case(place, "qc", SAY)
    result = run(place, "--sopstatus-mappings", "site", "--sopstatus-update", "cases")
    result.stdout.fnmatch_lines(["sopstatus: *case.toml was rewritten; look at it*"])
    text = (folder / "case.toml").read_text()
    assert text.startswith(SAY.partition("[expect")[0])
    assert 'ZDS-11 = "YES^Quality control image^99SOPSTATUS"' in text
    run(place, "--sopstatus-mappings", "site", "cases").assert_outcomes(passed=7)


def test_update_keeps_line_ends_and_a_byte_order_mark(place):
    """As Notepad saves a file: CRLF, and a byte order mark before the first key."""
    folder = case(place, "qc", "")
    table = place.path / "site" / "quality.toml"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
    before = b"\xef\xbb\xbf" + SAY.encode().replace(b"\n", b"\r\n")
    (folder / "case.toml").write_bytes(before)
    run(place, "--sopstatus-mappings", "site", "--sopstatus-update", "cases")
    after = (folder / "case.toml").read_bytes()
    assert after.startswith(before.partition(b"[expect")[0])
    assert b'ZDS-11 = "YES^Quality control image^99SOPSTATUS"\r\n' in after
    assert after.count(b"\n") == after.count(b"\r\n")
    run(place, "--sopstatus-mappings", "site", "cases").assert_outcomes(passed=7)


def test_a_to_do_is_a_failure_that_says_so(place):
    case(place, "qc", 'todo = "look up the terms in PS3.3"\n')
    result = run(place, "--sopstatus-mappings", "site", "cases")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["to do: look up the terms in PS3.3"])


def test_the_samples_are_cases_in_every_direction(place):
    shutil.copytree(FOLDER / "kanji-comment", place.path / "cases" / "kanji")
    shutil.copytree(FOLDER / "study-level", place.path / "cases" / "study")
    run(place, "--sopstatus-cases", "cases").assert_outcomes(passed=40)


def test_documents_that_differ_are_shown_by_attribute(place):
    released = FOLDER / "authorized-original"
    folder = case(
        place,
        "ao",
        'link = "trusted"\ndirections = ["hl7-to-fhir", "dicom-to-hl7"]\n',
        *(released / name for name in ("image.dcm", "message.hl7", "imaging-study.json")),
    )
    study = folder / "imaging-study.json"
    study.write_text(study.read_text().replace('"valueCode": "AO"', '"valueCode": "AC"'))
    result = run(place, "--sopstatus-cases", "cases")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([r"SOPInstanceStatus of .*\| AC +\| AO"])


@pytest.mark.parametrize(
    ("target", "change", "shown"),
    [
        (
            "hl7",
            (b"^Authorized Original^", b"^Released^"),
            r"ZDS\[1\]-5\.2 +\| Released +\| Authorized",
        ),
        ("fhir", (b'"AO"', b'"OR"'), r"ImagingStudy\.series\[0\]\.instance\[0\] +\| OR +\| AO"),
        ("dicom", (b"AO", b"NS"), r"SOPInstanceStatus +\| NS +\| AO"),
    ],
)
def test_a_conversion_against_its_expected_file(place, target, change, shown):
    released = FOLDER / "authorized-original"
    source = "message.hl7" if target != "hl7" else "imaging-study.json"
    onto = {"hl7": "message.hl7", "fhir": "imaging-study.json", "dicom": "image.dcm"}[target]
    folder = case(
        place,
        "ao",
        f'link = "trusted"\n[[convert]]\nfrom = "{source}"\nonto = "{onto}"\n'
        f'to = "{target}"\nexpect = "expected"\nissues = []\n',
        released / source,
        released / onto,
    )
    arguments = ("--sopstatus-cases", "cases")
    result = run(place, *arguments)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["there is no expected yet; --sopstatus-update writes it"])
    run(place, *arguments, "--sopstatus-update").assert_outcomes(passed=1)
    run(place, *arguments).assert_outcomes(passed=1)
    expected = folder / "expected"
    data = expected.read_bytes()
    assert change[0] in data
    expected.write_bytes(data.replace(*change))
    result = run(place, *arguments)
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([shown])


def test_issues_are_expected_by_their_codes(place):
    released = FOLDER / "authorized-original"
    text = '[[convert]]\nfrom = "message.hl7"\nonto = "image.dcm"\nto = "dicom"\nexpect = "e"\n'
    image = place.path / "image.dcm"
    image.write_bytes(bare("authorized-original", "dicom"))
    case(place, "ao", text + "issues = []\n", released / "message.hl7", image)
    result = run(place, "--sopstatus-cases", "cases")
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([r"link/untrusted +\| \(nothing\) +\| told"])


def test_a_refusal_is_expected_by_its_code(place):
    released, image = FOLDER / "authorized-original", place.path / "image.dcm"
    under, held = codec("dicom"), sample("authorized-original", "dicom")
    (known,) = under.copies(held)
    image.write_bytes(
        under.encode([replace(known, attributes={"SOPInstanceStatus": "OR"})], held).value
    )
    text = '[[convert]]\nfrom = "message.hl7"\nonto = "image.dcm"\nto = "dicom"\nexpect = "e"\n'
    case(place, "ao", text + 'issues = ["profile/better-held"]\n', released / "message.hl7", image)
    run(place, "--sopstatus-cases", "cases").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("titel = 1", 'case.toml: "titel" is not known; did you mean "title"?'),
        ("title = 1", "case.toml: title must be a text in quotes; correct it"),
        ('title = "x"', "case.toml: tests nothing; add directions"),
        ('directions = ["hl7-to-fihr"]', 'did you mean "hl7-to-fhir"?'),
        ('directions = ["hl7-to-fhir"]', "needs a document in hl7; add one"),
        ('[[convert]]\nfrom = "x"\nto = "hl7"\nexpect = "y"', "there is no file x; correct"),
        ("[say", "is not TOML in UTF-8"),
    ],
)
def test_a_case_that_is_not_as_it_must_be(tmp_path, text, words):
    from sopstatus.testkit.case import CaseError, read

    file = tmp_path / "case.toml"
    file.write_text(text)
    with pytest.raises(CaseError) as raised:
        read(file)
    assert words in str(raised.value)


def test_broken_tables_stop_the_run_with_every_fault(place):
    (place.path / "site" / "quality.toml").write_text(QUALITY.replace("segment", "segmnt"))
    result = run(place, "--sopstatus-mappings", "site", "cases")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*quality.toml:11:1: error: hl7.segmnt: unknown key", "*| segmnt = *", '*"segment"?*']
    )


def test_the_laws_over_tables_of_ones_own(place):
    place.makepyfile("from sopstatus.testkit import laws\ntest_laws = laws('site')")
    result = run(place, "--sopstatus-laws", "--sopstatus-mappings", "site", "-k", "put_get")
    result.assert_outcomes(passed=14, deselected=70)  # once by the file, once by the option


def test_the_laws_find_a_value_that_the_row_cannot_carry(tmp_path):
    """A codec that loses what it was told breaks the law that says so."""
    from sopstatus import codec, load_tables
    from sopstatus.testkit import law_checks

    (tmp_path / "quality.toml").write_text(QUALITY)
    under = codec("fhir", tables=load_tables(tmp_path))
    other = codec("fhir")  # knows nothing of the row
    x = law_checks._about((("QualityControlImage", "YES"),))
    law_checks.put_get(under, under.blank([x]), x, x)
    with pytest.raises(AssertionError):
        law_checks.put_get(other, other.blank([x]), x, x)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("authorized-original", "message.hl7"),
        ("kanji-comment", "image.dcm"),
        ("microseconds", "imaging-study.json"),
    ],
)
def test_a_case_that_the_workbench_gives_away_passes(place, name, file):
    """What an analyst saw on the page holds in a terminal, over the tables that were edited there."""
    from sopstatus.workbench.case import case_file

    data = base64.b64encode((FOLDER / name / file).read_bytes()).decode()
    asked = {
        "document": {"base64": data},
        "name": "shared",
        "tables": {"quality.toml": QUALITY},
        "trusted": True,
    }
    with zipfile.ZipFile(io.BytesIO(case_file(asked))) as archive:
        archive.extractall(place.path / "cases")
    result = run(place, "--sopstatus-mappings", "cases/shared/mappings", "cases")
    result.assert_outcomes(passed=2)


def test_the_plugin_imports_nothing_of_ours():
    script = (
        "import sys, pytest_sopstatus; print(sorted(m for m in sys.modules if 'sopstatus' in m))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    ours = [m for m in eval(done.stdout) if not m.startswith("__editable__")]
    assert ours == ["pytest_sopstatus"]
