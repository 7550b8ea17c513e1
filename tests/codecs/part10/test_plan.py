"""What a run passes at one glance, and what it stops at for the walker to look."""

import pytest
from part10_made import EXPLICIT, IMPLICIT, plain
from sopstatus.codecs.part10.plan import DEPTH, LONG, META, SHORT, Plan

STATUS, COMMENT, CREATOR = 0x01000410, 0x01000424, 0x00290010
PLAN = Plan([COMMENT, STATUS, STATUS], [STATUS], (0x0029, b"MMCPrivate"))
UNDEFINED = b"\xff\xff\xff\xff"
START, END = b"\xfe\xff\x00\xe0" + UNDEFINED, b"\xfe\xff\x0d\xe0" + bytes(4)
SEQUENCE_END = b"\xfe\xff\xdd\xe0" + bytes(4)
SYNTAXES = [EXPLICIT, IMPLICIT]
NAME = 0x00100010


def runs(syntax, plan=PLAN):
    return plan.implicit if syntax == IMPLICIT else plan.explicit


def sequence(*items, syntax=EXPLICIT, tag=0x00081140):
    head = plain(tag, "SQ", b"", syntax)[:4] + (b"" if syntax == IMPLICIT else b"SQ\0\0")
    return head + UNDEFINED + b"".join(START + i + END for i in items) + SEQUENCE_END


def passed(run, *elements):
    """How many of the elements a run passes; it never ends inside one."""
    end = run(b"#" + b"".join(elements), 1).end() - 1
    ends = [len(b"".join(elements[:n])) for n in range(len(elements) + 1)]
    return ends.index(end)


def marked(run, *elements):
    """The elements that a run ends behind, if they are to be kept or told of."""
    match = run(b"#" + b"".join(elements), 1)
    return [found for found in match.groups() if found is not None]


# --- what a plan looks for -----------------------------------------------------------------------


def test_what_is_wanted():
    assert PLAN.tags == (STATUS, COMMENT)
    assert PLAN.last == COMMENT
    assert PLAN.wanted == {STATUS, COMMENT}
    assert PLAN.groups == {0x01000000, STATUS, COMMENT}
    assert PLAN.nested == {STATUS}
    many = Plan([0x0020000D, 0x01000410, 0x0020000E])
    assert many.groups == {0x00200000, 0x0020000D, 0x0020000E, 0x01000000, 0x01000410}
    assert (many.nested, many.creator, many.name) == (frozenset(), None, b"")
    assert (PLAN.creator, PLAN.name) == ((0x0029, b"MMCPrivate"), b"MMCPrivate")


def test_private_creators_are_the_elements_10_to_ff_of_an_odd_group():
    """PS3.5 7.8.1."""
    assert list(PLAN.creators) == list(range(0x00290010, 0x00290100))
    assert not Plan([STATUS]).creators


def test_marks_are_how_wanted_elements_begin():
    tags = {b"\0\1\x10\4": STATUS, b"\0\1\x24\4": COMMENT}
    marks = {head: (tag, "") for head, tag in tags.items()}
    marks |= {head + vr: (tag, vr.decode()) for head, tag in tags.items() for vr in SHORT}
    assert PLAN.marks == marks
    assert set(Plan([STATUS], (), (0x0029, b"X")).marks.values()) == {
        (STATUS, ""),
        *((STATUS, vr.decode()) for vr in SHORT),
    }


def test_a_trace_is_sought_in_both_byte_orders():
    little, big = PLAN.occurs
    for data, found in (
        (b"xx\0\1\x10\4xx", (2, None)),
        (b"x\1\0\4\x10", (None, 1)),
        (b"\0\1", None),
    ):
        at = [search(data, 0, len(data)) for search in (little, big)]
        assert [m and m.start() for m in at] == list(found or (None, None))
    assert little(b"\0\1\x10\4", 1, 4) is None
    several = Plan([STATUS], [COMMENT, 0x2E2A2E2A]).occurs[0]  # in a pattern "*.*." would be any
    assert several(b"..*.*.", 0, 6).start() == 2
    assert several(b"\0\1\x24\4", 0, 4)
    assert several(b"\0\1\x10\4", 0, 4) is None
    assert not any(search(b"", 0, 0) for search in Plan([STATUS]).occurs)


# --- runs at the top level -----------------------------------------------------------------------


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_short_elements_before_the_last_group_are_passed(syntax):
    top = runs(syntax).top
    parts = [plain(tag, "CS", b"AO", syntax) for tag in (0x00080005, 0x0008FFFE, NAME, 0x00FFFFFF)]
    assert passed(top, *parts) == 4
    assert passed(top) == 0
    for tag in (0x01000000, 0x01000411, 0x01010410, 0x02000010, 0x7FE00010, 0xFFFEE000):
        assert passed(top, *parts, plain(tag, "CS", b"AO", syntax)) == 4


