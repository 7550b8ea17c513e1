"""What a service tells the one that started it, as systemd's sd_notify(3): a datagram of lines.

Without ``NOTIFY_SOCKET`` in the environment nobody is notified.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time

_PATIENCE = 0.2  # seconds
READY, STOPPING = "READY=1", "STOPPING=1"


def tell(*lines: str) -> bool:
    """Tell the supervisor, and return whether it was told; a service goes on where that cannot be."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_PATIENCE)  # nobody's messages wait for a supervisor that does not read
        sock.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)
        sock.sendall("\n".join(lines).encode())
        return True
    return False


def reloading() -> None:
    """Tell that files are read again; `READY` follows when they are in use."""
    tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


async def watchdog() -> None:
    """Tell again and again that the event loop lives, twice in the time that the supervisor gives."""
    given = os.environ.get("WATCHDOG_USEC", "")
    own = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    while own and given.isdecimal() and int(given):
        tell("WATCHDOG=1")
        await asyncio.sleep(int(given) / 2e6)
