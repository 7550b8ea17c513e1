"""The command line on a pseudo-terminal."""

import os
import pty
import subprocess
import sys


def on_a_terminal(*given, cwd=None, env=None):
    """Run the command line with a pseudo-terminal as its output and return what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sopstatus", *given],
        cwd=cwd,
        env={"TERM": "xterm", "PATH": os.environ["PATH"], **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # Linux: the other side has closed it
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    return process.wait(60), b"".join(pieces).replace(b"\r\n", b"\n").decode()
