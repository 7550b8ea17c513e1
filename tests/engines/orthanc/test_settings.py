"""Orthanc's configuration as the plugin reads it, and the form that an Accept wants."""

import json

import pytest
import trustme
from samples_of import FOLDER, ROOT
from sopstatus.engines.orthanc.answers import DICOM_JSON, FHIR_JSON, HL7, wanted
from sopstatus.engines.orthanc.settings import DESTINATION, SECTION, settings
from sopstatus.profile import Link

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
    "no token": (
        {"Destinations": {"a": {"FHIR": "https://x", "TokenFile": "/"}}},
        "a.TokenFile cannot",
    ),
    "no CA": ({"Destinations": {"a": {"MLLP": "x:1", "CA": "/none"}}}, "a.CA cannot be read"),
    "empty CA": ({"Destinations": {"a": {"MLLP": "x:1", "CA": ""}}}, "a.CA is empty"),
    "empty audit file": ({"Audit": " "}, "SopStatus.Audit is empty"),
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


@pytest.mark.parametrize("key", ["TokenFile", "CA", "Certificate"])
def test_a_file_that_others_may_write_decides_nothing(tmp_path, key):
    """A token is one line of what a header can hold, here as everywhere."""
    ca = trustme.CA()
    files = {"TokenFile": b"a-token-of-this-server\n", "CA": ca.cert_pem.bytes(),
             "Certificate": ca.issue_cert("x.example").private_key_and_cert_chain_pem.bytes()}  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
    one = {"FHIR": "https://x.example", **{name: str(tmp_path / name) for name in files}}
    given = {"SopStatus": {"Destinations": {"ris": one}}}
    (post,) = settings(given).posts
    assert (post.token, post.to.tls is not None) == ("a-token-of-this-server", True)
    (tmp_path / key).chmod(0o622)
    with pytest.raises(ValueError, match=rf"Destinations.ris.{key} can be written by others"):
        settings(given)
    (tmp_path / key).chmod(0o600)
    (tmp_path / "TokenFile").write_text("two tokens\n")
    with pytest.raises(ValueError, match="TokenFile has to hold one token"):
        settings(given)


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
    assert made.client("10.1.3.3") == Link(secure=True, authenticated=True, conforms=False)
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
