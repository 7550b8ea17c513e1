"""More files than fit into a part many times over: killed, resumed, and in flat memory."""

from pathlib import Path

import pytest

from archive.large import scanned
from archive.made import made

COUNT = 6000


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_killed_resumed_and_flat(tmp_path):
    made(tmp_path / "archive", COUNT)
    first, second, last = scanned(tmp_path / "archive", tmp_path / "out", COUNT, rows=300)
    assert first.killed and second.killed and not last.killed
    # what a part needs, and not what all of them do
    assert max(last.memory) < max(first.memory) + 30
    assert max(max(one.memory) for one in (first, second, last)) < 200
