"""What the laws need to know of a format: documents of all kinds, and what in them is not ours.

A new codec inherits every law by adding one entry to FORMATS.
"""

import copy
import gzip
import io
import json
import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from samples_of import verbatim_slice
from sopstatus import SOPInstance, codec, load_tables

from laws import mirth_xml
from laws.strategies import HOLDERS, statements, studies

EXTENSION = load_tables().groups[0].extension
CODES = f"{load_tables().site.canonical}/CodeSystem"


class Document(NamedTuple):
    """A generated document and the instances that it knows."""

    content: Any
    known: list[SOPInstance]
    holders: st.SearchStrategy[str] = HOLDERS


def plain(x: SOPInstance) -> SOPInstance:
    """Take ESC out of text: pydicom takes any for a code extension, UTF-8 or not, and warns."""
    said = {k: v and v.replace("\x1b", "x") for k, v in x.attributes}
    return replace(x, attributes=said)


class Format(NamedTuple):
    """One codec under the laws."""

    codec: Any
    documents: st.SearchStrategy[Document]
    frame: Callable[[Any], Any]  # the document without what is ours
    wide: bool = True  # carries statements about series and studies
    single: bool = False  # is about one instance
    examples: int = 10**9  # at most so many
    fit: Callable[[SOPInstance], SOPInstance] = plain  # a statement that it can carry


# --- HL7 -------------------------------------------------------------------------------------

_CHARSETS = [
    "UNICODE UTF-8",
    "UNICODE UTF-8",
    "",
    "8859/1",
    "~ISO IR87",
    "GB 18030-2000",
    "KS X 1001",
    "utf8",
    "WINDOWS-1252",
    "KOI8-R",  # all is ASCII, and stays so
]
_DELIMITERS = ["|^~\\&", "|^~\\&", "|^~\\&#", "@*%$!", "#^~\\&", "|^~\\", "|^~", "|^.\\&", "|^+.&"]
_KINDS = ["ORU^R01^ORU_R01", "OMI^O23", "MDM^T02", "MDM^T11", "ADT^A08", "ZZZ^Z01", "ORU"]
_VERSIONS = ["2.1", "2.3.1", "2.5.1", "2.7", "2.9"]


@st.composite
def hl7_documents(draw):
    """A message with foreign segments and, at times, statements in odd spellings."""
    known = draw(studies())
    marks = draw(st.sampled_from(_DELIMITERS))
    sep, comp, rep = marks[0], marks[1], marks[2]
    term = draw(st.sampled_from(["\r", "\r", "\n", "\r\n"]))
    header = [
        "MSH",
        marks[1:],
        "RIS",
        "H",
        "",
        "",
        "20240101",
        "",
        "",
        "1",
        "P",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
    ]
    header[8] = draw(st.sampled_from(_KINDS)).replace("^", comp)
    header[11] = draw(st.sampled_from(_VERSIONS))
    header[17] = draw(st.sampled_from(_CHARSETS)).replace("~", rep)
    lines = [sep.join(header), sep.join(["PID", "1", "", "4711", "", "X", "", "", ""])]
    if header[8].startswith("MDM"):
        lines.append(sep.join(["TXA", "1", "DI"]))
    for _ in range(draw(st.integers(0, 2))):
        lines += [sep.join(["ORC", "RE"])] * draw(st.integers(0, 1))
        lines.append(sep.join(["OBR", "1", "", "", "CT"]))
        lines += [sep.join(["OBX", "1", "TX", "GDT", "", "text", "", ""])] * draw(st.integers(0, 2))
        lines += [sep.join(["ZDS", "PERFORM", comp.join("pq")])] * draw(st.integers(0, 1))
        lines += [sep.join(["NTE", "1", "", "note"])] * draw(st.integers(0, 1))
    lines += ["ZSI" + sep * 4] * draw(st.integers(0, 1))
    for identity in draw(st.lists(st.sampled_from(known), max_size=2, unique=True)):
        lines.insert(draw(st.integers(2, len(lines))), sep.join(_odd_zds(draw, identity, marks)))
    for _ in range(draw(st.integers(0, 2))):  # as IHE has it: the study, and no more
        pointer = comp.join([known[0].study_instance_uid, "", "Application", "DICOM"])
        lines.insert(draw(st.integers(2, len(lines))), sep.join(["ZDS", pointer]))
    if term == "\r" and draw(st.integers(0, 3)) == 0:  # an LF is text
        at = draw(st.integers(1, len(lines) - 1))
        lines[at] += draw(st.sampled_from(["\nmore", "\n", "\n\nZDS", "\nnote"]))
    text = term.join(lines) + term * draw(st.sampled_from([1, 1, 1, 0, 2]))
    data = text.encode("ascii")
    if draw(st.integers(0, 5)) == 0:
        data = b"\x0b" + draw(st.sampled_from([b"", MARK])) + data + b"\x1c\r"
    if draw(st.integers(0, 5)) == 0:
        data = f"FHS{marks}{term}BHS{marks}{term}".encode() + data + f"BTS{sep}1{term}".encode()
    data += draw(st.sampled_from([b"", b"", b"", b"\0", b"\0\0\0", b"\r\0", b" \r"]))
    # without an escape character a message cannot name a holder that holds a delimiter
    return Document(data, known, HOLDERS if len(marks) > 4 else st.sampled_from(["", "PACS1"]))


