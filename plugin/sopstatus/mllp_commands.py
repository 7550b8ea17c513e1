"""What ``sopstatus mllp`` does; arguments come parsed, results are exit codes."""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import signal
import ssl
import sys
from argparse import Namespace
from typing import Any, cast

from sopstatus import log
from sopstatus.engines.mllp import Listener, Settings
from sopstatus.engines.mllp_work import Transform, Work, work
from sopstatus.table import load_tables
from sopstatus.transform import named


def listen(options: Namespace) -> int:
    """Listen for messages until SIGTERM or SIGINT, and then drain."""
    if fault := _usage(options):
        print(f"error: {fault}", file=sys.stderr)
        return 2
    try:
        transform = _transform(options.transform) if options.transform else None
        tls = _server_tls(options) if options.tls_cert else None
    except (LookupError, ImportError, AttributeError, OSError, ssl.SSLError) as error:
        print(f"error: {_said(error)}", file=sys.stderr)
        return 2
    limit = options.limit << 20
    done = work(limit=limit, tables=load_tables(*options.mappings), transform=transform)
    log.configure(json=options.log == "json", level=options.log_level)
    try:
        asyncio.run(_serve(options, done, tls))
    except OSError as error:
        print(f"error: cannot listen there: {_said(error)}", file=sys.stderr)
        return 3
    return 0


async def _serve(options: Namespace, done: Work, tls: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    listener = Listener(done, _settings(options), quick=done.is_quick)
    port = await listener.start(options.host, options.port, tls=tls)
    print(f"listening on {options.host} port {port}", flush=True)
    log.event("mllp-listening", port=port, tls=tls is not None)
    await end.wait()
    await listener.drain()
    log.event("mllp-stopped", messages=listener.taken, refused=listener.refused)


def _usage(options: Namespace) -> str:
    """Return what is wrong with the options, if anything."""
    if not _is_loopback(options.host) and not (options.tls_cert and options.tls_client_ca):
        return "--host other than this machine needs --tls-cert and --tls-client-ca"
    if options.tls_client_ca and not options.tls_cert:
        return "--tls-client-ca needs --tls-cert"
    if options.peer_conforms and not options.tls_client_ca:
        return "--peer-conforms needs --tls-client-ca: nobody else has shown who it is"
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


def _server_tls(options: Namespace) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=options.tls_client_ca)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    if options.tls_client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _said(error: BaseException) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return reason or type(error).__name__
