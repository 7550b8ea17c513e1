"""Hypothesis profiles: a run on a laptop, the same in CI, a long one by hand; and what begins first."""

import os

from hypothesis import HealthCheck, Phase, settings

common = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}
settings.register_profile("laptop", max_examples=200, **common)
# repeatable: what passes here passes there; `make long` and the fuzzer draw anew
settings.register_profile("ci", max_examples=200, derandomize=True, **common)
# the same few examples for every mutant: what they kill must not depend on luck, nor be made smaller
settings.register_profile(
    "mutants",
    max_examples=5,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    **(common | {"print_blob": False}),
)
profile = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "laptop")
if profile == "long":
    os.environ.setdefault("LAW_EXAMPLES", "100000")
    settings.register_profile("long", max_examples=int(os.environ["LAW_EXAMPLES"]), **common)
settings.load_profile(profile)


def pytest_collection_modifyitems(items):
    """Begin with what takes a minute or two, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
