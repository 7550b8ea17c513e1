"""Servers by their address, as sources of a listener: what it adds, and what it answers without them."""

import pytest
from engines.running import Client, code, message, ours
from engines.test_trust import wait_for
from samples_of import bare, sample
from sopstatus import DocumentError
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
