"""Families of documents that grow in one direction: ``family(n)`` is a document n times as crowded.

Each is what a sender could make of few bytes to ask for much work. All UIDs and names are synthetic.
"""

import json

from samples_of import verbatim_slice
from sopstatus import SOPInstance, codec, load_tables

STATUS, WHEN = "SOPInstanceStatus", "SOPAuthorizationDateTime"
COMMENT, NUMBER = "SOPAuthorizationComment", "AuthorizationEquipmentCertificationNumber"
STUDY, SERIES, CLASS = "1.2.3", "1.2.3.4", "1.2.840.10008.5.1.4.1.1.2"
URL = load_tables().groups[0].extension
MSH = b"MSH|^~\\&|A|B|C|D|20240101||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8\r"
ORM = MSH.replace(b"ORU^R01^ORU_R01", b"ORM^O01^ORM_O01")
HEAD = MSH + b"PID|1\rOBR|1|||CT\r"


def said(uid="1.2.3.4.5", holder="", study=STUDY, series=SERIES, **more):
    """Make a statement; AO unless ``more`` says otherwise."""
    return SOPInstance(study, series, CLASS, uid, holder, more or {STATUS: "AO"})


def uids(n, under="1.2.3.4"):
    """Return n UIDs of about one length."""
    return [f"{under}.{1000 + i}" for i in range(n)]


def times(n):
    """Return n different DTs."""
    return [
        f"2024{1 + i // 700 % 12:02}{1 + i // 25 % 28:02}{i % 24:02}{i // 24 % 60:02}00"
        for i in range(n)
    ]


def holders(n):
    """Return n AE Titles."""
    return [f"PACS{1000 + i}" for i in range(n)]


def dated(n, **same):
    """Return n statements that differ in their date alone."""
    return [said(**same, **{STATUS: "AO", WHEN: t}) for t in times(n)]


# --- statements, whatever the format -----------------------------------------------------------

STATEMENTS = {
    "instances of one series": lambda n: [said(u) for u in uids(n)],
    "holders of one instance": lambda n: [said(holder=h) for h in holders(n)],
    "holders who disagree": lambda n: [
        said(holder=h, **{STATUS: "AO", WHEN: t}) for h, t in zip(holders(n), times(n), strict=True)
    ],
    "one statement again and again": lambda n: [said()] * n,
    "contradictions about one instance": dated,
    "series": lambda n: [said(s + ".1", series=s) for s in uids(n)],
    "studies": lambda n: [said(s + ".1", study=s, series=s + ".0") for s in uids(n)],
    "studies that hold one instance": lambda n: [said(study=s, series=s + ".0") for s in uids(n)],
    "series that hold one instance": lambda n: [said(series=s) for s in uids(n)],
    "holders of a study": lambda n: [
        SOPInstance(STUDY, "", "", "", h, {STATUS: "AO"}) for h in holders(n)
    ],
    "series as a whole": lambda n: [
        SOPInstance(STUDY, s, "", "", "", {STATUS: "AO"}) for s in uids(n)
    ],
    "studies as a whole": lambda n: [
        SOPInstance(s, "", "", "", "", {STATUS: "AO"}) for s in uids(n)
    ],
    "a study and its instances": lambda n: [
        SOPInstance(STUDY, "", "", "", "", {STATUS: "AO"}),
        *[said(u, **{STATUS: "AC"}) for u in uids(n)],
    ],
    "long comments": lambda n: [said(**{STATUS: "AO", COMMENT: "word " * n})],
    "comments full of escapes": lambda n: [said(**{STATUS: "AO", COMMENT: "|^~\\&\r\n" * n})],
    "comments outside ASCII": lambda n: [said(**{STATUS: "AO", COMMENT: "\u00e4\u3042" * n})],
    "statuses that are no terms": lambda n: [said(u, **{STATUS: "XX"}) for u in uids(n)],
    "long certificate numbers": lambda n: [said(**{STATUS: "AO", NUMBER: "9" * n})],
}  # fmt: skip


