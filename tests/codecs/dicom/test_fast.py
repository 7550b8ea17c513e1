"""What a data set says without any oddity is read at one glance; whatever needs care is left alone."""

from dataclasses import replace

import pytest
from part10_made import BIG, DEFLATED, EXPLICIT, IMPLICIT, part10_file, plain
from sopstatus import codec, load_tables
from sopstatus.codecs.dicom.fast import Plan, plan
from sopstatus.codecs.part10 import walk as part10
from sopstatus.codecs.part10.window import Window
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.values import context_offset

ROWS = tuple(load_tables().attributes.values())
STATUS, WHEN, COMMENT, NUMBER = ROWS
KEYWORDS = [row.keyword for row in ROWS]
DICOM = codec("dicom")
CHARSET, SOP_CLASS, SOP, OFFSET = 0x00080005, 0x00080016, 0x00080018, 0x00080201
STUDY, SERIES = 0x0020000D, 0x0020000E
IDENTITY = {SOP_CLASS: b"1.9", SOP: b"1.2.3.4", STUDY: b"1.2", SERIES: b"1.2.3"}
VRS = {CHARSET: "CS", OFFSET: "SH"} | dict.fromkeys(IDENTITY, "UI")
VRS |= {row.tag: row.vr for row in ROWS}


def data_set(said, syntax=EXPLICIT, uids=IDENTITY, vrs=VRS):
    """A file of these values by tag, padded as PS3.5 6.2 has it, and of four UIDs."""
    made = []
    for tag, value in sorted({**uids, **said}.items()):
        pad = b"\0" if vrs[tag] == "UI" else b" "
        made.append(plain(tag, vrs[tag], value + pad * (len(value) % 2), syntax))
    return part10_file(*made, syntax=syntax)


def quickly(data, rows=ROWS, holder=""):
    prepared = Plan(rows)
    return prepared.read(part10.walk(Window(data), prepared.walk), holder)


def carefully(data):
    issues = Issues()
    statement = DICOM._open(data).statement(issues)
    return statement, issues


def beside(statement):
    return [context_offset(value) for _, value in statement.attributes]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize(
    "said",
    [
        {},
        {STATUS.tag: b"AO"},
        {STATUS.tag: b"NS", NUMBER.tag: b"C-1"},
        {WHEN.tag: b"20240102030405"},
        {WHEN.tag: b"20240102030405.5-0500 "},
        {WHEN.tag: b"20240102030405.123456+0100", OFFSET: b"-0500"},
        {WHEN.tag: b"20240102030405", OFFSET: b"-0500"},
        {WHEN.tag: b"20240102030405.123456", OFFSET: b"+0100"},
        {OFFSET: b"+0100"},
        {OFFSET: b"+0100\0"},
        {COMMENT.tag: b" words of several\\values, in the end one"},
        {COMMENT.tag: b"x" * 10240},
        {NUMBER.tag: b"x" * 64},
        {NUMBER.tag: b" C-1  "},
        {CHARSET: b"ISO_IR 192", STATUS.tag: b"AC", WHEN.tag: b"20240102030405", COMMENT.tag: b"x"},
    ],
    ids=repr,
)
def test_read_at_once(said, syntax):
    data = data_set(said, syntax)
    quick, (careful, issues) = quickly(data), carefully(data)
    assert quick == careful
    assert quick.sop_class_uid == careful.sop_class_uid == "1.9"
    assert beside(quick) == beside(careful)
    assert [keyword for keyword, _ in quick.attributes] == sorted(
        row.keyword for row in ROWS if row.tag in said
    )
    assert not issues


