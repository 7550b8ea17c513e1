"""What was measured, as lines for a terminal and as ``docs/performance.md`` with plots of growth."""

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
    "fastdicom", "fhir.resources", "fhirkit-rs", "orjson", "msgspec", "pydantic", "uvicorn",
    "starlette",
)  # fmt: skip

HEAD = """# Performance

{table}
![How many times as long the best peer takes, and the limit](plots/performance.svg)

*Ratio* is what the best peer takes over what ours takes: above 1, ours is quicker. A *limit* does not do the
work: it is what no program can do without, or the host without us. Every row below was measured in one
run of `make bench`, all its contenders in turn, the median of up to seven rounds; a figure whose
rounds differ by more than {noisy} % of it says so (\u00b1). Absolute figures drift with the machine: quote the ratios.
The data is synthetic or pydicom's; compiled bytecode is in place.

{machine}. {versions}. {date}.
"""
NOISY = 0.25
TABLE = """| work | ours | best peer | ratio | limit | ratio |
|---|--:|--:|--:|--:|--:|
"""


def lines(done):
    """Return one row as text."""
    row = done.row
    out = [f"{row.work}, {row.size}" if row.size else row.work]
    for name, figure in done.figures.items():
        told = f"  {name:32} {_figure(figure, row.unit):>12} {_ratio(done, name):>12}x"
        out.append(f"{told}  {_aim(done, name)} {_exact(done, name)}".rstrip())
    return "\n".join(out)


def write(measured):
    """Write the page and its plots."""
    shown = [done for done in measured if done.row.shown]
    facts = {"machine": _machine(), "versions": _versions(), "date": date.today().isoformat()}
    table = TABLE + "".join(map(_line, shown))
    parts = [HEAD.format(table=table, noisy=round(NOISY * 100), **facts)]
    _chart(shown, DOCS / "plots" / "performance.svg")
    works = {}
    for done in measured:
        area, _, work = done.row.work.partition(": ")
        works.setdefault(area, {}).setdefault(work, []).append(done)
    for area, found in works.items():
        parts.append(f"\n## {area[0].upper()}{area[1:]}\n")
        for work, group in found.items():
            parts += _details(area, work, group)
    (DOCS / "performance.md").write_text("".join(parts), encoding="utf-8")


def _details(area, work, group):
    yield f"\n### {work[0].upper()}{work[1:]}\n\n"
    yield "| size | contender | takes | ratio | aim | exact |\n|---|---|--:|--:|---|---|\n"
    for done in group:
        yield from (_cells(done, name) for name in done.figures)
    missed = any(done.ratio(n) < aim for done in group for n, aim in done.row.aims.items())
    if group[0].row.note and missed:
        yield f"\n{group[0].row.note}\n"
    if len({done.row.scale for done in group}) > 2:
        name = re.sub(r"[^a-z0-9]+", "-", f"{area} {work}".lower())
        _plot(group, DOCS / "plots" / f"{name}.svg")
        yield f"\n![{area}: {work}, by size](plots/{name}.svg)\n"


def _best(done):
    """Return the quickest peer that does the work, and the limit; the empty text for none."""
    names = [name for name in done.figures if not name.startswith((OURS, "aim"))]
    peers = [n for n in names if n not in done.row.limits and done.exact.get(n) is not False]
    limits = [name for name in names if name in done.row.limits]
    return min(peers, key=done.figures.get, default=""), max(
        limits, key=done.figures.get, default=""
    )


def _line(done):
    cells = [done.row.shown, _figure(done.figures[OURS], done.row.unit)]
    for name in _best(done):
        cells += (
            [f"{name} {_figure(done.figures[name], done.row.unit)}", _ratio(done, name)]
            if name
            else ["", ""]
        )
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
    figure = _figure(done.figures[name], row.unit)
    if done.spread.get(name, 0) > NOISY:
        figure += f" \u00b1{done.spread[name]:.0%}"
    ratio = "" if name == OURS else _ratio(done, name)
    return f"| {row.size} | {shown} | {figure} | {ratio} | {_aim(done, name)} | {_exact(done, name)} |\n"


def _ratio(done, name):
    ratio = done.ratio(name)
    return "-" if math.isnan(ratio) else f"{ratio:,.2f}"


def _figure(figure, unit):
    if unit != "s":
        return f"{figure:,.1f} {unit}"
    for factor, name in ((1e6, "us"), (1e3, "ms")):
        if figure * factor < 1000:
            return f"{figure * factor:,.1f} {name}"
    return f"{figure:,.2f} s"


def _aim(done, name):
    aim = done.row.aims.get(name)
    if aim is None:
        return ""
    return f"{aim:,.3g}: {'reached' if done.ratio(name) >= aim else 'not reached'}"


def _exact(done, name):
    if name in done.row.limits:
        return ""
    return {True: "yes", False: "no", None: ""}[done.exact.get(name)]


def _plot(group, path):
    path.parent.mkdir(exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for name in dict.fromkeys(n for done in group for n in done.figures):
        points = [(d.row.scale, d.figures[name]) for d in group if name in d.figures]
        style = "--" if any(name in d.row.limits for d in group) else "-"
        axes.plot(*zip(*points, strict=True), style, marker="o", markersize=3, label=name,
                  linewidth=2.4 if name == OURS else 1.2)  # fmt: skip
    logarithmic = group[0].row.unit == "s"
    axes.set_xscale("log")
    axes.set_yscale("log" if logarithmic else "linear")
    axes.set_ylim(bottom=None if logarithmic else 0)
    axes.set_xlabel(f"size ({group[0].row.size} to {group[-1].row.size})")
    axes.set_ylabel("seconds" if logarithmic else group[0].row.unit)
    axes.set_title(group[0].row.work)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


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
