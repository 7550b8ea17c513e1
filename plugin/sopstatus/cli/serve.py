"""The command ``sopstatus serve``, and what `gateway` shares with it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from sopstatus import __version__, log
from sopstatus.catalogue import reason_of
from sopstatus.cli import servers, shared
from sopstatus.engines import peers
from sopstatus.engines.http.auth import is_local
from sopstatus.engines.http.door import names
from sopstatus.engines.http.offer import Offered
from sopstatus.engines.http.server import Listening
from sopstatus.engines.http.server import run as listen
from sopstatus.engines.http.service import Service, Settings
from sopstatus.engines.trust_files import Unsafe, server_tls, tokens
from sopstatus.engines.watched import Watched
from sopstatus.profile import TRUSTED, Link
from sopstatus.transform import named

if TYPE_CHECKING:
    import socket

EXAMPLES = (
    "sopstatus serve",
    "sopstatus serve --port 8080 --mappings site/ --audit audit.jsonl",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    add_http(parser, 8410)
    parser.add_argument(
        "--transformer",
        action="append",
        default=[],
        metavar="NAME",
        help="Also offer this transformer of another distribution (repeatable)",
    )


def add_http(parser: ArgumentParser, port: int) -> None:
    """Add the options of a command that listens for HTTP."""
    shared.add_mappings(parser)
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="Accept only callers with a bearer token from this file, one token per line",
    )
    parser.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="NAME[:PORT]",
        help="Also answer requests whose Host or Origin is this name, such as a proxy or a web page (repeatable)",
    )
    shared.add_trusted_link(parser, "every request comes")
    shared.add_audit(parser)
    servers.add(
        parser, port=port, max_body=64 << 20, connections=1024, grace=30, log_level="warning"
    )
    shared.add_bounds(
        parser,
        {
            "--timeout": (1, 30, "Allow N seconds for a body to arrive, and for the work on it"),
            "--concurrency": (1, 64, "Work on at most N requests at once"),
            "--notice": (0, 1, "Refuse new connections N seconds after SIGTERM"),
        },
    )


def run(options: Namespace) -> int:
    """Answer over HTTP until SIGTERM; raise `Stop` if it cannot start, or would be open to everybody."""
    servers.quiet(options)
    try:
        chosen = settings(options)
        others = {name: named(name) for name in options.transformer}
        offered = Offered(options.mappings, servers.limits(options), link(options), others)
        sock = servers.bound(options.host, options.port)
        service = Service(chosen, offered)
        watch(service, options)
    except (Unsafe, LookupError) as error:
        raise shared.Stop(error.args[0]) from None
    servers.settled()
    listen(service, listening(options, sock))
    return 0


def settings(options: Namespace) -> Settings:
    """Return what the operator has chosen; raise `Unsafe` for what must not be started."""
    servers.check(options)
    shared.check_audit(options.audit)
    if options.conforming_peers and options.trusted_link:
        raise Unsafe(
            "--trusted-link trusts every request: leave out --trusted-link or --conforming-peers"
        )
    if options.trusted_link and not (options.tls_cert or is_local(options.host)):
        raise Unsafe(
            "--trusted-link needs --tls-cert: without it, no request from another machine is secure"
        )
    names(options.allowed_host)
    return Settings(
        max_body=options.max_body,
        timeout=options.timeout,
        concurrency=options.concurrency,
        audit=options.audit,
        version=__version__,
        verbose=servers.log_level(options) in ("debug", "info"),
    )


def watch(service: Service, options: Namespace) -> None:
    """Take tokens, certificates and the list of peers into use, now and whenever they change.

    Raise `Unsafe` where a file does not hold what it should, or others may write it.
    """

    def take_tokens() -> None:
        service.settings = replace(service.settings, tokens=tokens(options.token_file))

    def take_peers() -> None:
        service.peers = peers.listed(options.conforming_peers)

    def take_tls() -> None:
        service.tls = server_tls(
            options.tls_cert,
            options.tls_key,
            options.tls_client_ca,
            service.metrics.tls_failure,
        )

    keys = (options.tls_cert, options.tls_key, options.tls_client_ca)
    given = [
        Watched("tokens", [options.token_file], take_tokens),
        Watched("conforming-peers", [options.conforming_peers], take_peers),
        Watched("certificates", keys, take_tls),
    ]
    service.watched = [one for one in (*service.watched, *given) if one.files]
    try:
        for one in service.watched:
            one.take()
    except OSError as error:
        raise Unsafe(f"--tls-cert, --tls-key, --tls-client-ca: {reason_of(error)}") from None
    if options.trusted_link and options.tls_client_ca:
        log.event("every-peer-is-trusted", "warning", option="--trusted-link")


def link(options: Namespace) -> Link:
    """Return what is known of the way that requests come: shown by TLS, or vouched for."""
    if options.trusted_link:
        return TRUSTED
    return Link(
        secure=bool(options.tls_cert), authenticated=bool(options.tls_client_ca), conforms=False
    )


def listening(options: Namespace, sock: socket.socket, own: str = "/") -> Listening:
    """Return where to listen, and how to end."""
    return Listening(
        sock,
        options.connections,
        options.notice,
        options.grace,
        tuple(options.allowed_host),
        own,
    )