def _zds(*fields):
    return b"ZDS|" + "|".join(fields).encode() + b"\r"


POINTER = f"{STUDY}^^Application^DICOM"
OURS = (POINTER, SERIES, CLASS, "1.2.3.4.5")

# --- HL7 v2 ------------------------------------------------------------------------------------

MESSAGES = {
    "observations": lambda n: HEAD + b"OBX|1|TX|GDT||text\r" * n + _zds(*OURS, "AO"),
    "observations that name a study": lambda n: HEAD
    + b"".join(f"OBX|1|ST|113014^^DCM||1.2.{i}\r".encode() for i in range(n)),
    "segments of no name": lambda n: HEAD + b"?\r" * n + _zds(*OURS, "AO"),
    "foreign ZDS": lambda n: HEAD + b"ZDS|PERFORM|x\r" * n,
    "bare ZDS": lambda n: HEAD + _zds(POINTER) * n,
    "bare ZDS of many studies": lambda n: HEAD + b"".join(_zds(f"1.2.{i}") for i in range(n)),
    "empty ZDS": lambda n: HEAD + b"ZDS|||\r" * n,
    "ZDS without a field": lambda n: HEAD + b"ZDS\r" * n,
    "ZDS that cannot be read": lambda n: HEAD
    + b"".join(_zds(POINTER, SERIES, CLASS, u, "^AO") for u in uids(n)),
    "ZDS with null": lambda n: HEAD
    + b"".join(_zds(POINTER, SERIES, CLASS, u, '""', '""', '""') for u in uids(n)),
    "escapes": lambda n: HEAD + _zds(*OURS, "AO", "", "\\T\\" * n),
    "escape characters": lambda n: HEAD + _zds(*OURS, "AO", "", "\\" * n),
    "escapes that do not end": lambda n: HEAD + _zds(*OURS, "AO", "", "\\X4" * n),
    "one long escape": lambda n: HEAD + _zds(*OURS, "AO", "", "\\X" + "41" * n + "\\"),
    "verbatim values": lambda n: HEAD + _zds(*OURS, "AO", "", "", "", 'A="x"~' * n),
    "verbatim values of no form": lambda n: HEAD + _zds(*OURS, "AO", "", "", "", "a~" * n),
    "fields": lambda n: HEAD + _zds(*OURS, "AO", *["x"] * n),
    "components": lambda n: HEAD + _zds(*OURS, "AO" + "^x" * n),
    "repetitions": lambda n: HEAD + _zds(*OURS, "AO" + "~AO" * n),
    "components of the pointer": lambda n: HEAD + _zds(STUDY + "^x" * n),
    "digits of a UID": lambda n: HEAD + _zds("1." * n + "1", SERIES, CLASS, "1." * n, "AO"),
    "digits of a time": lambda n: HEAD + _zds(*OURS, "AO", "2" * n),
    "CR": lambda n: HEAD + b"\r" * n + _zds(*OURS, "AO") + b"\r" * n,
    "LF": lambda n: (HEAD + b"\r" * n + _zds(*OURS, "AO") + b"\r" * n).replace(b"\r", b"\n"),
    "CR LF": lambda n: (HEAD + b"\r" * n + _zds(*OURS, "AO") + b"\r" * n).replace(b"\r", b"\r\n"),
    "ends of blocks": lambda n: HEAD + b"\x1c" * n + b"\r" + _zds(*OURS, "AO") + b"\x1c" * n,
    "ZDS with ends of blocks": lambda n: HEAD + b"ZDS\x1c\x0b\r" * n,
    "ends of blocks in every line": lambda n: HEAD + b"\x1c\r" * n + _zds(*OURS, "AO"),
    "starts of blocks": lambda n: HEAD + b"\r\x0b" * n + _zds(*OURS, "AO"),
    "messages": lambda n: (HEAD + _zds(*OURS, "AO")) * n,
    "messages of many studies": lambda n: b"".join(
        HEAD + _zds(f"1.2.{i}", "", "", "", "AO") for i in range(n)
    ),
    "messages that fail": lambda n: (HEAD + _zds(*OURS, "XX")) * n,
    "messages of another character set": lambda n: HEAD.replace(b"UNICODE UTF-8", b"KOI8") * n + HEAD,
    "headers alone": lambda n: MSH * n,
    "patients": lambda n: MSH + b"PID|1\rOBR|1\r" * n + _zds(*OURS, "AO"),
    "orders": lambda n: ORM
    + b"".join(f"ORC|NW\rOBR|1\rZDS|1.2.{i}^^Application^DICOM\r".encode() for i in range(n)),
    "orders of one study": lambda n: ORM + (b"ORC|NW\rOBR|1\r" + _zds(*OURS, "AO")) * n,
    "orders that are cancelled": lambda n: HEAD + (b"ORC|CA\rOBR|1\r" + _zds(*OURS, "AO")) * n,
    "cancelled orders before statements": lambda n: HEAD + b"ORC|CA\rOBR|1\r" * n + _zds(*OURS, "AO") * n,
    "statements before cancelled orders": lambda n: HEAD + _zds(*OURS, "AO") * n + b"ORC|CA\rOBR|1\r" * n,
    "results that are cancelled": lambda n: HEAD + (b"OBR|1" + b"|" * 24 + b"X\r" + _zds(*OURS, "AO")) * n,
    "pointers that are withdrawn": lambda n: HEAD
    + b"".join(f"OBX|1|ST|113014^^DCM||1.2.{i}||||||D\r".encode() for i in range(n)) + _zds(*OURS, "AO") * n,
    "orders without a study": lambda n: ORM + b"ORC|NW\rOBR|1\r" * n,
    "ends of batches": lambda n: HEAD + _zds(*OURS, "AO") + b"BTS|1\rFTS|1\r" * n,
    "a long line": lambda n: HEAD + b"OBX|1|TX|" + b"x" * n + b"\r" + _zds(*OURS, "AO"),
    "a long header": lambda n: MSH[:-1] + b"|" * n + b"\r" + _zds(*OURS, "AO"),
    "Japanese": lambda n: HEAD.replace(b"UNICODE UTF-8", b"~ISO IR87")
    + b"ZDS|" + "|".join((*OURS, "AO", "", "\u3042|" * n)).encode("iso2022_jp_2") + b"\r",
    "Japanese, one field": lambda n: HEAD.replace(b"UNICODE UTF-8", b"~ISO IR87")
    + b"ZDS|" + "|".join((*OURS, "AO", "", "\u3042" * n)).encode("iso2022_jp_2") + b"\r",
    "Shift-JIS": lambda n: HEAD.replace(b"UNICODE UTF-8", b"ISO IR14")
    + b"ZDS|" + "|".join((*OURS, "AO", "", "\u8868|" * n)).encode("shift_jis") + b"\r",
}  # fmt: skip

