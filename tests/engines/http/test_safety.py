"""Who may call, and what a caller can make the service believe: nothing."""

import re
import ssl
import subprocess

import httpx
import pytest
import trustme
from samples_of import bare, sample
from serving import MEDIA, command, parts, service
from sopstatus import codec

CASE = "authorized-original"
MESSAGE, RESOURCE, BARE = sample(CASE, "hl7"), sample(CASE, "fhir"), bare(CASE, "dicom")
URL = "/transform/hl7-to-dicom"
HL7 = {"content-type": MEDIA["hl7"]}
TOKEN = "correct-horse-battery-staple"


def status(answer):
    """Return the status in the data set of an answer."""
    assert answer.status_code == 200, answer.text
    (statement,) = codec("dicom").decode(answer.content).value
    return statement["SOPInstanceStatus"]


def carried(client, message=MESSAGE, query="", **headers):
    return client.post(URL + query, files=parts(message, BARE, "hl7", "dicom"), headers=headers)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Certificates of a CA, a token file, and certificates of a CA that nobody knows."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("known", "unknown"):
        ca = trustme.CA()
        ca.cert_pem.write_to_path(folder / f"{name}-ca.pem")
        for role, certificate in {
            "server": ca.issue_cert("127.0.0.1", "localhost"),
            "client": ca.issue_cert("client@example.org"),
        }.items():
            certificate.private_key_pem.write_to_path(folder / f"{name}-{role}.key")
            certificate.cert_chain_pems[0].write_to_path(folder / f"{name}-{role}.pem")
    (folder / "tokens").write_text(f"another-token-of-today\n{TOKEN}\n")
    (folder / "short").write_text("secret\n")
    (folder / "peers").write_text("# of the RIS\nemail:client@example.org\n")
    (folder / "others").write_text("email:somebody@example.org\n")
    (folder / "empty").write_text("\n")
    return folder


def tls(files):
    return (
        *("--tls-cert", files / "known-server.pem", "--tls-key", files / "known-server.key"),
        *("--tls-client-ca", files / "known-ca.pem"),
    )


