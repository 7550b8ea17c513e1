"""The pytest plugin of ``sopstatus.testkit``: it does nothing unless one of its options is given.

It stands outside the package, and imports it late, so that no other pytest run pays for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

_ON = ("sopstatus_mappings", "sopstatus_cases", "sopstatus_update", "sopstatus_laws")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("sopstatus", "tests of sopstatus mapping tables")
    group.addoption(
        "--sopstatus-mappings",
        action="append",
        default=[],
        metavar="DIR",
        help="your own tables; folders with a case.toml, or in the samples' layout, become tests",
    )
    group.addoption(
        "--sopstatus-cases", action="store_true", help="the same, over the shipped tables"
    )
    group.addoption(
        "--sopstatus-update",
        action="store_true",
        help="rewrite the expectations of cases that fail; look at what changed before you commit",
    )
    group.addoption(
        "--sopstatus-laws",
        action="store_true",
        help="also run the laws of every codec over the tables (extra: testkit)",
    )


def _is_on(config: pytest.Config) -> bool:
    return any(config.getoption(name) for name in _ON)


def pytest_configure(config: pytest.Config) -> None:
    """Load the tables, and say at once what is wrong with them."""
    if _is_on(config):
        from sopstatus.testkit import collect

        collect.load(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take a folder for a case once: at its ``case.toml``, or at the first of its documents."""
    if not _is_on(parent.config):
        return None
    from sopstatus.testkit import collect

    return collect.folder(file_path, parent)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the laws, before -k and -m choose among them."""
    if config.getoption("sopstatus_laws"):
        from sopstatus.testkit import collect

        items += collect.laws(session)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name the files that were rewritten."""
    if config.getoption("sopstatus_update"):
        from sopstatus.testkit import collect

        for line in collect.rewritten(config):
            terminalreporter.write_line(f"sopstatus: {line}; look at it before you commit")