# --- FHIR, as JSON text ------------------------------------------------------------------------


def _study(extensions=(), series=(), study=STUDY):
    made = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{study}"}],
        "status": "available",
        "subject": {"display": "synthetic"},
    }
    made |= {"extension": list(extensions)} if extensions else {}
    return made | ({"series": list(series)} if series else {})


def _series(extensions=(), instances=(), uid=SERIES):
    made = {"uid": uid, "modality": {"code": "CT"}}
    made |= {"extension": list(extensions)} if extensions else {}
    return made | ({"instance": list(instances)} if instances else {})


def _instance(uid="1.2.3.4.5", *extensions):
    made = {"uid": uid, "sopClass": {"code": f"urn:oid:{CLASS}"}}
    return made | ({"extension": list(extensions)} if extensions else {})


def _ours(*more, status="AO"):
    return {"url": URL, "extension": [{"url": "status", "valueCode": status}, *more]}


def _bundle(resources):
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": r} for r in resources],
    }


def _nested(n):
    inner = _study([_ours()])
    for _ in range(n):
        inner = _bundle([inner])
    return inner


RESOURCES = {
    "silent instances": lambda n: _study([], [_series([], [_instance(u) for u in uids(n)])]),
    "copies of an instance": lambda n: _study([], [_series([], [_instance("1.2.3.4.5", _ours())] * n)]),
    "silent copies of an instance": lambda n: _study([], [_series([], [_instance()] * n)]),
    "extensions of ours": lambda n: _study([], [_series([], [_instance("1.2.3.4.5", *[_ours()] * n)])]),
    "extensions that contradict": lambda n: _study([], [_series([], [_instance(
        "1.2.3.4.5", *[_ours({"url": "authorizationDateTime", "valueDateTime": f"{1000 + i}"}) for i in range(n)])])]),
    "extensions of others": lambda n: _study([{"url": "http://x.org/y", "valueCode": "z"}] * n),
    "extensions of no form": lambda n: _study([{"url": URL}, 1] * n),
    "unknown slices": lambda n: _study([_ours(*[{"url": "x", "valueCode": "z"}] * n)]),
    "slices of many names": lambda n: _study([_ours(*[{"url": f"x{i}"} for i in range(n)])]),
    "verbatim slices": lambda n: _study([_ours(*[verbatim_slice('A="x"')] * n)]),
    "verbatim slices of no form": lambda n: _study([_ours(*[{"url": "verbatim", "valueString": "x"}] * n)]),
    "slices that repeat": lambda n: _study([_ours(*[{"url": "status", "valueCode": "AO"}] * n)]),
    "statuses that are no terms": lambda n: _study([], [_series([], [_instance(u, _ours(status="XX")) for u in uids(n)])]),
    "series without UID": lambda n: _study([], [{"modality": {"code": "CT"}}] * n),
    "identifiers": lambda n: _study() | {"identifier": [{"system": "x", "value": "y"}] * n},
    "studies in a Bundle": lambda n: _bundle([_study([_ours()], study=u) for u in uids(n)]),
    "one study in a Bundle": lambda n: _bundle([_study([_ours()], [_series([], [_instance()])])] * n),
    "other resources in a Bundle": lambda n: _bundle([{"resourceType": "Patient"}] * n),
    "Bundles in Bundles": _nested,
    "lists in lists": lambda n: _study() | {"note": json.loads("[" * n + "]" * n)},
    "a long text": lambda n: _study([_ours()]) | {"description": "x\"\\\u00e4" * n},
    "a long comment": lambda n: _study([_ours({"url": "authorizationComment", "valueString": "x\"\\\u00e4" * n})]),
    "numbers": lambda n: _study([_ours()]) | {"numberOfInstances": [1.50, -0.0, 1e5] * n},
    "members": lambda n: _study([_ours()]) | {f"_x{i}": {} for i in range(n)},
}  # fmt: skip

