"""The middleware in one process: it hands on as it comes, and keeps to what it was told."""

import asyncio
import json

import httpx
import pytest
from samples_of import sample
from sopstatus import DocumentError
from sopstatus.engines.gateway import Gateway, Site
from sopstatus.engines.gateway.document import mapped, rolled_up, stripped
from sopstatus.engines.gateway.interaction import interaction
from sopstatus.engines.gateway.settings import granted
from sopstatus.sources.source import Source
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from engines.gateway.served import FHIR, said, stating, statuses, study

CASES = ["authorized-original", "two-series", "kanji-comment", "delimiters-in-comment",
         "study-level", "microseconds"]  # fmt: skip


def facade(stored):
    """Return a FHIR facade that keeps one resource, and streams what is none of ours."""
    pulled = []

    async def study_(request: Request) -> Response:
        if request.method == "PUT":
            stored["body"] = await request.body()
        return Response(stored["body"], media_type="application/fhir+json")

    async def stream(request: Request) -> Response:
        async def pieces():
            async for piece in request.stream():
                if piece:
                    pulled.append(piece)
                    yield piece

        return StreamingResponse(pieces(), media_type="application/octet-stream")

    async def metadata(request: Request) -> Response:
        resource = [{"type": "ImagingStudy", "searchParam": [{"name": "patient"}]}, {"type": "X"}]
        rest = [{"mode": "server", "resource": resource}]
        return JSONResponse({"resourceType": "CapabilityStatement", "rest": rest})

    async def bulk(request: Request) -> Response:
        return Response(stored["body"], media_type="application/fhir+ndjson")

    return Starlette(
        routes=[
            Route("/fhir/ImagingStudy/1", study_, methods=["GET", "PUT"]),
            Route("/fhir/Binary/1", stream, methods=["POST"]),
            Route("/fhir/metadata", metadata),
            Route("/fhir/bulk", bulk),
            Route("/elsewhere/ImagingStudy", lambda r: JSONResponse({}), methods=["POST"]),
        ]
    )


