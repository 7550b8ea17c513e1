"""What is made at its first use: the names that a package offers from its modules, patterns, shipped files."""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = (
    False  # mypy takes it for true; typing is nine tenths of what importing us would cost
)
if TYPE_CHECKING:
    import re
    from importlib.resources.abc import Traversable
    from typing import Any, AnyStr


def exports(package: str, *modules: str) -> None:
    """Give a package ``__getattr__`` and ``__dir__`` (PEP 562): importing it alone loads nothing.

    A name of its ``__all__`` is looked for in these modules, in their order. The two are set here,
    for mypy takes every name from a module that has a ``__getattr__`` of its own.
    """
    here = vars(sys.modules[package])

    def load(name: str) -> Any:
        for module in modules if name in here["__all__"] else ():
            found = import_module(f"{package}.{module}")
            if module == name:
                return found
            if hasattr(found, name):
                here[name] = value = getattr(found, name)
                return value
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    here["__getattr__"] = load
    here["__dir__"] = lambda: sorted({*here, *here["__all__"]})


class _Pattern:
    def __init__(self, *given: Any) -> None:
        self._given = given

    def __reduce__(self) -> Any:
        import re

        return re.compile, self._given

    def __getattr__(self, name: str) -> Any:
        import re

        value = getattr(re.compile(*self._given), name)  # re keeps what it has compiled
        setattr(self, name, value)
        return value


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a pattern that is compiled at its first use: a first message needs few of a module's."""
    made: Any = _Pattern(text, flags)
    found: re.Pattern[AnyStr] = made
    return found


def shipped(package: str) -> Traversable:
    """Return the folder of a package of ours, without importlib.resources: that is slow to import."""
    from pathlib import Path

    folder = Path(import_module(package).__path__[0])
    if folder.is_dir():
        return folder
    from importlib.resources import files  # in a zip

    return files(package)