@pytest.mark.parametrize(
    "last", [0x00010010, 0x00080018, 0x00FF0010, 0x01000410, 0x01010010, 0x5B5D0010]
)
def test_of_the_last_group_a_run_passes_what_is_wanted(last):
    top = Plan([last]).explicit.top
    group = last >> 16
    for before in {0, 1, 2, 3, group - 1, group & 0xFF00, max(group - 256, 0), 0x00FF} - {group}:
        expected = int(before < group and before not in (0, 2))
        assert passed(top, plain(before << 16 | 0x10, "CS", b"AO")) == expected
    for behind in {group + 1, group + 255, group + 256, group | 0xFF, 0xFFFF} - {group}:
        assert passed(top, plain(behind << 16 | 0x10, "CS", b"AO")) == 0
    assert passed(top, plain(last, "CS", b"AO"), plain(last + 1, "CS", b"AO")) == 1


def test_before_group_0_there_is_none():
    top = Plan([0x00000010]).explicit.top
    for group in (0, 1, 0x0100, 0xFFFF):
        assert passed(top, plain(group << 16 | 0x0B, "CS", b"AO")) == 0
    assert passed(top, plain(0x00000010, "CS", b"AO")) == 1
    assert passed(top, b"\0\0CS\2\0AO") == 0  # what would be an element, two bytes on


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_run_passes_values_of_up_to_64_bytes(syntax):
    for run in (runs(syntax).top, runs(syntax).item):
        for size in range(0, 70):
            element = plain(NAME, "PN", b"\n" * size, syntax)
            assert passed(run, element, element) == (2 if size <= 64 and size % 2 == 0 else 0)
            if size:
                assert run(element[:-1], 0).end() == 0
        for size in (256, 0x0102, 0x4000):
            assert passed(run, plain(NAME, "PN", b"x" * size, syntax)) == 0


def test_a_run_in_explicit_vr_passes_the_vrs_of_a_short_length():
    for run in (PLAN.explicit.top, PLAN.explicit.item):
        for vr in SHORT:
            assert passed(run, plain(NAME, vr.decode(), b"AB")) == 1
        for vr in (*LONG, b"ZZ", b"cs", b"\0\0", b"C\n"):
            assert passed(run, plain(NAME, vr.decode(), b"AB")) == 0


def test_what_may_be_a_sequence_in_implicit_vr_is_looked_at():
    item = b"\xfe\xff\x00\xe0" + bytes(4)
    for run in (PLAN.implicit.top, PLAN.implicit.item):
        assert passed(run, plain(NAME, "", item, IMPLICIT)) == 0
        assert passed(run, plain(NAME, "", b"xx" + item, IMPLICIT)) == 1
        assert passed(run, plain(NAME, "", item[:3] + b"\0" + bytes(4), IMPLICIT)) == 1
    assert passed(PLAN.explicit.top, plain(NAME, "OB", item), plain(NAME, "UN", item)) == 0
    assert passed(PLAN.explicit.top, plain(NAME, "LO", item)) == 1


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_run_stops_at_a_sequence(syntax):
    for one in (sequence(syntax=syntax), sequence(b"", syntax=syntax)):
        assert passed(runs(syntax).top, plain(0x00080005, "CS", b"AO", syntax), one) == 1


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_run_ends_behind_marks_that_follow_each_other(syntax):
    top = runs(syntax).top
    name, status, comment = (plain(tag, "LO", b"AO", syntax) for tag in (NAME, STATUS, COMMENT))
    assert marked(top, name, status, comment) == [status, comment]
    assert marked(top, name, comment, status) == [comment, status]
    assert marked(top, status, status) == [status, status]  # each occurrence is seen
    assert marked(top, status, name, comment) == [status]
    assert marked(top, name, status, comment[:-1]) == [status]
    assert marked(top, *[status] * 6) == [status] * 4
    assert marked(top, name) == []
    ends = (name, status, comment, name), (status, name, status), [status] * 6
    assert [passed(top, *parts) for parts in ends] == [3, 1, 4]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_private_creator_is_marked_by_how_it_begins(syntax):
    top = runs(syntax).top
    for number in (0x10, 0x1A, 0x5D, 0xFF):
        for name in (b"MMCPrivate", b"MMCPrivate  "):
            creator = plain(0x00290000 | number, "LO", name, syntax)
            assert marked(top, creator) == [creator]
            assert passed(top, creator) == 1
    for tag, name in (
        (0x0029000F, b"MMCPrivate"),
        (0x00291010, b"MMCPrivate"),
        (0x00290110, b"MMCPrivate"),
        (0x002B0010, b"MMCPrivate"),
        (0x00290010, b"mmcprivate"),
        (0x00290010, b"xMMCPrivate "),
    ):
        assert marked(top, plain(tag, "LO", name, syntax)) == []
        assert passed(top, plain(tag, "LO", name, syntax)) == 1


