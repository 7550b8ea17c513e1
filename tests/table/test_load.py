"""The loader: every refusal names file, line, key and remedy; what is right loads."""

import json
import pickle
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
from docs.table_keys import rows, types
from hypothesis import given
from hypothesis import strategies as st
from sopstatus import TableError, load_tables
from sopstatus.table import lint
from sopstatus.table.check import dictionary, read
from sopstatus.table.language import PROFILE_FILE, json_schema

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
GROUPS = sorted(p for p in MAPPINGS.glob("*.toml") if p.name not in ("site.toml", PROFILE_FILE))
GOOD = """\
name    = "qc"
title   = "Quality Control Image"
version = "1.0.0"
source  = "DICOM PS3.3 C.7.6.1"

[fhir]
extension = "StructureDefinition/qc"
contexts  = ["ImagingStudy.series.instance"]

[hl7]
segment = "ZDS"

[[attribute]]
keyword = "QualityControlImage"
tag     = "0028,0300"
vr      = "CS"
terms   = "enumerated"
hl7     = { field = 11, datatype = "CWE", coding-system = "99X" }
fhir    = { slice = "qc", type = "code" }
[attribute.codes]
YES = { display = "Yes", hl7-aliases = ["Y"] }
NO  = { display = "No" }

[[attribute]]
keyword = "ContentQualification"
tag     = "0018,9004"
vr      = "CS"
terms   = "defined"
hl7     = { field = 12, datatype = "CWE" }
fhir    = { slice = "qualification", type = "code" }
[attribute.codes]
PRODUCT = { display = "Product" }
"""


def load(folder, text=GOOD, name="qc.toml"):
    (folder / name).write_text(text)
    return load_tables(folder)


def test_the_good_one_loads(tmp_path):
    table = load(tmp_path)
    assert {g.name for g in table.groups} == {"qc", "sop-instance-status"}
    assert table.attributes["QualityControlImage"].field == 11
    assert table.attributes["QualityControlImage"].line == 13
    assert not lint(tmp_path)


