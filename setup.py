"""The packages, found, and the tables, proved; everything else stands in pyproject.toml."""

import shutil
import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


class Build(build_py):
    """Proves the shipped tables by the code that is packed with them: no start has to do it again."""

    def run(self) -> None:
        """Build what is packed, and prove it."""
        if not self.editable_mode:  # what an earlier build left would be packed, and proved
            shutil.rmtree(Path(self.build_lib, "sopstatus"), ignore_errors=True)
        super().run()
        if not self.editable_mode:
            sys.dont_write_bytecode = True  # it would be packed
            sys.path.insert(0, self.build_lib)
            from sopstatus.table import proved

            proved.write()


setup(
    packages=[*find_packages("plugin"), "sopstatus.mappings", "sopstatus.samples"],
    cmdclass={"build_py": Build},
)
