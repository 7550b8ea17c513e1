"""What a gateway with ``--demote`` or a scope still does, and what it says of it."""

import base64
import http.client
import json

import pytest
from sopstatus.engines.gateway import Gateway, Site
from sopstatus.engines.gateway.guard import is_near, names_ours, plain_request
from sopstatus.engines.gateway.upstream import Upstream

from engines.gateway import attacks
from engines.gateway.attacks import bundle, entry
from engines.gateway.fhir_stub import claims, stub
from engines.gateway.served import FHIR, URL, codes, gateway, said, stating, statuses, study
from engines.gateway.test_attacks import records
from engines.gateway.test_gateway import token
from engines.gateway.test_middleware import calling, facade, run

JSON = (b"content-type", b"application/fhir+json")
PATIENT = {"resourceType": "Patient", "active": False}


@pytest.fixture(scope="module")
def server():
    with stub() as running:
        yield running


@pytest.fixture
def seeded(server):
    server.reset(*attacks.seeds())
    return server


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    return tmp_path_factory.mktemp("audit") / "audit.jsonl"


@pytest.fixture(scope="module")
def front(server, audit):
    with gateway(server.url, "--demote", "--audit", audit) as running:
        yield running


def test_what_concerns_nobody_goes_on(front, seeded):
    """Patients, files, searches, operations that read: as before."""
    patch = [{"op": "replace", "path": "/active", "value": False}]
    done = front.patch("/Patient/1", content=json.dumps(patch), headers=attacks.PATCH)
    assert done.json()["active"] is False
    merged = front.patch("/Patient/1", content='{"active": true}', headers=attacks.MERGE)
    assert merged.json()["active"] is True
    assert front.put("/Patient/1", json=PATIENT, headers=FHIR).json()["active"] is False
    file = {"resourceType": "Binary", "contentType": "application/pdf", "data": "JVBERi0xLjcK" * 20}
    assert front.post("/Binary", json=file, headers=FHIR).status_code == 201
    raw = front.post(
        "/Binary", content=b"%PDF\0\xff" * 99, headers={"content-type": "application/pdf"}
    )
    assert raw.status_code == 201
    assert base64.b64decode(seeded.stored[-1]["data"]) == b"%PDF\0\xff" * 99
    assert front.post("/Patient/_search", data={"_id": "1"}).status_code in (200, 201)
    assert front.post("/ImagingStudy/_search", data={"_id": "1"}).status_code in (200, 201)
    checked = front.post("/ImagingStudy/$validate", json=study(), headers=FHIR)
    assert checked.json()["resourceType"] == "OperationOutcome"
    asked = {"query": "{ PatientList { id } }"}
    assert front.post("/$graphql", json=asked).status_code == 200
    assert front.get("/Patient/1").json() == PATIENT
    assert front.delete("/Patient/1").status_code == 200


def test_what_the_server_has_may_be_sent_back(front, seeded):
    held = front.get("/ImagingStudy/1").json()
    held["description"] = "changed"
    for url in ("/ImagingStudy/1", "/ImagingStudy/1?_pretty=true", "/ImagingStudy?_id=1"):
        assert statuses(front.put(url, json=held, headers=FHIR).json()) == ["AO"], url
    sent = bundle("transaction", entry("PUT", "ImagingStudy/1", held))
    assert front.post("/", json=sent, headers=FHIR).status_code == 200
    assert statuses(seeded.resources["ImagingStudy", "1"]) == ["AO"]
    whole = front.get("/ImagingStudy/2").json()
    assert statuses(front.put("/ImagingStudy/2", json=whole, headers=FHIR).json()) == ["AO"]
    kept = {
        "resourceType": "Bundle",
        "id": "5",
        "type": "collection",
        "entry": [{"resource": held}],
    }
    seeded.store(kept, "Bundle", "5")
    assert (
        front.put("/Bundle/5", json={**kept, "type": "document"}, headers=FHIR).status_code == 200
    )
    assert statuses(seeded.stored[-1]["entry"][0]["resource"]) == ["AO"]


@pytest.mark.parametrize(
    "url", ["/ImagingStudy/1/_history/1", "/ImagingSelection/1", "/ImagingStudy/7"]
)
def test_what_the_server_has_elsewhere_may_not(front, seeded, url):
    held = {**stating(said(0)), "id": url[-1]}
    front.put(url, json=held, headers=FHIR)
    assert not list(claims(seeded.received))


