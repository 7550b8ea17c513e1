"""What the fuzzer runs: whatever the input, a result or the one exception, and the laws hold."""

import io
import json
import re
import tempfile
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pydicom
import sopstatus
from sopstatus import codec, content, load_tables
from sopstatus.explain import explain as explained
from sopstatus.explain.text import rendered
from sopstatus.table import lint

AO = {"SOPInstanceStatus": "AO", "SOPAuthorizationComment": "a|b\r\n患"}
STATEMENT = sopstatus.SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.4", "", AO)
OURS_IN_XML = re.compile("ZDS|tag010004(10|20|24|26)")
OURS = frozenset(group.extension for group in load_tables().groups)
TARGETS = ("hl7", "mirth_xml", "fhir", "dicom", "tables", "explain", "recognise")


def same_again(name, document, frame):
    """Hold get-put, frame and idempotence on one document of a format."""
    under = codec(name)
    try:
        found = under.decode(document)
        under.instances(document)
        again = under.encode(found.value, document).value
        assert again == document, "get-put"
        for x in (STATEMENT, *found.value[:2]):
            new = sopstatus.SOPInstance(*x.identity[:2], "", x.sop_instance_uid, x.holder, AO)
            once = under.encode([new], document).value
            assert under.encode([new], once).value == once, "idempotent"
            if once != document and (rest := frame(document)) is not None:
                assert frame(once) == rest, "frame"
    except sopstatus.DocumentError as error:
        assert error.issues


def lines_but_ours(data):
    """Return the lines of a message, without MLLP's characters, empty ones and the segment ZDS."""
    lines = [line.strip(b"\x0b\x1c") for line in data.replace(b"\n", b"\r").split(b"\r")]
    return [line for line in lines if line and line[:3] != b"ZDS"]


def keys_but_ours(node):
    """Return JSON without our extension, and without lists of extensions that it leaves empty."""
    if isinstance(node, dict):
        kept = {key: keys_but_ours(value) for key, value in node.items()}
        if isinstance(kept.get("extension"), list):
            kept["extension"] = [
                e for e in kept["extension"] if not (isinstance(e, dict) and _is_ours(e))
            ]
            if not kept["extension"]:
                del kept["extension"]
        return kept
    return [keys_but_ours(item) for item in node] if isinstance(node, list) else node


def _is_ours(extension):
    return isinstance(extension.get("url"), str) and extension["url"] in OURS


def elements_but_ours(data):
    """Return what pydicom reads outside group 0100, as bytes; nothing where it cannot read."""
    try:
        elements = list(pydicom.dcmread(io.BytesIO(data), force=True).values())
    except Exception:  # the reader's own limits are not what is under test
        return None
    values = [(e.tag, e.VR, e.value) for e in elements if e.tag.group != 0x0100]
    return [(tag, vr, value if isinstance(value, bytes) else "") for tag, vr, value in values]


def hl7(data):
    same_again("hl7", data, lines_but_ours)


def children_but_ours(data):
    """Return the document's other elements, without the white space around them."""
    try:
        others = [child for child in ET.fromstring(data) if not OURS_IN_XML.fullmatch(child.tag)]
    except ET.ParseError:  # the codec follows an encoding that expat alone does not
        return None
    return [ET.tostring(child).strip() for child in others]


def mirth_xml(data):
    same_again("hl7-xml", data, children_but_ours)
    same_again("dicom-xml", data, children_but_ours)


def dicom(data):
    same_again("dicom", data, elements_but_ours)


def fhir(data):
    try:
        document = content.load_json(data)
    except sopstatus.DocumentError:
        return
    same_again("fhir", document, keys_but_ours)


def tables(data):
    folder = _folder()
    (folder / "fuzz.toml").write_bytes(data)
    faults = lint(folder)
    try:
        loaded = load_tables(folder)
    except sopstatus.TableError as error:
        assert error.line >= 1
        assert error.message
        assert faults, "lint sees what the loader refuses"
        return
    assert not faults, "lint finds nothing in what loads"
    for row in loaded.attributes.values():
        for to, back in ((row.to_hl7, row.from_hl7), (row.to_fhir, row.from_fhir)):
            assert all(back[spelling] == term for term, spelling in to.items()), "inverse"


@cache
def _folder():
    return Path(tempfile.mkdtemp(prefix="sopstatus-fuzz-"))


def explain(data):
    try:
        told = explained(data)
    except sopstatus.DocumentError as error:
        assert error.issues
        return
    assert rendered(told)
    json.dumps(told.to_dict())
    for value in told.values:
        source = value.source
        if source is not None and source.start is not None and source.of == "document":
            assert 0 <= source.start <= source.end <= len(data), "span"


def recognise(data):
    try:
        name, document = content.load(data)
    except sopstatus.DocumentError as error:
        assert error.issues
        return
    if name != "fhir":
        assert document == data
        return
    printed = content.dump_json(document)
    assert content.dump_json(content.load_json(printed)) == printed, "printed JSON reads the same"
