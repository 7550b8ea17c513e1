"""DICOM JSON: both roads see the same, near-misses are read and told, texts keep what is theirs."""

import copy
import itertools
import json
import sys
import unicodedata
import warnings
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws.formats import FORMATS, dicom_json_texts
from laws.strategies import statements
from roads import result
from samples_of import CASES, sample
from sopstatus import DocumentError, SOPInstance, codec, transformer
from sopstatus.codecs.dicom_json import fast as dicom_json_fast
from sopstatus.codecs.dicom_json import hidden
from sopstatus.codecs.dicom_json.reader import Reader
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.limits import Limits
from sopstatus.values import with_offset

UNDER = codec("dicom-json")
STATUS, WHEN, COMMENT, NUMBER = "01000410", "01000420", "01000424", "01000426"
UIDS = {"00080016": "1.2.840.10008.5.1.4.1.1.7", "00080018": "1.2.3.1.1"}
UIDS |= {"0020000D": "1.2.3", "0020000E": "1.2.3.1"}


def data_set(**members):
    listed = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in UIDS.items()}
    return listed | {name.removeprefix("t"): node for name, node in members.items()}


def read(node, name=STATUS, **options):
    """Return the one value that is read of a data set with this attribute, and the codes told."""
    documents = [{**data_set(), name: node}]
    results = [UNDER.decode(d, **options) for d in (documents, json.dumps(documents).encode())]
    assert results[0] == results[1]
    said = [value for x in results[0].value for _, value in x.attributes]
    return (said[0] if said else "unread"), [i.code for i in results[0].issues]


# --- two roads -----------------------------------------------------------------------------------


