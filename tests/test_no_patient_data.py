"""No patient data, ever: markers in every patient field, in the comment and in wrong fields.

Everything that reads or writes runs over them, at debug level, and what it prints, logs, answers
and raises is searched for the markers. Only documents themselves may hold them.
"""

import copy
import io
import json
import warnings

import pydicom
import pytest
import structlog
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement
from sopstatus import DocumentError, Link, codec, log, transformer
from sopstatus.acknowledge import acknowledge, negative
from sopstatus.cli import main
from sopstatus.codecs.shared import context
from sopstatus.model import FATAL
from sopstatus.outcome import operation_outcome

MARK = "ZQX"
NAME = f"{MARK}NAME^{MARK}FIRST"
URL = "https://w3id.org/sopstatus/fhir/StructureDefinition/sop-instance-status"
DICOM = codec("dicom")
FORMATS = ("dicom", "hl7", "fhir")
COMMENT = f"released for {NAME} | born 1901 \\ {MARK}\r\n{MARK}"

PATIENT = (
    *("PatientName", "PatientID", "OtherPatientNames", "PatientAddress", "PatientComments"),
    *("PatientMotherBirthName", "PatientTelephoneNumbers", "ReferringPhysicianName"),
    *("AccessionNumber", "InstitutionName", "StudyDescription", "ImageComments"),
)
OURS = {
    "SOPInstanceStatus": "CS",
    "SOPAuthorizationDateTime": "DT",
    "SOPAuthorizationComment": "LT",
    "AuthorizationEquipmentCertificationNumber": "LO",
}
ODD = ("TimezoneOffsetFromUTC", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def set_any(dataset, keyword, value):
    tag = pydicom.datadict.tag_for_keyword(keyword)
    vr = OURS.get(keyword) or pydicom.datadict.dictionary_VR(tag)
    dataset[tag] = DataElement(tag, vr, value, validation_mode=pydicom.config.IGNORE)


def saved(dataset):
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def data_sets():
    base = pydicom.dcmread(get_testdata_file("CT_small.dcm"), stop_before_pixels=True)
    for keyword in PATIENT:
        set_any(base, keyword, NAME)
    base.PatientBirthDate = "19010203"
    base.SOPInstanceStatus = "AO"
    base.SOPAuthorizationComment = COMMENT
    whole = saved(base)
    yield "good", whole
    for keyword, vr in context.PERSONAL.values():
        for value in (NAME, f"{MARK}\\{MARK}", "19010203"):
            other = copy.deepcopy(base)
            set_any(other, keyword, value if vr != "IS" else "1")
            for _, (sequence, inner) in context.SEQUENCES.items():
                item = pydicom.Dataset()
                for name, _ in inner.values():
                    set_any(item, name, value)
                setattr(other, sequence, [item])
            yield f"{keyword}={value[:12]}", saved(other)
    for keyword in (*OURS, *ODD):
        for value in (NAME, f"{MARK}\\{NAME}", f" {MARK.lower()}", "1.2." + MARK * 30):
            wrong = copy.deepcopy(base)
            set_any(wrong, keyword, value)
            yield f"{keyword}={value[:12]}", saved(wrong)
    for count, length in enumerate((100, 200, 500, len(whole) - 3)):
        yield f"cut {count}", whole[:length]
    yield "not utf-8", whole.replace(b"ISO_IR 100", b"ISO_IR 192").replace(b"released", b"\xff" * 8)
    yield "private set", whole.replace(b"ISO_IR 100", f"{MARK}NAME   ".encode())
    yield "no vr", whole.replace(b"\x10\x00\x10\x00PN", b"\x10\x00\x10\x00??")


def messages():
    head = r"MSH|^~\&|RIS|A|PACS|B|20240102||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8"
    pid = f"PID|1|{MARK}1|{MARK}2^^^A||{NAME}|{NAME}|19010203|F||| {MARK} street||{MARK}555"
    obx = f"NK1|1|{NAME}\rOBR|1||{MARK}3|||||||||||{NAME}\rOBX|1|TX|X||{NAME} has {MARK}"
    ours = ["1.2.3^^Application^DICOM", "1.2.3.1", "", "1.2.3.1.1", "AO", "20240102"]
    ours += [f"released for {MARK}", "N1", "", "ARCHIVE"]

    def made(header=head, fields=ours):
        return "\r".join([header, pid, obx, "ZDS|" + "|".join(fields), ""]).encode()

    yield "good", made()
    for number in range(10):
        for value in (NAME, f"{MARK}", f"{MARK}~{NAME}", f'{MARK}="x"', f'SOPInstanceStatus={NAME}',
                      f'SOPAuthorizationDateTime="{NAME}"', f"AO^{NAME}^{MARK}", f"\\X{MARK}\\"):  # fmt: skip
            fields = [*ours]
            fields[number] = value
            yield f"ZDS-{number + 1}={value[:20]}", made(fields=fields)
    for name, header in {
        "charset": head.replace("UNICODE UTF-8", NAME),
        "delimiters": head.replace(r"^~\&", "^^~"),
        "order": head.replace("ORU^R01^ORU_R01", "ORM^O01"),
        "type": head.replace("ORU^R01", NAME),
        "time": head.replace("20240102", NAME),
        "security": head.replace("20240102|", f"20240102|{NAME}"),
    }.items():
        yield name, made(header)
    yield "no header", made()[100:]
    yield "latin-1", made().replace(b"released", b"\xe9\xff")
    yield "two", made() + made(fields=[*ours[:4], NAME])


def resources():
    display = {"reference": f"Patient/{MARK}", "display": NAME, "identifier": {"value": MARK}}

    def made(*slices, **more):
        instance = {"uid": "1.2.3.1.1", "title": NAME, "sopClass": {"code": "urn:oid:1.2"}}
        instance["extension"] = [{"url": URL, "extension": list(slices)}]
        series = {"uid": "1.2.3.1", "modality": {"code": "CT"}, "instance": [instance]}
        return {
            "resourceType": "ImagingStudy",
            "text": {"status": "generated", "div": f"<div>{NAME}</div>"},
            "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
            "status": "available",
            "subject": display,
            "note": [{"text": COMMENT}],
            "series": [series],
            **more,
        }

    good = {"url": "status", "valueCode": "AO"}
    yield "good", made(good, {"url": "authorizationComment", "valueString": COMMENT})
    for url in ("status", "authorizationDateTime", "authorizationComment", "holder", "verbatim",
                "equipmentCertificationNumber", MARK):  # fmt: skip
        for key in ("valueCode", "valueString", "valueDateTime", MARK):
            for value in (NAME, f"SOPInstanceStatus={NAME}", f'{MARK}="x"', {MARK: NAME}):
                yield f"{url}.{key}", made({"url": url, key: value})
    yield "uid", made(good, series=[{"uid": NAME, "instance": [{"uid": NAME}, NAME, 1]}])
    yield "series", made(good, series=NAME)
    yield "identifier", made(good, identifier=[{"system": "urn:dicom:uid", "value": NAME}])
    yield "no identifier", made(good, identifier=[{"system": MARK, "value": NAME}])
    yield "meta", made(good, meta={"profile": [NAME]}, status=NAME, started=NAME)
    yield "twice", made(good, {"url": "status", "valueCode": NAME})
    yield "no type", {"name": NAME}
    yield "Patient", {"resourceType": "Patient", "name": [{"text": NAME}]}
    yield "Bundle", {"resourceType": "Bundle", "entry": [{"resource": made(good)}, NAME, {NAME: 1}]}


ALL = {
    "dicom": list(data_sets()),
    "hl7": list(messages()),
    "fhir": list(resources()),
}
INTO = {name: documents[0][1] for name, documents in ALL.items()}
CASES = [
    pytest.param(name, document, id=f"{name}-{about}")
    for name, documents in ALL.items()
    for about, document in documents
]


@pytest.fixture(autouse=True)
def _logged(capsys):  # what is logged is captured too
    log.configure(json=True, level="debug")
    yield
    structlog.reset_defaults()


def searched(*texts):
    for text in texts:
        found = text.decode("latin-1") if isinstance(text, bytes) else str(text)
        assert MARK not in found.upper()
        assert "19010203" not in found


def told(call, data, **context):
    """Run something, and spell what it has to say in every way there is."""
    try:
        result = call()
    except DocumentError as error:
        log.report(error, **context)
        searched(error, repr(error.issues), operation_outcome(error.issues))
        searched(negative(data, error))
        return None
    log.report(result, **context)
    searched(repr(result.issues), operation_outcome(result.issues))
    if not any(issue.severity == FATAL for issue in result.issues):
        for reject in (False, True):
            searched(acknowledge(INTO["hl7"], result.issues, reject=reject))
    return result


@pytest.mark.parametrize(("name", "document"), CASES)
def test_no_marker_appears(name, document, capsys, caplog):
    caplog.set_level("DEBUG")
    own = codec(name)
    data = document if name == "hl7" else b""
    options = {"validate": True} if name == "fhir" else {}
    result = told(lambda: own.decode(document, **options), data, source=name)
    given = result.value if result else ()
    told(lambda: own.encode(given, document, **options), data, source=name, target=name)
    for target in FORMATS:
        for into in (None, INTO[target]):
            for link in (None, Link(secure=True, authenticated=True, conforms=True)):
                carry = transformer(name, target)
                log_as = {"source": name, "target": target, "channel": NAME}
                told(lambda c=carry, i=into, k=link: c(document, i, link=k), data, **log_as)
    other = "hl7" if name != "hl7" else "fhir"
    told(lambda: transformer(other, name)(INTO[other], document), b"", source=other)
    captured = capsys.readouterr()
    assert "transformation" in captured.err or "fatal" in captured.err
    searched(captured.out, captured.err, caplog.text)


@pytest.mark.parametrize("data", [d for _, d in ALL["dicom"]], ids=[a for a, _ in ALL["dicom"]])
def test_no_marker_appears_of_a_data_set_in_memory(data, capsys, caplog):
    try:
        with warnings.catch_warnings(action="ignore"):  # the caller's reading is the caller's
            dataset = pydicom.dcmread(io.BytesIO(data))
            repr(dataset)
    except Exception:  # what pydicom raises on a broken file is not one family
        return
    caplog.clear()
    result = told(lambda: DICOM.decode(dataset), b"")
    told(lambda: DICOM.encode(result.value if result else (), dataset), b"")
    for name in FORMATS:
        told(lambda n=name: transformer("dicom", n)(dataset), b"")
        told(lambda n=name: transformer(n, "dicom")(INTO[n], dataset), b"")
    captured = capsys.readouterr()
    searched(captured.out, captured.err, caplog.text)


@pytest.mark.parametrize(("name", "document"), CASES)
def test_the_command_line(name, document, tmp_path, capsys, caplog):
    data = json.dumps(document).encode() if name == "fhir" else document
    source = tmp_path / "document"
    source.write_bytes(data)
    for target in FORMATS:
        into = tmp_path / f"into-{target}"
        content = INTO[target]
        into.write_bytes(json.dumps(content).encode() if target == "fhir" else content)
        for more in ([], ["--trusted-link"], ["--strict"], ["--validate"]):
            for onto in ([], ["--into", str(into)]):
                main(["convert", str(source), "--to", target, "-o", str(tmp_path / "out"),
                      *onto, *more])  # fmt: skip
    captured = capsys.readouterr()
    searched(captured.out, captured.err, caplog.text)
    for more in ([], ["--json"]):  # what it shows on standard output is the document's own
        main(["show", str(source), *more])
    searched(capsys.readouterr().err)


def test_the_markers_are_in_the_documents():
    """Else the tests above could not fail."""
    for documents in ALL.values():
        for _, document in documents[:1]:
            assert str(document).upper().count(MARK) > 5
    (statement,) = codec("hl7").decode(INTO["hl7"]).value
    assert MARK in str(statement)
