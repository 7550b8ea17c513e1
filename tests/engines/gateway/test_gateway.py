"""The gateway as a process before Medplum's FHIR server: every hook, over real sockets."""

import base64
import gzip
import json
import subprocess
import sys

import httpx
import pytest
from small_disk import empty, fill, small_disk
from sopstatus import codec
from sopstatus.audit import log as audit_log

from engines.gateway.served import (
    FHIR,
    STUDY,
    codes,
    gateway,
    medplum,
    said,
    stating,
    statuses,
    study,
)

XML = {"content-type": "application/fhir+xml"}


@pytest.fixture(scope="module")
def server():
    with medplum() as running:
        yield running


@pytest.fixture(scope="module")
def front(server):
    with gateway(server.url) as running:
        yield running


def created(where, resource, **headers):
    answer = where.post("/ImagingStudy", json=resource, headers={**FHIR, **headers})
    assert answer.status_code == 201, answer.text
    return answer


def test_what_is_right_is_stored_as_it_was_sent(front, server):
    resource = stating(said(0, "AO"), said(1, "AC", SOPAuthorizationComment="released"))
    answer = created(front, resource)
    assert answer.headers["location"].startswith(f"{front.url}/ImagingStudy/")
    assert answer.headers["etag"]
    name = answer.json()["id"]
    stored = server.get(f"/ImagingStudy/{name}").json()
    assert stored["series"] == resource["series"]
    assert front.get(f"/ImagingStudy/{name}").json() == stored


def test_what_is_not_right_is_refused_with_its_place(front, server):
    resource = stating(said())
    before = len(server.get("/$log").json())
    resource["series"][0]["instance"][0]["extension"][0]["extension"][0]["valueCode"] = "XX"
    answer = front.post("/ImagingStudy", json=resource, headers=FHIR)
    assert answer.status_code == 422
    assert codes(answer) == ["value/unknown-term"]
    (issue,) = answer.json()["issue"]
    assert issue["expression"][0].startswith("ImagingStudy.series[0].instance[0].extension[0]")
    assert len(server.get("/$log").json()) == before  # it was not asked


def test_strict_refuses_what_is_doubtful(front):
    resource = stating(said())
    extension = resource["series"][0]["instance"][0]["extension"][0]["extension"]
    extension.append({"url": "unknown", "valueString": "x"})
    lenient = front.post("/ImagingStudy", json=resource, headers=FHIR)
    assert lenient.status_code == 201
    assert lenient.headers["sopstatus-issues"] == "warning=1"
    strict = front.post(
        "/ImagingStudy", json=resource, headers={**FHIR, "prefer": "handling=strict"}
    )
    assert strict.status_code == 422


@pytest.mark.parametrize("kind", ["application/fhir+xml", "application/xml", "text/plain"])
def test_xml_is_answered_with_415(front, kind):
    for path in ("/ImagingStudy", "/"):
        answer = front.post(path, content=b"<ImagingStudy/>", headers={"content-type": kind})
        assert answer.status_code == 415
        assert codes(answer) == ["http/media-type"]


def test_xml_of_what_is_not_ours_goes_through(front, server):
    front.post("/Patient", content=b"<Patient/>", headers=XML)
    assert server.get("/$log").json()[-1]["headers"]["content-type"] == XML["content-type"]


def test_gzip_is_undone(front):
    body = gzip.compress(json.dumps(stating(said())).encode())
    answer = front.post("/ImagingStudy", content=body, headers={**FHIR, "content-encoding": "gzip"})
    assert statuses(answer.json()) == ["AO"]
    assert "content-encoding" not in answer.headers or answer.headers["content-encoding"] == "gzip"
    bad = front.post("/ImagingStudy", content=b"x", headers={**FHIR, "content-encoding": "gzip"})
    assert codes(bad) == ["http/not-gzip"]


