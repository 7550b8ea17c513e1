"""Runs in MessageFoundry's environment: its own objects through ``sendable``; prints what comes out."""

import json
import sys
from pathlib import Path

from messagefoundry import Message, RawMessage
from sopstatus import transformer
from sopstatus.engines.messagefoundry import sendable
from sopstatus.explain import explain

folder = Path(sys.argv[1])
resource = (folder / "imaging-study.json").read_text("utf-8")
image = (folder / "image.dcm").read_bytes()
er7 = (folder / "message.hl7").read_text("utf-8")
given = Message.parse(er7)
to_message, from_image = (sendable(transformer(f, "hl7")) for f in ("fhir", "dicom"))
written = to_message(RawMessage(resource, "fhir"), given)
told = {
    "kind": type(written).__name__,
    "onto a message": written.encode(),
    "given": given.encode(),
    "alone": to_message(RawMessage(resource, "fhir")),
    "of an image": sendable(transformer("dicom", "fhir"))(RawMessage.from_bytes(image, "dicom")),
    "into, of an image": from_image(RawMessage.from_bytes(image, "dicom"), into=given).encode(),
    "explained": explain(given).format,
}
print(json.dumps(told))
