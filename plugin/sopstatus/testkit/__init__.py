"""Tests for those who write mapping tables: cases as folders, and the laws over tables of their own.

``pytest --sopstatus-mappings site/ cases/`` needs no Python. In a test file, one line does the laws:
``test_laws = sopstatus.testkit.laws("site/")``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sopstatus.codecs import Format

__all__ = ["laws"]


def laws(*folders: str) -> Callable[..., None]:
    """Return a test, one for each format and law, over the shipped tables with these folders.

    Needs the extra ``testkit``.
    """
    import pytest

    from sopstatus.codecs import FORMATS
    from sopstatus.table import load_tables
    from sopstatus.testkit.law_checks import LAWS, check

    tables = load_tables(*folders)

    def test_laws(law: str, name: Format) -> None:
        check(law, name, tables)

    marked: Any = pytest.mark.parametrize("law", LAWS)(test_laws)
    return pytest.mark.parametrize("name", FORMATS)(marked)  # type: ignore[no-any-return]