# --- data sets as JSON -------------------------------------------------------------------------

TAGS = {STATUS: ("01000410", "CS"), WHEN: ("01000420", "DT"), COMMENT: ("01000424", "LT")}


def _data_set(uid="1.2.3.4.5", study=STUDY, series=SERIES, **said):
    made = {
        "00080016": {"vr": "UI", "Value": [CLASS]},
        "00080018": {"vr": "UI", "Value": [uid]},
        "0020000D": {"vr": "UI", "Value": [study]},
        "0020000E": {"vr": "UI", "Value": [series]},
    }
    return made | {TAGS[k][0]: {"vr": TAGS[k][1], "Value": [v]} for k, v in said.items()}


def _sequence(n):
    node = _data_set(**{STATUS: "AO"})
    for _ in range(n):
        node = {"00081140": {"vr": "SQ", "Value": [node]}}
    return _data_set() | node


DATA_SETS = {
    "data sets": lambda n: [_data_set(u, **{STATUS: "AO"}) for u in uids(n)],
    "silent data sets": lambda n: [_data_set(u) for u in uids(n)],
    "copies of an instance": lambda n: [_data_set(**{STATUS: "AO"})] * n,
    "silent copies of an instance": lambda n: [_data_set()] * n,
    "copies, half of them silent": lambda n: [_data_set(), _data_set(**{STATUS: "AO"})] * n,
    "copies that contradict": lambda n: [_data_set(**{STATUS: "AO", WHEN: t}) for t in times(n)],
    "copies of many studies": lambda n: [_data_set(study=u, **{STATUS: "AO"}) for u in uids(n)],
    "copies of many studies, half of them silent": lambda n: [
        _data_set(study=f"{u}.{x}", **({STATUS: "AO"} if x else {})) for u in uids(n) for x in (0, 1)
    ],
    "data sets of many studies": lambda n: [_data_set(u + ".1", study=u, **{STATUS: "AO"}) for u in uids(n)],
    "data sets without UID": lambda n: [{"01000410": {"vr": "CS", "Value": ["AO"]}}] * n,
    "what is no data set": lambda n: [_data_set(), *[1] * n],
    "attributes": lambda n: _data_set(**{STATUS: "AO"}) | {f"0011{i:04X}": {"vr": "LO"} for i in range(n)},
    "attributes of a silent one": lambda n: _data_set() | {f"0011{i:04X}": {"vr": "LO"} for i in range(n)},
    "private creators": lambda n: _data_set() | {
        f"002900{16 + i % 240:02X}": {"vr": "LO", "Value": ["MMCPrivate"]} for i in range(n)},
    "items": lambda n: _data_set() | {"00081140": {"vr": "SQ", "Value": [_data_set(**{STATUS: "AO"})] * n}},
    "sequences in sequences": _sequence,
    "values": lambda n: _data_set() | {"01000410": {"vr": "CS", "Value": ["AO"] * n}},
    "a long comment": lambda n: _data_set(**{STATUS: "AO", COMMENT: "x\"\\\u00e4" * n}),
    "names in odd spellings": lambda n: [
        {**_data_set(u), "0100,0410": {"vr": "CS", "Value": ["AO"]}} for u in uids(n)],
    "members in odd spellings": lambda n: [
        {**_data_set(u), "01000410": {"VR": "CS", "value": ["AO"]}} for u in uids(n)],
    "statuses that are no terms": lambda n: [_data_set(u, **{STATUS: "XX"}) for u in uids(n)],
}  # fmt: skip


