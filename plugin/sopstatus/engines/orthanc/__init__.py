"""The plugin that runs within Orthanc.

`arrival` applies the profile, `archive` is what Orthanc holds,
`delivery` and `outlet` tell destinations.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.engines.orthanc.plugin import start

__all__ = ["start"]

exports(__name__, "plugin")