REFUSALS = [  # what is replaced, by what, line, key, words of the message
    ("", 'foo = 1\n', 1, "foo", "unknown key; the keys here are name, title"),
    ("title   =", "titel   =", 2, "titel", 'did you mean "title"?'),
    ('"qc"\n', "7\n", 1, "name", "must be a text in quotes"),
    ('"qc"\n', '"Q C"\n', 1, "name", "lower case words joined by hyphens"),
    ('"1.0.0"', '"1"', 3, "version", 'like "1.0.0"'),
    ("title   = ", "# ", 1, "title", "is missing"),
    ('source  = "DICOM PS3.3 C.7.6.1"', 'source = ""', 4, "source", "is empty"),
    ("contexts  = [", "contexts = 7 # [", 8, "fhir.contexts", "a list of texts"),
    ('"ImagingStudy.series.instance"', '"ImagingStudy.serie"', 8, "fhir.contexts", "did you mean"),
    ('segment = "ZDS"', 'segment = "PID"', 11, "hl7.segment", "Z and two capitals"),
    ('segment = "ZDS"', "", 10, "hl7.segment", "is missing"),
    ('keyword = "QualityControlImage"', 'keywrod = "QualityControlImage"', 14, "attribute.1.keywrod", 'did you mean "keyword"?'),
    ('"QualityControlImage"', '"QualityControllImage"', 14, "attribute.1.keyword", 'did you mean "QualityControlImage"?'),
    ('"0028,0300"', "00280300", 15, "tag", "write the tag in quotes"),
    ('"0028,0300"', "01000410", 15, "tag", "write the tag in quotes"),
    ('"0028,0300"', "2622208", 15, "attribute.1.tag", 'must be a text in quotes, like "0100,0410"'),
    ('"0028,0300"', '"00280300"', 15, "attribute.1.tag", 'in quotes and capitals, like "0100,0410"'),
    ('"0028,0300"', '"0028,0301"', 15, "attribute.1.tag", 'the tag of QualityControlImage is "0028,0300"'),
    ('"CS"\nterms   = "enumerated"', '"LO"', 16, "attribute.1.vr", "the VR of QualityControlImage is CS"),
    ('"enumerated"', '"closed"', 17, "attribute.1.terms", "is not one of enumerated, defined"),
    ('terms   = "enumerated"\n', "", 13, "attribute.1.terms", "say which"),
    ("field = 11", 'field = "11"', 18, "attribute.1.hl7.field", "a whole number; write 11"),
    ("field = 11", "field = true", 18, "attribute.1.hl7.field", "a whole number"),
    ("field = 11", "feld = 11", 18, "attribute.1.hl7.feld", 'did you mean "field"?'),
    ("field = 11", "field = 5", 18, "attribute.1.hl7.field", "already belongs to sop-instance-status.SOPInstanceStatus"),
    ("field = 12", "field = 11", 29, "attribute.2.hl7.field", "already belongs to qc.QualityControlImage"),
    *((f"field = 1{n}", f"field = {r}", 18 if n == 1 else 29, f"attribute.{n}.hl7.field", "is reserved") for n in (1, 2) for r in (0, 1, 2, 3, 4, 9, 10)),
    ("field = 11", "field = 5000", 18, "attribute.1.hl7.field", "too high"),
    ('datatype = "CWE", coding', 'datatype = "DTM", coding', 18, "attribute.1.hl7.datatype", "DTM cannot carry CS; use CWE"),
    ('slice = "qc", type = "code"', 'slice = "qc", type = "dateTime"', 19, "attribute.1.fhir.type", "cannot carry CS; use code"),
    ('slice = "qc"', 'slice = "holder"', 19, "attribute.1.fhir.slice", "reserved"),
    ('slice = "qc"', 'slice = "Q C"', 19, "attribute.1.fhir.slice", "camel case"),
    ('slice = "qualification"', 'slice = "qc"', 30, "attribute.2.fhir.slice", "already belongs to qc.QualityControlImage"),
    ('YES = { display = "Yes"', 'YES = { dispaly = "Yes"', 21, "attribute.1.codes.YES.dispaly", 'did you mean "display"?'),
    ('NO  = { display = "No" }', 'NO = "No"', 22, "attribute.1.codes.NO", "must be a table"),
    ('NO  = { display = "No" }', 'no = { display = "No" }', 22, "attribute.1.codes.no", "is not a CS value"),
    ('NO  = { display = "No" }', 'NO = { display = "No", hl7 = "YES" }', 22, "attribute.1.codes.NO.hl7", "already the hl7 code of YES"),
    ('NO  = { display = "No" }', 'NO = { display = "No", fhir = "YES" }', 22, "attribute.1.codes.NO.fhir", "already the fhir code of YES"),
    ('NO  = { display = "No" }', 'NO = { display = "No", hl7-aliases = ["Y"] }', 22, "attribute.1.codes.NO.hl7-aliases", "already means YES"),
    ('NO  = { display = "No" }', 'NO = { display = "No", hl7 = "NEIN", hl7-aliases = ["N"] }\nN = { display = "n", hl7 = "M" }', 22, "attribute.1.codes.NO", 'give NO another hl7 code'),
    ('NO  = { display = "No" }', 'NO = { display = "No", fhir = "N" }\nN = { display = "n", fhir = "NO" }', 22, "attribute.1.codes.NO", 'give NO another fhir code'),
    ('hl7-aliases = ["Y"]', 'hl7-aliases = ["NO"]', 21, "attribute.1.codes.YES.hl7-aliases", "may not shadow a code"),
    ('NO  = { display', 'YES = { display', 22, "YES", "may stand only once"),
    ('version = "1.0.0"\n', 'version = "1.0.0"\nversion = "1.0.1"\n', 4, "version", "may stand only once"),
    ("[attribute.codes]\nYES", "[attribute.nonsense]\nYES", 20, "attribute.1.nonsense", "unknown key"),
    ('tag     = "0028', 'aliases = ["Modality"]\ntag     = "0028', 15, "attribute.1.aliases", "is a DICOM Keyword of its own"),
    ('tag     = "0028', 'aliases = ["SOPAuthorizationDateAndTime"]\ntag     = "0028', 15, "attribute.1.aliases", "already belongs to sop-instance-status.SOPAuthorizationDateTime"),
    ('tag     = "0028', 'aliases = ["Old QC"]\ntag     = "0028', 15, "attribute.1.aliases", "letters and digits"),
    ('"ContentQualification"', '"QualityControlImage"', 25, "attribute.2.keyword", "stands twice"),
    ('"StructureDefinition/qc"', '"https://w3id.org/sopstatus/fhir/StructureDefinition/sop-instance-status"', 7, "fhir.extension", "already the extension of"),
    ('"ContentQualification"\ntag     = "0018,9004"', '"ImageType"\ntag     = "0008,0008"', 25, "attribute.2.keyword", 'ImageType has VM 2-n; write vm = "2-n"'),
    ('"StructureDefinition/qc"', '"https://other.test/sop-instance-status"', 7, "fhir.extension", "ends like the extension of sop-instance-status"),
    ('"StructureDefinition/qc"', '"StructureDefinition/qc/"', 7, "fhir.extension", "without a slash at its end"),
    ('["ImagingStudy.series.instance"]', "[]", 8, "fhir.contexts", "is empty"),
    ('["ImagingStudy.series.instance"]', '["ImagingStudy", "ImagingStudy"]', 8, "fhir.contexts", '"ImagingStudy" stands twice'),
    ('NO  = { display = "No" }', 'NO = { display = "No", hl7 = "N " }', 22, "attribute.1.codes.NO", "is not an HL7 code"),
    ('NO  = { display = "No" }', 'NO = { display = "No", fhir = "N\\u0000" }', 22, "attribute.1.codes.NO", "is not a FHIR code"),
    ('hl7-aliases = ["Y"]', 'hl7-aliases = ["no"]', 21, "attribute.1.codes.YES", '"no" is a term of its own'),
    ('hl7-aliases = ["Y"]', "hl7-aliases = ['\"\"']", 21, "attribute.1.codes.YES", "is HL7's null"),
    ('hl7-aliases = ["Y"]', 'hl7-aliases = [" Y"]', 21, "attribute.1.codes.YES", "is not an HL7 code"),
    ('"CS"\nterms   = "enumerated"', '"PN"', 16, "attribute.1.vr", "HL7 and FHIR have fields of their own for names"),
    ('"CS"\nterms   = "enumerated"', '"SQ"', 16, "attribute.1.vr", "so this takes a codec"),
    ('"CS"\nterms   = "enumerated"', '"US or SS"', 16, "attribute.1.vr", "depends on another attribute"),
    ('"CS"\nterms   = "enumerated"', '"OB"', 16, "attribute.1.vr", "take another attribute"),
    ('"CS"\nterms   = "enumerated"', '"cs"', 16, "attribute.1.vr", 'Write "CS"'),
    ('"QualityControlImage"\ntag     = "0028,0300"', '"PatientName"\ntag     = "0010,0010"', 16, "attribute.1.vr", "HL7 and FHIR have fields of their own for names"),
    ('"QualityControlImage"\ntag     = "0028,0300"', '"OverlayType"\ntag     = "6000,0040"', 14, "attribute.1.keyword", "its tag repeats (60xx,0040)"),
    ('version = "1.0.0"', "version = 1.0", 3, "version", 'must be a text in quotes; write "1.0.0"'),
    ('[hl7]', "[hl7", 10, "", "fix the TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "key", "words"), REFUSALS)
def test_refusals(tmp_path, old, new, line, key, words):
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    with pytest.raises(TableError) as caught:
        load(tmp_path, text)
    error = caught.value
    assert error.file.endswith("qc.toml")
    assert (error.line, error.key) == (line, key), str(error)
    assert words in error.message
    assert ";" in error.message or "," in error.message  # the remedy
    assert str(error).startswith(f"{tmp_path}/qc.toml:{line}:")
    assert pickle.loads(pickle.dumps(error)).line == line
    assert any(str(found) == str(error) for found in lint(tmp_path))


def test_a_tag_of_two_tables_is_spelt_as_a_table_has_it(tmp_path):
    row = 'keyword = "ApprovalStatus"\ntag = "300E,0002"\nvr = "CS"\nterms = "enumerated"\n'
    text = GOOD.partition("[[attribute]]")[0].replace('"qc"', '"mine"')
    text += f'[[attribute]]\n{row}hl7 = {{ field = 11, datatype = "ID" }}\n[attribute.codes]\nX = {{ display = "x" }}\n'
    (tmp_path / "mine.toml").write_text(text)
    (tmp_path / "on.toml").write_text('name = "approval-status"\nenabled = true\n')
    assert any("tag (300E,0002) already belongs to" in str(fault) for fault in lint(tmp_path))


def test_lint_returns_all(tmp_path):
    (tmp_path / "qc.toml").write_text(GOOD.replace("titl", "tilt").replace('"0028,0300"', '"28"'))
    assert len(lint(tmp_path)) >= 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("qc.toml", b"\xff\xfe", "UTF-8"),
        ("site.toml", b'offset = "-0000"', "never -0000"),
        ("site.toml", b'offset = "0100"', 'like "+0100"'),
        ("site.toml", b'canonical = "https://x/"', "without a slash"),
        ("site.toml", b'canonicl = "https://x"', 'did you mean "canonical"?'),
        ("site.toml", b"processing = []", "is empty; fill it in or remove the key"),
        ("site.toml", b'processing = ["p"]', "is not a capital letter (HL7 table 0103)"),
        ("site.toml", b'processing = "P"', "must be a list of texts in quotes"),
        (
            "site.toml",
            b'hl7-character-sets = { X = "WINDOWS1252" }',
            'did you mean "WINDOWS-1252"?',
        ),
        ("site.toml", b"hl7-character-sets = { X = 1 }", "must be a text in quotes"),
        (
            "site.toml",
            b'hl7-character-sets = { "8859/1" = "UTF-8" }',
            "a term of table 0211 already",
        ),
        ("site.toml", b'hl7-character-sets = "UTF-8"', "must be a table"),
        ("notes.txt", b"", "holds no table"),
    ],
)
def test_files_that_are_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=re.escape(words)):
        load_tables(tmp_path)


