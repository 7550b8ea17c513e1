"""Nothing is laundered: malformed documents over every road into a data set, and what others read."""

import pytest
from sopstatus import DocumentError, transformer

from malformed.launder import launder, unseen
from malformed.roads import AO, LINKS, ONTO, ROADS, statement

MANY, SOME = 2000, 100  # variants over bytes as they arrive, and over each other road and link


@pytest.mark.parametrize("links", LINKS)
@pytest.mark.parametrize("name", ROADS)
@pytest.mark.filterwarnings("ignore")  # pydicom reports what it repairs
def test_no_reader_reads_more_than_the_record_says(name, links):
    count = MANY if (name, links) == ("bytes", "untrusted") else SOME
    done = launder(ROADS[name], LINKS[links], count)
    assert not done.found, done.report
    assert done.written > count // 20  # it is not refused wholesale


@pytest.mark.parametrize("links", ["untrusted", "trusted"])
@pytest.mark.parametrize("name", ONTO)
@pytest.mark.filterwarnings("ignore")
def test_a_statement_onto_a_held_copy_launders_and_erases_nothing(name, links):
    done = launder(ONTO[name], LINKS[links], SOME)
    assert not done.found, done.report
    assert done.refused


@pytest.mark.filterwarnings("ignore")
def test_a_status_is_never_unseen_in_silence():
    done = unseen(MANY)
    assert not done.found, done.report
    assert done.written > MANY // 2


@pytest.mark.parametrize("term", ["NS", None])
def test_a_held_status_behind_a_null_is_not_erased(term):
    """pydicom and DCMTK show it as AO, so a stranger's word does not replace it."""
    plain = b"\0\1\x10\4CS\2\0AO"
    assert AO.count(plain) == 1
    data = AO.replace(plain, b"\0\1\x10\4CS\4\0\0AO ")
    with pytest.raises(DocumentError) as refused:
        transformer("fhir", "dicom")(statement("fhir", term), data)
    assert [one.code for one in refused.value.issues] == ["profile/better-held"]
