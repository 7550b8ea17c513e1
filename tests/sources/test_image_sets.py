"""HealthImaging: boto3 with its real service model, against the stand-in and under its Stubber."""

import gzip
import io
import json
from contextlib import contextmanager

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber
from samples_of import CASES, sample
from sopstatus import DocumentError, Link, SOPInstance, codec, transformer
from sopstatus.sources import healthimaging
from sopstatus.testing.healthimaging import healthimaging as stand_in
from sopstatus.testing.image_set import image_set as made_of
from sopstatus.testing.running import running

STORE, SET = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
STUDY, SERIES = "1.2.3", "1.2.3.1"
TRUSTED = Link(secure=True, authenticated=True, conforms=True)


def image_set(count=3, status="AO ", comment="kept as it is"):
    """Return metadata as the service has it: padded, with an unknown attribute."""
    said = {"SOPInstanceStatus": status, "SOPAuthorizationComment": comment, "Rows": 2}
    instances = {f"{SERIES}.{n}": {"DICOM": dict(said), "ImageFrames": []} for n in range(count)}
    series = {SERIES: {"DICOM": {"SeriesInstanceUID": SERIES}, "Instances": instances}}
    study = {"DICOM": {"StudyInstanceUID": STUDY}, "Series": series}
    return {"SchemaVersion": "1.1", "ImageSetID": SET, "Patient": {"DICOM": {}}, "Study": study}


def client(url=None):
    return boto3.client(
        "medical-imaging",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="synthetic",
        aws_secret_access_key="synthetic",
        config=Config(inject_host_prefix=False, retries={"max_attempts": 1}),
    )


@contextmanager
def served(image_sets, **options):
    app = stand_in(image_sets, **options)
    with running(app) as url:
        source = healthimaging(STORE, client=client(url), holder="AHI", poll=0.01, patience=5)
        source.kept = app.state.image_sets
        yield source


def states(source):
    (scanned,) = source.scan([STUDY])
    return [x.get("SOPInstanceStatus") for x in scanned.instances]


def said(number, status="NS"):
    return SOPInstance(STUDY, SERIES, "", f"{SERIES}.{number}", "", {"SOPInstanceStatus": status})


def test_metadata_is_read_with_its_padding_and_gzip():
    sets = {f"{SET[:-2]}{n:02}": image_set() for n in range(60)}
    with served(sets) as source:
        source.kept[f"{SET[:-2]}07"].primary = False
        found = list(source.scan())
        assert len(found) == 59
        assert found[0].format == "healthimaging"
        assert {x["SOPInstanceStatus"] for one in found for x in one.instances} == {"AO"}
        assert {x.holder for x in source.statements(STUDY)} == {"AHI"}
        document = source.metadata(SET[:-2] + "00")
        assert document[:2] == b"\x1f\x8b"
        assert '"AO"' in json.dumps(transformer("healthimaging", "fhir")(document).value)
        assert list(source.scan(["1.2.4"])) == []


def test_an_update_waits_until_it_is_done():
    with served({SET: image_set(status="NS ")}, looks=3) as source:
        result = source.update([said(1, "AC")], SET, link=TRUSTED)
        assert (result.value, result.issues) == ("2", ())
        assert states(source) == ["NS", "AC", "NS"]
        assert [r.before for r in result.records] == ["NS"]
        assert source.update([said(1, "AC")], SET, link=TRUSTED).value == "2"  # nothing differs
        untouched = source.kept[SET].versions[1]["Study"]["Series"][SERIES]["Instances"]
        assert (
            untouched[f"{SERIES}.0"]["DICOM"]
            == image_set(status="NS ")["Study"]["Series"][SERIES]["Instances"][f"{SERIES}.0"][
                "DICOM"
            ]
        )


def test_nobody_lowers_an_original():
    with (
        served({SET: image_set()}) as source,
        pytest.raises(DocumentError, match="profile/better-held") as refused,
    ):
        source.update([said(1, "AC")], SET, link=TRUSTED)
    assert [r.outcome for r in refused.value.records] == ["refused"]
    assert len(source.kept[SET].versions) == 1


def test_over_a_link_that_nobody_vouched_for_the_status_becomes_NS():
    with served({SET: image_set(status=None)}, looks=0) as source:
        result = source.update([said(0, "AC")], SET)
        assert [issue.code for issue in result.issues] == ["link/untrusted"]
        assert states(source) == ["NS", None, None]


def test_many_instances_are_several_updates_of_30000_bytes():
    with served({SET: image_set(1500, "AC ")}, looks=1) as source:
        whole = SOPInstance(STUDY, "", "", "", "", {"SOPInstanceStatus": "NS"})
        result = source.update([whole], SET, link=TRUSTED)
        assert result.issues == ()
        assert int(result.value) > 3
        assert set(states(source)) == {"NS"}


