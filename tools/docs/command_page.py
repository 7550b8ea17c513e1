"""The page of every command and option, for ``docs/commands.md``: ``python -m docs.command_page``."""

from __future__ import annotations

import sys
from argparse import PARSER, SUPPRESS, Action
from collections.abc import Iterator

from sopstatus.cli import COMMANDS, GROUPS, parser
from sopstatus.cli.arguments import SETTINGS, Parser, variable

HEAD = """\
# Commands and options

<!-- Generated from the parsers: make docs. Do not edit. -->

Every command with its options, as `sopstatus COMMAND --help` prints them. Exit codes, completion and which setting
comes first: [command-line.md](command-line.md). *Setting*: an environment variable and `sopstatus.toml` may give it
too, as the [table of all settings](#settings) says.
"""
SETTINGS_HEAD = """\
## Settings

Each has the name of its option, also in `sopstatus.toml`: at the top for all commands, or below `[COMMAND]` for one.

| setting | variable | command | what it does |
|---|---|---|---|"""


def page() -> str:
    """Return the page."""
    lines = [HEAD]
    for group, title in GROUPS.items():
        lines += [f"## {title}", ""]
        for name, command in COMMANDS.items():
            if command.group == group:
                lines += _command(name)
    return "\n".join([*lines, SETTINGS_HEAD, *_settings()]) + "\n"


def _settings() -> Iterator[str]:
    """Yield a row for each setting, and for each thing that it is to a command."""
    for setting in sorted(SETTINGS):
        commands: dict[str, list[str]] = {}
        for name in COMMANDS:
            told = {
                one.help: 1
                for one in parser(name).everything()
                if f"--{setting}" in one.option_strings
            }
            for text in told:
                commands.setdefault(text or "", []).append(f"`{name}`")
        for text, names in commands.items():
            shown = f"{_escaped(text).rstrip('.')}."
            yield f"| `{setting}` | `{variable(setting)}` | {', '.join(names)} | {shown} |"


def _command(name: str) -> Iterator[str]:
    one, made = COMMANDS[name], parser(name)
    needs = f" Needs `sopstatus[{one.extra}]`." if one.extra else ""
    yield f"### {name}\n\n{one.help}.{needs}\n"
    yield from _options(made)
    for action in made._actions:
        if action.nargs == PARSER:
            assert isinstance(action.choices, dict)
            told = {choice.dest: choice.help for choice in action._get_subactions()}
            for task, inner in action.choices.items():
                yield f"#### {name} {task}\n\n{told.get(task) or inner.description}\n"
                yield from _options(inner)
    examples = (made.epilog or "").partition("Examples:\n")[2]
    shown = "\n".join(line.strip() for line in examples.splitlines())
    yield f"```sh\n{shown}\n```\n"


def _options(made: Parser) -> Iterator[str]:
    rows = [row for action in made._actions if (row := _row(action))]
    if rows:
        yield "| option | what it does |\n|---|---|"
        yield "\n".join(rows) + "\n"


def _row(action: Action) -> str:
    if action.help == SUPPRESS or action.dest == "help" or action.nargs == PARSER:
        return ""
    value = "" if action.nargs == 0 else _value(action)
    names = [f"`{f'{name} {value}'.strip()}`" for name in action.option_strings or ("",)]
    notes = " Required." if action.required and action.option_strings else ""
    if {name.removeprefix("--") for name in action.option_strings} & SETTINGS:
        notes += " *Setting.*"
    return f"| {', '.join(names)} | {_escaped(action.help or '').rstrip('.')}.{notes} |"


def _value(action: Action) -> str:
    if action.choices is not None and action.metavar is None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    metavar = action.metavar or action.dest.upper()
    name = metavar if isinstance(metavar, str) else " ".join(metavar)
    return f"{name} ..." if action.nargs in ("*", "+") else name


def _escaped(text: str) -> str:
    shown = text.replace("%%", "%").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(shown.split())


if __name__ == "__main__":
    sys.stdout.write(page())
