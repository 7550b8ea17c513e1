"""Arguments of the commands that listen for HTTP: ``serve`` and ``gateway``."""

from __future__ import annotations

import argparse
from typing import Any


def add_serve(commands: Any) -> None:
    """Add the arguments of ``serve``."""
    serve = commands.add_parser("serve", help="the transformers over HTTP")
    _add_listener(serve, 8410)
    serve.add_argument(
        "--transformer",
        action="append",
        default=[],
        metavar="NAME",
        help="offer also this transformer of another distribution",
    )


def add_gateway(commands: Any) -> None:
    """Add the arguments of ``gateway``."""
    gateway = commands.add_parser("gateway", help="a hook before any FHIR server")
    gateway.add_argument("--upstream", required=True, metavar="URL", help="base of the FHIR API")
    gateway.add_argument(
        "--on-failure",
        required=True,
        choices=("open", "closed"),
        help="let requests and answers through as they are where the archive or the gateway fails, "
        "or refuse them",
    )
    gateway.add_argument(
        "--upstream-token-file", metavar="FILE", help="the bearer token to use there, one line"
    )
    gateway.add_argument(
        "--archive",
        action="append",
        default=[],
        metavar="URL",
        help="a DICOMweb server that Endpoints of ImagingStudies may name; no other is asked",
    )
    gateway.add_argument("--holder", default="", metavar="AE", help="AE Title of the archive")
    gateway.add_argument(
        "--archive-token-file", metavar="FILE", help="the bearer token to use there, one line"
    )
    gateway.add_argument(
        "--enrich",
        action="append",
        default=[],
        choices=("read", "write"),
        help="add what the archive knows to what is read, or to what is stored",
    )
    gateway.add_argument(
        "--fresh", type=float, default=10.0, metavar="S", help="an archive's answer is good (10)"
    )
    gateway.add_argument(
        "--demote", action="store_true", help="a status over a link that is not trusted becomes NS"
    )
    gateway.add_argument(
        "--tag", action="store_true", help="keep a rolled-up meta.tag, for searches by _tag"
    )
    gateway.add_argument(
        "--search",
        choices=("gateway", "upstream"),
        default="gateway",
        help="who answers a search by status (default: gateway)",
    )
    gateway.add_argument(
        "--read-scope", default="", metavar="SCOPE", help="clients without it see no statements"
    )
    gateway.add_argument(
        "--write-scope", default="", metavar="SCOPE", help="clients without it make no statements"
    )
    _add_listener(gateway, 8412)


def _add_listener(parser: argparse.ArgumentParser, port: int) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="(default: this machine only)")
    parser.add_argument("--port", type=int, default=port, help="0 = any; a line on stdout tells it")
    parser.add_argument(
        "--mappings", action="append", default=[], metavar="DIR", help="your tables"
    )
    parser.add_argument(
        "--token-file", metavar="FILE", help="bearer tokens that may call, one a line"
    )
    parser.add_argument("--tls-cert", default="", metavar="PEM")
    parser.add_argument("--tls-key", default="", metavar="PEM")
    parser.add_argument(
        "--tls-client-ca", default="", metavar="PEM", help="callers need a certificate of this CA"
    )
    parser.add_argument(
        "--conforming-peers",
        action="store_true",
        help="vouch that whoever has a certificate of the CA conforms to the profile",
    )
    parser.add_argument(
        "--trusted-link",
        action="store_true",
        help="vouch that every request comes over a secure transport, from an authenticated system "
        "that conforms to the profile (PS3.15 A.1.1); else a data set gets NS",
    )
    parser.add_argument("--audit", default="", metavar="FILE", help="as for convert")
    bounds = {
        "--max-body": (64 << 20, "bytes of a request, also once gzip is undone"),
        "--timeout": (30, "seconds for a body to arrive, and for the work"),
        "--concurrency": (64, "requests worked on at once"),
        "--connections": (1024, "open connections"),
        "--notice": (1, "seconds from SIGTERM until the door closes"),
        "--grace": (30, "seconds for what is then still worked on"),
    }
    for name, (default, text) in bounds.items():
        parser.add_argument(
            name, type=int, default=default, metavar="N", help=f"{text} (default: {default})"
        )
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="warning"
    )
