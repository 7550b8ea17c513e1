from pathlib import Path

from sopstatus import Limits, codec

limits = Limits(elements=5)  # the usual limit would take 100,000 items
codec("dicom", limits=limits).decode(Path("dicom/not-understood.dcm").read_bytes())
