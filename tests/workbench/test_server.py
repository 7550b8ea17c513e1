"""The workbench as a process: who may ask, what a browser may do, bounds, silence, a case to share."""

import base64
import io
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from samples_of import FOLDER
from serving import workbench
from sopstatus import Link, codec, transformer
from sopstatus.documents import content

ROOT = Path(__file__).resolve().parents[2]
MESSAGE = (FOLDER / "authorized-original" / "message.hl7").read_bytes()
POLICY = "content-security-policy"


def file(document):
    return {"base64": base64.b64encode(document).decode()}


@pytest.fixture(scope="module")
def running():
    with workbench("--max-body", 2_000_000) as process:
        yield process


@pytest.fixture(scope="module")
def client(running):
    with running.client() as client:
        yield client


def test_it_listens_on_loopback_only(running):
    assert running.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "path", ["/", "/static/main.js", "/static/none.js", "/nowhere", "/api/tables"]
)
def test_every_answer_has_the_policy(client, path):
    headers = client.get(path).headers
    assert headers[POLICY].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in headers[POLICY]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_nothing_in_the_page_needs_more(client):
    page = client.get("/").text
    assert "style=" not in page
    assert "<style" not in page
    assert " onclick" not in page
    assert "https://" not in page.replace("http://www.w3.org", "")
    for name in ("style.css", "main.js"):
        assert "http" not in client.get(f"/static/{name}").text.replace("http/no-server", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "192.0.2.1"},
        {"host": "[not"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
    ],
)
def test_no_other_site_may_ask(client, headers):
    for answer in (client.get("/", headers=headers), client.post("/api/view", headers=headers)):
        assert answer.status_code == 403


def test_loopback_by_its_names(client, running):
    for name in ("localhost", "127.0.0.1", "[::1]"):
        host = f"{name}:{running.port}"
        headers = {"host": host, "origin": f"http://{host}"}
        assert client.get("/", headers=headers).status_code == 200


def test_only_json_is_taken(client):
    answer = client.post("/api/view", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    for body in (b"[]", b"{", b"\xff", b"[" * 5000):
        headers = {"content-type": "application/json"}
        assert client.post("/api/view", content=body, headers=headers).status_code in (400, 413)


@pytest.mark.parametrize("asked", [{}, {"tables": 1}, {"tables": {"a.toml": 1}}, {"document": 3}])
def test_odd_questions_have_answers(client, asked):
    assert client.post("/api/view", json=asked).status_code in (200, 400)


def test_what_is_too_large_is_refused(client):
    answer = client.post("/api/view", json={"document": file(bytes(2_000_000))})
    assert answer.status_code == 413
    assert answer.json()["issues"][0]["code"] == "http/too-large"


def asked(client, question, /, **more):
    answer = client.post(f"/api/{question}", json=more)
    return answer.json() if answer.status_code == 200 else answer.status_code


def test_samples_are_there(client):
    first = asked(client, "samples")[0]
    assert first["name"] == "authorized-original"
    assert "message.hl7" in first["documents"]
    got = asked(client, "sample", case="authorized-original", name="message.hl7")
    assert base64.b64decode(got["base64"]) == MESSAGE
    for name in ("../make.py", "", None, 7, ["message.hl7"]):
        assert asked(client, "sample", case="authorized-original", name=name) == 404
    assert asked(client, "sample", case=["authorized-original"], name="message.hl7") == 404
    assert asked(client, "sample") == 404


def zipped(client, question):
    """The case that the page downloads."""
    return base64.b64decode(asked(client, "case", **question)["base64"])


def test_a_case_is_a_folder_of_the_samples_layout(client):
    tables = {"site.toml": 'fhir-release = "R5"\n'}
    wish = {"document": file(MESSAGE), "name": "my-case", "tables": tables, "trusted": True}
    made = zipped(client, wish)
    assert made == zipped(client, wish)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert set(members) == {
        f"my-case/{name}"
        for name in (
            *("case.toml", "message.hl7", "image.dcm", "imaging-study.json"),
            *("onto-image.dcm", "onto-imaging-study.json"),
            "mappings/site.toml",
        )
    }
    assert members["my-case/message.hl7"] == MESSAGE
    case = tomllib.loads(members["my-case/case.toml"].decode())
    assert (case["title"], case["link"]) == ("my-case", "trusted")
    for one in case["convert"]:
        source, into = (content.load(members[f"my-case/{one[key]}"])[1] for key in ("from", "onto"))
        done = transformer("hl7", one["to"])(
            source, into, link=Link(secure=True, authenticated=True, conforms=True)
        )
        assert done.value == content.load(members[f"my-case/{one['expect']}"])[1]
        assert sorted({issue.code for issue in done.issues}) == one["issues"]
    (want,) = codec("hl7").decode(MESSAGE).value
    for name in ("image.dcm", "imaging-study.json"):
        form, document = content.load(members[f"my-case/{name}"])
        (found,) = codec(form).decode(document).value
        assert found.attributes == want.attributes


@pytest.mark.parametrize(
    ("case", "name", "trusted"),
    [
        ("two-series", "message.hl7", True),
        ("unknown-term", "image.dcm", False),
        ("foreign-zds", "metadata.json", False),
        ("microseconds", "imaging-study.json", True),
        ("study-level", "message.xml", True),
    ],
)
def test_a_shared_case_is_a_test_as_it_is(client, tmp_path, case, name, trusted):
    document = (FOLDER / case / name).read_bytes()
    wish = {"document": file(document), "name": case, "trusted": trusted, "release": "R5"}
    tables = {"site.toml": 'coding-system = "99SITE"\n'}
    made = zipped(client, wish | {"tables": tables, "holder": "PACS"})
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        archive.extractall(tmp_path)
        sides = len([one for one in archive.namelist() if "/onto-" in one])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull),
            *(f"--rootdir={tmp_path}", f"--sopstatus-mappings={tmp_path / case / 'mappings'}"),
            tmp_path / case,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{sides} passed" in done.stdout


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "x" * 61, 7])
def test_a_case_needs_a_name(client, name):
    answer = client.post("/api/case", json={"document": file(MESSAGE), "name": name})
    assert answer.status_code == 400


