"""Every quick road gives what the road that looks at everything gives."""

import copy
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fuzz.test_crashers import CRASHERS
from hypothesis import given
from hypothesis import strategies as st
from laws.formats import FORMATS
from laws.strategies import attributes, date_times, statements
from roads import result
from samples_of import CASES, sample
from sopstatus import DocumentError, SOPInstance, codec, plain
from sopstatus.acknowledge import acknowledge, negative
from sopstatus.codecs.fhir import elements as fhir_elements
from sopstatus.codecs.fhir import extension as fhir_extension
from sopstatus.codecs.fhir import fast as fhir_plan
from sopstatus.codecs.hl7 import codec as hl7_codec
from sopstatus.codecs.hl7 import fast as hl7_plan
from sopstatus.codecs.hl7 import fast_append as hl7_append
from sopstatus.codecs.hl7 import outline
from sopstatus.model import Issue

LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
PIECES = st.sampled_from(
    b"MSH|^~\\&| MSH ZDS| ZDS ZDS=| OBR|1 OBR2|1 ORC| PID BHS| IPC OBX| \r \r \r \x0b \x1c \xef\xbb\xbf a |".split(
        b" "
    )
)


def plain_messages(document):
    """The messages of a document, cut line by line: the names and spans of their segments."""
    found = []
    for match in LINE.finditer(document):
        start, end = match.span(1)
        while start < end and document[start] in b"\x0b\x1c":
            start += 1
        while end > start and document[end - 1] in b"\x0b\x1c":
            end -= 1
        if document.startswith(b"\xef\xbb\xbfMSH", start):  # each message may begin with one
            start += 3
        if start < end:
            name = document[start : start + 3]
            if name == b"MSH" and end - start > 3:
                found.append([])
            if found:
                found[-1].append((name.decode("latin-1"), start, end, match.end()))
    return found


@given(st.lists(PIECES, max_size=12).map(b"".join), st.sampled_from([b"\r", b"\n", b"\r\n"]))
def test_segments_are_found_where_lines_begin(document, end):
    """What ends the MSH ends every segment; LF in a message that ends in CR has its own tests."""
    document = document.replace(b"\r", end)
    found = outline.messages(document, "", ("ZDS",))
    assert [list(map(tuple, m.segments)) for m in found] == plain_messages(document)
    for m, lines in zip(found, plain_messages(document), strict=True):
        for name in ("ZDS", "OBR", "ZZZ"):
            told = [tuple(segment) for _, segment in outline.numbered(m, name)]
            separator = document[lines[0][1] + 3 : lines[0][1] + 4]
            assert told == [
                line
                for line in lines
                if line[0] == name
                and (document[line[1] + 3 : line[2]][:1] or separator) == separator
            ]


MSH = (
    b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|77|P|2.5.1",
    b"MSH|^~\\&|A|B|C|D|2024||ACK|7|P|2.3|||AL|NE||",
)
CHARSETS = (
    b"",
    b"\xe9",
    b"||||||UTF-8",
    b"||||||8859/1",
    b"||||||NONE SUCH",
    b"||||||ISO IR87",
    b"|\x1c",
)


@given(
    st.sampled_from(MSH), st.sampled_from(CHARSETS), st.lists(PIECES, max_size=6).map(b"".join), st.booleans()
)  # fmt: skip
def test_an_acknowledgment_is_the_same_where_the_header_is_all_that_is_read(
    head, more, rest, error
):
    document = head + more + b"\r" + rest
    issues = [Issue("error", "value/unknown-term", "ZDS[1]-5", "x")] if error else []
    fixed = {"time": "20240102030405", "control_id": "A1"}
    fault = DocumentError(*issues or [Issue("fatal", "document/empty", "", "x")])

    def answers():
        return (
            acknowledge(document, issues, **fixed),
            acknowledge(document, issues, accept=True, **fixed),
            negative(document, fault, **fixed),
        )

    quick = answers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outline, "only_header", lambda _: None)
        assert answers() == quick
    if (item := outline.only_header(document)) is not None:
        (slow,) = outline.messages(document)
        assert item.header == slow.header


