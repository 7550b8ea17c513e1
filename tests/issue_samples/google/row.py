from datetime import UTC, datetime

from sopstatus.sources.google import row

UIDS = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1", "SOPInstanceUID": "1.2.3.1.1"}
CLASS = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}
stamp = datetime(2024, 1, 15, 9, 30, tzinfo=UTC)
issues = row({**UIDS, **CLASS, "SOPAuthorizationDateTime": stamp}).issues
