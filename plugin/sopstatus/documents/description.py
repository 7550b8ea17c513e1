"""What a scan records about an instance besides its status, to group reports by; never its identity.

The modality, the station's name and two dates, each as the DICOM text that the document has, ``""``
where it has none. DICOM data sets, DICOM JSON and FHIR (modality, date of the study) are asked.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from sopstatus.codecs.dicom.elements import Elements
from sopstatus.codecs.dicom_json import fast as dicom_json_fast
from sopstatus.holder import Holder
from sopstatus.model import SOPInstance
from sopstatus.values import is_uid

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
    context: str = ""
    """What the data set says of patient, order and study, as JSON; kept where a scan is asked to."""


RETRIEVE = {0x00080054: "Retrieve AE Title", 0x0040E011: "Retrieve Location UID"}
"""Where a data set says that its copy can be had (PS3.3 C.12.1.1.9; IHE MADO), by tag."""
NOTHING = Described()
TAGS = (0x00080060, 0x00081010, 0x00080020, 0x00080022)
"""The elements of a data set, in the order of `Described`."""


def of_elements(elements: Elements) -> Described:
    """Read a data set, of which `TAGS` were walked."""
    modality, station, study, acquisition = TAGS
    name = elements.text(station, "SH") or ""
    dates = elements.plain(study), elements.plain(acquisition)
    return _checked(elements.plain(modality), name, *dates)


def holder_in(elements: Elements) -> Holder:
    """Return who holds the copy as the data set says, of which `RETRIEVE` was walked."""
    return _holder(*map(elements.plain, RETRIEVE))


def holders_in(document: Any) -> dict[str, Holder]:
    """Return what each data set of DICOM JSON says of who holds it, by its SOP Instance UID."""
    return {uid: _holder(*rest) for uid, *rest in _of_metadata(document, tuple(RETRIEVE))}


def _holder(title: str, uid: str) -> Holder:
    """Make a holder; of several AE Titles none is the holder's."""
    title = "" if "\\" in title else title.strip(" ")
    return Holder(title, uid, "ISO") if is_uid(uid) else Holder(title)


def of_document(
    name: str, document: Any, instances: tuple[SOPInstance, ...]
) -> tuple[Described, ...]:
    """Read what a document that was decoded says of each of these instances."""
    if name == "fhir":
        found = _of_resource(document)
        return tuple(found.get(one.series_instance_uid, NOTHING) for one in instances)
    if name == "dicom-json":
        found = {uid: _checked(*rest) for uid, *rest in _of_metadata(document, TAGS)}
        return tuple(found.get(one.sop_instance_uid, NOTHING) for one in instances)
    return (NOTHING,) * len(instances)


def _of_metadata(document: Any, tags: tuple[int, ...]) -> list[list[str]]:
    """Return the SOP Instance UID and the first value of some elements of each data set."""
    names = (_SOP_INSTANCE, *(f"{tag:08X}" for tag in tags))
    try:
        entries = None
        if isinstance(document, bytes):
            many = document.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
            entries = dicom_json_fast.texts(document, names, many=many)
            if entries is None:
                document = json.loads(document.decode("utf-8-sig"))
        if entries is None:
            nodes = document if isinstance(document, list) else [document]
            entries = [[node.get(tag) for tag in names] for node in nodes if isinstance(node, dict)]
    except (ValueError, RecursionError):  # the codec has told what is wrong
        return []
    return [[_first(node) for node in entry] for entry in entries]


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