def test_a_sites_tables_are_what_one_begins_with(tmp_path):
    (tmp_path / "broken.toml").write_text("name = ")
    with workbench("--mappings", tmp_path) as process, process.client() as client:
        told = asked(client, "tables")
        assert told["site"] == {"broken.toml": "name = "}
        assert "sop-instance-status.toml" in told["shipped"]
        assert "online-electronic-storage.toml" not in told["shipped"]
    gone = tmp_path / "gone"
    gone.mkdir()
    with workbench("--mappings", gone) as process, process.client() as client:
        gone.rmdir()
        answer = client.post("/api/tables", json={})
        assert answer.json()["issues"][0]["code"] == "document/unreadable"
        assert str(tmp_path) not in answer.text


def test_nothing_of_a_document_is_logged_or_kept(tmp_path):
    mark = "ZQXNAME"
    document = MESSAGE.replace(b"Sample", mark.encode()).replace(b"Released", mark.encode())
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = environment["TMPDIR"]
    try:
        with workbench() as process, process.client() as client:
            for said in (document, document[:300], mark.encode(), b"{" + mark.encode()):
                for path in ("/api/view", "/api/case"):
                    asked = {"document": file(said), "name": "x", "tables": {"site.toml": mark}}
                    client.post(path, json=asked | {"into": [file(said)]})
                    client.post(path, json=asked | {"tables": {}})
            assert mark not in process.text()
            assert [p for p in tmp_path.rglob("*") if "tables" in p.name] == []
            assert process.stop() == 0
            assert mark not in process.text()
    finally:
        os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)


def test_usage():
    taken = [sys.executable, "-m", "sopstatus", "workbench"]
    for more in (["--port", "70000"], ["--port", "0", "--max-body", "0"]):
        done = subprocess.run([*taken, *more], capture_output=True, check=False, timeout=60)
        assert done.returncode == 2
        assert done.stderr.startswith(b"error: --")


def test_the_page_loads_from_a_zip(tmp_path):
    whole = tmp_path / "sopstatus.zip"
    places = {"sopstatus": ROOT / "plugin" / "sopstatus", "sopstatus/mappings": ROOT / "mappings"}
    with zipfile.ZipFile(whole, "w") as archive:
        for name, folder in places.items():
            for path in sorted(folder.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, f"{name}/{path.relative_to(folder)}")
    code = (
        "import sopstatus; assert '.zip' in sopstatus.__file__\n"
        "from sopstatus.workbench.page import index, static\n"
        "print(len(static()), b'<svg' in index())"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(whole)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    count = len(list((places["sopstatus"] / "workbench" / "static").iterdir()))
    assert done.stdout.split() == [str(count), "True"]
