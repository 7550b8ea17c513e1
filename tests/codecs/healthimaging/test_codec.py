"""AWS HealthImaging: its shape and padding, gzip, and the payload of an update."""

import copy
import gzip
import json
from pathlib import Path

import pytest
from sopstatus import DocumentError, SOPInstance, codec, load_tables, transformer
from sopstatus.codecs.healthimaging import LONGEST_UPDATE
from sopstatus.codecs.healthimaging.codec import update
from sopstatus.limits import Limits
from sopstatus.values import context_offset, with_offset

UNDER = codec("healthimaging")


def image_set(**said):
    """Metadata of two instances of one series; ``said`` goes into the first."""
    common = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "WindowCenter": ["0 "], "KVP": "120 "}
    meta = {"TransferSyntaxUID": "1.2.840.10008.1.2.1"}  # group 0002 is merged in
    instances = {
        "1.2.3.1.1": {"DICOM": {**meta, **common, **said}, "DICOMVRs": {}, "ImageFrames": []},
        "1.2.3.1.2": {"DICOM": {**common, "Rows": 512}, "DICOMVRs": {}, "ImageFrames": []},
    }
    series = {"1.2.3.1": {"DICOM": {"Modality": "CT"}, "Instances": instances}}
    study = {"DICOM": {"StudyInstanceUID": "1.2.3"}, "Series": series}
    return {"SchemaVersion": "1.1", "Patient": {"DICOM": {}}, "Study": study}


def about(number, **said):
    return SOPInstance("1.2.3", "1.2.3.1", "", f"1.2.3.1.{number}", "", said)


@pytest.mark.parametrize(
    ("node", "value", "codes"),
    [
        ("AO", "AO", []),
        ("AO ", "AO", []),
        (" AO\0", "AO", ["value/padded"]),
        (None, None, []),
        ("", None, []),
        (["AO"], "AO", ["healthimaging/list"]),
        (["AO", "AC"], "AO\\AC", ["healthimaging/list", "value/multiplicity"]),
        (7, "7", ["healthimaging/not-text", "value/unknown-term"]),
        ({"vr": "CS"}, "unread", ["healthimaging/unreadable"]),
    ],
)
def test_status(node, value, codes):
    document = image_set(SOPInstanceStatus=node)
    found = UNDER.decode(document)
    said = [v for x in found.value for _, v in x.attributes]
    assert (said[0] if said else "unread", [i.code for i in found.issues]) == (value, codes)
    assert UNDER.encode(found.value, document).value == document


def told(document):
    return [(i.code, i.location) for i in UNDER.decode(document).issues]


def test_issues_say_where():
    at = "Study.Series[0].Instances[0].DICOM"
    odd = image_set(
        SOPInstanceStatus=["AO"], SOPAuthorizationDateTime=2024, TimezoneOffsetFromUTC="1"
    )
    assert told(odd) == [
        ("healthimaging/list", f"{at}.SOPInstanceStatus"),
        ("healthimaging/not-text", f"{at}.SOPAuthorizationDateTime"),
        ("dicom/offset", f"{at}.TimezoneOffsetFromUTC"),
    ]
    assert "SOPInstanceStatus" in UNDER.decode(odd).issues[0].diagnostics
    assert "SOPAuthorizationDateTime" in UNDER.decode(odd).issues[1].diagnostics
    unreadable = image_set(SOPAuthorizationComment=["a", {}])
    assert told(unreadable) == [("healthimaging/unreadable", f"{at}.SOPAuthorizationComment")]
    assert "SOPAuthorizationComment" in UNDER.decode(unreadable).issues[0].diagnostics
    wrong = image_set(SOPInstanceStatus="QQ", SOPClassUID="x")
    assert told(wrong) == [
        ("value/unknown-term", f"{at}.SOPInstanceStatus"),
        ("value/not-uid", f"{at}.SOPClassUID"),
    ]


