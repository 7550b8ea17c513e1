import gzip
from pathlib import Path

from sopstatus import codec
from sopstatus.limits import Limits

small = gzip.compress(Path("healthimaging/image.json").read_bytes())
codec("healthimaging", limits=Limits(inflated=100)).decode(small)