def _image_set(n_series, n, **dicom):
    return {"SchemaVersion": "1.1", "Study": {"DICOM": {"StudyInstanceUID": STUDY}, "Series": {
        s: {"DICOM": {"SeriesInstanceUID": s}, "Instances": {u: {"DICOM": {"SOPClassUID": CLASS, **dicom}} for u in uids(n, s)}}
        for s in uids(n_series)}}}  # fmt: skip


IMAGE_SETS = {
    "instances": lambda n: _image_set(1, n, **{STATUS: "AO"}),
    "silent instances": lambda n: _image_set(1, n),
    "series": lambda n: _image_set(n, 1, **{STATUS: "AO"}),
    "attributes": lambda n: _image_set(1, 1, **{f"X{i}": "y" for i in range(n)}, **{STATUS: "AO"}),
    "instances of no form": lambda n: {"Study": {"Series": {"1.2": {"Instances": dict.fromkeys(uids(n), 1)}}}},
    "values": lambda n: _image_set(1, 1, **{STATUS: ["AO"] * n}),
}  # fmt: skip

# --- XML ---------------------------------------------------------------------------------------


def _mirth(zds, n=1, more=""):
    head = "<MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2><MSH.9><MSH.9.1>ORU</MSH.9.1></MSH.9></MSH><OBR><OBR.1>1</OBR.1></OBR>"
    return f"<HL7Message>{head}{zds * n}{more}</HL7Message>".encode()


