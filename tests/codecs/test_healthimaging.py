"""AWS HealthImaging: its shape and padding, gzip, and the payload of an update."""

import gzip
import json

import pytest
from sopstatus import DocumentError, SOPInstance, codec, transformer
from sopstatus.codecs.healthimaging import LONGEST_UPDATE, update
from sopstatus.limits import Limits

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
