"""The command ``sopstatus explain``."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace

from sopstatus import explain as explanation
from sopstatus.cli import shared
from sopstatus.explain.text import rendered
from sopstatus.profile import TRUSTED

EXAMPLES = (
    "sopstatus explain message.hl7 --into image.dcm",
    "sopstatus explain study.json --no-values",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    shared.add_source(parser, "DOCUMENT")
    parser.add_argument(
        "--into", metavar="TARGET", help="Also explain what writing onto this document would do"
    )
    shared.add_json(parser)
    parser.add_argument(
        "--no-values",
        dest="values",
        action="store_false",
        help="Hide every value, UID and AE Title, so that the output can be pasted into a ticket",
    )
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="Use color; auto means on a terminal, unless NO_COLOR is set (default: auto)",
    )
    parser.add_argument(
        "--trusted-link", action="store_true", help="Treat the link as trusted, as convert does"
    )
    shared.add_mappings(parser)


def run(options: Namespace) -> int:
    """Print how a document was read, and what becomes of each value."""
    tables = shared.tables_of(options)
    source = shared.read(options.source, "DOCUMENT")
    into = shared.read_target(options.into) if options.into else None
    link = TRUSTED if options.trusted_link else None
    with shared.located("DOCUMENT"):
        told = explanation.explain(source, tables=tables, into=into, link=link)
    if options.json:
        print(json.dumps(told.to_dict(values=options.values), indent=2))
    else:
        color = shared.wants_color(options.color, sys.stdout)
        text = rendered(told, color=color, values=options.values)
        shared.print_text(text)
    return shared.exit_code((*told.issues, *(told.into.issues if told.into else ())))
