"""What was measured, as lines for a terminal and as ``docs/performance.md`` with its chart."""

import math
import os
import platform
import re
import sys
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import matplotlib as mpl

from bench.harness import OURS

mpl.use("svg")
from matplotlib import pyplot

DOCS = Path(__file__).resolve().parents[2] / "docs"
PEERS = (
    "hl7apy", "hl7", "hl7-tea", "hl7kit", "medforge", "pydicom", "dicomsdl", "python-gdcm",
    "fastdicom", "fhir.resources", "fhirkit-rs", "orjson", "pydantic", "uvicorn",
    "starlette",
)  # fmt: skip

HEAD = """# Performance

{table}
![How many times as long the best peer takes, and the limit](plots/performance.svg)

*Ratio* is what the best peer takes over what ours takes: above 1, ours is quicker. A *limit* does not do the
work: it is what no program can do without, or the host without us. Every row was measured in one run of
`make bench`, all its contenders in turn, the median of up to seven rounds; a figure whose rounds differ by more
than {noisy} % of it says so (±): the machine was too noisy for it. Absolute figures drift with the machine: quote
the ratios. The data is synthetic or pydicom's; compiled bytecode is in place.

{machine}. {versions}. {date}.

## Aims

*Before* is the same bench within the same hour, on the same machine, with the code of 2026-11-25 (`tests/bench/before.txt`).

| work | aim | before | now | |
|---|---|--:|--:|---|
{aims}"""
NOISY = 0.25
TABLE = """| work | ours | best peer | ratio | limit | ratio |
|---|--:|--:|--:|--:|--:|
"""
BEFORE = Path(__file__).with_name("before.txt")


def lines(done):
    """Return one row as text."""
    out = [done.row.title]
    for name in done.figures:
        told = f"  {name:32} {_figure(done, name):>18} {_ratio(done, name):>12}x"
        out.append(f"{told}  {_exact(done, name)}".rstrip())
    return "\n".join(out)


def write(measured):
    """Write the page and its chart."""
    shown = [done for done in measured if done.row.shown]
    facts = {"machine": _machine(), "versions": _versions(), "date": date.today().isoformat()}
    facts["table"] = TABLE + "".join(map(_line, shown))
    facts["aims"] = "".join(_aims(measured, _ratios(BEFORE.read_text("utf-8"))))
    parts = [HEAD.format(noisy=round(NOISY * 100), **facts)]
    _chart(shown, DOCS / "plots" / "performance.svg")
    works = {}
    for done in measured:
        area, _, work = done.row.work.partition(": ")
        works.setdefault(area, {}).setdefault(work, []).append(done)
    for area, found in works.items():
        parts.append(f"\n## {area[0].upper()}{area[1:]}\n")
        for work, group in found.items():
            parts.append(f"\n### {work[0].upper()}{work[1:]}\n\n")
            parts.append("| size | contender | takes | ratio | exact |\n|---|---|--:|--:|---|\n")
            parts += (_cells(done, name) for done in group for name in done.figures)
    (DOCS / "performance.md").write_text("".join(parts), encoding="utf-8")


def _aims(measured, before):
    """Yield a line for each aim, then why those that are not reached are not."""
    missed = {}
    for done in measured:
        for name, aim in done.row.aims.items():
            reached = done.ratio(name) >= aim
            if not reached and done.row.note:
                missed.setdefault(done.row.note, done.row.work)
            then = before.get(done.row.title, {}).get(name, math.nan)
            cells = [_against(done.row, name, ratio) for ratio in (aim, then, done.ratio(name))]
            bound = "at most" if name in done.row.limits else "at least"
            cells = [done.row.title, f"{bound} {cells[0]} times {name}", *cells[1:]]
            yield f"| {' | '.join(cells)} | {'reached' if reached else 'not reached'} |\n"
    if missed:
        yield "\nWhy some are not reached:\n\n"
    yield from (f"* **{work}.** {note}\n" for note, work in missed.items())


def _against(row, name, ratio):
    """Return a ratio as people say it: so many times a peer's speed, or times as long as a limit."""
    ratio = 1 / ratio if name in row.limits and ratio else ratio
    return "-" if math.isnan(ratio) else f"{ratio:,.0f}" if ratio > 100 else f"{ratio:.2f}"


def _ratios(text):
    """Return the ratios of an earlier run from what it printed: by row, and by contender."""
    found, title = {}, ""
    for line in text.splitlines():
        if told := re.match(r"  (.+?)  .* ([\d.,]+)x", line):
            found[title][told[1]] = float(told[2].replace(",", ""))
        else:
            title = line
            found[title] = {}
    return found


def _best(done):
    """Return the quickest peer that does the work, and the limit; the empty text for none."""
    names = [name for name in done.figures if not name.startswith((OURS, "aim"))]
    peers = [n for n in names if n not in done.row.limits and done.exact.get(n) is not False]
    limits = [name for name in names if name in done.row.limits]
    return min(peers, key=done.figures.get, default=""), max(
        limits, key=done.figures.get, default=""
    )


def _line(done):
    cells = [done.row.shown, _figure(done, OURS)]
    for name in _best(done):
        cells += [f"{name} {_figure(done, name)}", _ratio(done, name)] if name else ["", ""]
    return f"| {' | '.join(cells)} |\n"


def _chart(shown, path):
    figure, axes = pyplot.subplots(figsize=(8, 0.5 * len(shown) + 1))
    for place, done in enumerate(reversed(shown)):
        peer, limit = _best(done)
        if peer:
            axes.barh(place + 0.18, done.ratio(peer), 0.34, color="tab:blue", label="best peer")
        if limit:
            axes.barh(place - 0.18, done.ratio(limit), 0.34, color="tab:gray", label="limit")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(shown)), [done.row.shown for done in reversed(shown)])
    axes.set_xlabel("times ours (logarithmic): right of 1, ours is quicker")
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles.keys(), fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _cells(done, name):
    row = done.row
    shown = f"*{name}*" if name in row.limits else f"**{name}**" if name == OURS else name
    ratio = "" if name == OURS else _ratio(done, name)
    return f"| {row.size} | {shown} | {_figure(done, name)} | {ratio} | {_exact(done, name)} |\n"


def _ratio(done, name):
    ratio = done.ratio(name)
    return "-" if math.isnan(ratio) else f"{ratio:,.2f}"


def _figure(done, name):
    figure, spread = done.figures[name], done.spread.get(name, 0)
    noisy = f" ±{spread:.0%}" if spread > NOISY else ""
    if done.row.unit != "s":
        return f"{figure:,.1f} {done.row.unit}{noisy}"
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if figure * factor < 1000:
            return f"{figure * factor:,.1f} {unit}{noisy}"
    return f"{figure:,.2f} s{noisy}"


def _exact(done, name):
    if name in done.row.limits:
        return ""
    return {True: "yes", False: "no", None: ""}[done.exact.get(name)]


def _machine():
    model = platform.processor() or platform.machine()
    try:
        names = [n for n in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in n]
        model = names[0].partition(":")[2].strip()
    except (OSError, IndexError):
        pass
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"{os.cpu_count()} x {model}, {system}, Python {sys.version.split()[0]}"


def _versions():
    found = []
    for name in PEERS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
