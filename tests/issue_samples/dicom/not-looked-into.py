from pathlib import Path

from sopstatus import Limits, codec

limits = Limits(elements=1)  # the usual limit would take 100,000
issues = codec("dicom", limits=limits).decode(Path("dicom/nested.dcm").read_bytes()).issues