@pytest.fixture
def plain(monkeypatch):
    """Return what calls a function with typed decoding closed."""

    def closed(call, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(dicom_json_fast, "_texts", lambda *_: None)
            patch.setattr(dicom_json_fast, "spans", lambda _: None)
            return result(call, *arguments)

    return closed


def agree(document, xs, plain):
    for call, *arguments in (
        (UNDER.decode, document),
        (UNDER.instances, document),
        (UNDER.encode, xs, document),
    ):
        assert result(call, *arguments) == plain(call, *arguments)


def test_documents_that_the_laws_draw(plain):
    @given(st.data())
    def agrees(data):
        document = data.draw(dicom_json_texts())
        xs = data.draw(statements(document.known, holders=document.holders, wide=True))
        agree(document.content, xs, plain)
        agree(UNDER.encode(xs, document.content).value, xs[:1], plain)
        agree(data.draw(damaged(document.content)), xs, plain)

    agrees()


@st.composite
def damaged(draw, document):
    start = draw(st.integers(0, len(document)))
    end = draw(st.integers(start, min(len(document), start + 20)))
    pieces = st.sampled_from(
        [b"", b"\xff", b"\x00", b"NaN", b"]", b"{", b'"', b",", b"\\ud800", b"1"]
    )
    return document[:start] + draw(pieces) + document[end:]


@pytest.mark.parametrize("case", CASES)
def test_samples(case, plain):
    agree(sample(case, "dicom-json"), UNDER.decode(sample("original", "dicom-json")).value, plain)


def listed_files():
    """Yield the DICOM JSON that pydicom makes of each of its test files that it can read."""
    folder = Path(pydicom.__file__).parent / "data" / "test_files"  # those that need no network
    for path in sorted(folder.glob("*.dcm")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                node = pydicom.dcmread(path, force=True, stop_before_pixels=True).to_json_dict()
                yield path, json.dumps(node, separators=(",", ":")).encode()
            except Exception:
                continue


def test_every_file_of_pydicom(plain):
    said = {"SOPInstanceStatus": "AO", "SOPAuthorizationComment": "a|b\\c"}
    nodes = []
    for _, document in listed_files():
        nodes.append(document)
        agree(document, [], plain)
        for x in UNDER.instances(document):
            new = SOPInstance(*x.identity[:2], x.sop_class_uid, x.sop_instance_uid, "", said)
            agree(document, [new], plain)
            written = UNDER.encode([new], document).value
            assert [y.attributes for y in UNDER.decode(written).value] == [new.attributes]
            emptied = SOPInstance(*x.identity[:2], "", x.sop_instance_uid)
            assert UNDER.encode([emptied], written).value == document
    assert len(nodes) > 60
    agree(b"[" + b",".join(nodes) + b"]", [], plain)


def test_typed_decoding_is_taken(monkeypatch):
    """So that the tests above compare two things."""
    document = sample("authorized-original", "dicom-json")
    monkeypatch.setattr("sopstatus.codecs.dicom_json.reader.values", None)
    assert UNDER.decode(document).value[0].attributes


# --- near-misses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "value", "codes"),
    [
        ({"vr": "CS", "Value": ["AO"]}, "AO", []),
        ({"vr": "CS"}, None, []),
        ({"vr": "CS", "Value": "AO"}, "AO", ["not-a-list"]),
        ({"vr": "CS", "Value": [None]}, None, ["empty-value"]),
        ({"vr": "CS", "Value": [""]}, None, ["empty-value"]),
        ({"vr": "CS", "Value": []}, None, ["empty-value"]),
        ({"vr": "CS", "Value": None}, None, ["empty-value"]),
        ({"Value": ["AO"]}, "AO", ["no-vr"]),
        ({"vr": "LO", "Value": ["AO"]}, "AO", ["wrong-vr"]),
        ({"vr": "UN", "InlineBinary": "QU8g"}, "AO", ["wrong-vr", "inline-binary"]),
        ({"vr": "UN", "InlineBinary": "?"}, "unread", ["wrong-vr", "unreadable"]),
        ({"vr": "CS", "value": ["AO"]}, "AO", ["member-name"]),
        ({"VR": "CS", "Value": ["AO"]}, "AO", ["member-name"]),
        ("AO", "AO", ["not-an-object"]),
        (["AO"], "AO", ["not-an-object"]),
        ({"vr": "CS", "Value": [{"Alphabetic": "AO"}]}, "unread", ["unreadable"]),
        ({"vr": "CS", "Value": ["AO\0"]}, "AO", ["value/padded"]),
        ({"vr": "CS", "Value": [" AO "]}, "AO", ["value/padded"]),
        ({"vr": "CS", "Value": ["AO", "AC"]}, "AO\\AC", ["value/multiplicity"]),
        ({"vr": "CS", "Value": [1]}, "1", ["not-text", "value/unknown-term"]),
        ({"vr": "CS", "Value": [True]}, "true", ["not-text", "value/unknown-term"]),
    ],
)
def test_status_by_a_near_miss(node, value, codes):
    codes = [code if "/" in code else f"dicom-json/{code}" for code in codes]
    assert read(node) == (value, codes)


@pytest.mark.parametrize("name", ["0100,0410", "(0100,0410)", "SOPInstanceStatus"])
def test_status_under_an_odd_name(name):
    assert read({"vr": "CS", "Value": ["AO"]}, name) == ("AO", ["dicom-json/tag-spelling"])
    known = [SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.1", "", {"SOPInstanceStatus": "AC"})]
    odd = data_set(**{f"t{name}": {"vr": "CS", "Value": ["AO"]}})
    assert UNDER.encode(known, odd).value == data_set(
        **{f"t{STATUS}": {"vr": "CS", "Value": ["AC"]}}
    )


_NUMBERS = [
    "1000410",
    "0x01000410",
    "01000410 ",
    "\n01000410",
    "01_000410",
    "001000410",
    "+1000410",
]
_NUMBERS += ["\u0660\u0661000410"]


@pytest.mark.parametrize("name", _NUMBERS, ids=ascii)
def test_a_status_under_a_number_that_others_read_is_read_and_told(name):
    assert (
        pydicom.Dataset.from_json({name: {"vr": "CS", "Value": ["AO"]}}).SOPInstanceStatus == "AO"
    )
    odd = data_set(**{f"t{name}": {"vr": "CS", "Value": ["AO"]}})
    for document in (odd, json.dumps([odd]).encode(), json.dumps(odd, indent=1)):
        found = UNDER.decode(document)
        assert found.value[0].attributes == (("SOPInstanceStatus", "AO"),)
        assert [(i.code, i.location.rpartition(".")[2]) for i in found.issues] == [
            ("dicom-json/tag-spelling", STATUS)
        ]
        written = transformer("dicom-json", "dicom-json")(document)
        (record,) = written.records
        assert (record.after, record.outcome) == ("NS", "done")
        assert UNDER.decode(written.value).issues == ()
    both = {**odd, STATUS: {"vr": "CS", "Value": ["NS"]}}
    for document in (both, json.dumps([both]).encode()):
        found = UNDER.decode(document)
        assert found.value == ()
        assert [i.code for i in found.issues] == ["dicom-json/repeated"]


def test_uids_under_odd_names():
    for names in (("0020000d", "0020000e"), ("(0020,000D)", "0020,000e")):
        one = {"00080018": data_set()["00080018"], STATUS: {"vr": "CS", "Value": ["AO"]}}
        one |= dict(
            zip(names, ({"vr": "UI", "Value": [u]} for u in ("1.2.3", "1.2.3.1")), strict=True)
        )
        found = UNDER.decode(json.dumps([one]))
        assert found.value[0].identity == ("1.2.3", "1.2.3.1", "1.2.3.1.1", "")
        told = [i.code for i in found.issues]
        assert told == ["dicom-json/tag-spelling"] * 2 + ["dicom/no-uid"]


def test_text_that_orthanc_split_is_joined():
    split = {"vr": "LT", "Value": ["a|^~", "& b"]}
    assert read(split, COMMENT) == ("a|^~\\& b", ["dicom-json/split-text"])


def test_numbers_as_they_are_spelt():
    document = json.dumps([{**data_set(), NUMBER: {"vr": "LO", "Value": [0]}}])
    found = UNDER.decode(document.replace("[0]", "[1.50E+2]").encode())
    assert found.value[0].attributes == (("AuthorizationEquipmentCertificationNumber", "1.50E+2"),)
    assert read({"vr": "DT", "Value": [20240102]}, WHEN) == ("20240102", ["dicom-json/not-text"])


def test_bulk_data_is_fetched_only_when_asked():
    node = {"vr": "LT", "BulkDataURI": "https://archive.test/bulk/1"}
    asked = []

    def fetch(uri):
        asked.append(uri)
        return "患者 ".encode()

    assert read(node, COMMENT) == ("unread", ["dicom-json/bulk-data"])
    assert asked == []
    assert read(node, COMMENT, fetch=fetch) == ("患者", [])
    assert set(asked) == {node["BulkDataURI"]}
    assert read(node, COMMENT, fetch=lambda _: b"\xff")[1] == ["dicom-json/not-utf-8"]
    assert read(node, COMMENT, fetch=lambda _: 1 / 0)[1] == ["dicom-json/bulk-data-failed"]
    document = [data_set(**{f"t{COMMENT}": node})]
    found = UNDER.decode(document, fetch=fetch).value
    assert UNDER.encode(found, document, fetch=fetch).value == document


@pytest.mark.parametrize(
    "comment",
    [
        {"vr": "LT", "BulkDataURI": "https://archive.test/bulk/1"},
        {"vr": "UN", "InlineBinary": "/w=="},
        {"vr": "SQ", "Value": [{}]},
    ],
)
def test_what_cannot_be_read_goes_with_its_statement_and_never_stands_beside_ns(comment):
    for old, new, exactly, left in (
        ("OR", "OR", (), True),
        ("OR", "AO", (), False),
        ("NS", "NS", (), True),
        ("NS", "NS", ("1.2.3.1.1",), False),
    ):
        old = {"vr": "CS", "Value": [old]}
        document = [data_set(**{f"t{STATUS}": old, f"t{COMMENT}": comment})]
        (x,) = UNDER.decode(document).value
        status = replace(x, attributes={"SOPInstanceStatus": new})
        for form in (document, json.dumps(document)):
            found = UNDER.encode([status], form, exactly=exactly)
            (written,) = json.loads(found.value) if isinstance(form, str) else found.value
            assert (written[STATUS]["Value"], written.get(COMMENT)) == (
                [new],
                comment if left else None,
            )
            told = [] if left else [("dicom/replaced", f"[0].{COMMENT}")]
            assert [(i.code, i.location) for i in found.issues] == told
    carried = transformer("dicom-json", "dicom-json")(document)
    (written,) = carried.value
    assert (written[STATUS]["Value"], COMMENT in written) == (["NS"], False)


@pytest.mark.parametrize("vr", ["SQ", "XS", 7])
def test_nothing_is_written_over_what_readers_take_differently(vr):
    members = {STATUS: {"vr": vr, "Value": ["AO"]}, COMMENT: {"vr": vr}}
    document = {**data_set(), **members}
    (x,) = UNDER.decode(document).value
    for said in ({"SOPInstanceStatus": "NS"}, {"SOPAuthorizationComment": "x"}):
        with pytest.raises(DocumentError, match="dicom/not-replaced"):
            UNDER.encode([replace(x, attributes=said)], document)
    found = UNDER.encode([replace(x, attributes={})], document)
    assert STATUS not in found.value and COMMENT not in found.value
    assert [i.code for i in found.issues] == ["dicom/replaced"] * 2


@pytest.mark.parametrize("vr", ["UN", "LO"])
def test_a_status_with_another_vr_is_replaced_and_that_is_told(vr):
    document = {**data_set(), STATUS: {"vr": vr, "Value": ["AO"]}}
    (x,) = UNDER.decode(document).value
    found = UNDER.encode([replace(x, attributes={"SOPInstanceStatus": "NS"})], document)
    assert found.value[STATUS] == {"vr": "CS", "Value": ["NS"]}
    assert [(i.code, i.location) for i in found.issues] == [("dicom/replaced", STATUS)]


# --- what stands more than once ------------------------------------------------------------------

NS, AO = ({"vr": "CS", "Value": [term]} for term in ("NS", "AO"))


def text_of(*members):
    """Print a data set whose names may stand more than once."""
    inner = ", ".join(f"{json.dumps(name)}: {json.dumps(node)}" for name, node in members)
    return f"{{{inner}}}"


def repeating():
    """Yield members beside the UIDs, as text, in which something stands twice, and the place."""
    whole = list(data_set().items())
    for name in (STATUS, WHEN, COMMENT, NUMBER, "00080201"):
        yield text_of(*whole, (name, NS), (name, NS)), name
        yield text_of((name, NS), *whole, (name, AO)), name
    for name in UIDS:
        yield text_of(*whole, (name, {"vr": "UI", "Value": ["1.9"]}), (STATUS, AO)), name
    for name in ("SOPInstanceStatus", "0100,0410", "(0100,0410)"):
        yield text_of(*whole, (name, AO), (STATUS, NS)), STATUS
        yield text_of((STATUS, NS), *whole, (name, AO)), STATUS
        yield text_of(*whole, (name, AO), (name, NS)), name
    for name in ("SOPInstanceUID", "0020000e", "SeriesInstanceUID"):
        place = "00080018" if name.startswith("SOP") else "0020000E"
        yield text_of(*whole, (name, {"vr": "UI", "Value": ["1.9"]}), (STATUS, AO)), place
    yield (
        text_of(*whole, (STATUS, NS)).replace("01000410", "\\u00301000410")[:-1]
        + (f', "{STATUS}": {json.dumps(AO)}' + "}"),
        STATUS,
    )
    for inner in (
        '"vr": "CS", "Value": ["NS"], "Value": ["AO"]',
        '"vr": "CS", "vr": "SQ", "Value": ["NS"]',
        '"vr": "CS", "VR": "SQ", "Value": ["NS"]',
        '"vr": "CS", "value": ["NS"], "Value": ["AO"]',
        '"vr": "CS", "value": ["NS"], "value": ["AO"]',
        '"vr": "CS", "Value": ["NS"], "InlineBinary": "QU8="',
        '"vr": "CS", "BulkDataURI": "x", "InlineBinary": "QU8="',
    ):
        yield text_of(*whole)[:-1] + f', "{STATUS}": {{{inner}}}}}', STATUS
    uid = '"vr": "UI", "Value": ["1.2.3.1.1"], "Value": ["1.9"]'
    rest = [(name, node) for name, node in whole if name != "00080018"]
    yield text_of((STATUS, AO), *rest)[:-1] + f', "00080018": {{{uid}}}}}', "00080018"


@pytest.mark.parametrize(("text", "place"), list(repeating()))
@pytest.mark.parametrize("compact", [True, False])
def test_what_stands_twice_is_not_read_and_not_written(text, place, compact, plain):
    text = text.replace(": ", ":").replace(", ", ",") if compact else text
    good = json.dumps({**data_set(), STATUS: AO}).replace("1.2.3.1.1", "1.2.3.1.2")
    for document, at in ((text, ""), (f"[{good}, {text}, {good}]", "[1].")):
        found = UNDER.decode(document)
        assert [(i.code, i.location) for i in found.issues] == [
            ("dicom-json/repeated", f"{at}{place}")
        ]
        assert [x.sop_instance_uid for x in found.value] == ["1.2.3.1.2"] * (2 if at else 0)
        assert (found, []) == (plain(UNDER.decode, document)[0], [])
        assert UNDER.decode(document.encode()) == found
        for form in (found.value, (), [SOPInstance("", "", "", "1.2.3.1.1", "", {})]):
            with pytest.raises(DocumentError) as caught:
                UNDER.encode(form, document)
            assert caught.value.issues == found.issues
            assert plain(UNDER.encode, form, document) == found.issues


def test_what_is_not_ours_may_stand_twice(plain):
    others = [("00100010", {"vr": "PN"}), ("00100010", {"vr": "PN"}), ("x", 1), ("x", 2)]
    text = text_of(*data_set().items(), (STATUS, AO), *others)
    (x,) = UNDER.decode(text).value
    found = UNDER.encode([replace(x, attributes={"SOPInstanceStatus": "NS"})], text)
    assert found.value == text.replace('"AO"', '"NS"')
    assert found.issues == ()


def test_the_good_ones_of_many_are_read(plain):
    nodes = [
        json.dumps({**data_set(), STATUS: AO}).replace("1.2.3.1.1", f"1.9.{n}") for n in range(800)
    ]
    nodes[400] = nodes[400][:-1] + f', "{STATUS}": {json.dumps(NS)}}}'
    document = f"[{','.join(nodes)}]"
    found = UNDER.decode(document)
    assert len(found.value) == 799
    assert [(i.code, i.location) for i in found.issues] == [
        ("dicom-json/repeated", f"[400].{STATUS}")
    ]
    assert plain(UNDER.decode, document)[0] == found


@pytest.mark.parametrize("document", [{}, {"00100010": {"vr": "PN"}}, [{}, {}], ["x"]])
def test_a_document_in_which_no_uid_is_found(document, plain):
    for form in (document, json.dumps(document)):
        found = UNDER.decode(form)
        assert found.value == ()
        assert found.issues[-1].code == "dicom/no-identity"
        assert found.issues[-1].severity == "error"
    assert plain(UNDER.decode, json.dumps(document))[0] == found
    assert UNDER.decode([]).issues == ()


CODE = {"vr": "CS", "Value": ["AO"]}


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({STATUS: {"Value": ["AO"]}}, [("no-vr", STATUS)]),
        ({STATUS: {"vr": "CS", "Value": ["QQ"]}}, [("value/unknown-term", STATUS)]),
        ({"0100,0410": {"Value": ["AO"]}}, [("tag-spelling", "0100,0410"), ("no-vr", "0100,0410")]),
        ({"0100,0410": CODE, STATUS: CODE}, [("repeated", STATUS)]),
        ({"0100,0410": CODE, "(0100,0410)": CODE}, [("repeated", "0100,0410")]),
        ({STATUS: CODE, "00080018": "x", "SOPInstanceUID": "x"}, [("repeated", "00080018")]),
        ({"00020010": {}}, [("file-meta", "00020010")]),
        (
            {WHEN: "2024", "00080201": {"vr": "SH", "Value": ["1"]}},
            [("not-an-object", WHEN), ("dicom/offset", "00080201")],
        ),
        ({"00080201": "x"}, [("not-an-object", "00080201"), ("dicom/offset", "00080201")]),
        (
            {"0020000D": None},
            [
                ("not-an-object", "0020000D"),
                ("empty-value", "0020000D"),
                ("dicom/no-uid", "0020000D"),
            ],
        ),
        ({"0020000E": {"vr": "UI", "Value": ["x"]}}, [("value/not-uid", "0020000E")]),
        ({"00080018": {"vr": "UI"}}, []),
        ({"00080018": {"vr": "UI"}, STATUS: CODE}, [("no-instance", "00080018")]),
    ],
)
def test_issues_say_where(members, told, plain):
    told = [(code if "/" in code else f"dicom-json/{code}", where) for code, where in told]
    for many in (False, True):
        node = {**data_set(), **members}
        document = [data_set(), node] if many else node
        places = [(code, f"[1].{where}" if many else where) for code, where in told]
        found = result(UNDER.decode, document)
        assert [(i.code, i.location) for i in found[0].issues] == places
        assert result(UNDER.decode, json.dumps(document)) == found
        assert plain(UNDER.decode, json.dumps(document)) == found


