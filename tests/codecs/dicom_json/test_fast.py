"""Typed decoding of DICOM JSON: what is read once for many, and that the plain road says the same."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from roads import result
from sopstatus import SOPInstance, codec
from sopstatus.codecs.dicom_json import fast as dicom_json_fast
from sopstatus.codecs.dicom_json.reader import Reader
from sopstatus.codecs.shared.data_set import TWIN_CREATOR
from sopstatus.limits import Limits
from sopstatus.values import with_offset

UNDER = codec("dicom-json")
CLASS, SOP, OFFSET = "00080016", "00080018", "00080201"
STUDY, SERIES, STATUS, WHEN, NUMBER = "0020000D", "0020000E", "01000410", "01000420", "01000426"
AT, COMMENT = "SOPAuthorizationDateTime", "SOPAuthorizationComment"
ELSEWHERE = with_offset("20240102030405", "-0500")


def member(vr, *values):
    return {"vr": vr, "Value": list(values)}


def data_set(number, **more):
    node = {
        CLASS: member("UI", "1.2.840.10008.5.1.4.1.1.7"),
        SOP: member("UI", f"1.2.3.1.{number}"),
        OFFSET: member("SH", "+0100"),
        STUDY: member("UI", "1.2.3"),
        SERIES: member("UI", "1.2.3.1"),
        STATUS: member("CS", "AO"),
    }
    return node | {name.removeprefix("t"): value for name, value in more.items()}


@pytest.fixture
def both(monkeypatch):
    """Return what calls a function on both roads, which agree, and tells what was read one by one."""

    def called(call, document, *more):
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        read, asked = Reader.data_set, []
        with monkeypatch.context() as patch:
            patch.setattr(Reader, "data_set", lambda *given: asked.append(given[2]) or read(*given))
            quick = result(call, *more, text)
        with monkeypatch.context() as patch:
            patch.setattr(dicom_json_fast, "_texts", lambda *_: None)
            patch.setattr(dicom_json_fast, "spans", lambda _: None)
            assert result(call, *more, text) == quick
        return quick[0] if isinstance(quick[0], type(UNDER.decode(b"[]"))) else quick, asked

    return called


def test_data_sets_that_differ_in_their_instance_alone_are_read_once(both):
    document = [data_set(n) for n in range(5)] + [data_set(7, **{f"t{STATUS}": member("CS", "OR")})]
    found, asked = both(UNDER.decode, [*document, data_set(6)])
    assert asked == ["[0]", "[5]"]
    assert [x.sop_instance_uid for x in found.value] == [
        f"1.2.3.1.{n}" for n in (0, 1, 2, 3, 4, 7, 6)
    ]
    assert [x["SOPInstanceStatus"] for x in found.value] == ["AO"] * 5 + [
        "OR",
        "AO",
    ]
    found, asked = both(UNDER.decode, data_set(1))
    assert (len(found.value), asked) == (1, [""])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (STUDY, member("UI", "1.2.4")),
        (SERIES, member("UI", "1.2.3.2")),
        (CLASS, member("UI", "1.2.840.10008.5.1.4.1.1.2")),
        (OFFSET, member("SH", "+0200")),
        (STATUS, member("CS", "OR")),
        (STATUS, {"vr": "CS"}),
        (WHEN, member("DT", "2024")),
        (NUMBER, member("LO", "7")),
        ("0100,0420", member("DT", "2024")),  # under an odd name
        ("00020010", member("UI", "1.2.840.10008.1.2")),
        (SOP, member("LO", "1.2.3.1.2")),
        (SOP, member("UI", "1.2.3.1.02")),
        (SOP, member("UI", "1.2.3.1.2 ")),
        (SOP, member("UI", "1." + "2" * 63)),
    ],
)
def test_what_differs_in_anything_else_is_read_for_itself(name, value, both):
    document = [data_set(1), data_set(2, **{f"t{name}": value}), data_set(3)]
    found, asked = both(UNDER.decode, document)
    assert asked == ["[0]", "[1]"]
    (x,) = UNDER.decode(document[1]).value
    assert found.value[1] == x and len(found.value) == 3


def test_the_longest_uid_is_no_reason_to_look_closer(both):
    longest = data_set(1, **{f"t{SOP}": member("UI", "1." + "2" * 62)})
    found, asked = both(UNDER.decode, [data_set(2), longest, longest])
    assert (asked, found.issues) == (["[0]"], ())


def test_what_is_told_of_one_is_told_of_every_one_like_it(both):
    odd = {f"t{STATUS}": member("LO", "AO")}
    found, asked = both(UNDER.decode, [data_set(n, **odd) for n in range(3)])
    assert asked == ["[0]", "[1]", "[2]"]
    assert [i.location for i in found.issues] == [f"[{n}].{STATUS}" for n in range(3)]


def test_a_data_set_that_names_no_instance_stands_for_no_other(both):
    nameless = data_set(1, **{f"t{SOP}": {"vr": "UI"}})
    del nameless[STATUS]
    document = [nameless, data_set(2), nameless, data_set(3)]
    found, asked = both(UNDER.decode, document)
    assert asked == ["[0]", "[1]", "[2]"]
    assert [x.sop_instance_uid for x in found.value] == ["1.2.3.1.2", "1.2.3.1.3"]


def test_the_place_and_the_offset_of_one_that_was_not_read_itself(both):
    document = [data_set(n) for n in range(3)]
    for offset, written in (("-0500", "20240102030405-0500"), ("+0100", "20240102030405")):
        said = {"SOPInstanceStatus": "AO", AT: with_offset("20240102030405", offset)}
        new = SOPInstance(sop_instance_uid="1.2.3.1.2", attributes=said)
        found, _ = both(lambda new, text: UNDER.encode([new], text), document, new)
        node = json.loads(found.value)[2]
        assert node[WHEN]["Value"] == [written]
        places = [("dicom/offset-written", f"[2].{WHEN}")] if offset == "-0500" else []
        assert [(i.code, i.location) for i in found.issues] == places


def test_only_data_sets_that_state_nothing_are_searched(both):
    nested = {"t00081140": {"vr": "SQ", "Value": [{STATUS: member("CS", "AO")}]}}
    silent = data_set(1, **nested)
    del silent[STATUS]
    bare = data_set(4)
    del bare[STATUS]
    document = [data_set(2), bare, silent, data_set(3, **nested)]
    found, asked = both(UNDER.decode, document)
    assert asked == ["[0]", "[1]", "[2]"]
    assert [i.location for i in found.issues] == [f"[2].00081140.Value[0].{STATUS}"]
    found, asked = both(UNDER.decode, silent)
    assert [i.location for i in found.issues] == [f"00081140.Value[0].{STATUS}"]


@pytest.mark.parametrize("theirs", [b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"'])
def test_what_is_skipped_has_to_be_utf_8_too(theirs, both):
    whole = json.dumps(data_set(1)).encode()
    node = whole[:-1] + b', "theirs": %s}' % theirs
    assert both(UNDER.decode, [data_set(1)])[0].value
    for text in (b"[%s, %s]" % (whole, node), node):
        ((issue,), _) = both(UNDER.decode, text)
        assert issue.code == "document/not-json"


def test_limits_count_what_is_read(both):
    document = [data_set(n) for n in range(3)]
    under = codec("dicom-json", limits=Limits(statements=3))
    assert len(both(under.decode, document)[0].value) == 3
    ((issue,), _) = both(codec("dicom-json", limits=Limits(statements=2)).decode, document)
    assert issue.code == "document/too-many-statements"


def test_a_data_set_with_a_uid_under_an_odd_name_is_read_for_itself(both):
    odd = data_set(1, **{f"t{STATUS}": member("LO", "AO"), "t0020,000D": member("UI", "1.2.3")})
    del odd[STUDY]
    found, asked = both(UNDER.decode, [data_set(2), odd, data_set(3)])
    assert asked == ["[0]", "[1]"]
    codes = ["dicom-json/wrong-vr", "dicom-json/tag-spelling"]
    assert [i.code for i in found.issues] == codes
    assert found.value[1].study_instance_uid == "1.2.3"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_some_attributes_of_every_data_set(mark, monkeypatch):
    one = mark + '{"b": {"Value": ["ü"]}, "a": 1.50, "c": null}'.encode()
    assert dicom_json_fast.texts(one, ("a", "b", "x"), many=False) == [
        ["1.50", {"Value": ["ü"]}, None]
    ]
    two = mark + b' [{"a": "1"}, {"b": {}}] '
    assert dicom_json_fast.texts(two, ("a", "b"), many=True) == [["1", None], [None, {}]]
    assert dicom_json_fast.texts(two, ("a",), many=False) is None
    assert dicom_json_fast.texts(b"[{]", ("a",), many=True) is None
    monkeypatch.setattr(dicom_json_fast, "_texts", lambda *_: None)  # without msgspec
    assert dicom_json_fast.texts(two, ("a",), many=True) is None


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_where_the_values_of_a_list_stand(mark):
    text = mark + ' [1, [1], 1, {"a": "ü"}, {"a": "ü"}] '.encode()
    found = dicom_json_fast.spans(text)
    assert [text[slice(*span)].decode() for span in found] == ["1", "[1]", "1", *['{"a": "ü"}'] * 2]
    assert found == sorted(set(found))
    for bad in (b"[1", b"{}", b"[" * 100_000):
        assert dicom_json_fast.spans(bad) is None


TEXTS = ("a", "}", "{,", "ü", "\\\\", '\\"', "\\u0030", f'\\"{STATUS}\\":{{}}', STATUS)
NESTED = {"vr": "SQ", "Value": [{STATUS: member("CS", "AO")}]}
VALUES = {
    SOP: [json.dumps(member("UI", f"1.2.3.1.{n}")) for n in range(4)] + ['{"vr":"UI"}'],
    STATUS: ['{"vr":"CS","Value":["AO"]}'] * 3 + ['{"vr":"CS","Value":["OR"]}', '{"vr":"CS"}'],
    STUDY: ['{"vr":"UI","Value":["1.2.3"]}'] * 3 + ['{"vr":"UI","Value":["1.2.4"]}'],
    "00200013": ['{"vr":"IS","Value":[1]}', '{"vr":"IS","Value":[2.5]}', "null", "[{}]"],
    "00204000": [f'{{"vr":"LT","Value":["{text}"]}}' for text in TEXTS],
    "00290010": [json.dumps(member("LO", name)) for name in ("THEIRS", TWIN_CREATOR)],
    "00291020": ['{"vr":"CS","Value":["AO"]}'],
    "00081140": [json.dumps(NESTED), '{"vr":"SQ"}'],
}
EVERY = st.fixed_dictionaries({name: st.sampled_from(some) for name, some in VALUES.items()})
TWICE = st.sampled_from(["", "", "", "", f',"{STATUS}":{{}}', ',"00200013":{"vr":"IS"}', ',"x":1'])
GONE = st.sampled_from([(), (), (STATUS,), ("00291020",), ("00200013",)])


@st.composite
def texts(draw):
    """Data sets with the same names, in the same order, but for some; of which few values differ."""
    gone, first, listed = draw(GONE), draw(EVERY), []
    for more, twice in draw(st.lists(st.tuples(EVERY, TWICE), min_size=3, max_size=9)):
        changed = draw(st.sets(st.sampled_from([SOP, *VALUES]), max_size=2)) | {SOP}
        one = first | {name: more[name] for name in changed}
        inner = ",".join(f'"{name}":{one[name]}' for name in one if name not in gone)
        listed.append(f"{{{inner}{twice}}}")
    return f"[{','.join(listed)}]".encode()


@given(texts())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_data_sets_that_are_alike_are_read_as_one_by_one(both, text):
    both(UNDER.decode, text)


def test_a_data_set_that_is_alike_is_not_decoded(monkeypatch):
    document = [data_set(n, t00200013=member("IS", n)) for n in range(50)]
    document[40][STATUS] = member("CS", "OR")
    decode, decoded = dicom_json_fast._decoder(), []
    monkeypatch.setattr(
        dicom_json_fast, "_decoder", lambda: lambda text: decoded.append(text) or decode(text)
    )
    found = UNDER.decode(json.dumps(document).encode()).value
    assert [x["SOPInstanceStatus"] for x in found] == ["AO"] * 40 + ["OR"] + ["AO"] * 9
    assert [x.sop_instance_uid for x in found] == [f"1.2.3.1.{n}" for n in range(50)]
    assert len(decoded) == 4


@pytest.mark.parametrize("more", [
    lambda n: {f"t0020{number:04X}": member("IS", n) for number in range(0x20, 0x30)},
    lambda n: {"t00204000": member("LT", f"{n} " * 500)},
])  # fmt: skip
def test_where_much_differs_texts_are_not_compared(monkeypatch, more):
    """What takes longer to compare than to decode is decoded."""
    compared, uid = [], dicom_json_fast._Alike.uid
    monkeypatch.setattr(
        dicom_json_fast._Alike, "uid", lambda one, text: compared.append(text) or uid(one, text)
    )
    document = [data_set(n, **more(n)) for n in range(50)]
    found = UNDER.decode(json.dumps(document).encode()).value
    assert [x.sop_instance_uid for x in found] == [f"1.2.3.1.{n}" for n in range(50)]
    assert len(compared) < 5
