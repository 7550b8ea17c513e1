"""The issues of one reading: the first ones are kept, an error never gets lost, the rest is counted."""

from sopstatus import Limits
from sopstatus.catalogue import issue
from sopstatus.codecs.shared.issue_list import Issues

WARNING = issue("dicom/no-uid", "(0020,000D)")
ERROR = issue("value/unknown-term", "ZDS[1]-5", value="QQ", keyword="SOPInstanceStatus", terms="NS")


def told(*items, limit=2):
    found = Issues(Limits(issues=limit))
    for item in items:
        found.append(item)
    return found


def test_up_to_the_limit_all_are_told():
    found = told(WARNING, ERROR)
    assert found.told() == (WARNING, ERROR)
    assert len(found) == 2
    assert told().told() == ()


def test_beyond_the_limit_the_rest_is_counted():
    found = told(*[WARNING] * 5)
    *kept, last = found.told()
    assert kept == [WARNING] * 2
    assert (last.code, last.location) == ("document/more-issues", "")
    assert "3 more" in last.diagnostics
    assert "2" in last.diagnostics.replace("3 more", "")
    assert len(found) == 5


def test_the_first_error_is_kept_beyond_the_limit_and_no_other():
    found = told(WARNING, WARNING, WARNING, ERROR, ERROR)
    assert found.told()[:-1] == (WARNING, WARNING, ERROR)
    assert len(found) == 5
    early = told(ERROR, WARNING, ERROR)
    assert early.told()[:-1] == (ERROR, WARNING)
    assert len(early) == 3


def test_a_fatal_issue_is_an_error_too():
    fatal = issue("document/empty", "")
    assert told(WARNING, fatal, limit=1).told() == (WARNING, fatal)


def test_more_at_once():
    found = told()
    found += [WARNING, WARNING]
    found += [WARNING, ERROR]
    assert isinstance(found, Issues)
    assert found.told()[:-1] == (WARNING, WARNING, ERROR)
    assert len(found) == 4


def test_cleared_it_begins_again():
    found = told(ERROR, ERROR, ERROR)
    found.clear()
    assert (found.told(), len(found)) == ((), 0)
    found += [WARNING, WARNING, WARNING, ERROR]
    assert found.told()[:-1] == (WARNING, WARNING, ERROR)
    assert len(found) == 4


def test_what_is_added_at_another_location_is_among_the_same():
    limits = Limits(issues=2)
    found = Issues(limits)
    inner = found.at("ZDS[1]").at("ZDS[1]-5")
    inner.add("value/padded", keyword="SOPInstanceStatus")
    found.add("dicom/no-uid")
    inner.add("dicom/no-uid")
    assert [(one.code, one.location) for one in found] == [
        ("value/padded", "ZDS[1]-5"),
        ("dicom/no-uid", ""),
    ]
    assert list(found) == list(inner)
    assert (found.told(), len(found), inner.limits) == (inner.told(), len(inner), limits)
    assert len(found) == 3
    assert "1 more" in found.told()[-1].diagnostics
