"""A new ORU^R01: the study, and what its data sets say of patient and order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sopstatus.codecs.hl7.er7 import escape
from sopstatus.codecs.hl7.outline import Delimiters
from sopstatus.codecs.shared.context import (
    Context,
    agreed,
    authority,
    by,
    code_of,
    moment,
    names,
)
from sopstatus.model import SOPInstance
from sopstatus.table import Site, load_tables
from sopstatus.values import dt_to_dtm, is_uid

_MARKS = Delimiters("|", "^", "~", "\\", "&")
_NOBODY, _NO_NAME = '""^^^^PI', "^^^^^^U"  # deleted; a name of type "unspecified" (table 0200)
_STUDY = ("18748-4", "Diagnostic imaging study", "LN")
_SEXES = {"M": "M", "F": "F", "O": "O"}  # PS3.3 C.7.1.1 and table 0001


def message(
    instances: Iterable[SOPInstance] = (),
    *,
    contexts: Iterable[Context] = (),
    site: Site | None = None,
    time: str = "",
    control_id: str = "",
) -> bytes:
    """Make an ORU^R01 (UTF-8) for each study of these instances, one behind the other.

    ``contexts`` are what the data sets say beside the statements; without a Patient ID among them
    PID-3 says that there is none. ``site`` gives the version and MSH-3 to MSH-6. ``time`` is MSH-7
    (default: now); ``control_id`` is MSH-10 (default: made of the UIDs, what is stated, and MSH-7, so
    that no receiver takes a later statement for a repetition).
    """
    site = site or load_tables().site
    time = time or datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")
    studies: dict[str, list[SOPInstance]] = {}
    for instance in instances:
        studies.setdefault(instance.study_instance_uid, []).append(instance)
    if len(studies) > 1:
        studies.pop("", None)
    about = by("StudyInstanceUID", contexts)
    return b"".join(
        _message(uid, agreed(about.get(uid, ())), site, time, control_id or _control_id(said, time))
        for uid, said in (studies or {"": []}).items()
    )


def _control_id(said: Sequence[SOPInstance], time: str) -> str:
    texts = [time, *(text for one in said for text in (*one.identity, *map(repr, one.attributes)))]
    digest = hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:20].upper()


def _message(study: str, said: Context, site: Site, time: str, control_id: str) -> bytes:
    sender, receiver = ([*text.split("^"), ""][:2] for text in (site.hl7_sender, site.hl7_receiver))
    sender[0] = sender[0] or "SOPSTATUS"
    head = ["MSH", "^~\\&", *map(_text, (*sender, *receiver)), time, "", "ORU^R01^ORU_R01"]
    lines = [
        [
            *head,
            control_id,
            (*site.processing, "P")[0],
            site.hl7_version,
            *[""] * 5,
            "UNICODE UTF-8",
        ],
        _patient(said, site),
        *([physician] if (physician := _visit(said)) else []),
        _order(said, site),
    ]
    if is_uid(study):
        code = "113014^DICOM Study^DCM"
        lines.append(["OBX", "1", "ST", code, "1", study, *[""] * 5, "O"])
    return "".join("|".join(line).rstrip("|") + "\r" for line in lines).encode()


def _patient(said: Context, site: Site) -> list[str]:
    who = said.get("PatientID")
    assigner = authority(said, "PatientID", site.patient_authority)
    issuer = "&".join(map(_text, assigner)).rstrip("&")
    number = f"{_text(who)}^^^{issuer}^PI" if who else _NOBODY
    name = "~".join(
        "^".join([*map(_text, (family, given, middle, suffix, prefix)), "", "L", kind])
        for kind, (family, given, middle, prefix, suffix) in names(said.get("PatientName", ""))
    )
    sex = _SEXES.get(said.get("PatientSex", ""), "")
    birth = said.get("PatientBirthDate", "")
    return ["PID", "", "", number, "", name or _NO_NAME, "", birth, sex]


def _visit(said: Context) -> list[str]:
    """Return the referring physician's segment (PV1-8)."""
    found = names(said.get("ReferringPhysicianName", ""))
    if not found:
        return []
    family, given, middle, prefix, suffix = found[0][1]
    return ["PV1", "", "U", *[""] * 5, "^" + _parts(family, given, middle, suffix, prefix)]


def _order(said: Context, site: Site) -> list[str]:
    accession = _text(said.get("AccessionNumber", ""))
    placer = _text(said.get("PlacerOrderNumberImagingServiceRequest", ""))
    filler = _text(said.get("FillerOrderNumberImagingServiceRequest", "")) or accession
    code = _parts(*(code_of(said) or _STUDY))
    if description := said.get("StudyDescription"):
        code += f"^^{_text(description)}"
    requested = said.get("RequestedProcedureID") or said.get(
        "RequestAttributesSequence.RequestedProcedureID", ""
    )
    day = dt_to_dtm(moment(said, site.offset)) or ""
    fields = {2: placer, 3: filler, 4: code, 7: day, 18: accession, 19: _text(requested)}
    fields |= {0: "OBR", 1: "1", 24: "RAD", 25: "F"}
    return [fields.get(number, "") for number in range(26)]


def _parts(*texts: str) -> str:
    return "^".join(map(_text, texts)).rstrip("^")


def _text(text: str) -> str:
    return escape(text, _MARKS) or ""
