"""A new attribute is a table and no Python: every codec carries it."""

import io
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pydicom
import pytest
from extra_table import table
from pydicom.data import get_testdata_file
from sopstatus import Link, SOPInstance, codec, load_tables, transformer

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
FORMATS = ("dicom", "hl7", "fhir")
CT = Path(get_testdata_file("CT_small.dcm")).read_bytes()
EVERYWHERE = '"ImagingStudy", "ImagingStudy.series", "ImagingStudy.series.instance"'
CODED = """
[[attribute]]
keyword = "QualityControlImage"
tag = "0028,0300"
vr = "CS"
terms = "enumerated"
hl7 = { field = 11, datatype = "CWE", coding-system = "99QC" }
fhir = { slice = "qc", type = "code" }
[attribute.codes]
YES = { display = "Yes", hl7 = "Y", fhir = "yes", hl7-aliases = ["TRUE"] }
NO = { display = "No", hl7 = "N", fhir = "no" }

[[attribute]]
keyword = "ContentQualification"
tag = "0018,9004"
vr = "CS"
terms = "defined"
hl7 = { field = 12, datatype = "ID" }
fhir = { slice = "qualification", type = "code" }
[attribute.codes]
PRODUCT = { display = "Product" }

[[attribute]]
keyword = "InstanceCoercionDateTime"
tag = "0008,0015"
vr = "DT"
hl7 = { field = 13, datatype = "DTM" }
fhir = { slice = "coerced", type = "dateTime" }

[[attribute]]
keyword = "SeriesDescription"
tag = "0008,103E"
vr = "LO"
hl7 = { field = 14, datatype = "ST" }
fhir = { slice = "description", type = "string" }

[[attribute]]
keyword = "DerivationDescription"
tag = "0008,2111"
vr = "ST"
hl7 = { field = 15, datatype = "TX" }
fhir = { slice = "derivation", type = "string" }
"""
VALUES = [
    {"QualityControlImage": "YES"},
    {"QualityControlImage": "NO", "ContentQualification": "PRODUCT"},
    {"QualityControlImage": "MAYBE"},
    {"ContentQualification": "SITE_OWN"},
    {"ContentQualification": "lower"},
    {"InstanceCoercionDateTime": "20240102030405.123456+0100"},
    {"InstanceCoercionDateTime": "2024"},
    {"SeriesDescription": "a|b^c&d", "DerivationDescription": "a\\b\r\nc"},
    {"QualityControlImage": None, "SOPInstanceStatus": "AO"},
]
GROUPS = {
    "instance-availability": {"InstanceAvailability": "NEARLINE"},
    "sr-completion-verification": {
        "CompletionFlag": "COMPLETE",
        "VerificationFlag": "VERIFIED",
        "PreliminaryFlag": "FINAL",
    },
    "approval-status": {"ApprovalStatus": "UNAPPROVED"},
}


@pytest.fixture(params=["ZDS", "ZQC"])
def tables(request, tmp_path):
    text = table(CODED, EVERYWHERE, request.param)
    (tmp_path / "extra.toml").write_text(text)
    return load_tables(tmp_path)


def blank(name, tables):
    if name == "dicom":
        dataset = pydicom.dcmread(io.BytesIO(CT))
        for row in tables.attributes.values():
            dataset.pop(row.tag, None)
        buffer = io.BytesIO()
        dataset.save_as(buffer)
        return buffer.getvalue()
    return codec(name, tables=tables).blank(codec("dicom").instances(CT))


def carried(tables, values):
    """Carry values through every codec and every order of formats."""
    (identity,) = codec("dicom").instances(CT)
    x = replace(identity, attributes=tuple(values.items()))
    for name in FORMATS:
        under = codec(name, tables=tables)
        document = under.encode([x], blank(name, tables)).value
        assert under.decode(document).value == (x,)
        assert under.encode([x], document).value == document
    dataset = pydicom.dcmread(io.BytesIO(blank("dicom", tables)))
    under = codec("dicom", tables=tables)
    assert under.decode(under.encode([x], dataset).value).value == (x,)
    for order in permutations(FORMATS):
        document = codec(order[0], tables=tables).encode([x], blank(order[0], tables)).value
        for source, target in (order[:2], order[1:], (order[2], order[0])):
            carry = transformer(source, target, tables=tables)
            document = carry(document, blank(target, tables), link=TRUSTED).value
        assert codec(order[0], tables=tables).decode(document).value == (x,)