def test_a_bundle_that_is_stored_whole_is_rewritten_and_on_record(front, seeded, audit):
    before = len(records(audit))
    stored = bundle(
        "collection", {"resource": stating(said(0), said(1, "OR"))}, {"resource": PATIENT}
    )
    for sent in (stored, bundle("document", {"resource": stored})):
        answer = front.post("/Bundle", json=sent, headers=FHIR)
        assert answer.status_code == 201
        assert {status for _, status in claims(seeded.stored[-1], terms=("NS", "AO", "OR"))} == {
            "NS"
        }
    new = records(audit)[before:]
    assert [one["after"] for one in new] == ["NS"] * 4
    assert [one["sop_instance_uid"] for one in new] == [attacks.ONE, attacks.OTHER] * 2


def test_what_is_refused_leaves_no_record(front, seeded, audit):
    """A transaction's good entries are not sent, so nothing is said of them; a batch's are."""
    before = len(records(audit))
    patch = entry("PATCH", "ImagingStudy/1", [])
    good = entry("POST", "ImagingStudy", stating(said(1)))
    refused = front.post("/", json=bundle("transaction", good, patch), headers=FHIR)
    assert (refused.status_code, codes(refused)) == (422, ["gateway/patch"])
    assert not seeded.received
    assert len(records(audit)) == before
    mixed = {**stating(said(0)), "contained": [stating(said(0))]}
    asked = bundle("batch", patch, good, entry("POST", "ImagingStudy", mixed))
    told = front.post("/", json=asked, headers=FHIR).json()["entry"]
    assert [one["response"]["status"] for one in told] == ["422", "201", "422"]
    assert [one["sop_instance_uid"] for one in records(audit)[before:]] == [attacks.OTHER]


def test_a_tag_says_what_the_statements_do(front, seeded):
    tags = [{"system": attacks.ROLLUP, "code": "AO"}, {"system": "x", "code": "AO"}]
    resource = {**stating(said(0), said(1)), "meta": {"tag": tags}}
    stored = front.post("/ImagingStudy", json=resource, headers=FHIR).json()
    assert stored["meta"]["tag"] == [tags[1], {"system": attacks.ROLLUP, "code": "NS"}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PATCH", "/ImagingStudy/1", [], 422, "gateway/patch"),
        ("PATCH", "/ImagingSelection?_id=1", [], 422, "gateway/patch"),
        ("PATCH", "/Bundle/1", [], 422, "gateway/patch"),
        ("PATCH", "/Patient/1", attacks.fhirpath(), 422, "gateway/patch"),
        ("POST", "/$process-message", PATIENT, 422, "gateway/operation"),
        ("POST", "/ImagingStudy/$validate", attacks.ao(), 422, "gateway/hidden"),
        ("POST", "/Basic", {"contained": [attacks.ao()]}, 422, "gateway/hidden"),
        ("PUT", "/Patient/1%2F2", PATIENT, 404, "http/no-route"),
    ],
)  # fmt: skip
def test_refusals_say_why(front, seeded, method, path, body, status, code):
    answer = front.request(method, path, json=body)
    assert (answer.status_code, codes(answer)) == (status, [code])
    assert not seeded.received


@pytest.mark.parametrize("demotes", [True, False])
@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/fhir+xml", "application/json; charset=utf-7"]
)
def test_a_body_of_ours_without_a_media_type_of_json_is_415(seeded, demotes, kind):
    headers = {"content-type": kind} if kind else {}
    with gateway(seeded.url, *(["--demote"] if demotes else [])) as where:
        for path in ("/ImagingStudy", "/Bundle", "/"):
            answer = where.post(path, content=attacks.xml(True), headers=headers)
            assert answer.status_code == 415
            assert not kind or codes(answer) == ["http/media-type"]
    assert not seeded.received


def test_headers_and_parameters_that_name_another_method_go_always(seeded):
    """Also where nothing is demoted: the server sees the request that was looked at."""
    headers = {"X-HTTP-Method-Override": "PATCH", "x_http_method": "PATCH", "X-Original-URL": "/x"}
    scope = {"headers": [(k.encode(), v.encode()) for k, v in headers.items()] + [(b"a", b"b")],
             "query_string": b"_method=PUT&a=%20b&_METHOD=x"}  # fmt: skip
    assert plain_request(scope) == {"headers": [(b"a", b"b")], "query_string": b"a=%20b"}
    with gateway(seeded.url) as plain:
        patch = json.dumps(attacks.json_patches()["replace by index"][1])
        answer = plain.post("/ImagingStudy/3", content=patch, headers={**FHIR, **headers})
        assert not set(claims(seeded.stored)) - set(claims(attacks.seeds()))
        assert answer.status_code == 201  # a POST


