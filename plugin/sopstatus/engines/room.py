"""What a service needs of the system: open files for its connections, and reports of faults in its event loop."""

from __future__ import annotations

import asyncio
import errno
import time
from typing import Any

from sopstatus import log

_BESIDE = 128  # files that are no connection: spool, source, audit, what libraries open


def connections(most: int) -> int:
    """Return how many connections there may be: as many as that, or what the open files allow.

    The soft limit of open files is raised for twice as many (those in a TLS handshake are not
    counted yet), up to the hard limit; one event tells where that is too low.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return most
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * most + _BESIDE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return most
    files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    except (ValueError, OSError):
        files = soft
    allowed = max(1, files - min(_BESIDE, files // 2))
    if allowed >= most:
        return most
    log.event("fewer-connections", "warning", connections=allowed, files=files)
    return allowed


def tell_faults(loop: asyncio.AbstractEventLoop) -> None:
    """Report each kind of fault in a loop that nobody has caught: one event per second."""
    told: dict[tuple[str, str], float] = {}

    def tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        reason = errno.errorcode.get(getattr(error, "errno", None) or 0, "")
        kind, now = (type(error).__name__, reason), time.monotonic()
        if now - told.get(kind, 0.0) < 1:
            return
        told[kind] = now
        facts = {"reason": reason} if reason else {}
        if error is not None and error.__traceback__ is not None:
            facts["line"] = log.line_of(error)
        log.event("loop-fault", "error", error=kind[0], **facts)

    loop.set_exception_handler(tell)
