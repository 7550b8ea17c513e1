"""What is written into DICOM JSON: the members of each data set that change, where they belong."""

import json

import pytest
from sopstatus import SOPInstance, codec
from sopstatus.codecs.dicom_json import fast as dicom_json_fast
from sopstatus.codecs.dicom_json import writer as dicom_json_write

UNDER = codec("dicom-json")
STATUS = "01000410"
MARK = b"\xef\xbb\xbf"


def about(number, status="AO"):
    said = {"SOPInstanceStatus": status} if status else {}
    return SOPInstance(sop_instance_uid=f"1.2.{number}", attributes=said)


def data_set(number, *members, theirs="ü"):
    named = f'"00080018": {{"vr": "UI", "Value": ["1.2.{number}"]}}'
    return "{" + ", ".join([f'"00080005": "{theirs}"', named, *members]) + "}"


def stated(status):
    return f'"{STATUS}": {{"vr": "CS", "Value": ["{status}"]}}'


@pytest.fixture(params=[False, True], ids=["quick", "plain"])
def road(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(dicom_json_fast, "spans", lambda _: None)


@pytest.mark.parametrize("mark", [b"", MARK])
def test_every_data_set_of_a_text_is_written_in_its_place(mark, road):
    sets = [data_set(1), data_set(2, stated("OR")), data_set(3, theirs="患者 😀"), data_set(4)]
    text = "\n[ " + " ,\n".join(sets) + " ]\n"
    given = [about(4, "AC"), about(2, ""), about(1)]
    new = [f"{data_set(1)[:-1]}, {stated('AO')}}}", data_set(2), sets[2]]
    new.append(f"{data_set(4)[:-1]}, {stated('AC')}}}")
    wanted = "\n[ " + " ,\n".join(new) + " ]\n"
    made = UNDER.encode(given, mark + text.encode()).value
    assert made.startswith(mark)
    assert json.loads(made.decode("utf-8-sig")) == json.loads(wanted)
    for untouched in (sets[2], " ,\n", "\n[ ", " ]\n", '"00080005": "ü", "00080018"'):
        assert made.decode().count(untouched) == wanted.count(untouched)


@pytest.mark.parametrize("mark", [b"", MARK])
@pytest.mark.parametrize(
    "values", [["1"], ['"ü"', "{}"], ["[1, [2]]", '{"😀": 1}', "[1, [2]]", "null"], []]
)
def test_where_the_values_of_a_list_stand(mark, values, road):
    text = "\n [ " + " , ".join(values) + " ] "
    data = mark + text.encode()
    found = dicom_json_write.spans(data, True)
    assert [data[start:end].decode() for start, end in found] == values
    assert found == sorted(found) and len(set(found)) == len(found)


@pytest.mark.parametrize("mark", [b"", MARK])
def test_where_a_single_data_set_stands(mark):
    data = mark + ' {"a": "ü"}\n'.encode()
    ((start, end),) = dicom_json_write.spans(data, False)
    assert data[start:end].decode() == '{"a": "ü"}'


@pytest.mark.parametrize(
    ("old", "edits", "new"),
    [
        ("ACE", {"B": 1, "F": 2}, "ABCEF"),
        ("ACE", {"D": 1, "B": 2}, "ABCDE"),
        ("CA", {"B": 1}, "BCA"),  # theirs is out of order: before the first that is greater
        ("ACE", {"C": ..., "D": ...}, "AE"),
        ("ACE", {"C": 7}, "ACE"),
        ("", {"B": 1, "A": 2, "C": ...}, "AB"),
    ],
)
def test_names_come_where_they_belong(old, edits, new):
    node = dict.fromkeys(old, 0)
    made = dicom_json_write.with_members(node, edits)
    assert list(made) == list(new)
    assert made == {name: edits.get(name, 0) for name in new}
    assert node == dict.fromkeys(old, 0)


def test_parsed_data_sets_are_written_one_by_one():
    document = [json.loads(data_set(n)) for n in (1, 2, 3)]
    made = UNDER.encode([about(3, "AC"), about(1)], document).value
    assert [node.get(STATUS, {}).get("Value") for node in made] == [["AO"], None, ["AC"]]
    assert made[1] is document[1] and not any(STATUS in node for node in document)
    alone = UNDER.encode([about(2)], document[1]).value
    assert alone == {**document[1], STATUS: {"vr": "CS", "Value": ["AO"]}}
