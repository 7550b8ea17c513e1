"""The FHIR gateway: middleware before a FHIR server.

`asgi` and `exchange` are one request and its
answer; `write`, `writes`, `reads` and `bundle` what becomes of them; `settings` is what a site chose.
"""

from typing import TYPE_CHECKING

from sopstatus._lazily import exports

if TYPE_CHECKING:
    from sopstatus.engines.gateway.middleware import Gateway
    from sopstatus.engines.gateway.settings import Site

__all__ = ["Gateway", "Site"]

exports(__name__, "settings", "middleware")
