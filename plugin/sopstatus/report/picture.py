"""The page as a picture: a Chromium that is installed opens it and draws it, whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sopstatus.catalogue import document_error

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_WIDTH, _LONGEST = 1280, 16_000  # pixels; what is longer is cut there
_SECONDS = 120
_MEASURE = "<script>document.body.dataset.height=document.documentElement.scrollHeight</script>"
_HEIGHT = re.compile(r'data-height="([0-9]+)"')
_POLICY = re.compile(r"<meta http-equiv[^>]*>")


def picture(page: str, out: Path) -> None:
    """Write the page as a PNG; raise `DocumentError` where no browser does so."""
    browser = next(filter(None, map(shutil.which, _NAMES)), None)
    if browser is None:
        raise document_error("report/no-browser", "")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "page.html"
        file.write_text(_POLICY.sub("", page).replace("</body>", f"{_MEASURE}</body>"), "utf-8")
        height = _HEIGHT.search(_run(browser, place, "--dump-dom", file))
        tall = min(int(height[1]) if height else _LONGEST, _LONGEST)
        file.write_text(page, "utf-8")
        made = Path(place) / "page.png"
        _run(browser, place, f"--screenshot={made}", file, height=tall)
        if not made.is_file():
            raise document_error("report/no-browser", "")
        try:
            shutil.copyfile(made, out)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise document_error("document/unwritable", "PNG", reason=reason) from None


def _run(browser: str, place: str, task: str, file: Path, *, height: int = 1000) -> str:
    # the page is our own and asks for nothing, so the sandbox, which root may not have, guards nothing
    command = (
        *(browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *("--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={place}/profile"),
        *(f"--window-size={_WIDTH},{height}", task, file.as_uri()),
    )
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        raise document_error("report/no-browser", "") from None
    return done.stdout.decode("utf-8", "replace")