def test_the_header_alone_is_read_of_an_ordinary_message():
    document = MSH[0] + b"\rPID|1||4711||DOE^JANE\rZDS|1.2.3|||1.2.3.4|AO\r"
    assert outline.only_header(document) is not None
    for odd in (
        document + document,
        document + b"\n",
        b"\x0b" + document,
        MSH[0],
        document + b"\x00",
    ):
        assert outline.only_header(odd) is None


@pytest.fixture
def slow(monkeypatch):
    """Return what calls a function with every quick road closed."""

    def closed(call, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(hl7_plan.Plan, "reader", lambda *_: None)
            patch.setattr(hl7_plan.Plan, "write", lambda *_: None)
            patch.setattr(hl7_codec, "appended", lambda *_: None)
            patch.setattr(fhir_plan.Plan, "read", lambda *_: None)
            patch.setattr(fhir_extension, "writer", lambda _: lambda _: None)
            patch.setattr(fhir_elements, "_plain_uids", lambda _: None)
            return result(call, *arguments)

    return closed


def agree(under, document, xs, slow):
    for call, *arguments in (
        (under.decode, document),
        (under.instances, document),
        (under.encode, xs, document),
        *((under.encode, [x], document) for x in xs),
    ):
        assert result(call, *arguments) == slow(call, *arguments)


@pytest.mark.parametrize("name", ["hl7", "fhir"])
def test_documents_that_the_laws_draw(name, slow):
    under = FORMATS[name]

    @given(st.data())
    def agrees(data):
        document = data.draw(under.documents)
        xs = data.draw(statements(document.known, holders=document.holders))
        kept = copy.deepcopy(document.content)
        agree(under.codec, document.content, xs, slow)
        assert document.content == kept
        full = under.codec.encode(xs, document.content).value
        agree(under.codec, full, [_other(data, x) for x in xs], slow)

    agrees()


def _other(data, x):
    return type(x)(*x.identity[:2], x.sop_class_uid, *x.identity[2:], data.draw(attributes()))


@pytest.mark.parametrize("name", ["hl7", "fhir"])
@pytest.mark.parametrize("case", CASES)
def test_samples(name, case, slow):
    under, document = codec(name), sample(case, name)
    xs = [x for other in CASES for x in under.decode(sample(other, name)).value]
    agree(under, document, xs, slow)


@pytest.mark.parametrize("path", [p for p in CRASHERS if p.parent.name == "hl7"], ids=str)
def test_crashers(path, slow):
    agree(codec("hl7"), Path(path).read_bytes(), [], slow)


def test_the_quick_roads_are_taken():
    """They read and write the plainest sample, so that the tests above compare two things."""
    document = sample("authorized-original", "hl7")
    (x,) = codec("hl7").decode(document).value
    (message,) = outline.messages(document, "", ("ZDS",))
    rows = codec("hl7").tables.segments
    plan = hl7_plan.plan("ZDS", rows["ZDS"], message.delimiters)
    ((_, span),) = outline.numbered(message, "ZDS")
    raw = document[span.start : span.end]
    assert plan.reader(message)(span.start) == x
    bare = document.replace(raw + b"\r", b"")
    assert plan.write(x, message) == raw
    assert hl7_append.appended(bare, x, rows)
    study = sample("authorized-original", "fhir")
    instance = study["series"][0]["instance"]
    assert fhir_elements._plain_uids(instance)
    group = codec("fhir").tables.groups[0]
    (extension,) = instance[0]["extension"]
    assert fhir_plan.plan(group).read(extension) == (x.attributes, x.holder)


@given(st.from_regex(plain._DT.pattern, fullmatch=True) | date_times())
def test_a_date_time_is_written_into_fhir_alike(text):
    under, about = (
        codec("fhir"),
        SOPInstance("1.2", "1.2.3", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4"),
    )
    said = replace(about, attributes={"SOPAuthorizationDateTime": text})
    quick = result(under.encode, [said])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plain, "dt_to_date_time", lambda text: None)
        assert result(under.encode, [said]) == quick
