"""A FHIR facade of bare Starlette with the gateway's middleware: ``uvicorn starlette_facade:app``.

It keeps ImagingStudies in memory and knows nothing of status; the middleware checks what is written,
searches by status and answers ``$sop-status`` and ``$to-hl7v2``.
"""

from uuid import uuid4

from sopstatus.engines.gateway import Gateway, Site
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

FHIR = "application/fhir+json"
STUDIES = {}


async def create(request):
    study = {**await request.json(), "id": uuid4().hex}
    STUDIES[study["id"]] = study
    return JSONResponse(study, 201, media_type=FHIR)


async def search(request):
    entries = [{"resource": study, "search": {"mode": "match"}} for study in STUDIES.values()]
    return JSONResponse(
        {"resourceType": "Bundle", "type": "searchset", "entry": entries}, media_type=FHIR
    )


async def read(request):
    study = STUDIES.get(request.path_params["id"])
    return JSONResponse(study, 200 if study else 404, media_type=FHIR)


routes = [Route("/fhir/ImagingStudy", create, methods=["POST"]),
          Route("/fhir/ImagingStudy", search), Route("/fhir/ImagingStudy/{id}", read)]  # fmt: skip
app = Starlette(routes=routes)
app.add_middleware(Gateway, site=Site("closed", base="/fhir"))
