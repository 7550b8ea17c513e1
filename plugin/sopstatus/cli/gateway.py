"""The command ``sopstatus gateway``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sopstatus import log
from sopstatus.cli import servers, shared
from sopstatus.cli.serve import add_http, link, listening, settings, watch
from sopstatus.engines.gateway import Site
from sopstatus.engines.gateway.app import OWN, application
from sopstatus.engines.gateway.upstream import Upstream
from sopstatus.engines.http.offer import Offered
from sopstatus.engines.http.operator import reached
from sopstatus.engines.http.server import run as listen
from sopstatus.engines.http.service import Service
from sopstatus.engines.trust_files import Unsafe, token
from sopstatus.engines.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from sopstatus.sources.source import Source
    from sopstatus.table import MappingTable

EXAMPLES = (
    "sopstatus gateway --upstream http://127.0.0.1:8080/fhir --on-failure closed",
    "sopstatus gateway --upstream https://fhir.test/r4 --on-failure open --tag",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--upstream",
        required=True,
        metavar="URL",
        help="Send requests on to the FHIR API with this base URL",
    )
    parser.add_argument(
        "--on-failure",
        required=True,
        choices=("open", "closed"),
        help="If the archive or the gateway fails, pass requests and responses through unchanged (open), "
        "or refuse them (closed)",
    )
    shared.add_token_file(parser, "--upstream-token-file")
    parser.add_argument(
        "--archive",
        action="append",
        default=[],
        metavar="URL",
        help="Query this DICOMweb server if the Endpoint of an ImagingStudy names it (repeatable)",
    )
    shared.add_holder(parser, "the archive, as the holder of its copies")
    shared.add_token_file(parser, "--archive-token-file")
    parser.add_argument(
        "--enrich",
        action="append",
        default=[],
        choices=("read", "write"),
        help="Add the statements of the archive to responses (read) or to stored resources (write); repeatable",
    )
    shared.add_seconds(parser, "--fresh", 10, "Cache an archive's answer for S seconds")
    parser.add_argument(
        "--demote",
        action="store_true",
        help="Write each status as NS if the link is not trusted, and refuse what cannot be checked",
    )
    parser.add_argument(
        "--tag", action="store_true", help="Maintain a rolled-up meta.tag, for searches by _tag"
    )
    parser.add_argument(
        "--search",
        choices=("gateway", "upstream"),
        default="gateway",
        help="Let the gateway or the server upstream answer searches by status (default: gateway)",
    )
    parser.add_argument(
        "--read-scope",
        default="",
        metavar="SCOPE",
        help="Hide statements from clients without this scope, and refuse what cannot be checked",
    )
    parser.add_argument(
        "--write-scope",
        default="",
        metavar="SCOPE",
        help="Refuse statements from clients without this scope, and refuse what cannot be checked",
    )
    add_http(parser, 8412)


def run(options: Namespace) -> int:
    """Run in front of a FHIR server until SIGTERM; raise `Stop` if it cannot start, or would be open to everybody."""
    servers.quiet(options)
    try:
        chosen = settings(options)
        offered = Offered(options.mappings, servers.limits(options), link(options), {})
        upstream = Upstream(
            options.upstream, timeout=options.timeout, connections=options.concurrency
        )
        if options.enrich and not options.archive:
            raise Unsafe("--enrich needs --archive")
        if (options.read_scope or options.write_scope) and (
            options.token_file or options.upstream_token_file
        ):
            raise Unsafe(
                "--read-scope and --write-scope use the caller's token, which the server must verify: "
                "leave out --token-file and --upstream-token-file, which replace it"
            )
        watched: list[Watched] = []
        archives = _archives(options, watched)
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
        sock = servers.bound(options.host, options.port)
        service = Service(chosen, offered)
        service.readiness.checks["upstream"] = upstream.check
        upstream.told = partial(service.metrics.reached, "upstream")
        for number, source in enumerate(site.archives.values(), 1):
            service.readiness.checks[f"archive-{number}"] = partial(reached, source)
        service.watched += [*watched, _upstream_token(options.upstream_token_file, upstream)]
        watch(service, options)
    except ValueError as error:
        raise shared.Stop(error.args[0]) from None
    _look_for(upstream)
    app = application(service, upstream, site, options.upstream, archives)
    servers.settled()
    listen(service, listening(options, sock, OWN), app)
    return 0


def _look_for(upstream: Upstream) -> None:
    """Report a server that does not answer yet, and wait for it; raise `Stop` if nobody knows its name."""
    import socket

    try:
        upstream.connect()
    except socket.gaierror:
        text = f"--upstream {shared.named(upstream.url)}: no host has this name; correct the URL"
        raise shared.Stop(text, shared.CANNOT_LISTEN) from None
    except OSError as error:
        upstream.told(False)
        where = urlsplit(upstream.url).netloc.rpartition("@")[2]
        reason = type(error).__name__
        log.event("waiting-for-upstream", "warning", upstream=where, reason=reason)
    else:
        upstream.told(True)


def _upstream_token(file: str | None, upstream: Upstream) -> Watched:
    def take() -> None:
        upstream.token = token(file, "--upstream-token-file") if file else ""

    return Watched("upstream-token", [file], take)


def _archives(
    options: Namespace, watched: list[Watched]
) -> Callable[[MappingTable], dict[str, Source]]:
    """Return what opens the archives, by their addresses, to be read with some tables.

    Their token's file is added to those that are ``watched``.
    """
    if not options.archive:
        return lambda tables: {}
    with shared.needs("--archive", "sources", ("dicomweb_client", "requests")):
        import requests

        from sopstatus.sources.web import DICOMweb
    session = requests.Session()
    if file := options.archive_token_file:

        def take() -> None:
            session.headers["Authorization"] = f"Bearer {token(file, '--archive-token-file')}"

        watched.append(Watched("archive-token", [file], take))

    def opened(tables: MappingTable) -> dict[str, Source]:
        return {
            url: DICOMweb(
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
