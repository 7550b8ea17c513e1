"""The profile's invariants, over every world within these bounds."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sopstatus import Holder

from profile_model import sites
from profile_model.world import Broken, Rules, explore, made, successors, wrong


@pytest.mark.parametrize(
    ("entities", "transfers", "instances", "worlds"),
    [
        pytest.param(4, 2, 1, 734_008, marks=pytest.mark.long),
        (2, 3, 1, 116_440),
        (2, 1, 2, 284**2),
    ],
)
def test_every_world(entities, transfers, instances, worlds):
    """No path leads to two holders, to none, or from NS, AC or nothing to an original.

    Two instances are explored to show that they share nothing (the worlds of both are all pairs of
    the worlds of one), so that what holds of one holds of any number.
    """
    explored = explore(entities, transfers, instances)
    print(
        f"\n{explored} worlds of {entities} Application Entities, {instances} instances, "
        f"{transfers} transfers of each"
    )
    assert explored == worlds


class Walk(RuleBasedStateMachine):
    """Longer walks than the exploration's: four entities, two instances, six transfers of each."""

    @initialize()
    def begin(self):
        self.rules = Rules()
        self.worlds = [made(self.rules, 4), made(self.rules, 4)]
        self.steps = []

    @rule(data=st.data(), number=st.integers(0, 1))
    def step(self, data, number):
        choices = list(successors(self.rules, self.worlds[number], 6))
        name, self.worlds[number] = data.draw(st.sampled_from(choices), "step")
        self.steps.append(name)

    @invariant()
    def holds(self):
        for world in getattr(self, "worlds", ()):
            assert not wrong(world), self.steps


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=100, stateful_step_count=60)


A, B = Holder("PACS", "1.2.3.4", "ISO"), Holder("PACS", "1.2.3.5", "ISO")


@pytest.mark.parametrize(
    ("original", "other", "states"), [("OR", "", 13), ("OR", "NS", 89), ("AO", "AC", 25)]
)
def test_two_sites_with_one_ae_title(original, other, states):
    """At most one confirmed holder of an original, whatever the two say of their copies and read."""
    assert sites.explore(original, other, (A, B)) == states


def test_two_sites_that_only_say_their_ae_title_are_one():
    """So the exploration finds what it is there for."""
    with pytest.raises(Broken):
        sites.explore("AO", "NS", ("PACS", "PACS"))
