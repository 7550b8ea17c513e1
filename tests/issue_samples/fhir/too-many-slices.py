import json
from pathlib import Path

from sopstatus import Limits, codec

study = json.loads(Path("fhir/repeated-slice.json").read_bytes())
issues = codec("fhir", limits=Limits(repetitions=1)).decode(study).issues