def test_uids_come_from_the_places_that_have_them():
    document = image_set(SOPInstanceStatus="AO ", TimezoneOffsetFromUTC="+0100 ")
    document["Study"]["DICOM"]["StudyInstanceUID"] = "1.2.3\0"
    (x,) = UNDER.decode(document, holder="PACS1").value
    assert x.identity == ("1.2.3", "1.2.3.1", "1.2.3.1.1", "PACS1")
    assert x.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    del document["Study"]["DICOM"]
    document["Study"]["Series"]["1.2.3.1"]["Instances"]["1.2.3.1.2"]["DICOM"] = {"SOPClassUID": 7}
    at = "Study.Series[0].Instances"
    assert told(document) == [
        ("dicom/no-uid", f"{at}[0].DICOM.StudyInstanceUID"),
        ("dicom/no-uid", f"{at}[1].DICOM.StudyInstanceUID"),
        ("dicom/no-uid", f"{at}[1].DICOM.SOPClassUID"),
    ]


def test_the_offset_of_an_instance_is_that_of_its_times():
    document = image_set(SOPAuthorizationDateTime="20240102030405", TimezoneOffsetFromUTC=" +0100")
    ((_, value),) = UNDER.decode(document).value[0].attributes
    assert context_offset(value) == "+0100"


def test_what_is_malformed_is_told_and_the_rest_is_read():
    document = image_set(SOPInstanceStatus="AO")
    instances = document["Study"]["Series"]["1.2.3.1"]["Instances"]
    document["Study"]["Series"] = {
        "": {},
        "1.5": None,
        "1.6": {"Instances": []},
        "1.7": {},
        "1.2.3.1": {"Instances": {"": {}, "1.8": {"DICOM": []}, "1.9": 1, **instances}},
    }
    assert told(document) == [
        ("healthimaging/malformed", place)
        for place in (
            "Study.Series[0]",
            "Study.Series[1]",
            "Study.Series[2].Instances",
            "Study.Series[4].Instances[0]",
            "Study.Series[4].Instances[1].DICOM",
            "Study.Series[4].Instances[2]",
        )
    ]
    assert [x.sop_instance_uid for x in UNDER.decode(document).value] == ["1.2.3.1.1"]
    assert len(UNDER.instances(document)) == 2
    written = UNDER.encode([about(2, SOPInstanceStatus="AC")], document).value
    assert [x.sop_instance_uid for x in UNDER.decode(written).value] == ["1.2.3.1.1", "1.2.3.1.2"]
    assert told({"Study": {"Series": 7}}) == [
        ("healthimaging/malformed", "Study.Series"),
        ("dicom/no-identity", ""),
    ]


def test_a_status_of_a_study_or_series_is_told_and_not_read():
    document = image_set()
    document["Study"]["DICOM"]["SOPInstanceStatus"] = "AO"
    document["Study"]["Series"]["1.2.3.1"]["DICOM"]["SOPAuthorizationComment"] = "x"
    result = UNDER.decode(document)
    assert not result.value
    assert told(document) == [
        ("healthimaging/level", "Study.DICOM.SOPInstanceStatus"),
        ("healthimaging/level", "Study.Series[0].DICOM.SOPAuthorizationComment"),
    ]
    assert ["SOPAuthorizationComment" in i.diagnostics for i in result.issues] == [False, True]


def test_parsed_metadata_shares_what_does_not_change():
    document = image_set(SOPInstanceStatus="OR")
    kept = copy.deepcopy(document)
    said = [about(1, SOPAuthorizationComment="x"), about(2, SOPInstanceStatus=None)]
    new = UNDER.encode(said, document).value
    instances = new["Study"]["Series"]["1.2.3.1"]["Instances"]
    first, second = (instances[f"1.2.3.1.{n}"]["DICOM"] for n in (1, 2))
    assert (first["SOPAuthorizationComment"], "SOPInstanceStatus" in first) == ("x", False)
    assert second["SOPInstanceStatus"] is None
    assert new["Patient"] is document["Patient"]
    assert document == kept
    assert UNDER.encode(UNDER.decode(document).value, document).value is document


def test_a_time_that_is_local_elsewhere_is_written_with_its_offset():
    said = {"SOPAuthorizationDateTime": with_offset("20240102030405", "+0100")}
    found = UNDER.encode([about(1, **said)], image_set(TimezoneOffsetFromUTC="-0500"))
    where = "Study.Series[0].Instances[0].DICOM.SOPAuthorizationDateTime"
    assert [(i.code, i.location) for i in found.issues] == [("dicom/offset-written", where)]
    assert UNDER.decode(found.value).value[0].attributes == (
        ("SOPAuthorizationDateTime", "20240102030405+0100"),
    )


