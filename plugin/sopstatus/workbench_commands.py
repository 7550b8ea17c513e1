"""What ``sopstatus workbench`` does before it listens, on loopback and nowhere else."""

from __future__ import annotations

import logging
import socket
import sys
import warnings
from argparse import Namespace
from dataclasses import replace

from sopstatus import __version__, log
from sopstatus.engines.http_offer import Offered
from sopstatus.engines.http_server import Listening, run
from sopstatus.engines.http_service import Service, Settings
from sopstatus.limits import DEFAULT
from sopstatus.link import Link
from sopstatus.workbench.application import application

USAGE = 2
HOST = "127.0.0.1"


def workbench(options: Namespace) -> int:
    """Serve the page until SIGTERM or SIGINT; 2 where it cannot start."""
    if options.max_body < 1:
        print("error: --max-body is too small", file=sys.stderr)
        return USAGE
    try:
        sock = socket.create_server((HOST, options.port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "no port has this number"
        print(f"error: --port: {reason}", file=sys.stderr)
        return USAGE
    log.configure(json=True, level="warning")
    logging.getLogger().addHandler(logging.NullHandler())  # libraries may quote a document
    warnings.simplefilter("ignore")
    settings = Settings(max_body=options.max_body, concurrency=8, version=__version__)
    limits = replace(DEFAULT, document=options.max_body, inflated=4 * options.max_body)
    service = Service(settings, Offered((), limits, Link(), {}))
    run(service, Listening(sock, notice=0.0, grace=2), application(service, options.mappings))
    return 0