def _odd_zds(draw, x, marks):
    comp, sign = marks[1], marks[3:4]
    name = draw(st.sampled_from(["ZDS", "ZDS", "ZDS", "zds", "  ZDS", "ZDS "]))
    pad = st.sampled_from(["", "", " "])
    pointer = [x.study_instance_uid + draw(pad), "VISTA", "application", "dicom"]
    uids = [x.series_instance_uid, x.sop_class_uid + draw(pad), x.sop_instance_uid + draw(pad)]
    fields = [name, comp.join(pointer), *uids]
    ours, theirs = ["AO", "", "99SOPSTATUS"], ["REL", "Released", "L"]
    said = [
        draw(
            st.sampled_from(
                [
                    *("AUTHORIZED", "AO ", f"AC{comp}other words", '""', "", "QQ", f"{comp}text"),
                    *(comp.join(theirs + ours), comp.join(ours + theirs)),
                    comp.join(["OR", "", *ours[2:], *ours]),
                ]
            )
        ),
        draw(
            st.sampled_from(
                ["20240102", f"2024{comp}Y", '""', "", "20240102030405.1234-0500", " 2024 "]
            )
        ),
        draw(st.sampled_from(["words", '""', "", " leading", *_escaped(sign)])),
        draw(st.sampled_from(["C-1", "", ""])),
        draw(
            st.sampled_from(["", 'SOPAuthorizationDateTime="20240102030405.123456-0500"', "Odd=1"])
        ),
        draw(st.sampled_from(["", "", "PACS1", " PACS1 "])),
        draw(st.sampled_from(["", "theirs"])),
        "",
    ]
    return fields + said[: draw(st.integers(0, len(said)))]


def _escaped(sign):
    """Escape sequences as others write them; none where MSH-2 has no escape character."""
    found = ["X000d X000A", "XC3 XBC", "X00 X0D", "H N", ".br .sp2", ".in+4 .sk3", "XFF F", "Zx E"]
    return ["a" + "".join(f"{sign}{n}{sign}" for n in one.split()) + "b" for one in found if sign]


MARK = b"\xef\xbb\xbf"


def hl7_frame(data: bytes) -> list[bytes]:
    """Return the content of every line, without those of our ZDS (ZDS-1 begins with a digit)."""
    text = data.replace(b"\x0b", b"").replace(b"\x1c", b"").replace(b"\0", b"").replace(MARK, b"")
    end = re.search(rb"MSH[^\r\n]*(\r\n|\r|\n|\Z)", text)
    text = text.replace(b"\n", b"\r") if b"\n" in end[1] else text
    lines = [line for line in text.split(b"\r") if line.strip()]
    return [line for line in lines if not (line[:3] == b"ZDS" and line[4:5].isdigit())]


