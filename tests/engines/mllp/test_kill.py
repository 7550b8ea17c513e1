"""A few kills of ``sopstatus mllp --forward`` under load; many by hand: make mllp-kill."""

from engines.kill import check, run


def test_kill(tmp_path):
    kills = 6
    assert check(kills, *run(kills, tmp_path / "spool", seed=1)).startswith("6 kills")