def test_a_header_that_is_there_twice_is_refused(front, seeded):
    body = json.dumps(attacks.ao()).encode()
    for name, first, second, status in (
        ("content-type", "application/fhir+json", "application/fhir+xml", 415),
        ("content-encoding", "identity", "gzip", 415),
        ("authorization", "Bearer a", "Bearer b", 401),
    ):
        host = front.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.putrequest("POST", "/ImagingStudy")
        for key, value in {**FHIR, "content-length": str(len(body))}.items():
            if key != name:
                connection.putheader(key, value)
        connection.putheader(name, first)
        connection.putheader(name, second)
        connection.endheaders(body)
        assert connection.getresponse().status == status, name
        connection.close()
    assert not seeded.received


def test_with_a_scope_every_patch_is_refused_whoever_sends_it(seeded):
    with gateway(seeded.url, "--write-scope", "w", on_failure="open") as plain:
        for who in ({}, token("w"), token("other")):
            answer = plain.patch("/ImagingStudy/1", content="[]", headers={**attacks.PATCH, **who})
            assert (answer.status_code, codes(answer)) == (422, ["gateway/patch"])
        assert plain.post("/ImagingStudy", json=attacks.ao(), headers={**FHIR, **token("w")}).json()
        assert statuses(seeded.stored[-1]) == ["AO"]


@pytest.mark.parametrize(
    "path",
    ["//fhir/ImagingStudy", "/FHIR/ImagingStudy", "/fhir;x/ImagingStudy", "/%66hir/ImagingStudy"],
)
def test_a_path_near_the_base_does_not_go_round_the_middleware(path):
    assert is_near(path, "/fhir")
    assert not is_near("/elsewhere/ImagingStudy", "/fhir")
    app = Gateway(facade({}), Site("closed", base="/fhir", demote=True))

    async def work():
        async with calling(app) as client:
            answer = await client.post(f"http://facade{path}", json=attacks.ao(), headers=FHIR)
            assert answer.status_code in (404, 405) if "%" in path else answer.status_code == 404
            other = await client.post("/elsewhere/ImagingStudy", content=b"<xml/>")
            assert other.json() == {}

    run(work())


@pytest.mark.parametrize("method", ["patch", "Put", "LINK"])
def test_a_method_that_is_none_of_http_is_405(method):
    scope = {
        "type": "http",
        "method": method,
        "path": "/ImagingStudy/1",
        "query_string": b"",
        "headers": [],
    }
    sent, asked = [], []

    async def server(*_):
        asked.append(1)

    async def send(message):
        sent.append(message)

    run(Gateway(server, Site("closed", demote=True))(scope, None, send))
    assert sent[0]["status"] == 405
    assert not asked


@pytest.mark.parametrize(
    "text",
    [URL, f" {URL}", URL.replace("/", "\\/"), URL.replace("/", "\\u002f"), URL.replace("/", "&#x2f;"),
     URL.replace("/", "%2F"), URL.upper(), "\0".join(URL), URL.replace("w3", "w\u200b3"),
     f"data:application/json;base64,{base64.b64encode(b'{' + URL.encode()).decode()}",
     base64.encodebytes(URL.encode() * 2).decode(), base64.b64encode(URL.encode()).decode(), base64.urlsafe_b64encode(URL.encode()).decode().rstrip("=")],
)  # fmt: skip
def test_our_url_is_seen_however_it_is_spelt(text):
    assert names_ours({"a": [{"b": text}]}, Site("closed"))
    assert names_ours({text: 1}, Site("closed"))


def test_another_url_of_the_site_is_none_of_ours():
    other = URL.replace("sop-instance-status", "another")
    assert not names_ours(
        {"a": other, "b": base64.b64encode(other.encode()).decode()}, Site("closed")
    )


