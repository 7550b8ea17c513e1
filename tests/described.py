"""Data sets that say much of patient, order and study, all of it synthetic, in every format."""

import copy
import io
import json
import re

import pydicom
from pydicom.dataset import Dataset
from samples_of import sample

CASE = "authorized-original"
PLAIN = {
    "PatientName": "Müller^Jürgen^X^Dr.^MD=山田^太郎=やまだ^たろう",
    "PatientID": "SYN-4711",
    "IssuerOfPatientID": "SYNHOSPITAL",
    "PatientBirthDate": "19700203",
    "PatientSex": "F",
    "AccessionNumber": "A|1&2",
    "PlacerOrderNumberImagingServiceRequest": "P^1",
    "FillerOrderNumberImagingServiceRequest": "F~1",
    "StudyID": "S1",
    "RequestedProcedureID": "RP1",
    "ReferringPhysicianName": "Hausarzt^Heidi",
    "StudyDate": "20240101",
    "StudyTime": "101112.5",
    "TimezoneOffsetFromUTC": "+0100",
    "StudyDescription": "Thorax \\ Abdomen".replace("\\", "/"),
    "NumberOfStudyRelatedSeries": "2",
    "NumberOfStudyRelatedInstances": "800",
    "Modality": "CT",
    "SeriesNumber": "3",
    "SeriesDescription": "Lung",
    "BodyPartExamined": "CHEST",
    "Laterality": "L",
    "InstanceNumber": "7",
}
ITEMS = {
    "IssuerOfPatientIDQualifiersSequence": {
        "UniversalEntityID": "1.2.3.4",
        "UniversalEntityIDType": "ISO",
    },
    "IssuerOfAccessionNumberSequence": {"LocalNamespaceEntityID": "RIS"},
    "RequestedProcedureCodeSequence": {
        "CodeValue": "CTCH",
        "CodingSchemeDesignator": "99SYN",
        "CodeMeaning": "CT & Brust, groß",
    },
}
UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
TEXTS = {
    "": "Doe^John^Q",
    "ISO_IR 100": "Müller^Jürgen=",
    "ISO_IR 101": "Dvořák^Antonín",
    "ISO_IR 126": "Διονυσιος",
    "ISO_IR 127": "قباني^لنزار",
    "ISO_IR 138": "שרון^דבורה",
    "ISO_IR 144": "Люкceмбypг",
    "ISO_IR 166": "นามสกุล^ชื่อ",
    "ISO_IR 192": "Wang^XiaoDong=王^小东",
    "GB18030": "Wang^XiaoDong=王^小东",
    "GBK": "Zhang^XiaoDong=张^小东",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
}
ODD = {
    "DA": ("20240230", "2024", "1970.02.03", "0000"),
    "TM": ("25", "10:11:12", "1011121"),
    "IS": ("-3", "+7", "2147483648"),
    "CS": ("M ", "female", "X", "?"),
    "SH": ("|^~\\&", "\x07", "A\\B", "  ", '""', "+2599"),
    "LO": ("|^~&", "line\nbreak", "A\\B", "x" * 300, '""'),
    "PN": ("^^^^^^^^", "A=B=C=D", "O'Neil-|&^~", "^", "A\\B", "a\tb"),
}


def data_set(charset="ISO_IR 192", plain=PLAIN, items=ITEMS):
    """Make the data set of a sample that says all this besides."""
    found = pydicom.dcmread(io.BytesIO(sample(CASE, "dicom")))
    for element in [e for e in found if e.tag.group <= 0x20 and e.keyword not in UIDS]:
        del found[element.tag]
    found.SpecificCharacterSet = charset.split("\\") if "\\" in charset else charset
    for keyword, text in plain.items():
        _put(found, keyword, text)
    for keyword, inner in items.items():
        item = Dataset()
        for name, text in inner.items():
            _put(item, name, text)
        setattr(found, keyword, [item])
    return found


def _put(found, keyword, text):
    tag = pydicom.datadict.tag_for_keyword(keyword)
    vr = pydicom.datadict.dictionary_VR(tag)
    found[tag] = pydicom.DataElement(tag, vr, text, validation_mode=pydicom.config.IGNORE)


