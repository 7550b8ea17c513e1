"""The channels and the library: complete as exports of an engine are, and what the tables make of them."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from samples_of import FOLDER
from sopstatus import load_tables
from sopstatus.artifacts.mirth.channels import CHANNELS
from sopstatus.artifacts.mirth.export import filled
from sopstatus.artifacts.mirth.files import mirth_files
from sopstatus.artifacts.mirth.library import FUNCTIONS
from sopstatus.cli import main

# of exports of version 4.5.2: the attributes and children of each element, in their order
STRUCTURE = json.loads(Path(__file__).with_name("structure.json").read_text())
COLLECTIONS = {
    *("elements", "destinationConnectors", "headers", "parameters", "metaDataColumns", "entry"),
    *("enabledChannelIds", "disabledChannelIds", "codeTemplates", "delegate"),
}
FILES = {name: ET.fromstring(data) for name, data in mirth_files(load_tables()).items()}
each_channel = pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: c.name)


def channel_of(channel):
    return FILES[f"{channel.name}.xml"]


def walk(node, parent=""):
    yield node, parent
    for child in node:
        yield from walk(child, node.tag)


def key(node, parent):
    name = f"{parent}/{node.tag}" if node.tag in ("properties", "filter") else node.tag
    kind = node.get("class", "linked-hash-map")
    return name if kind == "linked-hash-map" else f"{name} {kind}"


@pytest.mark.parametrize("name", FILES)
def test_structure(name):
    held = Counter()
    for node, parent in walk(FILES[name]):
        found = key(node, parent)
        if node.tag in COLLECTIONS or not (len(node) or node.attrib):
            continue
        assert found in STRUCTURE, f"{found} is in no export"
        children = [c.tag for c in node if c.tag != "outboundTemplate"]
        assert children == STRUCTURE[found]["children"], found
        assert sorted(node.attrib) == STRUCTURE[found]["attributes"], found
        assert node.get("version", "4.5.2") == "4.5.2"
        held[found] += 1
    assert len(held) >= 5


def test_every_part_of_the_exports_is_used():
    seen = {key(node, parent) for root in FILES.values() for node, parent in walk(root)}
    assert set(STRUCTURE) <= seen


def test_the_same_bytes_each_time_and_in_the_samples(tmp_path, capsys):
    assert main(["artifacts", str(tmp_path), "--only", "mirth"]) == 0
    told = capsys.readouterr().out.splitlines()
    made = {path.name: path.read_bytes() for path in (tmp_path / "mirth").iterdir()}
    assert told == [str(tmp_path / "mirth" / name) for name in sorted(made)]
    assert made == mirth_files(load_tables())
    shipped = {path.name: path.read_bytes() for path in (FOLDER / "mirth").glob("*.xml")}
    assert shipped == made, "run: python -m sopstatus artifacts samples --only mirth"


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["artifacts", str(tmp_path / "file")]) == 3
    assert "document/unwritable /" in capsys.readouterr().err


def test_the_command_line_loads_no_artifacts():
    code = "import sys, sopstatus.cli, sopstatus.cli.convert; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sopstatus.artifacts" not in done.stdout


def test_a_template_with_a_hole_is_not_written():
    with pytest.raises(KeyError):
        filled("code-template", id="x")


def test_ids_ports_and_names_are_each_ones_own():
    ids = [node.text for root in FILES.values() for node in root.iter("id")]
    assert len(ids) == len(set(ids)) == len(CHANNELS) + 1 + len(FUNCTIONS)
    ports = [c.port for c in CHANNELS] + [c.next_port for c in CHANNELS if c.next_port]
    assert len(ports) == len(set(ports))
    assert len({c.title for c in CHANNELS}) == len(CHANNELS)


def test_the_library_is_linked_to_the_channels():
    library = FILES["code-template-library.xml"]
    linked = [node.text for node in library.find("enabledChannelIds")]
    assert linked == [channel_of(channel).findtext("id") for channel in CHANNELS]
    assert library.findtext("includeNewChannels") == "true"
    assert [node.findtext("name") for node in library.iter("codeTemplate")] == [*FUNCTIONS.values()]


@each_channel
def test_nothing_is_left_to_the_engines_defaults(channel):
    root = channel_of(channel)
    sender = root.find("destinationConnectors/connector/properties")
    charsets = [node.text for tag in ("charset", "charsetEncoding") for node in root.iter(tag)]
    assert charsets == ["UTF-8"] * len(charsets)
    assert charsets
    assert {node.text for node in root.iter("useStrictParser")} == {"false"}
    assert root.findtext("sourceConnector/properties/listenerConnectorProperties/host") == (
        "127.0.0.1"
    )
    assert sender.findtext("destinationConnectorProperties/queueEnabled") == "true"


@each_channel
def test_a_channel_needs_no_library(channel):
    scripts = [node.text for node in channel_of(channel).iter("script")]
    assert len(scripts) == 1 + bool(channel.writer)
    for code in scripts:
        named = set(re.findall(r"\b(sopstatus[A-Z]\w*)\(", code))
        assert named <= set(re.findall(r"^ *function (sopstatus\w+)\(", code, re.MULTILINE))
        assert len(named) > 20


def test_a_sites_own_table_goes_in(tmp_path):
    (tmp_path / "site.toml").write_text('coding-system = "99MYSITE"\nhl7-position = "message"\n')
    assert main(["artifacts", str(tmp_path / "out"), "--mappings", str(tmp_path)]) == 0
    made = (tmp_path / "out" / "mirth" / "channel-dicom.xml").read_text()
    assert '"system": "99MYSITE"' in made
    assert '"position": "message"' in made
