"""What ``sopstatus mllp`` does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import ipaddress
import signal
import ssl
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, cast

from sopstatus import log
from sopstatus.engines.enrich import Source
from sopstatus.engines.forward import Destination, Forwarder
from sopstatus.engines.mllp import Listener, Settings
from sopstatus.engines.mllp_tables import Reloading
from sopstatus.engines.mllp_work import Transform, Work, work
from sopstatus.engines.sources import opened
from sopstatus.engines.spool import Spool
from sopstatus.engines.spool_folder import owned
from sopstatus.engines.spool_writer import SpoolWriter
from sopstatus.table import MappingTable
from sopstatus.transform import named


def listen(options: Namespace) -> int:
    """Listen for messages until SIGTERM or SIGINT, and then drain."""
    if fault := _usage(options):
        print(f"error: {fault}", file=sys.stderr)
        return 2
    try:
        transform = _transform(options.transform) if options.transform else None
        tls = _server_tls(options) if options.tls_cert else None
        where = _destination(options) if options.forward else None

        def made(tables: MappingTable) -> Work:
            return work(
                limit=options.limit << 20,
                tables=tables,
                source=_source(options, tables) if options.source else None,
                transform=transform,
                forwarded=where is not None,
            )

        done = Reloading(options.mappings, made)
    except (LookupError, ImportError, AttributeError, ValueError, OSError) as error:
        print(f"error: {_said(error)}", file=sys.stderr)
        return 2
    log.configure(json=options.log == "json", level=options.log_level)
    try:
        with owned(Path(options.spool)) if where else contextlib.nullcontext():
            asyncio.run(_serve(options, done, tls, where))
    except OSError as error:
        print(f"error: cannot listen there: {_said(error)}", file=sys.stderr)
        return 3
    return 0


async def _serve(
    options: Namespace, done: Reloading, tls: ssl.SSLContext | None, where: Destination | None
) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    reloads: set[asyncio.Task[None]] = set()  # the loop itself holds no task
    loop.add_signal_handler(signal.SIGHUP, lambda: reloads.add(loop.create_task(done.reload())))
    writer = SpoolWriter(Spool(options.spool)) if where else None
    listener = Listener(done, _settings(options), store=writer, quick=done.work.is_quick)
    port = await listener.start(options.host, options.port, tls=tls)
    print(f"listening on {options.host} port {port}", flush=True)
    log.event("mllp-listening", port=port, tls=tls is not None)
    forwarder = Forwarder(writer, where) if writer and where else None
    waits: list[asyncio.Task[Any]] = [loop.create_task(end.wait())]
    if forwarder:
        waits.append(loop.create_task(forwarder.run()))
    watching = loop.create_task(done.watch())
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    await listener.drain()
    log.event("mllp-stopped", messages=listener.taken, refused=listener.refused)
    if forwarder and writer:
        forwarder.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waits[1], options.drain_timeout)
        await writer.close()
        log.event("mllp-delivered", sent=forwarder.sent, dead=forwarder.dead)


def _usage(options: Namespace) -> str:
    """Return what is wrong with the options, if anything."""
    if not _is_loopback(options.host) and not (options.tls_cert and options.tls_client_ca):
        return "--host other than this machine needs --tls-cert and --tls-client-ca"
    if options.tls_client_ca and not options.tls_cert:
        return "--tls-client-ca needs --tls-cert"
    if options.peer_conforms and not options.tls_client_ca:
        return "--peer-conforms needs --tls-client-ca: nobody else has shown who it is"
    if bool(options.forward) != bool(options.spool):
        return "--forward and --spool need each other"
    if (options.forward_cert and not options.forward_ca) or (
        options.forward_ca and not options.forward
    ):
        return "--forward-cert needs --forward-ca, which needs --forward"
    if options.source and options.transform:
        return "--source and --transform: a transformer looks into sources of its own"
    if options.respond and options.forward:
        return "--respond and --forward: a message has one way"
    if options.limit < 1 or options.connections < 1:
        return "--limit and --connections are at least 1"
    return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _settings(options: Namespace) -> Settings:
    return Settings(
        limit=options.limit << 20,
        connections=options.connections,
        block=options.block_timeout,
        idle=options.idle_timeout,
        drain=options.drain_timeout,
        respond=options.respond,
        only_one=options.only_one,
        conforms=options.peer_conforms,
    )


def _transform(name: str) -> Transform:
    """Return a transformer by the name of its entry point, or as ``module:callable``."""
    module, found, attribute = name.partition(":")
    if not found:
        return named(name)
    value: Any = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    return cast(Transform, value)


def _source(options: Namespace, tables: MappingTable) -> Source:
    token = Path(options.source_token).read_text("ascii").strip() if options.source_token else ""
    return opened(options.source, holder=options.holder, token=token, tables=tables)


def _destination(options: Namespace) -> Destination:
    host, port = address(options.forward)
    tls = client_tls(options.forward_ca, options.forward_cert)
    return Destination(
        host, port, tls, answer=options.answer_timeout, rejections=options.give_up_after
    )


def address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``; raise `ValueError` for anything else."""
    host, found, port = text.rpartition(":")
    if not found or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is no HOST:PORT")
    return host.strip("[]"), int(port)


def client_tls(ca: str | None, certificate: str | None) -> ssl.SSLContext | None:
    """Return how to send over TLS, to who has a certificate of this CA; ``None`` without a CA."""
    if not ca:
        return None
    context = ssl.create_default_context(cafile=ca)
    if certificate:
        context.load_cert_chain(certificate)
    return context


def _server_tls(options: Namespace) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=options.tls_client_ca)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    if options.tls_client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _said(error: BaseException) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return reason or type(error).__name__
