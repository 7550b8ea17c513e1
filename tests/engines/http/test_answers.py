"""What is answered: statuses, media types, issues, multipart bodies, batches."""

import base64
import gzip
import json

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome
from samples_of import bare, sample
from serving import MEDIA, parts, related, service
from sopstatus import codec, transformer
from sopstatus.documents import content
from sopstatus.outcome import plain

CASE = "authorized-original"
MESSAGE, RESOURCE, IMAGE, METADATA = (
    d if isinstance(d := sample(CASE, name), bytes) else content.dump_json(d)
    for name in ("hl7", "fhir", "dicom", "dicom-json")
)
BARE = bare(CASE, "dicom")
UNKNOWN = MESSAGE.replace(b"|AO^", b"|XX^")
HL7 = {"content-type": MEDIA["hl7"]}
FHIR = {"content-type": MEDIA["fhir"]}


@pytest.fixture(scope="module")
def client():
    with service("--log-level", "error") as running, running.client() as client:
        yield client


def post(client, name="hl7-to-fhir", body=MESSAGE, **headers):
    return client.post(f"/transform/{name}", content=body, headers={**HL7, **headers})


@pytest.mark.parametrize(
    "media",
    ["application/hl7-v2", "x-application/hl7-v2+er7", "Application/HL7-v2; charset=utf-8"],
)
def test_the_names_of_er7(client, media):
    answer = post(client, **{"content-type": media})
    assert answer.json() == transformer("hl7", "fhir")(MESSAGE).value


@pytest.mark.parametrize(
    ("name", "body", "media"),
    [
        ("fhir-to-hl7", RESOURCE, "application/json"),
        ("dicom-json-to-hl7", METADATA, "application/json"),
        ("dicom-to-hl7", IMAGE, "application/dicom"),
    ],
)
def test_json_may_be_any_json(client, name, body, media):
    answer = post(client, name, body, **{"content-type": media})
    assert codec("hl7").decode(answer.content).value == codec("hl7").decode(MESSAGE).value


