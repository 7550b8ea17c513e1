"""Whose copy: the value, its text form, and the one comparison of two holders."""

import copy
import pickle

from hypothesis import given
from hypothesis import strategies as st
from laws.strategies import ODD_HOLDERS
from sopstatus import Holder, SOPInstance
from sopstatus.holder import (
    COMPATIBLE,
    DIFFERENT,
    NOBODY,
    SAME,
    Company,
    compare,
    is_about,
    likeness,
    listed,
    of_uri,
    resolve,
    to_uri,
)

BARE, KNOWN = Holder("PACS"), Holder("PACS", "1.2.3.4", "ISO")
OTHER, UNTITLED = Holder("PACS", "1.2.3.5", "ISO"), Holder("", "1.2.3.4", "ISO")
UUID = "0b1e2a3c-4d5e-6f70-8192-a3b4c5d6e7f8"


def test_an_ae_title_is_its_own_text_form():
    assert Holder("PACS") == "PACS" == SOPInstance(holder="PACS").holder
    assert KNOWN == "PACS^1.2.3.4^ISO"
    assert UNTITLED == "^1.2.3.4^ISO"
    assert SOPInstance(holder="PACS^1").holder.parts == ("PACS^1", "", "")
    assert Holder.of("PACS^1.2.3.4^ISO").parts == ("PACS", "1.2.3.4", "ISO")
    assert not NOBODY and SOPInstance().holder is NOBODY


@given(ODD_HOLDERS)
def test_the_text_form_is_the_holder(holder):
    again = Holder.of(str(holder))
    assert again.parts == holder.parts and again == holder and again.key == holder.key
    for copied in (pickle.loads(pickle.dumps(holder)), copy.deepcopy(holder)):
        assert copied.parts == holder.parts


def test_how_two_holders_are_to_each_other():
    assert compare(KNOWN, UNTITLED) is compare(KNOWN, Holder("RIS", "1.2.3.4")) is SAME
    assert compare(KNOWN, Holder("PACS", "urn:oid:1.2.3.4", "URI")) is SAME
    assert compare(Holder("", UUID, "UUID"), Holder("", UUID.upper(), "GUID")) is SAME
    assert compare(KNOWN, OTHER) is compare(BARE, Holder("RIS")) is DIFFERENT
    assert compare(Holder("RIS"), KNOWN) is compare(Holder("PACS"), Holder("pacs")) is DIFFERENT
    assert compare(BARE, KNOWN) is compare(BARE, UNTITLED) is compare(NOBODY, KNOWN) is COMPATIBLE


@given(ODD_HOLDERS, ODD_HOLDERS, ODD_HOLDERS)
def test_to_be_the_same_is_an_equivalence(one, two, three):
    assert compare(one, one) is SAME
    assert compare(one, two) is compare(two, one)
    assert (compare(one, two) is SAME) == (one.key == two.key)
    if compare(one, two) is SAME and compare(two, three) is SAME:
        assert compare(one, three) is SAME


@given(st.lists(ODD_HOLDERS, max_size=4), ODD_HOLDERS)
def test_a_company_answers_as_each_of_its_holders_would(holders, one):
    told = any(other.key and one.key and compare(other, one) is COMPATIBLE for other in holders)
    assert Company(holders).unsettles(one) == told


@given(st.permutations([KNOWN, Holder("RIS", "1.2.3.4", "ISO"), Holder("RIS"), NOBODY]))
def test_holders_are_likened_in_any_order(holders):
    named = [one for one in holders if one.key]
    assert likeness(named) is COMPATIBLE
    assert likeness([*named, OTHER]) is likeness([*named, BARE]) is DIFFERENT
    assert likeness(one for one in named if one.universal_id) is SAME


@given(st.permutations([UNTITLED, KNOWN, Holder("RIS")]))
def test_a_universal_id_has_all_titles_that_are_said_of_it(holders):
    assert likeness(holders) is DIFFERENT
    assert likeness([*holders, Holder("RIS", "1.2.3.4")]) is COMPATIBLE
    assert likeness([UNTITLED, Holder("RIS")]) is COMPATIBLE


def test_blanks_around_a_part_are_padding():
    assert Holder(" PACS ", " 1.2.3.4", "ISO ").parts == KNOWN.parts
    assert Holder.of("PACS ") == SOPInstance(holder=" PACS").holder == BARE


def test_a_title_that_looks_like_two_is_in_quotes():
    assert listed([("RIS", "OR"), ("A (AO), B", "AO")]) == '"A (AO), B" (AO), RIS (OR)'


def test_a_bare_title_of_ours_is_that_title_with_any_universal_id():
    assert is_about(KNOWN, BARE) and is_about(OTHER, BARE) and is_about(NOBODY, BARE)
    assert not is_about(UNTITLED, BARE) and not is_about(Holder("RIS", "1.2.3.4"), BARE)
    assert is_about(UNTITLED, KNOWN) and not is_about(OTHER, KNOWN) and not is_about(BARE, KNOWN)
    assert is_about(OTHER, NOBODY)


def test_a_site_says_whose_a_bare_title_is():
    site = {"PACS": "1.2.3.4"}
    assert resolve(BARE, site).parts == KNOWN.parts
    assert resolve(OTHER, site) is OTHER and resolve(Holder("RIS"), site) == "RIS"


@given(ODD_HOLDERS)
def test_a_universal_id_is_a_uri_and_back(holder):
    uri, kind = to_uri(holder)
    again = of_uri(holder.ae_title, uri, kind)
    assert again.key == holder.key
    untyped = holder.universal_id and not holder.universal_id_type
    assert again.parts == holder.parts or (untyped and again.universal_id_type)


def test_what_kind_of_uri_it_is():
    assert to_uri(KNOWN) == ("urn:oid:1.2.3.4", "")
    assert to_uri(Holder("", UUID, "UUID")) == (f"urn:uuid:{UUID}", "")
    assert to_uri(Holder("", "https://pacs.example", "URI")) == ("https://pacs.example", "")
    assert to_uri(Holder("", "pacs.example", "DNS")) == ("pacs.example", "DNS")
    assert to_uri(Holder("", "no OID", "ISO")) == ("no OID", "ISO")
    assert to_uri(Holder("", "1.2.3.4")) == ("1.2.3.4", "")
