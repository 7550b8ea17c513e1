"""Make the report of two messages that contradict each other."""

import tempfile
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
from sopstatus.archive.parquet import Parquet
from sopstatus.archive.rows import Columns
from sopstatus.archive.scan import scan
from sopstatus.cli.report import told
from sopstatus.report.figures import figures
from sopstatus.table import load_tables

MESSAGE = "MSH|^~\\&|A|B|C|D|20240101||ORU^R01|1|P|2.5.1\rZDS|1.2^^Application^DICOM|1.3||1.4|{}\r"

form = Parquet(Columns.of(load_tables()))
with tempfile.TemporaryDirectory() as place:
    part = form.part()
    for status in ("OR", "AO"):
        message = Path(place) / status
        message.write_text(MESSAGE.format(status), newline="")
        for record in scan([message], each=form.each):
            part.add(record)
    with (Path(place) / "part.parquet").open("wb") as file:
        part.write(file)
    assert pq.read_table(file.name).num_rows == 2
    issues = told(figures([file.name], form.columns.keywords, at=date(2024, 1, 1), studies=1))
