"""The workbench as a Starlette application: the page, its files, and the questions that it asks."""

from __future__ import annotations

import io
import json
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Scope

from sopstatus.catalogue import document_error
from sopstatus.documents import content
from sopstatus.engines.http.answers import Answer
from sopstatus.engines.http.body import Body
from sopstatus.engines.http.guard import Headers, Route, text
from sopstatus.engines.http.media import BYTES, JSON, parsed
from sopstatus.engines.http.service import Service
from sopstatus.workbench import page
from sopstatus.workbench.backend import QUESTIONS, Backend
from sopstatus.workbench.guard import Guarded
from sopstatus.workbench.header import header


def application(service: Service, folder: str = "") -> ASGIApp:
    """Return the application; ``folder`` has a site's own tables, to start with."""
    backend = Backend(folder, service.offered.offer.limits)

    async def index(scope: Scope, headers: Headers, body: Body) -> Answer:
        return Answer(200, page.static()["index.html"][0], page.index())

    async def static(scope: Scope, headers: Headers, body: Body) -> Answer:
        found = page.static().get(scope["path_params"]["name"])
        if found is None:
            raise document_error("http/no-route", "")
        return Answer(200, *found)

    def asking(name: str) -> Any:
        async def ask(scope: Scope, headers: Headers, body: Body) -> Answer:
            if parsed(text(headers, b"content-type")).name != JSON:
                raise document_error("http/media-type", "Content-Type", expected=JSON)
            data = await body.read()
            return await service.run(len(data), lambda: answered(name, data))

        return ask

    async def header_of(scope: Scope, headers: Headers, body: Body) -> Answer:
        if parsed(text(headers, b"content-type")).name != BYTES:
            raise document_error("http/media-type", "Content-Type", expected=BYTES)
        data = await body.read()
        short = partial(header, io.BytesIO(data), backend.limits)
        return await service.run(len(data), lambda: Answer(200, BYTES, short()))

    def answered(name: str, data: bytes) -> Answer:
        return Answer(200, JSON, json.dumps(backend.answer(name, _asked(data))).encode())

    routes = [
        StarletteRoute(path, Route(service, path, ask), methods=["GET"])
        for path, ask in {"/": index, "/static/{name}": static}.items()
    ]
    asked = {name: asking(name) for name in QUESTIONS} | {"header": header_of}
    for name, ask in asked.items():
        route = Route(service, f"/api/{name}", ask, takes=True)
        routes.append(StarletteRoute(f"/api/{name}", route, methods=["POST"]))
    return Guarded(Starlette(routes=routes))


def _asked(data: bytes) -> dict[str, Any]:
    asked = content.load_json(data)
    if not isinstance(asked, dict):
        raise document_error("http/parameter", "", parameter="the body", known="a JSON object")
    return asked