def test_the_same_bytes_are_written_whenever_it_is():
    data = gzip.compress(json.dumps(image_set()).encode())
    written = UNDER.encode([about(1, SOPInstanceStatus="AO")], data).value
    assert written[4:8] == bytes(4)  # RFC 1952 2.3.1: no time


def test_gzip_in_pieces_and_padded_is_read():
    text = json.dumps(image_set(SOPInstanceStatus="AO")).encode()
    data = gzip.compress(text[:50]) + gzip.compress(text[50:]) + b"\0" * 9
    assert UNDER.decode(data) == UNDER.decode(text)
    under = codec("healthimaging", limits=Limits(inflated=len(text), document=len(text)))
    assert under.decode(data) == UNDER.decode(text)
    for limits in (Limits(inflated=len(text) - 1), Limits(document=len(text) - 1)):
        with pytest.raises(DocumentError) as error:
            codec("healthimaging", limits=limits).decode(data)
        assert [(i.code, i.location) for i in error.value.issues] == [("document/too-large", "")]
        assert str(len(text) - 1) in error.value.issues[0].diagnostics


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"\x1f\x8bx", "healthimaging/not-gzip"),
        (gzip.compress(b"{}", mtime=0)[:-9], "healthimaging/not-gzip"),
        (gzip.compress(b"{}", mtime=0) + b"x", "healthimaging/not-gzip"),
        (b" ", "document/empty"),
        ("", "document/empty"),
        (7, "document/unknown-type"),
        ([], "document/unknown-type"),
        ({}, "healthimaging/not-metadata"),
        (b"[]", "healthimaging/not-metadata"),
        (b'{"Study": []}', "healthimaging/not-metadata"),
        (b'{"Study": ', "document/not-json"),
        (b'{"Study": "\xff"}', "document/not-json"),
    ],
)
def test_what_is_no_metadata(document, code):
    with pytest.raises(DocumentError) as error:
        UNDER.decode(document)
    assert [(i.code, i.location) for i in error.value.issues] == [(code, "")]
    if code == "document/unknown-type":
        assert type(document).__name__ in error.value.issues[0].diagnostics


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, str])
def test_text_of_every_kind_is_read(kind):
    text = json.dumps(image_set(SOPInstanceStatus="OR"))
    given = text if kind is str else kind(text.encode())
    written = UNDER.encode([about(1, SOPInstanceStatus="AO")], given).value
    assert type(written) is (str if kind is str else bytes)
    assert UNDER.decode(written).value[0].attributes == (("SOPInstanceStatus", "AO"),)


def test_statements_up_to_the_limit():
    assert len(codec("healthimaging", limits=Limits(statements=2)).instances(image_set())) == 2
    with pytest.raises(DocumentError) as error:
        codec("healthimaging", limits=Limits(statements=1)).instances(image_set())
    assert "more than 1 " in error.value.issues[0].diagnostics
    assert error.value.issues[0].location == ""


def test_gzip_in_gzip_out_and_nothing_else_changes():
    text = json.dumps(image_set(SOPInstanceStatus="OR "), indent=1).replace("512", "5.120e2")
    data = gzip.compress(text.encode())
    assert UNDER.encode(UNDER.decode(data).value, data).value is data
    written = UNDER.encode([about(1, SOPInstanceStatus="AO")], data).value
    assert gzip.decompress(written).decode() == text.replace('"OR "', '"AO"')
    plain = gzip.decompress(written)
    for given, want in ((text, plain.decode()), (text.encode(), plain)):
        assert UNDER.encode([about(1, SOPInstanceStatus="AO")], given).value == want


def test_limits_and_what_is_none():
    data = gzip.compress(b" " * 10_000_000 + json.dumps(image_set()).encode())
    with pytest.raises(DocumentError, match="document/too-large"):
        codec("healthimaging", limits=Limits(inflated=1000)).decode(data)
    with pytest.raises(DocumentError, match="document/too-many-statements"):
        codec("healthimaging", limits=Limits(statements=1)).decode(image_set())
    for bad in (data[:-20], b"", b"[]", b"{}", {}, [], b"\x1f\x8bx", 7, b'{"Study": []}'):
        with pytest.raises(DocumentError):
            UNDER.decode(bad)


