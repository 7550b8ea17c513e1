"""Files made after public bug reports: every road reports the same of each.

A pydicom ``Dataset`` is not among the roads: of what stands twice it has kept the last.
"""

import asyncio
import base64
import io
import json
from pathlib import Path

import httpx
import pytest
from serving import MEDIA, service
from sopstatus import DocumentError, Link, codec, explain, scan, transformer
from sopstatus.cli import main
from sopstatus.codecs.part10.file import Part10File
from sopstatus.engines.gateway import Gateway, Site
from sopstatus.engines.mllp.work import work
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

CASES = sorted(Path(__file__).with_name("cases").glob("*.*"))


def said(attributes):
    return sorted(dict(attributes).items())


def by_codec(opened):
    def road(path, capsys):
        found = codec(form(path)).decode(opened(path))
        return [said(one.attributes) for one in found.value], [one.code for one in found.issues]

    return road


def by_scan(path, capsys):
    (found,) = scan([path])
    stated = [said(one.attributes) for one in found.instances if one.attributes]
    return stated, [one.code for one in found.issues]


def by_show(path, capsys):
    code = main(["show", "--json", "--issues", "json", str(path)])
    out, err = capsys.readouterr()
    if code == 3:
        return [], [one["code"] for one in json.loads(err)]
    told = json.loads(out)
    stated = [said(one["attributes"]) for one in told["statements"]]
    return stated, [one["code"] for one in told["issues"]]


def by_explain(path, capsys):
    return None, [one.code for one in explain.explain(path.read_bytes()).issues]


def told(road, path, capsys):
    """Return what a road states and reports; a document that it refuses states nothing."""
    try:
        return road(path, capsys)
    except DocumentError as error:
        return [], [one.code for one in error.issues]


def form(path):
    if path.name.startswith("f"):
        return "fhir"
    return {".json": "dicom-json", ".hl7": "hl7"}.get(path.suffix, "dicom")


def by_listener(path, capsys):
    done = work(limit=1 << 20)(path.read_bytes(), Link())
    return None, [one.code for one in done.issues]


def by_text(path, capsys):
    return by_codec(Path.read_text if path.suffix == ".json" else Path.read_bytes)(path, capsys)


ROADS = {
    "text": by_text,
    "bytearray": by_codec(lambda path: bytearray(path.read_bytes())),
    "scan": by_scan,
    "show": by_show,
    "explain": by_explain,
}
OF_MESSAGES = {"mllp": by_listener}
OF_FILES = {
    "path": by_codec(lambda path: path),
    "file": by_codec(lambda path: io.BytesIO(path.read_bytes())),
    "raw file": by_codec(lambda path: path.open("rb", buffering=0)),
    "Part10File": by_codec(Part10File),
}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore")  # pydicom reports what it repairs
def test_every_road_reports_the_same(path, capsys):
    want = told(by_codec(Path.read_bytes), path, capsys)
    more = {"dicom": OF_FILES, "hl7": OF_MESSAGES}.get(form(path), {})
    for name, road in (ROADS | more).items():
        stated, codes = told(road, path, capsys)
        assert stated in (None, want[0]), name
        assert codes == want[1], name


@pytest.fixture(scope="module")
def client():
    with service("--log-level", "error") as running, running.client() as client:
        yield client


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore")
def test_every_host_reports_the_same_on_the_way_to_another_format(path, client, tmp_path, capsys):
    name, data = form(path), path.read_bytes()
    to = "fhir" if name == "hl7" else "hl7"
    read = told(by_codec(Path.read_bytes), path, capsys)[1]
    want = codes_of(lambda: transformer(name, to)(data).issues)
    assert want[: len(read)] == read
    given = [data, bytearray(data), *([data.decode()] if path.suffix == ".json" else [])]
    for document in given:
        assert codes_of(lambda document=document: transformer(name, to)(document).issues) == want

    main(["convert", str(path), "--to", to, "--issues", "json", "-o", str(tmp_path / "out")])
    assert [one["code"] for one in json.loads(capsys.readouterr().err)] == want

    headers = {"content-type": MEDIA[name], "accept": "application/json"}
    answer = client.post(f"/transform/{name}-to-{to}", content=data, headers=headers)
    assert answered(answer.json()) == want

    packed = {"base64": base64.b64encode(data).decode()}
    line = json.dumps({"transform": f"{name}-to-{to}", "document": packed}).encode()
    assert answered(batch(client, line)) == want
    if path.suffix == ".json":  # as JSON within the line, which no member of it may have twice
        raw = b'{"transform": "%b", "document": %b}' % (f"{name}-to-{to}".encode(), data)
        codes = answered(batch(client, raw.replace(b"\n", b" ")))
        assert codes == (["document/repeated-member"] if "repeated" in path.name else want)


