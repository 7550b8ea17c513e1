"""Feed a ledger in memory with what shows one fault, and check it."""

import sys
from datetime import datetime, timedelta

from sopstatus import Holder, SOPInstance
from sopstatus.ledger import Ledger
from sopstatus.profile import Circumstances, Copy, Link, send

START = datetime.fromisoformat("2024-01-02T00:00:00+00:00")
COMPLETE = {
    "SOPAuthorizationDateTime": "20240102030405+0000",
    "AuthorizationEquipmentCertificationNumber": "N1",
}


def copy(holder, status, **more):
    return SOPInstance(
        "1.2.3", "1.2.3.1", "", "1.2.3.1.1", holder, {"SOPInstanceStatus": status, **more}
    )


fault = sys.argv[1]
seen = {
    "two-holders": [copy("A", "OR"), copy("B", "OR")],
    "one-or-two": [copy("A", "OR"), copy(Holder("A", "1.2.3.4", "ISO"), "OR")],
    "copy-without-original": [copy("A", "AC")],
    "authorized-incomplete": [copy("A", "AO")],
    "original-too-old": [copy("A", "OR")],
    "changed-without-record": [copy("A", "NS"), copy("A", "AO", **COMPLETE)],
    "came-back-changed": [copy("A", "AO", **COMPLETE), copy("B", "NS")],
    "claimed-twice": [],
    "claimed-otherwise": [copy("A", "AC"), copy("B", "AO", **COMPLETE)],
}[fault]
with Ledger() as ledger:
    for hour, instance in enumerate(seen):
        time = START + timedelta(hours=hour)
        ledger.observe([instance], time=time.isoformat())
        if fault == "came-back-changed":
            link, policy = Link(secure=True, authenticated=True, conforms=True), "demote-to-copy"
            at = Circumstances(link, "A", "B", policy, time.isoformat())
            ledger.add([send(Copy.of(copy("A", "AO", **COMPLETE)), at=at).record] * (not hour))
    if fault == "claimed-otherwise":
        ledger.claim([copy("A", "AO", **COMPLETE)])
    if fault == "claimed-twice":
        ledger.claim([copy("A", "NS"), copy("A", "AO", **COMPLETE)], time=START.isoformat())
    issues = [found for _, several in ledger.check(original_age=30) for found in several]
    if fault != "original-too-old":
        issues = [issue for issue in issues if issue.code != "ledger/original-too-old"]
