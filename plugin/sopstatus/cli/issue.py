"""The command ``sopstatus issue``: what the page of issues says, from the wheel."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from sopstatus.catalogue import Entry, catalogue, samples
from sopstatus.cli import shared
from sopstatus.cli.arguments import did_you_mean

EXAMPLES = (
    "sopstatus issue link/untrusted",
    "sopstatus issue --list",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "code", nargs="?", metavar="CODE", help="Explain this code, such as link/untrusted"
    )
    parser.add_argument("--list", action="store_true", help="List all codes and what they say")
    shared.add_json(parser)


def run(options: Namespace) -> int:
    """Print what is known of a code, or all codes."""
    found = catalogue()
    if bool(options.code) is options.list:
        raise shared.Stop("name a code, or pass --list; see sopstatus issue --help")
    if options.list:
        if options.json:
            print(
                json.dumps({code: _plain(code, entry) for code, entry in found.items()}, indent=2)
            )
            return 0
        width = max(map(len, found))
        for code, entry in found.items():
            print(f"{entry.severity:<11}  {code:<{width}}  {entry.cause}")
        return 0
    if options.code not in found:
        near = did_you_mean(options.code, found)
        raise shared.Stop(f"there is no issue {options.code}{near}; see sopstatus issue --list")
    told = _plain(options.code, found[options.code])
    if options.json:
        print(json.dumps(told, indent=2))
        return 0
    print(f"{told.pop('severity')} {told.pop('code')}\n")
    for label, text in told.items():
        if text:
            print(f"{label + ':':<9}{text}")
    return 0


def _plain(code: str, entry: Entry) -> dict[str, str]:
    command, line = samples()[code]
    return {
        "code": code,
        "severity": entry.severity,
        "cause": entry.cause,
        "remedy": entry.general_remedy,
        "source": entry.source,
        "sample": command,
        "prints": line,
    }
