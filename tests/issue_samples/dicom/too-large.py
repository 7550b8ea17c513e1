from pathlib import Path

from sopstatus import Limits, codec

limits = Limits(inflated=1 << 20)  # the usual limit would take a file of 2 GiB
codec("dicom", limits=limits).decode(Path("dicom/too-large.dcm").read_bytes())
