"""The sample for MessageFoundry in a real engine: MLLP in, MLLP and FHIR out, retries, dead letters."""

import contextlib
import json
import os
import re
import shutil
import subprocess

import pytest
from samples_of import FOLDER, ROOT, bare, sample
from sopstatus import codec, transformer
from sopstatus.codecs.fhir import transaction
from sopstatus.documents import content

from engines.destination import Receiver, ack
from engines.fhir_server import fhir_server
from engines.foundry import PLACE, engine, free_port, wait_for
from engines.running import HERE, Client, code, message
from tools import need

CASE = "authorized-original"
SAMPLE = FOLDER / "engines" / "message_foundry.py"
WHOLE = sample(CASE, "hl7")  # what is to go on when the images are known


def renamed(control_id, message=None):
    """Return the message without its statement, under another MSH-10."""
    data = bare(CASE, "hl7") if message is None else message
    return data.replace(b"|SYNauthorized-o|", b"|%b|" % control_id.encode(), 1)


def study(message):
    """Return what goes to the FHIR server for a message."""
    return content.dump_json(transaction(transformer("hl7", "fhir")(message).value))


def on_the_page(language, word):
    """Return the first block of code in docs/engines.md that has this word."""
    text = (ROOT / "docs" / "engines.md").read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return next(block for block in found if word in block)


class Site:
    """A running engine, and where its destinations are to be."""

    def __init__(self, engine, port, pacs, fhir):
        self.engine, self.port, self.pacs, self.fhir = engine, port, pacs, fhir

    def send(self, control_id, message=None):
        """Send a message; the engine acknowledges as soon as it is stored."""
        with Client(self.port) as client:
            assert code(client.ask(renamed(control_id, message))) == "AA"

    @contextlib.contextmanager
    def destinations(self, pacs=lambda number, message: ack(message), fhir=lambda *_: 201):
        with Receiver(pacs, self.pacs) as receiver, fhir_server(fhir, self.fhir) as server:
            yield receiver, server

    def attempts(self, control_id):
        """Return how often each destination was tried."""
        told = self.engine.message(control_id)["outbox"]
        return {one["destination_name"]: one["attempts"] for one in told}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foundry")
    images = folder / "images"
    images.mkdir()
    shutil.copy(FOLDER / CASE / "image.dcm", images)
    port, pacs, fhir = (free_port() for _ in range(3))
    with engine(
        folder, SAMPLE, attempts=20, environment={"SOPSTATUS_IMAGES": str(images)},
        status_port=port, pacs_host="127.0.0.1", pacs_port=pacs,
        fhir_url=f"http://127.0.0.1:{fhir}/fhir",
    ) as running:  # fmt: skip
        yield Site(running, port, pacs, fhir)


def test_the_status_goes_on_by_mllp_and_to_fhir(site):
    with site.destinations() as (receiver, server):
        site.send("GOOD")
        assert site.engine.settled("GOOD")["status"] == "processed"
        assert receiver.received == [renamed("GOOD", WHOLE)]
        assert server.received == [("/fhir", "application/fhir+json", study(WHOLE))]


def test_a_destination_that_is_down_gets_it_when_it_is_up(site):
    site.send("DOWN")
    wait_for(lambda: site.engine.messages("DOWN"))
    wait_for(lambda: min(site.attempts("DOWN").values(), default=0) >= 2)
    with site.destinations() as (receiver, server):
        assert site.engine.settled("DOWN")["status"] == "processed"
        assert receiver.received == [renamed("DOWN", WHOLE)]
        assert [body for *_, body in server.received] == [study(WHOLE)]
    assert not [key for key in site.engine.dead() if key[1] == "DOWN"]


def test_what_is_refused_for_now_is_sent_again_unchanged_and_in_order(site):
    with site.destinations(
        lambda number, message: ack(message, "AE" if number < 2 else "AA"),
        lambda number, body: 503 if number < 2 else 201,
    ) as (receiver, server):
        site.send("AGAIN")
        site.send("NEXT")
        assert site.engine.settled("AGAIN")["status"] == "processed"
        assert site.engine.settled("NEXT")["status"] == "processed"
        assert receiver.ids() == ["AGAIN"] * 3 + ["NEXT"]
        assert set(receiver.received) == {renamed("AGAIN", WHOLE), renamed("NEXT", WHOLE)}
        assert [body for *_, body in server.received] == [study(WHOLE)] * 4
    assert site.attempts("AGAIN") == {"OB_PACS": 3, "OB_FHIR": 3}


def test_what_is_refused_is_a_dead_letter_until_it_is_replayed(site):
    with site.destinations(lambda number, message: ack(message, "AR"), lambda *_: 422) as places:
        site.send("REFUSED")
        assert site.engine.settled("REFUSED")["status"] == "error"
        assert [len(place.received) for place in places] == [1, 1]
    dead = site.engine.dead()
    assert "MSA-1=AR" in dead["OB_PACS", "REFUSED"]
    assert "HTTP 422" in dead["OB_FHIR", "REFUSED"]
    with site.destinations() as (receiver, server):
        for name in ("OB_PACS", "OB_FHIR"):
            told = site.engine.ask("/dead-letters/replay", {"destination_name": name})
            assert told["requeued"] == 1
        assert site.engine.settled("REFUSED")["status"] == "processed"
        assert receiver.received == [renamed("REFUSED", WHOLE)]
        assert [body for *_, body in server.received] == [study(WHOLE)]
    assert not site.engine.dead()


