"""How the gateway prints what it answers: the quick printer and the one that keeps spellings."""

import json

from hypothesis import given
from hypothesis import strategies as st
from sopstatus.documents import content

NUMBERS = (
    "0",
    "-0",
    "1",
    "-12",
    "0.10",
    "1.50",
    "-0.0",
    "1e5",
    "2E-3",
    "90071992547409931",
    "10.0",
)
TEXTS = st.sampled_from(
    ["", "a", ": 0.5", "[1.0,2]", "ß患", '"\\', "\ud83d", "\U0001f600", "\x7f\n"]
)


def _object(members):
    return "{" + " , ".join(f"{json.dumps(key)} : {value}" for key, value in members.items()) + "}"


JSON = st.recursive(
    st.sampled_from([*NUMBERS, "true", "null"]) | TEXTS.map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(TEXTS, inner, max_size=4).map(_object)
    ),
    max_leaves=12,
)


@given(JSON)
def test_every_number_stays_as_it_was_spelt(source):
    source = f'{{"value": {source}}}'.encode()
    document = content.load_json(source)
    carefully = content.dump_json(document)
    quickly = content.dump_line(document)
    assert content.dump_json(content.load_json(quickly)) == carefully


def test_a_line_is_printed_as_it_was_spelt():
    for number in (*NUMBERS, '"urn:oid:1.2"', '"at 10:1.5"', '"\\ud83d"', '"a\\":1.50"'):
        line = f'{{"value":[{number},{{}},[]]}}'.encode()
        assert content.dump_line(content.load_json(line)) == line
