from pathlib import Path

from sopstatus import codec
from sopstatus.limits import Limits

document = Path("healthimaging/image.json").read_bytes()
codec("healthimaging", limits=Limits(statements=0)).decode(document)
