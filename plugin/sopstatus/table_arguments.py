"""The arguments of the commands about tables: ``check``, ``new`` and ``diff``."""

from __future__ import annotations

from typing import Any

from sopstatus.transform import FORMATS


def add(commands: Any) -> None:
    """Add them to the parser's commands."""
    check = commands.add_parser("check", help="find every fault of mapping tables")
    check.add_argument(
        "folder", nargs="?", metavar="DIR", help="your own tables (default: shipped)"
    )
    check.add_argument("--sarif", action="store_true", help="SARIF 2.1.0, for code review")
    new = commands.add_parser("new", help="a table and its case for one more attribute")
    new.add_argument("keyword", metavar="KEYWORD", help="DICOM Keyword, like QualityControlImage")
    new.add_argument("--into", metavar="DIR", help="write both below this folder (default: print)")
    new.add_argument("--mappings", action="append", default=[], metavar="DIR", help="your tables")
    diff = commands.add_parser("diff", help="what a change of tables does, before it ships")
    diff.add_argument("old", metavar="OLD", help="a folder of your tables; - is the shipped ones")
    diff.add_argument("new", metavar="NEW", help="the same after the change")
    diff.add_argument(
        "--replay",
        action="append",
        default=[],
        metavar="PATH",
        help="stored documents: a file, a folder, an ER7 batch, NDJSON, a zip",
    )
    diff.add_argument("--to", action="append", choices=FORMATS, help="output to compare")
    diff.add_argument("--json", action="store_true", help="for machines")
