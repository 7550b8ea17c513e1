"""Google's metadata patches against the stand-in, and rows of a BigQuery export."""

import datetime

import pytest
from sopstatus import DocumentError, Link, SOPInstance
from sopstatus.sources import google

from sources.stored import FIRST, SERIES, STUDY, file, status
from sources.test_dicomweb import served

TRUSTED = Link(secure=True, authenticated=True, conforms=True)


def said(number, **attributes):
    return SOPInstance(STUDY, SERIES, "", f"{FIRST}.{number}", "", attributes)


def test_statements_become_patches_of_what_changes():
    with served("google", file(0, "NS"), file(1, "NS"), file(2)) as source:
        changed = [said(0, SOPInstanceStatus="AC"), said(2)]
        result = google.update(source, changed, STUDY, link=TRUSTED)
        assert result.value == 1
        now = source.study(STUDY)
        assert [status(x) for x in now.instances if status(x)] == ["AC", "NS", "AO"]
        assert dict(now.instances[0].attributes) == {"SOPInstanceStatus": "AC"}
        assert [record.before for record in result.records] == ["NS"]
        assert google.update(source, changed, STUDY, link=TRUSTED).value == 0
        with pytest.raises(DocumentError, match="profile/better-held"):
            google.update(source, [said(2, SOPInstanceStatus="AC")], STUDY, link=TRUSTED)


def test_over_a_link_that_nobody_vouched_for_the_status_becomes_NS():
    with served("google", file(0, "NS")) as source:
        result = google.update(source, [said(0, SOPInstanceStatus="AC")], STUDY)
        assert [issue.code for issue in result.issues] == ["link/untrusted"]
        assert status(source.study(STUDY).instances[0]) == "NS"


ROW = {
    "StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": FIRST,
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "SOPInstanceStatus": "AO",
    "SOPAuthorizationComment": "a\\b", "SOPAuthorizationDateTime": None, "PatientID": "4711",
}  # fmt: skip


def test_a_row_of_the_export():
    scanned = google.row(ROW, holder="GCP")
    (one,) = scanned.instances
    assert one.holder == "GCP"
    assert dict(one.attributes) == {"SOPInstanceStatus": "AO", "SOPAuthorizationComment": "a\\b"}
    assert scanned.issues == ()


def test_a_timestamp_is_not_taken_for_what_was_stated():
    for stamp in (datetime.datetime(2024, 1, 15, 9, 30), "2024-01-15 09:30:15 UTC"):
        scanned = google.row({**ROW, "SOPAuthorizationDateTime": stamp})
        assert [issue.code for issue in scanned.issues] == ["google/timestamp"]
        assert "SOPAuthorizationDateTime" not in dict(scanned.instances[0].attributes)
    exact = google.row({**ROW, "SOPAuthorizationDateTime": "2024-0500"})
    assert dict(exact.instances[0].attributes)["SOPAuthorizationDateTime"] == "2024-0500"


def test_columns_that_are_not_there():
    assert google.row({"SOPInstanceUID": FIRST}).instances[0].attributes == ()