@pytest.mark.parametrize(
    ("accept", "status", "media"),
    [
        ("*/*", 200, "application/fhir+json"),
        ("application/*;q=0.1", 200, "application/fhir+json"),
        ("application/fhir+json", 200, "application/fhir+json"),
        ("application/fhir+json; fhirVersion=4.0", 200, "application/fhir+json"),
        ("text/html, application/fhir+json; q=0.5", 200, "application/fhir+json"),
        ("application/json", 200, "application/json"),
        ("application/json;q=0.5, application/fhir+json", 200, "application/fhir+json"),
        ("application/json, application/fhir+json;q=0.2", 200, "application/json"),
        ("text/html", 406, "application/problem+json"),
        ("application/fhir+json;q=0", 406, "application/fhir+json"),
        ("application/dicom", 406, "application/problem+json"),
        (";;,,=;q=x", 406, "application/problem+json"),
    ],
)
def test_accept(client, accept, status, media):
    answer = post(client, accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (status, media)


def test_er7_comes_as_the_caller_names_it(client):
    accept = "x-application/hl7-v2+er7"
    answer = post(client, "fhir-to-hl7", RESOURCE, **FHIR, accept=accept)
    assert answer.headers["content-type"] == accept


def test_document_and_issues(client):
    for name, body, headers, document in (
        ("hl7-to-fhir", UNKNOWN, {**HL7, "prefer": "handling=lenient"}, lambda v: v),
        ("hl7-to-dicom-json", MESSAGE, HL7, lambda v: v),
        ("fhir-to-hl7", RESOURCE, FHIR, None),
        ("dicom-to-dicom", IMAGE, {"content-type": MEDIA["dicom"]}, None),
    ):
        answer = post(client, name, body, **headers, accept="application/json")
        told = answer.json()
        assert answer.content.count(b"\n") == 1
        source, target = name.split("-to-")
        given = json.loads(body) if source == "fhir" else body
        result = transformer(source, target)(given)
        assert told["issues"] == plain(result.issues)
        if target == "hl7":
            assert told["document"][100:] == result.value.decode()[100:]
        elif target == "dicom":
            assert base64.b64decode(told["document"]["base64"]) == result.value
        else:
            assert told["document"] == document(result.value)


def test_a_message_that_is_no_utf_8_is_wrapped_as_bytes(client):
    latin = MESSAGE.replace(b"UNICODE UTF-8", b"8859/1").replace(b"PID|", b"PID|\xe9")
    answer = client.post(
        "/transform/fhir-to-hl7",
        files=parts(RESOURCE, latin, "fhir", "hl7"),
        headers={"accept": "application/json"},
    )
    assert base64.b64decode(answer.json()["document"]["base64"]) == latin


def test_issues_are_counted_in_a_header(client):
    answer = post(client, "hl7-to-fhir", UNKNOWN, prefer="handling=lenient")
    assert answer.status_code == 200
    assert answer.headers["sopstatus-issues"] == "error=1"
    assert "sopstatus-issues" not in post(client).headers


NOT_TRUSTED = ("/transform/hl7-to-dicom", parts(MESSAGE, BARE, "hl7", "dicom"))


@pytest.mark.parametrize(
    ("prefer", "clean", "warning", "error", "applied"),
    [
        ("", 200, 200, 422, None),
        ("return=minimal", 200, 200, 422, None),
        ("handling=lenience", 200, 200, 422, None),
        ("x-handling=lenient", 200, 200, 422, None),
        ("handling=lenient", 200, 200, 200, "handling=lenient"),
        ('respond-async, Handling = "lenient"; x=1', 200, 200, 200, "handling=lenient"),
        ("handling=lenient, handling=strict", 200, 200, 200, "handling=lenient"),  # RFC 7240 2
        ("handling=strict", 200, 422, 422, "handling=strict"),
    ],
)
def test_handling(client, prefer, clean, warning, error, applied):
    """An issue that is an error refuses the document, unless the caller prefers what could be carried."""
    headers = {"prefer": prefer} if prefer else {}
    url, files = NOT_TRUSTED
    for status, answer in (
        (clean, post(client, **headers)),
        (warning, client.post(url, files=files, headers=headers)),
        (error, post(client, body=UNKNOWN, **headers)),
    ):
        assert answer.status_code == status
        assert answer.headers.get("preference-applied") == applied
        if status == 422:
            assert answer.json()["status"] == 422
    assert answer.headers["sopstatus-issues"] == "error=1"
    if error == 422:
        assert answer.json()["type"].endswith("#value/unknown-term")


def test_two_prefer_headers_are_one(client):
    """RFC 7240 2: several headers mean what one does."""
    several = [("prefer", "return=minimal"), ("prefer", "handling=lenient"), *HL7.items()]
    answer = client.post("/transform/hl7-to-fhir", content=UNKNOWN, headers=several)
    assert answer.headers["preference-applied"] == "handling=lenient"


def test_a_batch_is_handled_as_its_request_says(client):
    lines = [{"transform": "hl7-to-fhir", "document": UNKNOWN.decode(), **more}
             for more in ({}, {"strict": True})]  # fmt: skip
    for prefer, statuses in (
        ({}, [422, 422]),
        ({"prefer": "handling=strict"}, [422, 422]),
        ({"prefer": "handling=lenient"}, [200, 422]),
    ):
        answer = batch(client, lines, **prefer)
        assert [json.loads(x)["status"] for x in answer.text.splitlines()] == statuses
        assert answer.headers.get("preference-applied") == prefer.get("prefer")


PATIENT = b'{"resourceType": "Patient"}'


@pytest.mark.parametrize(
    ("status", "code", "name", "body", "headers"),
    [
        (400, "hl7/no-msh", "hl7-to-fhir", b"x", {}),
        (400, "document/empty", "hl7-to-fhir", b"", {}),
        (400, "document/not-json", "fhir-to-hl7", b"{", FHIR),
        (400, "dicom/not-part10", "dicom-to-hl7", b"x", {"content-type": MEDIA["dicom"]}),
        (400, "http/no-into", "hl7-to-dicom", MESSAGE, {}),
        (400, "http/not-gzip", "hl7-to-fhir", MESSAGE, {"content-encoding": "gzip"}),
        (400, "http/multipart", "hl7-to-fhir", b"--x", {"content-type": "multipart/related"}),
        (404, "http/unknown-name", "hl7-to-paper", MESSAGE, {}),
        (404, "http/no-route", "hl7/to/fhir", MESSAGE, {}),
        (413, "document/too-deep", "fhir-to-hl7", b"[" * 90 + b"]" * 90, FHIR),
        (415, "http/media-type", "hl7-to-fhir", MESSAGE, FHIR),
        (415, "http/media-type", "hl7-to-fhir", MESSAGE, {"content-type": "text/plain"}),
        (415, "http/no-content-type", "fhir-to-hl7", RESOURCE, {"content-type": ""}),
        (415, "http/coding", "hl7-to-fhir", MESSAGE, {"content-encoding": "br"}),
        (422, "fhir/other-resource", "fhir-to-hl7", PATIENT, FHIR),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fhir", [False, True])
def test_refusals(client, status, code, name, body, headers, fhir):
    if fhir:
        headers = {"accept": "application/fhir+json, */*;q=0.1", **headers}
    answer = post(client, name, body, **headers)
    assert answer.status_code == status
    assert answer.headers["sopstatus-issues"].startswith("fatal=1")
    if fhir or "fhir" in str(headers):
        assert answer.headers["content-type"] == "application/fhir+json"
        told = OperationOutcome.model_validate(answer.json())
        assert told.issue[0].details.coding[0].code == code
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert told["type"].endswith(f"#{code}")
        assert (told["status"], told["issues"][0]["code"]) == (status, code)
        assert told["detail"] == told["issues"][0]["diagnostics"]
    assert post(client).status_code == 200  # the connection, and the service, go on


def test_methods(client):
    answer = client.get("/transform/hl7-to-fhir")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert client.post("/healthz").headers["allow"] == "GET, HEAD"
    assert client.get("/batch").status_code == 405
    alive = client.head("/healthz")
    assert (alive.status_code, alive.content) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/", "/transform", "/transform/", "/transform/hl7-to-fhir/", "/transform/a/b", "/batch/", "/healthz/"]
)  # fmt: skip
def test_what_is_no_route(client, path):
    answer = client.post(path, content=b"x", headers={"content-type": MEDIA["hl7"]})
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("#http/no-route")
    assert "allow" not in answer.headers


def test_the_holder(client):
    answer = client.post(
        "/transform/dicom-to-hl7",
        params={"holder": "ARCHIVE"},
        content=IMAGE,
        headers={"content-type": MEDIA["dicom"]},
    )
    (statement,) = codec("hl7").decode(answer.content).value
    assert statement.holder == "ARCHIVE"
    for query in (
        "holder=",
        "holder=" + "A" * 17,
        "holder=A&holder=B",
        "trusted=true",
        "missing=drop",
    ):
        answer = client.post(f"/transform/hl7-to-fhir?{query}", content=MESSAGE, headers=HL7)
        assert answer.json()["type"].endswith("#http/parameter")


def test_missing_instances_are_added_where_that_is_asked_for(client):
    lists_none = {k: v for k, v in content.load_json(RESOURCE).items() if k != "series"}
    asked = related(MESSAGE, content.dump_json(lists_none), "hl7", "fhir")
    url = "/transform/hl7-to-fhir"
    assert "error=1" in client.post(url, **asked).headers["sopstatus-issues"]
    answer = client.post(f"{url}?missing=add&holder=A", **asked)
    assert "sopstatus-issues" not in answer.headers
    assert codec("fhir").decode(answer.json()).value == codec("hl7").decode(MESSAGE).value
    for refused in (f"{url}?missing=add&missing=add", "/transform/hl7-to-hl7?missing=add"):
        answer = client.post(refused, content=MESSAGE, headers=HL7)
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("#http/parameter")


FAULTY = {
    "no boundary": (b"--x--", "multipart/related"),
    "cut off": (b"--x\r\ncontent-type: application/hl7-v2\r\n\r\nMSH|", "multipart/related; boundary=x"),
    "no part": (b"--x--\r\n", "multipart/related; boundary=x"),
    "another boundary": (b"--y\r\n\r\n\r\n--y--", "multipart/related; boundary=x"),
    "nothing": (b"", "multipart/related; boundary=x"),
    "too long": (b"--x", f"multipart/related; boundary={'x' * 999}"),
    "three parts": (b"--x\r\n\r\nMSH|\r\n" * 3 + b"--x--\r\n", "multipart/related; boundary=x"),
    "encoded": (
        b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\nMSH|\r\n--x--\r\n",
        "multipart/related; boundary=x",
    ),
    "another name": (
        b'--x\r\nContent-Disposition: form-data; name="doc"\r\n\r\nMSH|\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
    ),
    "headers": (b"--x\r\n" + b"a: b\r\n" * 99 + b"\r\n\r\n--x--", "multipart/related; boundary=x"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTY)
def test_multipart_bodies_that_are_none(client, fault):
    body, media = FAULTY[fault]
    answer = post(client, "hl7-to-fhir", body, **{"content-type": media})
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("#http/multipart")


def test_the_second_part_has_a_type_too(client):
    wrong = parts(MESSAGE, BARE, "hl7", "fhir")
    assert client.post("/transform/hl7-to-dicom", files=wrong).status_code == 415
    right = related(MESSAGE, BARE, "hl7", "dicom")
    assert client.post("/transform/hl7-to-dicom", **right).status_code == 200


def test_one_part_is_a_document_alone(client):
    answer = client.post("/transform/hl7-to-fhir", files={"document": ("m", MESSAGE, MEDIA["hl7"])})
    assert answer.json() == transformer("hl7", "fhir")(MESSAGE).value


def batch(client, lines, **headers):
    body = b"".join(x if isinstance(x, bytes) else json.dumps(x).encode() + b"\n" for x in lines)
    headers = {"content-type": "application/x-ndjson", **headers}
    return client.post("/batch", content=body, headers=headers)


def test_a_batch_one_bad_line_of_many(client):
    message = MESSAGE.decode()
    lines = [
        {"transform": "hl7-to-fhir", "document": message},
        b"this is no JSON\n",
        b"\n",
        {"transform": "hl7-to-fhir", "document": "x"},
        {"transform": "dicom-to-hl7", "document": {"base64": base64.b64encode(IMAGE).decode()}},
        {"transform": "hl7-to-dicom", "document": message,
         "into": {"base64": base64.b64encode(BARE).decode()}},
        {"transform": "hl7-to-dicom", "document": message},
        {"transform": "fhir-to-hl7", "document": json.loads(RESOURCE), "into": message},
        {"transform": "hl7-to-paper", "document": message},
        {"transform": "hl7-to-fhir", "document": {"base64": "#"}},
        {"transform": ["hl7-to-fhir"], "document": message},
        {"transform": "fhir-to-hl7", "document": PATIENT.decode()},
        {"transform": "hl7-to-fhir", "document": UNKNOWN.decode(), "strict": True},
        {"transform": "hl7-to-dicom-json", "document": message, "into": json.loads(METADATA)},
    ]  # fmt: skip
    answer = batch(client, lines)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [x["line"] for x in told] == [n for n in range(1, 15) if n != 3]
    assert [x["status"] for x in told] == [
        *(200, 400, 400, 200, 200, 400, 200, 404, 400, 404, 422, 422, 200)
    ]
    assert told[0]["document"] == transformer("hl7", "fhir")(MESSAGE).value
    assert told[3]["document"][100:] == transformer("dicom", "hl7")(IMAGE).value.decode()[100:]
    written = base64.b64decode(told[4]["document"]["base64"])
    assert written == transformer("hl7", "dicom")(MESSAGE, BARE).value
    assert [i["code"] for i in told[4]["issues"]] == ["link/untrusted"]
    assert told[6]["document"] == message
    assert all("#" in x["type"] for x in told if x["status"] != 200)


def test_numbers_of_a_batch_keep_their_spelling(client):
    resource = RESOURCE.replace(b'"resourceType"', b'"numberOfSeries": 1.50, "resourceType"', 1)
    line = b'{"transform": "hl7-to-fhir", "document": %s, "into": %s}\n' % (
        json.dumps(MESSAGE.decode()).encode(),
        b"".join(resource.splitlines()),
    )
    assert b'"numberOfSeries": 1.50' in batch(client, [line]).content


def test_batches_that_are_none(client):
    assert batch(client, [b"{}"], **{"content-type": "application/json"}).status_code == 415
    assert batch(client, []).content == b""
    packed = gzip.compress(b"x\n" * 3)
    answer = batch(client, [packed], **{"content-encoding": "gzip"})
    assert len(answer.text.splitlines()) == 3
    assert batch(client, [b"x"], **{"content-encoding": "gzip"}).status_code == 400
