"""Print the versions of the development group's packages as they are installed."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

group = tomllib.loads(Path("pyproject.toml").read_text())["dependency-groups"]["dev"]
names = sorted({re.match(r"[\w.-]+", text)[0] for text in group} - {"sopstatus"}, key=str.lower)
print(
    "# What the tests were last run with, so that a new release of a young tool turns nothing red."
)
print("# Make it again after an update: make constraints")
print("\n".join(f"{name}=={version(name)}" for name in names))