def test_a_time_that_is_local_elsewhere_is_written_with_its_offset(plain):
    here = {"vr": "SH", "Value": ["-0500"]}
    document = [
        data_set(),
        data_set(**{"t00080201": here, "t00080018": {"vr": "UI", "Value": ["1.9"]}}),
    ]
    said = {"SOPAuthorizationDateTime": with_offset("20240102030405", "+0100")}
    given = [SOPInstance(sop_instance_uid="1.9", attributes=said)]
    found = UNDER.encode(given, document)
    assert found.value[1][WHEN] == {"vr": "DT", "Value": ["20240102030405+0100"]}
    assert [(i.code, i.location) for i in found.issues] == [("dicom/offset-written", f"[1].{WHEN}")]
    text = json.dumps(document)
    assert (
        UNDER.encode(given, text).issues
        == plain(UNDER.encode, given, text)[0].issues
        == found.issues
    )


def test_what_is_told_names_its_attribute():
    node = {**data_set(), "0100,0410": CODE, COMMENT: {"vr": "ST", "Value": ["x"]}}
    first, second = UNDER.decode(node).issues
    assert STATUS in first.diagnostics
    assert all(word in second.diagnostics for word in ("SOPAuthorizationComment", "ST", "LT"))
    node = {**data_set(), STATUS: CODE, "00080018": {"vr": "LO"}}
    told = {i.code: i.diagnostics for i in UNDER.decode(node).issues}
    assert list(told) == [f"dicom-json/{c}" for c in ("wrong-vr", "no-instance")]
    assert all(word in told["dicom-json/wrong-vr"] for word in ("SOPInstanceUID", "LO", "UI"))
    (repeated,) = UNDER.decode({**data_set(), "0100,0410": CODE, STATUS: CODE}).issues
    assert "SOPInstanceStatus" in repeated.diagnostics