@st.composite
def hl7_xml_documents(draw):
    """The same as Mirth's XML; frame characters and batches never reach a transformer."""
    data, known, holders = draw(hl7_documents())
    text = data.replace(MARK, b"").decode("ascii").replace("\n", "\r")
    for mark in "\x0b\x1c\0":
        text = text.replace(mark, "")
    lines = [
        line for line in text.split("\r") if line.strip() and line[:3] not in ("FHS", "BHS", "BTS")
    ]
    header = next(line for line in lines if line.startswith("MSH"))
    sep = header[3]
    marks = [sep, *header.split(sep)[1]]
    fields = [line.strip(" ").split(sep) for line in lines]
    fields = [[name.strip(" "), *rest] for name, *rest in fields]
    fields[lines.index(header)].insert(1, sep)
    return Document(draw(mirth_xml.spelt(fields, marks)), known, holders)


# --- FHIR ------------------------------------------------------------------------------------


@st.composite
def fhir_documents(draw):
    """An ImagingStudy, an ImagingSelection or a Bundle, with foreign extensions."""
    known = draw(studies())
    kind = draw(st.sampled_from(["R4", "R5", "selection", "bundle"]))
    if kind == "selection":
        return Document(_selection(draw, known), known)
    study = _study(draw, known, kind) | _beside(draw)
    if kind == "bundle":
        entries = [{"resource": {"resourceType": "Patient", "id": "p"}}, {"resource": study}]
        return Document({"resourceType": "Bundle", "type": "collection", "entry": entries}, known)
    return Document(study, known)


def _study(draw, known, kind):
    coding = {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}
    series = {}
    for x in known:
        series.setdefault(x.series_instance_uid, []).append(x)
    return {
        "resourceType": "ImagingStudy",
        "identifier": [
            {"system": "urn:dicom:uid", "value": f"urn:oid:{known[0].study_instance_uid}"}
        ],
        "status": "available",
        "subject": {"reference": "Patient/p"},
        **_foreign(draw),
        "series": [
            {
                "uid": uid,
                "modality": {"coding": [coding]} if kind == "R5" else coding,
                "number": 1,
                **_foreign(draw),
                "instance": [_instance(draw, x) for x in members],
            }
            for uid, members in series.items()
        ],
    }


def _selection(draw, known):
    first = known[0]
    members = [x for x in known if x.series_instance_uid == first.series_instance_uid]
    known[:] = members
    return {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "x"},
        "studyUid": first.study_instance_uid,
        "seriesUid": first.series_instance_uid,
        "instance": [_instance(draw, x) for x in members],
    }


def _instance(draw, x):
    node = {
        "uid": x.sop_instance_uid,
        "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{x.sop_class_uid}"},
        "number": 3,
        **_foreign(draw),
    }
    if draw(st.integers(0, 3)) == 0:
        node.setdefault("extension", []).append(_odd_extension(draw))
    return node


def _odd_extension(draw):
    slices = [
        {"url": "status", "valueCode": draw(st.sampled_from(["AO", "NS", "QQ", "ac"]))},
        {"url": "status", "valueString": "AO"},
        {"url": "authorizationDateTime", "valueDateTime": "2024-01-02T03:04:05.1234567Z"},
        {"url": "authorizationDateTime", "valueDateTime": "2024-01-02T03:04"},
        {"url": "theirs", "valueDecimal": 1.5},
        {"url": "status", "valueCoding": {"system": f"{CODES}/sop-instance-status", "code": "AO"}},
        {"url": "status", "valueCode": "NS", "valueCoding": {"code": "AO"}},
        verbatim_slice('SOPAuthorizationDateTime="20240102030405.12345678"'),
        verbatim_slice("Odd=1"),
        verbatim_slice('SOPAuthorizationComment=""'),
        {"url": "verbatim", "valueString": 'SOPInstanceStatus=""'},
    ]
    chosen = draw(st.lists(st.sampled_from(slices), max_size=3))
    return {"url": EXTENSION, "id": "e", "extension": copy.deepcopy(chosen)}


