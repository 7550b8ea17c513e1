"""Every host of our transformers: documents by case in, what comes out of the host by case.

``*_study`` takes HL7 v2 messages and makes FHIR resources. ``*_message`` takes pairs of an image and a
message that does not state its status, and makes messages that do. A host that hands on nothing where
an issue is an error gives `refused` of what it told.
"""

import base64
import json
import re
import subprocess
import sys
import types
from contextlib import ExitStack
from dataclasses import replace

import hl7
from artifacts.mirth.rhino import in_python, in_script, run
from hl7apy.parser import parse_message
from serving import MEDIA, parts, service
from sopstatus import codec, load_tables, transformer, values
from sopstatus.codecs.hl7.objects import text_of
from sopstatus.codecs.hl7_xml import of_er7
from sopstatus.documents import content
from sopstatus.engines.enrich import enricher
from sopstatus.engines.messagefoundry import sendable
from sopstatus.sources.folder import FolderSource
from sopstatus.transform import named

from engines.destination import Receiver
from engines.fhir_server import fhir_server
from engines.foundry import engine, free_port
from engines.running import HERE, Client, ours
from engines.sample_hosts import FlowFile, bare_socket, intersystems, loaded, nifi

TO_STUDY, TO_MESSAGE = transformer("hl7", "fhir"), transformer("dicom", "hl7")
XML = codec("hl7-xml")


def refused(text):
    """Return the codes of errors in what a host told."""
    return tuple(sorted(set(re.findall(r"(?:error|fatal) ([a-z0-9-]+/[a-z0-9-]+)", text))))


def charset(message):
    return "iso-8859-1" if b"|8859/1" in message else "utf-8"


def lines(message):
    """Return the message as hosts hold it that hold segments: every line ends with CR."""
    return message.replace(b"\r\n", b"\r").rstrip(b"\r") + b"\r"


def text(message):
    return lines(message).decode(charset(message))


def folder_of(folder, name, image):
    """Make a folder that holds one image."""
    place = folder / "images" / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "image.dcm").write_bytes(image)
    return place


# --- in this process ----------------------------------------------------------------------------


def direct_study(folder, messages):
    return {case: content.dump_json(TO_STUDY(data).value) for case, data in messages.items()}


def direct_message(folder, pairs):
    return {case: TO_MESSAGE(*pair).value for case, pair in pairs.items()}


def enriched_message(folder, pairs):
    return {
        case: enricher(FolderSource(folder_of(folder, case, image)))(message).value
        for case, (image, message) in pairs.items()
    }


def entry_point_study(folder, messages):
    carry = named("hl7-to-fhir")
    return {case: content.dump_json(carry(data).value) for case, data in messages.items()}


def entry_point_message(folder, pairs):
    carry = named("dicom-to-hl7")
    return {case: carry(*pair).value for case, pair in pairs.items()}


def _object_study(parse, messages):
    made = {case: TO_STUDY(parse(text(data))).value for case, data in messages.items()}
    return {case: content.dump_json(value) for case, value in made.items()}


def _object_message(parse, er7, pairs):
    made = {}
    for case, (image, message) in pairs.items():
        given = parse(text(message))
        value = TO_MESSAGE(image, into=given).value
        assert type(value) is type(given)
        assert er7(given) == text(message), "the one that was given is changed"
        made[case] = er7(value).encode(charset(message))
    return made


def text_study(folder, messages):
    return _object_study(str, messages)


def text_message(folder, pairs):
    return _object_message(str, str, pairs)


def python_hl7_study(folder, messages):
    return _object_study(hl7.parse, messages)


def python_hl7_message(folder, pairs):
    return _object_message(hl7.parse, str, pairs)


def _hl7apy(er7):
    return parse_message(er7, find_groups=False)


def hl7apy_study(folder, messages):
    return _object_study(_hl7apy, messages)


def hl7apy_message(folder, pairs):
    return _object_message(_hl7apy, lambda message: text_of(message)[0], pairs)


# --- our own processes --------------------------------------------------------------------------


