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
    return dict(statement.attributes)["SOPInstanceStatus"]


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
        (["--host", "0.0.0.0"], "--host is not this machine alone: give --token-file"),
        (["--host", "::"], "--host is not this machine alone"),
        (["--host", "no.such.host.invalid"], "--host is not this machine alone"),
        (["--host", "0.0.0.0", "--tls-cert", "{}/known-server.pem", "--tls-key",
          "{}/known-server.key"], "--host is not this machine alone"),
        (["--token-file", "{}/none"], "--token-file cannot be read"),
        (["--token-file", "{}/short"], "--token-file needs a token a line"),
        (["--token-file", "{}/empty"], "--token-file needs a token a line"),
        (["--tls-cert", "{}/known-server.pem"], "--tls-cert and --tls-key go together"),
        (["--tls-client-ca", "{}/known-ca.pem"], "--tls-client-ca needs"),
        (["--conforming-peers"], "--conforming-peers needs"),
        (["--tls-cert", "{}/tokens", "--tls-key", "{}/tokens"], "--tls-cert, --tls-key"),
        (["--tls-cert", "{}/none", "--tls-key", "{}/none"], "--tls-cert, --tls-key"),
        (["--transformer", "nobody"], "no transformer is called 'nobody'"),
        (["--mappings", "{}/nowhere"], "is no folder"),
        (["--timeout", "0"], "a bound is too small"),
        (["--host", "192.0.2.1", "--token-file", "{}/tokens"], "--host and --port"),
        (["--port", "99999"], "--host and --port"),
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


@pytest.mark.parametrize(("more", "want"), [([], "NS"), (["--conforming-peers"], "AO")])
def test_mutual_tls(files, more, want):
    with service(*tls(files), *more) as running:
        assert running.url.startswith("https://127.0.0.1:")
        with running.client(verify=context(files)) as client:
            assert client.get("/readyz").json()["status"] == "ready"
            answer = carried(client)
            assert status(answer) == want
            told = carried(client, accept="application/json").json()["issues"]
            if want == "NS":
                assert "not shown: conforms)" in told[0]["diagnostics"]
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
