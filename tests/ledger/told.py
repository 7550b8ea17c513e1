"""Synthetic facts, told as a site would tell them."""

from sopstatus import Link, SOPInstance
from sopstatus.profile import (
    NOTHING,
    Circumstances,
    Copy,
    authorize,
    committed,
    confirmed,
    create,
    receive,
    send,
    transfer,
)

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
UID = "1.2.3.1.1"
COMPLETE = {
    "SOPAuthorizationDateTime": "20240102030405+0000",
    "AuthorizationEquipmentCertificationNumber": "CERT-1",
}
COMMENT = "a comment that no ledger may keep"


def minute(number):
    return f"2024-01-01T{number // 60:02}:{number % 60:02}:00.000Z"


def seen(status, holder="", uid=UID, **more):
    said = {"SOPInstanceStatus": status} if status != "ABS" else {}
    return SOPInstance(
        "1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.7", uid, holder, {**said, **more}
    )


def at(holder, number, peer=""):
    return Circumstances(TRUSTED, holder, peer, "demote-to-copy", minute(number))


def whole_life(uid=UID):
    """Return the records of an original made at CT, authorized, handed to PACS, copied to VIEWER."""
    made = create(seen("ABS", uid=uid), diagnostic=True, at=at("CT", 0))
    authorized = authorize(
        made.copy, certified=True, date_time="20240101000100+0000", equipment="CERT-1",
        comment=COMMENT, at=at("CT", 1)
    )  # fmt: skip
    out = transfer(authorized.copy, at=at("CT", 2, "PACS"))
    arrived = receive(out.sent, held=NOTHING, at=at("PACS", 3, "CT"))
    given_up = committed(out.copy, "AC", at=at("CT", 4, "PACS"))
    taken = confirmed(arrived.copy, at=at("PACS", 5, "CT"))
    copied = send(taken.copy, at=at("PACS", 6, "VIEWER"))
    shown = receive(copied.sent, at=at("VIEWER", 7, "PACS"))
    every = (made, authorized, out, arrived, given_up, taken, copied, shown)
    assert all(step.done for step in every)
    return [step.record for step in every]


def sent(status, number, *, holder="PACS", peer="VIEWER", uid=UID):
    """Return the record of a copy of an original that went out."""
    done = send(Copy.of(seen(status, uid=uid)), at=at(holder, number, peer))
    assert done.done
    return done.record
