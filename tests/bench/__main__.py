"""Print every row of every module here: what each contender takes, and its ratio to ours."""

import importlib
import pkgutil

import bench
from bench.harness import measure

for found in pkgutil.iter_modules(bench.__path__):
    if found.name == "__main__":
        continue
    module = importlib.import_module(f"bench.{found.name}")
    for row in module.rows() if hasattr(module, "rows") else ():
        times = measure(row)
        for name, seconds in times.items():
            ratio, aim = seconds / times["sopstatus"], row.aims.get(name)
            told = f"aim {aim:g}: {'reached' if ratio >= aim else 'not reached'}" if aim else ""
            print(
                f"{row.work:20} {row.size:14} {name:22} {seconds * 1e6:12.1f} us {ratio:10.2f} {told}"
            )