def made(rng):
    """Make a data set of any character set, some values of which are missing, and some odd."""
    charset = rng.choice(list(TEXTS))
    plain = {}
    for keyword, text in PLAIN.items():
        vr = pydicom.datadict.dictionary_VR(keyword)
        odd = rng.random() < 0.2 and rng.choice(ODD[vr])
        if rng.random() < 0.75:
            plain[keyword] = odd or (TEXTS[charset] if vr == "PN" else text)
    items = {k: v for k, v in ITEMS.items() if rng.random() < 0.6 and (charset or v is None)}
    if charset not in ("ISO_IR 100", "ISO_IR 192"):
        items.pop("RequestedProcedureCodeSequence", None)
    return data_set(charset, plain, items)


def saved(found, syntax=pydicom.uid.ExplicitVRLittleEndian):
    """Return a data set as a file of a transfer syntax."""
    buffer = io.BytesIO()
    found = copy.deepcopy(found)
    found.file_meta.TransferSyntaxUID = syntax
    implicit = syntax == pydicom.uid.ImplicitVRLittleEndian
    found.save_as(buffer, implicit_vr=implicit, little_endian=syntax != "1.2.840.10008.1.2.2")
    return buffer.getvalue()


def _bytes(found):
    buffer = io.BytesIO()
    found.save_as(buffer)
    return buffer.getvalue()


def forms(found):
    """Return the same in every format: the format, and the document."""
    as_json = found.to_json_dict(bulk_data_threshold=1 << 30)
    as_json.pop("7FE00010", None)
    xml = f"<dicom>{_xml(found)}</dicom>"
    holds = not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", xml)  # XML 1.0 has no place for these
    return ({"Mirth's XML": ("dicom-xml", xml)} if holds else {}) | {
        "bytes": ("dicom", _bytes(found)),
        "implicit": ("dicom", saved(found, pydicom.uid.ImplicitVRLittleEndian)),
        "a file object": ("dicom", io.BytesIO(_bytes(found))),
        "Dataset": ("dicom", found),
        "Dataset, read": ("dicom", pydicom.dcmread(io.BytesIO(_bytes(found)))),
        "DICOM JSON": ("dicom-json", json.dumps([as_json]).encode()),
        "DICOM JSON, parsed": ("dicom-json", as_json),
        "HealthImaging": ("healthimaging", _image_set(found)),
    }


def _xml(found):
    lines = []
    for element in found:
        if element.tag.group == 0x7FE0:
            continue
        name = f"{int(element.tag):08X}"
        if element.VR == "SQ":
            inner = "".join(f"<item>{_xml(item)}</item>" for item in element.value)
        else:
            inner = _text(element).replace("&", "&amp;").replace("<", "&lt;")
        lines.append(f'<tag{name} tag="{name}" vr="{element.VR}">{inner}</tag{name}>')
    return "".join(lines)


def _text(element):
    values = element.value if element.VM > 1 else [element.value]
    return "\\".join("" if value is None else str(value) for value in values)


def _image_set(found):
    def keywords(dataset, names=None):
        return {
            e.keyword: [keywords(item) for item in e.value] if e.VR == "SQ" else _text(e)
            for e in dataset
            if e.keyword and e.tag.group < 0x7FE0 and (names is None or e.keyword in names)
        }

    whole = keywords(found)
    patient = {k: v for k, v in whole.items() if k.startswith(("Patient", "IssuerOfPatient"))}
    series = {k: v for k, v in whole.items() if k.startswith(("Series", "Modality", "BodyPart"))}
    study = {k: v for k, v in whole.items() if k.startswith(("Study", "Accession", "Referring"))}
    rest = {k: v for k, v in whole.items() if not {k} & {*patient, *series, *study}}
    instance = {found.SOPInstanceUID: {"DICOM": rest}}
    inner = {found.SeriesInstanceUID: {"DICOM": series, "Instances": instance}}
    return {
        "SchemaVersion": "1.1",
        "Patient": {"DICOM": patient},
        "Study": {"DICOM": study, "Series": inner},
    }


def _full():
    found = data_set()
    flat = {f"{name}.{key}": text for name, item in ITEMS.items() for key, text in item.items()}
    return PLAIN | flat | {keyword: str(getattr(found, keyword)) for keyword in UIDS}


FULL = _full()
