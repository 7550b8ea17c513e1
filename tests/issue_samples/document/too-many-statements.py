from pathlib import Path

from sopstatus import Limits, codec

limits = Limits(statements=0)  # the usual limit would take a million
codec("hl7", limits=limits).decode(Path("shared/authorized.hl7").read_bytes())
