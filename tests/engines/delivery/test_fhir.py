"""Delivery to a FHIR server on a real socket: what is done, what is dead, what comes again."""

import asyncio
import json
import ssl

import pytest
import trustme
from engines.fhir_server import fhir_server
from engines.orthanc_running import free_port
from sopstatus.engines.delivery.fhir import FHIRSender, judged
from sopstatus.engines.delivery.forwarder import Destination, Forwarder
from sopstatus.engines.delivery.spool import KNOWN, WAITING, New, Spool
from sopstatus.engines.delivery.verdict import AGAIN, DEAD_LETTER, DONE
from sopstatus.engines.delivery.writer import SpoolWriter


def resource(name):
    return {"resourceType": "ImagingStudy", "id": name} if name != "gone" else None


def deliver(folder, names, base, *, done, **options):
    """Queue these, deliver until ``done`` holds of the counts, and return the spool's rows."""

    async def run():
        writer = SpoolWriter(Spool(folder))
        for name in names:
            await writer.put(name, 0, name, WAITING)
        to = Destination("x", 1, first=0.05, longest=0.1)
        forwarder = Forwarder(writer, to, FHIRSender(base, resource, **options))
        task = asyncio.create_task(forwarder.run())
        async with asyncio.timeout(20):
            while not done(forwarder):
                await asyncio.sleep(0.01)
        forwarder.stop()
        await task
        rows = list(writer.spool.entries())
        await writer.close()
        return rows

    return asyncio.run(run())


def test_update_and_transaction(tmp_path):
    with fhir_server() as server:
        for name, transaction in (("update", False), ("transaction", True)):
            deliver(
                *(tmp_path / name, [b"a", b"gone", b"b"], server.url),
                done=lambda f: f.sent == 3,
                transaction=transaction,
            )
        put, also, first, second = server.received
    assert [path for path, _, _ in (put, also, first, second)] == [
        "/fhir/ImagingStudy/a", "/fhir/ImagingStudy/b", "/fhir", "/fhir",
    ]  # fmt: skip
    assert json.loads(put[2]) == resource("a")
    (entry,) = json.loads(first[2])["entry"]
    assert entry == {
        "resource": resource("a"),
        "request": {"method": "PUT", "url": "ImagingStudy/a"},
    }


def test_a_refusal_is_a_dead_letter_and_can_be_replayed(tmp_path):
    with fhir_server(lambda number, body: 422 if number == 0 else 200) as server:
        rows = deliver(tmp_path, [b"a", b"b"], server.url, done=lambda f: f.sent + f.dead == 2)
        assert [(row.state, row.reason, row.answer) for row in rows] == [
            ("dead", "refused", "HTTP 422"), ("sent", "", ""),
        ]  # fmt: skip
        spool = Spool(tmp_path, create=False)
        new = spool.replay(rows[0].id)
        assert spool.entry(new)[0].control_id == b"a"
        spool.close()
        rows = deliver(tmp_path, [], server.url, done=lambda f: f.sent == 1)
        assert [row.state for row in rows] == ["replayed", "sent", "sent"]


def test_what_passes_is_tried_again(tmp_path):
    answers = iter([503, 401, 429, 200])
    with fhir_server(lambda number, body: next(answers)) as server:
        (row,) = deliver(tmp_path, [b"a"], server.url, done=lambda f: f.sent == 1)
    assert (row.state, row.attempts) == ("sent", 3)


def test_a_server_that_is_away(tmp_path):
    port = free_port()

    async def run():
        sender = FHIRSender(f"http://127.0.0.1:{port}/fhir", resource)
        verdict = await sender.send(b"a")
        assert (verdict.kind, verdict.reason) == (AGAIN, "no-connection")
        with fhir_server(port=port):
            assert (await sender.send(b"a")).kind == DONE
        sender.close()

    asyncio.run(run())


@pytest.mark.parametrize("fault", ["another CA", "no client certificate"])
def test_a_handshake_that_fails_is_named(tmp_path, fault):
    ca, served = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(served)
    ca.configure_trust(served)
    (trustme.CA() if fault == "another CA" else ca).cert_pem.write_to_path(tmp_path / "ca.pem")
    if fault != "another CA":
        served.verify_mode = ssl.CERT_REQUIRED
    shown = ssl.create_default_context(cafile=tmp_path / "ca.pem")

    async def run():
        with fhir_server(tls=served) as server:
            sender = FHIRSender(server.url.replace("http:", "https:"), resource, tls=shown)
            verdict = await sender.send(b"a")
            sender.close()
        assert (verdict.kind, verdict.reason) == (AGAIN, "tls")

    asyncio.run(run())


def test_what_waits_waits_once(tmp_path):
    spool = Spool(tmp_path)
    first, second = spool.add([New(b"a", 0, b"a", WAITING), New(b"a", 0, b"a", WAITING)])
    assert first == second
    spool.begin(0, first)  # under way: what is true now comes after it
    (third,) = spool.add([New(b"a", 0, b"a", WAITING)])
    assert third > first
    spool.close()


def test_what_is_known_is_not_stored_again(tmp_path):
    spool = Spool(tmp_path)
    (first,) = spool.add([New(b"MSH|^~\\&|", 0, b"7", KNOWN)])
    spool.begin(first, first)
    spool.settle(first)
    assert spool.add([New(b"MSH|^~\\&|", 0, b"7", KNOWN)]) == [first]
    assert spool.backlog() == 0
    assert spool.add([New(b"MSH|^~\\&|", 0, b"8", KNOWN)]) == [first + 1]
    assert spool.backlog() == 1
    spool.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, DONE), (201, DONE), (302, AGAIN), (400, DEAD_LETTER), (401, AGAIN), (404, DEAD_LETTER),
        (409, AGAIN), (412, AGAIN), (422, DEAD_LETTER), (429, AGAIN), (500, AGAIN), (503, AGAIN),
    ],
)  # fmt: skip
def test_verdict(status, kind):
    assert judged(status).kind == kind