def test_tables_without_the_status_do_not_start(tmp_path, capsys):
    from sopstatus.cli import main

    (tmp_path / "off.toml").write_text('name = "sop-instance-status"\nenabled = false\n')
    options = ["--upstream", "http://127.0.0.1:9", "--on-failure", "open", "--port", "0"]
    assert main(["gateway", *options, "--mappings", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error") and "SOPInstanceStatus" in told and "Traceback" not in told


def test_a_scope_beside_a_token_that_never_gets_to_the_server_does_not_start(tmp_path, capsys):
    from sopstatus.cli import main

    known = tmp_path / "token"
    known.write_text("a-token-that-is-long\n")
    base = ["gateway", "--upstream", "http://127.0.0.1:9", "--on-failure", "open", "--port", "0"]
    for scope in ("--read-scope", "--write-scope"):
        for token_ in ("--token-file", "--upstream-token-file"):
            assert main([*base, scope, "name", token_, str(known)]) == 2
            assert "--write-scope" in capsys.readouterr().err


def test_a_path_that_is_none_is_404(front):
    host, port = front.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request("OPTIONS", "*")
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize(
    "path",
    ["/$graphql?query={ImagingStudy(id:1){id}}", "/graphql?query={x}", "/$sql?q=1", "/Patient/$export",
     "/ImagingStudy?_content=AO", "/Patient?_filter=x", "/Patient?a=1&_text=AO"],
)  # fmt: skip
def test_a_client_that_must_not_see_statements_gets_no_answer_that_shows_values_alone(seeded, path):
    with gateway(seeded.url, "--read-scope", "r") as plain:
        answer = plain.get(path, headers=token("other"))
        assert (answer.status_code, codes(answer)) == (403, ["gateway/no-scope"])
        assert not seeded.received
        assert plain.get(path, headers=token("r")).status_code in (200, 404)


@pytest.mark.parametrize(
    ("given", "sends", "status"),
    [("", 'W/"7"', "AO"), ("*", 'W/"7"', "AO"), ('"7"', 'W/"7"', "AO"),
     ('W/"8"', 'W/"8"', "NS"), ('W/"7", W/"8"', 'W/"7", W/"8"', "NS")],
)  # fmt: skip
def test_an_update_is_of_the_version_that_was_looked_at(given, sends, status):
    """What the server has may be sent back only while it has it, whatever version the client names."""
    held = {**stating(said(0)), "id": "1", "meta": {"versionId": "7"}}
    got = []

    async def server(scope, receive, send):
        if scope["method"] != "GET":
            got.append((dict(scope["headers"]), json.loads((await receive())["body"])))
        await send({"type": "http.response.start", "status": 200, "headers": [JSON]})
        await send({"type": "http.response.body", "body": json.dumps(held).encode()})

    sent = bundle("transaction", entry("PUT", "ImagingStudy/1", held))
    headers = FHIR
    if given:
        headers = {**FHIR, "if-match": given}
        sent["entry"][0]["request"]["ifMatch"] = given

    async def work():
        async with calling(Gateway(server, Site("closed", demote=True))) as client:
            await client.put("/ImagingStudy/1", json=held, headers=headers)
            await client.post("/", json=sent, headers=FHIR)

    run(work())
    (alone, body), (_, inside) = got
    assert statuses(body) == statuses(inside["entry"][0]["resource"]) == [status]
    assert alone[b"if-match"].decode() == sends
    assert inside["entry"][0]["request"]["ifMatch"] == sends


def test_a_token_in_the_query_is_refused(seeded):
    """Its scopes would not be seen, so that the client would pass for one that shows none."""
    with gateway(seeded.url, "--write-scope", "w") as plain:
        answer = plain.post("/ImagingStudy?access%5Ftoken=x", json=attacks.ao(), headers=FHIR)
        assert (answer.status_code, codes(answer)) == (401, ["http/unauthorized"])
        assert not seeded.received


def test_a_header_that_Connection_names_still_gets_to_the_server():
    """Only those of the hop go: without If-Match or Content-Type it would be another request."""
    scope = {"headers": [(b"connection", b"If-Match, content-type, x-hop"), (b"if-match", b"1"),
                         (b"content-type", b"a/b"), (b"x-hop", b"1")]}  # fmt: skip
    names = [name for name, _ in Upstream("http://127.0.0.1:9")._headers(scope)]
    assert names[:2] == [b"if-match", b"content-type"]
    assert b"x-hop" not in names
