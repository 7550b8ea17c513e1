"""A DICOMweb source against the stand-ins: each with the quirks of its server, over real sockets."""

import json
import socket
from contextlib import contextmanager

import pytest
from sopstatus import DocumentError, transformer
from sopstatus.sources import azure, dicomweb
from sopstatus.testing import dicomweb as servers
from sopstatus.testing.archive import Archive, Quirks
from sopstatus.testing.running import running

from sources.stored import FIRST, SERIES, STUDY, URLS, file, status

COMMENT = r"line one\line two"


@contextmanager
def served(name, *files, **options):
    """Run a stand-in with these files and yield it as a source."""
    known = isinstance(name, str)
    app = getattr(servers, name)() if known else servers.application(name, "/web")
    with running(app) as url:
        source = dicomweb(
            url + (URLS[name] if known else "/web"), holder="ARCHIVE", attempts=1, **options
        )
        for one in files:
            app.state.archive.store(one, source.url)
        source.archive = app.state.archive
        yield source


@pytest.mark.parametrize("name", URLS)
def test_what_is_kept_is_read(name):
    files = [file(1), file(2, "AC", COMMENT), file(3, None)]
    with served(name, *files) as source:
        (scanned,) = source.scan()
        assert scanned.format == "dicom-json"
        assert [status(x) for x in scanned.instances] == ["AO", "AC", None]
        assert {x.holder for x in scanned.instances} == {"ARCHIVE"}
        assert dict(scanned.instances[1].attributes)["SOPAuthorizationComment"] == COMMENT
        codes = {issue.code for issue in scanned.issues}
        assert codes == ({"dicom-json/split-text"} if name == "orthanc" else set())
        assert [status(x) for x in source.statements(STUDY)] == ["AO", "AC"]
        study = transformer("dicom-json", "fhir")(source.metadata(STUDY)).value
        assert '"AC"' in json.dumps(study)
        assert len(source.metadata(STUDY, SERIES)) == 3
        (one,) = source.metadata(STUDY, SERIES, f"{FIRST}.2")
        assert one["00080018"]["Value"] == [f"{FIRST}.2"]


SEARCHED = {
    "azure": ["source/key-refused"],
    "google": ["source/key-refused"],
    "orthanc": [],
    "dcm4chee": ["source/key-ignored"],
}


@pytest.mark.parametrize("name", URLS)
def test_a_status_is_found_whatever_the_server_searches_by(name):
    files = [file(n, ("AO", "AC", None)[n % 3]) for n in range(60)]
    with served(name, *files, page=25) as source:
        found = source.search("SOPInstanceStatus", "AC", STUDY)
        assert [x.sop_instance_uid for x in found.value] == [
            f"{FIRST}.{n}" for n in range(1, 60, 3)
        ]
        assert [issue.code for issue in found.issues] == SEARCHED[name]


@pytest.mark.parametrize(
    ("quirks", "codes"),
    [
        (Quirks(fields=False), ["source/field-ignored"]),
        (Quirks(fields=False, keys=frozenset()), ["source/field-ignored", "source/key-ignored"]),
        (Quirks(pages=False), []),
        (Quirks(page=7), []),
    ],
)
def test_what_is_ignored_is_made_up_for(quirks, codes):
    files = [file(1), file(2, "AC"), file(3, "AO", study=f"{STUDY}.2"), *map(file, range(4, 20))]
    with served(Archive(quirks), *files) as source:
        found = source.search("SOPInstanceStatus", "AO")
        assert len(found.value) == 18
        assert [issue.code for issue in found.issues] == codes
        assert list(source.studies()) == [STUDY, f"{STUDY}.2"]
        assert len(list(source.scan())) == 2


def test_bulk_data_is_fetched_only_when_asked_and_only_from_the_server():
    long = "a long comment, " * 10
    with served(Archive(Quirks(bulk=50)), file(1, "AO", long)) as source:
        (scanned,) = source.scan()
        assert [issue.code for issue in scanned.issues] == ["dicom-json/bulk-data"]
        asking = dicomweb(source.url, bulk_data=True)
        (scanned,) = asking.scan()
        assert scanned.issues == ()
        # DICOM pads and drops trailing blanks of a text
        assert dict(scanned.instances[0].attributes)["SOPAuthorizationComment"] == long.rstrip()
        with pytest.raises(ValueError, match="not of this server"):
            asking.fetch("http://127.0.0.2/secret")
        (kept,) = source.archive.of()
        kept.metadata["01000424"]["BulkDataURI"] = "http://127.0.0.2:1/bulk"
        (scanned,) = asking.scan()
        assert [issue.code for issue in scanned.issues] == ["dicom-json/bulk-data-failed"]


def test_a_server_that_is_not_there_is_an_issue():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    source = dicomweb(f"http://127.0.0.1:{port}", attempts=1)
    scanned = source.study(STUDY)
    assert [issue.code for issue in scanned.issues] == ["source/unavailable"]
    assert scanned.instances == ()
    with pytest.raises(DocumentError, match="source/unavailable"):
        source.statements(STUDY)
    with pytest.raises(DocumentError, match="value/not-uid"):
        source.metadata("../../secret")
    assert source.statements("../../secret") == []  # it is not asked for
    with served("azure", file()) as here:
        assert "status 404" in here.study("1.2.3").issues[0].diagnostics
        assert here.statements("1.2.3") == []


def test_azure_tells_and_shows_what_it_drops():
    with served("azure") as source:
        files = [file(1, "ao"), file(2, "AO")]
        answer = stow(source, files)
        assert answer.status_code == 202
        told = answer.json()
        assert "alre allowed" in json.dumps(told)
        (issue,) = azure.store_warnings(told)
        assert (issue.code, issue.severity) == ("azure/dropped", "warning")
        assert issue.location == "00081199[1].00741048[1]"

        scanned = source.study(STUDY)
        shown = {x.sop_instance_uid: status(x) for x in scanned.instances}
        assert shown == {f"{FIRST}.1": None, f"{FIRST}.2": "AO"}
        (issue,) = azure.dropped(source, STUDY, SERIES, f"{FIRST}.1")
        assert (issue.code, issue.location) == ("azure/dropped", "[0].01000410")
        assert azure.dropped(source, STUDY, SERIES, f"{FIRST}.2") == ()

        again = stow(source, [file(2, "AC")])
        assert again.status_code == 409
        assert [i.code for i in azure.store_warnings(again.json())] == ["azure/already-stored"]


def test_azure_change_feed():
    with served("azure", *map(file, range(5))) as source:
        source.archive.delete(f"{FIRST}.1")
        found = list(azure.changes(source, page=4))
        assert [one.sequence for one in found] == [1, 2, 3, 4, 5, 6]
        assert [one.action for one in found] == ["create"] * 5 + ["delete"]
        assert [one.state for one in found][:2] == ["current", "deleted"]
        assert status(found[0].scanned.instances[0]) == "AO"
        assert found[5].scanned.instances[0].sop_instance_uid == f"{FIRST}.1"
        assert found[5].scanned.instances[0].attributes == ()
        with pytest.raises(DocumentError, match="source/refused"):
            list(azure.changes(source, page=201))


def stow(source, files):
    boundary = "==x=="
    body = b"".join(
        f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + one + b"\r\n"
        for one in files
    )
    kind = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
    return source.session.post(
        f"{source.url}/studies",
        data=body + f"--{boundary}--\r\n".encode(),
        headers={"content-type": kind},
    )
