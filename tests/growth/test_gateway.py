"""Twice the request is twice the work for the gateway, whatever a site has chosen: counted, never timed."""

import asyncio
import base64
import json

import pytest
from sopstatus import SOPInstance
from sopstatus.engines.gateway import Gateway, Site
from sopstatus.sources.source import Source

from growth import families
from growth.counting import superlinear
from growth.families import STATUS, URL, dated, said, uids

ARCHIVE = "http://archive/dicom-web"


def one(uid="1.2.3", status="AO", n=1, identifier=None):
    """Return a study of n instances that each state something."""
    under = families.codec("fhir")
    found = [said(u, study=uid, **{STATUS: status}) for u in uids(n)]
    made = under.encode(found, under.blank(found)).value
    return made | ({"id": identifier} if identifier else {})


def grown(n):
    """Return a study of 2n instances, of which half state something."""
    made = one(n=2 * n)
    for silent in made["series"][0]["instance"][n:]:
        del silent["extension"]
    return made


def bundle(kind, entries):
    return {"resourceType": "Bundle", "type": kind, "entry": [*entries]}


def entry(method, url, resource=None):
    made = {"request": {"method": method, "url": url}}
    return made | ({"resource": resource} if resource else {})


def studies(n, **more):
    return [one(uid, **more) for uid in uids(n, "1.2.9")]


def endpoint():
    kinds = {"coding": [{"code": "dicom-wado-rs"}]}
    return {"resourceType": "Endpoint", "connectionType": kinds["coding"][0], "address": ARCHIVE}


def linked(n):
    """Return n studies and n Endpoints, each study with one of them."""
    places = [{"fullUrl": f"urn:uuid:{i}", "resource": endpoint()} for i in range(n)]
    found = [
        {"resource": study | {"endpoint": [{"reference": f"urn:uuid:{i}"}]}}
        for i, study in enumerate(studies(n))
    ]
    return [*places, *found]


def patched(n):
    operations = [{"op": "replace", "path": f"/name/{i}/family", "value": "x"} for i in range(n)]
    return json.dumps(operations).encode()


BINARY = {"resourceType": "Binary", "contentType": "application/json-patch+json"}

# method, path, body of a request
REQUESTS = {
    "a transaction": lambda n: ("POST", "/", bundle("transaction", [entry("POST", "ImagingStudy", s) for s in studies(n)])),
    "a batch that is refused": lambda n: ("POST", "/", bundle("batch", [entry("POST", "ImagingStudy", s) for s in studies(n, status="XX")])),
    "a batch of updates": lambda n: ("POST", "/", bundle("batch", [entry("PUT", f"ImagingStudy/{i}", s) for i, s in enumerate(studies(n))])),
    "a batch of searches": lambda n: ("POST", "/", bundle("batch", [entry("GET", f"ImagingStudy?sop-instance-status=AO&_id={i}") for i in range(n)])),
    "a batch of patches": lambda n: ("POST", "/", bundle("batch", [
        entry("PATCH", f"Patient/{i}", BINARY | {"data": base64.b64encode(patched(2)).decode()}) for i in range(n)])),
    "a batch, half of it refused": lambda n: ("POST", "/", bundle("batch", [
        entry("POST", "ImagingStudy", s) for s in [*studies(n, status="XX"), *studies(n)]])),
    "a batch of other resources": lambda n: ("POST", "/", bundle("batch", [entry("POST", "Patient", {"resourceType": "Patient"})] * n)),
    "a transaction with Endpoints": lambda n: ("POST", "/", bundle("transaction", [
        {**e, "request": {"method": "POST", "url": e["resource"]["resourceType"]}} for e in linked(n)])),
    "a Bundle that is stored": lambda n: ("PUT", "/Bundle/1", bundle("collection", [{"resource": s} for s in studies(n)])),
    "Bundles in a Bundle": lambda n: ("PUT", "/Bundle/1", bundle("collection", [
        {"resource": bundle("collection", [{"resource": s}])} for s in studies(n)])),
    "a study of many instances": lambda n: ("PUT", "/ImagingStudy/1", one(n=n)),
    "a study of many other instances": lambda n: ("PUT", "/ImagingStudy/2", one(n=n)),
    "a study that has grown": lambda n: ("PUT", "/ImagingStudy/1", grown(n)),
    "statements that differ": lambda n: ("PUT", "/ImagingStudy/1", families.written("fhir", dated(n))),
    "holders of a study": lambda n: ("PUT", "/ImagingStudy/1", families.written("fhir", [
        SOPInstance("1.2.3", "", "", "", h, {STATUS: "AO"}) for h in families.holders(n)])),
    "operations of a patch": lambda n: ("PATCH", "/Patient/1", patched(n)),
    "members of a merge patch": lambda n: ("PATCH", "/Patient/1", json.dumps({f"_{i}": "x" for i in range(n)}).encode()),
    "a patch of long paths": lambda n: ("PATCH", "/Patient/1", json.dumps([{"op": "add", "path": "/x" * n, "value": 1}]).encode()),
    "a long text": lambda n: ("POST", "/Patient", {"resourceType": "Patient", "text": {"div": "&lt;\\u0068%68 " * n}}),
    "base64": lambda n: ("POST", "/Patient", {"resourceType": "Patient", "photo": [{"data": base64.b64encode(b"x" * 60 * n).decode()}]}),
    "texts": lambda n: ("POST", "/Patient", {"resourceType": "Patient", "note": ["&amp;" + "A" * 60] * n}),
    "contained resources": lambda n: ("POST", "/Patient", {"resourceType": "Patient", "contained": [{"resourceType": "Organization"}] * n}),
    "extensions of others": lambda n: ("POST", "/Patient", {"resourceType": "Patient", "extension": [{"url": "http://x", "valueCode": "y"}] * n}),
    "extensions of ours": lambda n: ("POST", "/ImagingStudy", one() | {"extension": [{"url": URL, "extension": [{"url": "status", "valueCode": "AO"}]}] * n}),
    "tags": lambda n: ("POST", "/ImagingStudy", one() | {"meta": {"tag": [{"system": "x", "code": "y"}] * n}}),
    "parameters of a search": lambda n: ("GET", "/ImagingStudy?" + "&".join(f"_id={i}" for i in range(n)), b""),
    "parameters of a search by status": lambda n: ("GET", "/ImagingStudy?sop-instance-status=AO" + "&_id=1" * n, b""),
    "conditions of a search": lambda n: ("GET", "/ImagingStudy?" + "&".join(["sop-instance-status=AO"] * n), b""),
    "a form": lambda n: ("POST", "/ImagingStudy/_search", b"&".join([b"_id=1"] * n)),
    "steps of a path": lambda n: ("GET", "/ImagingStudy/1" + "/x" * n, b""),
    "an operation": lambda n: ("POST", "/ImagingStudy/$sop-status", one(n=n)),
    "an operation of others": lambda n: ("POST", "/Patient/$validate", {"resourceType": "Parameters", "parameter": [{"name": "x"}] * n}),
    "an answer": lambda n: ("GET", f"/ImagingStudy?_count={n}", b""),
    "an answer by status": lambda n: ("GET", f"/ImagingStudy?sop-instance-status=AC&_count={n}", b""),
}  # fmt: skip


