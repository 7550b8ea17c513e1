"""Which statement a new one replaces, how what is read is joined, and wide statements."""

import pytest
from sopstatus import SOPInstance, codec, load_tables
from sopstatus.codecs.hl7_xml import of_er7
from sopstatus.codecs.shared.statements import (
    Found,
    by_uid,
    compatible,
    expand,
    identities,
    members,
    merge,
    pair,
    restrict,
    rollup,
    unmapped,
)
from sopstatus.values import context_offset, with_offset

TABLES = load_tables()
STATUS, _, COMMENT, _ = TABLES.attributes.values()


def about(
    uid="1.2.3.4", status="AO", *, study="1.2", series="1.2.3", sop_class="", holder="", **said
):
    said |= {"SOPInstanceStatus": status} if status else {}
    return SOPInstance(study, series, sop_class, uid, holder, said)


def found(*instances):
    return [Found(instance, place) for place, instance in enumerate(instances)]


def paired(old, new):
    """Return which old one (by its place) becomes what, and what is added."""
    pairs, added = pair(found(*old), new)
    assert all(f.place == old.index(f.instance) for f, _ in pairs)
    return sorted(((f.place, x) for f, x in pairs), key=lambda p: p[0]), added


# --- one statement ---------------------------------------------------------------------------------


def test_what_could_not_be_read_is_not_said_already():
    x = about()
    assert Found(x, 0).says(x)
    assert not Found(x, 0).says(about(status="AC"))
    assert Found(x, 0, frozenset({"SOPAuthorizationComment"})).says(x)
    assert not Found(x, 0, frozenset({"SOPInstanceStatus"})).says(x)


def test_only_the_attributes_of_some_rows_are_kept():
    both, none = about(SOPAuthorizationComment="x"), about(status="")
    status, comment = about(), about(status="", SOPAuthorizationComment="x")
    given = [both, status, comment, none]
    assert restrict(given, [STATUS]) == [status, status, none, none]
    assert restrict(given, [COMMENT]) == [comment, none, comment, none]
    assert restrict(given, [STATUS, COMMENT]) == given


def test_a_keyword_without_a_row_is_told_once():
    told = unmapped([about(B="1", A="2"), about("1.2.3.5", A="3")], TABLES)
    assert [i.code for i in told] == ["table/unmapped"] * 2
    assert [i.diagnostics.count("A is in no enabled table") for i in told] == [1, 0]


def test_of_the_same_instance_the_one_whose_uids_are_known():
    whole, bare = about(sop_class="1.9"), about(study="", series="")
    for given in (
        [whole, bare],
        [bare, whole],
        [bare, about(series=""), whole, about(status="OR")],
    ):
        assert by_uid([SOPInstance("1.2"), *given]) == {"1.2.3.4": whole}
    assert by_uid([about(status="OR"), about()]) == {"1.2.3.4": about(status="OR")}


def test_identities_say_nothing_and_stand_once():
    given = [about(holder="PACS1"), about(status="AC"), about(sop_class="1.9")]
    assert identities(given) == (about(status=""), about(status="", sop_class="1.9"))


@pytest.mark.parametrize(
    ("a", "b", "agree"),
    [
        ({}, {}, True),
        ({"study": ""}, {}, True),
        ({}, {"study": ""}, True),
        ({"series": ""}, {}, True),
        ({}, {"series": ""}, True),
        ({"study": "1.9"}, {}, False),
        ({"series": "1.9"}, {}, False),
        ({"study": "1.9", "series": ""}, {}, False),
        ({"study": "", "series": "1.9"}, {}, False),
    ],
)
def test_unknown_uids_contradict_nothing(a, b, agree):
    assert compatible(about(**a), about(**b)) is agree


# --- reading ---------------------------------------------------------------------------------------


def test_what_one_source_says_twice_is_given_once():
    x, y, none = about(), about("1.2.3.5"), about("1.2.3.6", "")
    assert merge([[x, none, x, y, x]]) == (x, y)