def test_the_name_of_a_creator_is_no_pattern():
    top = Plan([STATUS], (), (0x0029, b"A.C*")).explicit.top
    creator, other = (plain(CREATOR, "LO", name) for name in (b"A.C*", b"ABCC"))
    assert (marked(top, creator), marked(top, other)) == ([creator], [])


# --- runs inside sequences -----------------------------------------------------------------------


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_inside_an_item_a_run_passes_what_is_not_nested(syntax):
    item = runs(syntax).item
    first = plain(NAME, "PN", b"A^", syntax)
    assert passed(item, first, plain(0x7FE00010, "US", b"AO", syntax)) == 2
    assert passed(item, first, plain(COMMENT, "LT", b"AO", syntax)) == 2
    assert passed(item, first, plain(STATUS, "CS", b"AO", syntax)) == 1
    for other in (0x01000411, 0x01000510, 0x02000410):
        assert passed(item, first, plain(other, "CS", b"AO", syntax)) == 2
    assert passed(item, first, END) == 1
    anything = runs(syntax, Plan([STATUS])).item
    assert passed(anything, first, plain(STATUS, "CS", b"AO", syntax), END) == 2
    odd = runs(syntax, Plan([STATUS], [0x2E2A2E2A])).item  # in a pattern "*.*." would be any
    assert passed(odd, first, plain(0x2E2A2E2A, "CS", b"AO", syntax)) == 1


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_runs_follow_sequences_so_deep(syntax):
    quiet = one = plain(NAME, "PN", b"A^", syntax)
    for levels in range(DEPTH + 2):
        wanted = 2 if levels < DEPTH else 0
        assert passed(runs(syntax).item, one, one) == wanted
        items = START + one + END
        assert passed(runs(syntax).sequence, items, items) == wanted
        one = sequence(quiet + one, b"", syntax=syntax)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_nested_deeper_stops_a_run_before_its_sequence(syntax):
    status = plain(STATUS, "CS", b"AO", syntax)
    quiet = plain(NAME, "PN", b"A^", syntax)
    for inside in (status, sequence(status, syntax=syntax)):
        one = sequence(quiet, quiet + inside, syntax=syntax)
        assert passed(runs(syntax).item, quiet, one) == 1
        assert passed(runs(syntax).sequence, START + quiet + END, START + one + END) == 1


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_nested_tag_that_is_a_sequence_stops_a_run(syntax):
    quiet = plain(NAME, "PN", b"A^", syntax)
    one = sequence(quiet, syntax=syntax, tag=STATUS)
    other = sequence(quiet, syntax=syntax, tag=STATUS + 1)
    assert passed(runs(syntax).item, other, one) == 1


def test_a_run_over_items_ends_where_the_sequence_does():
    run = PLAN.explicit.sequence
    assert passed(run, START + END, START + END, SEQUENCE_END) == 2
    assert passed(run, SEQUENCE_END) == 0
    length = b"\xfe\xff\x00\xe0" + b"\4\0\0\0" + b"abcd"
    assert passed(run, START + END, length) == 1  # of a defined length: the walker's
    assert passed(run, START + plain(NAME, "PN", b"A^")) == 0


# --- meta information ----------------------------------------------------------------------------


def test_meta_information_is_passed_and_its_transfer_syntax_marked():
    version = b"\2\0\1\0OB\0\0\2\0\0\0\0\1"
    length = plain(0x00020000, "UL", b"\0\0\0\0")
    syntax = plain(0x00020010, "UI", b"1.2\0")
    data = length + version + syntax + plain(0x00020012, "UI", b"1.3\0")
    match = META(b"#" + data + plain(0x00080005, "CS", b"AO"), 1)
    assert match.end() == 1 + len(data)
    assert match.start(1) == 1 + len(length) + len(version) + 4
    assert META(length + version, 0).start(1) == -1
    for odd in (
        b"\2\0\1\0OB\0\0\4\0\0\0\0\1\0\0",
        b"\2\0\1\0UN\0\0\2\0\0\0\0\1",
        b"\2\1\0\0UI\0\0",
    ):
        assert META(length + odd, 0).end() == len(length)
    assert META(b"", 0).end() == 0
