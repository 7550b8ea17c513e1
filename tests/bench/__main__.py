"""``python -m bench [MODULE ...]``: measure, print each row, and write the page with its chart.

The page and the chart are written only when every module runs; a part of them only prints.
"""

import importlib
import pkgutil
import sys

import bench
from bench import report
from bench.harness import measure

MODULES = sorted(
    found.name
    for found in pkgutil.iter_modules(bench.__path__)
    if found.name != "__main__" and hasattr(importlib.import_module(f"bench.{found.name}"), "rows")
)


def main(names):
    """Measure the rows of these modules, or of all."""
    measured = []
    for name in names or MODULES:
        for row in importlib.import_module(f"bench.{name}").rows():
            measured.append(measure(row))
            print(report.lines(measured[-1]), flush=True)
    if not names:
        report.write(measured)


main(sys.argv[1:])