def test_conditional_requests_and_preferences_are_the_servers(front, server):
    resource = stating(said(uid="1.2.99"))
    where = "identifier=urn:dicom:uid|urn:oid:1.2.99"
    first = created(front, resource, **{"if-none-exist": where})
    again = front.post("/ImagingStudy", json=resource, headers={**FHIR, "if-none-exist": where})
    assert again.json()["id"] == first.json()["id"]
    minimal = front.post(
        "/ImagingStudy", json=resource, headers={**FHIR, "prefer": "return=minimal"}
    )
    assert (minimal.status_code, minimal.content) == (201, b"")
    changed = {**first.json(), "status": "cancelled"}
    url = f"/ImagingStudy/{first.json()['id']}"
    stale = front.put(url, json=changed, headers={**FHIR, "if-match": 'W/"no"'})
    assert stale.status_code == 412
    fresh = front.put(url, json=changed, headers={**FHIR, "if-match": first.headers["etag"]})
    assert fresh.status_code == 200
    assert server.get("/$log").json()[-1]["headers"]["x-forwarded-host"] in front.url


def test_a_search_by_status_that_the_server_cannot(front):
    uid = "1.2.50"
    for n, status in enumerate(("AO", "AC", "AO", None)):
        resource = stating(said(status=status, uid=uid)) if status else study(uid=uid)
        created(front, {**resource, "description": f"number {n}", "status": "registered"})
    base = {"status": "registered"}
    for asked, hits in (
        ({"sop-instance-status": "AO"}, [0, 2]),
        ({"sop-instance-status": "AO,AC"}, [0, 1, 2]),
        ({"sop-instance-status:not": "AO"}, [1, 3]),
        ({"sop-instance-status:missing": "true"}, [3]),
        ({"sop-instance-status": "https://w3id.org/sopstatus/fhir/CodeSystem/sop-instance-status|AC"}, [1]),
    ):  # fmt: skip
        answer = front.get("/ImagingStudy", params={**base, **asked})
        assert answer.status_code == 200
        found = [e["resource"]["description"] for e in answer.json().get("entry", [])]
        assert sorted(found) == [f"number {n}" for n in hits], asked
        assert "total" not in answer.json()
        form = front.post("/ImagingStudy/_search", data={**base, **asked})
        assert len(form.json().get("entry", [])) == len(hits)


def test_pages_are_gone_through_and_named_as_the_caller_knows_them(front):
    for n in range(7):
        one = stating(said(status="NS" if n < 6 else "OR", uid="1.2.60"), accession=None)
        one = {k: v for k, v in one.items() if v is not None}
        created(front, {**one, "status": "cancelled", "description": f"number {n}"})
    query = {"status": "cancelled", "_count": "2", "_sort": "_lastUpdated"}
    url = f"{front.url}/ImagingStudy"
    found, pages = [], 0
    params = {**query, "sop-instance-status": "OR"}
    while url:
        answer = front.get(url, params=params).json()
        pages += 1
        found += [e["resource"]["description"] for e in answer.get("entry", [])]
        links = {link["relation"]: link["url"] for link in answer.get("link", [])}
        url, params = links.get("next"), None
        assert all("sop-instance-status=OR" in link for link in links.values())
    assert found == ["number 6"]
    assert pages <= 4


def test_what_is_taken_back_is_stored_and_not_found(front):
    for number, status in enumerate(("entered-in-error", "unknown")):
        one = stating(said(status="OR", uid=f"1.2.61.{number}"), accession=None)
        one = {k: v for k, v in one.items() if v is not None}
        created(front, {**one, "status": status, "description": "taken back?"})
    url = f"{front.url}/ImagingStudy"
    for status, count in (("entered-in-error", 0), ("unknown", 1)):
        answer = front.get(url, params={"status": status, "sop-instance-status": "OR"}).json()
        assert len(answer.get("entry", [])) == count


