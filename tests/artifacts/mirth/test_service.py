"""The scripts that call the service, with the HTTP client of the engine, over real sockets."""

import re
import socket

import pytest
from samples_of import bare, sample
from sopstatus import codec, load_tables
from sopstatus.artifacts.mirth.channels import CHANNELS, step_script
from sopstatus.codecs.hl7_xml import of_er7

from artifacts.mirth.rhino import run
from artifacts.mirth.service import serving

CASE = "kanji-comment"
STUDY = codec("hl7").decode(sample(CASE, "hl7")).value[0].study_instance_uid
MESSAGE = of_er7(bare(CASE, "hl7")).decode()
STEPS = {c.name: step_script(c, load_tables()) for c in CHANNELS}


def steps(tmp_path, *requests):
    """Run the steps of channels: (channel, message, settings)."""
    given = [
        {"operation": "step", "script": STEPS[name], "xml": xml, "settings": settings}
        for name, xml, settings in requests
    ]
    return run(tmp_path, given, http=True, library=False)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What became of each message, and what was asked for; one process for all."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    unknown = MESSAGE.replace(
        "</HL7Message>", "<ZDS><ZDS.1>1.2.3</ZDS.1><ZDS.5>XX</ZDS.5></ZDS></HL7Message>"
    )
    with serving({STUDY: sample(CASE, "dicom-json")}, {}) as server:
        here = f"http://127.0.0.1:{server.server_port}"
        service = {"sopstatus.service": f"{here}/"}
        known = {
            **service,
            "sopstatus.dicomweb": f"{here}/dicom-web",
            "sopstatus.dicomweb.token": "web",
        }
        known["sopstatus.token"] = "secret"
        cases = {
            "enriched": ("channel-enriched", MESSAGE, known),
            "not asked": ("channel-enriched", MESSAGE, service),
            "not known": ("channel-enriched", MESSAGE.replace(STUDY, "1.2.3"), known),
            "says so already": ("channel-enriched", sample(CASE, "hl7-xml").decode(), known),
            "unknown term": ("channel-enriched", unknown, service),
            "logged": ("channel-enriched", unknown, {**service, "sopstatus.errors": "log"}),
            "no message": ("channel-enriched", MESSAGE.replace("HL7Message", "ORU_R01"), service),
            "no server": (
                "channel-enriched",
                MESSAGE,
                {**service, "sopstatus.dicomweb": f"{nobody}/dicom-web"},
            ),
            "broken": (
                "channel-enriched",
                MESSAGE,
                {**known, "sopstatus.dicomweb": f"{here}/broken"},
            ),
            "no service": ("channel-enriched", MESSAGE, {"sopstatus.service": nobody}),
            "wrong root": (
                "channel-enriched",
                MESSAGE,
                {**known, "sopstatus.dicomweb": f"{here}/dicom"},
            ),
            "not decoded": ("channel-enriched", MESSAGE.replace("</PID>", "\ufffd</PID>"), service),
        }
        told = steps(tmp_path_factory.mktemp("service"), *cases.values())
        return dict(zip(cases, told, strict=True)), server.asked, nobody


def test_a_message_gets_what_the_server_knows(answers):
    told, asked, _ = answers
    assert codec("hl7-xml").decode(told["enriched"]["value"]) == codec("hl7-xml").decode(
        sample(CASE, "hl7-xml")
    )
    assert "患者の画像を承認しました" in told["enriched"]["value"]
    assert (f"/dicom-web/studies/{STUDY}/metadata", "application/dicom+json") in [
        (path, headers.get("Accept")) for path, headers in asked
    ]


@pytest.mark.parametrize("case", ["not asked", "not known", "says so already", "wrong root"])
def test_a_message_that_needs_nothing_stays(answers, case):
    said = codec("hl7-xml").decode(answers[0][case]["value"])
    assert len(said.value) == (1 if case == "says so already" else 0)


def test_each_token_goes_to_its_own_server(answers):
    asked = {(path.split("/")[1], headers.get("Authorization")) for path, headers in answers[1]}
    assert asked == {
        ("transform", None),
        ("transform", "Bearer secret"),
        ("dicom-web", "Bearer web"),
        ("broken", "Bearer web"),
        ("dicom", "Bearer web"),
    }


@pytest.mark.parametrize(
    ("case", "line"),
    [
        (
            "unknown term",
            'error value/unknown-term ZDS[1]-5: "XX" is not a term of SOPInstanceStatus; ',
        ),
        ("no message", "fatal hl7-xml/strict -: "),
        (
            "no server",
            "sopstatus: no answer from NOBODY/dicom-web/studies/STUDY/metadata (REFUSED)",
        ),
        ("broken", "sopstatus: status 500 from http://127.0.0.1:"),
        ("not decoded", "error hl7/undecodable PID: "),
        ("no service", "sopstatus: no answer from NOBODY/transform/hl7-xml-to-hl7-xml (REFUSED)"),
    ],
)
def test_an_error_stops_the_message_with_its_line(answers, case, line):
    told = answers[0][case]["error"].replace(answers[2], "NOBODY").replace(STUDY, "STUDY")
    assert told.replace("HttpHostConnectException", "REFUSED").startswith(line)


def test_an_error_is_logged_and_the_message_goes_on_where_a_site_wants_that(answers):
    told = answers[0]["logged"]
    assert "<ZDS.5>XX</ZDS.5>" in told["value"]
    (line,) = told["logged"]
    assert line.startswith("error value/unknown-term ZDS[1]-5: ")
    assert not answers[0]["enriched"]["logged"]


def test_only_where_a_site_wants_that_is_the_service_asked_to_be_lenient(answers):
    asked = [headers for path, headers in answers[1] if path.startswith("/transform/")]
    told = [(headers.get("Prefer"), headers.get("Accept")) for headers in asked]
    assert sorted(told, key=str).count(("handling=lenient", None)) == 1
    assert told.count(("handling=lenient", "application/json")) == 1
    assert {x for x in told if x[0] is None} == {(None, None)}


def test_a_wrong_root_is_not_an_unknown_study(answers):
    told = answers[0]
    (line,) = told["wrong root"]["logged"]
    assert re.fullmatch(
        r"sopstatus: status 404 from http://127\.0\.0\.1:\d+/dicom/studies; correct sopstatus\.dicomweb",
        line,
    )
    assert told["not known"]["logged"] == []


def test_one_client_is_kept(answers):
    assert {told["clients"] for told in answers[0].values()} == {1}
    assert len(answers[1]) > 10
