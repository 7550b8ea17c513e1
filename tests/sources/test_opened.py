"""Servers by their address, as sources of a listener: what it adds, and what it answers without them."""

import pytest
from engines.running import Client, code, message, ours
from engines.test_trust import wait_for
from samples_of import bare, sample
from sopstatus import DocumentError, Link
from sopstatus.engines.http.operator import reached
from sopstatus.engines.mllp.work import work
from sopstatus.sources.folder import opened
from sopstatus.testing import dicomweb as servers
from sopstatus.testing.running import running

from sources.stored import STUDY, URLS, status

CASE = "authorized-original"


def archive(name="dcm4chee"):
    app = getattr(servers, name)()
    app.state.archive.store(sample(CASE, "dicom"), "")
    return app


@pytest.mark.parametrize("name", URLS)
def test_a_dicomweb_server_through_the_listener(name):
    with (
        running(archive(name)) as url,
        ours("--source", url + URLS[name], "--respond") as listener,
        Client(listener.port) as client,
    ):
        assert client.ask(bare(CASE, "hl7")) == sample(CASE, "hl7")
        plain = message("2").encode()
        assert client.ask(plain) == plain, "the server does not know the study"


def test_a_server_that_is_not_there_is_no_fault_of_the_message():
    with running(archive()) as url:
        pass
    with (
        ours("--source", url + URLS["dcm4chee"], "--respond") as listener,
        Client(listener.port) as client,
    ):
        answer = client.ask(bare(CASE, "hl7"))
        assert code(answer) == "AR", "send it again"
        assert b"source/unavailable" in answer


UID = b'"00080018": {"vr": "UI", "Value": ["1.2.3"]}'
GARBAGE = (
    *(b"null", b"[null]", b"[1]", b'"x"', b"5", b"{}", b"[{}]", b"", b"<html>", b"[" * 5000),
    b'[{"00080018": {"vr": "UI", "Value": [' + b"9" * 5000 + b"]}}]",
    *(b'{"error": "no database"}', b'[{"error": "no database"}]', b'[{"00080018": 5}]'),
    *(b'{"resourceType": "OperationOutcome"}', b"[{" + UID + b'}, {"error": 1}]'),
)


def answering(status, body):
    async def app(scope, receive, send):
        headers = [(b"content-type", b"application/dicom+json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_of_an_archive_is_no_fault_of_the_message_and_no_answer(body):
    """PS3.18 F.2: an array of data sets. The sender would give up a message after AE."""
    with running(answering(200, body)) as url:
        source = opened(url)
        done = work(limit=1 << 20, source=source)(bare(CASE, "hl7"), Link())
        assert done.trouble and done.error.issues[0].code == "source/unavailable"
        with pytest.raises(DocumentError, match="source/unavailable"):
            reached(source)
        with pytest.raises(DocumentError, match="source/unavailable"):
            list(source.studies())


@pytest.mark.parametrize("body", [*GARBAGE, b"[]", b"[[]]"], ids=range(len(GARBAGE) + 2))
def test_garbage_in_place_of_one_instance_does_not_unmake_the_study(body):
    """The list is held against an instance's own metadata, where the server has that."""
    listed = sample(CASE, "dicom-json")

    async def app(scope, receive, send):
        alone = scope["type"] == "http" and "/instances/" in scope["path"]
        await answering(200, body if alone else listed)(scope, receive, send)

    with running(app) as url:
        (said,) = opened(url).statements(STUDY)
    assert status(said) == "AO"


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b"[]"), (404, b"")])
def test_an_archive_that_knows_nothing(status, body):
    with running(answering(status, body)) as url:
        source = opened(url)
        assert source.statements(STUDY) == []
        reached(source)


def test_a_bearer_token(tmp_path):
    app, known = archive(), [b"s3cret"]

    async def guarded(scope, receive, send):
        shown = (b"authorization", b"Bearer " + known[-1])
        if scope["type"] == "http" and shown not in scope["headers"]:
            scope = {**scope, "path": "/nowhere"}
        await app(scope, receive, send)

    file = tmp_path / "token"
    file.write_text("s3cret\n")
    with running(guarded) as url:
        source = url + URLS["dcm4chee"]
        assert opened(source).statements(STUDY) == []
        assert [status(one) for one in opened(source, token="s3cret").statements(STUDY)] == ["AO"]
        with (
            ours("--source", source, "--source-token-file", str(file), "--respond") as listener,
            Client(listener.port) as client,
        ):
            assert client.ask(bare(CASE, "hl7")) == sample(CASE, "hl7")
            known.append(b"another")  # a new token is taken into use without a restart
            assert client.ask(bare(CASE, "hl7")) == bare(CASE, "hl7")
            (tmp_path / "new").write_text("another\n")
            (tmp_path / "new").replace(file)
            wait_for(lambda: client.ask(bare(CASE, "hl7")) == sample(CASE, "hl7"))


def test_what_is_no_source(tmp_path):
    with pytest.raises(DocumentError, match="ledger/unavailable"):
        opened(str(tmp_path / "nowhere.db"))
