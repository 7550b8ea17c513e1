"""A table of more than forty attributes: every VR, VM and type, on real data sets."""

import io
import itertools
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from sopstatus import SOPInstance, codec, load_tables
from sopstatus.codecs import FORMATS
from sopstatus.table import conversions, lint
from sopstatus.table.language import FHIR_TYPES

FOLDER = Path(__file__).parent / "forty"
TABLES = load_tables(FOLDER)
ROWS = {k: row for k, row in TABLES.attributes.items() if row.file.endswith("acquisition.toml")}
REAL = [  # of pydicom's own
    *("CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm"),
    *("JPEG2000.dcm", "emri_small.dcm", "rtdose.dcm", "color-pl.dcm", "test-SR.dcm"),
    *("examples_palette.dcm", "liver_1frame.dcm", "693_J2KR.dcm", "image_dfl.dcm"),
]
IN_FILES = 30  # of its attributes, at least so many stand in these


FILES = [path for name in REAL if (path := get_testdata_file(name, download=False))]


def test_it_has_everything():
    assert len(ROWS) > 40
    assert not lint(FOLDER)
    assert {row.vr for row in ROWS.values()} == set(FHIR_TYPES)
    assert {row.fhir_type for row in ROWS.values()} == set(conversions.FHIR)
    rare = {"CE", "CNE", "TS", "FT"}  # read and written as CWE, DTM and ST are
    assert {row.datatype for row in ROWS.values()} == set(conversions.HL7) - rare
    assert {row.vm for row in ROWS.values()} >= {"1", "2", "3", "4", "6", "1-n", "2-n"}


@pytest.mark.parametrize("path", [Path(p) for p in FILES], ids=lambda path: path.name)
def test_a_real_data_set_arrives_whole(path):
    """What pydicom reads in the file, it reads in the data set that came out of each format."""
    dataset = pydicom.dcmread(path)
    (stated,) = codec("dicom", tables=TABLES).decode(path.read_bytes()).value
    said = dict(stated.attributes)
    mine = {k: dataset.data_element(k) for k in ROWS if k in dataset}
    assert {k for k in said if k in ROWS} == set(mine)
    bare = pydicom.dcmread(path)
    for keyword in mine:
        del bare[keyword]
    buffer = io.BytesIO()
    bare.save_as(buffer)
    assert codec("dicom", tables=TABLES).decode(bare).value == ()
    for name in FORMATS:
        under = codec(name, tables=TABLES)
        document = under.encode([stated], under.blank([stated])).value
        (back,) = under.decode(document).value
        assert back.attributes == stated.attributes, name
        assert under.encode([back], document).value == document
        for onto in (bare, buffer.getvalue()):
            made = codec("dicom", tables=TABLES).encode([back], onto).value
            if isinstance(made, bytes):
                made = pydicom.dcmread(io.BytesIO(made))
            for keyword, element in mine.items():
                assert (made[keyword].value or None) == (element.value or None), (name, keyword)
                assert made[keyword].VR == element.VR


def test_most_of_them_stand_in_real_files():
    found = set()
    for path in FILES:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        found |= {k for k in ROWS if dataset.get(k) not in (None, "")}
    assert len(found) >= IN_FILES


@pytest.mark.parametrize("name", FORMATS)
def test_several_date_times_keep_each_its_own_offset(name):
    """A DT that is local, beside those that are not, in any order."""
    under = codec(name, tables=TABLES)
    one = ["20240102030405+0100", "20240102030405.12", "20240102", "", "20240102030405.5-0500"]
    for items in itertools.product(one, repeat=3):
        said = {"SelectorDTValue": "\\".join(items)}
        x = SOPInstance("1.2", "1.2.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.1.1", "", said)
        document = under.encode([x], under.blank([x])).value
        assert under.decode(document).value == (x,)


@pytest.mark.parametrize("text", ["é\\b\\患", "a\\é", "\\é\\\\b", "é\\é", "a|\\b"])
@pytest.mark.parametrize("marks", ["^~\\&", "^~"])
def test_one_of_several_texts_that_the_message_cannot_hold_is_not_lost(text, marks):
    """Without a character set in MSH-18, or without an escape character."""
    under = codec("hl7", tables=TABLES)
    head = f"MSH|{marks}|A|B|||20240101||ORU^R01|1|P|2.5.1\rPID|1\rOBR|1\r".encode()
    rows = [r for r in ROWS.values() if r.vr in conversions.TEXT_VRS and r.vm == "1-n"]
    for keyword in (row.keyword for row in rows):
        x = SOPInstance("1.2", "1.2.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.1.1", "", {keyword: text})
        message = under.encode([x], head).value
        assert under.decode(message).value == (x,)
        assert under.encode([x], message).value == message
    assert len(rows) > 2
