"""The page of the Python interface, for ``docs/api.md``: ``python -m docs.api_page``."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

import sopstatus
from sopstatus import acknowledge, outcome
from sopstatus.audit import log as audit_log
from sopstatus.explain import explain

HEAD = """\
# Python API

<!-- Generated from the docstrings: make docs. Do not edit. -->

What `sopstatus` exports, and what stands beside it in modules of its own. How to use it: [python.md](python.md);
what stays stable: [stability.md](stability.md).
"""
BESIDE = {
    "sopstatus.explain": (explain,),
    "sopstatus.outcome": (outcome.operation_outcome,),
    "sopstatus.acknowledge": (acknowledge.acknowledge, acknowledge.negative),
    "sopstatus.audit.log": (audit_log.append, audit_log.read, audit_log.verify),
}
_MARK = re.compile(r"(?<!`)`([A-Za-z_.]+)`(?!`)")
_QUOTED = re.compile(r"(: |-> )'([^']*)'")
_LIMITS = re.compile(r"Limits\([^)]*\)")
_RECEIVER = re.compile(r"^\((?:self|cls)(?:, )?")


def page() -> str:
    """Return the page."""
    lines = [HEAD]
    for name in sorted(sopstatus.__all__, key=str.lower):
        lines += _entry(name, getattr(sopstatus, name))
    for module, found in BESIDE.items():
        lines.append(f"## {module}\n")
        for one in found:
            lines += _entry(one.__name__, one, level=3)
    return "\n".join(lines).rstrip() + "\n"


def _entry(name: str, one: Any, level: int = 2) -> Iterator[str]:
    yield f"{'#' * level} {name}\n"
    if inspect.ismodule(one):
        yield _text(one)
        for inner, function in vars(one).items():
            if inspect.isfunction(function) and not inner.startswith("_"):
                yield from _entry(f"{name}.{inner}", function, level + 1)
        return
    if not callable(one):
        yield f"```python\n{name} = {one!r}\n```\n"
        return
    if callable(one) and not inspect.isclass(one) and not inspect.isfunction(one):
        yield f"One of {', '.join(f'`{text!r}`' for text in getattr(one, '__args__', ()))}.\n"
        return
    yield f"```python\n{name}{_signature(one)}\n```\n\n{_text(one)}"
    if inspect.isclass(one):
        yield from _members(name, one, level + 1)


def _members(name: str, one: type, level: int) -> Iterator[str]:
    for inner, found in vars(one).items():
        public = not inner.startswith("_") or (inner == "__call__" and inner in one.__dict__)
        if not public:
            continue
        function = found.__func__ if isinstance(found, classmethod | staticmethod) else found
        if isinstance(found, property):
            yield f"{'#' * level} {name}.{inner}\n\n{_text(found)}"
        elif inspect.isfunction(function) and function.__doc__:
            shown = f"{name}.{inner}" if inner != "__call__" else name.lower()
            yield f"{'#' * level} {name}.{inner}\n"
            yield f"```python\n{shown}{_signature(function)}\n```\n\n{_text(function)}"


def _signature(one: Any) -> str:
    text = _QUOTED.sub(r"\1\2", str(inspect.signature(one)))
    return _RECEIVER.sub("(", _LIMITS.sub("Limits()", text))


def _text(one: Any) -> str:
    return _MARK.sub(r"`\1`", inspect.getdoc(one) or "").replace("``", "`") + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