def test_depth_and_issues_are_limited():
    text = json.dumps(image_set(SOPInstanceStatus={"vr": "CS"}, Theirs=[[[[]]]]))
    codes = ["healthimaging/unreadable"]
    deep = 11  # the document, Study, Series, its UID, Instances, its UID, DICOM, Theirs and three in it
    found = codec("healthimaging", limits=Limits(depth=deep)).decode(text)
    assert [i.code for i in found.issues] == codes
    with pytest.raises(DocumentError) as error:
        codec("healthimaging", limits=Limits(depth=deep - 1)).decode(gzip.compress(text.encode()))
    assert [i.code for i in error.value.issues] == ["document/too-deep"]
    under = codec("healthimaging", limits=Limits(issues=1))
    told = under.decode(image_set(SOPInstanceStatus={}, SOPAuthorizationComment={})).issues
    assert [i.code for i in told] == [*codes, "document/more-issues"]
    unknown = [about(1, A="x", B="y")]
    for result in (under.encode(unknown, image_set()), under.update(unknown, image_set())):
        assert [i.code for i in result.issues] == ["table/unmapped", "document/more-issues"]


def test_an_update_holds_only_what_differs():
    document = image_set(SOPInstanceStatus="OR ", SOPAuthorizationComment="words ")
    assert update(UNDER.decode(document).value, document).value == {}
    new = [about(1, SOPInstanceStatus="AC"), about(2, SOPAuthorizationDateTime="20240102")]
    made = update(new, document)
    assert not made.issues

    def instances(half):
        payload = json.loads(made.value[half])
        assert payload["SchemaVersion"] == 1.1
        return payload["Study"]["Series"]["1.2.3.1"]["Instances"]

    assert instances("updatableAttributes") == {
        "1.2.3.1.1": {"DICOM": {"SOPInstanceStatus": "AC"}},
        "1.2.3.1.2": {"DICOM": {"SOPAuthorizationDateTime": "20240102"}},
    }
    assert instances("removableAttributes") == {
        "1.2.3.1.1": {"DICOM": {"SOPAuthorizationComment": "words "}}
    }


@pytest.mark.parametrize("extra", [0, 1])
def test_the_longest_update(extra):
    empty = (
        len(
            update([about(1, SOPAuthorizationComment="x")], image_set()).value[
                "updatableAttributes"
            ]
        )
        - 1
    )
    comment = "x" * (LONGEST_UPDATE - empty + extra)
    made = update([about(1, SOPAuthorizationComment=comment)], image_set())
    assert len(made.value["updatableAttributes"]) == LONGEST_UPDATE + extra
    assert [i.code for i in made.issues] == ["healthimaging/update-too-long"] * extra


def test_an_update_is_as_short_as_it_can_be():
    made = update([about(1, SOPInstanceStatus="AO")], image_set()).value
    assert made == {
        "updatableAttributes": b'{"SchemaVersion":1.1,"Study":{"Series":{"1.2.3.1":{"Instances":'
        b'{"1.2.3.1.1":{"DICOM":{"SOPInstanceStatus":"AO"}}}}}}}'
    }


def test_an_update_of_odd_metadata_tells_what_is_not_in_it():
    odd = image_set(SOPInstanceStatus=["AO"], SOPAuthorizationComment={})
    made = update([about(1, SOPInstanceStatus="AC"), about(9, SOPInstanceStatus="AO")], odd)
    assert [(i.code, i.location) for i in made.issues] == [
        ("dicom/replaced", "Study.Series[0].Instances[0].DICOM.SOPAuthorizationComment"),
        ("healthimaging/no-counterpart", "Study.Series"),
    ]
    assert "1 " in made.issues[1].diagnostics
    assert list(made.value) == ["updatableAttributes", "removableAttributes"]
    *_, long = update([about(1, SOPAuthorizationComment="x" * LONGEST_UPDATE)], odd).issues
    assert (long.code, long.location) == ("healthimaging/update-too-long", "updatableAttributes")
    assert str(LONGEST_UPDATE) in long.diagnostics


