"""Values as they really occur, for the laws."""

import json
from calendar import monthrange

from hypothesis import strategies as st
from sopstatus import Holder, SOPInstance

UIDS = st.builds(
    lambda parts: "1.2." + ".".join(map(str, parts)),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=5),
)
STATUSES = st.sampled_from(
    ["NS", "OR", "AO", "AC", "NS", "OR", "AO", "AC", "XX", "ao", "ORIGINAL", "AO\\AC", None]
)
_CHARACTERS = st.sampled_from(
    [
        *"|^~\\&#|^~\\&$%*!;=\"'{ \r\n\f\t\x0b\x1b\x1c",
        *"aB7éßÜ患者مر😀",
        *["\\X0D\\", "\\T\\", "\r\nZDS|1.2.3|"],
    ]
)


def _trailing_blanks_are_padding(text: str) -> str:
    return text.rstrip(" \0")  # PS3.5 table 6.2-1 (LT)


TEXTS = st.lists(_CHARACTERS, max_size=12).map("".join).map(_trailing_blanks_are_padding)
COMMENTS = st.one_of(
    TEXTS,
    st.text(max_size=20).map(_trailing_blanks_are_padding),
    st.sampled_from(['""', "  leading", "MSH|^~\\&|A|B", '{"status": "AO"}', None, "x" * 300]),
)
CERTIFICATES = st.one_of(
    TEXTS.map(lambda text: text.replace("\\", "").strip(" \0")),
    st.sampled_from(["CERT-1", "ID 4711/a", None, "A\\B"]),
)


@st.composite
def date_times(draw):
    """A DT of any precision, with or without fraction and offset."""
    year, month = draw(st.integers(1, 9999)), draw(st.integers(1, 12))
    parts = [
        f"{year:04}",
        f"{month:02}",
        f"{draw(st.integers(1, monthrange(year, month)[1])):02}",
        f"{draw(st.integers(0, 23)):02}",
        f"{draw(st.integers(0, 59)):02}",
        f"{draw(st.integers(0, 60)):02}",
    ]
    precision = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 6, 6]))
    text = "".join(parts[:precision])
    if precision == 6 and draw(st.booleans()):
        text += "." + draw(st.text("0123456789", min_size=1, max_size=6))
    return text + draw(
        st.sampled_from(["", "", "+0100", "-0500", "+1400", "+0000", "-1200", "-0000"])
    )


DATE_TIMES = st.one_of(
    date_times(),
    st.sampled_from(["20240230", "yesterday", "20241301", "2024010203040", "2024-2025", None]),
)
_TITLES = ["", "PACS1", "WS 2", "A^B&C", "A\\E\\^B", "\\S\\"]
_IDS = ["", "1.2.3.4", "1.2.3.5", "urn:oid:1.2.3.4", "0B1e2a3c-4d5e-6f70-8192-a3b4c5d6e7f8", "a^b"]
ODD_HOLDERS = st.builds(
    Holder,
    st.sampled_from(_TITLES),
    st.sampled_from([*_IDS, "https://pacs.example/a", "pacs.example", "no OID"]),
    st.sampled_from(["", "ISO", "UUID", "URI", "DNS", "L", "iso"]),
)
HOLDERS = st.sampled_from(
    [
        *("", "", "PACS1", "WS 2"),
        *(Holder("A^B&C"), Holder("PACS1", "1.2.3.4", "ISO"), Holder("PACS1", "1.2.3.5", "ISO")),
        *(Holder("", "1.2.3.6", "ISO"), Holder("WS 2", "ws2.example", "DNS")),
        *(Holder("X", "urn:oid:1.2.3.7", "URI"), Holder("A&B", "a^b", "L"), Holder("Y", "1.2.3.8")),
    ]
)


@st.composite
def attributes(draw):
    """Any subset of the four attributes, never empty."""
    said = {
        "SOPInstanceStatus": STATUSES,
        "SOPAuthorizationDateTime": DATE_TIMES,
        "SOPAuthorizationComment": COMMENTS,
        "AuthorizationEquipmentCertificationNumber": CERTIFICATES,
    }
    chosen = draw(st.lists(st.sampled_from(sorted(said)), min_size=1, unique=True))
    return {keyword: draw(said[keyword]) for keyword in chosen}


@st.composite
def studies(draw):
    """A study of one to three series with one to three instances each, as bare identities."""
    study, sop_class = draw(UIDS), "1.2.840.10008.5.1.4.1.1.2"
    uids = draw(st.lists(UIDS, min_size=12, max_size=12, unique=True))
    known = []
    for series in range(draw(st.integers(1, 3))):
        for number in range(draw(st.integers(1, 3))):
            sop = uids[3 + series * 3 + number]
            known.append(SOPInstance(study, uids[series], sop_class, sop))
    return known


@st.composite
def statements(draw, known, *, holders=HOLDERS, wide=True):
    """Statements about some of the known instances, series and studies, each identity once."""
    about = list(known)
    if wide:
        about += [SOPInstance(known[0].study_instance_uid)]
        about += [SOPInstance(k.study_instance_uid, k.series_instance_uid) for k in known[:1]]
    made = {}
    for base in draw(st.lists(st.sampled_from(about), max_size=4)):
        x = SOPInstance(
            base.study_instance_uid,
            base.series_instance_uid,
            base.sop_class_uid,
            base.sop_instance_uid,
            draw(holders),
            draw(attributes()),
        )
        made[x.identity] = x
    return list(made.values())


@st.composite
def with_a_repeated_member(draw, document):
    """Return JSON text, and the same in which one object, at any depth, has a member twice."""
    mark = "\0 the member goes here"
    objects = []

    def marked(node):
        if isinstance(node, dict):
            members = {name: marked(value) for name, value in node.items()}
            if members:
                objects.append(members)
            return members
        return [marked(item) for item in node] if isinstance(node, list) else node

    tree = marked(document)
    indent = draw(st.sampled_from([None, 2]))
    once = json.dumps(tree, indent=indent, ensure_ascii=False)
    place = draw(st.sampled_from(objects))
    name = draw(st.sampled_from(sorted(place)))
    again = draw(st.sampled_from([place[name], None, "x", [], {}, 1]))
    kept = dict(place)
    place.clear()
    first = draw(st.booleans())
    place |= {mark: again, **kept} if first else {**kept, mark: again}
    twice = json.dumps(tree, indent=indent, ensure_ascii=False)
    return once, twice.replace(json.dumps(mark), json.dumps(name))