def _convert(folder, *arguments):
    command = [sys.executable, "-m", "sopstatus", "convert", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def command_line_study(folder, messages):
    made, source = {}, folder / "message.hl7"
    for case, data in messages.items():
        source.write_bytes(data)
        made[case] = _convert(folder, source, "--to", "fhir")
    return made


def command_line_message(folder, pairs):
    made, into = {}, folder / "order.hl7"
    for case, (image, message) in pairs.items():
        source = folder_of(folder, case, image) / "image.dcm"
        into.write_bytes(message)
        made[case] = _convert(folder, source, "--to", "hl7", "--into", into)
    return made


LENIENT = {"Prefer": "handling=lenient"}  # the others give an issue beside the document, too


def service_study(folder, messages):
    head = {"content-type": MEDIA["hl7"], **LENIENT}
    with service() as running, running.client() as client:
        return {
            case: client.post("/transform/hl7-to-fhir", content=data, headers=head).content
            for case, data in messages.items()
        }


def service_message(folder, pairs):
    with service() as running, running.client() as client:
        return {
            case: client.post(
                "/transform/dicom-to-hl7", files=parts(*pair, "dicom", "hl7"), headers=LENIENT
            ).content
            for case, pair in pairs.items()
        }


def entry_point_new(folder, images, target):
    carry = named(f"dicom-to-{target}")
    return {case: carry(image).value for case, image in images.items()}


def command_line_new(folder, images, target):
    made = {}
    for case, image in images.items():
        source = folder_of(folder, case, image) / "image.dcm"
        made[case] = _convert(folder, source, "--to", target)
        if target == "fhir":
            made[case] = json.loads(made[case])
    return made


def service_new(folder, images, target):
    head, made = {"Content-Type": "application/dicom"}, {}
    with service() as running, running.client() as client:
        for case, image in images.items():
            answer = client.post(f"/transform/dicom-to-{target}", content=image, headers=head)
            made[case] = answer.json() if target == "fhir" else answer.content
    return made


def foundry_new(folder, images, target):
    """What MessageFoundry's destination is given of a file (its message holds the bytes)."""
    carry, made = sendable(transformer("dicom", target)), {}
    for case, image in images.items():
        made[case] = carry(types.SimpleNamespace(is_binary=True, raw_bytes=image))
        if made[case] is not None:
            made[case] = json.loads(made[case]) if target == "fhir" else made[case].encode()
    return made


def mllp_study(folder, messages):
    options = ("--respond", "--transformer", "hl7-to-fhir")
    with ours(*options) as running, Client(running.port) as client:
        answers = {case: client.ask(data) for case, data in messages.items()}
    return {
        case: refused_by_ack(answer) if answer.startswith(b"MSH") else answer
        for case, answer in answers.items()
    }


def refused_by_ack(answer):
    assert b"\rMSA|AE|" in answer
    errors = [line for line in answer.decode().split("\r") if line.startswith("ERR")]
    return tuple(sorted({f for e in errors for f in re.findall(r"[a-z0-9-]+/[a-z0-9-]+", e)}))


def mllp_message(folder, pairs):
    made = {}
    for case, (image, message) in pairs.items():
        source = folder_of(folder, case, image)
        with ours("--respond", "--source", str(source)) as running, Client(running.port) as client:
            made[case] = client.ask(message)
    return made


# --- samples/engines ----------------------------------------------------------------------------


def aws_lambda_study(folder, messages):
    handler = loaded("aws_lambda").handler
    made = {}
    for case, data in messages.items():
        event = {"body": base64.b64encode(data).decode(), "isBase64Encoded": True}
        made[case] = handler(event, None)["body"].encode()
        plain = handler({"body": data.decode(charset(data))}, None)["body"].encode()
        assert plain == made[case]
    return made


def nifi_study(folder, messages):
    with nifi() as processor:
        return {
            case: processor.transform(None, FlowFile(data)).contents
            for case, data in messages.items()
        }


def intersystems_study(folder, messages):
    with intersystems() as (process, _):
        requests = {
            case: types.SimpleNamespace(StringValue=data.decode(charset(data)))
            for case, data in messages.items()
        }
        return {
            case: process.OnRequestHelper(request)["response"].StringValue.encode()
            for case, request in requests.items()
        }


def bare_socket_study(folder, messages):
    with bare_socket() as ask:
        return {case: ask(data) for case, data in messages.items()}


# --- MessageFoundry -----------------------------------------------------------------------------


def _control_id(message):
    return message.split(b"\r", 1)[0].split(b"|")[9].decode()


def _through_foundry(folder, messages):
    """Send messages one by one; return by case what came to FHIR and by MLLP, and what was told."""
    with ExitStack() as stack:
        receiver, server = stack.enter_context(Receiver()), stack.enter_context(fhir_server())
        ports = {"utf-8": free_port(), "iso-8859-1": free_port()}
        images = {"SOPSTATUS_IMAGES": str(folder / "images")}
        running = stack.enter_context(
            engine(
                folder, HERE / "conformance_channel.py", environment=images,
                utf_8_port=ports["utf-8"], latin_1_port=ports["iso-8859-1"],
                pacs_port=receiver.port, fhir_url=server.url,
            )
        )  # fmt: skip
        made = {}
        for case, data in messages.items():
            with Client(ports[charset(data)]) as client:
                assert b"\rMSA|AA|" in client.ask(data)
            told = running.settled(_control_id(data))
            codes = refused("".join(str(event["detail"]) for event in told["events"]))
            study = server.received.pop()[2] if server.received else codes
            made[case] = study, receiver.received.pop() if receiver.received else codes
        return made


def foundry_study(folder, messages):
    for data in messages.values():
        (folder / "images" / _control_id(data)).mkdir(parents=True, exist_ok=True)
    return {case: study for case, (study, _) in _through_foundry(folder, messages).items()}


def foundry_message(folder, pairs):
    for image, message in pairs.values():
        folder_of(folder, _control_id(message), image)
    sent = {case: message for case, (_, message) in pairs.items()}
    return {case: message for case, (_, message) in _through_foundry(folder, sent).items()}


# --- Mirth's script engine, without Python at run time ------------------------------------------


def _answers(folder, requests):
    """Return by case what the scripts answer, or what they refuse with."""
    answers = run(folder, list(requests.values()))
    told = (answer.get("value", refused(answer.get("error", ""))) for answer in answers)
    return dict(zip(requests, told, strict=True))


def _statement(said):
    """Return a statement of the scripts, whose offset belongs to each date-time without one."""
    one = in_python(said)
    rows = load_tables().attributes
    attributes = {
        keyword: values.with_offset(value, said["offset"])
        if value and rows[keyword].vr == "DT" and said["offset"]
        else value
        for keyword, value in one.attributes
    }
    return replace(one, attributes=attributes)


def mirth_study(folder, messages):
    """The scripts read, and what they read is written as any codec's is."""
    fhir = codec("fhir")
    requests = {
        case: {"operation": "read", "xml": of_er7(lines(data), charset(data)).decode()}
        for case, data in messages.items()
    }
    made = {}
    for case, said in _answers(folder, requests).items():
        statements = [_statement(one) for one in said]
        written = fhir.encode(statements, fhir.blank(statements), known=statements)
        made[case] = content.dump_json(written.value)
    return made


def mirth_message(folder, pairs):
    """The scripts write what is known of the image."""
    dicom, requests = codec("dicom"), {}
    for case, (image, message) in pairs.items():
        said = [
            in_script(
                one, next(filter(None, (values.context_offset(v) for _, v in one.attributes)), "")
            )
            for one in dicom.decode(image).value
        ]
        xml = of_er7(lines(message), charset(message)).decode()
        requests[case] = {"operation": "write", "xml": xml, "statements": said}
    answers = _answers(folder, requests)
    return {
        case: XML.er7(told) if isinstance(told, str) else told for case, told in answers.items()
    }