def _beside(draw):
    """What is reported and never touched: ours where it cannot be, under a URL that is nearly ours."""
    near = {"url": draw(st.sampled_from([f"{EXTENSION}|1.0", f"{EXTENSION}/"])), "extension": []}
    shapes = [{}, {}, {"_status": {"extension": [near]}}, {"contained": [{"extension": [near]}]}]
    more = [{"meta": {"extension": [near]}}, {"text": {"x": [near]}}]
    return copy.deepcopy(draw(st.sampled_from([*shapes, *more])))


def _foreign(draw):
    if draw(st.booleans()):
        return {}
    near = {"url": f"{EXTENSION}|2", "extension": [{"url": "status", "valueCode": "AO"}]}
    theirs = {"url": "http://elsewhere.test/x", "valueString": "theirs"}
    return {"extension": [draw(st.sampled_from([theirs, theirs, near])) | {}]}


def fhir_frame(document):
    """Return the JSON without our extension and without lists that it leaves empty."""
    if isinstance(document, dict):
        kept = {k: fhir_frame(v) for k, v in document.items()}
        if "extension" in kept:
            kept["extension"] = [
                e
                for e in kept["extension"]
                if not (isinstance(e, dict) and e.get("url") == EXTENSION)
            ]
            if not kept["extension"]:
                del kept["extension"]
        return kept
    return [fhir_frame(item) for item in document] if isinstance(document, list) else document


# --- DICOM -----------------------------------------------------------------------------------

_FILES = [
    "MR_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "MR_small_padded.dcm",
    "image_dfl.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "liver_1frame.dcm",
]


@cache
def part10_files() -> list[bytes]:
    """Return real files in several transfer syntaxes, converted to UTF-8 text where needed."""
    made = []
    for name in _FILES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(get_testdata_file(name))
            dataset.SpecificCharacterSet = "ISO_IR 192"
            buffer = io.BytesIO()
            dataset.save_as(buffer)
        made.append(buffer.getvalue())
    return made


def _known(data: bytes) -> list[SOPInstance]:
    return list(codec("dicom").instances(data))


@st.composite
def dicom_files(draw):
    """A real Part 10 file, with or without a statement."""
    data = draw(st.sampled_from(part10_files()))
    known = _known(data)
    old = [plain(x) for x in draw(statements(known, holders=st.just(""), wide=False))]
    return Document(codec("dicom").encode(old[:1], data).value, known, st.just(""))


@st.composite
def dicom_datasets(draw):
    """The same as a pydicom data set."""
    data, known, holders = draw(dicom_files())
    return Document(pydicom.dcmread(io.BytesIO(data)), known, holders)


def dicom_frame(document):
    """Return every element outside group 0100, values as bytes or text."""
    dataset = pydicom.dcmread(io.BytesIO(document)) if isinstance(document, bytes) else document
    rest = [dataset[tag] for tag in dataset.keys() if tag.group != 0x0100]  # noqa: SIM118
    return json.dumps([repr(e) for e in rest]), bytes(getattr(dataset, "preamble", None) or b"")


# --- DICOM JSON --------------------------------------------------------------------------------

_ROWS = {row.keyword: row for row in load_tables().attributes.values()}
_OUR_TAGS = {f"{row.tag:08X}": row.keyword for row in _ROWS.values()}


def _odd_names(tag):
    pair = f"{tag[:4]},{tag[4:]}"
    return [tag, tag, tag, pair, f"({pair})", _OUR_TAGS[tag]]