def test_what_is_no_data_set_is_told_and_left():
    document = [7, data_set(**{f"t{STATUS}": CODE}), None, "x", [data_set()]]
    found = UNDER.decode(document, holder="PACS1")
    assert [(i.code, i.location) for i in found.issues] == [
        ("dicom-json/not-a-data-set", f"[{n}]") for n in (0, 2, 3, 4)
    ]
    (x,) = found.value
    assert (x.holder, x.sop_class_uid) == ("PACS1", UIDS["00080016"])
    assert UNDER.encode(found.value, document).value == document
    new = SOPInstance(sop_instance_uid="1.2.3.1.1", attributes={"SOPInstanceStatus": "AC"})
    written = UNDER.encode([new], document).value
    assert written[0] == 7 and written[2:] == document[2:]
    assert written[1][STATUS] == {"vr": "CS", "Value": ["AC"]}


def test_uids_and_offset_lose_their_padding(plain):
    members = {tag: {"vr": "UI", "Value": [f"{uid}\0 "]} for tag, uid in UIDS.items()}
    members["00080201"] = {"vr": "SH", "Value": [" +0100 "]}
    document = [{**members, WHEN: {"vr": "DT", "Value": ["20240102030405"]}}] * 2
    text = json.dumps(document)
    found = result(UNDER.decode, text)
    assert found[0].value[1].identity == ("1.2.3", "1.2.3.1", "1.2.3.1.1", "")
    assert found[1] == ["+0100", "+0100"]
    assert plain(UNDER.decode, text) == result(UNDER.decode, document) == found


