"""The HL7 v2 artifacts, held against hl7apy, hl7types and python-hl7, with readers of their own."""

import importlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Optional

import hl7
import pytest
from docs.digests import digests
from hl7apy import load_message_profile
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message, parse_segment
from hl7types import HL7Model, decode_er7_segment
from hl7types._utils import version_to_module
from hl7types.profiles.builder import make_constrained_segment
from hl7types.profiles.parser import parse_profile, parse_tables
from hl7types.profiles.parser.constraints import FieldConstraint, SegmentConstraint
from pydantic import Field, ValidationError, create_model
from samples_of import FOLDER, ROOT
from sopstatus import codec, load_tables
from sopstatus.artifacts.hl7.fields import LENGTHS
from sopstatus.artifacts.hl7.files import hl7_files
from sopstatus.cli import main

from artifacts.hl7.hl7_faults import FAULTS, zds_of

TABLES = load_tables()
FILES = hl7_files(TABLES)
PROFILES = [path[9:-4] for path in FILES if path.startswith("profiles/")]
STRICT = VALIDATION_LEVEL.STRICT


@pytest.fixture(scope="module")
def profiles(tmp_path_factory):
    """The profiles as hl7apy's own tool reads them, and as files for hl7types."""
    folder = tmp_path_factory.mktemp("profiles")
    for name in PROFILES:
        (folder / f"{name}.xml").write_bytes(FILES[f"profiles/{name}.xml"])
    (folder / "tables").write_bytes(FILES["tables.xml"])
    tool = Path(sys.executable).with_name("hl7apy_profile_parser")
    subprocess.run(
        [sys.executable, "-W", "ignore", tool, "-o", folder, folder],
        check=True,
        capture_output=True,
    )
    return folder


def hl7apy_says(text, profile):
    try:
        made = parse_message(
            text, validation_level=STRICT, message_profile=load_message_profile(profile)
        )
        made.validate()
    except (HL7apyException, ValueError) as error:
        return f"{type(error).__name__} {error}"
    return ""


def found(children, name):
    """The segment constraint of a name, wherever in a profile of hl7types it is."""
    for child in children:
        inner = child if getattr(child, "fields", None) is not None else found(child.children, name)
        if inner and inner.name == name:
            return inner
    return None


def typed(constraint, version, tables):
    """A field's type: that of hl7types with the constraints of its components."""
    module = f"hl7types.hl7.{version_to_module(version)}.datatypes.{constraint.datatype}"
    if not constraint.components:
        return str
    base = getattr(importlib.import_module(module), constraint.datatype)
    inner = [
        FieldConstraint(c.name, c.usage, 0, c.datatype, 1, c.length, None, c.table)
        for c in constraint.components
    ]
    return make_constrained_segment(
        base, SegmentConstraint(constraint.datatype, "", "O", 0, 1, inner), tables
    )


def model(profile, tables):
    """Our segment as a model of hl7types, which has none of its own, constrained by the profile."""
    segment = found(profile.segments, "ZDS")
    fields = {}
    for number, field in enumerate(segment.fields, 1):
        kind = typed(field, profile.hl7_version, tables)
        kind = kind if field.max == 1 else list[kind]
        optional = Optional[kind]  # noqa: UP045 - the library looks for a typing.Union
        fields[f"zds_{number}"] = (optional, Field(None, serialization_alias=f"ZDS.{number}"))
    base = create_model("ZDS", __base__=HL7Model, **fields)
    return make_constrained_segment(base, segment, tables)


@cache
def model_of(profile):
    return model(parse_profile(f"{profile}.xml"), parse_tables(profile.with_name("tables")))


def hl7types_says(text, profile):
    try:
        decode_er7_segment(zds_of(text), model_of(profile))
    except ValidationError as error:
        return str(error)
    return ""


def test_what_the_repository_says_of_them_is_what_is_made(tmp_path):
    assert (ROOT / "docs/hl7/digests.txt").read_text() == digests("hl7", TABLES)
    for name in ("segments.md", "tables.xml"):
        assert (ROOT / "docs/hl7" / name).read_bytes() == FILES[name]
    assert main(["artifacts", str(tmp_path), "--only", "hl7"]) == 0
    for path, content in FILES.items():
        assert (tmp_path / "hl7" / path).read_bytes() == content