def context(files, client="known"):
    made = ssl.create_default_context(cafile=str(files / "known-ca.pem"))
    if client:
        made.load_cert_chain(files / f"{client}-client.pem", files / f"{client}-client.key")
    return made


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--host", "0.0.0.0"], "--host is not this machine only: add --token-file"),
        (["--host", "::"], "--host is not this machine only"),
        (["--host", "no.such.host.invalid"], "--host is not this machine only"),
        (["--host", "0.0.0.0", "--tls-cert", "{}/known-server.pem", "--tls-key",
          "{}/known-server.key"], "--host is not this machine only"),
        (["--token-file", "{}/none"], "--token-file cannot be read"),
        (["--token-file", "{}/short"], "--token-file needs a token a line"),
        (["--token-file", "{}/empty"], "--token-file needs a token a line"),
        (["--tls-cert", "{}/known-ca.pem"], "--tls-cert holds no private key"),
        (["--tls-key", "{}/known-server.key"], "--tls-key needs --tls-cert"),
        (["--tls-client-ca", "{}/known-ca.pem"], "--tls-client-ca needs"),
        (["--conforming-peers", "{}/peers"], "--conforming-peers needs"),
        (["--host", "0.0.0.0", "--token-file", "{}/tokens", "--trusted-link"], "--trusted-link needs --tls-cert"),
        (["--tls-cert", "{}/known-server.pem", "--tls-key", "{}/known-server.key", "--tls-client-ca",
          "{}/known-ca.pem", "--conforming-peers", "{}/peers", "--trusted-link"], "leave out --trusted-link or"),
        (["--tls-cert", "{}/known-server.pem", "--tls-key", "{}/known-server.key", "--tls-client-ca",
          "{}/known-ca.pem", "--conforming-peers", "{}/empty"], "--conforming-peers names nobody"),
        (["--tls-cert", "{}/known-server.pem", "--tls-key", "{}/known-server.key", "--tls-client-ca",
          "{}/known-ca.pem", "--conforming-peers", "{}/tokens"], "--conforming-peers line 1 is none of"),
        (["--tls-cert", "{}/known-server.pem", "--tls-key", "{}/known-server.key", "--tls-client-ca",
          "{}/known-ca.pem", "--conforming-peers", "{}/none"], "--conforming-peers cannot be read"),
        (["--tls-cert", "{}/tokens", "--tls-key", "{}/tokens"], "--tls-cert holds no certificate"),
        (["--tls-cert", "{}/none", "--tls-key", "{}/none"], "--tls-cert cannot be read"),
        (["--transformer", "nobody"], "no transformer is called 'nobody'"),
        (["--mappings", "{}/nowhere"], "is not a folder"),
        (["--timeout", "0"], "--timeout must be a "),
        (["--max-body", "0"], "--max-body must be a whole number of at least 1"),
        (["--grace", "-1"], "--grace must be a whole number of at least 0"),
        (["--port", "99999"], "--port must be a whole number from 0 to 65535"),
    ],
)  # fmt: skip
def test_what_does_not_start(files, options, reason):
    options = [str(x).format(files) for x in options]
    done = subprocess.run(
        command(*options), capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_where_it_cannot_listen(files):
    done = subprocess.run(
        command("--host", "192.0.2.1", "--token-file", files / "tokens"),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: cannot listen on 192.0.2.1 port 0: ")


def test_a_token(files):
    with (
        service("--token-file", files / "tokens", "--host", "0.0.0.0") as running,
        httpx.Client(base_url=f"http://127.0.0.1:{running.port}", trust_env=False) as client,
    ):
        for header in (
            None, "", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}",
            f"Bearer {TOKEN} x", "Bearer " + "x" * 1000, "Bearer \xe9",
        ):  # fmt: skip
            headers = {} if header is None else {"authorization": header.encode("latin-1")}
            for path in ("/transform/hl7-to-fhir", "/batch"):
                answer = client.post(path, content=MESSAGE, headers={**HL7, **headers})
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["issues"][0]["code"] == "http/unauthorized"
            assert client.get("/metrics", headers=headers).status_code == 401
            assert client.get("/openapi.json", headers=headers).status_code == 401
            assert client.get("/healthz", headers=headers).status_code == 200
            assert client.get("/readyz", headers=headers).status_code == 200
        for token in (TOKEN, "another-token-of-today"):
            client.headers["authorization"] = f"Bearer {token}"
            assert client.get("/metrics").status_code == 200
            assert status(carried(client)) == "NS"  # who calls is known; the link is not
        assert TOKEN not in running.text()


@pytest.mark.parametrize(
    ("more", "want"),
    [
        ([], "NS"),
        (["--conforming-peers", "others"], "NS"),
        (["--conforming-peers", "peers"], "AO"),
        (["--trusted-link"], "AO"),
    ],
)
def test_mutual_tls(files, more, want):
    more = [files / name if (files / name).exists() else name for name in more]
    with service(*tls(files), *more) as running:
        assert running.url.startswith("https://127.0.0.1:")
        with running.client(verify=context(files)) as client:
            assert client.get("/readyz").json()["status"] == "ready"
            answer = carried(client)
            assert status(answer) == want
            told = carried(client, accept="application/json").json()["issues"]
            if want == "NS":
                assert "not shown: conforms)" in told[0]["diagnostics"]
            everybody = running.events("every-peer-is-trusted")
            assert bool(everybody) == ("--trusted-link" in more)
        refused = (httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)
        for stranger in ("", "unknown"):
            client = running.client(verify=context(files, stranger))
            with client, pytest.raises(refused):
                client.get("/healthz")
        client = running.client(verify=ssl.create_default_context())
        with client, pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
            client.get("/healthz")


CLAIMS = {
    "x-forwarded-proto": "https",
    "forwarded": "proto=https;by=trusted",
    "x-forwarded-for": "127.0.0.1",
    "x-ssl-client-verify": "SUCCESS",
    "x-client-cert": "CN=ARCHIVE",
    "sopstatus-link": "secure, authenticated, conforms",
    "authorization": f"Bearer {TOKEN}",
    "prefer": "trusted-link",
}


def test_nothing_in_a_request_makes_its_link_trusted():
    secured = re.sub(rb"(\r[A-Z])", rb"\1", MESSAGE).replace(b"|||ORU^R01", b"|TRUSTED||ORU^R01", 1)
    assert secured.count(b"ZDS|") == 1
    with service() as running, running.client() as client:
        for message in (MESSAGE, secured):
            assert status(carried(client, message, **CLAIMS)) == "NS"
        for query in ("?trusted=1", "?trusted_link=true", "?link=secure"):
            assert carried(client, query=query).status_code == 400
        line = {
            "transform": "hl7-to-dicom-json",
            "document": MESSAGE.decode(),
            "trusted-link": True,
            "link": {"secure": True, "authenticated": True, "conforms": True},
        }
        headers = {"content-type": "application/x-ndjson", **CLAIMS}
        told = client.post("/batch", json=line, headers=headers).json()
        (written,) = codec("dicom-json").decode(told["document"]).value
        assert dict(written.attributes) == {"SOPInstanceStatus": "NS"}


def test_what_the_operator_vouches_for(tmp_path):
    audit = tmp_path / "audit.jsonl"
    with service("--trusted-link", "--audit", audit) as running, running.client() as client:
        assert status(carried(client)) == "AO"
        (line,) = audit.read_text().splitlines()
        assert '"event":"receive"' in line
        assert client.post("/transform/hl7-to-fhir", content=MESSAGE, headers=HL7).is_success
        assert len(audit.read_text().splitlines()) == 1  # a statement is no copy
        audit.unlink()
        audit.mkdir()
        answer = carried(client)
        assert (answer.status_code, answer.json()["issues"][0]["code"]) == (
            503,
            "document/unwritable",
        )
