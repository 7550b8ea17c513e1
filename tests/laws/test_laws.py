"""The six laws of every codec (architecture: put-get, get-put, frame, idempotent, absent, total)."""

import copy
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sopstatus import DocumentError, Result

from laws.formats import FORMATS
from laws.strategies import statements, with_a_repeated_member


def each_format(law):
    """Run a law over every format; one that stands on another's code takes fewer examples."""

    @pytest.mark.parametrize("name", sorted(FORMATS))
    def test(name):
        def one(data):
            law(name, data)

        one.__name__ = f"{law.__name__}_{name}".replace(
            "-", "_"
        )  # repeatable examples are chosen by the name
        wanted = int(os.environ.get("LAW_EXAMPLES") or settings.default.max_examples)
        most = min(wanted, FORMATS[name].examples)
        settings(max_examples=most)(given(data=st.data())(one))()

    return test


def by_identity(found):
    """Statements by identity; contradictions within a document stay lists."""
    table = {}
    for x in found:
        table.setdefault((x.sop_instance_uid or x.identity[:2], x.holder), []).append(x.attributes)
    return table


def draw_case(data, name):
    """Draw a document of the format and statements that it can carry."""
    under = FORMATS[name]
    document = data.draw(under.documents)
    wide = under.wide and not (
        isinstance(document.content, dict)
        and document.content["resourceType"] == "ImagingSelection"
    )
    xs = data.draw(statements(document.known, holders=document.holders, wide=wide))
    if under.single:
        xs = [under.fit(x) for x in xs[:1]]
    return under, document.content, xs


@each_format
def test_put_get(name, data):
    under, document, xs = draw_case(data, name)
    before = by_identity(under.codec.decode(document).value)
    got = by_identity(under.codec.decode(under.codec.encode(xs, document).value).value)
    assert got == before | by_identity(xs)


@each_format
def test_get_put(name, data):
    under, document, _ = draw_case(data, name)
    found = under.codec.decode(document)
    assert under.codec.encode(found.value, document).value == document
    assert under.codec.read(document) == (found, under.codec.instances(document))


@each_format
def test_frame(name, data):
    under, document, xs = draw_case(data, name)
    assert under.frame(under.codec.encode(xs, document).value) == under.frame(document)


@each_format
def test_idempotent_and_not_mutating(name, data):
    under, document, xs = draw_case(data, name)
    kept = copy.deepcopy(document)
    once = under.codec.encode(xs, document).value
    assert under.codec.encode(xs, once).value == once
    assert document == kept


@each_format
def test_absent_stays_absent(name, data):
    under, document, xs = draw_case(data, name)
    assert under.codec.encode((), document).value == document
    said = {x.identity: dict(x.attributes) for x in under.codec.decode(document).value}
    emptied = [
        type(x)(*x.identity[:2], "", *x.identity[2:]) for x in under.codec.decode(document).value
    ]
    bare = under.codec.encode(emptied, document).value
    assert not under.codec.decode(bare).value
    for x in under.codec.decode(under.codec.encode(xs, bare).value).value:
        assert set(dict(x.attributes).items()) <= {p for y in xs for p in y.attributes}
    assert said == {x.identity: dict(x.attributes) for x in under.codec.decode(document).value}


@each_format
def test_total(name, data):
    """Damaged documents give a result or a `DocumentError`, and nothing else."""
    under, document, xs = draw_case(data, name)
    damaged = _damage(data, document)
    try:
        found = under.codec.decode(damaged)
        written = under.codec.encode(xs, damaged)
    except DocumentError as error:
        assert error.issues
        return
    assert isinstance(found, Result)
    assert isinstance(written, Result)


@settings(max_examples=min(settings.default.max_examples, 300))
@given(data=st.data())
def test_a_repeated_member_is_refused(data):
    """FHIR as text in which a member stands twice, at any place: refused, and nothing is dropped."""
    under, document, xs = draw_case(data, "fhir")
    codec = under.codec
    once, twice = data.draw(with_a_repeated_member(document))
    spelt = data.draw(st.sampled_from([str, str.encode, "\ufeff".__add__]))
    assert codec.read(spelt(once)) == codec.read(document)
    text = spelt(twice)
    for step in (codec.decode, codec.instances, lambda text: codec.encode(xs, text)):
        with pytest.raises(DocumentError) as error:
            step(text)
        assert [issue.code for issue in error.value.issues] == ["document/repeated-member"]


def _damage(data, document):
    if isinstance(document, str):
        document = document.encode()
    if isinstance(document, bytes):
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(document)))
            end = data.draw(st.integers(start, min(len(document), start + 40)))
            document = document[:start] + data.draw(st.binary(max_size=12)) + document[end:]
        return document
    if isinstance(document, dict | list):
        return _damage_json(data, document, 0)
    damaged = copy.deepcopy(document)
    for tag in data.draw(st.lists(st.sampled_from([e.tag for e in damaged]), max_size=4)):
        damaged.pop(tag, None)
    return damaged


def _damage_json(data, node, depth):
    choice = data.draw(st.integers(0, 12 - min(depth, 8)))
    if choice == 0:
        return data.draw(st.sampled_from([None, 1, "x", [], {}, [None], [[]], {"url": 1}, True]))
    if isinstance(node, dict) and node:
        key = data.draw(st.sampled_from(sorted(node)))
        return {**node, key: _damage_json(data, node[key], depth + 1)}
    if isinstance(node, list) and node:
        index = data.draw(st.integers(0, len(node) - 1))
        return [*node[:index], _damage_json(data, node[index], depth + 1), *node[index + 1 :]]
    return node