@pytest.mark.parametrize(
    "query",
    ["sop-instance-status:above=AO", "sop-instance-status=other|AO", "sop-instance-status=",
     "sop-instance-status=AO&_summary=count", "sop-instance-status=AO&_elements=id",
     "sop-instance-status:missing=maybe"],
)  # fmt: skip
def test_a_search_that_cannot_be_answered_is_told(front, query):
    answer = front.get(f"/ImagingStudy?{query}")
    assert (answer.status_code, codes(answer)) == (400, ["gateway/search"])


def test_operations(front):
    resource = stating(said(0, "AO", "PACS", SOPAuthorizationComment="r\\d"), said(1, "AC", "PACS"))
    name = created(front, resource).json()["id"]
    told = front.get(f"/ImagingStudy/{name}/$sop-status").json()
    assert told["parameter"][0] == {"name": "rollup", "valueCode": "mixed"}
    first = {p["name"]: p.get("valueString") for p in told["parameter"][1]["part"]}
    assert first["SOPInstanceStatus"] == "AO"
    assert first["SOPAuthorizationComment"] == "r\\d"
    assert first["holder"] == "PACS"
    message = front.get(f"/ImagingStudy/{name}/$to-hl7v2", headers={"accept": "application/hl7-v2"})
    assert message.headers["content-type"] == "application/hl7-v2"
    said_there = codec("hl7").decode(message.content).value
    assert [x["SOPInstanceStatus"] for x in said_there] == ["AO", "AC"]
    binary = front.post("/ImagingStudy/$to-hl7v2", json=resource, headers=FHIR).json()
    assert base64.b64decode(binary["data"]).startswith(b"MSH|")
    assert front.get("/ImagingStudy/nobody/$sop-status").status_code == 404
    assert front.get("/ImagingStudy/$sop-status").status_code == 405
    other = front.post("/ImagingStudy/$sop-status", json={"resourceType": "Patient"}, headers=FHIR)
    assert codes(other) == ["fhir/other-resource"]


