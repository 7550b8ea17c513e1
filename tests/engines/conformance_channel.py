"""What MessageFoundry runs for the conformance suite: a feed for each character set.

A message's images are in the folder that has its MSH-10 for a name.
"""

import os
from pathlib import Path

from messagefoundry import FHIR, MLLP, Send, env, handler, inbound, outbound, router
from sopstatus import transformer
from sopstatus.engines.enrich import enricher
from sopstatus.engines.messagefoundry import sendable
from sopstatus.sources.folder import FolderSource

IMAGES = Path(os.environ["SOPSTATUS_IMAGES"])
WITH_STATUS = {one.name: sendable(enricher(FolderSource(one))) for one in IMAGES.iterdir()}
TO_STUDY = sendable(transformer("hl7", "fhir"))

outbound("OB_FHIR", FHIR(url=env("fhir_url")))


def feed(name, charset):
    pacs = {"host": "127.0.0.1", "port": env("pacs_port", cast=int)}
    inbound(f"IB_{name}", MLLP(port=env(f"{name}_port", cast=int), encoding=charset), router=name)
    outbound(f"OB_{name}", MLLP(**pacs, encoding=charset))
    router(name)(lambda msg: [f"{name}_study", f"{name}_status"])
    handler(f"{name}_study")(lambda msg: Send("OB_FHIR", TO_STUDY(msg)))
    handler(f"{name}_status")(lambda msg: Send(f"OB_{name}", WITH_STATUS[msg["MSH-10"]](msg)))


feed("utf_8", "utf-8")
feed("latin_1", "iso-8859-1")
