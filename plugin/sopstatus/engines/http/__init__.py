"""The HTTP service.

`app` are the routes, `service` the process, `work` one request from bytes to bytes;
`guard` and `hosts` say whom it answers.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.engines.http.app import application

__all__ = ["application"]

exports(__name__, "app")