def bundle(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def put_in(resource, method="POST", url="ImagingStudy"):
    return {"resource": resource, "request": {"method": method, "url": url}}


def broken():
    resource = stating(said())
    resource["series"][0]["instance"][0]["extension"][0]["extension"][0]["valueCode"] = "XX"
    return resource


def test_a_transaction_is_refused_whole(front, server):
    before = len(server.get("/$log").json())
    sent = bundle("transaction", put_in(stating(said())), put_in(broken()))
    answer = front.post("/", json=sent, headers=FHIR)
    assert (answer.status_code, codes(answer)) == (422, ["value/unknown-term"])
    assert answer.json()["issue"][0]["expression"][0].startswith(
        "Bundle.entry[1].resource.series[0].instance[0]"
    )
    assert len(server.get("/$log").json()) == before
    good = front.post("/", json=bundle("transaction", put_in(stating(said()))), headers=FHIR)
    assert good.status_code == 200
    assert good.json()["entry"][0]["response"]["status"].startswith("201")


def test_a_batch_refuses_an_entry_alone_and_searches_by_status(front):
    uid = "1.2.70"
    created(front, {**stating(said(status="AC", uid=uid)), "description": "in a batch"})
    search = {"request": {"method": "GET",
              "url": f"ImagingStudy?sop-instance-status=AC&identifier=urn:oid:{uid}"}}  # fmt: skip
    sent = bundle("batch", put_in(broken()), search, put_in(stating(said())))
    answer = front.post("/", json=sent, headers=FHIR)
    assert answer.status_code == 200, answer.text
    entries = answer.json()["entry"]
    assert len(entries) == 3
    assert entries[0]["response"]["status"] == "422"
    assert entries[0]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert [e["resource"]["description"] for e in entries[1]["resource"]["entry"]] == ["in a batch"]
    assert entries[2]["response"]["status"].startswith("201")


def test_a_patch_never_brings_a_statement_that_was_not_checked(front):
    name = created(front, stating(said())).json()["id"]
    patch = {"content-type": "application/json-patch+json"}
    plain = [{"op": "replace", "path": "/status", "value": "cancelled"},
             {"op": "add", "path": "/description", "value": "a\\b \u00fc"}]  # fmt: skip
    done = front.patch(f"/ImagingStudy/{name}", content=json.dumps(plain), headers=patch)
    assert (done.status_code, done.json()["status"]) == (200, "cancelled")
    ours = [{"op": "add", "path": "/extension", "value": stating(said())["series"]}]
    refused = front.patch(f"/ImagingStudy/{name}", content=json.dumps(ours), headers=patch)
    assert codes(refused) == ["gateway/patch"]


def test_no_way_round(front, server):
    text = json.dumps(broken())
    before = len(server.get("/$log").json())
    plain = {"content-type": "application/fhir+json"}
    sixteen = {"content-type": "application/fhir+json; charset=utf-16"}
    repeated = json.dumps(stating(said()))[:-1] + f', "series": {json.dumps(broken()["series"])}}}'
    for body, headers, path, found in (
        (text.encode("utf-16-le"), plain, "/ImagingStudy", "document/utf-16"),
        (text.encode("utf-16"), sixteen, "/ImagingStudy", "http/media-type"),
        (text.replace("/", r"\/"), plain, "/ImagingStudy", "value/unknown-term"),
        (text.replace("/", r"\u002f"), plain, "/ImagingStudy", "value/unknown-term"),
        (repeated, plain, "/ImagingStudy", "document/repeated-member"),
        (text, plain, "//ImagingStudy", "value/unknown-term"),
        (text, plain, "/ImagingStudy;x=1", "value/unknown-term"),
        (text, plain, "/%2e/ImagingStudy", "http/no-route"),
        (text, plain, "/%49magingStudy", "value/unknown-term"),
    ):
        address = httpx.URL(front.url).copy_with(raw_path=path.encode())
        answer = front.post(address, content=body, headers=headers)
        assert codes(answer) == [found], path
    for entry in (
        put_in(broken(), url=f"{front.url}/ImagingStudy"),
        put_in(broken(), url=f"{server.url}/ImagingStudy"),
        put_in(broken(), url="/ImagingStudy"),
        put_in(broken(), "post"),
        put_in(bundle("collection", {"resource": broken()}), url="Bundle"),
    ):
        answer = front.post("/", json=bundle("transaction", entry), headers=FHIR)
        assert codes(answer) == ["value/unknown-term"], entry["request"]
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": "W10=",
    }
    hidden = put_in(binary, "PATCH", "ImagingStudy/1")
    answer = front.post("/", json=bundle("transaction", hidden), headers=FHIR)
    assert codes(answer) == ["gateway/patch"]
    assert len(server.get("/$log").json()) == before


def test_what_is_not_ours_is_handed_on(front, server):
    answer = front.post("/Patient", json={"resourceType": "Patient", "active": True}, headers=FHIR)
    assert answer.status_code == 201
    assert answer.headers["location"].startswith(front.url)
    large = front.get("/$large")
    assert large.content == b"x" * 5_000_000
    assert front.get("/ImagingStudy/nobody").status_code == 404
    missing = front.get("/../$log")
    assert missing.status_code in (200, 404)  # the client may have made it /$log
    dots = front.get("/Patient/%2e%2e/%2e%2e/$log")
    assert dots.status_code == 404


