"""The documentation site as it is made of the documents of today, for the tests of this folder."""

import os
import subprocess

import pytest
from browsers import browser  # noqa: F401 - a fixture
from samples_of import ROOT

from tools import missing


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Its folder."""
    mkdocs = ROOT / "build/website/.venv/bin/mkdocs"
    if not (mkdocs.exists() and (ROOT / "build/iframe-worker/.ready").exists()):
        missing("mkdocs", "", "make site")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [mkdocs, "build", "-q", "-f", ROOT / "website/mkdocs.yml", "-d", folder],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