def test_of_several_holders_one_is_chosen():
    first, second = (
        SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.1", holder, {"SOPInstanceStatus": status})
        for holder, status in (("A", "AO"), ("B", "AC"))
    )
    where = "Study.Series[0].Instances[0].DICOM"
    for call in (UNDER.encode, UNDER.update):
        both = call([first, second], image_set())
        assert [(i.code, i.location) for i in both.issues] == [("dicom/holder-ambiguous", where)]
        for x in (first, second):
            alone, chosen = (
                call([x], image_set()),
                call([first, second], image_set(), holder=x.holder),
            )
            assert alone.value == call([about(1, **dict(x.attributes))], image_set()).value
            assert chosen.value == alone.value and alone.issues == ()
    (read,) = UNDER.decode(UNDER.encode([first], image_set()).value).value
    assert (read.holder, read.attributes) == ("", first.attributes)


def test_a_new_image_set_names_its_instances():
    sop_class = "1.2.840.10008.5.1.4.1.1.2"
    known = [
        SOPInstance("1.2.3", "1.2.3.1", sop_class, "1.2.3.1.1"),
        SOPInstance("1.2.3", "1.2.3.2", "", "1.2.3.2.1"),
        SOPInstance("1.2.3", "1.2.3.1", sop_class, "1.2.3.1.2"),
    ]
    first, second, third = (f"1.2.3.{n}" for n in ("1.1", "1.2", "2.1"))
    one, other = ({"DICOM": {"SeriesInstanceUID": f"1.2.3.{n}"}, "Instances": {}} for n in (1, 2))
    for sop in (first, second):
        one["Instances"][sop] = {"DICOM": {"SOPClassUID": sop_class, "SOPInstanceUID": sop}}
    other["Instances"][third] = {"DICOM": {"SOPInstanceUID": third}}
    study = {"DICOM": {"StudyInstanceUID": "1.2.3"}, "Series": {"1.2.3.1": one, "1.2.3.2": other}}
    assert UNDER.blank(iter(known)) == {"SchemaVersion": "1.1", "Study": study}
    said = [SOPInstance("1.2.3", attributes={"SOPInstanceStatus": "AO"})]
    made = UNDER.encode(said, known=iter(known)).value
    assert [x.sop_instance_uid for x in UNDER.decode(made).value] == [first, second, third]
    assert len(UNDER.instances(UNDER.encode([about(1, SOPInstanceStatus="AO")]).value)) == 1
    elsewhere = SOPInstance("1.9", "1.9.1", "", "1.9.1.1")
    for given, count in (((), 0), (said, 0), ([*known, elsewhere], 2)):
        with pytest.raises(DocumentError) as error:
            UNDER.blank(given)
        assert [(i.code, i.location) for i in error.value.issues] == [
            ("healthimaging/not-one-study", "")
        ]
        assert str(count) in error.value.issues[0].diagnostics


def test_no_status_enters_over_a_link_that_nobody_vouched_for():
    carry = transformer("dicom-json", "healthimaging")
    node = {
        "00080018": {"vr": "UI", "Value": ["1.2.3.1.1"]},
        "01000410": {"vr": "CS", "Value": ["AO"]},
    }
    result = carry([node], image_set())
    said = UNDER.decode(result.value).value
    assert [x.attributes for x in said] == [(("SOPInstanceStatus", "NS"),)]
    assert "link/untrusted" in [i.code for i in result.issues]


# --- what stands more than once ------------------------------------------------------------------

INSTANCE = "Study.Series[0].Instances[0]"


