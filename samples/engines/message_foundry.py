"""MessageFoundry: put this file into the folder ``config``, and start the engine beside it.

``SOPSTATUS_IMAGES=images messagefoundry serve --config config --env dev``, with the four values named
below in ``environments/dev.toml`` (docs/engines.md). A message comes by MLLP; with the statements of
a folder of images added it goes on by MLLP, and to a FHIR server as an ImagingStudy, whose id is
made of the Study Instance UID: all messages about a study update one resource.
"""

import os

from messagefoundry import FHIR, MLLP, Send, env, handler, inbound, outbound, router
from sopstatus import transformer
from sopstatus.codecs.fhir import transaction
from sopstatus.engines.enrich import enricher
from sopstatus.engines.messagefoundry import sendable
from sopstatus.sources.folder import FolderSource

WITH_STATUS = sendable(enricher(FolderSource(os.environ["SOPSTATUS_IMAGES"])))
TO_STUDY = sendable(transformer("hl7", "fhir"), transaction)

inbound("IB_STATUS", MLLP(port=env("status_port", cast=int)), router="status")
outbound("OB_PACS", MLLP(host=env("pacs_host"), port=env("pacs_port", cast=int)))
outbound("OB_FHIR", FHIR(url=env("fhir_url"), interaction="transaction"))


# the engine tries again as its [delivery] says


@router("status")
def route(msg):
    return ["status"]


@handler("status")
def status(msg):
    message = WITH_STATUS(msg)  # an error in it raises: then the message is a dead letter
    study = TO_STUDY(message)  # None: the message names no study, as an ADT does
    sent = [Send("OB_PACS", message)]
    return [*sent, Send("OB_FHIR", study)] if study else sent
