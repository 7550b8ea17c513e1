"""Libraries of others: whose object a document is, told without importing them, and their warnings."""

from __future__ import annotations

import sys
import warnings
from typing import Any


def comes_from(document: Any, *libraries: str) -> bool:
    """Tell whether the document's class, or one that it extends, is of one of these libraries."""
    return any(kind.__module__.partition(".")[0] in libraries for kind in type(document).__mro__)


def quiet() -> None:
    """Print no warning of a library in this process, unless ``-W`` or PYTHONWARNINGS asks for them.

    An issue of ours tells what pydicom warns of, with no text of the document. For a process that is
    ours: a library leaves the warnings of its host alone.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
