"""The workbench as a Starlette application: the page, its files, and the questions that it asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Scope

from sopstatus import content
from sopstatus.catalogue import document_error
from sopstatus.engines.http_answers import Answer
from sopstatus.engines.http_body import Body
from sopstatus.engines.http_guard import Headers, Route, text
from sopstatus.engines.http_media import JSON, parsed
from sopstatus.engines.http_service import Service
from sopstatus.workbench import drafts, page
from sopstatus.workbench.case import case_file
from sopstatus.workbench.guard import Guarded
from sopstatus.workbench.view import begun, view

ZIP = "application/zip"


def application(service: Service, folder: str = "") -> ASGIApp:
    """Return the application; ``folder`` holds a site's own tables, to begin with."""
    cases, limits = page.samples(), service.offered.offer.limits

    async def index(scope: Scope, headers: Headers, body: Body) -> Answer:
        return Answer(200, page.static()["index.html"][0], page.index())

    async def static(scope: Scope, headers: Headers, body: Body) -> Answer:
        found = page.static().get(scope["path_params"]["name"])
        if found is None:
            raise document_error("http/no-route", "")
        return Answer(200, *found)

    async def tables(scope: Scope, headers: Headers, body: Body) -> Answer:
        try:
            site = drafts.site_texts(folder) if folder else {}
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise document_error("document/unreadable", "--mappings", reason=reason) from None
        told = {"shipped": drafts.shipped_texts(), "site": site}
        return Answer(200, JSON, json.dumps(told).encode())

    async def samples(scope: Scope, headers: Headers, body: Body) -> Answer:
        told = {name: list(documents) for name, documents in cases.items()}
        return Answer(200, JSON, json.dumps(told).encode())

    async def sample(scope: Scope, headers: Headers, body: Body) -> Answer:
        named = scope["path_params"]
        document = cases.get(named["case"], {}).get(named["name"])
        if document is None:
            raise document_error("http/no-route", "")
        return Answer(200, "application/octet-stream", document)

    def asking(work: Callable[[Any], Answer]) -> Any:
        async def ask(scope: Scope, headers: Headers, body: Body) -> Answer:
            if parsed(text(headers, b"content-type")).name != JSON:
                raise document_error("http/media-type", "Content-Type", expected=JSON)
            data = await body.read()
            return await service.run(len(data), lambda: work(_asked(data)))

        return ask

    gets = {
        "/": index,
        "/static/{name}": static,
        "/api/tables": tables,
        "/api/samples": samples,
        "/api/samples/{case}/{name}": sample,
    }
    posts = {
        "/api/view": asking(
            lambda asked: Answer(200, JSON, json.dumps(view(asked, limits)).encode())
        ),
        "/api/new": asking(lambda asked: Answer(200, JSON, json.dumps(begun(asked)).encode())),
        "/api/case": asking(lambda asked: Answer(200, ZIP, case_file(asked, limits))),
    }
    routes = [
        StarletteRoute(path, Route(service, path, ask), methods=["GET"])
        for path, ask in gets.items()
    ]
    routes += [
        StarletteRoute(path, Route(service, path, ask, takes=True), methods=["POST"])
        for path, ask in posts.items()
    ]
    return Guarded(Starlette(routes=routes))


def _asked(data: bytes) -> dict[str, Any]:
    asked = content.load_json(data)
    if not isinstance(asked, dict):
        raise document_error("http/parameter", "", parameter="the body", known="a JSON object")
    return asked
