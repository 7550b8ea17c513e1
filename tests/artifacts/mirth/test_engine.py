"""The channels in a stand-in engine, against a FHIR server and a DICOMweb server: see engine.py."""

import json
from contextlib import ExitStack
from dataclasses import replace

import pydicom
import pytest
from samples_of import FOLDER, bare
from sopstatus import Holder, SOPInstance, codec
from sopstatus.codecs.hl7 import message

from artifacts.mirth.engine import Channel, played
from artifacts.mirth.service import serving

STUDY, OTHER, SERIES = "1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.7", "1.2.3"
HL7, FHIR = codec("hl7"), codec("fhir")
SENT_AT = "20240115103015+0100"
OF_CONTENT = (400, 404, 405, 406, 410, 415, 422)
OF_THE_SITE = (401, 403, 408, 409, 412, 425, 429, 500, 502, 503, 504)


def said(number, status="AO", study=STUDY):
    uids = (study, SERIES, "1.2.840.10008.5.1.4.1.1.2", f"{study}.{number}")
    return SOPInstance(*uids, "", {"SOPInstanceStatus": status})


def oru(*statements, time=SENT_AT):
    return HL7.encode(statements, message(statements[:1], time=time)).value


def on(server):
    """What the FHIR server holds, said of each study."""
    return [FHIR.decode(text).value for text in server.resources.values()]


class Deaf:
    """The FHIR server's behaviour: it answers with a status, the first times that it is written to."""

    def __init__(self, status, times, methods=("PUT", "POST")):
        self.status, self.times, self.methods = status, times, methods

    def __call__(self, server, method, path):
        if self.times <= 0 or method not in self.methods:
            return 0
        self.times -= 1
        return self.status


class Race:
    """Somebody else writes to the FHIR server between a read and the write that follows it."""

    def __init__(self, times):
        self.times = times

    def __call__(self, server, method, path):
        if method in ("PUT", "POST") and self.times:
            self.times -= 1
            mine = said(100 + self.times)
            if not server.resources:
                server.put("theirs", json.dumps(FHIR.encode([mine]).value).encode())
            else:
                ((name, text),) = server.resources.items()
                server.put(name, FHIR.encode([mine], text, add_missing=True).value)
        return 0


CASES = {}


def case(*names):
    """Take a function that makes a channel and what happens to it; it returns the FHIR server."""

    def kept(make):
        for name in names or [make.__name__]:
            CASES[name] = make
        return make

    return kept


@case()
def twenty_at_once(channel, server, _):
    for number in range(1, 21):
        channel.frame(oru(said(number)))
    channel.run()


@case()
def tokens(channel, server, _):
    channel.set(sopstatus_token="secret", sopstatus_fhir_token="fhir")
    channel.frame(oru(said(1)))
    channel.run()


@case()
def a_batch(channel, server, _):
    channel.frame(b"".join(oru(said(number)) for number in range(1, 4)))
    channel.run()


@case()
def a_race(channel, server, _):
    server.behave = Race(3)
    channel.frame(oru(said(1)))
    channel.run()


@case()
def a_race_without_end(channel, server, _):
    server.behave = Race(1000)
    channel.frame(oru(said(1)))
    channel.run(5)


@case()
def a_restart(channel, server, _):
    server.behave = Deaf(503, 2)
    for number in (1, 2, 3):
        channel.frame(oru(said(number)))
    channel.run(5)
    channel.restart()
    channel.run()


@case(*(f"write {status}" for status in OF_CONTENT + OF_THE_SITE))
def a_status(channel, server, name):
    status = int(name.removeprefix("write "))
    server.behave = Deaf(status, 10 if status in (404, 409, 410, 412) else 1)
    channel.frame(oru(said(1)))
    channel.frame(oru(said(2)))
    channel.run()


