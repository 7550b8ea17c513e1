"""What ``sopstatus gateway`` does before it listens; arguments come parsed, results are exit codes."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from sopstatus.engines.gateway import Site
from sopstatus.engines.gateway_app import application
from sopstatus.engines.gateway_upstream import Upstream
from sopstatus.engines.http_auth import Unsafe
from sopstatus.engines.http_offer import Offered
from sopstatus.engines.http_service import Service
from sopstatus.serve_commands import (
    USAGE,
    answering,
    bound,
    limits,
    link,
    quiet,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sopstatus.engines.enrich import Source
    from sopstatus.table import MappingTable


def gateway(options: Namespace) -> int:
    """Stand before a FHIR server until SIGTERM; 2 where it would be open to others, or cannot start."""
    try:
        chosen = settings(options)
        offered = Offered(options.mappings, limits(options.max_body), link(options), {})
        upstream = Upstream(
            options.upstream,
            token=_token(options.upstream_token_file),
            timeout=options.timeout,
            connections=options.concurrency,
        )
        if options.enrich and not options.archive:
            raise Unsafe("--enrich needs --archive")
        archives = _archives(options)
        site = Site(
            options.on_failure,
            archives=archives(offered.offer.tables),
            enrich=frozenset(options.enrich),
            link=link(options),
            demote=options.demote,
            tag=options.tag,
            read_scope=options.read_scope,
            write_scope=options.write_scope,
            search=options.search == "gateway",
            audit=options.audit,
            max_body=options.max_body,
            timeout=options.timeout,
            fresh=options.fresh,
            tables=offered.offer.tables,
            limits=offered.offer.limits,
        )
        sock = bound(options.host, options.port)
    except ValueError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return USAGE
    except OSError as error:
        print(f"error: --host and --port: {error.strerror}", file=sys.stderr)
        return USAGE
    quiet(options.log_level)
    service = Service(chosen, offered)
    app = application(service, upstream, site, options.upstream, archives)
    return answering(service, options, sock, app)


def _token(file: str | None) -> str:
    if not file:
        return ""
    try:
        lines = Path(file).read_text("ascii").split()
    except (OSError, UnicodeDecodeError):
        lines = []
    if len(lines) != 1:
        raise Unsafe(f"{file} has to hold one token")
    return lines[0]


def _archives(options: Namespace) -> Callable[[MappingTable], dict[str, Source]]:
    """Return what opens the archives, by their addresses, to be read with some tables."""
    if not options.archive:
        return lambda tables: {}
    try:
        import requests

        from sopstatus.sources import dicomweb
    except ImportError:
        raise Unsafe("--archive needs the extra: pip install sopstatus[sources]") from None
    session = requests.Session()
    if token := _token(options.archive_token_file):
        session.headers["Authorization"] = f"Bearer {token}"

    def opened(tables: MappingTable) -> dict[str, Source]:
        return {
            url: dicomweb(
                url,
                session=session,
                holder=options.holder,
                timeout=options.timeout,
                attempts=1,
                tables=tables,
            )
            for url in options.archive
        }

    return opened
