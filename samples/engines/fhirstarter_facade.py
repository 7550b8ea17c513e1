"""A FHIR facade of fhirstarter (FastAPI) with the gateway's middleware, R5.

``uvicorn fhirstarter_facade:app``. The provider knows nothing of status.
"""

from uuid import uuid4

from fhir.resources.imagingstudy import ImagingStudy
from fhirstarter import FHIRProvider, FHIRStarter, InteractionContext
from fhirstarter.exceptions import FHIRResourceNotFoundError
from sopstatus.engines.gateway import Gateway, Site

STUDIES = {}
provider = FHIRProvider()


@provider.create(ImagingStudy)
async def create(context: InteractionContext, resource: ImagingStudy) -> ImagingStudy:
    resource.id = uuid4().hex
    STUDIES[resource.id] = resource
    return resource


@provider.read(ImagingStudy)
async def read(context: InteractionContext, id_: str) -> ImagingStudy:
    if id_ not in STUDIES:
        raise FHIRResourceNotFoundError
    return STUDIES[id_]


app = FHIRStarter(title="A facade")
app.add_providers(provider)
app.add_middleware(Gateway, site=Site("closed", tag=True))
