import sqlite3
from pathlib import Path
from tempfile import mkdtemp

from sopstatus.engines.delivery.spool import Spool

folder = Path(mkdtemp())
with sqlite3.connect(folder / "spool.db") as database:  # as sopstatus wrote it before
    database.execute("CREATE TABLE spool (own INTEGER NOT NULL)")
Spool(folder)  # which is refused
