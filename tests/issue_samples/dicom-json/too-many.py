import json
from pathlib import Path

from sopstatus import codec
from sopstatus.limits import Limits

listed = json.loads(Path("dicom-json/image.json").read_bytes()) * 2
codec("dicom-json", limits=Limits(statements=1)).decode(listed)