_ODD_ATTRIBUTES = st.sampled_from(
    [
        '{"vr":"CS","Value":["AO"]}',
        '{"vr": "CS", "Value": ["AC "]}',
        '{"vr":"CS","Value":["AO\\u0000"]}',
        '{"vr":"CS"}',
        '{"vr":"CS","Value":[]}',
        '{"vr":"CS","Value":[null]}',
        '{"vr":"CS","Value":""}',
        '{"Value":["OR"]}',
        '{"vr":"LO","value":["OR"]}',
        '{"vr":"CS","Value":["AO","AC"]}',
        '{"vr":"UN","InlineBinary":"QU8="}',
        '{"vr":"LT","BulkDataURI":"http://elsewhere.test/bulk"}',
        '{"vr":"LT","Value":["a|^~","& b"]}',
        '{"vr":"DT","Value":[20240102]}',
        '{"vr":"LO","Value":[1.50]}',
        '{"vr":"LO","Value":[{"Alphabetic":"X"}]}',
        '{"vr":"LO","Value":["\\ud83d\\ude00 \\u00fc"]}',
        '"AO"',
        "true",
        "null",
    ]
)
_THEIRS = st.sampled_from(
    [
        '"00080005":{"vr":"CS","Value":["ISO_IR 192"]}',
        '"00081140":{"vr":"SQ","Value":[{"01000410":{"vr":"CS","Value":["AO"]}}]}',
        '"00080201":{"vr":"SH","Value":["+0100"]}',
        '"00180050":{"vr":"DS","Value":[1.50e0, -0, 5]}',
        '"00290010":{"vr":"LO","Value":["患者 \\" ]},{"]}',
        '"01000408":{"vr":"UN","InlineBinary":"AAAA"}',
        '"01001000":{"vr":"LT", "Value" : ["x"]}',
        '"7FE00010":{"vr":"OW","BulkDataURI":"http://elsewhere.test/pixels"}',
        '"theirs":NaN',
    ]
)


@st.composite
def dicom_json_texts(draw):
    """A data set or a list of them as bytes, with statements in odd spellings at times."""
    known = draw(studies())
    if draw(st.booleans()):
        del known[1:]
    lead, colon, comma = draw(
        st.sampled_from([("", ":", ","), ("", ": ", ", "), ("\n  ", " : ", ",\r\n  ")])
    )
    objects = []
    for x in known:
        uids = zip(
            ("0020000D", "0020000E", "00080016", "00080018"),
            (*x.identity[:2], x.sop_class_uid, x.sop_instance_uid),
            strict=True,
        )
        members = [f'"{tag}"{colon}{{"vr":"UI","Value":["{uid}"]}}' for tag, uid in uids]
        members += draw(st.lists(_THEIRS, max_size=4, unique=True))
        for tag in draw(st.lists(st.sampled_from(sorted(_OUR_TAGS)), max_size=2, unique=True)):
            name = draw(st.sampled_from(_odd_names(tag)))
            members.append(f'"{name}"{colon}{draw(_ODD_ATTRIBUTES)}')
        if draw(st.booleans()):
            members.sort()
        objects.append("{" + lead + comma.join(members) + lead + "}")
    many = len(known) > 1 or draw(st.booleans())
    text = lead + ("[" + comma.join(objects) + "]" if many else objects[0]) + lead
    mark = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    return Document(mark + text.encode(), known, st.just(""))


@st.composite
def dicom_json_objects(draw):
    """The same, parsed; numbers as the standard library has them."""
    data, known, holders = draw(dicom_json_texts())
    return Document(json.loads(data.decode("utf-8-sig").replace("NaN", "1")), known, holders)


def dicom_json_frame(document):
    """Return, for each data set, what is not ours: names in their order, numbers as spelt."""
    if isinstance(document, bytes):
        document = json.loads(document.decode("utf-8-sig"), parse_float=str, parse_int=str)
    ours = {name for tag in _OUR_TAGS for name in _odd_names(tag)}
    listed = document if isinstance(document, list) else [document]
    return [list({k: v for k, v in x.items() if k not in ours}.items()) for x in listed], type(
        document
    )