@case("read 400", "read 401", "read 404", "read 503")
def a_status_of_a_search(channel, server, name):
    server.behave = Deaf(int(name.removeprefix("read ")), 1, ("GET",))
    channel.frame(oru(said(1)))
    channel.frame(oru(said(2)))
    channel.run()


@case()
def two_studies(channel, server, _):
    channel.frame(oru(said(1), said(1, "OR", OTHER), said(2)))
    channel.run()


@case()
def too_many_studies(channel, server, _):
    channel.frame(oru(*(said(1, study=f"1.2.3.{number}") for number in range(400))))
    channel.run()


@case()
def one_study_refused(channel, server, _):
    server.put("there", json.dumps(FHIR.encode([said(9, study=OTHER)]).value).encode())
    server.behave = Deaf(422, 9, ("POST",))
    channel.frame(oru(said(1), said(1, "OR", OTHER)))
    channel.run()


@case()
def twins(channel, server, _):
    for name in ("one", "two"):
        server.put(name, json.dumps(FHIR.encode([said(1)]).value).encode())
    channel.frame(oru(said(1)))
    channel.run()


@case()
def nothing_stated(channel, server, _):
    for text in (message([SOPInstance(STUDY)]), message(), bare("ihe-order-zds", "hl7")):
        channel.frame(text)
    channel.run()


@case()
def logged(channel, server, _):
    channel.set(sopstatus_errors="log")
    channel.frame(oru(said(1)).replace(b"AO^Authorized Original", b"XX"))
    channel.run()


@case()
def a_wrong_value(channel, server, _):
    channel.frame(oru(said(1)).replace(b"AO^Authorized Original", b"XX"))
    channel.run()


@case("somebody_elses", "missing_added")
def somebody_elses(channel, server, name):
    if name == "missing_added":
        channel.set(sopstatus_fhir_missing="add")
    foreign = {**FHIR.encode([said(1)]).value, "meta": {}, "id": "theirs"}
    text = json.dumps(foreign)[:-1] + ', "spacing": 1.50}'
    server.put("theirs", text.encode())
    channel.frame(oru(said(2)))
    channel.frame(oru(said(1, "OR")))
    channel.run()


@case("older_skipped", "older_written")
def an_older_message(channel, server, name):
    if name == "older_skipped":
        channel.set(sopstatus_fhir_older="skip")
    channel.frame(oru(said(1, "OR"), time="20240115103015+0100"))
    channel.frame(oru(said(1, "AO"), time="20240115103115+0100"))
    channel.frame(oru(said(1, "NS"), said(2, "AC"), time="20240115093025+0000"))
    channel.run()


@case()
def an_older_message_about_the_same_holder(channel, server, _):
    channel.set(sopstatus_fhir_older="skip")
    spelt = ("PACS1^1.2.3.4^ISO", "OTHER^urn:oid:1.2.3.4", "^1.2.3.4^ISO", "PACS1^1.2.3.5^ISO")
    for number, holder in enumerate(spelt):
        status = ("AO", "NS", "OR", "AC")[number]
        held = replace(said(1, status), holder=Holder.of(holder))
        channel.frame(oru(held, time=f"2024011510301{9 - number}+0100"))
    channel.run()


@case()
def latin_1(channel, server, _):
    channel.frame(oru(said(1)).replace(b"PID|||", b"PID|||||M\xfcller"))
    channel.run()


@case()
def a_service_that_goes(channel, server, _):
    channel.frame(oru(said(1)))
    channel.set(sopstatus_service="http://127.0.0.1:9")
    channel.frame(oru(said(2)))
    channel.run(5)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What became of every case: the engine's side, and the FHIR server; one process for all."""
    with ExitStack() as stack:
        made = {}
        for name, make in CASES.items():
            server = stack.enter_context(serving({}, {}))
            channel = Channel("channel-fhir")
            channel.set(sopstatus_service=server.url, sopstatus_fhir=f"{server.url}/fhir")
            make(channel, server, name)
            made[name] = (channel, server)
        told = played(tmp_path_factory.mktemp("engine"), *(channel for channel, _ in made.values()))
        return {
            name: (outcome, server)
            for (name, (_, server)), outcome in zip(made.items(), told, strict=True)
        }


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("twenty_at_once", range(1, 21)), ("a_batch", range(1, 4)), ("a_restart", range(1, 4))],
)
def test_no_statement_is_lost(outcomes, name, numbers):
    engine, server = outcomes[name]
    assert set(engine.statuses) == {"SENT"}
    assert set(engine.answers) == {"AA"}
    (held,) = on(server)
    assert set(held) == {said(number) for number in numbers}


