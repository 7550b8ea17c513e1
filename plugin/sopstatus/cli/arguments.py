"""How a command line is parsed: one-line faults, bounded numbers, and settings of the folder.

A setting is an option that ``sopstatus.toml`` or an environment variable may give. What decides on
trust is not a setting: a file that happens to lie in the working folder vouches for nothing.
"""

from __future__ import annotations

import os
import re
from argparse import (
    PARSER,
    REMAINDER,
    Action,
    ArgumentError,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from sopstatus.catalogue import reason_of

FILE, PREFIX = "sopstatus.toml", "SOPSTATUS_"
EMPTY = "is empty; give a value or leave it out"  # as "$VAR" is where nobody set it
SETTINGS = frozenset(
    [
        "mappings",
        "host",
        "port",
        "max-body",
        "connections",
        "grace",
        "log",
        "log-level",
        "timeout",
        "concurrency",
        "notice",
        "block-timeout",
        "idle-timeout",
        "answer-timeout",
        "give-up-after",
        "spool-reserve",
        "metrics-port",
        "fresh",
    ]
)


class Stop(Exception):
    """A command ends here, with one line on standard error and an exit code."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code


class Parser(ArgumentParser):
    """A parser that raises `Stop` with one line: what is wrong, a suggestion and where to look."""

    def __init__(self, prog: str = "", **settings: Any) -> None:
        settings |= {"allow_abbrev": False, "formatter_class": RawDescriptionHelpFormatter}
        super().__init__(prog, **settings)

    def error(self, message: str) -> Any:
        """Raise `Stop`; the message is argparse's or that of a number or a choice."""
        told = message.removeprefix("argument ").replace(": ", " ", 1)
        raise Stop(
            f"{told if message.startswith('argument ') else message}; see {self.prog} --help"
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; before anything is said to be missing, an unknown option gets a suggestion."""
        known = [name for one in self.everything() for name in one.option_strings]
        others = any(one.nargs == REMAINDER for one in self._actions)  # another command's options
        for word in args or ():
            if word == "--" or others:
                break
            name = word.partition("=")[0]
            if name.startswith("--") and name not in known:
                self.error(f"there is no option {name}{did_you_mean(name, known)}")
        return super().parse_known_args(args, namespace)

    def _get_values(self, action: Action, arg_strings: list[str]) -> Any:
        others = action.nargs in (REMAINDER, PARSER)  # whose words are looked at by another parser
        if not others and not all(text.strip() for text in arg_strings):
            raise ArgumentError(action, EMPTY)
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            if action.metavar == "TASK":
                what, name = "task", ""
            else:
                what, name = (
                    "value",
                    f"{'/'.join(action.option_strings) or action.metavar or action.dest}: ",
                )
            listed = ", ".join(map(str, action.choices))
            suggested = did_you_mean(str(value), map(str, action.choices))
            self.error(
                f"{name}there is no {what} {value}{suggested or f': choose one of {listed}'}"
            )

    def print_help(self, file: Any = None) -> None:
        """Print the help; raise `OSError` where that cannot be written, which argparse passes over."""
        print(self.format_help(), end="", file=file, flush=True)

    def everything(self) -> Iterator[Action]:
        """Yield every action of this parser, and of its tasks."""
        for action in self._actions:
            yield action
            if action.nargs == PARSER and isinstance(action.choices, dict):
                for task in action.choices.values():
                    yield from task.everything()

    def places(self) -> dict[str, list[str]]:
        """Return what each argument is called in issues, with the names of the options that it is."""
        found: dict[str, list[str]] = {}
        for action in sorted(self.everything(), key=lambda one: bool(one.option_strings)):
            if isinstance(action.metavar, str):
                found.setdefault(action.metavar, []).append(action.dest)
        return found


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a suggestion, to stand after what is not known; empty where nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(dict.fromkeys(known)), 1)
    return f": did you mean {near[0]}?" if near else ""


# numbers


@cache
def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number of an option, between these bounds."""

    def number(text: str) -> int:
        if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            value = int(text)
            if least <= value and (most is None or value <= most):
                return value
        raise ArgumentTypeError(f"must be a whole number {_bounds(least, most)}, not {text}")

    return number


@cache
def seconds(least: float, most: float | None = None) -> Callable[[str], float]:
    """Return what reads a number of an option that may have a fraction, between these bounds."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if isfinite(value) and least <= value and (most is None or value <= most):
            return value
        raise ArgumentTypeError(f"must be a number {_bounds(least, most)}, not {text}")

    return number


def _bounds(least: float, most: float | None) -> str:
    return f"of at least {least:g}" if most is None else f"from {least:g} to {most:g}"


PORT = whole(0, 65_535)


class Folders(Action):
    """A repeatable option; what the command line names replaces what a setting names."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        """Add a value."""
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, [*([] if before is self.default else before), values])


# settings


def settle(parser: Parser, command: str, names: Iterable[str]) -> None:
    """Make what the environment and the folder's file say the defaults of this command.

    The command line comes first, then the environment, then the file. ``names`` are all commands.
    """
    by_name = {
        name.removeprefix("--"): action
        for action in parser.everything()
        for name in action.option_strings
        if name.startswith("--")
    }
    for where, values in (*_in_file(command, names, by_name), _in_environment(by_name)):
        for name, value in values.items():
            _settle(parser, by_name[name], name, value, where)


def _settle(parser: Parser, action: Action, name: str, value: Any, where: str) -> None:
    label = variable(name) if where == "" else f"{where}: {name}"
    if name not in SETTINGS:
        raise Stop(f"{label} is not read: pass --{name} on the command line")
    if not all(str(one).strip() for one in (value if isinstance(value, list) else [value])):
        raise Stop(f"{label} {EMPTY}")
    if name == "mappings":
        folders = [value] if isinstance(value, str) else value
        if (
            not folders
            or not isinstance(folders, list)
            or not all(isinstance(one, str) for one in folders)
        ):
            raise Stop(f"{label} must be a folder or a list of folders")
        from sopstatus.table.load import BySetting

        named = [BySetting(one) for one in folders]
        action.default = named if isinstance(action, Folders) else "".join(folders[:1])
        return
    try:
        action.default = parser._get_value(action, str(value))
    except Exception as error:
        raise Stop(f"{label} {str(error).partition(': ')[2] or error}") from None
    if action.choices and action.default not in action.choices:
        raise Stop(f"{label} must be one of {', '.join(action.choices)}, not {value}")
    action.required = False


def check_settled(parser: Parser, options: Namespace) -> None:
    """Raise `Stop` where a folder that a setting names, not the command line, decides on trust."""
    folders = getattr(options, "mappings", None)
    if not folders or not any(one.default is folders for one in parser.everything()):
        return
    import tomllib

    from sopstatus.table.language import TRUST

    for folder in [folders] if isinstance(folders, str) else folders:
        try:
            found = tomllib.loads((Path(folder) / "site.toml").read_text("utf-8-sig"))
        except (OSError, ValueError):  # reported by whoever loads the tables
            continue
        for key in sorted(TRUST):
            if key in found:
                raise Stop(
                    f"site.toml in {folder} sets {key}, which decides on trust: name the folder on "
                    f"the command line, with --mappings {folder}"
                )


def _in_environment(by_name: dict[str, Action]) -> tuple[str, dict[str, Any]]:
    found: dict[str, Any] = {}
    for name in by_name:
        value = os.environ.get(variable(name), "")
        # Kubernetes gives every container SOPSTATUS_PORT=tcp://... of a Service of that name
        if value and not (name.endswith("port") and "://" in value):
            found[name] = value.split(os.pathsep) if name == "mappings" else value
    return "", found


def misspelt() -> Iterator[str]:
    """Yield what is wrong with environment variables that are nearly a setting's name.

    All others are left alone: the prefix is not ours alone, and Kubernetes names Services with it.
    """
    for name, value in sorted(os.environ.items()):
        word = name.removeprefix(PREFIX).lower().replace("_", "-")
        theirs = "://" in value or "service" in word  # Kubernetes'
        if name.startswith(PREFIX) and word not in SETTINGS and not theirs:
            from difflib import get_close_matches

            for near in get_close_matches(word, SETTINGS, 1, 0.75):
                yield f"{name} is not read: did you mean {variable(near)}?"


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper().replace("-", "_")


def _in_file(
    command: str, commands: Iterable[str], by_name: dict[str, Action]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what the file says for all commands, and then what it says for this one."""
    try:
        text = Path(FILE).read_text("utf-8")
    except (FileNotFoundError, IsADirectoryError):
        return
    except UnicodeDecodeError:
        raise Stop(f"{FILE}: it is not UTF-8") from None
    except OSError as error:
        raise Stop(f"{FILE}: {reason_of(error)}") from None
    import tomllib

    try:
        found = tomllib.loads(text)
    except ValueError as error:
        raise Stop(f"{FILE}: {error}") from None
    known = list(commands)
    general = {key: value for key, value in found.items() if not isinstance(value, dict)}
    for key in found.keys() - general.keys():
        if key not in known:
            raise Stop(f"{FILE}: there is no command {key}{did_you_mean(key, known)}")
    for key in general:
        if key not in SETTINGS and key not in by_name:
            raise Stop(f"{FILE}: there is no setting {key}{did_you_mean(key, SETTINGS)}")
    yield FILE, {key: value for key, value in general.items() if key in by_name}
    own = found.get(command, {})
    for key in own:
        if key not in by_name:
            raise Stop(f"{FILE}: {command} has no option --{key}{did_you_mean(key, by_name)}")
    yield f"{FILE}: [{command}]", own


# completion


def candidates(parser: ArgumentParser, words: Sequence[str]) -> list[str]:
    """Return what may stand in place of the last of these words; empty = a file."""
    *before, begun = words or [""]
    for word in before:  # into the task, where the command has tasks
        for action in parser._actions:
            if (
                action.nargs == PARSER
                and isinstance(action.choices, dict)
                and word in action.choices
            ):
                parser = action.choices[word]
    options = {name: action for action in parser._actions for name in action.option_strings}
    last = options.get(before[-1]) if before else None
    if last is not None and last.nargs != 0:
        found = list(map(str, last.choices or ()))
    elif begun.startswith("-"):
        found = [name for name in options if name.startswith("--") or len(begun) < 2]
    else:
        found = [
            str(choice)
            for action in parser._actions
            if not action.option_strings and action.choices and not {*before} & {*action.choices}
            for choice in action.choices
        ]
    return sorted(one for one in found if one.startswith(begun))
