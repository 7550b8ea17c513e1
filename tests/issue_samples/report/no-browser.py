"""Draw a page where no browser is installed."""

import os
from pathlib import Path
from unittest.mock import patch

from sopstatus.report.picture import picture

with patch.dict(os.environ, {"PATH": ""}):
    picture("<p>page</p>", Path("page.png"))
