"""The commands that need an extra: whoever has not installed it is told which."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from importlib.util import find_spec


def scan(options: Namespace) -> int:
    """Write what all files of an archive say into a folder of part files."""
    if options.format == "parquet" and find_spec("pyarrow") is None:
        print("error: Parquet needs the extra: pip install sopstatus[archive]", file=sys.stderr)
        return 2
    from sopstatus import scan_commands

    return scan_commands.scan(options)


def archive_report(options: Namespace) -> int:
    """Write the state of a scanned archive as a page."""
    try:
        from sopstatus import report_commands
    except ImportError:
        print("error: a report needs the extra: pip install sopstatus[report]", file=sys.stderr)
        return 2
    return report_commands.report(options)


def export(options: Namespace) -> int:
    """Write a scanned archive for another system."""
    try:
        from sopstatus import export_commands
    except ImportError:
        print("error: an export needs the extra: pip install sopstatus[report]", file=sys.stderr)
        return 2
    return export_commands.run(options)


def ledger(options: Namespace) -> int:
    """Feed a ledger of who holds what, show an instance of it, or check it."""
    try:
        from sopstatus import ledger_commands
    except ImportError:
        print("error: the ledger needs the extra: pip install sopstatus[ledger]", file=sys.stderr)
        return 2
    work: Callable[[Namespace], int] = getattr(ledger_commands, options.task)
    return work(options)


def serve(options: Namespace) -> int:
    """Answer over HTTP until told to stop."""
    try:
        from sopstatus import serve_commands
    except ImportError:
        print("error: serve needs the extra: pip install sopstatus[http]", file=sys.stderr)
        return 2
    return serve_commands.serve(options)


def gateway(options: Namespace) -> int:
    """Stand before a FHIR server until told to stop."""
    try:
        from sopstatus import gateway_commands
    except ImportError:
        print("error: gateway needs the extra: pip install sopstatus[gateway]", file=sys.stderr)
        return 2
    return gateway_commands.gateway(options)


def workbench(options: Namespace) -> int:
    """Serve the page for those who write tables until told to stop."""
    try:
        from sopstatus import workbench_commands
    except ImportError:
        print("error: workbench needs the extra: pip install sopstatus[http]", file=sys.stderr)
        return 2
    return workbench_commands.workbench(options)


def mllp(options: Namespace) -> int:
    """Listen for HL7 v2 messages until SIGTERM."""
    if find_spec("structlog") is None:
        print("error: mllp needs the extra: pip install sopstatus[log]", file=sys.stderr)
        return 2
    from sopstatus import mllp_commands

    return mllp_commands.listen(options)


def spool(options: Namespace) -> int:
    """Look after the messages of a spool."""
    from sopstatus import spool_commands

    work: Callable[[Namespace], int] = getattr(spool_commands, options.task)
    return work(options)