# --- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '[{"00080018":{"vr":"UI","Value":["1.2.3"]},"00180050":{"vr":"DS","Value":[1.50e0,-0]}@}]\n',
        '{"00080018": {"vr": "UI", "Value": ["1.2.3"]}@, "7FE00010": {"vr": "OW"}}',
        '[\n {\n  "00080018" : { "vr": "UI", "Value": [ "1.2.3" ] }@\n }\n , null ]',
    ],
)
def test_only_the_attribute_is_written(text):
    document = text.replace("@", "")
    x = SOPInstance(sop_instance_uid="1.2.3", attributes={"SOPInstanceStatus": "AO"})
    written = UNDER.encode([x], document).value
    before, after = text.split("@")
    assert written.startswith(before)
    assert written.endswith(after)
    added = written[len(before) : len(written) - len(after)]
    assert json.loads("{" + added.lstrip().lstrip(",") + "}") == {
        STATUS: {"vr": "CS", "Value": ["AO"]}
    }
    removed = UNDER.encode([SOPInstance(sop_instance_uid="1.2.3")], written).value
    assert removed == document


def stating(status, number=1, holder=""):
    said = {"SOPInstanceStatus": status} if status else {}
    return SOPInstance("1.2.3", "1.2.3.1", UIDS["00080016"], f"1.2.3.1.{number}", holder, said)


def test_of_several_holders_one_is_chosen():
    about = [stating("AO", holder="A"), stating("AC", holder="B")]
    for document, at in ((data_set(), ""), ([data_set()], "[0].")):
        refused = UNDER.encode(about, document)
        assert refused.value == document
        assert [(i.code, i.location) for i in refused.issues] == [
            ("dicom/holder-ambiguous", f"{at}00080018")
        ]
        for x in about:
            alone = UNDER.encode([x], document)
            chosen = UNDER.encode(about, document, holder=x.holder)
            assert alone.value == chosen.value
            assert [i.code for i in (*alone.issues, *chosen.issues)] == (
                ["dicom-json/no-counterpart"] if at else []  # what the other one says
            )
            (read,) = UNDER.decode(alone.value).value
            assert (read.attributes, read.holder) == (x.attributes, "")