def test_folders_and_groups_that_are_not_there(tmp_path):
    with pytest.raises(TableError, match="is not a folder"):
        load_tables(tmp_path / "none")
    with pytest.raises(TableError, match="no such group; there are approval-status"):
        load_tables(enable=["aproval-status"])


@pytest.mark.parametrize("path", GROUPS, ids=lambda p: p.stem)
def test_the_shipped_ones_agree_with_the_dicom_dictionary(path):
    source = read(path)
    for index, row in enumerate(source.data["attribute"]):
        assert not list(dictionary(source, row, ("attribute", index)))


class TestSchema:
    def test_it_is_generated(self):
        assert json.loads((MAPPINGS / "table.schema.json").read_text()) == json_schema()
        jsonschema.Draft202012Validator.check_schema(json_schema())

    @pytest.mark.parametrize("path", GROUPS, ids=lambda p: p.stem)
    def test_the_shipped_ones_are_valid(self, path):
        jsonschema.validate(tomllib.loads(path.read_text()), json_schema())

    def test_it_refuses_what_is_misspelt(self):
        for old, new in (
            ("keyword", "keywrod"),
            ('"0028,0300"', '"00280300"'),
            ("field = 11", 'field = "x"'),
        ):
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(tomllib.loads(GOOD.replace(old, new, 1)), json_schema())

    def test_the_readme_lists_every_key(self):
        text = (MAPPINGS / "README.md").read_text()
        table = text.partition("<!-- keys")[2].partition("<!-- /keys -->")[0].strip().splitlines()
        assert table[3:] == list(rows())
        table = text.partition("<!-- types")[2].partition("<!-- /types")[0].splitlines()
        assert table[3:] == list(types())

    def test_the_readme_fits_in_one_reading(self):
        """Eight minutes of prose at 200 words a minute; the keys are there to look one up."""
        text = (MAPPINGS / "README.md").read_text()
        before, _, rest = text.partition("<!-- keys")
        prose = before + rest.partition("<!-- /keys -->")[2]
        assert len(prose.split()) <= 1_600
        assert len(text.splitlines()) <= 240

    def test_the_example_of_the_readme_loads(self, tmp_path):
        example = (MAPPINGS / "README.md").read_text().partition("```toml\n")[2].partition("```")[0]
        assert "QualityControlImage" in load(tmp_path, example).attributes