def calling(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://facade")


def run(coroutine):
    return asyncio.run(coroutine)


@pytest.mark.parametrize("case", CASES)
def test_what_needs_nothing_goes_through_byte_for_byte(case):
    body = json.dumps(sample(case, "fhir"), indent=7).encode()
    stored = {"body": b""}
    app = Gateway(facade(stored), Site("closed", base="/fhir"))

    async def work():
        async with calling(app) as client:
            put = await client.put("/fhir/ImagingStudy/1", content=body, headers=FHIR)
            assert put.content == body
            assert stored["body"] == body
            assert (await client.get("/fhir/ImagingStudy/1")).content == body

    run(work())


def test_numbers_keep_their_spelling_where_something_changes():
    body = json.dumps({**stating(said()), "numberOfSeries": 1}).replace(": 1}", ": 1.50}").encode()
    stored = {"body": b""}
    app = Gateway(facade(stored), Site("closed", base="/fhir", tag=True))

    async def work():
        async with calling(app) as client:
            await client.put("/fhir/ImagingStudy/1", content=body, headers=FHIR)

    run(work())
    assert b'"numberOfSeries":1.50' in stored["body"]
    assert b"rollup" in stored["body"]


def test_what_is_not_ours_is_streamed():
    """The answer's first piece is there before the request's last one is sent."""
    app = Gateway(facade({}), Site("closed", base="/fhir", max_body=10))
    scope = {
        "type": "http", "method": "POST", "path": "/fhir/Binary/1", "raw_path": b"/fhir/Binary/1",
        "query_string": b"", "headers": [(b"content-type", b"application/octet-stream")],
        "http_version": "1.1", "asgi": {"version": "3.0", "spec_version": "2.4"}, "scheme": "http", "server": ("x", 80), "client": ("y", 1),
    }  # fmt: skip

    async def work():
        asked, got = asyncio.Queue(), asyncio.Queue()
        task = asyncio.create_task(app(scope, asked.get, got.put))
        for n in range(5):
            piece = bytes([n]) * 1000
            await asked.put({"type": "http.request", "body": piece, "more_body": True})
            message = await asyncio.wait_for(got.get(), 10)
            if message["type"] == "http.response.start":
                message = await asyncio.wait_for(got.get(), 10)
            assert message["body"] == piece
        await asked.put({"type": "http.request", "body": b"", "more_body": False})
        await asyncio.wait_for(task, 10)

    run(work())


def test_outside_of_its_base_it_looks_at_nothing():
    app = Gateway(facade({}), Site("closed", base="/fhir"))

    async def work():
        async with calling(app) as client:
            answer = await client.post("/elsewhere/ImagingStudy", content=b"<xml/>")
            assert answer.json() == {}

    run(work())


@pytest.mark.parametrize(
    "chosen", [{}, {"demote": True}, {"read_scope": "r"}, {"write_scope": "w"}]
)
@pytest.mark.parametrize("path", ["/fhir/$binding", "/fhir", "/FHIR/x", "/elsewhere"])
def test_a_websocket_below_its_base_cannot_be_looked_at(path, chosen):
    """FHIR subscriptions send whole resources over one."""
    met, sent = [], []

    async def facade_(scope, receive, send):
        met.append(scope["path"])

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": path, "headers": [], "query_string": b""}
    run(Gateway(facade_, Site("closed", base="/fhir", **chosen))(scope, receive, send))
    if chosen and path != "/elsewhere":
        assert (met, sent) == ([], [{"type": "websocket.close", "code": 1008}])
    else:
        assert (met, sent) == ([path], [])


def test_the_capability_statement_names_what_is_added():
    app = Gateway(facade({}), Site("closed", base="/fhir"))

    async def work():
        async with calling(app) as client:
            return (await client.get("/fhir/metadata")).json()

    study_, other = run(work())["rest"][0]["resource"]
    assert [p["name"] for p in study_["searchParam"]] == ["patient", "sop-instance-status"]
    assert [o["name"] for o in study_["operation"]] == ["sop-status", "to-hl7v2"]
    assert other == {"type": "X"}


class Broken:
    def statements(self, study_instance_uid):
        raise RuntimeError("a fault of a source")


@pytest.mark.parametrize(("on_failure", "status"), [("open", 200), ("closed", 500)])
def test_a_fault_of_a_source_is_a_failure(on_failure, status):
    stored = {"body": json.dumps(study()).encode()}
    source: Source = Broken()
    site = Site(on_failure, base="/fhir", archives={"x": source}, enrich=frozenset(["read"]))
    app = Gateway(facade(stored), site)

    async def work():
        async with calling(app) as client:
            answer = await client.get("/fhir/ImagingStudy/1")
            assert answer.status_code == status
            assert "fault of a source" not in answer.text
            if status == 200:
                assert answer.content == stored["body"]

    run(work())


@pytest.mark.parametrize("scopes", [frozenset(), None])
def test_a_write_that_is_done_is_not_told_as_a_failure(scopes):
    stored = {"body": b""}
    source: Source = Broken()
    site = Site(
        "closed", base="/fhir", archives={"x": source}, enrich=frozenset(["read"]),
        read_scope="r", scopes=lambda scope: scopes,
    )  # fmt: skip
    body = json.dumps(stating(said())).encode()

    async def facade_(scope, receive, send):
        if scope["method"] == "GET":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        stored["body"] = (await receive())["body"]
        head = [(b"content-type", b"application/fhir+json")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send(
            {"type": "http.response.body", "body": stored["body"] if scopes is None else b"{"}
        )

    async def work():
        async with calling(Gateway(facade_, site)) as client:
            answer = await client.put("/fhir/ImagingStudy/1", content=body, headers=FHIR)
            assert answer.status_code == 200
            assert stored["body"] == body
            assert answer.content == (body if scopes is None else b"")
            assert answer.headers["sopstatus-issues"].startswith("fatal=")

    run(work())


def test_a_client_without_the_scope_gets_no_statement_by_any_way():
    stored = {"body": json.dumps(stating(said())).encode()}
    site = Site("open", base="/fhir", read_scope="r", scopes=lambda scope: frozenset())
    app = Gateway(facade(stored), site)

    async def work():
        async with calling(app) as client:
            assert statuses((await client.get("/fhir/ImagingStudy/1")).json()) == []
            inside = {"resourceType": "DiagnosticReport", "contained": [stating(said())]}
            plain, stored["body"] = stored["body"], json.dumps(inside).encode()
            assert (await client.get("/fhir/ImagingStudy/1")).status_code == 403
            escaped = stored["body"].replace(b"/", rb"\u002f")
            stored["body"] = escaped
            assert (await client.get("/fhir/ImagingStudy/1")).status_code == 403
            stored["body"] = plain.replace(b"/", rb"\/")
            assert statuses((await client.get("/fhir/ImagingStudy/1")).json()) == []
            assert (await client.get("/fhir/bulk")).status_code == 403
            stored["body"] = plain
            # what cannot be cleaned is refused, whatever on_failure is
            assert (await client.get("/fhir/bulk")).status_code == 403
            stored["body"] = b'{"resourceType": "Patient"}'
            assert (await client.get("/fhir/bulk")).content == stored["body"]

    run(work())


def test_a_failure_never_shows_what_is_to_be_hidden():
    stored = {"body": json.dumps(stating(said())).encode()}
    site = Site("open", base="/fhir", read_scope="r", max_body=10, scopes=lambda s: frozenset())

    async def work():
        async with calling(Gateway(facade(stored), site)) as client:
            return (await client.get("/fhir/ImagingStudy/1")).status_code

    assert run(work()) == 502


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "ImagingStudy/1", "read"), ("GET", "ImagingStudy/1/_history/2", "read"),
        ("PUT", "ImagingStudy/1", "update"), ("PUT", "ImagingStudy", "update"),
        ("POST", "ImagingStudy", "create"), ("POST", "", "transaction"), ("GET", "", "search"),
        ("PATCH", "ImagingStudy/1", "patch"), ("GET", "ImagingStudy", "search"),
        ("POST", "ImagingStudy/_search", "search-post"), ("GET", "Patient/1/ImagingStudy", "search"),
        ("GET", "ImagingStudy/1/_history", "search"), ("GET", "_history", "search"),
        ("POST", "ImagingStudy;x=1", "create"), ("POST", "//ImagingStudy//", "create"),
        ("GET", "ImagingStudy/1/$sop-status", "operation"), ("GET", "metadata", "capabilities"),
        ("GET", "ImagingStudy/1/$everything", "other"), ("GET", "Patient/1", "other"),
        ("HEAD", "ImagingStudy/1", "other"), ("DELETE", "ImagingStudy/1", "other"),
    ],
)  # fmt: skip
def test_interactions(method, path, kind):
    assert interaction(method, path).kind == kind


