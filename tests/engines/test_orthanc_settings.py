"""Orthanc's configuration as the plugin reads it, and the form that an Accept wants."""

import json

import pytest
from samples_of import FOLDER, ROOT
from sopstatus.engines.orthanc_answers import DICOM_JSON, FHIR_JSON, HL7, wanted
from sopstatus.engines.orthanc_settings import DESTINATION, SECTION, settings
from sopstatus.link import Link

CHECKED = {"DicomCheckModalityHost": True, "DicomAlwaysAllowStore": False}
TLS = {"DicomTlsEnabled": True}
REFUSED = {
    "unknown key": ({"Destination": {}}, "'Destination' is not one of"),
    "type": ({"QueueLimit": "many"}, "QueueLimit is of the type int"),
    "no object": ([], "is an object"),
    "both": ({"Destinations": {"a": {"MLLP": "x:1", "FHIR": "http://x"}}}, "either MLLP"),
    "neither": ({"Destinations": {"a": {}}}, "either MLLP"),
    "no port": ({"Destinations": {"a": {"MLLP": "x"}}}, "no host and port"),
    "a name that climbs": ({"Destinations": {"../a": {"MLLP": "x:1"}}}, "becomes a folder"),
    "interaction": (
        {"Destinations": {"a": {"FHIR": "http://x", "Interaction": "patch"}}},
        "update",
    ),
    "token": ({"Destinations": {"a": {"FHIR": "http://x", "TokenFile": "t"}}}, "https alone"),
    "certificate": ({"Destinations": {"a": {"MLLP": "x:1", "Certificate": "c"}}}, "needs CA"),
    "titles unchecked": ({"ConformingModalities": ["CT1"]}, "DicomCheckModalityHost"),
}


def test_the_sample_is_read():
    made = settings(json.loads((FOLDER / "orthanc" / "sopstatus.json").read_text()))
    assert [(post.name, post.to.host, post.to.port) for post in made.posts] == [
        ("ris", "127.0.0.1", 2575), ("emr", "127.0.0.1", 8080),
    ]  # fmt: skip


def test_the_page_knows_every_setting():
    page = (ROOT / "docs" / "orthanc.md").read_text()
    assert [key for key in (*SECTION, *DESTINATION) if f"`{key}`" not in page] == []


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    given, said = REFUSED[name]
    with pytest.raises(ValueError, match=said):
        settings({"SopStatus": given})


def test_a_proxy_is_the_only_way_in():
    with pytest.raises(ValueError, match="RemoteAccessAllowed"):
        settings({"SopStatus": {"BehindProxy": True}, "RemoteAccessAllowed": True})


@pytest.mark.parametrize(
    ("configuration", "trusted"),
    [
        ({**CHECKED, **TLS}, True),
        (CHECKED, False),
        ({**CHECKED, **TLS, "DicomTlsRemoteCertificateRequired": False}, False),
    ],
)
def test_a_modality_is_trusted_by_title_address_and_certificate(configuration, trusted):
    made = settings({**configuration, "SopStatus": {"ConformingModalities": ["CT1"]}})
    assert made.modality("CT1").trusted is trusted
    assert not made.modality("CT2").trusted


def test_a_client_is_trusted_by_address_and_certificate():
    ours = {"ConformingClients": ["10.1.2.0/24", "fd00::/8"]}
    made = settings({"SslEnabled": True, "SslVerifyPeers": True, "SopStatus": ours})
    assert made.client("10.1.2.3").trusted
    assert made.client("fd00::1").trusted
    assert made.client("10.1.3.3") == Link(True, True, False)
    assert not made.client("no address").trusted
    assert not settings({"SslEnabled": True, "SopStatus": ours}).client("10.1.2.3").trusted
    assert not settings({"SopStatus": ours}).client("10.1.2.3").trusted


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", DICOM_JSON), ("*/*", DICOM_JSON), ("application/json", DICOM_JSON), (HL7, HL7),
        ("application/fhir+json; fhirVersion=4.0", FHIR_JSON), ("text/html", ""),
        ("text/html, application/fhir+json;q=0.5, */*;q=0.1", FHIR_JSON),
        ("application/hl7-v2;q=0", ""), ("application/hl7-v2;q=x", ""),
    ],
)  # fmt: skip
def test_accept(accept, form):
    assert wanted(accept) == form