@pytest.mark.parametrize("name", PROFILES)
def test_both_take_the_example(profiles, name):
    text = FILES[f"examples/{name}.hl7"].decode()
    assert hl7apy_says(text, profiles / name) == ""
    assert hl7types_says(text, profiles / name) == ""
    (said,) = codec("hl7").decode(text.encode()).value
    assert said["SOPInstanceStatus"] == "AO"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen_for_its_own_reason(profiles, fault):
    change, words = FAULTS[fault]
    text = change(FILES["examples/ORU_R01-2.5.1.hl7"].decode())
    said = {
        "hl7apy": hl7apy_says(text, profiles / "ORU_R01-2.5.1"),
        "hl7types": hl7types_says(text, profiles / "ORU_R01-2.5.1"),
    }
    assert words
    for who, reason in words.items():
        assert reason in said[who], said


def test_an_order_has_one_segment_at_most(profiles):
    text = FILES["examples/ORM_O01-2.5.1.hl7"].decode()
    zds = zds_of(text)
    assert "max limit (1)" in hl7apy_says(
        text.replace(zds, f"{zds}\r{zds}"), profiles / "ORM_O01-2.5.1"
    )


def test_samples_of_2_5_1_conform_in_their_segment(profiles):
    seen = 0
    for path in sorted(FOLDER.glob("*/message.hl7")):
        data = path.read_bytes().replace(b"\r\n", b"\r")
        if b"|2.5.1|" not in data or b"\rZDS" not in data:
            continue
        text = data.decode().replace(FOREIGN, "").replace('|""', "|")  # it takes a null for a code
        assert hl7types_says(text, profiles / "ORU_R01-2.5.1") == "", path
        seen += 1
    assert seen > 8


FOREIGN = "ZDS|PERFORM|p0001236^PATEL^ATEST^^^^^^HHB_INOP_PRSNL^^^^OTHER|20100714101800|CD:653\r"


def test_python_hl7_finds_every_field_by_its_key():
    told = json.loads(FILES["segments.json"])["ZDS"]
    message = hl7.parse(FILES["examples/ORU_R01-2.5.1.hl7"].decode())
    values = {entry["name"]: message[entry["key"]] for entry in told["fields"][:8]}
    (said,) = codec("hl7").decode(FILES["examples/ORU_R01-2.5.1.hl7"]).value
    assert values["Study Instance UID"] == said.study_instance_uid
    assert values["SOP Instance UID"] == said.sop_instance_uid
    assert values["SOP Instance Status"] == "AO" == told["codes"]["5"]["read"]["AUTHORIZED"]
    assert values["SOP Authorization Comment"] == "Released after review"


def test_the_module_for_hl7apy_types_the_segment():
    space = {}
    exec(FILES["segments_hl7apy.py"], space)
    line = zds_of(FILES["examples/ORU_R01-2.5.1.hl7"].decode())
    zds = parse_segment(line, "2.5.1", reference=space["SEGMENTS"]["ZDS"], validation_level=STRICT)
    assert zds.sop_instance_status.cwe_1.value == "AO"
    assert zds.sop_authorization_datetime.value == "20240115103015+0100"
    assert zds.study_instance_uid.rp_1.value == line.split("|")[1].split("^")[0]


def test_the_xml_says_what_the_tables_say():
    for name in PROFILES:
        root = ET.fromstring(FILES[f"profiles/{name}.xml"])
        (zds,) = [s for s in root.iter("Segment") if s.get("Name") == "ZDS"]
        assert zds.get("Max") == ("1" if name.startswith("ORM") else "*")
        for row in TABLES.segments["ZDS"]:
            field = zds[row.field - 1]
            assert int(field.get("Length")) == LENGTHS[row.datatype]
            assert field.get("Datatype") in (
                row.datatype,
                {"CWE": "CE", "DTM": "TS"}.get(row.datatype),
            )
    codes = {
        e.get("code"): e.get("description")
        for e in ET.fromstring(FILES["tables.xml"]).iter("tableElement")
    }
    (row,) = [row for row in TABLES.segments["ZDS"] if row.displays]
    assert codes == {code: row.displays[term] for code, term in row.from_hl7.items()}


