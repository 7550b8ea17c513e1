"""Make the samples, byte for byte the same each time: python samples/make.py [FOLDER].

The data sets are pydicom's own test files, for no public file carries (0100,0410); status, patient
and messages are synthetic. Messages and resources are templates below; the statements are written
into them by the codecs.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
from pydicom.data import get_testdata_file
from sopstatus import SOPInstance, codec
from sopstatus.codecs.fhir.blank import full_url
from sopstatus.codecs.hl7_xml import codec as hl7_xml

STATUS, WHEN = "SOPInstanceStatus", "SOPAuthorizationDateTime"
COMMENT, NUMBER = "SOPAuthorizationComment", "AuthorizationEquipmentCertificationNumber"
ORU, ORM, MDM = "ORU^R01^ORU_R01", "ORM^O01", "MDM^T02^MDM_T02"
UTF8 = "UNICODE UTF-8"
BULKY = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
DCM = "http://dicom.nema.org/resources/ontology/DCM"


class Case(NamedTuple):
    """One folder: the base file, what is stated, and the spelling of message and resource."""

    base: str
    said: dict[str, str | None]
    kind: str = ORU
    version: str = "2.5.1"
    charset: str = UTF8
    terminator: str = "\r"
    release: str = "R4"
    bundle: bool = False
    character_set: str | list[str] = ""


CASES = {
    "authorized-original": Case(
        "CT_small.dcm",
        {
            STATUS: "AO",
            WHEN: "20240115103015+0100",
            COMMENT: "Released after review",
            NUMBER: "SYN-CERT-4711",
        },
    ),
    "original": Case("MR_small_implicit.dcm", {STATUS: "OR"}, version="2.3.1", charset="8859/1"),
    "authorized-copy": Case(
        "MR_small_bigendian.dcm",
        {STATUS: "AC", WHEN: "20240115103015.5+0100", NUMBER: "SYN-CERT-4711"},
        kind=MDM,
        release="R5",
    ),
    "not-specified": Case("MR_small_RLE.dcm", {STATUS: "NS"}, terminator="\r\n"),
    "absent": Case("reportsi.dcm", {}),
    "empty": Case("MR_small.dcm", {STATUS: None}),
    "unknown-term": Case("SC_rgb_rle.dcm", {STATUS: "XX"}),
    "two-series": Case("MR_small.dcm", {STATUS: "AO", WHEN: "20240115"}, bundle=True),
    "partial-datetime": Case("examples_ybr_color.dcm", {STATUS: "AO", WHEN: "202401"}),
    "microseconds": Case("CT_small.dcm", {STATUS: "AO", WHEN: "20240115103015.123456-0500"}),
    "delimiters-in-comment": Case(
        "image_dfl.dcm",
        {STATUS: "AO", COMMENT: 'a|b^c~d\\e&f\r\n\tsecond line | \\.br\\ \\X0D\\ "end"'},
    ),
    "kanji-comment": Case(
        "MR_small.dcm",
        {STATUS: "AO", COMMENT: "患者の画像を承認しました"},
        character_set=["", "ISO 2022 IR 87"],
    ),
    "ihe-order-zds": Case("liver_1frame.dcm", {STATUS: "AO"}, kind=ORM, version="2.3.1"),
    "foreign-zds": Case("CT_small.dcm", {STATUS: "AO", WHEN: "20240115103015"}),
    "study-level": Case("MR_small.dcm", {STATUS: "AO", NUMBER: "SYN-CERT-4711"}),
}
WHOLE_STUDY = ("ihe-order-zds", "study-level")
FOREIGN = "ZDS|PERFORM|p0001236^PATEL^ATEST^^^^^^HHB_INOP_PRSNL^^^^OTHER|20100714101800|CD:653"


def image(case: Case) -> bytes:
    """Return the base file with the attributes added and the patient replaced."""
    dataset = pydicom.dcmread(get_testdata_file(case.base))
    for keyword in ("PatientName", "PatientID"):
        if keyword in dataset:
            setattr(dataset, keyword, "SYNTHETIC")
    if case.character_set:
        dataset.SpecificCharacterSet = case.character_set
    for keyword, value in case.said.items():
        setattr(dataset, keyword, value)
    buffer = pydicom.filebase.DicomBytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def metadata(data: bytes, known: list[SOPInstance], statements: list[SOPInstance]) -> bytes:
    """Return the data sets as /metadata tells them: pydicom's DICOM JSON, without bulk data."""
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data), stop_before_pixels=True)
    for tag in [e.tag for e in dataset if e.VR in BULKY or e.tag.is_private]:
        del dataset[tag]
    dataset.SpecificCharacterSet = "ISO_IR 192"
    listed = []
    for x in known:  # the second one is a copy of the first
        dataset.SeriesInstanceUID, dataset.SOPInstanceUID = (
            x.series_instance_uid,
            x.sop_instance_uid,
        )
        listed.append(dataset.to_json_dict())
    text = json.dumps(listed, ensure_ascii=False, separators=(",", ":")) + "\n"
    written: bytes = codec("dicom-json").encode(statements[1:], text.encode()).value
    return written


