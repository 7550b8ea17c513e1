"""The command ``sopstatus mllp``."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import ssl
from argparse import ArgumentParser, Namespace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sopstatus import log
from sopstatus.catalogue import reason_of
from sopstatus.cli import servers, shared
from sopstatus.cli.arguments import PORT, whole
from sopstatus.codecs import of_data_sets
from sopstatus.engines import room, supervisor
from sopstatus.engines.delivery.forwarder import Destination, Forwarder, Sender
from sopstatus.engines.delivery.lock import owned
from sopstatus.engines.delivery.spool import Spool
from sopstatus.engines.delivery.writer import SpoolWriter
from sopstatus.engines.mllp import Listener, Settings
from sopstatus.engines.mllp.tables import Reloading
from sopstatus.engines.mllp.work import Transform, Work, work
from sopstatus.engines.peers import listed
from sopstatus.engines.trust_files import client_tls, server_tls, token
from sopstatus.engines.watched import Watched, again, look
from sopstatus.sources.folder import opened
from sopstatus.sources.source import Source
from sopstatus.table import MappingTable
from sopstatus.transform import Transformer, named

if TYPE_CHECKING:
    from sopstatus.engines.http.metrics import Metrics
    from sopstatus.engines.http.operator import Operator

EXAMPLES = (
    "sopstatus mllp --port 2575 --source images/ --holder ARCHIVE --respond",
    "sopstatus mllp --port 2575 --source images/ --forward pacs:2575 --spool spool/",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--transformer",
        metavar="NAME",
        help="Transform each message with this entry point, or with MODULE:CALLABLE",
    )
    parser.add_argument(
        "--source",
        metavar="FROM",
        help="Add statements from this source: a folder, https://... (DICOMweb), fhir+https://... or a ledger",
    )
    shared.add_token_file(parser, "--source-token-file")
    shared.add_holder(parser, "the holder of the data sets in the source")
    parser.add_argument(
        "--respond",
        action="store_true",
        help="Answer with the resulting message instead of an acknowledgment",
    )
    parser.add_argument(
        "--only-one", action="store_true", help="Send at most one acknowledgment per message"
    )
    shared.add_mappings(parser)
    servers.add(parser, max_body=16 << 20, connections=1000, grace=10, log_level="info")
    bounds = {
        "--block-timeout": (60, "Wait S seconds for the end of a message"),
        "--idle-timeout": (3600, "Close a connection after S seconds without a message"),
    }
    for name, (default, text) in bounds.items():
        shared.add_seconds(parser, name, default, text)
    parser.add_argument(
        "--metrics-port",
        type=PORT,
        metavar="PORT",
        help="Answer /metrics, /healthz and /readyz on this port of this machine (default: do not)",
    )
    onward = parser.add_argument_group("forwarding")
    onward.add_argument(
        "--forward", metavar="HOST:PORT", help="Forward messages to this listener (needs --spool)"
    )
    onward.add_argument(
        "--spool", metavar="DIR", help="Keep messages in this folder until they are delivered"
    )
    onward.add_argument(
        "--spool-reserve",
        type=whole(0),
        metavar="MIB",
        help="Refuse messages while the disk of the spool has less free (default: 5 %% of it, at most 256 MiB)",
    )
    onward.add_argument(
        "--forward-ca",
        metavar="PEM",
        help="Forward over TLS, to a listener with a certificate of this CA",
    )
    onward.add_argument(
        "--forward-cert",
        metavar="PEM",
        help="Present this certificate chain and key when forwarding over TLS",
    )
    shared.add_seconds(
        onward, "--answer-timeout", 30, "Wait S seconds for the acknowledgment of a message"
    )
    give_up = "Give up a message after N rejections (AR); 0 means never"
    shared.add_bounds(onward, {"--give-up-after": (0, 0, give_up)})


def run(options: Namespace) -> int:
    """Listen for messages until SIGTERM or SIGINT, and then drain."""
    servers.check(options)
    if fault := _fault(options):
        raise shared.Stop(fault)
    servers.quiet(options)
    used = _Used(options)
    try:
        for one in used.watched:
            one.take()
        where = _destination(options, used.forward_tls) if options.forward else None
        metrics = used.metrics

        def made(tables: MappingTable) -> Work:
            return work(
                limit=options.max_body,
                tables=tables,
                source=_source(options, used.source_token, tables) if options.source else None,
                transform=_transformer(options, tables) if options.transformer else None,
                forwarded=where is not None,
            )

        done = Reloading(options.mappings, made, metrics)
    except (LookupError, ValueError, OSError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error)
        raise shared.Stop(reason) from None
    servers.settled()
    with owned(Path(options.spool)) if where else contextlib.nullcontext():
        asyncio.run(_serve(options, done, used, where))
    return 0


class _Used:
    """What was made of the files of certificates, tokens and peers, and is made again when they change."""

    tls: ssl.SSLContext | None = None
    forward_tls: ssl.SSLContext | None = None
    peers: frozenset[str] = frozenset()
    source_token: str = ""
    metrics: Metrics | None = None

    def __init__(self, options: Namespace) -> None:
        self._options, self._taking = options, asyncio.Lock()
        if options.metrics_port is not None:
            with shared.needs("--metrics-port", "metrics", ("prometheus_client",)):
                from sopstatus.engines.http.metrics import OF_HTTP, Metrics
            self.metrics = Metrics(OF_HTTP)
        own = (options.tls_cert, options.tls_key, options.tls_client_ca)
        theirs = (options.forward_ca, options.forward_cert)
        given = [
            Watched("certificates", own, self._take_tls),
            Watched("forward-certificates", theirs, self._take_forward_tls),
            Watched("conforming-peers", [options.conforming_peers], self._take_peers),
            Watched("source-token", [options.source_token_file], self._take_source_token),
        ]
        self.watched = [one for one in given if one.files]

    async def take(
        self,
        done: Reloading,
        listener: Listener,
        sender: Sender | None,
        changed: list[Watched],
        *,
        asked: bool = False,
    ) -> None:
        """Take changed files into use; a connection that is open keeps its certificates."""
        async with self._taking:
            taken = {
                one.name for one in changed if await asyncio.to_thread(one.reload, asked=asked)
            }
            listener.peers = self.peers
            if sender and "forward-certificates" in taken and self.forward_tls:
                sender.use_tls(self.forward_tls)
            if "source-token" in taken and not asked:  # then all is read again behind this
                await done.reload()
            if self.tls is not None and self.tls is not listener.tls:
                await listener.listen_anew(self.tls)

    def _take_tls(self) -> None:
        options = self._options
        told = self.metrics.tls_failure if self.metrics else None
        files = (options.tls_cert, options.tls_key or "", options.tls_client_ca or "")
        self.tls = server_tls(*files, told)

    def _take_forward_tls(self) -> None:
        self.forward_tls = client_tls(self._options.forward_ca, self._options.forward_cert)

    def _take_peers(self) -> None:
        self.peers = listed(self._options.conforming_peers)

    def _take_source_token(self) -> None:
        self.source_token = token(self._options.source_token_file, "--source-token-file")


async def _serve(
    options: Namespace, done: Reloading, used: _Used, where: Destination | None
) -> None:
    loop = asyncio.get_running_loop()
    room.tell_faults(loop)
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    writer = None
    if where:
        reserve = None if options.spool_reserve is None else options.spool_reserve << 20
        writer = SpoolWriter(Spool(options.spool, reserve=reserve))
    listener = Listener(
        done,
        _settings(options),
        store=writer,
        quick=done.work.is_quick,
        metrics=used.metrics,
        name=options.transformer or "enrich",
    )
    listener.peers = used.peers
    operator = _operator(options, done, used.metrics, writer) if used.metrics else None
    with servers.binding(options.host, options.port):
        port = await listener.start(options.host, options.port, tls=used.tls)
    print(f"listening on {options.host} port {port}", flush=True)
    log.event("mllp-listening", port=port, tls=used.tls is not None)
    sender = Sender(where) if where else None
    forwarder = Forwarder(writer, where, sender, used.metrics) if writer and where else None
    take = partial(used.take, done, listener, sender)

    reloads: set[asyncio.Task[None]] = set()  # the loop itself holds no task

    def all_again() -> None:
        task = loop.create_task(again(partial(take, used.watched, asked=True), done.reload))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, all_again)
    waits: list[asyncio.Task[Any]] = [loop.create_task(end.wait())]
    if forwarder:
        waits.append(loop.create_task(forwarder.run()))
    watching = [
        loop.create_task(w) for w in (done.watch(), look(used.watched, take), supervisor.watchdog())
    ]
    supervisor.tell(supervisor.READY)
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    supervisor.tell(supervisor.STOPPING)
    for task in watching:
        task.cancel()
    if operator:
        operator.draining = True
    await listener.drain()
    log.event("mllp-stopped", messages=listener.taken, refused=listener.refused)
    if forwarder and writer:
        forwarder.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waits[1], options.grace)
        await writer.close()
        log.event("mllp-delivered", sent=forwarder.sent, dead=forwarder.dead)
    if operator:
        operator.close()


def _operator(
    options: Namespace, done: Reloading, metrics: Metrics, writer: SpoolWriter | None
) -> Operator:
    """Answer operators on a port of their own, in threads beside the loop."""
    from sopstatus.engines.http.operator import Operator, Readiness, reached

    loop = asyncio.get_running_loop()

    def alive() -> None:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)

    ready = Readiness()
    if options.source:
        ready.checks["source"] = lambda: reached(done.work.source)
    if writer:
        ready.checks["spool"] = lambda: writer.ask(writer.spool.check)
    with servers.binding("127.0.0.1", options.metrics_port):
        operator = Operator(options.metrics_port, metrics, ready, alive)
    log.event("operator-listening", port=operator.port)
    return operator


def _fault(options: Namespace) -> str:
    """Return what is wrong with the options of this command alone, if anything."""
    if options.source and not re.match(r"[a-z0-9+]+:", options.source):
        shared.exists([options.source], "--source")
    if bool(options.forward) != bool(options.spool):
        return "--forward and --spool need each other"
    if (options.forward_cert and not options.forward_ca) or (
        options.forward_ca and not options.forward
    ):
        return "--forward-cert needs --forward-ca, which needs --forward"
    if options.source and options.transformer:
        return "--source and --transformer exclude each other: a transformer uses its own sources"
    if options.respond and options.forward:
        return "--respond and --forward exclude each other"
    return ""


def _settings(options: Namespace) -> Settings:
    return Settings(
        limit=options.max_body,
        connections=room.connections(options.connections),
        block=options.block_timeout,
        idle=options.idle_timeout,
        drain=options.grace,
        respond=options.respond,
        only_one=options.only_one,
    )


def _transformer(options: Namespace, tables: MappingTable) -> Transform:
    """Return a transformer by the name of its entry point, or as ``module:callable``.

    Ours use the site's tables. Raise `Stop` for one of ours that every message would fail with.
    """
    name: str = options.transformer
    module, found, attribute = name.partition(":")
    if not found:
        ours = named(name, tables)
        if isinstance(ours, Transformer):
            if ours.names[0] != "hl7":
                raise shared.Stop(
                    f"--transformer {name} reads {ours.names[0]}, and what comes is HL7 v2"
                )
            if of_data_sets(ours.target):
                raise shared.Stop(
                    f"--transformer {name} writes onto a data set, and there is none to write onto"
                )
        return ours
    try:
        value: Any = import_module(module)
        for part in attribute.split("."):
            value = getattr(value, part)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):  # it is there, and what it imports is not
            raise
        raise shared.Stop(f"--transformer: there is no module {error.name}") from None
    except AttributeError as error:
        raise shared.Stop(f"--transformer: {error}") from None
    return cast(Transform, value)


def _source(options: Namespace, token: str, tables: MappingTable) -> Source:
    servers, ledgers = ("dicomweb_client", "requests"), ("sqlalchemy",)
    with shared.needs("--source", "sources", servers), shared.needs("--source", "ledger", ledgers):
        return opened(options.source, holder=options.holder, token=token, tables=tables)


def _destination(options: Namespace, tls: ssl.SSLContext | None) -> Destination:
    host, port = address(options.forward)
    return Destination(
        host, port, tls, answer=options.answer_timeout, rejections=options.give_up_after
    )


def address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``; raise `ValueError` for anything else."""
    host, found, port = text.rpartition(":")
    if not found or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