NOTES = ("ImpNote", "Description", "Reference", "Predicate")
FORM = {  # of a message profile: attributes that must and may be there, and children in their order
    "HL7v2xConformanceProfile": (
        {"HL7Version", "ProfileType"},
        {"Identifier"},
        ("MetaData", "ImpNote", "UseCase", "Encodings", "DynamicDef", "HL7v2xStaticDef"),
    ),
    "MetaData": ({"Name", "OrgName"}, {"Version", "Status", "Topics"}, ()),
    "UseCase": (set(), set(), ("Purpose", "Description", "Actor")),
    "Purpose": (set(), set(), ()),
    "Encodings": (set(), set(), ("Encoding",)),
    "Encoding": (set(), set(), ()),
    "DynamicDef": (set(), {"AccAck", "AppAck", "MsgAckMode"}, ()),
    "HL7v2xStaticDef": (
        {"MsgType", "EventType", "MsgStructID", "EventDesc", "Role"},
        {"OrderControl", "Identifier"},
        ("MetaData", "ImpNote", "Description", "Reference", "Segment SegGroup"),
    ),
    "SegGroup": (
        {"Name", "LongName", "Usage", "Min", "Max"},
        set(),
        (*NOTES, "Segment SegGroup"),
    ),
    "Segment": ({"Name", "LongName", "Usage", "Min", "Max"}, set(), (*NOTES, "Field")),
    "Field": (
        {"Name", "Usage", "Min", "Max", "Datatype"},
        {"Length", "Table", "ConstantValue", "ItemNo"},
        (*NOTES, "DataValues", "Component"),
    ),
    "Component": (
        {"Name", "Usage", "Datatype"},
        {"Length", "Table", "ConstantValue"},
        (*NOTES, "DataValues", "SubComponent"),
    ),
    "SubComponent": (
        {"Name", "Usage", "Datatype"},
        {"Length", "Table", "ConstantValue"},
        (*NOTES, "DataValues"),
    ),
    **dict.fromkeys(NOTES, (set(), set(), ())),
}


VALUES = {  # the constraints of HL7's schema, in our words
    "ItemNo": r"\d{5}",
    "Min": r"\d+",
    "Max": r"[1-9]\d*|\*",
    "Length": r"[1-9]\d{0,4}",
    "Datatype": r"[A-Z]{2,3}|CM_[A-Z_]+|varies|\*|-|[A-Z]{2,3}_[A-Z]+",
    "Table": r"[A-Z]?\d{4}",
}


def test_no_name_of_a_data_type_is_hl7apys_own():
    seen = set()
    for name in PROFILES:
        root = ET.fromstring(FILES[f"profiles/{name}.xml"])
        version = root.get("HL7Version")
        for element in root.iter():
            seen.add(element.get("Datatype", ""))
            if element.get("Datatype") == "CX" and version == "2.3.1" and len(element):
                assert element[0].get("Datatype") == "ST"
    assert {"DR", "CQ"} <= seen
    assert not [name for name in seen if name.endswith("_SIMPLE")]


def test_a_withdrawn_field_keeps_the_place_of_those_behind_it():
    root = ET.fromstring(FILES["profiles/ORU_R01-2.7.xml"])
    (pid,) = [s for s in root.iter("Segment") if s.get("Name") == "PID"]
    names = [field.get("Name") for field in pid]
    assert (names[2], names[7]) == ("Patient Identifier List", "Administrative Sex")
    assert pid[1].get("Usage") == "X"
    for name in PROFILES:
        for segment in ET.fromstring(FILES[f"profiles/{name}.xml"]).iter("Segment"):
            assert segment[-1].get("Usage") != "X", segment.get("Name")


@pytest.mark.parametrize("name", PROFILES)
def test_the_xml_has_the_form_of_a_message_profile(name):
    for element in ET.fromstring(FILES[f"profiles/{name}.xml"]).iter():
        must, may, order = FORM[element.tag]
        assert must <= element.attrib.keys() <= must | may, element.tag
        places = [next(i for i, tags in enumerate(order) if e.tag in tags.split()) for e in element]
        assert places == sorted(places), element.tag
        assert element.get("Usage", "O") in ("R", "RE", "O", "C", "X", "B")
        if element.tag in ("Segment", "Encodings"):
            assert len(element)
        for name, pattern in VALUES.items():
            assert re.fullmatch(pattern, element.get(name, "")) or name not in element.attrib
        if element.tag in ("Field", "Component", "SubComponent"):
            assert element.get("Length"), "read as 0 where it is missing"
        if element.get("Max", "*") != "*":
            assert int(element.get("Min")) <= int(element.get("Max"))


def test_numbers_of_user_defined_tables_are_unique():
    everything = load_tables(enable=[group.name for group in TABLES.available])
    made = hl7_files(everything)
    numbers = [e.get("id") for e in ET.fromstring(made["tables.xml"]).iter("hl7table")]
    assert len(set(numbers)) == len(numbers) > 3
    assert "Z0410" in made["segments.html"].decode()


def test_without_the_extra_it_says_which(tmp_path, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "sopstatus.artifacts.hl7.files")
    monkeypatch.delitem(sys.modules, "sopstatus.artifacts.hl7.structures")
    monkeypatch.setitem(sys.modules, "hl7apy", None)
    assert main(["artifacts", str(tmp_path), "--only", "hl7"]) == 2
    assert 'pip install "sopstatus[docs]"' in capsys.readouterr().err