class TestOverlay:
    def test_a_file_of_the_same_name_changes_the_group(self, tmp_path):
        row = GOOD.partition("[[attribute]]")[2].partition("\n\n[[attribute]]")[0]
        (tmp_path / "a.toml").write_text(
            f'name = "sop-instance-status"\ntitle = "Ours"\n\n[[attribute]]{row}'
        )
        table = load_tables(tmp_path)
        (group,) = table.groups
        assert group.title == "Ours"
        assert group.version == "1.0.0"
        assert [a.keyword for a in group.attributes][-1] == "QualityControlImage"
        assert len(group.attributes) == 5

    def test_a_row_is_replaced_whole_and_the_last_folder_wins(self, tmp_path):
        shipped = (MAPPINGS / "sop-instance-status.toml").read_text()
        for name, field in (("one", 31), ("two", 32)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "x.toml").write_text(
                shipped.replace("field = 8", f"field = {field}")
            )
        table = load_tables(tmp_path / "one", tmp_path / "two")
        assert table.attributes["AuthorizationEquipmentCertificationNumber"].field == 32
        assert table.sha256 != load_tables(tmp_path / "one").sha256 != load_tables().sha256

    def test_site_settings(self, tmp_path):
        (tmp_path / "site.toml").write_text(
            'canonical = "https://pacs.test/fhir"\ncoding-system = "99MINE"\n'
        )
        table = load_tables(tmp_path)
        assert (
            table.groups[0].extension
            == "https://pacs.test/fhir/StructureDefinition/sop-instance-status"
        )
        assert table.attributes["SOPInstanceStatus"].coding_system == "99MINE"
        assert table.site.fhir_release == "R4"

    def test_a_command_is_no_attribute_of_a_data_set(self, tmp_path):
        text = GOOD.replace("QualityControlImage", "AffectedSOPClassUID").replace(
            "0028,0300", "0000,0002"
        )
        (tmp_path / "x.toml").write_text(text)
        (fault, *_) = [e for e in lint(tmp_path) if e.rule == "dictionary"]
        assert "not an attribute of a data set" in fault.message

    def test_no_table_hides_what_the_profile_governs(self, tmp_path):
        file = tmp_path / "y.toml"
        file.write_text('name = "sop-instance-status"\n# why not\nenabled = false\n')
        with pytest.raises(TableError, match="would hide SOPInstanceStatus") as caught:
            load_tables(tmp_path)
        assert (caught.value.file, caught.value.line) == (str(file), 3)
        (fault,) = lint(tmp_path)
        assert (fault.rule, fault.line) == ("governed", 3)
        shipped = (MAPPINGS / "sop-instance-status.toml").read_text()
        own = shipped.replace('"sop-instance-status"', '"mine"').replace("ZDS", "ZDT")
        own = own.replace("StructureDefinition/sop-instance-status", "StructureDefinition/mine")
        (tmp_path / "z.toml").write_text(own)  # a site's own group has them now
        assert [g.name for g in load_tables(tmp_path).groups] == ["mine"]
        assert lint(tmp_path) == []
        (tmp_path / "z.toml").write_text(
            own.replace('name    = "mine"', 'name = "mine"\nenabled = false')
        )
        assert {fault.rule for fault in lint(tmp_path)} == {"governed"}
        assert [g.name for g in load_tables(tmp_path, enable=["mine"]).groups] == ["mine"]

    def test_groups_go_on_and_off(self, tmp_path):
        assert {g.name for g in load_tables().groups} == {"sop-instance-status"}
        assert {g.name for g in load_tables(enable=["approval-status"]).groups} == {
            "sop-instance-status",
            "approval-status",
        }
        (tmp_path / "x.toml").write_text('name = "approval-status"\nenabled = true\n')
        (tmp_path / "y.toml").write_text('name = "instance-availability"\nenabled = false\n')
        assert {g.name for g in load_tables(tmp_path).groups} == {
            "sop-instance-status",
            "approval-status",
        }


