"""Data sets for the archives of these tests: synthetic, and small."""

import io

from pydicom import dcmread
from samples_of import sample
from sopstatus.testing import dicomweb as servers

STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
SERIES = "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"
FIRST = "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
URLS = {"azure": "/v2", "google": servers.GOOGLE, "orthanc": "/dicom-web", "dcm4chee": "/rs"}


def file(number=0, status="AO", comment="Released after review", study=STUDY):
    """Return a Part 10 file; a status of ``None`` = nothing is stated."""
    data_set = dcmread(io.BytesIO(sample("authorized-original", "dicom")))
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = f"{FIRST}.{number}"
    data_set.StudyInstanceUID = study
    if status is None:
        for keyword in ("SOPInstanceStatus", "SOPAuthorizationDateTime", "SOPAuthorizationComment"):
            delattr(data_set, keyword)
        del data_set.AuthorizationEquipmentCertificationNumber
    else:
        data_set["SOPInstanceStatus"]._value = status
        data_set.SOPAuthorizationComment = comment
    data_set.PixelData = b"\0\0"
    written = io.BytesIO()
    data_set.save_as(written)
    return written.getvalue()


def status(instance):
    """Return what an instance states."""
    return instance.get("SOPInstanceStatus")
