"""Ask a stand-in of a server or cloud for what shows one fault."""

import io
import sys

import boto3
from botocore.config import Config
from pydicom import Dataset, config
from pydicom.dataset import FileMetaDataset
from sopstatus import DocumentError, Link, SOPInstance
from sopstatus.sources import azure, dicomweb, google, healthimaging
from sopstatus.testing.archive import Archive, Quirks
from sopstatus.testing.dicomweb import application
from sopstatus.testing.faults import Faulty, Tokens, mixed_up, not_found
from sopstatus.testing.healthimaging import healthimaging as data_store
from sopstatus.testing.running import running

fault = sys.argv[1]
STATUS = "SOPInstanceStatus"
META = {"SchemaVersion": "1.1", "Study": {"DICOM": {"StudyInstanceUID": "1.2.3"}, "Series": {}}}
DICOM = {"StudyInstanceUID": "1.2.3", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}


def file(status, uid="1.2.3.1.1"):
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = uid
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.3", "1.2.3.1"
    made.add_new(0x01000410, "CS", "NS")
    made[0x01000410]._value = status
    written = io.BytesIO()
    made.save_as(written, enforce_file_format=True)
    return written.getvalue()


def asked(source, archive):
    if fault == "unavailable":
        return source.study("1.2.3.4.5").issues
    if fault == "refused":
        return list(azure.changes(source, page=201))
    if fault == "dropped":
        archive.store(file("ao"))
        return azure.dropped(source, "1.2.3", "1.2.3.1", "1.2.3.1.1")
    if fault in ("new-instances", "update-incomplete"):
        return patched(source, archive)
    archive.store(file("NS"))
    if fault in ("unauthorized", "another-study", "summary"):
        return source.study("1.2.3.4" if fault == "another-study" else "1.2.3").issues
    if fault == "already-stored":
        head = b"--x\r\nContent-Type: application/dicom\r\n\r\n"
        told = source.session.post(
            f"{source.url}/studies",
            data=head + file("AO") + b"\r\n--x--\r\n",
            headers={"content-type": 'multipart/related; type="application/dicom"; boundary=x'},
        )
        return azure.store_warnings(told.json())
    return source.search(STATUS, "AO" if fault == "key-ignored" else "NS").issues


def patched(source, archive):
    """Two instances are changed, and one more comes, or the second one is refused."""
    archive.store(file("NS"))
    archive.store(file("NS", "1.2.3.1.2"))
    said = [SOPInstance("1.2.3", "1.2.3.1", "", f"1.2.3.1.{n}", "", {STATUS: "AC"}) for n in (1, 2)]
    if fault == "new-instances":
        patch = source.session.patch

        def and_another(*given, **more):
            archive.store(file("NS", "1.2.3.1.3"))
            return patch(*given, **more)

        source.session.patch = and_another
    return google.update(
        source, said, "1.2.3", link=Link(secure=True, authenticated=True, conforms=True)
    ).issues


def failed(url):
    """An instance is removed while it is being updated."""
    client = boto3.client(
        "medical-imaging", region_name="us-east-1", endpoint_url=url, aws_access_key_id="synthetic",
        aws_secret_access_key="synthetic", config=Config(inject_host_prefix=False),
    )  # fmt: skip
    client.meta.events.register("before-call.*.UpdateImageSetMetadata", lambda **_: SERIES.clear())
    said = SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.1.1", "", {STATUS: "NS"})
    source = healthimaging("0" * 32, client=client, poll=0)
    return source.update(
        [said], "1" * 32, link=Link(secure=True, authenticated=True, conforms=True)
    ).issues


config.settings.reading_validation_mode = config.IGNORE
SERIES = META["Study"]["Series"]
SERIES["1.2.3.1"] = {"DICOM": {}, "Instances": {"1.2.3.1.1": {"DICOM": dict(DICOM)}}}
try:
    if fault == "update-failed":
        with running(data_store({"1" * 32: META}, looks=1)) as url:
            issues = failed(url)
    else:
        keys = frozenset() if fault in ("key-ignored", "key-refused") else None
        quirks = Quirks(
            keys,
            refuses=fault == "key-refused",
            fields=fault != "field-ignored",
            drops=True,
            summary=fault == "summary",
        )
        archive = Archive(quirks)
        app = application(archive, "/web")
        if fault == "unauthorized":
            app = Tokens(app, ())
        if fault == "another-study":
            app = Faulty(app, mixed_up("1.2.3.4", "1.2.3"))
        if fault == "update-incomplete":
            app = Faulty(app, not_found, about="PATCH")
        with running(app) as url:
            issues = asked(dicomweb(f"{url}/web", attempts=1), archive)
except DocumentError as error:
    issues = error.issues
finally:
    config.settings.reading_validation_mode = config.WARN
