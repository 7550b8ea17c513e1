"""What a scan tells of an instance beside its status: what reports are ordered by, and no identity.

The modality, the station's name and two dates, each as the DICOM text that the document has, ``""``
where it has none. DICOM data sets, DICOM JSON and FHIR (modality, date of the study) are asked.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from sopstatus.codecs import character_set, dicom_json_fast
from sopstatus.codecs.dicom_read import Elements
from sopstatus.model import SOPInstance

_DATE = re.compile(r"[0-9]{8}")
_CODE = re.compile(r"[A-Z0-9 _]{1,16}")  # PS3.5 6.2 (CS)
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f]")
_SOP_INSTANCE = "00080018"


class Described(NamedTuple):
    """The columns; a date is ``YYYYMMDD``."""

    modality: str = ""
    station_name: str = ""
    study_date: str = ""
    acquisition_date: str = ""


NOTHING = Described()
TAGS = (0x00080060, 0x00081010, 0x00080020, 0x00080022)
"""The elements of a data set, in the order of `Described`."""
_NAMES = (_SOP_INSTANCE, *(f"{tag:08X}" for tag in TAGS))


def of_elements(elements: Elements) -> Described:
    """Read a data set, of which `TAGS` were walked."""
    modality, station, study, acquisition = TAGS
    name = elements.get(station) or ""
    if isinstance(name, bytes):
        name = character_set.decode(name, elements.terms("SH")) or ""
    dates = elements.plain(study), elements.plain(acquisition)
    return _checked(elements.plain(modality), name, *dates)


def of_document(
    name: str, document: Any, instances: tuple[SOPInstance, ...]
) -> tuple[Described, ...]:
    """Read what a document that was decoded says of each of these instances."""
    if name == "fhir":
        found = _of_resource(document)
        return tuple(found.get(one.series_instance_uid, NOTHING) for one in instances)
    if name == "dicom-json":
        found = _of_metadata(document)
        return tuple(found.get(one.sop_instance_uid, NOTHING) for one in instances)
    return (NOTHING,) * len(instances)


def _of_metadata(document: Any) -> dict[str, Described]:
    """Return what each data set of DICOM JSON says, by its SOP Instance UID."""
    try:
        entries = None
        if isinstance(document, bytes):
            many = document.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
            entries = dicom_json_fast.texts(document, _NAMES, many=many)
            if entries is None:
                document = json.loads(document.decode("utf-8-sig"))
        if entries is None:
            nodes = document if isinstance(document, list) else [document]
            entries = [
                [node.get(tag) for tag in _NAMES] for node in nodes if isinstance(node, dict)
            ]
    except (ValueError, RecursionError):  # the codec has told what is wrong
        return {}
    told = ([_first(node) for node in entry] for entry in entries)
    return {uid: _checked(*rest) for uid, *rest in told}


def _first(node: Any) -> str:
    value = node.get("Value") if isinstance(node, dict) else None
    return value[0] if isinstance(value, list) and value and isinstance(value[0], str) else ""


def _of_resource(document: Any) -> dict[str, Described]:
    """Return what each series of ImagingStudy resources says, by its UID."""
    found, waiting = {}, [document]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        if node.get("resourceType") == "Bundle":
            entries = _list(node.get("entry"))
            waiting += [one.get("resource") for one in entries if isinstance(one, dict)]
        started = str(node.get("started", ""))[:10].replace("-", "")
        for series in _list(node.get("series")):
            if isinstance(series, dict) and isinstance(uid := series.get("uid"), str):
                found[uid] = _checked(_modality(series.get("modality")), "", started, "")
    return found


def _modality(node: Any) -> str:
    """Return the code of a Coding (R4) or CodeableConcept (R5)."""
    coding = _list(node.get("coding") or [node]) if isinstance(node, dict) else []
    return next((str(c["code"]) for c in coding if isinstance(c, dict) and c.get("code")), "")


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


def _checked(modality: str, station: str, study: str, acquisition: str) -> Described:
    """Drop what is no modality and no date: a column is to be grouped by."""
    return Described(
        modality if _CODE.fullmatch(modality) else "",
        _CONTROL.sub("", station).strip(" ")[:16],
        study if _DATE.fullmatch(study) else "",
        acquisition if _DATE.fullmatch(acquisition) else "",
    )
