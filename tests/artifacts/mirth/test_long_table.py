"""The channel to FHIR with a table of dozens of attributes, its scripts and the service as installed."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from serving import service
from sopstatus import codec, load_tables, transformer
from sopstatus.cli import main
from sopstatus.codecs.hl7 import message
from sopstatus.codecs.hl7_xml import of_er7
from sopstatus.documents import content
from sopstatus.testkit import law_checks
from testkit.test_forty import FOLDER

from artifacts.mirth.engine import Channel, played
from artifacts.mirth.service import serving
from artifacts.mirth.test_rows import about
from artifacts.mirth.test_scripts import drawn, trimmed

MADO = Path(__file__).resolve().parents[3] / "samples" / "tables" / "ihe-mado"
MAPPINGS = ("--mappings", str(FOLDER), "--mappings", str(MADO))
TABLES = load_tables(FOLDER, MADO)
HL7, FHIR = codec("hl7", tables=TABLES), codec("fhir", tables=TABLES)
WRONG = {  # what the message says of an attribute, and the code of the line that it is stopped with
    "SliceThickness": ("thick", "value/not-legal"),
    "PixelSpacing": ("0.5", "value/multiplicity"),
    "AcquisitionDate": ("20230229", "value/not-legal"),
    "SelectorTMValue": ("10\\2460", "value/not-legal"),
}


def statements():
    """Statements about instances of one study, most of them of many attributes."""
    found = drawn(law_checks._statements(TABLES, "hl7"), 40)
    return [about(number, dict(x.attributes)) for number, x in enumerate(found, 1)]


def oru(*said):
    return HL7.encode(said, message(said[:1], time="20240115103015+0100")).value


def digits(text):
    return json.loads(text, parse_float=str, parse_int=str)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Each message, in its order, and what the engine and the FHIR server had at the end."""
    made = tmp_path_factory.mktemp("made")
    assert main(["artifacts", str(made), "--only", "mirth", *MAPPINGS]) == 0
    root = ET.fromstring((made / "mirth" / "channel-fhir.xml").read_bytes())
    said = statements()
    messages = [oru(*said[n : n + 8]) for n in range(0, len(said), 8)]
    wrong = [oru(about(1, {keyword: text})) for keyword, (text, _) in WRONG.items()]
    with service(*MAPPINGS) as serve, serving({}, {}) as server:
        channel = Channel("channel-fhir", root)
        channel.set(sopstatus_service=serve.url, sopstatus_fhir=f"{server.url}/fhir")
        channel.set(
            sopstatus_fhir_missing="add", sopstatus_errors="log"
        )  # odd values are drawn too
        for one in messages:
            channel.frame(one)
        channel.run()
        channel.set(sopstatus_errors="stop")
        for one in wrong:
            channel.frame(one)
        channel.run()
        (engine,) = played(tmp_path_factory.mktemp("engine"), channel)
    return engine, server, messages, wrong


def test_what_stands_on_the_server_is_what_the_library_writes(outcome):
    engine, server, messages, _ = outcome
    assert engine.statuses[: len(messages)] == ["SENT"] * len(messages), engine.messages
    write = transformer("hl7-xml", "fhir", tables=TABLES)
    resource = None
    for one in messages:
        xml = trimmed(of_er7(one).decode())
        resource = write(xml, resource, add_missing=True).value
    (held,) = server.resources.values()
    assert digits(held) | {"id": ""} == digits(content.dump_json(resource)) | {"id": ""}
    said = {keyword for x in FHIR.decode(held).value for keyword, _ in x.attributes}
    assert len(said) > 50


def test_a_wrong_value_is_answered_with_its_line(outcome):
    engine, _, messages, wrong = outcome
    for told, one, (_, code) in zip(
        engine.messages[len(messages) :], wrong, WRONG.values(), strict=True
    ):
        lines = [str(i) for i in HL7.decode(one).issues if i.is_error]
        assert (told.status, told.errors) == ("ERROR", lines[0])
        assert lines[0].split()[1] == code