def test_one_refusal_holds_up_no_other_destination(site):
    with site.destinations(fhir=lambda *_: 422) as (receiver, _):
        site.send("HALF")
        assert site.engine.settled("HALF")["status"] == "error"
        assert receiver.received == [renamed("HALF", WHOLE)]
    assert [name for name, control_id in site.engine.dead() if control_id == "HALF"] == ["OB_FHIR"]


def test_an_issue_that_is_an_error_makes_a_dead_letter_that_says_why(site):
    bad = WHOLE.replace(b"|AO^Authorized Original^", b"|DOE-JANE^Sample^")
    with site.destinations() as (receiver, server):
        site.send("BAD", bad)
        told = site.engine.settled("BAD")
        site.send("AFTER")
        site.engine.settled("AFTER")
        assert receiver.ids() == ["AFTER"]
        assert len(server.received) == 1
    assert told["status"] == "error"
    assert told["outbox"] == []  # it went nowhere
    (reason,) = [event["detail"] for event in told["events"] if event["event"] == "dead"]
    assert "error value/unknown-term ZDS[1]-5" in reason
    for word in ("DOE-JANE", "Synthetic", "SYNTHETIC^^^SYN"):
        assert word in bad.decode()
        assert word not in reason + site.engine.told()


def test_a_warning_is_in_the_engine_s_log(site):
    message = sample("original", "hl7").replace(b"|SYNoriginal|", b"|WARNED|")
    message = message.replace(b"^99SOPSTATUS", b"^99OTHER")
    with site.destinations() as (receiver, _):
        site.send("WARNED", message)
        assert site.engine.settled("WARNED")["status"] == "processed"
        assert receiver.received == [message]
    assert "WARNING  sopstatus: warning hl7/coding-system ZDS[1]-5" in site.engine.told()


def test_the_page_runs_as_pasted(tmp_path):
    """One resource for a study, whatever the number of its messages; a dead letter, after logging in."""
    config, environments = tmp_path / "config", tmp_path / "environments"
    config.mkdir()
    environments.mkdir()
    (config / "page.py").write_text(on_the_page("python", "from messagefoundry"))
    port = free_port()
    with fhir_server() as server:
        values = on_the_page("toml", "status_port").replace("2575", str(port))
        values = values.replace("https://fhir.example.org/fhir", server.url)
        (environments / "dev.toml").write_text(values)
        with engine(tmp_path, login=True, env="dev") as running:
            with Client(port) as client:
                for number in range(20):
                    assert code(client.ask(renamed(f"{number}", WHOLE))) == "AA"
                assert (
                    code(client.ask(message("ADT", kind="ADT^A08").partition("ZDS")[0].encode()))
                    == "AA"
                )
                wait_for(lambda: len(server.received) == 20)
                asked = [json.loads(body)["entry"][0]["request"] for *_, body in server.received]
                (url,) = {one["url"] for one in asked}
                assert re.fullmatch(r"ImagingStudy/[0-9a-f-]{36}", url)
                assert {one["method"] for one in asked} == {"PUT"}

                server.behave = lambda *_: 422
                assert code(client.ask(renamed("DEAD", WHOLE))) == "AA"
                wait_for(lambda: len(server.received) == 21)
            server.behave = lambda *_: 200
            script = on_the_page("sh", "dead-letters/replay").replace("8765", str(running.port))
            done = subprocess.run(
                ["bash", "-ec", script],
                cwd=tmp_path,
                env={**os.environ, "NEW_PASSWORD": "synthetic-Correct-Horse-77"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert '"requeued":1' in done.stdout, done.stdout + done.stderr
            wait_for(lambda: len(server.received) == 22)


def test_the_engine_s_own_objects():
    python = need(str(PLACE / "python"), remedy="make foundry")
    command = [python, HERE / "foundry_objects.py", FOLDER / CASE]
    done = subprocess.run(command, capture_output=True, check=True)
    told = json.loads(done.stdout)
    resource, image = sample(CASE, "fhir"), sample(CASE, "dicom")
    assert told["kind"] == "Message"
    assert told["given"] == WHOLE.decode()  # not changed
    assert told["onto a message"] == transformer("fhir", "hl7")(resource, WHOLE).value.decode()
    assert told["into, of an image"] == transformer("dicom", "hl7")(image, WHOLE).value.decode()
    assert told["of an image"].encode() == content.dump_json(
        transformer("dicom", "fhir")(image).value
    )
    said = codec("hl7").decode(told["alone"]).value
    assert said == codec("fhir").decode(resource).value
    assert told["explained"] == "hl7"