def test_the_tag_can_be_searched_by_any_server(server):
    system = "https://w3id.org/sopstatus/fhir/CodeSystem/sop-instance-status-rollup"
    with gateway(server.url, "--tag") as front:
        both = stating(said(0, "AO"), said(1, "AO"))
        one = created(front, {**both, "meta": {"tag": [{"system": "site", "code": "kept"}]}}).json()
        assert one["meta"]["tag"] == [
            {"system": "site", "code": "kept"}, {"system": system, "code": "AO"}
        ]  # fmt: skip
        mixed = created(front, stating(said(0, "AO"))).json()
        assert mixed["meta"]["tag"][0]["code"] == "mixed"
        found = server.get("/ImagingStudy", params={"_tag": f"{system}|mixed"}).json()["entry"]
        assert [e["resource"]["id"] for e in found] == [mixed["id"]]
        changed = front.put(
            f"/ImagingStudy/{mixed['id']}", json={**study(), "id": mixed["id"]}, headers=FHIR
        )
        assert "tag" not in changed.json().get("meta", {})


def token(*scopes):
    """Return a bearer token as a SMART server issues it; nobody here verifies it."""
    claims = base64.urlsafe_b64encode(json.dumps({"scope": " ".join(scopes)}).encode())
    return {"authorization": f"Bearer e30.{claims.decode().rstrip('=')}.c2ln"}


def test_scopes(server):
    options = ("--read-scope", "sopstatus.read", "--write-scope", "sopstatus.write")
    with gateway(server.url, *options, on_failure="open") as front:
        uid = "1.2.80"
        resource = stating(said(0, "AO", uid=uid), said(1, "AC", uid=uid))
        name = created(front, resource, **token("sopstatus.read", "sopstatus.write")).json()["id"]
        url, blind, reads = f"/ImagingStudy/{name}", token("user/*.*"), token("sopstatus.read")
        assert statuses(front.get(url, headers=reads).json()) == ["AO", "AC"]
        assert statuses(front.get(url).json()) == ["AO", "AC"]  # it shows no scopes at all
        seen = front.get(url, headers=blind).json()
        assert statuses(seen) == []
        assert "sop-instance-status" not in json.dumps(seen)
        for path in ("/ImagingStudy", f"/ImagingStudy/{name}/_history", "/"):
            assert "sop-instance-status" not in front.get(path, headers=blind).text
        assert codes(front.get("/ImagingStudy?sop-instance-status=AO", headers=blind)) == [
            "gateway/no-scope"
        ]
        assert front.get(f"{url}/$sop-status", headers=blind).status_code == 403
        inside = {"request": {"method": "GET", "url": "ImagingStudy?sop-instance-status=AO"}}
        asked = front.post("/", json=bundle("batch", inside), headers={**FHIR, **blind}).json()
        assert asked["entry"][0]["response"]["status"] == "403"
        chained = "/Observation?derived-from:ImagingStudy.sop-instance-status=AO"
        assert front.get(chained, headers=blind).status_code == 403
        form = {"sop-instance-status": "AO"}
        assert front.post("/ImagingStudy/_search", data=form, headers=blind).status_code == 403

        # it sends back what it saw: what it did not see stays
        changed = front.put(url, json={**seen, "description": "changed"}, headers={**FHIR, **blind})
        assert changed.status_code == 200
        assert statuses(changed.json()) == []
        stored = server.get(url).json()
        assert (statuses(stored), stored["description"]) == (["AO", "AC"], "changed")

        lower = codec("fhir").encode([said(0, "NS", uid=uid)], stored).value
        refused = front.put(url, json=lower, headers={**FHIR, **reads})
        assert (refused.status_code, codes(refused)) == (403, ["gateway/no-scope"])
        same = front.put(url, json=stored, headers={**FHIR, **reads})
        assert same.status_code == 200
        made = front.post("/ImagingStudy", json=resource, headers={**FHIR, **reads})
        assert made.status_code == 403


def test_over_a_link_that_nobody_vouched_for_the_status_becomes_NS(server, tmp_path):
    audit = tmp_path / "audit.jsonl"
    with gateway(server.url, "--demote", "--audit", audit) as front:
        answer = created(front, stating(said(0, "AO"), said(1, "NS")))
        assert statuses(answer.json()) == ["NS", "NS"]
        assert answer.headers["sopstatus-issues"]
        assert len(audit.read_text().splitlines()) == 2
    with gateway(server.url, "--demote", "--trusted-link") as front:
        assert statuses(created(front, stating(said(0, "AO"))).json()) == ["AO"]


