"""Feed a record whose holder is no AE Title."""

from dataclasses import replace

from sopstatus import SOPInstance
from sopstatus.ledger import Ledger
from sopstatus.profile import Circumstances, create

at = Circumstances(holder="CT", time="2024-01-02T00:00:00Z")
record = create(SOPInstance(sop_instance_uid="1.2.3.1.1"), diagnostic=True, at=at).record
with Ledger() as ledger:
    issues = ledger.add([replace(record, holder="NO\\TITLE")]).issues
