"""Documents that ask for too much: refused or told in a count, never a hang."""

import pytest
from samples_of import sample
from sopstatus import DocumentError, Limits, SOPInstance, codec
from sopstatus.codecs.shared.json_document import load_json
from sopstatus.codecs.shared.statements import Found, pair

MESSAGE = sample("authorized-original", "hl7")


def codes(found):
    return [issue.code for issue in found.issues]


def test_a_document_at_the_limit_is_read_and_one_beyond_is_not():
    at, beyond = Limits(document=len(MESSAGE)), Limits(document=len(MESSAGE) - 1)
    (x,) = codec("hl7", limits=at).decode(MESSAGE).value
    for call in (
        lambda under: under.decode(MESSAGE),
        lambda under: under.instances(MESSAGE),
        lambda under: under.encode([x], MESSAGE),
        lambda under: under.encode([x, x], MESSAGE),
    ):
        with pytest.raises(DocumentError) as error:
            call(codec("hl7", limits=beyond))
        assert codes(error.value) == ["document/too-large"]


@pytest.mark.parametrize("name", ["hl7", "fhir"])
def test_statements(name):
    document = sample("two-series", name)
    count = len(codec(name).decode(document).value)
    assert codec(name, limits=Limits(statements=count)).decode(document).value
    with pytest.raises(DocumentError) as error:
        codec(name, limits=Limits(statements=count - 1)).decode(document)
    assert codes(error.value) == ["document/too-many-statements"]


def test_a_million_repetitions_are_neither_read_nor_changed():
    head, _, _ = MESSAGE.partition(b"ZDS|")
    crowded = head + b"ZDS|1.2.3^^Application^DICOM||||AO||||" + b"~" * 1_000_000 + b"\r"
    found = codec("hl7").decode(crowded)
    assert (found.value, codes(found)) == ((), ["hl7/too-many-repetitions"])
    new = SOPInstance("1.2.3", "", "", "", "", {"SOPInstanceStatus": "NS"})
    assert codec("hl7").encode([new], crowded).value.startswith(crowded)


def test_a_hundred_thousand_nested_values():
    for text in (b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000):
        with pytest.raises(DocumentError) as error:
            load_json(text)
        assert codes(error.value) == ["document/too-deep"]


def test_depth_is_counted():
    assert load_json(b"[[1]]", limits=Limits(depth=2)) == [[1]]
    with pytest.raises(DocumentError):
        load_json(b"[[[]]]", limits=Limits(depth=2))


def test_issues_are_told_up_to_the_limit_and_the_rest_is_counted():
    document = MESSAGE + b"ZDS|theirs\r" * 50
    found = codec("hl7", limits=Limits(issues=10)).decode(document)
    assert codes(found) == ["hl7/foreign-zds"] * 10 + ["document/more-issues"]
    assert "40 more" in found.issues[-1].diagnostics


def test_an_error_is_told_behind_any_number_of_others():
    wrong = MESSAGE.replace(b"|AO^", b"|XX^")
    document = MESSAGE + b"ZDS|theirs\r" * 50 + wrong[wrong.index(b"ZDS|") :]
    found = codec("hl7", limits=Limits(issues=10)).decode(document)
    assert "value/unknown-term" in codes(found)
    assert len(found.issues) == 12


class Counted(str):
    """A text that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other):
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_contradictions_are_paired_in_linear_work():
    def work(size):
        said = [(("SOPAuthorizationComment", Counted(f"text {n}")),) for n in range(size)]
        again = [(("SOPAuthorizationComment", Counted(f"text {n}")),) for n in range(size)]
        old = [Found(SOPInstance("1.2", "", "", "1.2.3", "", s), None) for s in said]
        Counted.compared = 0
        pairs, added = pair(old, [SOPInstance("1.2", "", "", "1.2.3", "", s) for s in again])
        assert (len(pairs), added) == (size, [])
        return Counted.compared

    small = work(200)
    assert small > 0
    assert work(400) <= 2.5 * small