def test_one_instance_that_is_too_long_is_told():
    with served({SET: image_set(1)}) as source:
        attributes = {"SOPAuthorizationComment": "x" * 40_000, "SOPInstanceStatus": "AO"}
        long = SOPInstance(STUDY, SERIES, "", f"{SERIES}.0", "", attributes)
        result = source.update([long], SET, link=TRUSTED)
        codes = {issue.code for issue in result.issues}
        assert {"healthimaging/update-too-long", "source/update-incomplete"} <= codes
        assert result.value == "1"
        assert result.records == ()


def test_an_update_that_fails_is_told():
    with served({SET: image_set(status="AC ")}, looks=1) as source:
        instances = source.kept[SET].versions[0]["Study"]["Series"][SERIES]["Instances"]
        source.client.meta.events.register(
            "before-call.medical-imaging.UpdateImageSetMetadata",
            lambda **_: instances.pop(f"{SERIES}.1") and None,  # somebody removes it meanwhile
        )
        result = source.update([said(1)], SET, link=TRUSTED)
        assert [issue.code for issue in result.issues] == [
            "healthimaging/update-failed",
            "source/update-incomplete",
        ]
        assert "UPDATE_FAILED" in result.issues[0].diagnostics
        assert "0 of 1" in result.issues[1].diagnostics
        assert result.value == "1"
        assert result.records == ()  # nothing was done, so nothing is recorded as done


def test_a_conflict_is_told_by_its_code():
    with served({SET: image_set(status="AC ")}) as source:
        source.kept[SET].looks = 10_000  # somebody else's update takes long
        source._patience = 0.05
        result = source.update([said(1)], SET, link=TRUSTED)
        assert [i.code for i in result.issues] == ["source/unavailable", "source/update-incomplete"]
        assert "ConflictException" in result.issues[0].diagnostics
        assert result.records == ()
        unknown = source.image_set("0" * 32)
        assert "ResourceNotFoundException" in unknown.issues[0].diagnostics


def test_the_real_service_model_takes_what_is_sent():
    """Botocore's Stubber checks names and types of every parameter and answer."""
    metadata = gzip.compress(json.dumps(image_set(1, "AC ")).encode())
    state = {"datastoreId": STORE, "imageSetId": SET, "versionId": "4", "imageSetState": "ACTIVE"}
    update = {
        "SchemaVersion": 1.1,
        "Study": {"Series": {SERIES: {"Instances": {f"{SERIES}.0": {"DICOM": {"SOPInstanceStatus": "NS"}}}}}},
    }  # fmt: skip
    where = {"datastoreId": STORE, "imageSetId": SET}
    with Stubber(made := client()) as stub:
        stub.add_response("get_image_set", state, where)
        stub.add_response(
            "get_image_set_metadata",
            {
                "imageSetMetadataBlob": StreamingBody(io.BytesIO(metadata), len(metadata)),
                "contentType": "application/json",
                "contentEncoding": "gzip",
            },
            {**where, "versionId": "4"},
        )
        stub.add_response(
            "update_image_set_metadata",
            {**where, "latestVersionId": "4", "imageSetState": "LOCKED"},
            {
                **where,
                "latestVersionId": "4",
                "updateImageSetMetadataUpdates": {
                    "DICOMUpdates": {
                        "updatableAttributes": json.dumps(update, separators=(",", ":")).encode()
                    }
                },
            },
        )
        stub.add_response("get_image_set", {**state, "imageSetState": "LOCKED"}, where)
        done = {**state, "versionId": "5", "imageSetWorkflowStatus": "UPDATED"}
        stub.add_response("get_image_set", done, where)
        source = healthimaging(STORE, client=made, poll=0)
        one = SOPInstance(
            STUDY, SERIES, "", f"{SERIES}.0", "",
            {"SOPInstanceStatus": "NS", "SOPAuthorizationComment": "kept as it is"},
        )  # fmt: skip
        assert source.update([one], SET, link=TRUSTED).value == "5"
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("case", CASES)
def test_an_image_set_made_of_a_file_says_what_the_file_says(case):
    file = sample(case, "dicom")
    made = made_of([file])
    under = codec("healthimaging")
    found = under.decode(json.dumps(made))
    assert found.value == codec("dicom").decode(file).value
    assert under.instances(made) == codec("dicom").instances(file)


def test_an_image_set_has_the_services_shape():
    (series,) = made_of([sample("authorized-original", "dicom")])["Study"]["Series"].values()
    (instance,) = series["Instances"].values()
    said_ = instance["DICOM"]
    assert said_["TransferSyntaxUID"].startswith("1.2.840.10008.1.2")
    assert said_["WindowCenter"] if "WindowCenter" in said_ else said_["ImageType"][0] == "ORIGINAL"
    assert isinstance(said_["KVP"], str)
    assert said_["SOPInstanceStatus"] == "AO"
    assert any(isinstance(v, str) and v.endswith((" ", "\0")) for v in said_.values())
    assert None in said_.values()
    assert series["DICOM"]["Modality"] == "CT"