class Knowing:
    """An archive that knows one statement of each study."""

    def statements(self, study_instance_uid):
        return [said(uids(1)[0], study=study_instance_uid, **{STATUS: "AC"})]


def server(n):
    """Answer as a FHIR server that holds n studies."""
    held = {
        "/ImagingStudy/1": one(n=n),
        "/ImagingStudy/2": one(n=n, uid="1.2.3") | {"series": one(n=2 * n)["series"]},
        "/Bundle/1": bundle("collection", [{"resource": s} for s in studies(n)]),
        "/ImagingStudy": bundle("searchset", linked(n)),
    }
    held["/ImagingStudy/2"]["series"][0]["instance"] = held["/ImagingStudy/2"]["series"][0]["instance"][n:]  # fmt: skip
    answers = {path: json.dumps(document).encode() for path, document in held.items()}
    done = [{"response": {"status": "200"}, "resource": s} for s in studies(n)]
    done = json.dumps(bundle("batch-response", done)).encode()

    async def app(scope, receive, send):
        await receive()
        body = answers.get(scope["path"], b"{}") if scope["method"] == "GET" else done
        headers = [(b"content-type", b"application/fhir+json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


KNOWING: Source = Knowing()
NOBODY = {"scopes": lambda scope: frozenset()}
SITES = {
    "demote": (8, REQUESTS, {"demote": True, "tag": True}),
    "write scope": (8, REQUESTS, {"write_scope": "w", **NOBODY}),
    "read scope": (8, REQUESTS, {"read_scope": "r", **NOBODY}),
    "enrich": (32, ("a transaction with Endpoints", "a Bundle that is stored", "an answer", "an answer by status"), {
        "archives": {ARCHIVE: KNOWING}, "enrich": frozenset(["read", "write"]), "fresh": 1e9}),
}  # fmt: skip
"""What a site has chosen, which requests are asked, and how many of something there are first."""


def asked(app, method, path, body):
    """Return the coroutine of one request."""
    path, _, query = path.partition("?")
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = b"application/json-patch+json" if body[:1] == b"[" else b"application/fhir+json"
    if method == "PATCH" and body[:1] == b"{":
        kind = b"application/merge-patch+json"
    if path.endswith("_search"):
        kind = b"application/x-www-form-urlencoded"
    headers = [(b"content-type", kind), (b"host", b"x"), (b"accept", b"application/fhir+json")]
    headers += [(b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": headers,
             "query_string": query.encode(), "scheme": "http", "http_version": "1.1"}  # fmt: skip
    given = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive():
        return next(given, {"type": "http.disconnect"})

    async def send(_):
        pass

    return app(scope, receive, send)


@pytest.mark.parametrize("site", SITES)
def test_requests(site):
    found = {}
    size, names, chosen = SITES[site]
    with asyncio.Runner() as runner:

        def make(n, name):
            app = Gateway(server(n), Site("closed", **chosen))
            request = REQUESTS[name](n)
            return lambda: runner.run(asked(app, *request))

        for name in names:
            if counts := superlinear(lambda n, name=name: make(n, name), size):
                found[name] = counts
    assert not found
