"""What pytest collects: cases and laws as its items, each with the text of its failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sopstatus import writing
from sopstatus.codecs import FORMATS, Format
from sopstatus.model import DocumentError
from sopstatus.table import lint, load_tables
from sopstatus.table.report import told
from sopstatus.testkit import case, run
from sopstatus.testkit.case import Case, Conversion

_TABLES: pytest.StashKey[Any] = pytest.StashKey()
_REWRITTEN: pytest.StashKey[list[str]] = pytest.StashKey()


def load(config: pytest.Config) -> None:
    """Load the tables of a run; raise `pytest.UsageError` with every fault of them."""
    folders = config.getoption("sopstatus_mappings")
    if faults := lint(*folders):
        raise pytest.UsageError("the tables are broken\n" + "\n".join(map(told, faults)))
    config.stash[_TABLES] = load_tables(*folders)


def folder(path: Path, parent: pytest.Collector) -> CaseFolder | None:
    """Return the case that begins with this file, if one does."""
    within = path.parent
    if path.name != case.CASE_FILE:
        if path.name not in case.DOCUMENTS or (within / case.CASE_FILE).exists():
            return None
        there = sorted(found.name for found in case.documents(within).values())
        if len(there) < 2 or path.name != there[0]:
            return None
    made: CaseFolder = CaseFolder.from_parent(parent, path=path)
    return made


def laws(session: pytest.Session) -> list[pytest.Item]:
    """Return an item for each law and format."""
    try:
        from sopstatus.testkit.law_checks import LAWS
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        reason = '--sopstatus-laws needs the extra: pip install "sopstatus[testkit]"'
        raise pytest.UsageError(reason) from None
    return [
        LawItem.from_parent(session, name=f"{law}[{name}]", law=law, format=name)
        for law in LAWS
        for name in FORMATS
    ]


def rewritten(config: pytest.Config) -> list[str]:
    """Return what was rewritten in this run."""
    return config.stash.get(_REWRITTEN, [])


class CaseFolder(pytest.File):
    """One case: a folder."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield a test for each thing that the case says."""
        tables = self.config.stash[_TABLES]
        update = self.config.getoption("sopstatus_update")
        try:
            is_file = self.path.name == case.CASE_FILE
            one = case.read(self.path) if is_file else case.of_layout(self.path.parent)
        except case.CaseError as error:
            raise self.CollectError(str(error)) from None
        if one.todo:
            yield self._item("to-do", partial(_to_do, one.todo))
        for source, target in one.directions:
            work = partial(run.direction, one, source, target, tables)
            yield self._item(f"{source}-to-{target}", work)
        for conversion in one.conversions:
            yield self._item(conversion.name, partial(_convert, one, conversion, tables, update))
        for name in FORMATS if one.say else ():
            if not (update and name in one.expect):
                work = partial(run.expectation, one, name, tables)
                yield self._item(f"say-{name}", work)
        if update and one.expect:
            yield self._item("expectations", partial(_rewrite, one, tables))

    def _item(self, name: str, work: Callable[[], Any]) -> pytest.Item:
        made: CaseItem = CaseItem.from_parent(self, name=name, work=work)
        return made


def _to_do(text: str) -> None:
    raise run.Failed(f"to do: {text}\n(then remove the line that begins with todo)")


def _convert(one: Case, conversion: Conversion, tables: Any, update: bool) -> str:
    written = run.conversion(one, conversion, tables, update=update)
    return f"{conversion.expected} was rewritten" if written else ""


def _rewrite(one: Case, tables: Any) -> str:
    old = one.file.read_bytes().decode("utf-8")  # with its line ends
    new = run.rewritten(old, {name: run.said(one, name, tables) for name in one.expect})
    if new == old:
        return ""
    writing.write(one.file, new.encode(), at=one.file.name)
    return f"{one.file} was rewritten"


class CaseItem(pytest.Item):
    """One test of a case."""

    def __init__(self, *, work: Callable[[], Any], **rest: Any) -> None:
        super().__init__(**rest)
        self._work = work

    def runtest(self) -> None:
        """Run it; the summary lists what was rewritten."""
        if told := self._work():
            self.config.stash.setdefault(_REWRITTEN, []).append(told)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what differs and no traceback: it is about the tables, not about Python."""
        if isinstance(excinfo.value, run.Failed | DocumentError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the test stands."""
        return self.path, None, f"{self.path.parent.name}: {self.name}"


class LawItem(pytest.Item):
    """One law over one format."""

    def __init__(self, *, law: str, format: Format, **rest: Any) -> None:
        super().__init__(**rest)
        self._law, self._format = law, format

    def runtest(self) -> None:
        """Run it over generated statements."""
        from sopstatus.testkit.law_checks import check

        check(self._law, self._format, self.config.stash[_TABLES])

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return what it is."""
        return self.path, None, f"law {self.name}"
