"""What ``sopstatus serve`` does before it listens; arguments come parsed, results are exit codes."""

from __future__ import annotations

import gc
import logging
import socket
import ssl
import sys
import warnings
from argparse import Namespace
from dataclasses import replace
from typing import Any

from sopstatus import __version__, log
from sopstatus.engines.http_auth import Unsafe, is_loopback, tokens
from sopstatus.engines.http_offer import Offered
from sopstatus.engines.http_server import Listening, run
from sopstatus.engines.http_service import Service, Settings
from sopstatus.limits import DEFAULT, Limits
from sopstatus.link import Link
from sopstatus.transform import named

USAGE = 2


def serve(options: Namespace) -> int:
    """Answer over HTTP until SIGTERM; 2 where the service would be open to others, or cannot start."""
    try:
        chosen = settings(options)
        others = {name: named(name) for name in options.transformer}
        offered = Offered(options.mappings, limits(options.max_body), link(options), others)
        sock = bound(options.host, options.port)
    except (Unsafe, LookupError) as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return USAGE
    except OSError as error:
        print(f"error: --host and --port: {error.strerror}", file=sys.stderr)
        return USAGE
    quiet(options.log_level)
    service = Service(chosen, offered)
    gc.collect()
    gc.freeze()  # what is loaded stays: no collection walks through it while callers wait
    return answering(service, options, sock)


def answering(service: Service, options: Namespace, sock: socket.socket, app: Any = None) -> int:
    """Answer until SIGTERM, by the service itself or another ASGI application; 2 where TLS cannot be."""
    try:
        run(service, listening(options, sock), app)
    except (OSError, ssl.SSLError) as error:
        print(f"error: --tls-cert, --tls-key, --tls-client-ca: {error.strerror}", file=sys.stderr)
        return USAGE
    return 0


def settings(options: Namespace) -> Settings:
    """Return what the operator has chosen; raise `Unsafe` for what must not be started."""
    known = tokens(options.token_file) if options.token_file else ()
    if bool(options.tls_cert) != bool(options.tls_key):
        raise Unsafe("--tls-cert and --tls-key go together")
    if options.tls_client_ca and not options.tls_cert:
        raise Unsafe("--tls-client-ca needs --tls-cert and --tls-key")
    if options.conforming_peers and not options.tls_client_ca:
        raise Unsafe("--conforming-peers needs --tls-client-ca")
    if not (known or options.tls_client_ca or is_loopback(options.host)):
        raise Unsafe(
            "--host is not this machine alone: give --token-file, "
            "or --tls-cert, --tls-key and --tls-client-ca"
        )
    bounds = ("max_body", "timeout", "concurrency", "connections")
    if any(getattr(options, name) < 1 for name in bounds) or min(options.notice, options.grace) < 0:
        raise Unsafe("a bound is too small")
    return Settings(
        tokens=known,
        max_body=options.max_body,
        timeout=options.timeout,
        concurrency=options.concurrency,
        audit=options.audit,
        version=__version__,
        verbose=options.log_level in ("debug", "info"),
    )


def link(options: Namespace) -> Link:
    """Return what is known of the way that requests come: shown by TLS, or vouched for."""
    mutual = bool(options.tls_client_ca)
    shown = Link(bool(options.tls_cert), mutual, mutual and options.conforming_peers)
    return Link(True, True, True) if options.trusted_link else shown


def listening(options: Namespace, sock: socket.socket) -> Listening:
    """Return where to listen, and how to end."""
    return Listening(
        sock,
        options.tls_cert,
        options.tls_key,
        options.tls_client_ca,
        options.connections,
        options.notice,
        options.grace,
    )


def limits(max_body: int) -> Limits:
    """Return how much a document may ask for."""
    return replace(DEFAULT, document=max_body, inflated=4 * max_body)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise `OSError` where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OverflowError:
        raise OSError(0, "no port has this number") from None


def quiet(level: str) -> None:
    """Log our own events and nothing else: what libraries say may hold pieces of a document."""
    log.configure(json=True, level=level)
    logging.getLogger().addHandler(logging.NullHandler())
    warnings.simplefilter("ignore")