_ZDS = f"<ZDS.1><ZDS.1.1>{STUDY}</ZDS.1.1></ZDS.1><ZDS.2><ZDS.2.1>{SERIES}</ZDS.2.1></ZDS.2><ZDS.4><ZDS.4.1>1.2.3.4.5</ZDS.4.1></ZDS.4><ZDS.5><ZDS.5.1>AO</ZDS.5.1></ZDS.5>"  # fmt: skip


def _nested_xml(n):
    return _mirth("<ZDS>" + "<a>" * n + "</a>" * n + "</ZDS>")


MIRTH = {
    "segments": lambda n: _mirth("<OBX><OBX.1>1</OBX.1></OBX>", n, f"<ZDS>{_ZDS}</ZDS>"),
    "statements": lambda n: _mirth(f"<ZDS>{_ZDS}</ZDS>", n),
    "bare ZDS": lambda n: _mirth(f"<ZDS><ZDS.1><ZDS.1.1>{STUDY}</ZDS.1.1></ZDS.1></ZDS>", n),
    "foreign ZDS": lambda n: _mirth("<ZDS><ZDS.1>x</ZDS.1></ZDS>", n),
    "empty ZDS": lambda n: _mirth("<ZDS/>", n),
    "repetitions": lambda n: _mirth("<ZDS>" + _ZDS + "<ZDS.9>x</ZDS.9>" * n + "</ZDS>"),
    "fields out of order": lambda n: _mirth("<ZDS>" + _ZDS + "<ZDS.3/><ZDS.2/>" * n + "</ZDS>"),
    "attributes of an element": lambda n: _mirth(
        "<ZDS " + " ".join(f'a{i}="x"' for i in range(n)) + f">{_ZDS}</ZDS>"),
    "white space": lambda n: _mirth(" \n" * n + f"<ZDS>{_ZDS}</ZDS>"),
    "comments": lambda n: _mirth("<!-- x -->" * n + f"<ZDS>{_ZDS}</ZDS>"),
    "character references": lambda n: _mirth(f"<ZDS>{_ZDS}<ZDS.7>{'&#65;' * n}</ZDS.7></ZDS>"),
    "delimiters in text": lambda n: _mirth(f"<ZDS>{_ZDS}<ZDS.7>{'|' * n}</ZDS.7></ZDS>"),
    "a long tag": lambda n: _mirth(f"<ZDS{' ' * n}>{_ZDS}</ZDS>"),
    "elements in elements": _nested_xml,
}  # fmt: skip


def _dicom_xml(*more):
    attributes = [
        f'<tag00080016 vr="UI" tag="00080016">{CLASS}</tag00080016>',
        '<tag00080018 vr="UI" tag="00080018">1.2.3.4.5</tag00080018>',
        f'<tag0020000d vr="UI" tag="0020000D">{STUDY}</tag0020000d>',
        f'<tag0020000e vr="UI" tag="0020000E">{SERIES}</tag0020000e>',
        '<tag01000410 vr="CS" tag="01000410">OR</tag01000410>',
    ]
    return f"<dicom>{''.join([*attributes, *more])}</dicom>".encode()


DICOM_XML = {
    "attributes": lambda n: _dicom_xml(*[f'<tag4{i:07x} vr="LO">x</tag4{i:07x}>' for i in range(n)]),
    "one attribute again and again": lambda n: _dicom_xml('<tag01000410 vr="CS">AO</tag01000410>' * n),
    "white space": lambda n: _dicom_xml("\n " * n),
    "a long value": lambda n: _dicom_xml(f'<tag40000000 vr="LT">{"x" * n}</tag40000000>'),
    "a long status": lambda n: _dicom_xml().replace(b">OR<", b">" + b"OR\\" * n + b"<"),
}  # fmt: skip


