"""MessageFoundry: put this file into the engine's configuration folder, and start the engine.

``messagefoundry serve --config FOLDER --env dev``, with the four values named below in
``environments/dev.toml``. A message comes by MLLP; with the statements of a folder of images added
it goes on by MLLP, and to a FHIR server as an ImagingStudy.
"""

import os

from messagefoundry import FHIR, MLLP, Send, env, handler, inbound, outbound, router
from sopstatus import transformer
from sopstatus.engines.enrich import enricher
from sopstatus.engines.messagefoundry import sendable
from sopstatus.engines.sources import FolderSource

WITH_STATUS = sendable(enricher(FolderSource(os.environ["SOPSTATUS_IMAGES"])))
TO_STUDY = sendable(transformer("hl7", "fhir"))

inbound("IB_STATUS", MLLP(port=env("status_port", cast=int)), router="status")
outbound("OB_PACS", MLLP(host=env("pacs_host"), port=env("pacs_port", cast=int)))
outbound("OB_FHIR", FHIR(url=env("fhir_url")))  # the engine tries again as its [delivery] says


@router("status")
def route(msg):
    return ["status"]


@handler("status")
def status(msg):
    message = WITH_STATUS(msg)  # an error in it raises: then the message is a dead letter
    return [Send("OB_PACS", message), Send("OB_FHIR", TO_STUDY(message))]
