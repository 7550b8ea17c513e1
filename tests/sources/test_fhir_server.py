"""A FHIR server that others wrote as a source of statements, and what is no answer of one."""

import pytest
from engines.gateway.served import STUDY, medplum, said, stating, study
from engines.running import Client, message, ours
from samples_of import bare, sample
from sopstatus import DocumentError, Link, codec
from sopstatus.engines.mllp.work import work
from sopstatus.limits import Limits
from sopstatus.sources import fhir_server
from sopstatus.sources.folder import opened
from sopstatus.testing.running import running

CASE = "authorized-original"


@pytest.fixture(scope="module")
def server():
    with medplum() as running_:
        yield running_


def put(server, resource):
    server.post("ImagingStudy", json=resource).raise_for_status()


def test_what_its_studies_say(server):
    put(server, stating(said(0, "AO"), said(1, "OR")))
    put(server, stating(said(0, "AC", uid="1.2.4")))
    source = opened(f"fhir+{server.url}")
    assert source.statements(STUDY) == [said(0, "AO"), said(1, "OR")]
    assert source.statements("1.2.5") == []


def test_page_after_page(server):
    statements = [said(n, uid="1.2.6") for n in range(45)]
    for one in statements:
        put(server, codec("fhir").encode([one], study(45, uid="1.2.6")).value)
    found = fhir_server(server.url).statements("1.2.6")
    assert sorted(one.sop_instance_uid for one in found) == sorted(
        one.sop_instance_uid for one in statements
    )


def test_through_the_listener(server):
    put(server, codec("fhir").encode(codec("hl7").decode(sample(CASE, "hl7")).value).value)
    with (
        ours("--source", f"fhir+{server.url}", "--respond") as listener,
        Client(listener.port) as client,
    ):
        assert client.ask(bare(CASE, "hl7")) == sample(CASE, "hl7")
        plain = message("2").encode()
        assert client.ask(plain) == plain, "the server does not know the study"


def answering(body, status=200):
    async def app(scope, receive, send):
        headers = [(b"content-type", b"application/fhir+json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def searchset(entries):
    return f'{{"resourceType": "Bundle", "type": "searchset", "entry": {entries}}}'.encode()


def outcome(severity):
    return f'[{{"resource": {{"resourceType": "OperationOutcome", "issue": [{{"severity": "{severity}"}}]}}}}]'


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"<html>", 200, "source/unavailable"),
        (b"[]", 200, "source/unavailable"),
        (b'{"resourceType": "OperationOutcome"}', 200, "source/unavailable"),
        (b"[" * 100_000, 200, "source/unavailable"),
        (b'{"resourceType": "Bundle"}', 200, "source/unavailable"),
        (b'{"resourceType": "Bundle", "type": "batch-response"}', 200, "source/unavailable"),
        (searchset("5"), 200, "source/unavailable"),
        (searchset("[5]"), 200, "source/unavailable"),
        (searchset("[{}]"), 200, "source/unavailable"),
        (searchset(outcome("fatal")), 200, "source/unavailable"),
        (searchset(outcome("error")), 200, "source/unavailable"),
        (
            searchset('[{"resource": {"resourceType": "OperationOutcome"}}]'),
            200,
            "source/unavailable",
        ),
        (b"{}", 500, "source/unavailable"),
        (b"{}", 404, "source/unavailable"),
        (b"{}", 400, "source/refused"),
        (b"x" * 2000, 200, "document/too-large"),
    ],
)
def test_what_is_no_answer(body, status, code):
    limits = Limits(document=1000 if code == "document/too-large" else 10**6)
    with running(answering(body, status)) as url:
        source = fhir_server(f"{url}/fhir", limits=limits)
        with pytest.raises(DocumentError, match=code):
            source.statements(STUDY)


@pytest.mark.parametrize("entries", ["[]", outcome("warning")])
def test_nothing_found_is_an_answer(entries):
    with running(answering(searchset(entries))) as url:
        assert fhir_server(f"{url}/fhir").statements(STUDY) == []


def test_what_is_too_large_is_the_server_s_fault():
    with running(answering(b"x" * 2000)) as url:
        source = fhir_server(f"{url}/fhir", limits=Limits(document=1000))
        done = work(limit=1 << 20, source=source)(bare(CASE, "hl7"), Link())
    assert done.trouble and done.error.issues[0].code == "source/unavailable"


@pytest.mark.parametrize(
    ("following", "words"),
    [
        ("http://192.0.2.1/x", "it says that the next page is on another server"),
        ("/fhir/ImagingStudy", "its answer has more than 100 pages"),
    ],
)
def test_a_page_that_is_not_fetched_is_told(following, words):
    """What stands on it is not known: a server behind another one may not know its own address."""
    link = f'"link": [{{"relation": "next", "url": "{following}"}}], "entry"'
    with (
        running(answering(searchset("[]").replace(b'"entry"', link.encode()))) as url,
        pytest.raises(DocumentError, match=words) as error,
    ):
        fhir_server(f"{url}/fhir").statements(STUDY)
    assert error.value.issues[0].code == "source/unavailable"