def test_each_token_goes_to_its_own_server(outcomes):
    asked = outcomes["tokens"][1].asked
    assert {(path.split("/")[1], headers["Authorization"]) for path, headers in asked} == {
        ("transform", "Bearer secret"),
        ("fhir", "Bearer fhir"),
    }


def test_no_server_answers_out_of_its_cache(outcomes):
    """What was made a moment ago would be missing, and made again."""
    asked = outcomes["twenty_at_once"][1].asked
    reads = [told for path, told in asked if path[:6] == "/fhir/" and "Content-Type" not in told]
    assert len(reads) >= 39
    assert {told.get("Cache-Control") for told in reads} == {"no-cache"}


def test_what_somebody_else_writes_meanwhile_is_kept(outcomes):
    engine, server = outcomes["a_race"]
    assert engine.statuses == ["SENT"]
    assert set(on(server)[0]) == {said(1), said(100), said(101), said(102)}
    engine, server = outcomes["a_race_without_end"]
    assert engine.statuses == ["QUEUED"]
    assert "status 412" in engine.messages[0].errors
    assert said(1) not in on(server)[0]


def test_a_restart_sends_what_waits(outcomes):
    engine, _ = outcomes["a_restart"]
    assert [m.attempts for m in engine.messages] == [3, 1, 1]
    assert engine.clock == 10_000


@pytest.mark.parametrize("status", OF_CONTENT)
def test_a_message_that_is_refused_is_an_error_and_the_next_is_sent(outcomes, status):
    engine, server = outcomes[f"write {status}"]
    assert engine.statuses == ["ERROR", "SENT"]
    assert f"status {status}" in engine.messages[0].errors
    assert on(server) == [(said(2),)]


@pytest.mark.parametrize("status", OF_THE_SITE)
def test_a_message_waits_until_the_site_has_set_it_right(outcomes, status):
    engine, server = outcomes[f"write {status}"]
    assert engine.statuses == ["SENT", "SENT"]
    assert engine.messages[0].attempts == 2
    assert set(on(server)[0]) == {said(1), said(2)}


@pytest.mark.parametrize(
    ("status", "statuses"),
    [(400, ["ERROR", "SENT"]), (401, ["SENT"] * 2), (404, ["ERROR", "SENT"]), (503, ["SENT"] * 2)],
)
def test_a_search_that_is_refused(outcomes, status, statuses):
    assert outcomes[f"read {status}"][0].statuses == statuses


def test_a_message_about_two_studies(outcomes):
    engine, server = outcomes["two_studies"]
    assert engine.statuses == ["SENT"]
    assert {frozenset(held) for held in on(server)} == {
        frozenset([said(1), said(2)]),
        frozenset([said(1, "OR", OTHER)]),
    }
    engine, server = outcomes["one_study_refused"]
    assert engine.statuses == ["ERROR"]
    assert set(on(server)[0]) == {said(9, study=OTHER), said(1, "OR", OTHER)}


def test_a_message_about_too_many_studies(outcomes):
    """A message of some kilobytes would be copied for each of them."""
    engine, server = outcomes["too_many_studies"]
    assert (engine.answers, engine.statuses) == (["AE"], ["ERROR"])
    assert engine.messages[0].errors.startswith("fatal document/too-many-pairs -: ")
    assert server.resources == {}


