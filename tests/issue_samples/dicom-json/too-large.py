from pathlib import Path

from sopstatus import codec
from sopstatus.limits import Limits

codec("dicom-json", limits=Limits(document=100)).decode(Path("dicom-json/image.json").read_bytes())
