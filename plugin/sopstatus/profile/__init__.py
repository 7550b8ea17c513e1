"""The rules for changing a status: PS3.15 A.1.1, the Online Electronic Storage Secure Use Profile.

`events` has the functions; `language`, `check` and `table` load the rules from ``mappings/``; `link`
is what is known about the other side; `transition` does one event of one copy; `crossing` carries
many statements over a link, and `rereading` verifies what was written.
"""

from sopstatus.profile import events
from sopstatus.profile.events import *
from sopstatus.profile.link import POLICIES, TRUSTED, UNKNOWN, Circumstances, Link
from sopstatus.profile.transition import NOTHING, Copy, Transition, status_of
from sopstatus.table.language import GOVERNED, STATUS

__all__ = [
    "GOVERNED", "NOTHING", "POLICIES", "STATUS", "TRUSTED", "UNKNOWN", "Circumstances", "Copy",
    "Link", "Transition", "status_of",
]  # fmt: skip
__all__ += events.__all__
