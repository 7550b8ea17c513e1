"""The command ``sopstatus workbench``: on loopback and nowhere else."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from sopstatus import __version__
from sopstatus.cli import servers, shared
from sopstatus.engines.http.offer import Offered
from sopstatus.engines.http.server import Listening
from sopstatus.engines.http.server import run as listen
from sopstatus.engines.http.service import Service, Settings
from sopstatus.profile import Link
from sopstatus.workbench.application import application

HOST = "127.0.0.1"

EXAMPLES = (
    "sopstatus workbench",
    "sopstatus workbench --mappings site/",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--mappings", default="", metavar="DIR", help="Open your own tables in this folder"
    )
    servers.add(
        parser,
        port=8411,
        max_body=64 << 20,
        connections=1024,
        grace=2,
        log_level="warning",
        remote=False,
    )


def run(options: Namespace) -> int:
    """Serve the page until SIGTERM or SIGINT; raise `Stop` if it cannot start."""
    servers.check(options)
    shared.exists([options.mappings] if options.mappings else [], "--mappings")
    sock = servers.bound(HOST, options.port)
    servers.quiet(options)
    settings = Settings(max_body=options.max_body, concurrency=8, version=__version__)
    service = Service(settings, Offered((), servers.limits(options), Link(), {}))
    listening = Listening(sock, options.connections, notice=0.0, grace=options.grace)
    listen(service, listening, application(service, options.mappings))
    return 0
