"""What was measured, as lines for a terminal and as ``docs/performance.md`` with plots of growth."""

import math
import os
import platform
import sys
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
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

What each piece of work takes here and by its peers. Every row was measured in one run, all its
contenders in turn in one process, the median of up to seven rounds; absolute figures drift with
the machine, so quote the ratios. *Ratio* is a contender's figure over ours: above 1, ours is the
smaller. `make bench` makes this page anew; the data is synthetic or pydicom's. Limits, in italics,
do not do the work: they are what no program can do without.

Machine: {machine}. Versions: {versions}. Date: {date}.
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
    parts = [HEAD.format(machine=_machine(), versions=_versions(), date=date.today().isoformat())]
    for work, several in groupby(measured, key=lambda done: done.row.work):
        group = list(several)
        parts.append(f"\n## {work[0].upper()}{work[1:]}\n\n")
        parts.append(
            "| size | contender | takes | ratio | aim | exact |\n|---|---|--:|--:|---|---|\n"
        )
        for done in group:
            parts += [_cells(done, name) for name in done.figures]
        missed = any(done.ratio(n) < aim for done in group for n, aim in done.row.aims.items())
        if group[0].row.note and missed:
            parts.append(f"\n{group[0].row.note}\n")
        if len({done.row.scale for done in group}) > 2:
            name = "".join(c if c.isalnum() else "-" for c in work.lower()).replace("--", "-")
            _plot(group, DOCS / "plots" / f"{name}.svg")
            parts.append(f"\n![{work}, by size](plots/{name}.svg)\n")
    (DOCS / "performance.md").write_text("".join(parts), encoding="utf-8")


def _cells(done, name):
    row = done.row
    shown = f"*{name}*" if name in row.limits else f"**{name}**" if name == OURS else name
    figure = _figure(done.figures[name], row.unit)
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
