from pathlib import Path

from sopstatus import codec


def fetch(uri):
    raise ConnectionError("503 Service Unavailable")


document = Path("dicom-json/bulk-data.json").read_bytes()
issues = codec("dicom-json").decode(document, fetch=fetch).issues