def test_it_pickles_and_is_the_same_each_time():
    table = pickle.loads(pickle.dumps(load_tables()))
    assert table.sha256 == load_tables().sha256
    assert list(table.attributes) == list(load_tables().attributes)


@given(data=st.data())
def test_a_damaged_table_loads_or_is_refused(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    lines = data.draw(st.sampled_from([GOOD, *(p.read_text() for p in GROUPS)])).splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        cut = data.draw(st.integers(0, len(line)))
        insert = data.draw(
            st.sampled_from(
                ["", '"', "=", "[", "]]", "{", "}", "#", "1", "true", ",", "x", "\\", "é"]
            )
        )
        lines[at] = data.draw(
            st.sampled_from([line[:cut] + insert + line[cut:], line[:cut], insert, lines[0]])
        )
    (folder / "x.toml").write_text("\n".join(lines))
    try:
        load_tables(folder)
    except TableError as error:
        assert error.line >= 1
        assert error.message


@pytest.mark.parametrize("alias", ["yes", "Yes"])
def test_an_alias_may_be_the_term_itself_in_another_case(tmp_path, alias):
    text = GOOD.replace('hl7-aliases = ["Y"]', f'hl7-aliases = ["{alias}"]')
    assert text != GOOD
    (tmp_path / "qc.toml").write_text(text)
    assert load_tables(tmp_path)
