"""What the fuzzer runs: whatever the input, a result or the one exception, and the laws hold."""

import gzip
import io
import json
import re
import tempfile
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pydicom
import sopstatus
from malformed.readers import claimed, more, with_pydicom
from sopstatus import codec, load_tables
from sopstatus.codecs.dicom_json.element import spellings
from sopstatus.codecs.shared import json_text
from sopstatus.documents import content
from sopstatus.explain import explain as explained
from sopstatus.explain.text import rendered
from sopstatus.table import lint

GZIP = b"\x1f\x8b"
AO = {"SOPInstanceStatus": "AO", "SOPAuthorizationComment": "a|b\r\n患"}
STATEMENT = sopstatus.SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.4", "", AO)
OURS_IN_XML = re.compile("ZDS|tag010004(10|20|24|26)")
OURS = frozenset(group.extension for group in load_tables().groups)
ROWS = tuple(load_tables().attributes.values())
TAGS = frozenset(name for row in ROWS for name in spellings(row.tag, row.keyword))
KEYWORDS = frozenset(row.keyword for row in ROWS)
ARRIVES = sopstatus.transformer("dicom", "dicom")
DEFLATED_JPIP = ("1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205")
TARGETS = (
    *("hl7", "mirth_xml", "fhir", "dicom", "dicom_json", "healthimaging"),
    *("tables", "explain", "recognise", "launder"),
)


def same_again(name, document, frame):
    """Hold get-put, frame and idempotence on one document of a format."""
    under = codec(name)
    try:
        found = under.decode(document)
        known = under.instances(document)
        assert under.read(document) == (found, known), "one look"
        again = under.encode(found.value, document).value
        assert again == document, "get-put"
        for x in (STATEMENT, *found.value[:2], *known[:1]):
            new = sopstatus.SOPInstance(*x.identity[:2], "", x.sop_instance_uid, x.holder, AO)
            once = under.encode([new], document).value
            assert under.encode([new], once).value == once, "idempotent"
            if once != document and (rest := frame(document)) is not None:
                assert frame(once) == rest, "frame"
    except sopstatus.DocumentError as error:
        assert error.issues


def lines_but_ours(data):
    """Return the lines of a message, without MLLP's characters, NUL, empty ones and ZDS.

    Nothing where CR and LF are mixed: which of them ends a segment is what the MSH ends in.
    """
    if b"\r" in data and b"\n" in data.replace(b"\r\n", b""):
        return None
    lines = [line.strip(b"\0\x0b\x1c") for line in data.replace(b"\n", b"\r").split(b"\r")]
    ours = {
        b"ZDS",
        *(
            b"ZDS" + separator
            for separator in re.findall(rb"(?:^|[\r\n])(?:\xef\xbb\xbf|[\0\x0b\x1c])*MSH(.)", data)
        ),
    }
    return [line for line in lines if line and line[:4] not in ours]


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
    """Return what pydicom reads outside group 0100, as bytes; nothing where it cannot read or inflate.

    In the order of the tags: what stood out of order is sorted when something changes.
    """
    try:
        dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        if dataset.file_meta.get("TransferSyntaxUID") in DEFLATED_JPIP:
            return None
        elements = [dataset.get_item(tag) for tag in sorted(dataset.keys())]
    except Exception:  # the reader's own limits are not what is under test
        return None
    values = [(e.tag, e.VR, e.value) for e in elements if e.tag.group != 0x0100]
    return [(tag, vr, value if isinstance(value, bytes) else "") for tag, vr, value in values]


def _pairs(data):
    """Parse JSON into (kind, members, values or text), also where a name stands twice."""
    return _kinds(
        json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=lambda pairs: ("object", pairs),
            parse_float=lambda text: ("number", text),
            parse_int=lambda text: ("number", text),
            parse_constant=lambda text: ("number", text),
        )
    )


def _kinds(node):
    if isinstance(node, list):
        return "list", [_kinds(inner) for inner in node]
    if not isinstance(node, tuple):
        return "text", node
    kind, inner = node
    if kind == "object":
        return kind, [(name, _kinds(value)) for name, value in inner]
    return node


def hl7(data):
    same_again("hl7", data, lines_but_ours)


def children_but_ours(data):
    """Return the document's other elements, and the words that stand between elements."""
    try:
        root = ET.fromstring(data)
    except ET.ParseError:  # the codec follows an encoding that expat alone does not
        return None
    between = "".join([root.text or "", *(child.tail or "" for child in root)]).split()
    others = [child for child in root if not OURS_IN_XML.fullmatch(child.tag)]
    for child in others:
        child.tail = None
    return between, [ET.tostring(child) for child in others]


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


def dicom_json(data):
    same_again("dicom-json", data, tags_but_ours)
    as_parsed("dicom-json", data)


def healthimaging(data):
    same_again("healthimaging", data, keywords_but_ours)
    if not data.startswith(GZIP):
        as_parsed("healthimaging", data)


def as_parsed(name, data):
    """Hold that a text says what its values say, parsed one by one by the standard library."""
    try:
        parsed = json_text.parse(data.decode("utf-8"))
        told = codec(name).decode(parsed)
    except (UnicodeDecodeError, sopstatus.DocumentError):
        return
    assert codec(name).decode(data) == told, "as parsed"


def tags_but_ours(data):
    """Return the members of each data set in their order, numbers as spelt, without ours."""
    listed = _pairs(data)
    listed = listed[1] if listed[0] == "list" else [listed]
    return [[m for m in x[1] if m[0] not in TAGS] if x[0] == "object" else x for x in listed]


def keywords_but_ours(data):
    """Return every member in its order, numbers as spelt, without the keywords that are ours."""
    return _without(_pairs(gzip.decompress(data) if data.startswith(GZIP) else data))


def _without(node):
    kind, inner = node
    if kind == "object":
        return kind, [(name, _without(value)) for name, value in inner if name not in KEYWORDS]
    return (kind, [_without(value) for value in inner]) if kind == "list" else node


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


def launder(data):
    """Hold that what arrives over a link that nobody vouched for states no status afterwards."""
    try:
        result = ARRIVES(data)
    except sopstatus.DocumentError as error:
        assert not any(record.outcome == "done" for record in getattr(error, "records", ()))
        return
    said = with_pydicom(result.value)
    assert not said.status, "pydicom reads a status that nobody vouched for"
    assert not more(said, claimed(result.records)), "pydicom reads more than the record says"
