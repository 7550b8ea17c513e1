"""Open a ledger that an older version has written."""

import tempfile
from pathlib import Path

import sqlalchemy
from sopstatus.ledger import Ledger, schema

with tempfile.TemporaryDirectory() as folder:
    file = str(Path(folder) / "ledger.db")
    Ledger(file).close()
    engine = schema.connect(file)
    with schema.writing(engine) as connection:
        connection.execute(sqlalchemy.update(schema.version).values(version=schema.VERSION - 1))
    engine.dispose()
    Ledger(file)
