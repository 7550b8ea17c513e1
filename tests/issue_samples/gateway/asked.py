"""Ask a gateway, without a socket, for what shows one fault."""

import asyncio
import json
import sys

from sopstatus import SOPInstance, codec
from sopstatus.catalogue import catalogue, document_error
from sopstatus.engines.gateway import Gateway, Site
from sopstatus.model import Issue

fault = sys.argv[1]
SAID = SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.1", "", {"SOPInstanceStatus": "AO"})
STUDY = json.dumps(codec("fhir").encode([SAID]).value).encode()
JSON = (b"content-type", b"application/fhir+json")
ASKED = {
    "no-scope": ("POST", "/ImagingStudy", b"", STUDY),
    "hidden": ("POST", "/Basic", b"", b'{"resourceType": "Basic", "contained": [' + STUDY + b"]}"),
    "operation": ("POST", "/$process-message", b"", STUDY),
    "patch": ("PATCH", "/ImagingStudy/1", b"", STUDY),
    "search": ("GET", "/ImagingStudy", b"sop-instance-status:above=AO", b""),
    "upstream": ("GET", "/ImagingStudy/1", b"", b""),
    "upstream-too-large": ("GET", "/metadata", b"", b""),
}


async def server(scope, receive, send):
    if fault == "upstream":
        raise document_error("gateway/upstream", "", reason="no answer in time")
    await send({"type": "http.response.start", "status": 200, "headers": [JSON]})
    await send({"type": "http.response.body", "body": b"{}" * 1000})


async def ask(method, path, query, body):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message.get("body", b""))

    limit = 1000 if fault == "upstream-too-large" else 1 << 20
    scopes = {"write_scope": "sopstatus.write", "scopes": lambda scope: frozenset()}
    guards = {"demote": True} if fault in ("hidden", "operation") else {}
    chosen = scopes if fault == "no-scope" else guards
    scope = {"type": "http", "method": method, "path": path, "query_string": query}
    scope["headers"] = [JSON]
    await Gateway(server, Site("closed", max_body=limit, **chosen))(scope, receive, send)
    return json.loads(b"".join(sent))["issue"]


def issue(told):
    code = told["details"]["coding"][0]["code"]
    location = told.get("expression", ["ImagingStudy"] if fault == "no-scope" else [""])[0]
    return Issue(catalogue()[code].severity, code, location, told["details"]["text"])


issues = [issue(told) for told in asyncio.run(ask(*ASKED[fault]))]