@pytest.mark.parametrize("values", VALUES, ids=str)
def test_a_table_is_enough(tables, values):
    carried(tables, values)


def test_spellings_and_aliases(tables):
    (identity,) = codec("dicom").instances(CT)
    x = replace(identity, attributes=(("QualityControlImage", "YES"),))
    hl7, fhir = codec("hl7", tables=tables), codec("fhir", tables=tables)
    message = hl7.encode([x], blank("hl7", tables)).value
    assert b"Y^Yes^99QC" in message
    assert "'valueCode': 'yes'" in str(fhir.encode([x], blank("fhir", tables)).value)
    alias = message.replace(b"Y^Yes^99QC", b"TRUE")
    assert hl7.decode(alias).value == (x,)
    assert hl7.encode([x], alias).value == alias


def test_an_existing_element_gives_way(tables):
    """A tag anywhere in the data set is replaced in place, not only group 0100."""
    (identity,) = codec("dicom").instances(CT)
    x = replace(identity, attributes=(("SeriesDescription", "new"),))
    out = codec("dicom", tables=tables).encode([x], CT).value
    old, new = (pydicom.dcmread(io.BytesIO(data)) for data in (CT, out))
    assert new.SeriesDescription == "new"
    assert [e.tag for e in new] == sorted({*(e.tag for e in old), new["SeriesDescription"].tag})


@pytest.mark.parametrize("group", GROUPS)
def test_shipped_groups_that_are_off(group, tmp_path):
    (tmp_path / "on.toml").write_text(f'name = "{group}"\nenabled = true\n')
    for tables in (load_tables(tmp_path), load_tables(enable=[group])):
        carried(tables, GROUPS[group])
        carried(tables, GROUPS[group] | {"SOPInstanceStatus": "AO"})


@pytest.mark.parametrize("group", GROUPS)
def test_off_is_off(group):
    on = load_tables(enable=[group])
    (identity,) = codec("dicom").instances(CT)
    x = replace(identity, attributes=tuple(GROUPS[group].items()))
    for name in FORMATS:
        document = codec(name, tables=on).encode([x], blank(name, on)).value
        assert codec(name).decode(document).value == ()
        assert codec(name).encode([], document).value == document
        refused = codec(name).encode([x], blank(name, on))
        assert {i.code for i in refused.issues} == {"table/unmapped"}
        assert refused.value == blank(name, on) or name == "hl7"


def test_two_groups_on_one_element_are_one_statement(tables):
    (identity,) = codec("dicom").instances(CT)
    said = {"SOPInstanceStatus": "AO", "QualityControlImage": "NO"}
    x = SOPInstance(
        *identity.identity[:2], identity.sop_class_uid, identity.sop_instance_uid, "PACS", said
    )
    for name in ("hl7", "fhir"):
        under = codec(name, tables=tables)
        document = under.encode([x], blank(name, tables)).value
        assert under.decode(document).value == (x,)
        less = replace(x, attributes=(("SOPInstanceStatus", "AC"),))
        assert under.decode(under.encode([less], document).value).value == (less,)


@pytest.mark.parametrize(
    "said",
    [
        *({"SliceThickness": text} for text in ("thick", "1e400", "1_0", "nan", "x" * 17)),
        *({"SeriesNumber": text} for text in ("1.50", "-inf", "1e400", "two")),
        *({"PixelSpacing": text} for text in ("0.5\\x", "\\", "1.50\\nan")),
        {"ImageOrientationPatient": "1\\0"},
        {"SliceThickness": None},
    ],
    ids=str,
)
def test_a_number_that_is_none_stays_as_it_is_in_a_data_set(said):
    """What pydicom's own numbers cannot hold is held as it would be read from the file."""
    tables = load_tables(Path(__file__).parents[1] / "testkit" / "forty")
    under = codec("dicom", tables=tables)
    (identity,) = under.instances(CT)
    x = replace(identity, attributes=tuple(said.items()))
    empty = blank("dicom", tables)
    made = under.encode([x], pydicom.dcmread(io.BytesIO(empty))).value
    assert under.decode(made).value == (x,)
    buffer = io.BytesIO()
    made.save_as(buffer)
    assert buffer.getvalue() == under.encode([x], empty).value