@pytest.mark.parametrize(
    ("statements", "code"),
    [
        ([], ""), ([said(0)], "mixed"), ([said(0), said(1)], "AO"),
        ([said(0), said(1, "AC")], "mixed"), ([said(0, holder="A"), said(0, "AC", holder="B")], "mixed"),
    ],
)  # fmt: skip
def test_rolled_up(statements, code):
    assert rolled_up(stating(*statements), Site("open")) == code


@pytest.mark.parametrize("case", CASES)
def test_stripped(case):
    site, resource = Site("open"), sample(case, "fhir")
    before = json.dumps(resource)
    clean = mapped(resource, lambda one: stripped(one, site))
    assert not any(mark.decode() in json.dumps(clean) for mark in site.marks)
    assert json.dumps(resource) == before
    assert mapped(clean, lambda one: stripped(one, site)) is clean


def test_scopes_of_a_request():
    assert granted({"headers": []}) is None
    assert granted({"headers": [(b"authorization", b"Basic x")]}) is None
    assert granted({"headers": [(b"authorization", b"Bearer a.%%.c")]}) is None
    asked = {"headers": [(b"authorization", b"Bearer e30.eyJzY3AiOlsiYSIsImIiXX0.x")]}
    assert granted(asked) == {"a", "b"}

    tabbed = asked["headers"][0][1].replace(b" ", b"\t ")
    assert granted({"headers": [(b"authorization", tabbed)]}) == {"a", "b"}

    class Auth:
        scopes = ("authenticated", "a")

    assert granted({"headers": [], "auth": Auth()}) == {"authenticated", "a"}


def test_a_choice_has_to_be_made():
    with pytest.raises(TypeError):
        Site()
    with pytest.raises(ValueError, match="open or closed"):
        Site("maybe")
    with pytest.raises(ValueError, match="sometimes"):
        Site("open", enrich=frozenset(["sometimes"]))


def test_a_body_that_is_no_json_is_told():
    async def work():
        site = Site("open", base="/fhir", tag=True)
        async with calling(Gateway(facade({}), site)) as client:
            answer = await client.put("/fhir/ImagingStudy/1", content=b"{", headers=FHIR)
            assert answer.status_code == 400
            assert answer.json()["issue"][0]["code"] == "structure"

    run(work())
    assert issubclass(DocumentError, Exception)
