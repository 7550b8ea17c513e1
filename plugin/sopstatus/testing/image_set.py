"""Metadata of an image set made of Part 10 files, in the shape that AWS HealthImaging gives it.

Keywords for tags, padding kept, a list where the dictionary allows several values, ``null`` for an
empty one, group 0002 among the instance's attributes, bytes as base64. Private elements are left out.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from typing import Any

from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VM, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

# the levels to which the service moves attributes; all others stay with the instance
_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "IssuerOfPatientID")
_STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription",
          "AccessionNumber", "ReferringPhysicianName", "PatientAge")  # fmt: skip
_SERIES = ("SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "SeriesDate",
           "SeriesTime", "BodyPartExamined", "Laterality", "ProtocolName")  # fmt: skip
_TEXT = ("LT", "ST", "UT", "UR")  # a backslash is part of the text


def image_set(files: Iterable[bytes]) -> dict[str, Any]:
    """Return the metadata of an image set with these instances, all of one study."""
    patient: dict[str, Any] = {}
    study: dict[str, Any] = {}
    series: dict[str, Any] = {}
    for file in files:
        data_set = dcmread(io.BytesIO(file), stop_before_pixels=True)
        said = _map(data_set.file_meta) | _map(data_set)
        patient |= _taken(said, _PATIENT)
        study |= _taken(said, _STUDY)
        own = _taken(said, _SERIES)
        uid, sop = str(data_set.SeriesInstanceUID), str(data_set.SOPInstanceUID)
        place = series.setdefault(uid, {"DICOM": own, "Instances": {}})
        frames: list[Any] = []
        place["Instances"][sop] = {"DICOM": said, "DICOMVRs": {}, "ImageFrames": frames}
    whole = {"DICOM": study, "Series": series}
    return {"SchemaVersion": "1.1", "Patient": {"DICOM": patient}, "Study": whole}


def _taken(said: dict[str, Any], keywords: tuple[str, ...]) -> dict[str, Any]:
    return {keyword: said.pop(keyword) for keyword in keywords if keyword in said}


def _map(data_set: Dataset) -> dict[str, Any]:
    found = {}
    for tag in sorted(data_set.keys()):
        if dictionary_has_tag(tag) and (keyword := keyword_for_tag(tag)):
            raw = data_set.get_item(tag)
            padding = ""
            if isinstance(raw, RawDataElement) and raw.value:
                padding = raw.value[len(raw.value.rstrip(b" \0")) :].decode("ascii")
            found[keyword] = _value(data_set[tag], tag, padding)
    return found


def _value(element: DataElement, tag: BaseTag, padding: str) -> Any:
    if element.VR == "SQ":
        return [_map(item) for item in element.value]
    if element.is_empty:
        return None
    value = element.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, int | float) and element.VR not in ("DS", "IS"):
        return value
    several = element.VR not in _TEXT and dictionary_VM(tag) != "1"
    values = list(value) if element.VM > 1 else [value]
    texts = [one if isinstance(one, int | float) and element.VR not in ("DS", "IS") else _text(one)
             for one in values]  # fmt: skip
    if isinstance(texts[-1], str):
        texts[-1] += padding
    return texts if several or len(texts) > 1 else texts[0]


def _text(value: Any) -> str:
    return str(getattr(value, "original_string", value))
