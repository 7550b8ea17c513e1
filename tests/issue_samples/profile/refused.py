"""Print the refusal of an event: its name, the state of the copy, and the conditions."""

import sys

from sopstatus.profile import Circumstances, Copy
from sopstatus.profile.transition import step

event, state, *conditions = sys.argv[1:]
said = dict(condition.split("=") for condition in conditions)
policy = said.get("policy", "demote-to-not-specified")
issues = step(event, Copy(state), Circumstances(policy=policy), **said).issues