@st.composite
def dicom_xml_documents(draw):
    """A data set as Mirth's XML."""
    known = draw(studies())[:1]
    return Document(draw(mirth_xml.data_sets(known[0])), known, st.just(""))


# --- HealthImaging -----------------------------------------------------------------------------


@st.composite
def image_sets(draw):
    """The metadata of an image set, with odd values at times."""
    known = draw(studies())
    series = {}
    for x in known:
        dicom = {"SOPClassUID": x.sop_class_uid, "WindowCenter": ["0 "], "InstanceNumber": "1 "}
        odd = [
            ("SOPInstanceStatus", ["AO", "AO ", None, ["AC"], "ao", {"vr": "CS"}, True]),
            ("SOPAuthorizationDateTime", ["20240102 ", 20240102, "2024\\2025"]),
            ("SOPAuthorizationComment", ["words  ", ["a", "b"], ""]),
            ("TimezoneOffsetFromUTC", ["+0100", "-0500 "]),
        ]
        for keyword, values in draw(st.lists(st.sampled_from(odd), max_size=2)):
            dicom[keyword] = draw(st.sampled_from(values))
        place = {"DICOM": {"Modality": "CT"}, "Instances": {}}
        instances = series.setdefault(x.series_instance_uid, place)["Instances"]
        instances[x.sop_instance_uid] = {
            "DICOM": dicom,
            "DICOMVRs": {},
            "ImageFrames": [
                {"ID": "f", "PixelDataChecksumFromBaseToFullResolution": [{"Width": 1}]}
            ],
        }
    study = {"DICOM": {"StudyInstanceUID": known[0].study_instance_uid}, "Series": series}
    document = {"SchemaVersion": "1.1", "DatastoreID": "0" * 32, "Study": study}
    return Document(document, known, st.just(""))


@st.composite
def image_set_bytes(draw):
    """The same as bytes, at times compressed."""
    document, known, holders = draw(image_sets())
    text = json.dumps(document, indent=draw(st.sampled_from([None, 2])), ensure_ascii=False)
    data = text.replace("1 ", draw(st.sampled_from(["1 ", "1.50"]))).encode()
    return Document(draw(st.sampled_from([bytes, gzip.compress]))(data), known, holders)


def image_set_frame(document):
    """Return the JSON without our attributes."""
    if isinstance(document, bytes):
        data = gzip.decompress(document) if document[:2] == b"\x1f\x8b" else document
        document = json.loads(data, parse_float=str, parse_int=str)
    if not isinstance(document, dict):
        return document
    return [(k, image_set_frame(v)) for k, v in document.items() if k not in _ROWS]


FORMATS = {
    "hl7": Format(codec("hl7"), hl7_documents(), hl7_frame),
    "hl7-xml": Format(codec("hl7-xml"), hl7_xml_documents(), mirth_xml.frame, examples=400),
    "dicom-xml": Format(
        codec("dicom-xml"),
        dicom_xml_documents(),
        mirth_xml.data_set_frame,
        False,
        True,
        300,
        mirth_xml.without_controls,
    ),
    "fhir": Format(codec("fhir"), fhir_documents(), fhir_frame),
    "dicom-file": Format(codec("dicom"), dicom_files(), dicom_frame, False, True),
    "dicom-dataset": Format(codec("dicom"), dicom_datasets(), dicom_frame, False, True),
    "dicom-json": Format(codec("dicom-json"), dicom_json_objects(), dicom_json_frame, False),
    "dicom-json-text": Format(codec("dicom-json"), dicom_json_texts(), dicom_json_frame, False),
    "healthimaging": Format(codec("healthimaging"), image_sets(), image_set_frame, False),
    "healthimaging-text": Format(codec("healthimaging"), image_set_bytes(), image_set_frame, False),
}
ROOT = Path(__file__).resolve().parents[2]