def test_contradictions_of_one_source_stay_apart_in_their_order():
    a, b, c = about(status="AO"), about(status="AC"), about(status="OR")
    assert merge([[a, b, a, c]]) == (a, b, c)
    assert merge([[c, a], [about(status="", SOPAuthorizationComment="x")]]) == (
        about(status="OR", SOPAuthorizationComment="x"),
        a,
    )


def test_sources_are_joined_by_what_they_are_about():
    comment = about(status="", sop_class="1.9", SOPAuthorizationComment="x")
    other = about("1.2.3.5", "", SOPAuthorizationComment="y")
    (joined, alone) = merge([[about()], [comment, other]])
    assert (joined, alone) == (about(sop_class="1.9", SOPAuthorizationComment="x"), other)
    (kept,) = merge([[about(sop_class="1.8")], [comment]])
    assert kept.sop_class_uid == "1.8"
    two = [about(status="", SOPAuthorizationComment=text) for text in "xy"]
    assert [x.attributes for x in merge([[about(), about(status="AC")], two])] == [
        about(SOPAuthorizationComment="x").attributes,
        about(status="AC", SOPAuthorizationComment="y").attributes,
    ]


# --- writing ---------------------------------------------------------------------------------------


def test_a_statement_replaces_that_of_its_instance_and_holder():
    mine, theirs, other = about(), about(holder="PACS1"), about("1.2.3.5")
    new = about(status="AC")
    assert paired([theirs, mine, other], [new]) == ([(1, new)], [])
    added = about(status="AC", holder="PACS2")
    assert paired([theirs, mine], [added]) == ([], [added])


def test_unknown_study_and_series_are_matched_by_the_instance():
    nameless, elsewhere = about(study="", series=""), about(study="1.9", series="1.9.1")
    new = about(status="AC")
    assert paired([elsewhere, nameless], [new]) == ([(1, new)], [])
    assert paired([elsewhere], [new]) == ([], [new])
    # one that is named exactly by a new one is not taken by another
    both = [about(study="", series="", status="AC"), about(status="OR")]
    assert paired([nameless, about()], both) == ([(0, both[0]), (1, both[1])], [])


def test_an_old_one_is_replaced_once():
    nameless = about(series="")
    news = [about(series="1.2.3", status="AC"), about(series="1.2.8", status="OR")]
    assert paired([nameless], news) == ([(0, news[0])], [news[1]])


def test_several_old_ones_keep_their_order():
    old = [about(study="", status="AO"), about(status="AC"), about(series="", status="OR")]
    (pairs, added) = paired(old, [about(status="NS")])
    assert (pairs, added) == ([(n, about(status="NS")) for n in range(3)], [])
    news = [about(status="X"), about(status="Y")]
    empty = about(series="", status="")
    assert paired(old, news) == ([(0, news[0]), (1, news[1]), (2, empty)], [])


def test_wide_statements_are_matched_by_study_and_series():
    study, series = about("", series=""), about("")
    for old, new in ((study, about("", "AC", series="")), (series, about("", "AC"))):
        place = [series, study].index(old)
        assert paired([series, study], [new]) == ([(place, new)], [])


def test_one_that_says_nothing_is_filled_only_where_no_other_speaks():
    silent, speaking, new = about(status=""), about(), about(status="AC")
    assert paired([silent, speaking], [new]) == ([(1, new)], [])
    nothing = [Found(about(status=""), n) for n in range(3)]
    pairs, added = pair(nothing, [new])
    assert ([(f.place, x) for f, x in pairs], added) == ([(0, new)], [])


