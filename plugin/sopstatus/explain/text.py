"""An `Explanation` for a terminal: 100 columns, colour where it is wanted."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator

from sopstatus.explain.model import Change, Counterpart, Explained, Explanation, Source, Target
from sopstatus.model import Issue, SOPInstance

WIDTH = 100
_LABEL, _LONGEST, _MANY = 14, 300, 5
_STYLES = {
    "title": "1",
    "label": "2",
    "value": "1;36",
    "place": "36",
    "error": "31",
    "fatal": "31",
    "warning": "33",
    "lost": "33",
    "information": "34",
    "refused": "31",
    "removed": "33",
    "changed": "33",
    "added": "32",
    "unchanged": "2",
}


def rendered(explanation: Explanation, *, color: bool = False, values: bool = True) -> str:
    """Return the explanation as text; without ``values`` no value, text, UID or AE Title."""
    return _Page(color, values).page(explanation)


class _Page:
    def __init__(self, color: bool, values: bool) -> None:
        self.color, self.values = color, values
        self.lines: list[str] = []

    def page(self, told: Explanation) -> str:
        counts = (
            _count(len(told.statements), "statement"),
            _count(len(told.values), "value"),
            _count(len(told.issues), "issue"),
        )
        self.title(f"{told.format.upper()} document: {', '.join(counts)}")
        if any(value.source and value.source.start is not None for value in told.values):
            self.lines.append(self.styled("label", "[start,end) are offsets in the document"))
        for number, statement in enumerate(told.statements):
            self.blank()
            self.statement(number, statement)
            for value in told.values:
                if value.statement == number:
                    self.value(value)
        self.untouched(told)
        shown = {issue for value in told.values for issue in value.issues}
        rest = [issue for issue in told.issues if issue not in shown]
        rest = [i for i in rest if i.code not in {u.code for u in told.untouched if u.code}]
        if rest:
            self.blank()
            self.title("Other issues")
            for found in rest:
                self.issue(found, 2)
        if told.into:
            self.blank()
            self.title(f"Into the {told.into.format.upper()} target")
            for counterpart in told.into.counterparts:
                self.counterpart(counterpart)
            if told.into.issues:
                self.line("", "what writing says:", indent=2)
            for found in told.into.issues:
                self.issue(found, 2)
        if told.tables:
            self.blank()
            self.title("Tables")
            for table in told.tables:
                self.line("", f"{table.name} {table.version}", f"sha256:{table.sha256}", indent=2)
        return "\n".join(self.lines) + "\n"

    def blank(self) -> None:
        self.lines.append("")

    def title(self, text: str) -> None:
        self.lines.append(self.styled("title", text))

    def styled(self, style: str, text: str) -> str:
        code = _STYLES.get(style) if self.color and text else None
        return f"\x1b[{code}m{text}\x1b[0m" if code else text

    def line(self, label: str, *parts: str, indent: int = 4, style: str = "") -> None:
        """Add a labelled line; parts that do not fit beside each other go below, and are wrapped."""
        start = indent + (_LABEL if label else 0)
        rows = [""]
        for part in filter(None, parts):
            if rows[-1] and len(rows[-1]) + 2 + len(part) <= WIDTH - start:
                rows[-1] += "  " + part
            else:
                rows += textwrap.wrap(part, WIDTH - start, break_on_hyphens=False)
        rows = rows[1:] if len(rows) > 1 else rows
        head = " " * indent + (self.styled("label", f"{label:<{_LABEL}}") if label else "")
        for row in rows:
            self.lines.append(head + self.styled(style, row))
            head = " " * start

    def shown(self, text: str | None) -> str:
        return _quoted(text) if self.values else "(hidden)"

    def statement(self, number: int, said: SOPInstance) -> None:
        level = "SOP Instance" if said.sop_instance_uid else "series"
        level = level if said.series_instance_uid or said.sop_instance_uid else "study"
        self.title(f"Statement {number + 1}, about a {level}")
        if not self.values:
            return
        named = (
            ("study", said.study_instance_uid),
            ("series", said.series_instance_uid),
            ("instance", said.sop_instance_uid),
            ("holder", said.holder),
        )
        for label, text in named:
            if text:
                self.line(label, visible(text), indent=2)

    def value(self, told: Explained) -> None:
        value = "(emptied)" if told.value is None else self.shown(told.value)
        self.blank()
        more = (told.display if self.values else "", "(said again)" if told.repeats else "")
        self.line("", f"{told.row.keyword} = {value}", *more, indent=2, style="value")
        if told.source:
            source = told.source
            self.line("stands at", source.path, _span(source), self._text(told.text), style="place")
        if told.verbatim_source:
            source = told.verbatim_source
            self.line("exact text at", source.path, _span(source), style="place")
        self.line("row", f"{told.row} ({told.row.group})")
        for note in told.notes:
            detail = f": {visible(note.detail)}" if note.detail and self.values else ""
            self.line("read", note.what + detail)
        for target in told.targets:
            self.target(target)
        for found in told.issues:
            self.issue(found, 4)

    def _text(self, text: str | None) -> str:
        return _cut(visible(text or "")) if self.values else "(hidden)"

    def target(self, told: Target) -> None:
        label = f"to {told.format.upper()}"
        text = "refused" if told.issues and not told.verbatim else "nothing stands there"
        if told.text is not None:
            text = self._text(told.text) or "(zero length)"
        fits = len(told.path) <= WIDTH - _LABEL - 4
        self.line(label, told.path if fits else _short(told.path), text)
        if told.lost:
            self.line(" ", f"loses {', '.join(told.lost)}", style="lost")
        if told.verbatim:
            entry = _cut(visible(told.verbatim)) if self.values else ""
            self.line(" ", f"exact text in {_short(told.verbatim_path)}", entry)
        if told.untrusted:
            made = told.untrusted if self.values or " " in told.untrusted else "(hidden)"
            self.line(" ", f"over an untrusted link: {made} (PS3.15 A.1.1)")
        for found in told.issues:
            self.line(" ", f"{found.severity} {found.code}", style=found.severity)

    def issue(self, found: Issue, indent: int) -> None:
        self.line(
            found.severity, visible(_without_severity(found)), indent=indent, style=found.severity
        )

    def untouched(self, told: Explanation) -> None:
        if not told.untouched:
            return
        self.blank()
        self.title("Not touched")
        counts: Counter[str] = Counter()
        for left in told.untouched:
            counts[left.why] += 1
            if counts[left.why] > _MANY:
                continue
            self.line("", left.source.path, _span(left.source), indent=2, style="place")
            detail = f": {_cut(visible(left.detail))}" if left.detail and self.values else ""
            self.line("", f"{left.why}{detail}{f' ({left.code})' if left.code else ''}")
        for why, count in counts.items():
            if count > _MANY:
                self.line("", f"and {count - _MANY} more: {why}", indent=2)

    def counterpart(self, told: Counterpart) -> None:
        self.blank()
        place = told.path or "has no counterpart: refused"
        style = "" if told.path else "refused"
        self.line("", f"Statement {told.statement + 1}: {place}", indent=2, style=style)
        for change in told.changes if told.path else ():
            self.line(change.outcome, *self._change(change), style=change.outcome)
        for found in told.issues:
            self.line("because", f"{found.severity} {found.code}", style=found.severity)

    def _change(self, told: Change) -> Iterator[str]:
        yield told.path
        yield told.keyword
        if not self.values or told.outcome == "unchanged":
            return
        if told.before is not None:
            yield f"was {_cut(visible(told.before))}"
        if told.after is not None and told.outcome in ("added", "changed"):
            yield f"becomes {_cut(visible(told.after))}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _span(source: Source) -> str:
    if source.start is None:
        return ""
    of = "" if source.of == "document" else f" of the {source.of}"
    return f"[{source.start},{source.end}){of}"


def _short(path: str) -> str:
    before, found, after = path.partition("extension[")
    return f"...{found}{after}" if before and found else path


def _without_severity(found: Issue) -> str:
    return str(found).removeprefix(f"{found.severity} ")


def _quoted(text: str | None) -> str:
    return f'"{_cut(visible((text or "").replace(chr(34), chr(92) + chr(34))))}"'


def visible(text: str) -> str:
    r"""Write what a terminal might obey (controls, bidirectional marks) as ``\uXXXX``."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}... ({len(text)} characters)"
