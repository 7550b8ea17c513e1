"""A real Chromium for the tests of pages."""

import os

import pytest
from playwright.sync_api import expect, sync_playwright

from tools import need

PATIENCE = 120_000  # milliseconds: of a machine that does much else
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser():
    chromium = need("chromium", "chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        yield found
        found.close()
