"""A PostgreSQL server of our own: in a temporary folder, on a Unix socket, without fsync."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools import missing

ROOT = os.name == "posix" and os.geteuid() == 0
AS = {"user": "postgres"} if ROOT else {}  # the server refuses to run as root
OPTIONS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c listen_addresses=''"


def programs():
    """Return the folder of initdb and pg_ctl; without it, fail in CI and skip elsewhere."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    return Path(initdb or missing("initdb", "postgresql")).parent


@contextlib.contextmanager
def server():
    """Start a server, and yield the folder of its socket."""
    folder = programs()
    place = Path(tempfile.mkdtemp(prefix="sopstatus-pg-"))

    def run(program, *arguments):
        done = subprocess.run(
            [folder / program, *arguments], cwd=place, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **AS
        )  # fmt: skip
        log = place / "log"
        told = log.read_text() if log.exists() else ""
        assert done.returncode == 0, f"{program}: {done.stdout}{told}"

    try:
        if ROOT:
            shutil.chown(place, "postgres")
        data = place / "data"
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"{OPTIONS} -c unix_socket_directories={place}"
        # with no pipe of ours: the server would keep it open
        subprocess.run(
            [folder / "pg_ctl", "-D", data, "-l", place / "log", "-w", "-o", options, "start"],
            cwd=place, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **AS
        )  # fmt: skip
        try:
            yield place
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)
