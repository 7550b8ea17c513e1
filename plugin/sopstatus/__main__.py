"""``python -m sopstatus``."""

import sys

from sopstatus.cli import main

if __name__ == "__main__":
    sys.exit(main())