def test_what_has_no_data_set_is_told_once_with_its_count():
    given = [stating("AO", 7), stating("AO", 8)]
    for document in (data_set(), [data_set()]):
        code = "dicom-json/no-counterpart" if isinstance(document, list) else "dicom/no-counterpart"
        result = UNDER.encode(given, document)
        assert (result.value, [(i.code, i.location) for i in result.issues]) == (
            document,
            [(code, "00080018")],
        )
        assert "2 " in result.issues[0].diagnostics
        both = UNDER.encode([*given, stating("AC")], document)
        assert UNDER.decode(both.value).value == (stating("AC"),)
        # a single data set is one of many that the statements are about; a list is all of them
        assert [i.code for i in both.issues] == [code] * isinstance(document, list)


def test_a_new_document_lists_the_instances_that_are_known():
    known = [stating("", 2), SOPInstance("1.2.3"), SOPInstance(sop_instance_uid="1.2.3.1.1")]
    empty = {"vr": "UI"}
    bare = {"00080016": empty, "00080018": data_set()["00080018"]}
    second = data_set(t00080018={"vr": "UI", "Value": ["1.2.3.1.2"]})
    assert UNDER.blank(iter(known)) == [second, bare | {"0020000D": empty, "0020000E": empty}]
    assert [list(node) for node in UNDER.blank(known)] == [sorted(UIDS)] * 2
    written = UNDER.encode([stating("AO")], known=iter(known[:1])).value
    assert written == [second, {**data_set(), STATUS: {"vr": "CS", "Value": ["AO"]}}]
    assert UNDER.encode([stating("AO")]).value == written[1:]
    with pytest.raises(DocumentError) as error:
        UNDER.blank([SOPInstance("1.2.3")])
    ((code, location, text),) = [(i.code, i.location, i.diagnostics) for i in error.value.issues]
    assert (code, location) == ("dicom/not-one-instance", "") and "0" in text


def test_copies_are_told_with_what_they_say_and_others_are_left_out():
    nameless = {k: v for k, v in data_set().items() if k != "00080018"}
    document = [{**data_set(), STATUS: CODE}, nameless, 7, data_set()]
    assert UNDER.copies(document) == (stating("AO"), stating(""))
    assert UNDER.instances(document) == (stating(""),)
    assert [one.at for one in UNDER.data_sets(document)] == ["[0]", "[3]"]


def test_names_stay_in_order_and_the_rest_is_shared():
    document = [
        data_set(t7FE00010={"vr": "OW"}),
        data_set(t00080018={"vr": "UI", "Value": ["1.9"]}),
    ]
    kept = copy.deepcopy(document)
    x = SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.1", "", {"SOPInstanceStatus": None})
    new = UNDER.encode([x], document).value
    assert list(new[0]) == [*sorted(UIDS), STATUS, "7FE00010"]
    assert new[0][STATUS] == {"vr": "CS"}
    assert new[1] is document[1]
    assert document == kept


def test_wide_statements_reach_every_instance_of_a_list():
    document = [data_set(), data_set(t00080018={"vr": "UI", "Value": ["1.2.3.1.2"]})]
    x = SOPInstance("1.2.3", attributes={"SOPInstanceStatus": "AO"})
    found = UNDER.decode(UNDER.encode([x], document).value, holder="PACS1").value
    assert [(y.sop_instance_uid, y.holder) for y in found] == [
        ("1.2.3.1.1", "PACS1"),
        ("1.2.3.1.2", "PACS1"),
    ]


def test_a_data_set_without_an_instance_never_speaks_for_its_series():
    nameless = {k: v for k, v in data_set().items() if k != "00080018"}
    document = [data_set(), {**nameless, STATUS: {"vr": "CS", "Value": ["AO"]}}]
    found = UNDER.decode(document)
    assert (found.value, [i.code for i in found.issues]) == ((), ["dicom-json/no-instance"])
    with pytest.raises(DocumentError, match="dicom-json/no-instance"):
        UNDER.encode(found.value, document)


@pytest.mark.parametrize("kind", [bytes, bytearray, str, list])
def test_the_same_kind_comes_out(kind):
    data = sample("authorized-original", "dicom-json")
    given = {str: data.decode, list: lambda: json.loads(data)}.get(kind, lambda: kind(data))()
    (x,) = UNDER.decode(given).value
    new = SOPInstance(*x.identity[:2], "", x.sop_instance_uid, "", {"SOPInstanceStatus": "AC"})
    made = UNDER.encode([new], given).value
    assert isinstance(made, bytes if kind is bytearray else kind)
    assert UNDER.decode(made).value[0].attributes == new.attributes


def test_limits():
    data = sample("two-series", "dicom-json")
    with pytest.raises(DocumentError, match="document/too-large"):
        codec("dicom-json", limits=Limits(document=10)).decode(data)
    count = len(UNDER.instances(data))
    for document in (data, json.loads(data)):
        assert codec("dicom-json", limits=Limits(statements=count)).decode(document).value
        with pytest.raises(DocumentError, match="document/too-many-statements") as error:
            codec("dicom-json", limits=Limits(statements=count - 1)).decode(document)
        (issue,) = error.value.issues
        assert issue.location == ""
        assert f"more than {count - 1} " in issue.diagnostics
    with pytest.raises(DocumentError, match="document/too-deep"):
        UNDER.decode(b'{"x":' + b"[" * 100_000)
    for data in (b"", b"  ", b"<html>", b"[", b"[{}", b"{}x", b'"x"', 7, None):
        with pytest.raises(DocumentError):
            UNDER.decode(data)