def test_two_resources_of_one_study(outcomes):
    engine, server = outcomes["twins"]
    assert engine.statuses == ["ERROR"]
    assert engine.messages[0].errors.startswith("sopstatus: 2 ImagingStudy of one study on ")
    assert list(server.versions.values()) == [1, 1]


def test_nothing_to_say_makes_no_resource(outcomes):
    engine, server = outcomes["nothing_stated"]
    assert engine.statuses == ["TRANSFORMED"] * 3
    assert server.resources == {}


def test_a_wrong_value_stops_the_message(outcomes):
    engine, server = outcomes["a_wrong_value"]
    assert (engine.answers, engine.statuses) == (["AE"], ["ERROR"])
    assert engine.messages[0].errors.startswith("error value/unknown-term ZDS[1]-5: ")
    engine, server = outcomes["logged"]
    assert engine.statuses == ["SENT"]
    assert engine.logged[0].startswith("error value/unknown-term ZDS[1]-5: ")
    assert [b'"XX' in text or b'\\"XX' in text for text in server.resources.values()] == [True]


def test_a_resource_of_somebody_else(outcomes):
    engine, server = outcomes["somebody_elses"]
    assert engine.statuses == ["ERROR", "SENT"]
    assert engine.messages[0].errors.startswith("error fhir/no-counterpart ")
    assert on(server) == [(said(1, "OR"),)]
    assert b'"spacing": 1.50' in server.resources["theirs"]
    engine, server = outcomes["missing_added"]
    assert engine.statuses == ["SENT", "SENT"]
    assert set(on(server)[0]) == {said(1, "OR"), said(2)}


@pytest.mark.parametrize(("name", "status"), [("older_skipped", "AO"), ("older_written", "NS")])
def test_an_older_message(outcomes, name, status):
    engine, server = outcomes[name]
    assert set(engine.statuses) == {"SENT"}
    assert set(on(server)[0]) == {said(1, status), said(2, "AC")}


def test_an_older_message_that_spells_the_holder_otherwise(outcomes):
    """Holders are the same if their universal IDs are."""
    engine, server = outcomes["an_older_message_about_the_same_holder"]
    assert set(engine.statuses) == {"SENT"}
    assert {(x.holder.universal_id, x["SOPInstanceStatus"]) for x in on(server)[0]} == {
        ("1.2.3.4", "AO"),
        ("1.2.3.5", "AC"),
    }


def test_bytes_of_another_character_set_are_not_forwarded(outcomes):
    engine, server = outcomes["latin_1"]
    assert (engine.answers, engine.statuses) == (["AE"], ["ERROR"])
    assert engine.messages[0].errors.startswith("error hl7/undecodable PID: ")
    assert server.resources == {}


def test_a_service_that_is_down(outcomes):
    engine, _ = outcomes["a_service_that_goes"]
    assert engine.answers == ["AA", "AE"]
    assert engine.statuses == ["QUEUED", "ERROR"]
    assert "no answer from http://127.0.0.1:9/" in engine.messages[0].errors


def test_every_resource_names_its_study(outcomes):
    for _, server in outcomes.values():
        for text in server.resources.values():
            assert json.loads(text)["identifier"][0]["value"] in (
                f"urn:oid:{STUDY}",
                f"urn:oid:{OTHER}",
            )


def test_leading_blanks_of_a_long_text_are_kept(tmp_path):
    """The engine's XML loses them; its data set has them."""
    image = pydicom.dcmread(FOLDER / "authorized-original" / "image.dcm")
    image.SOPAuthorizationComment = "  two blanks before"
    channel = Channel("channel-dicom")
    channel.store(image)
    channel.run()
    (outcome,) = played(tmp_path, channel)
    (message,) = outcome.sent
    assert outcome.statuses == ["SENT"]
    (found,) = codec("hl7-xml").decode(message).value
    assert found["SOPAuthorizationComment"] == "  two blanks before"