@pytest.mark.parametrize(
    "said",
    [
        {STATUS.tag: b""},
        {STATUS.tag: b"QQ"},
        {STATUS.tag: b"ao"},
        {STATUS.tag: b"AO\\AC"},
        {STATUS.tag: b" AO "},
        {STATUS.tag: b"AO\0\0"},
        {STATUS.tag: b"A\xd6"},
        {WHEN.tag: b""},
        {WHEN.tag: b"20240102"},
        {WHEN.tag: b"20240230030405"},
        {WHEN.tag: b"20161231235960"},
        {WHEN.tag: b"20240102030405.1234567"},
        {WHEN.tag: b"20240102030405-0000"},
        {WHEN.tag: b"yesterday"},
        {OFFSET: b"0100"},
        {OFFSET: b"-0000"},
        {OFFSET: b"+0100\\-0500"},
        {OFFSET: b"\xd60100"},
        {OFFSET: b"+0100X"},
        {COMMENT.tag: b""},
        {COMMENT.tag: b"  "},
        {COMMENT.tag: b"a\x07b"},
        {COMMENT.tag: b"a\nb"},
        {COMMENT.tag: "é".encode()},
        {COMMENT.tag: b"x" * 10241},
        {NUMBER.tag: b"a\\b"},
        {NUMBER.tag: b"x" * 65},
    ],
    ids=repr,
)
def test_read_with_care(said):
    good = {STATUS.tag: b"AO", WHEN.tag: b"20240102030405", NUMBER.tag: b"C"}
    assert quickly(data_set(good)) is not None
    assert quickly(data_set(good | said)) is None


@pytest.mark.parametrize("tag", IDENTITY)
@pytest.mark.parametrize(
    "uid", [b"", b"1.02", b"1", b"1.2\\1.3", b"1." + b"2" * 63, b" 1.2", b"1.2\n"]
)
def test_each_uid_is_legal_or_it_is_left_alone(tag, uid):
    assert quickly(data_set({}, uids={**IDENTITY, tag: uid})) is None
    assert quickly(data_set({}, uids={t: v for t, v in IDENTITY.items() if t != tag})) is None


@pytest.mark.parametrize("tag", IDENTITY)
def test_a_uid_has_64_characters_at_most(tag):
    longest = b"1." + b"2" * 62
    found = quickly(data_set({}, uids={**IDENTITY, tag: longest}))
    uids = [found.study_instance_uid, found.series_instance_uid]
    uids += [found.sop_class_uid, found.sop_instance_uid]
    want = {**IDENTITY, tag: longest}
    assert uids == [want[t].decode() for t in (STUDY, SERIES, SOP_CLASS, SOP)]


def test_old_padding_of_a_uid_is_no_oddity():
    for pad in (b" ", b"\0"):
        assert (
            quickly(data_set({}, uids={**IDENTITY, SOP: b"1.2.3" + pad})).sop_instance_uid
            == "1.2.3"
        )


def test_the_holder_is_the_caller_s():
    assert quickly(data_set({STATUS.tag: b"AO"}), holder="PACS1").holder == "PACS1"


def test_a_term_of_odd_length_is_padded_with_one_blank():
    odd = replace(STATUS, displays={"ODD": "Odd", "EVEN": "Even"})
    for value, read in ((b"ODD", "ODD"), (b"EVEN", "EVEN"), (b"EVEN  ", None), (b"ODD\0", None)):
        found = quickly(data_set({STATUS.tag: value}), (odd,))
        assert (found[STATUS.keyword] if found else None) == read


def test_a_vr_without_a_limit_has_none():
    row = replace(COMMENT, vr="UT", tag=0x01000412)
    assert "UT" not in {STATUS.vr, WHEN.vr, COMMENT.vr, NUMBER.vr}
    text = b"\0\1\x12\4UT\0\0" + (20_000).to_bytes(4, "little") + b"x" * 20_000
    found = quickly(data_set({}) + text, (row,))
    assert found.attributes == ((row.keyword, "x" * 20_000),)


def test_what_is_looked_for():
    """The rows and what stands beside them; inside sequences and private blocks, traces of the rows."""
    walk = Plan(ROWS, (0x00100020,)).walk
    tags = [row.tag for row in ROWS]
    assert walk.tags == tuple(sorted([CHARSET, OFFSET, *IDENTITY, 0x00100020, *tags]))
    assert walk.nested == set(tags)
    assert walk.creator == (0x0029, b"MMCPrivate")
    assert plan(ROWS, (0x00100020,)).walk.tags == walk.tags
    assert 0x00100020 not in plan(ROWS).walk.tags
    assert plan(ROWS) is plan(ROWS)
