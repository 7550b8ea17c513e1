"""The page as a picture of one screen: a Chromium that is installed opens it and draws its top."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from sopstatus import writing
from sopstatus.catalogue import document_error

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SIZE = "1280,1000"  # pixels
_SECONDS = 120


def picture(page: str, out: Path) -> None:
    """Write the page as a PNG; raise `DocumentError` where no browser does so."""
    browser = next(filter(None, map(shutil.which, _NAMES)), None)
    if browser is None:
        raise document_error("report/no-browser", "")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "page.html"
        file.write_text(page, "utf-8")
        made = Path(place) / "page.png"
        _run(browser, place, f"--screenshot={made}", file)
        if not made.is_file():
            raise document_error("report/no-browser", "")
        writing.write(out, made.read_bytes(), at="PNG")


def _run(browser: str, place: str, task: str, file: Path) -> None:
    # the page is our own and asks for nothing, so the sandbox, which root may not have, guards nothing
    command = (
        *(browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *("--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={place}/profile"),
        *(f"--window-size={_SIZE}", task, file.as_uri()),
    )
    try:
        subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        raise document_error("report/no-browser", "") from None
