"""DICOMweb servers as small Starlette applications: Azure, Google, Orthanc and dcm4chee.

``app.state.archive`` is what one keeps; store with STOW-RS, or with ``archive.store(file)``.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any
from uuid import uuid4

from pydicom import dcmread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sopstatus.engines.http.media import parsed
from sopstatus.engines.http.parts import split
from sopstatus.testing.archive import (
    SOP_CLASS,
    SOP_INSTANCE,
    STUDY,
    Archive,
    Kept,
    Quirks,
    summary,
    tag_of,
)

DICOM_JSON = "application/dicom+json"
GOOGLE = "/v1beta1/projects/p/locations/l/datasets/d/dicomStores/s/dicomWeb"
_GOOGLE_KEYS = ("0020000D", "00100010", "00100020", "00080050", "00080090", "00080020",
                "0020000E", "00080060", "00080018")  # fmt: skip
_NOT_QUERYABLE = (
    "Invalid query: AttributeId {name} is not queryable. If the parameter is an attribute keyword, "
    "check the casing as they are case-sensitive. The conformance statement has a list of supported "
    "query parameters, attributes and the levels."
)


def azure() -> Starlette:
    """Return Azure's DICOM service, API v2: below ``/v2``, with its change feed.

    A code that fails the check of its VR is stored and left out of the metadata; instances are
    searched by SOP Instance UID only; storing again replaces nothing.
    """
    keys = frozenset((SOP_INSTANCE,))
    return application(Archive(Quirks(keys, True, page=200, drops=True, pads=True)), "/v2")


def google() -> Starlette:
    """Return Google's Cloud Healthcare API, v1beta1: below `GOOGLE`, with JSON Patch.

    A patch of a study or series is an Operation, done at the second look at it. Instances are searched by a fixed list of attributes; that another is refused with 400 is an
    assumption.
    """
    return application(Archive(Quirks(frozenset(_GOOGLE_KEYS), True)), GOOGLE)


def orthanc() -> Starlette:
    """Return Orthanc with its DICOMweb plugin: below ``/dicom-web``; text split at backslashes."""
    return application(Archive(Quirks(splits=True, replaces=True)), "/dicom-web")


def dcm4chee() -> Starlette:
    """Return dcm4chee-arc: below ``/rs``; it ignores a search key that it does not index."""
    keys = frozenset(("0020000D", "0020000E", "00080018", "00080016", "00100020"))
    return application(Archive(Quirks(keys, page=100, replaces=True)), "/rs")


def application(archive: Archive, prefix: str) -> Starlette:
    """Return a server of an archive below a path."""
    served = _Server(archive, prefix)
    instance = "/studies/{study}/series/{series}/instances/{instance}"
    routes = [
        Route("/studies", served.store, methods=["POST"]),
        Route("/studies", served.studies),
        Route("/instances", served.search),
        Route("/studies/{study}/instances", served.search),
        Route("/studies/{study}/metadata", served.metadata, methods=["GET"]),
        Route("/studies/{study}/metadata", served.operate, methods=["PATCH"]),
        Route("/studies/{study}/series/{series}/metadata", served.metadata, methods=["GET"]),
        Route("/studies/{study}/series/{series}/metadata", served.operate, methods=["PATCH"]),
        Route(f"{instance}/metadata", served.metadata, methods=["GET"]),
        Route(f"{instance}/metadata", served.patch, methods=["PATCH"]),
        Route(instance, served.retrieve, methods=["GET"]),
        Route(instance, served.delete, methods=["DELETE"]),
        Route("/bulkdata/{uid}/{tag}", served.bulk_data),
        Route("/changefeed", served.changes),
    ]
    below = [Route(prefix + r.path, r.endpoint, methods=list(r.methods or ())) for r in routes]
    app = Starlette(routes=[*below, Route("/v1beta1/{operation:path}", served.operation)])
    app.state.archive = archive
    return app


class _Server:
    """The answers of one server."""

    def __init__(self, archive: Archive, prefix: str) -> None:
        self.archive, self.prefix = archive, prefix
        self.operations: dict[str, tuple[list[Kept], list[dict[str, Any]]]] = {}

    async def store(self, request: Request) -> Response:
        """STOW-RS (PS3.18 10.5)."""
        media = parsed(request.headers["content-type"])
        base = str(request.base_url).rstrip("/") + self.prefix
        stored, refused = [], []
        for part in split(await request.body(), media, most=10_000):
            kept, new = self.archive.store(part.content, base)
            item = {"00081150": _ui(kept.uid(SOP_CLASS)), "00081155": _ui(kept.uid(SOP_INSTANCE))}
            if new:
                stored.append(item | _warned(kept))
            else:
                refused.append(item | {"00081197": {"vr": "US", "Value": [45070]}})
        told: dict[str, Any] = {}
        if stored:
            told["00081199"] = {"vr": "SQ", "Value": stored}
        if refused:
            told["00081198"] = {"vr": "SQ", "Value": refused}
        warned = refused or any("00741048" in item for item in stored)
        status = 409 if not stored else 202 if warned else 200
        return JSONResponse(told, status, media_type=DICOM_JSON)

    async def studies(self, request: Request) -> Response:
        """QIDO-RS at the level of the study."""
        first: dict[str, Kept] = {}
        for kept in self.archive.of():
            first.setdefault(kept.uid(STUDY), kept)
        return self._found(request, list(first.values()))

    async def search(self, request: Request) -> Response:
        """QIDO-RS at the level of the instance (PS3.18 10.6)."""
        return self._found(request, self.archive.of(request.path_params.get("study", "")))

    def _found(self, request: Request, kept: list[Kept]) -> Response:
        asked = list(request.query_params.multi_items())
        found = self.archive.search(asked, kept)
        if found is None:
            known = self.archive.quirks.keys or ()
            name = next(name for name, _ in asked if tag_of(name) and tag_of(name) not in known)
            return Response(_NOT_QUERYABLE.format(name=name), 400, media_type="text/plain")
        if not found:
            return Response(status_code=204)
        return JSONResponse(found, media_type=DICOM_JSON)

    async def metadata(self, request: Request) -> Response:
        """WADO-RS, metadata (PS3.18 10.4.1.1.2)."""
        found = self.archive.of(**request.path_params)
        if not found:
            return Response(status_code=404)
        metadata = [kept.metadata for kept in found]
        if self.archive.quirks.summary and "instance" not in request.path_params:
            metadata = [summary(one) for one in metadata]
        return JSONResponse(metadata, media_type=DICOM_JSON)

    async def retrieve(self, request: Request) -> Response:
        """WADO-RS, the file: whatever the metadata leaves out."""
        found = self.archive.of(**request.path_params)
        if not found:
            return Response(status_code=404)
        return _multipart(found[0].file, "application/dicom")

    async def delete(self, request: Request) -> Response:
        """Delete an instance."""
        if not self.archive.of(**request.path_params):
            return Response(status_code=404)
        self.archive.delete(request.path_params["instance"])
        return Response(status_code=204)

    async def patch(self, request: Request) -> Response:
        """JSON Patch (RFC 6902) of an instance's metadata: ``add``, ``replace``, ``remove``."""
        found = self.archive.of(**request.path_params)
        if (
            not found
            or parsed(request.headers["content-type"]).name != "application/json-patch+json"
        ):
            return Response(status_code=404 if not found else 415)
        _patched(found[0], json.loads(await request.body()))
        return JSONResponse([found[0].metadata], media_type=DICOM_JSON)

    async def operate(self, request: Request) -> Response:
        """JSON Patch of all instances of a study or series: an Operation (google.longrunning)."""
        found = self.archive.of(**request.path_params)
        if not found:
            return Response(status_code=404)
        name = f"projects/p/locations/l/datasets/d/operations/{len(self.operations) + 1}"
        self.operations[name] = found, json.loads(await request.body())
        return JSONResponse({"name": name})

    async def operation(self, request: Request) -> Response:
        """Look at an Operation, which is done before the second look."""
        name = request.path_params["operation"]
        if name not in self.operations:
            return Response(status_code=404)
        found, steps = self.operations[name]
        if not found:
            return JSONResponse({"name": name, "done": True, "response": {}})
        for kept in found:
            _patched(kept, steps)
        self.operations[name] = [], steps
        return JSONResponse({"name": name})

    async def bulk_data(self, request: Request) -> Response:
        """Return the bytes behind a BulkDataURI (PS3.18 10.4.1.1.5)."""
        kept = self.archive.instances[request.path_params["uid"]]
        element = dcmread(BytesIO(kept.file))[request.path_params["tag"]]
        return _multipart(str(element.value).encode(), "application/octet-stream")

    async def changes(self, request: Request) -> Response:
        """Return the change feed of Azure: what happened, by offset and limit."""
        start, length = (
            int(request.query_params.get(n, d)) for n, d in (("offset", 0), ("limit", 100))
        )
        if not 0 < length <= 200:
            return JSONResponse({"Limit": ["The field Limit must be between 1 and 200."]}, 400)
        with_metadata = request.query_params.get("includemetadata", "true") == "true"
        entries = []
        for number, (action, kept) in enumerate(self.archive.log, 1):
            now = self.archive.instances.get(kept.uid(SOP_INSTANCE))
            state = "deleted" if now is None else "current" if now is kept else "replaced"
            entry: dict[str, Any] = {
                "Sequence": number,
                "StudyInstanceUid": kept.uid(STUDY),
                "SeriesInstanceUid": kept.uid("0020000E"),
                "SopInstanceUid": kept.uid(SOP_INSTANCE),
                "Action": action,
                "Timestamp": f"2026-01-02T03:04:{number % 60:02}.0000000+00:00",
                "State": state,
            }
            if with_metadata and state == "current":
                entry["Metadata"] = kept.metadata
            entries.append(entry)
        return JSONResponse(entries[start : start + length])


def _patched(kept: Kept, steps: list[dict[str, Any]]) -> None:
    for step in steps:
        tag = step["path"].removeprefix("/")
        if step["op"] == "remove":
            del kept.metadata[tag]
        else:
            kept.metadata[tag] = step["value"]


def _warned(kept: Kept) -> dict[str, Any]:
    """Return what the answer to STOW-RS says of attributes that fail the check of their VR."""
    if not kept.warnings:
        return {}
    failed = [{"00000902": {"vr": "LO", "Value": [text]}} for text in kept.warnings]
    return {"00081196": {"vr": "US", "Value": [1]}, "00741048": {"vr": "SQ", "Value": failed}}


def _ui(uid: str) -> dict[str, Any]:
    return {"vr": "UI", "Value": [uid]}


def _multipart(content: bytes, media: str) -> Response:
    boundary = uuid4().hex
    head = f"--{boundary}\r\nContent-Type: {media}\r\n\r\n".encode()
    kind = f'multipart/related; type="{media}"; boundary={boundary}'
    return Response(head + content + f"\r\n--{boundary}--\r\n".encode(), media_type=kind)
