"""Every sample over every pair of formats: the bytes that the command line writes."""

import json
import re
from itertools import product

import pytest
from samples_of import CASES, bare, sample
from serving import MEDIA, parts, related, service
from sopstatus import Link, transformer
from sopstatus.cli import main
from sopstatus.documents import content

FORMATS = ("dicom", "dicom-json", "fhir", "hl7", "hl7-xml")
CONTROL_ID = re.compile(rb"\|[0-9A-F]{20}\||<MSH\.10\.1>[0-9A-F]{20}</MSH\.10\.1>")
NOW = re.compile(rb"^(MSH\|\^~\\&\|SOPSTATUS\|\|\|\||.*<MSH\.7><MSH\.7\.1>)[0-9]+\+0000")


@pytest.fixture(scope="module")
def client():
    with service() as running, running.client() as client:
        yield client


def data(document):
    return document if isinstance(document, bytes) else content.dump_json(document)


def converted(folder, source, target, into=None, *more):
    """Return what the command line writes, or nothing where it refuses."""
    out = folder / "out"
    out.unlink(missing_ok=True)
    (folder / "source").write_bytes(source)
    arguments = ["convert", str(folder / "source"), "--to", target, "-o", str(out), *more]
    if into is not None:
        (folder / "into").write_bytes(into)
        arguments += ["--into", str(folder / "into")]
    main(arguments)
    return out.read_bytes() if out.exists() else None


def without_time(message):
    return CONTROL_ID.sub(b"", NOW.sub(rb"\1", message))


LENIENT = {"prefer": "handling=lenient"}  # the command line writes what it can, and exits 1


@pytest.mark.parametrize("case", CASES)
def test_what_the_command_line_writes(case, client, tmp_path, capsys):
    for source, target in product(FORMATS, FORMATS):
        document, into = data(sample(case, source)), data(bare(case, target))
        url = f"/transform/{source}-to-{target}"
        want = converted(tmp_path, document, target, into)
        form = client.post(url, files=parts(document, into, source, target), headers=LENIENT)
        assert (form.status_code, form.headers["content-type"]) == (200, MEDIA[target])
        assert form.content == want
        both = related(document, into, source, target)
        both["headers"].update(LENIENT)
        assert client.post(url, **both).content == want
        if target != "dicom":
            headers = {"content-type": MEDIA[source], **LENIENT}
            alone = client.post(url, content=document, headers=headers)
            want = converted(tmp_path, document, target)
            if want is None:
                codes = {one["code"] for one in alone.json()["issues"]}
                assert alone.status_code == 422
                assert codes & {"dicom/not-one-instance", "document/says-nothing"}
            else:
                assert without_time(alone.content) == without_time(want)
    capsys.readouterr()


def test_a_data_set_that_arrives_over_a_link_that_nobody_vouched_for(client):
    document = sample("authorized-original", "dicom")
    answer = client.post(
        "/transform/dicom-to-dicom", content=document, headers={"content-type": MEDIA["dicom"]}
    )
    assert answer.content == transformer("dicom", "dicom")(document).value != document


def test_metadata_of_healthimaging(client):
    metadata = json.loads(sample("authorized-original", "dicom-json"))
    uids = [metadata[0][tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018")]
    study, series, sop = uids
    image = {"DICOM": {"SOPInstanceUID": sop, "SOPInstanceStatus": "AO"}}
    inner = {"Instances": {sop: image}, "DICOM": {"SeriesInstanceUID": series}}
    outer = {"Series": {series: inner}, "DICOM": {"StudyInstanceUID": study}}
    document = json.dumps({"SchemaVersion": "1.1", "Study": outer}).encode()
    for target in ("fhir", "dicom-json"):
        answer = client.post(
            f"/transform/healthimaging-to-{target}",
            content=document,
            headers={"content-type": "application/json"},
        )
        want = transformer("healthimaging", target)(document, link=Link()).value
        assert answer.content == data(want)
    into = sample("authorized-original", "hl7")
    document = document.replace(b'"AO"', b'"NS"')
    answer = client.post(
        "/transform/hl7-to-healthimaging", files=parts(into, document, "hl7", "healthimaging")
    )
    assert answer.content == transformer("hl7", "healthimaging")(into, document).value
    assert answer.headers["content-type"] == "application/json"
