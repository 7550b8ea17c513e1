from pathlib import Path

from sopstatus import Limits, codec

limits = Limits(document=64)  # the usual limit would take a file of 1 GiB
codec("hl7", limits=limits).decode(Path("shared/authorized.hl7").read_bytes())