@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_nothing_is_written_while_there_is_no_room_for_its_record(server, tmp_path, on_failure):
    with (
        small_disk(tmp_path / "disk") as disk,
        gateway(
            server.url, "--demote", "--audit", disk / "audit.jsonl", on_failure=on_failure
        ) as front,
    ):
        fill(disk)
        resource = stating(said(0, "AO"))
        answer = front.post("/ImagingStudy", json=resource, headers=FHIR)
        assert (answer.status_code, codes(answer)) == (503, ["document/unwritable"])
        assert answer.headers["retry-after"]
        empty(disk)
        assert statuses(created(front, resource).json()) == ["NS"]
        assert audit_log.verify(disk / "audit.jsonl") == ()


def test_a_server_that_is_not_there():
    with gateway("http://127.0.0.1:9/fhir", on_failure="open") as front:
        (told,) = map(json.loads, front.text().splitlines())  # before it said that it listens
        assert (told["event"], told["level"]) == ("waiting-for-upstream", "warning")
        assert (told["upstream"], told["reason"]) == ("127.0.0.1:9", "ConnectionRefusedError")
        answer = front.get("/Patient/1")
        assert (answer.status_code, codes(answer)) == (502, ["gateway/upstream"])
        assert front.get("/-/healthz").status_code == 200
        ready = front.get("/-/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "not-ready")
        assert ready.json()["not-reached"] == {"upstream": "ConnectError"}


def test_a_server_that_is_there_is_not_waited_for(front):
    assert "waiting-for-upstream" not in front.text()


def test_a_server_whose_name_nobody_knows():
    """A process of its own, which ends before it says that it listens."""
    done = subprocess.run(
        [*(sys.executable, "-m", "sopstatus", "gateway", "--port", "0", "--on-failure", "closed"),
         *("--upstream", "http://user:secret@fhir.invalid:8080/fhir?key=1")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(
        "error: --upstream http://fhir.invalid:8080/fhir: no host has this name; correct the URL"
    )
    assert "secret" not in done.stderr


def test_who_may_call(server, tmp_path):
    known = tmp_path / "tokens"
    known.write_text("a-token-of-this-gateway\n")
    upstream = tmp_path / "upstream"
    upstream.write_text("a-token-of-the-server\n")
    with gateway(server.url, "--token-file", known, "--upstream-token-file", upstream) as front:
        refused = front.get("/Patient/1")
        assert (refused.status_code, codes(refused)) == (401, ["http/unauthorized"])
        mine = {"authorization": "Bearer a-token-of-this-gateway"}
        front.get("/Patient/1", headers=mine)
        sent = server.get("/$log").json()[-1]["headers"]
        assert sent["authorization"] == "Bearer a-token-of-the-server"
        assert front.get("/-/metrics").status_code == 401
        assert 'route="gateway"' in front.get("/-/metrics", headers=mine).text


@pytest.mark.parametrize(
    ("options", "said_"),
    [(("--host", "0.0.0.0"), "--host"), (("--enrich", "read"), "--archive"),
     (("--tls-cert", "x"), "--tls-cert cannot be read")],
)  # fmt: skip
def test_what_would_be_open_or_cannot_work_does_not_start(options, said_, capsys):
    from sopstatus.cli import main

    base = ["gateway", "--upstream", "http://127.0.0.1:9", "--on-failure", "open"]
    assert main([*base, *options]) == 2
    assert said_ in capsys.readouterr().err
    assert main(["gateway", "--upstream", "http://127.0.0.1:9"]) == 2  # it has to be chosen
    assert "--on-failure" in capsys.readouterr().err


assert STUDY