def test_contradictions_that_stay_are_paired_with_themselves():
    a, b, c, d = (about(status=text) for text in ("A", "B", "C", "D"))
    assert paired([a, b, c], [b, d]) == ([(0, d), (1, b), (2, about(status=""))], [])
    assert paired([a, b], [d, c, b]) == ([(0, d), (1, b)], [c])
    assert paired([a, b], [c]) == ([(0, c), (1, c)], [])
    assert paired([a], [about(status="")]) == ([(0, about(status=""))], [])
    assert paired([], [about(status=""), a, b]) == ([], [a, b])
    more = [about("1.2.3.5", text) for text in "XYZ"]
    pairs, added = paired([a, b, *more[:2]], [c, d, a, *more])
    assert [place for place, _ in pairs] == [0, 1, 2, 3]
    assert [x.attributes for x in added] == [d.attributes, more[2].attributes]


# --- wide statements -------------------------------------------------------------------------------

KNOWN = [
    about(uid, "", series=series)
    for series, uid in (("1.2.3", "1.2.3.4"), ("1.2.3", "1.2.3.5"), ("1.2.6", "1.2.6.7"))
]


def each(*statuses, **options):
    pairs = zip(KNOWN, statuses, strict=True)
    return [
        about(x.sop_instance_uid, text, series=x.series_instance_uid, **options)
        for x, text in pairs
        if text
    ]


def test_members_of_a_study_and_of_its_series():
    assert members([*KNOWN, about("", "")]) == {
        ("1.2", ""): {"1.2.3.4", "1.2.3.5", "1.2.6.7"},
        ("1.2", "1.2.3"): {"1.2.3.4", "1.2.3.5"},
        ("1.2", "1.2.6"): {"1.2.6.7"},
    }


def test_a_study_all_of_which_says_the_same_is_one_statement():
    whole = about("", series="")
    assert rollup(each("AO", "AO", "AO"), KNOWN) == (whole,)
    assert expand([whole], KNOWN) == tuple(each("AO", "AO", "AO"))


def test_a_series_all_of_which_says_the_same_is_one_statement():
    one, other = about(""), about("", "AC", series="1.2.6")
    assert rollup(each("AO", "AO", "AC"), KNOWN) == (one, other)
    assert set(expand([one, other], KNOWN)) == set(each("AO", "AO", "AC"))
    assert rollup(each("AO", "AC", "AC"), KNOWN) == (*each("AO", "AC", ""), other)


def test_nothing_is_said_of_a_whole_of_which_a_part_is_silent():
    for part in (each("AO", "", ""), each("", "AO", "")):
        assert rollup(part, KNOWN) == tuple(part)
    assert rollup(each("AO", "AO", ""), KNOWN) == (about(""),)
    twice = [*each("AO", "", ""), *each("AC", "", "")]
    assert rollup(twice, KNOWN) == tuple(twice)


def test_each_holder_is_rolled_up_alone():
    mine, theirs = each("AO", "AO", "AO", holder="A"), each("AC", "", "", holder="B")
    assert rollup([*mine, *theirs, mine[0]], KNOWN) == (
        about("", series="", holder="A"),
        *theirs,
    )


def test_the_same_text_local_to_two_places_is_two_times():
    when = "20240115103015"
    near, far = (
        [
            about(uid, "", SOPAuthorizationDateTime=with_offset(when, offset))
            for uid, offset in (("1.2.3.4", "+0100"), ("1.2.3.5", other))
        ]
        for other in ("+0100", "+0500")
    )
    assert rollup(near, near) == (about("", "", series="", SOPAuthorizationDateTime=when),)
    assert context_offset(rollup(near, near)[0]["SOPAuthorizationDateTime"])
    assert rollup(far, far) == tuple(far)


def test_a_series_without_a_uid_is_no_whole():
    known = [about("1.2.3.4", "", series=""), about("1.2.6.7", "", series="1.2.6")]
    said = [about("1.2.3.4", series=""), about("1.2.6.7", "AC", series="1.2.6")]
    assert rollup(said, known) == (said[0], about("", "AC", series="1.2.6"))


