"""What the commands that listen share: their options, what must hold of them, and the socket."""

from __future__ import annotations

import gc
import logging
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sopstatus import log
from sopstatus.catalogue import reason_of
from sopstatus.cli.arguments import PORT
from sopstatus.cli.shared import CANNOT_LISTEN, Stop, add_bounds, add_quiet
from sopstatus.engines.http.auth import is_local
from sopstatus.limits import DEFAULT, Limits

_LOOK_AFTER = 10_000  # objects; Python's own is 700


def add(
    parser: ArgumentParser,
    *,
    port: int | None = None,
    max_body: int,
    connections: int,
    grace: int,
    log_level: str,
    remote: bool = True,
) -> None:
    """Add the options of every command that listens, with its defaults.

    ``remote`` = other machines may be let in. `check` tells what is wrong with them.
    """
    if remote:
        parser.add_argument(
            "--host",
            default="127.0.0.1",
            help="Listen on this address (default: 127.0.0.1, this machine only)",
        )
    default = "" if port is None else f" (default: {port})"
    parser.add_argument(
        "--port",
        type=PORT,
        required=port is None,
        default=port,
        metavar="N",
        help=f"Listen on this port; 0 means any free port, printed on standard output{default}",
    )
    if remote:
        _add_tls(parser.add_argument_group("TLS (required if --host is not this machine only)"))
    add_bounds(
        parser.add_argument_group("bounds"),
        {
            "--max-body": (
                *(1, max_body),
                "Refuse a request or message of more than N bytes, also after decompression",
            ),
            "--connections": (1, connections, "Keep at most N connections open"),
            "--grace": (0, grace, "Give work in progress N seconds from SIGTERM to finish"),
        },
    )
    parser.add_argument(
        "--log",
        choices=("json", "text"),
        default="json",
        help="Print log events on standard error in this form (default: json)",
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default=log_level,
        help=f"Log events of this level and above (default: {log_level})",
    )
    add_quiet(parser, "Log only errors: --log-level error")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="Log everything: --log-level debug"
    )


def _add_tls(group: Any) -> None:
    group.add_argument(
        "--tls-cert", default="", metavar="PEM", help="Present this certificate chain"
    )
    group.add_argument(
        "--tls-key",
        default="",
        metavar="PEM",
        help="Use this private key of the certificate (default: in the same file)",
    )
    group.add_argument(
        "--tls-client-ca",
        default="",
        metavar="PEM",
        help="Require callers to present a certificate of this CA",
    )
    group.add_argument(
        "--conforming-peers",
        metavar="FILE",
        help="Trust the owners of the certificates of that CA which this file lists to conform to PS3.15 "
        "A.1.1; one per line: sha256:, DNS:, IP:, URI:, email: or subject: and the name",
    )


def check(options: Namespace) -> None:
    """Raise `Stop` where the options of `add` do not fit together, or let anybody in."""
    if "host" not in options:
        return
    for option, needed in (
        ("--tls-key", "--tls-cert"),
        ("--tls-client-ca", "--tls-cert"),
        ("--conforming-peers", "--tls-client-ca"),
    ):
        if _value(options, option) and not _value(options, needed):
            raise Stop(f"{option} needs {needed}")
    token = "token_file" in options
    if not (options.tls_client_ca or (token and options.token_file) or is_local(options.host)):
        ways = "--token-file, or --tls-cert" if token else "--tls-cert"
        raise Stop(f"--host is not this machine only: add {ways} and --tls-client-ca")


def _value(options: Namespace, option: str) -> Any:
    return getattr(options, option.removeprefix("--").replace("-", "_"))


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise `Stop` where that cannot be."""
    with binding(host, port):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)


@contextmanager
def binding(host: str, port: int) -> Iterator[None]:
    """Raise what the system says against listening there as `Stop`."""
    try:
        yield
    except OSError as error:
        text = f"cannot listen on {host} port {port}: {reason_of(error)}"
        raise Stop(text, CANNOT_LISTEN) from None


def settled() -> None:
    """Keep the garbage collector from what is loaded, and have it look seldom: a server is about to run.

    A document of thousands of objects is freed when it is done with; each look at it meanwhile is for
    nothing. What only the collector can free is at most the objects of `_LOOK_AFTER` more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_LOOK_AFTER, 10, 10)


def quiet(options: Namespace) -> None:
    """Log our own events and nothing else: what libraries say may hold pieces of a document."""
    log.configure(json=options.log == "json", level=log_level(options))
    logging.getLogger().addHandler(logging.NullHandler())


def log_level(options: Namespace) -> str:
    """Return the level of log events that are printed."""
    level: str = options.log_level
    return "error" if options.quiet else "debug" if options.verbose else level


def limits(options: Namespace) -> Limits:
    """Return how much a document may ask for."""
    return replace(DEFAULT, document=options.max_body, inflated=4 * options.max_body)
