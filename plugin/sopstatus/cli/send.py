"""The command ``sopstatus send``."""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from sopstatus.catalogue import document_error
from sopstatus.cli import shared
from sopstatus.cli.arguments import seconds, whole
from sopstatus.cli.mllp import address
from sopstatus.codecs.hl7 import outline
from sopstatus.engines.delivery.forwarder import Destination, Sender
from sopstatus.engines.delivery.verdict import DONE
from sopstatus.engines.mllp.answer import header
from sopstatus.engines.trust_files import client_tls

EXAMPLES = (
    "sopstatus send message.hl7 localhost:2575",
    "sopstatus send batch.hl7 pacs:2575 --ca hospital-ca.pem --cert own.pem --rate 10",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="Send the messages in this file; - means standard input",
    )
    parser.add_argument("to", metavar="HOST:PORT", help="Send them to this MLLP listener")
    parser.add_argument(
        "--ca", metavar="PEM", help="Send over TLS, to a listener with a certificate of this CA"
    )
    parser.add_argument("--cert", metavar="PEM", help="Present this certificate chain and key")
    parser.add_argument(
        "--rate",
        type=seconds(0.001),
        metavar="N",
        help="Send at most N messages per second (default: as fast as they are acknowledged)",
    )
    parser.add_argument(
        "--repeat", type=whole(1), default=1, metavar="N", help="Send all N times (default: 1)"
    )
    shared.add_seconds(parser, "--timeout", 30, "Wait S seconds for each acknowledgment")


def run(options: Namespace) -> int:
    """Send messages one by one, and print each acknowledgment; exit code 1 if one is not AA or CA."""
    if options.cert and not options.ca:
        raise shared.Stop("--cert needs --ca: without it, messages are sent in clear text")
    try:
        host, port = address(options.to)
        tls = client_tls(options.ca, options.cert, ("--ca", "--cert"))
    except (ValueError, OSError) as error:
        raise shared.Stop(str(error)) from None
    sender = Sender(Destination(host, port, tls, answer=options.timeout))
    messages = [m for file in options.files for m in _messages(file)] * options.repeat
    sent, taken = asyncio.run(_send(sender, messages, 1 / options.rate if options.rate else 0.0))
    print(f"{sent} sent, {taken} accepted", file=sys.stderr)
    return shared.CLEAN if taken == len(messages) else shared.ERRORS


def _messages(file: str) -> Iterator[bytes]:
    """Yield the messages of a file, also of a batch; raise `DocumentError` where there is none."""
    data = shared.read(file, "FILE")
    found = outline.messages(data)
    if not found:
        raise document_error("hl7/no-msh", "FILE")
    for message in found:
        own = [one for one in message.segments if one.name not in ("BTS", "FTS")]
        yield data[own[0].start : own[-1].end] + b"\r"


async def _send(sender: Sender, messages: list[bytes], pause: float) -> tuple[int, int]:
    """Send messages; return how many went out, and how many of them were accepted."""
    sent = taken = 0
    loop = asyncio.get_running_loop()
    begun = 0.0
    for number, message in enumerate(messages):
        await asyncio.sleep(max(0.0, begun + pause - loop.time()) if number else 0)
        begun = loop.time()
        verdict = await sender.send(message)
        said = verdict.said or header(message).control_id + f": {verdict.reason}".encode()
        lines = said.decode("utf-8", "replace").replace("\r", "\n").strip().splitlines()
        shown = ("".join(c if c.isprintable() else "?" for c in line) for line in lines)
        shared.print_text("\n".join(shown) + "\n\n")
        sys.stdout.flush()
        if verdict.reason in ("no-connection", "tls"):
            break
        sent += 1
        taken += verdict.kind == DONE
    sender.close()
    return sent, taken