def test_the_narrower_statement_wins():
    study, series = about("", "OR", series=""), about("", "AC")
    own = about("1.2.3.5", "NS")
    told = expand([own, series, study], KNOWN)
    assert {x.sop_instance_uid: x["SOPInstanceStatus"] for x in told} == {
        "1.2.3.4": "AC",
        "1.2.3.5": "NS",
        "1.2.6.7": "OR",
    }
    assert len(told) == 3
    theirs = about("", "OR", series="", holder="B")
    assert [x.holder for x in expand([own, theirs], KNOWN)] == ["", "B", "B", "B"]


def test_a_wide_statement_about_nothing_known_stays():
    elsewhere = about("", study="1.9", series="")
    assert expand([elsewhere], KNOWN) == (elsewhere,)
    assert expand([about("1.9.9")], KNOWN) == (about("1.9.9"),)


def test_a_text_that_is_local_to_another_place_says_something_else():
    def at(offset):
        return SOPInstance("1.2", attributes={"W": with_offset("20240102030405", offset), "X": "1"})

    for old, new, same in (
        ("+0100", "+0100", True),
        ("+0100", "+0200", False),
        ("+0100", "", True),
        ("", "+0100", True),
        ("", "", True),
    ):
        assert Found(at(old), None).says(at(new)) is same


def a_study(*statuses, holder=()):
    """An ImagingStudy whose one instance has a statement for each status."""
    url = load_tables().groups[0].extension
    slices = [[{"url": "status", "valueCode": status}] for status in statuses]
    for own, name in zip(slices, holder, strict=False):
        own.append({"url": "holder", "valueString": name})
    ours = [{"url": url, "extension": own} for own in slices]
    return {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
        "series": [{"uid": "1.2.3.1", "instance": [{"uid": "1.2.3.1.1", "extension": ours}]}],
    }


def some_data_sets(*statuses):
    """A list of DICOM JSON with a data set about one instance for each status."""
    uids = {"00080016": "1.2", "00080018": "1.2.3.1.1", "0020000D": "1.2.3", "0020000E": "1.2.3.1"}
    named = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()}
    return [named | {"01000410": {"vr": "CS", "Value": [status]}} for status in statuses]


def some_segments(*statuses):
    head = "MSH|^~\\&|A|B|||20240101||ORU^R01|1|P|2.5.1"
    lines = [f"ZDS|1.2.3^^Application^DICOM|1.2.3.1||1.2.3.1.1|{status}" for status in statuses]
    return "\r".join([head, *lines, ""]).encode()


@pytest.mark.parametrize(
    ("form", "made", "where"),
    [
        ("hl7", some_segments, "ZDS[2]"),
        ("hl7-xml", lambda *given: of_er7(some_segments(*given)), "ZDS[2]"),
        ("fhir", a_study, "ImagingStudy.series[0].instance[0].extension[1]"),
        ("dicom-json", some_data_sets, "[1]"),
    ],
)
def test_two_statements_about_one_copy_that_differ_are_named_and_none_is_chosen(form, made, where):
    one = codec(form)
    result = one.decode(made("NS", "AO", "NS"))
    assert [i.code for i in result.issues] == ["document/contradiction"]
    assert result.issues[0].location.startswith(where)
    assert {dict(x.attributes)["SOPInstanceStatus"] for x in result.value} == {"NS", "AO"}
    assert one.read(made("NS", "AO"))[0].issues == result.issues
    for same in (("AO",), ("AO", "AO")):
        assert one.decode(made(*same)).issues == ()


def test_what_two_holders_say_is_no_contradiction():
    assert not codec("fhir").decode(a_study("NS", "AO", holder=("A", "B"))).issues
    assert codec("fhir").decode(a_study("NS", "AO", holder=("A", "A"))).issues


def test_two_resources_of_a_bundle_contradict_each_other_too():
    entry = [{"resource": a_study(status)} for status in ("OR", "AO")]
    result = codec("fhir").decode({"resourceType": "Bundle", "type": "collection", "entry": entry})
    assert [i.code for i in result.issues] == ["document/contradiction"]
    assert "entry[1]" in result.issues[0].location