@pytest.mark.parametrize(
    ("old", "new", "place", "read"),
    [
        ('"SOPInstanceStatus": "AO"', '"SOPInstanceStatus": "NS", ...', "....SOPInstanceStatus", 1),
        ('"SOPInstanceStatus": "AO"', '..., "SOPInstanceStatus": "NS"', "....SOPInstanceStatus", 1),
        ('"KVP"', '"SOPClassUID": "1.9", "KVP"', "....SOPClassUID", 1),
        ('"KVP"', '"SOPAuthorizationComment": "", "SOPAuthorizationComment": "x", "KVP"',
         "....SOPAuthorizationComment", 1),
        ('"DICOMVRs"', '"DICOM": {}, "DICOMVRs"', "...", 1),
        ('"1.2.3.1.2"', '"1.2.3.1.1"', INSTANCE, 0),
        ('"Instances"', '"Instances": {}, "Instances"', "Study.Series[0].Instances", 0),
        ('"1.2.3.1": ', '"1.2.3.1": {}, "1.2.3.1": ', "Study.Series[0]", 0),
        ('"Series"', '"Series": {}, "Series"', "Study.Series", 0),
        ('"StudyInstanceUID"', '"StudyInstanceUID": "1.9", "StudyInstanceUID"',
         "Study.DICOM.StudyInstanceUID", 0),
        ('"Study": ', '"Study": {}, "Study": ', "Study", 0),
    ],
)  # fmt: skip
def test_what_stands_twice_is_not_read_and_not_written(old, new, place, read):
    document = image_set(SOPInstanceStatus="AO")
    instances = document["Study"]["Series"]["1.2.3.1"]["Instances"]
    instances["1.2.3.1.2"]["DICOM"]["SOPInstanceStatus"] = "OR"
    text = json.dumps(document).replace(old, new.replace("...", old), 1)
    place = place.replace("...", f"{INSTANCE}.DICOM")
    for given in (text, text.encode(), gzip.compress(text.encode())):
        found = UNDER.decode(given)
        assert [(i.code, i.location, i.severity) for i in found.issues] == [
            ("healthimaging/repeated", place, "error")
        ]
        assert [x.sop_instance_uid for x in found.value] == ["1.2.3.1.2"] * read
        for call in (UNDER.encode, UNDER.update):
            for xs in (found.value, [about(2, SOPInstanceStatus="NS")]):
                with pytest.raises(DocumentError) as caught:
                    call(xs, given)
                assert caught.value.issues == found.issues


def test_what_is_not_ours_may_stand_twice():
    text = json.dumps(image_set(SOPInstanceStatus="AO")).replace('"KVP"', '"KVP": "1", "KVP"')
    found = UNDER.encode([about(1, SOPInstanceStatus="NS")], text)
    assert (found.value, found.issues) == (text.replace('"AO"', '"NS"'), ())


@pytest.mark.parametrize("level", ["Patient", "Study", "Series"])
def test_nothing_is_written_beside_a_status_of_the_whole(level):
    document = image_set()
    series = document["Study"]["Series"]["1.2.3.1"]
    node = series if level == "Series" else document[level]
    node["DICOM"]["SOPInstanceStatus"] = "AO"
    assert [code for code, _ in told(document)] == ["healthimaging/level"]
    with pytest.raises(DocumentError, match="healthimaging/level"):
        UNDER.encode([about(1, SOPInstanceStatus="NS")], document)


def test_what_cannot_be_read_never_stands_beside_ns():
    document = image_set(SOPInstanceStatus="NS", SOPAuthorizationComment={"vr": "LT"})
    said = [about(1, SOPInstanceStatus="NS")]
    assert UNDER.encode(said, document).value == document
    found = UNDER.encode(said, document, exactly=["1.2.3.1.1"])
    carried = transformer("healthimaging", "healthimaging")(document)
    assert UNDER.decode(carried.value).value[0] == UNDER.decode(found.value).value[0]
    assert "LT" not in json.dumps(carried.value)
    dicom = found.value["Study"]["Series"]["1.2.3.1"]["Instances"]["1.2.3.1.1"]["DICOM"]
    assert "SOPAuthorizationComment" not in dicom
    at = f"{INSTANCE}.DICOM.SOPAuthorizationComment"
    assert [(i.code, i.location) for i in found.issues] == [("dicom/replaced", at)]


@pytest.mark.parametrize("study", [{}, {"Series": {}}, {"DICOM": {"StudyID": "1"}}])
def test_a_document_in_which_no_uid_is_found(study):
    assert told({"Study": study}) == [("dicom/no-identity", "")]
    assert told({"Study": {"DICOM": {"StudyInstanceUID": "1.2.3"}}}) == []


def test_more_than_one_number_where_one_is_allowed():
    """What the VM does not allow is told, and kept."""
    tables = load_tables(Path(__file__).resolve().parents[2] / "testkit" / "forty")
    under = codec("healthimaging", tables=tables)
    two = SOPInstance("1.2", "1.2.3", "1.9", "1.2.3.4", "", {"RevolutionTime": "1.5\\2.5"})
    found = under.decode(under.encode([two], under.blank([two])).value)
    assert found.value == (two,)
    assert [i.code for i in found.issues] == ["healthimaging/list", "value/multiplicity"]
