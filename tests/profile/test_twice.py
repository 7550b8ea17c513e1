"""One instance in several data sets of a document: no copy says more than its own record."""

import itertools
from dataclasses import replace

import pytest
from sopstatus import DocumentError, Link, SOPInstance, codec, load_tables, transformer
from sopstatus.limits import DEFAULT
from sopstatus.profile.rereading import Claim, fault
from sopstatus.table.language import COMPANIONS, STATUS

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
UID, DATE = "1.2.3.4.5", "01000420"
STATES = ("", "NS", "OR", "AO", "AC", "XX")
SHIPPED = load_tables()
DEMOTING = replace(SHIPPED, site=replace(SHIPPED.site, on_held="demote"))


def copy(status, **more):
    uids = {
        "00080016": "1.2.840.10008.5.1.4.1.1.2",
        "00080018": UID,
        "0020000D": "1.2",
        "0020000E": "1.3",
    }
    made = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()}
    said = {"01000410": {"vr": "CS", "Value": [status]}} if status else {}
    return made | said | more


def stated(document):
    return [one.get("01000410", {}).get("Value", [""])[0] for one in document]


def study(status):
    said = [SOPInstance("1.2", "1.3", "1.2.840.10008.5.1.4.1.1.2", UID, "", {STATUS: status})]
    return codec("fhir").encode(said, codec("fhir").blank(said)).value


def done(carry, *given, **links):
    try:
        result = carry(*given, **links)
    except DocumentError as error:
        assert all(record.outcome == "refused" for record in error.records)
        return None
    return stated(result.value), result.records


@pytest.mark.parametrize(
    "states", [*itertools.product(STATES, repeat=2), ("", "NS", ""), ("NS", "AO", "NS")]
)
def test_a_statement_onto_several_copies(states):
    """Each copy that is changed has its record, in their order; one that stays silent has none."""
    into = [copy(status) for status in states]
    for tables, status, link in itertools.product(
        (SHIPPED, DEMOTING), ("NS", "AO"), (None, TRUSTED)
    ):
        carry = transformer("fhir", "dicom-json", tables=tables)
        found = done(carry, study(status), into, link=link)
        if found is None:
            continue
        after, records = found
        changes = [(new, old) for new, old in zip(after, states, strict=True) if new != old]
        recorded = [(r.after.rstrip("?"), r.before) for r in records]
        plain = [(new, {"": "ABS", "XX": "invalid"}.get(old, old)) for new, old in changes]
        assert [one for one in recorded if one[0] != one[1]] == plain
        assert len(records) <= sum(map(bool, after))


@pytest.mark.parametrize("states", [*itertools.product(STATES, repeat=2)])
def test_copies_that_cross(states):
    came = [copy(status) for status in states]
    carry = transformer("dicom-json", "dicom-json")
    assert set(done(carry, came)[0]) <= {"NS", ""}
    if found := done(carry, came, link=TRUSTED):
        assert found[0] == [*states]
        assert [r.after.rstrip("?") for r in found[1]] == [one for one in states if one] or not any(
            states
        )


AO, NS = Claim("AO"), Claim("NS", frozenset(COMPANIONS))
DATED = {DATE: {"vr": "DT", "Value": ["2024"]}}


@pytest.mark.parametrize(
    ("written", "claims", "told"),
    [
        ((copy("AO"), copy("NS")), [AO, NS], ""),
        ((copy("AO"), copy("NS")), [NS, AO], "the status that stands there is not NS"),
        ((copy("AO"), copy("AO")), [AO, NS], "the status that stands there is not NS"),
        ((copy("AO"), copy("NS", **DATED)), [AO, NS], "SOPAuthorizationDateTime was not removed"),
        ((copy("AO"), copy("AO")), [AO], ""),
        ((copy("AO"), copy("")), [AO, AO], ""),
        ((copy("NS"), copy("", **DATED)), [NS], "SOPAuthorizationDateTime was not removed"),
        ((copy("AO"), copy("")), [AO, NS], "what was decided about copies of one instance is not found in each"),
        ((copy(""),), [AO], "the status that stands there is not AO"),
    ],
)  # fmt: skip
def test_what_was_written_is_held_against_the_copys_own_record(written, claims, told):
    found = fault([*written], [*written], {UID: claims}, DEFAULT)
    assert found.startswith(told) if told else not found


def test_a_better_copy_that_only_the_second_reader_sees_is_found_among_several():
    hidden = copy("") | {"01000410": {"vr": "CS", "Value": ["AO"], "InlineBinary": "QU8="}}
    with pytest.raises(DocumentError):
        transformer("fhir", "dicom-json")(study("AO"), [hidden, copy("")])
