from pathlib import Path

from sopstatus import SOPInstance, codec

comment = {"SOPAuthorizationComment": "A" * 70_000}
statement = SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.1", "", comment)
issues = codec("dicom").encode([statement], Path("shared/image.dcm").read_bytes()).issues