def part10(*elements, sequence=b""):
    """Make a Part 10 file (Explicit VR Little Endian) of a head and these elements behind it."""

    def element(group, number, vr, value):
        value += b"\0" * (len(value) % 2)
        at = group.to_bytes(2, "little") + number.to_bytes(2, "little") + vr
        if vr in (b"OB", b"SQ", b"UT", b"UN"):
            return at + b"\0\0" + len(value).to_bytes(4, "little") + value
        return at + len(value).to_bytes(2, "little") + value

    meta = element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1")
    meta = element(2, 0, b"UL", len(meta).to_bytes(4, "little")) + meta
    head = [(8, 0x16, b"UI", CLASS.encode()), (8, 0x18, b"UI", b"1.2.3.4.5")]
    tail = [(0x20, 0xD, b"UI", STUDY.encode()), (0x20, 0xE, b"UI", SERIES.encode())]
    body = sorted([*head, *tail, *elements], key=lambda e: e[:2])
    return bytes(128) + b"DICM" + meta + b"".join(element(*e) for e in body) + sequence


def _item(content):
    return b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content


def _open_sequence(n):
    """Nest n sequences and items of undefined length."""
    start = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    return start * n + end * n


_AO = (0x100, 0x410, b"CS", b"AO")
FILES = {
    "elements": lambda n: part10(_AO, *[(0x11, 0x1000 + i, b"LO", b"x ") for i in range(n)]),
    "elements of a silent one": lambda n: part10(*[(0x11, 0x1000 + i, b"LO", b"x ") for i in range(n)]),
    "elements behind ours": lambda n: part10(_AO, *[(0x4001, 0x1000 + i, b"LO", b"x ") for i in range(n)]),
    "items": lambda n: part10((8, 0x1140, b"SQ", _item(b"") * n), _AO),
    "items of a silent one": lambda n: part10((8, 0x1140, b"SQ", _item(b"\0\1\x10\4CS\2\0AO") * n)),
    "sequences in sequences": lambda n: part10(sequence=_open_sequence(n)),
    "pixels": lambda n: part10(_AO, (0x7FE0, 0x10, b"OB", b"\xff\xfe" * n)),
    "bytes that look like ours": lambda n: part10((0x7FE0, 0x10, b"OB", b"\0\1\x10\4CS\2\0AO" * n)),
    "private creators": lambda n: part10(*[(0x29, 0x10 + i % 240, b"LO", b"MMCPrivate") for i in range(n)]),
    "a long comment": lambda n: part10(_AO, (0x100, 0x424, b"LT", b"x\\" * (n % 30000))),
    "values": lambda n: part10((0x100, 0x410, b"CS", b"AO\\" * (n % 20000))),
    "padding": lambda n: part10((0x100, 0x410, b"CS", b"AO" + b" " * (n % 60000))),
    "one element again and again": lambda n: part10(*[_AO] * n),
    "character sets": lambda n: part10((8, 5, b"CS", b"ISO_IR 192\\" * (n % 5000)), _AO),
}  # fmt: skip


def text(node):
    """Write JSON as bytes."""
    return json.dumps(node).encode()


def documents():
    """Yield format, name and family of every document."""
    for name, family in STATEMENTS.items():
        yield "hl7", name, lambda n, f=family: written("hl7", f(n))
        yield "fhir", name, lambda n, f=family: text(written("fhir", f(n)))
    for kind, families in (
        ("hl7", MESSAGES),
        ("hl7-xml", MIRTH),
        ("dicom-xml", DICOM_XML),
        ("dicom", FILES),
    ):
        for name, family in families.items():
            yield kind, name, family
    for kind, families in (
        ("fhir", RESOURCES),
        ("dicom-json", DATA_SETS),
        ("healthimaging", IMAGE_SETS),
    ):
        for name, family in families.items():
            yield kind, name, lambda n, f=family: text(f(n))


def written(kind, statements):
    """Write statements into a new document."""
    under = codec(kind)
    return under.encode(statements, under.blank(statements)).value
