"""How the gateway prints what it answers: the quick printer and the one that keeps spellings."""

import json

from hypothesis import given
from hypothesis import strategies as st
from sopstatus.documents import content
from sopstatus.engines.gateway import settings

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
    quickly = settings.printed(document, source)
    assert content.dump_json(content.load_json(quickly)) == carefully


def test_only_what_is_without_decimals_is_printed_quickly():
    for number in NUMBERS:
        source = f'{{"value": {number}}}'.encode()
        quick = b"\n" not in settings.printed(content.load_json(source), source)
        assert quick == (number in ("0", "1", "-12", "90071992547409931"))
    for text in ("urn:oid:1.2", "at 10:1.5"):
        source = json.dumps({"value": text}).encode()
        assert b"\n" not in settings.printed(content.load_json(source), source)