def message(name: str, case: Case, study: str) -> bytes:
    """Return the message without a statement of ours."""
    header = (
        f"MSH|^~\\&|RIS|SYNTHETIC|PACS|SYNTHETIC|20240115104500+0100||{case.kind}|SYN{name[:12]}|P|"
        f"{case.version}||||||{case.charset}"
    )
    patient = ["PID|1||SYNTHETIC^^^SYN||Sample^Synthetic||19700101|O", "PV1|1|O"]
    order = ["ORC|RE|P-1|F-1", "OBR|1|P-1|F-1|IMG^Imaging^L|||20240115100000"]
    if case.kind == MDM:
        body = ["EVN|T02|20240115104500", *patient, "TXA|1|DI|TX|||||||||SYN-DOC-1|||||LA",
                "OBX|1|TX|GDT^Report^L||Synthetic report||||||F"]  # fmt: skip
    elif case.kind == ORM:
        ihe = f"ZDS|{study}^Vendor^Application^DICOM"
        body = [
            *patient,
            "ORC|NW|P-1",
            *order[1:],
            ihe,
            "OBX|1|ST|X^Indication^L||Synthetic||||||F",
        ]
    else:
        body = [*patient, *order, f"OBX|1|ST|113014^DICOM Study^DCM||{study}||||||F",
                "OBX|2|TX|GDT^Report^L||Synthetic report||||||F"]  # fmt: skip
    if name == "foreign-zds":
        body.append(FOREIGN)
    encoding = "iso8859-1" if case.charset == "8859/1" else "utf-8"
    return "".join(line + case.terminator for line in [header, *body]).encode(encoding)


def study(case: Case, known: list[SOPInstance], modality: str) -> dict[str, Any]:
    """Return the resource without a statement of ours."""
    coding = {"system": DCM, "code": modality}
    series = [
        {
            "uid": x.series_instance_uid,
            "number": number,
            "modality": {"coding": [coding]} if case.release == "R5" else coding,
            "instance": [
                {
                    "uid": x.sop_instance_uid,
                    "sopClass": {
                        "system": "urn:ietf:rfc:3986",
                        "code": f"urn:oid:{x.sop_class_uid}",
                    },
                    "number": 1,
                }
            ],
        }
        for number, x in enumerate(known, 1)
    ]
    resource = {
        "resourceType": "ImagingStudy",
        "id": "synthetic",
        "identifier": [
            {"system": "urn:dicom:uid", "value": f"urn:oid:{known[0].study_instance_uid}"}
        ],
        "status": "available",
        "subject": {"reference": "Patient/synthetic"},
        "series": series,
    }
    if not case.bundle:
        return resource
    entry = {"fullUrl": full_url(known[0].study_instance_uid), "resource": resource}
    return {"resourceType": "Bundle", "type": "collection", "entry": [entry]}


def make(folder: Path) -> None:
    """Write every case below a folder."""
    dicom, hl7, fhir = codec("dicom"), codec("hl7"), codec("fhir")
    for name, case in CASES.items():
        data = image(case)
        known = list(dicom.instances(data))
        statements = list(dicom.decode(data).value)
        if name == "two-series":
            other = replace(
                known[0],
                series_instance_uid=f"{known[0].series_instance_uid}.2",
                sop_instance_uid=f"{known[0].sop_instance_uid}.2",
            )
            known.append(other)
            statements.append(replace(other, attributes=((STATUS, "OR"),)))
        wide = [SOPInstance(x.study_instance_uid, attributes=x.attributes) for x in statements]
        modality = str(pydicom.dcmread(pydicom.filebase.DicomBytesIO(data)).get("Modality") or "OT")
        bare = message(name, case, known[0].study_instance_uid)
        text = hl7.encode(wide if name in WHOLE_STUDY else statements, bare)
        resource = fhir.encode(
            wide if name == "study-level" else statements, study(case, known, modality)
        )
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "image.dcm").write_bytes(data)
        (place / "metadata.json").write_bytes(metadata(data, known, statements))
        (place / "message.hl7").write_bytes(text.value)
        (place / "message.xml").write_bytes(hl7_xml.of_er7(text.value) + b"\n")
        printed = json.dumps(resource.value, indent=2, ensure_ascii=False)
        (place / "imaging-study.json").write_text(printed + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
