"""The packages, found; everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

setup(packages=[*find_packages("plugin"), "sopstatus.mappings", "sopstatus.samples"])
