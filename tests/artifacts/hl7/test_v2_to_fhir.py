"""The sheets of the HL7 V2-to-FHIR project: their form, and that following them gives what the codecs give."""

import csv
import io
import re

import pytest
from samples_of import FOLDER
from sopstatus import codec, load_tables
from sopstatus.artifacts.hl7.v2_to_fhir import sheets

TABLES = load_tables()
MADE = sheets(TABLES)
SHEETS = {path: list(csv.reader(io.StringIO(text.decode()))) for path, text in MADE.items()}
SEGMENT = SHEETS["segments/HL7 Segment - FHIR R4_ ZDS[ImagingStudy] - ZDS.csv"]
CODES = SHEETS["codesystems/HL7 Concept Map - FHIR R4_ SOPInstanceStatus - Sheet1.csv"]


@pytest.mark.parametrize("path", SHEETS)
def test_the_form(path):
    first, second, *rows = SHEETS[path]
    columns = 9 if path.startswith("codesystems/") else 19
    assert {len(row) for row in SHEETS[path]} == {columns}
    assert first[0] == "HL7 v2"
    assert first[6 if columns == 9 else 9] == "HL7 FHIR"
    assert second[0] == ("Code" if columns == 9 else "Sort Order")
    assert rows
    if columns == 19:
        assert first[6] == "Condition (IF True)"
        assert first[18] == "Comments"
        assert second[10] == "" == second[17] == second[18]
        assert second[15] == "Vocabulary Mapping\n(IS, ID, CE, CNE, CWE)"
        for row in rows:
            assert re.fullmatch(r"[A-Z0-9]{2,3}([.-]\d+)?", row[1])
            assert (row[0] == "0") == (not re.search(r"\d$", row[1]))
            assert row[16] == "" or row[16][0] + row[16][-1] in ('""', "//")
            assert row[5] in ("", "1", "-1")


def test_data_types_that_are_named_have_a_sheet():
    named = {row[14] for row in SEGMENT[2:] if row[14]}
    there = {
        re.search(r"R4_ (.*) - Sheet1", path)[1] for path in SHEETS if path.startswith("datatypes")
    }
    assert named == there


def holds(condition, valued):
    """Evaluate a condition of these sheets: fields that are valued, or not."""
    parts = condition.removeprefix("IF ").split(" AND ") if condition else []
    return all(
        (int(re.match(r"ZDS-(\d+)", part)[1]) in valued) != part.endswith("NOT VALUED")
        for part in parts
    )


def followed(fields):
    """Return where the sheet puts what: the attributes by their paths."""
    valued = {number for number, text in enumerate(fields) if number and text}
    put = {}
    for row in SEGMENT[2:]:
        number = int(row[1].rpartition("-")[2]) if "-" in row[1] else 0
        if (not number or number in valued) and holds(row[6], valued):
            put[row[9]] = row[16].strip('"') or fields[number]
    return put


def at(element, path):
    """Return what stands at a path of an element, ``extension[1]`` being the first extension."""
    for part in path.split("."):
        name, _, index = part.partition("[")
        element = element[name]
        if isinstance(element, list):
            element = element[int(index.rstrip("]") or 1) - 1 if index else 0]
    return element


@pytest.mark.parametrize(
    "case", ["authorized-original", "study-level", "original", "authorized-copy"]
)
def test_following_the_sheet_gives_what_the_codec_gives(case):
    message = (FOLDER / case / "message.hl7").read_bytes()
    zds = next(line for line in message.split(b"\r") if line.startswith(b"ZDS")).decode()
    put = followed(zds.split("|"))
    study = codec("fhir").encode(codec("hl7").decode(message).value, None).value
    codes = {row[0]: row[6] for row in CODES[2:]}
    (level,) = [path for path in put if path.endswith("extension[1].url") and path.count("[") == 1]
    extension = at(study, level.removesuffix(".url"))
    assert extension["url"] == put[level]
    slices = {}
    for path, value in put.items():
        inner = re.fullmatch(
            re.escape(level.removesuffix("url")) + r"extension\[(\d+)\]\.(\w+)", path
        )
        if inner:
            slices.setdefault(inner[1], {})[inner[2]] = value
    told = {one["url"]: one for one in extension["extension"]}
    assert {one["url"] for one in slices.values()} == set(told)
    for one in slices.values():
        (name,) = one.keys() - {"url"}
        assert name in told[one["url"]]
        if name == "valueCode":
            assert codes[one[name].split("^")[0]] == told[one["url"]][name]
        if name == "valueString":
            assert one[name] == told[one["url"]][name]
    for path in ("series.uid", "series.instance.uid"):
        assert path not in put or put[path] == at(study, path)


def test_the_codes():
    (row,) = [row for row in TABLES.attributes.values() if row.displays]
    assert {line[0]: line[6] for line in CODES[2:]} == {
        code: row.to_fhir[term] for code, term in row.from_hl7.items()
    }
    assert {line[2] for line in CODES[2:]} == {row.coding_system}
