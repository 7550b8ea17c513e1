"""The MLLP listener.

`frame` cuts blocks, `connection` is one sender, `work` what is done to a message,
`answer` its acknowledgment.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.engines.mllp.listener import Listener
    from sopstatus.engines.mllp.settings import Settings

__all__ = ["Listener", "Settings"]

exports(__name__, "settings", "listener")