def batch(client, line):
    headers = {"content-type": "application/x-ndjson"}
    return client.post("/batch", content=line + b"\n", headers=headers).json()


@pytest.mark.parametrize(
    "path", [path for path in CASES if form(path) == "fhir"], ids=lambda path: path.name
)
def test_the_gateway_refuses_what_is_an_error_and_stores_the_rest_as_it_came(path):
    stored = []

    async def upstream(request):
        stored.append(await request.body())
        return Response(stored[-1], media_type="application/fhir+json")

    async def put():
        route = Route("/fhir/ImagingStudy", upstream, methods=["POST"])
        app = Gateway(Starlette(routes=[route]), Site("closed", base="/fhir"))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://facade"
        ) as front:
            headers = {"content-type": "application/fhir+json"}
            return await front.post(
                "/fhir/ImagingStudy", content=path.read_bytes(), headers=headers
            )

    answer = asyncio.run(put())
    try:
        issues = codec("fhir").decode(path.read_bytes()).issues
    except DocumentError as error:
        issues = error.issues
    # what a client takes back of its own is stored so, and states nothing
    wrong = [one.code for one in issues if one.is_error and one.code != "fhir/withdrawn"]
    if not wrong:
        assert (answer.status_code, stored) == (200, [path.read_bytes()])
    else:
        assert answer.status_code in (400, 422)
        assert (answered(answer.json()), stored) == (wrong, [])


def answered(told):
    """The codes of an answer: of problem details, or of an OperationOutcome for a FHIR client."""
    if "issues" in told:
        return [one["code"] for one in told["issues"]]
    return [one["details"]["coding"][0]["code"] for one in told["issue"]]


def codes_of(call):
    try:
        return [one.code for one in call()]
    except DocumentError as error:
        return [one.code for one in error.issues]


@pytest.mark.parametrize(
    "path", [path for path in CASES if form(path) == "dicom-json"], ids=lambda path: path.name
)
def test_one_in_a_list_is_reported_as_it_is_alone(path):
    text = path.read_text()
    alone, listed = (codec("dicom-json").decode(given) for given in (text, f"[{text}]"))
    assert [one.code for one in listed.issues] == [one.code for one in alone.issues]
    assert [one.location for one in listed.issues] == [
        f"[0].{one.location}" for one in alone.issues
    ]


STATUS, COMMENT = "SOPInstanceStatus", "SOPAuthorizationComment"
CERTIFICATE = "AuthorizationEquipmentCertificationNumber"
# what each message states, by SOP Instance UID, and what is reported
MESSAGES = {
    "h1-lf-in-cr-message.hl7": (
        [{STATUS: "AO", COMMENT: "part one\npart two", CERTIFICATE: "C1"}],
        [],
    ),
    "h2-x000d.hl7": ([{STATUS: "AO", COMMENT: "line one\rline two", CERTIFICATE: "C1"}], []),
    "h3-msh18-iso-8859-1.hl7": (
        [{STATUS: "AO", COMMENT: "gr\xfcn", CERTIFICATE: "C1"}],
        ["hl7/charset-name"],
    ),
    "h7-alternate-coding.hl7": ([{STATUS: "AO"}], ["hl7/alternate-code"]),
    "h8-indented-zds.hl7": ([], ["hl7/looks-like"]),
    "h4-dtm-blank-padded.hl7": (
        [{STATUS: "AO", "SOPAuthorizationDateTime": "20240102"}],
        ["value/padded"],
    ),
    "h4-uid-blank-padded.hl7": ([{STATUS: "AO"}], ["value/padded"]),
    "h9-ao-and-ns-same-copy.hl7": ([{STATUS: "NS"}, {STATUS: "AO"}], ["document/contradiction"]),
    "h5-nul-padded-end.hl7": ([], []),
    "h6-bom-in-frame.hl7": ([{STATUS: "AO"}], []),
    "h6-second-message-with-bom.hl7": ([{STATUS: "AO"}, {STATUS: "OR", COMMENT: "gr\xfcn"}], []),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_what_a_message_states(name):
    stated, codes = told(by_codec(Path.read_bytes), Path(__file__).with_name("cases") / name, None)
    wanted, reported = MESSAGES[name]
    assert codes == reported
    assert [dict(one) for one in stated] == wanted
