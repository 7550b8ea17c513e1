"""No hot path takes more instructions than it did: counted, not timed."""

import pytest
from bench import guard

from tools import need

MORE = 1.15  # another build of Python counts a little otherwise


@pytest.fixture(scope="module")
def unit():
    need("valgrind", "valgrind")
    return guard.instructions("yardstick")


@pytest.mark.parametrize("name", [made.__name__ for made in guard.WORK])
def test_instructions(unit, name):
    then = guard.recorded()[name]
    # what is done once on a machine, like writing a cache, counts in the first of two measurements
    assert any(guard.instructions(name) / unit < then * MORE for _ in range(2)), (
        "python -m bench.guard prints what to record if it is meant so"
    )
