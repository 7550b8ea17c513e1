"""A few stores with kills of Orthanc and of a destination; more by hand: make orthanc-kill."""

from engines.orthanc_kill import check, run


def test_kill(tmp_path):
    assert check(100, *run(100, tmp_path)).startswith("100 stores")