def test_laws_run_over_both_kinds():
    assert {"dicom-json", "dicom-json-text"} <= FORMATS.keys()


# --- nooks: where a status states nothing ----------------------------------------------------------

NESTED = {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.9"]}}]}
NESTED["Value"].append({STATUS: {"vr": "CS", "Value": ["AO"]}, WHEN: {"vr": "DT"}})
CREATOR = {"vr": "LO", "Value": ["MMCPrivate "]}
TWINS = {"t00290011": CREATOR, "t00291138": {"vr": "CS", "Value": ["AO"]}, "t00291139": {}}


def told(document, plain):
    """Return code and place of every issue; parsed or text, both roads, one answer."""
    found = result(UNDER.decode, document)
    for text in (json.dumps(document), json.dumps(document, indent=1).encode()):
        assert result(UNDER.decode, text) == found
        assert plain(UNDER.decode, text) == found
    return [(i.code, i.location) for i in found[0].issues]


def test_a_nested_status_is_told_where_the_data_set_states_none(plain):
    silent = data_set(t00081140=NESTED)
    places = [f"00081140.Value[1].{tag}" for tag in (STATUS, WHEN)]
    assert told(silent, plain) == [("dicom/nested", place) for place in places]
    stated = data_set(t00081140=NESTED, **{"t" + STATUS: {"vr": "CS", "Value": ["NS"]}})
    assert told(stated, plain) == []
    listed = [stated, silent, data_set(), silent]
    at = [f"[{n}].{place}" for n in (1, 3) for place in places]
    assert told(listed, plain) == [("dicom/nested", place) for place in at]


def test_the_first_of_several_nested_ones_is_told(plain):
    inner = {"vr": "SQ", "Value": [{STATUS: {"vr": "CS"}}]}
    outer = {"vr": "SQ", "Value": [{"00081140": inner}, {STATUS: {"vr": "CS"}}]}
    document = data_set(t00081115=outer, t00081140=inner, t00081199=None, t00081198={"Value": 1})
    (only,) = told(document, plain)
    assert only == ("dicom/nested", f"00081115.Value[0].00081140.Value[0].{STATUS}")


def test_nested_copies_are_looked_for_as_deep_as_the_limit():
    document = data_set(t00081140={"Value": [{"00081140": NESTED}]})
    for limit, places in ((1, 0), (2, 2), (3, 2)):
        found = codec("dicom-json", limits=Limits(depth=limit)).decode(document)
        assert [i.code for i in found.issues] == ["dicom/nested"] * places
    for _ in range(5_000):
        document = data_set(t00081140={"Value": [document]})
    assert not UNDER.decode(document).issues  # and no stack is exhausted


def test_private_twins_are_told_where_the_data_set_states_none(plain):
    twins = [("dicom/private-twin", place) for place in ("00291138", "00291139")]
    assert told(data_set(**TWINS), plain) == twins
    assert told([data_set(), data_set(**TWINS)], plain) == [(c, f"[1].{p}") for c, p in twins]
    for creator in (None, {}, {"Value": []}, {"Value": ["theirs"]}, {"Value": [{}]}, {"Value": 1}):
        assert told(data_set(**{**TWINS, "t00290011": creator}), plain) == []
    assert told(data_set(**{**TWINS, "t00290012": CREATOR}), plain) == twins
    assert told(data_set(**{"t" + NUMBER: {"vr": "LO"}, **TWINS}), plain) == []


@pytest.mark.parametrize(
    ("name", "creator", "is_theirs"),
    [
        ("00290011", "MMCPrivate", True),
        ("00290011", "\0 MMCPrivate\0 ", True),
        ("00290011", "\tMMCPrivate", False),
        ("00290011", "XMMCPrivate", False),
        ("002900FF", "MMCPrivate", True),
        ("00290010", "MMCPrivate", True),
        ("00290001", "MMCPrivate", False),  # PS3.5 7.8.1: from 10 to FF
        ("00290100", "MMCPrivate", False),
        ("00310011", "MMCPrivate", False),
    ],
)
def test_who_reserves_the_elements_of_a_private_twin(name, creator, is_theirs, plain):
    twin = f"0029{name[6:]}3B"
    node = data_set(**{f"t{name}": {"vr": "LO", "Value": [creator]}, f"t{twin}": {"vr": "LO"}})
    assert told(node, plain) == [("dicom/private-twin", twin)] * is_theirs


def test_a_block_of_others_before_theirs_hides_nothing(plain):
    blocks = {"t00290010": {"vr": "LO", "Value": ["theirs"]}, **TWINS}
    assert [place for _, place in told(data_set(**blocks), plain)] == ["00291138", "00291139"]


def test_a_nook_is_told_with_its_attribute_and_tag():
    (nested,) = UNDER.decode(data_set(t00081140={"Value": [{COMMENT: {}}]})).issues
    assert "SOPAuthorizationComment" in nested.diagnostics
    words = ("SOPInstanceStatus", "(0100,0410)"), ("SOPAuthorizationDateTime", "(0100,0420)")
    for twin, (keyword, tag) in zip(UNDER.decode(data_set(**TWINS)).issues, words, strict=True):
        assert keyword in twin.diagnostics and tag in twin.diagnostics


@pytest.mark.parametrize("name", [STATUS, WHEN, COMMENT, NUMBER])
def test_a_nested_copy_of_any_attribute_is_told(name, plain):
    document = [data_set(), data_set(t00081140={"vr": "SQ", "Value": [{name: {"vr": "CS"}}]})]
    assert told(document, plain) == [("dicom/nested", f"[1].00081140.Value[0].{name}")]


def test_what_a_text_holds_that_has_a_nook():
    rows = UNDER.tables.attributes
    status, comment = rows["SOPInstanceStatus"], rows["SOPAuthorizationComment"]
    assert hidden.marks([status]) == (b"MMCPrivate", b'"01000410"')
    assert hidden.marks([status, comment]) == (b"MMCPrivate", b'"010004')
    marks = hidden.marks([status])
    for text, may in (
        (b'{"01000410": 1}', True),
        (b'"MMCPrivate"', True),
        (b'{"01000411": 1}', False),
        (b'{"a": "\\n"}', False),
        (b'{"a": "\\u00e4"}', False),  # a letter that is in none of these names
        (b'{"a": "\\u0030"}', True),
        (b"", False),
    ):
        assert hidden.may_have(text, marks) is may


def test_letters_spelt_as_escapes_hide_nothing(plain):
    for document in (data_set(t00081140=NESTED), data_set(**TWINS)):
        text = json.dumps(document).replace('"01000410"', '"010004\\u00310"')
        text = text.replace('"01000420"', '"0100042\\u0030"').replace("MMC", "M\\u004dC")
        assert "\\u00" in text
        assert result(UNDER.decode, text) == plain(UNDER.decode, text)
        assert len(UNDER.decode(text).issues) == 2


def test_an_instance_that_stands_twice_is_filled_where_it_speaks():
    """From the fuzzer: what one data set says was written into its silent twin."""
    status = {"vr": "CS", "Value": ["OR"]}
    document = [data_set(), data_set(**{"t" + STATUS: status}), data_set()]
    (x,) = UNDER.decode(document).value
    assert UNDER.encode([x], document).value == document
    new = SOPInstance(*x.identity[:2], "", x.sop_instance_uid, "", {"SOPInstanceStatus": "AC"})
    (written,) = UNDER.decode(UNDER.encode([new], document).value).value
    assert written.attributes == new.attributes
    silent = [data_set(), data_set()]
    assert len(UNDER.decode(UNDER.encode([new], silent).value).value) == 2


def test_issues_are_told_up_to_the_limit_on_both_roads(plain):
    odd = data_set(**{"t" + STATUS: {"vr": "LO", "Value": ["AO"]}})
    wrong = data_set(**{"t" + STATUS: {"vr": "CS", "Value": ["QQ"]}})
    document = json.dumps([odd] * 30 + [wrong, data_set()]).encode()
    under = codec("dicom-json", limits=Limits(issues=10))
    found = under.decode(document)
    assert plain(under.decode, document) == result(under.decode, document)
    codes = ["dicom-json/wrong-vr"] * 10 + ["value/unknown-term", "document/more-issues"]
    assert [i.code for i in found.issues] == codes
    assert "21 more" in found.issues[-1].diagnostics  # one contradicts the others
    assert len(found.value) == 31
    # an odd name closes the typed road: what it had told is not told twice
    renamed = document.replace(b'"0020000D"', b'"0020,000D"')
    assert plain(under.decode, renamed) == result(under.decode, renamed)
    given = [SOPInstance(sop_instance_uid=f"1.9.{n}", attributes={f"K{n}": "x"}) for n in range(20)]
    told = under.encode(given, document).issues
    assert [i.code for i in told[:10]] == ["table/unmapped"] * 10
    assert told[-1].code == "document/more-issues"


@pytest.mark.parametrize("member", ["01000410", "00081140"])
def test_a_value_nested_near_the_stack_s_end(member):
    """Typed decoding gets through where building the values, or looking for their end, does not."""
    limit, refused = sys.getrecursionlimit(), 0
    new = SOPInstance(sop_instance_uid="1.2", attributes={"SOPAuthorizationComment": "x"})
    head = b'[{"00080018":{"vr":"UI","Value":["1.2"]},"theirs":"MMCPrivate","%s":{"Value":'
    for depth in range(limit - 200, limit + 20):
        document = head % member.encode() + b"[" * depth + b"]" * depth + b"}}]"
        for call in (UNDER.decode, lambda document: UNDER.encode([new], document)):
            try:
                call(document)
            except DocumentError as error:
                assert [i.code for i in error.issues] == ["document/too-deep"]
                refused += 1
    assert refused


def test_a_thousand_numbers_for_one_tag_are_gathered_once():
    """Each digit of any script is one to Python: the names of an attribute have no end."""
    digits = [chr(c) for c in range(0x660, 0x20000) if unicodedata.decimal(chr(c), -1) == 0]
    zeros = itertools.islice(itertools.product(digits, repeat=3), 1000)
    odd = {f"{''.join(three)}1000410": {"vr": "CS", "Value": ["AO"]} for three in zeros}
    reader = Reader(tuple(UNDER.tables.attributes.values()), None, Issues())
    here = reader._names_in({**data_set(), **odd}, "")
    assert len(here[0x01000410]) == len(odd) + len(reader.names[0x01000410])
    assert "dicom-json/repeated" in [i.code for i in UNDER.decode({**data_set(), **odd}).issues]
