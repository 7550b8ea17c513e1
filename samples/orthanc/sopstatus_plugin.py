"""What Orthanc loads: ``"PythonScript": "/etc/orthanc/sopstatus_plugin.py"``.

Orthanc's plugin embeds the system's Python and knows of no environment, so this names the one that
sopstatus is installed into. It must be made by the same Python, as ``python3 -m venv`` does:

    python3 -m venv /opt/sopstatus && /opt/sopstatus/bin/pip install "sopstatus[orthanc]"
"""

import os
import site
import sys

PLACE = os.environ.get("SOPSTATUS_ENVIRONMENT", "/opt/sopstatus")
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
DISTRIBUTION = sys.path[:]
site.addsitedir(f"{PLACE}/lib/{VERSION}/site-packages")
# what was added comes first: Debian may have a pydicom of its own that is too old
sys.path[:] = [p for p in sys.path if p not in DISTRIBUTION] + DISTRIBUTION

import orthanc  # noqa: E402 - there is one within Orthanc only
from sopstatus.engines.orthanc import start  # noqa: E402

start(orthanc)
