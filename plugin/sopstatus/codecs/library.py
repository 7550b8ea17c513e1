"""Whose object a document is, told without importing the library."""

from __future__ import annotations

from typing import Any


def comes_from(document: Any, *libraries: str) -> bool:
    """Tell whether the document's class, or one that it extends, is of one of these libraries."""
    return any(kind.__module__.partition(".")[0] in libraries for kind in type(document).__mro__)
