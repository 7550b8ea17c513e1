"""A stand-in for the engine: a channel's own XML, its scripts under Rhino, its queue with a fake clock.

What it does as Open Integration Engine 4.5.2 does (server/ and donkey/ of its sources):

* the scripts see what their own channel brings, and no code template: the library may not be imported;
* the listener decodes with the character set of the channel: bytes that are none become U+FFFD;
* *Process Batch* cuts a frame at each MSH, else it is one message;
* the source transformer runs when the message arrives, with ``msg``, ``tmp``, ``channelMap``,
  ``configurationMap``, ``globalMap``, ``destinationSet``, ``connectorMessage`` and ``logger``; if it
  throws, the answer is AE and the message goes no further;
* the destination sends from its queue: one thread, the retry interval, *rotate*; a JavaScript Writer
  returns a ``Response``, and QUEUED stays; one that throws is ERROR, and the queue goes on;
* a restart keeps messages and their maps, and nothing of ``globalMap``.

What it does not imitate: the ER7 and DICOM parsers (our own ``hl7-xml`` and `data_sets` write what they
make), filters and response transformers (the channels have none: that is looked at), the database,
alerts, more than one thread, the other connectors. A TCP Sender's message is taken by everybody.
"""

import re
import xml.etree.ElementTree as ET
from base64 import b64decode
from dataclasses import dataclass

from sopstatus import load_tables
from sopstatus.artifacts.mirth.files import mirth_files
from sopstatus.codecs.hl7_xml import of_er7

from artifacts.mirth.data_sets import dicom_xml
from artifacts.mirth.rhino import run

FILES = {name: ET.fromstring(data) for name, data in mirth_files(load_tables()).items()}
MESSAGES = re.compile(rb"(?:^|(?<=\r))(?=MSH)")


@dataclass
class Message:
    """What became of a message in the engine."""

    id: int
    status: str
    errors: str
    attempts: int
    told: str = ""
    encoded: str = ""


class Channel:
    """A channel as its file has it, and what is to happen to it."""

    def __init__(self, name, root=None):
        root = root or FILES[f"{name}.xml"]
        self.source = root.find("sourceConnector")
        (self.destination,) = root.find("destinationConnectors")
        for steps in (self.source.find("filter"), *self.destination.iter("responseTransformer")):
            assert not len(steps.find("elements")), "the stand-in runs none"
        self.actions = []

    def definition(self):
        """What the scripts' side of the engine needs of the file."""
        queue = self.destination.find("properties/destinationConnectorProperties")
        assert queue.findtext("queueEnabled") == "true"
        assert queue.findtext("sendFirst") == "false"
        assert queue.findtext("threadCount") == "1"
        template = self.source.find("transformer/outboundTemplate")
        made = template is not None and of_er7(b64decode(template.text)).decode()
        return {
            "source": "\n".join(node.text for node in self.source.iter("script")),
            "template": made or "",
            "writer": self.destination.findtext("properties/script") or "",
            "retryInterval": int(queue.findtext("retryIntervalMillis")),
            "rotate": queue.findtext("rotate") == "true",
        }

    def set(self, **settings):
        """Set values of the configuration map; ``_`` in a name stands for a full stop."""
        found = {name.replace("_", "."): value for name, value in settings.items()}
        self.actions.append(("settings", found))

    def frame(self, data):
        """Bytes arrive in an MLLP frame."""
        properties = self.source.find("properties")
        charset = properties.findtext("charsetEncoding")
        batch = properties.findtext("sourceConnectorProperties/processBatch") == "true"
        for part in filter(None, MESSAGES.split(data)) if batch else [data]:
            text = part.decode(charset, "replace")
            self.actions.append(("receive", {"xml": of_er7(text.encode(), "utf-8").decode()}))

    def store(self, dataset):
        """A data set arrives by C-STORE; the engine's XML has no blanks before a text."""
        texts = {
            int(e.tag): str(e.value)
            for e in dataset
            if e.VR in ("LT", "LO", "CS", "DT", "UI") and e.value is not None
        }
        xml = re.sub(">[ ]+", ">", dicom_xml(dataset))
        self.actions.append(("receive", {"xml": xml, "raw": texts}))

    def run(self, seconds=60):
        """The queue runs for so long, by its own clock, or until it is empty."""
        self.actions.append(("run", seconds))

    def restart(self):
        self.actions.append(("restart", None))


@dataclass
class Outcome:
    answers: list
    messages: list
    queue: list
    sent: list
    clock: int
    logged: list

    @property
    def statuses(self):
        return [message.status for message in self.messages]


def played(folder, *channels):
    """Play the channels, one after another in one process, and return what became of each."""
    given = [
        {"operation": "channel", "channel": c.definition(), "actions": c.actions} for c in channels
    ]
    made = []
    for answer in run(folder, given, http=True, more=("engine.js",), library=False):
        assert "error" not in answer, answer
        engine = answer["value"]
        messages = [
            Message(
                *(m["id"], m["status"], m["errors"], m["attempts"]),
                m.get("told", ""),
                m.get("encoded", ""),
            )
            for m in engine["messages"]
        ]
        made.append(
            Outcome(
                *(engine["answered"], messages, engine["queue"], engine["sent"]),
                *(engine["clock"], answer["logged"]),
            )
        )
    return made
