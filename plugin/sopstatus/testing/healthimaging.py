"""AWS HealthImaging as a small Starlette application, to which boto3 speaks as to the service.

``boto3.client("medical-imaging", endpoint_url=URL, config=Config(inject_host_prefix=False))``. It
has image sets that are put into it, their search by study, metadata by gzip, and updates that are
LOCKED for some looks before they are done.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import tag_for_keyword
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LONGEST_UPDATE = 30_000


@dataclass(slots=True)
class ImageSet:
    """One image set: its metadata by version, and an update on its way."""

    versions: list[dict[str, Any]]
    primary: bool = True
    workflow: str = "CREATED"
    message: str = ""
    looks: int = 0  # how often it is still LOCKED
    todo: dict[str, Any] = field(default_factory=dict)


def healthimaging(image_sets: dict[str, dict[str, Any]], *, looks: int = 2) -> Starlette:
    """Return a data store with these image sets: identifier and metadata, as the service has it.

    ``looks`` is how often GetImageSet answers LOCKED after an update.
    """
    kept = {name: ImageSet([metadata]) for name, metadata in image_sets.items()}

    async def search(request: Request) -> Response:
        asked = json.loads(await request.body() or b"{}")
        filters = asked.get("filters", [])
        wanted = [v.get("DICOMStudyInstanceUID") for f in filters for v in f["values"]]
        found = [
            {"imageSetId": name, "version": len(one.versions), "isPrimary": one.primary}
            for name, one in kept.items()
            if not wanted or one.versions[-1]["Study"]["DICOM"]["StudyInstanceUID"] in wanted
        ]
        start = int(request.query_params.get("nextToken", 0))
        page = int(request.query_params.get("maxResults", 50))
        more = {"nextToken": str(start + page)} if start + page < len(found) else {}
        return JSONResponse({"imageSetsMetadataSummaries": found[start : start + page], **more})

    async def metadata(request: Request) -> Response:
        one = kept.get(request.path_params["name"])
        if one is None:
            return _error(404, "ResourceNotFoundException", "Image set not found")
        version = int(request.query_params.get("version", len(one.versions)))
        body = gzip.compress(json.dumps(one.versions[version - 1]).encode(), mtime=0)
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        return Response(body, headers=headers)

    async def get(request: Request) -> Response:
        name = request.path_params["name"]
        one = kept.get(name)
        if one is None:
            return _error(404, "ResourceNotFoundException", "Image set not found")
        told = _state(request, one)
        if one.looks:
            one.looks -= 1
            if not one.looks:
                _finish(one)
        return JSONResponse(told)

    async def update(request: Request) -> Response:
        one = kept.get(request.path_params["name"])
        if one is None:
            return _error(404, "ResourceNotFoundException", "Image set not found")
        if one.looks or int(request.query_params["latestVersion"]) != len(one.versions):
            return _error(
                409, "ConflictException", "The image set is locked, or has a newer version"
            )
        halves = json.loads(await request.body())["DICOMUpdates"]
        data = {name: base64.b64decode(blob) for name, blob in halves.items()}
        if max(map(len, data.values())) > LONGEST_UPDATE:
            return _error(400, "ValidationException", "Member must have length less than 30000")
        one.todo = {name: json.loads(text) for name, text in data.items()}
        one.workflow, one.looks = "UPDATING", looks
        told = _state(request, one)
        if not one.looks:
            _finish(one)
        return JSONResponse(told)

    place = "/datastore/{store}/imageSet/{name}"
    app = Starlette(
        routes=[
            Route("/datastore/{store}/searchImageSets", search, methods=["POST"]),
            Route(f"{place}/getImageSetMetadata", metadata, methods=["POST"]),
            Route(f"{place}/getImageSet", get, methods=["POST"]),
            Route(f"{place}/updateImageSetMetadata", update, methods=["POST"]),
        ]
    )
    app.state.image_sets = kept
    return app


def _state(request: Request, one: ImageSet) -> dict[str, Any]:
    version = str(len(one.versions))
    return {
        "datastoreId": request.path_params["store"],
        "imageSetId": request.path_params["name"],
        "versionId": version,
        "latestVersionId": version,
        "imageSetState": "LOCKED" if one.looks else "ACTIVE",
        "imageSetWorkflowStatus": one.workflow,
        "message": one.message,
    }


def _finish(one: ImageSet) -> None:
    """Do an update, whole or not at all: a new version, or UPDATE_FAILED."""
    new = json.loads(json.dumps(one.versions[-1]))
    try:
        for name, half in one.todo.items():
            for series, inner in half["Study"]["Series"].items():
                for sop, said in inner["Instances"].items():
                    # neither the series nor the instance is ever made
                    dicom = new["Study"]["Series"][series]["Instances"][sop]["DICOM"]
                    for keyword, value in said["DICOM"].items():
                        if tag_for_keyword(keyword) is None:
                            raise KeyError(keyword)
                        if name == "removableAttributes":
                            del dicom[keyword]
                        else:
                            dicom[keyword] = value
    except KeyError:
        one.workflow, one.message = "UPDATE_FAILED", "An attribute or its module does not exist"
        return
    one.versions.append(new)
    one.workflow, one.message = "UPDATED", ""


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"message": message}, status, {"x-amzn-errortype": code})
