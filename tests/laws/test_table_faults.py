"""Law 6 for the table loader: a legal table, damaged in any way, loads or is refused with a place."""

import copy
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sopstatus import TableError, load_tables
from sopstatus.table import lint
from sopstatus.table.language import PROFILE_FILE

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
LEGAL = {
    path.name: path.read_text("utf-8")
    for path in sorted(MAPPINGS.glob("*.toml"))
    if path.name != PROFILE_FILE  # which a site's folder may not hold
}

WORDS = st.sampled_from(
    [
        *("", " ", "x", "Q C", "ZDS", "PID", "CS", "LO", "DTM", "CWE", "code", "AO", "A" * 99),
        *("0100,0410", "0028,0300", "SOPInstanceStatus", "status", "holder", "verbatim", "#"),
        *("ImagingStudy", "urn:x", "defined", "患", "\n", '"', "name", "+0100", "٣"),
    ]
)
VALUES = st.recursive(
    st.one_of(
        WORDS,
        st.booleans(),
        st.integers(-2, 12),
        st.sampled_from([0.5, 10**20, float("nan")]),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)


def written(node):
    """Write a value as TOML on one line."""
    if isinstance(node, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {written(v)}" for k, v in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(written, node)) + "]"
    return str(node) if isinstance(node, float) else json.dumps(node, ensure_ascii=False)


def places(node):
    """Yield every (container, key) below a node."""
    if isinstance(node, dict | list):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            yield node, key
            yield from places(value)


@st.composite
def damaged_structures(draw):
    """TOML that is well formed: keys dropped, renamed or added; values of another type, swapped."""
    data = tomllib.loads(LEGAL[draw(st.sampled_from(sorted(LEGAL)))])
    for _ in range(draw(st.integers(1, 3))):
        every = list(places(data))
        if not every:
            break
        node, key = draw(st.sampled_from(every))
        what = draw(st.sampled_from(["drop", "rename", "replace", "swap", "double"]))
        if what == "drop":
            del node[key]
        elif what == "rename" and isinstance(node, dict):
            node[draw(WORDS)] = node.pop(key)
        elif what == "swap":
            other, there = draw(st.sampled_from(every))
            node[key], other[there] = copy.deepcopy(other[there]), copy.deepcopy(node[key])
        elif what == "double" and isinstance(node, list):
            node.append(copy.deepcopy(node[key]))
        else:
            node[key] = draw(VALUES)
    return "".join(f"{json.dumps(key)} = {written(value)}\n" for key, value in data.items())


@st.composite
def damaged_texts(draw):
    """The text of a legal table with lines dropped, doubled and moved, and with odd pieces in it."""
    text = LEGAL[draw(st.sampled_from(sorted(LEGAL)))]
    lines = text.splitlines()
    for _ in range(draw(st.integers(0, 3))):
        line = lines.pop(draw(st.integers(0, len(lines) - 1)))
        for _ in range(draw(st.integers(0, 2))):
            lines.insert(draw(st.integers(0, len(lines))), line)
    text = "\n".join(lines) + "\n"
    for _ in range(draw(st.integers(0, 3))):
        heads = [0, *(i + 1 for i, c in enumerate(text) if c == "\n")]
        start = draw(st.one_of(st.sampled_from(heads), st.integers(0, len(text))))
        end = draw(st.one_of(st.just(start), st.integers(start, min(start + 30, len(text)))))
        piece = draw(
            st.sampled_from(
                [
                    *('"', '"""', "'''", "[", "]", "[[", "[ ]\n", "{", "}", "=", ".", ",", "\\"),
                    *("#", "\n", "\r", "\0", "\ufeff", "0100,0410", "[a]\n", "[[attribute]]\n"),
                    *("x = [\n[ ]\n]\n", "x = [\n[{}]\n]\n", '[""]\n', "[attribute.codes]\n"),
                    *("x = " + "1" * 5000 + "\n", "x = " + "[" * 3000, "[" + " " * 3000 + "]\n"),
                    *("attribute = 1\n", "2024-01-01", "inf", "0x1", "\x85", "\u2028"),
                ]
            )
        )
        text = text[:start] + piece + text[end:]
    return text


def loads_or_says_where(folder, name, text):
    """Load, hold the loader's word against lint's, and return the refusal, if any."""
    data = text.encode("utf-8", "surrogatepass")
    (folder / name).write_bytes(data)
    found = lint(folder)
    try:
        tables = load_tables(folder)
    except TableError as error:
        assert found
        assert 1 <= error.line <= len(text.splitlines()) + 1
        assert error.message
        return error
    assert not found
    for row in tables.attributes.values():
        assert all(row.from_hl7[spelling] == term for term, spelling in row.to_hl7.items())
        assert all(row.from_fhir[spelling] == term for term, spelling in row.to_fhir.items())
    return None


each_name = pytest.mark.parametrize("name", ["table.toml", "site.toml"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@each_name
@given(text=damaged_structures())
def test_a_damaged_structure(folder, name, text):
    for old in folder.iterdir():
        old.unlink()
    loads_or_says_where(folder, name, text)


@each_name
@given(text=damaged_texts())
def test_a_damaged_text(folder, name, text):
    for old in folder.iterdir():
        old.unlink()
    loads_or_says_where(folder, name, text)


@pytest.mark.parametrize("name", sorted(LEGAL))
def test_the_writer_keeps_a_legal_table_legal(tmp_path, name):
    data = tomllib.loads(LEGAL[name])
    text = "".join(f"{json.dumps(key)} = {written(value)}\n" for key, value in data.items())
    assert tomllib.loads(text) == data
    assert loads_or_says_where(tmp_path, name, text) is None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("y = 1\nx = " + "1" * 5000 + "\n", 2, "thousands of digits"),
        ("x = [\n[ ]\n]\n", 1, "unknown key"),
        ("x = [\n[{}]\n]\n", 1, "unknown key"),
        ("x = [\n[" + " " * 20_000 + "],\n]\n", 1, "unknown key"),  # quick, not 20,000 squared
        ("x = " + "[" * 20_000, 1, "nested too deeply"),
        ('"a".' * 3000 + "a = 1", 1, "nested too deeply"),  # it ended a browser's Python
    ],
    ids=["digits", "blank-array", "array-of-tables", "blanks", "deep", "deep-keys"],
)
def test_what_once_escaped_or_took_too_long(tmp_path, text, line, words):
    refusal = loads_or_says_where(tmp_path, "table.toml", text)
    assert (refusal.line, words in refusal.message) == (line, True)


def test_a_folder_that_is_called_like_a_table(tmp_path):
    (tmp_path / "table.toml").mkdir()
    with pytest.raises(TableError, match="cannot be read"):
        load_tables(tmp_path)
