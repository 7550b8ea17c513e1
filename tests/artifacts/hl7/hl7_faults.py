"""What can be wrong with a message of ours, and the words of who says so for the right reason."""

STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"


def replaced(old, new):
    def change(text):
        assert old in text
        return text.replace(old, new)

    return change


def zds_of(text):
    return next(line for line in text.split("\r") if line.startswith("ZDS"))


def moved(before):
    def change(text):
        zds = zds_of(text)
        return text.replace(f"{zds}\r", "").replace(f"\r{before}", f"\r{zds}\r{before}")

    return change


FAULTS = {
    "unknown-code": (replaced("|AO^", "|XX^"), {"hl7types": "not in table Z0410"}),
    "lower-case-code": (replaced("|AO^", "|ao^"), {"hl7types": "not in table Z0410"}),
    "no-study": (
        replaced(f"ZDS|{STUDY}^^Application^DICOM", "ZDS|"),
        {"hl7types": "zds_1\n  Field required"},
    ),
    "no-pointer": (
        replaced(f"ZDS|{STUDY}^", "ZDS|^"),
        {"hl7types": "rp_1\n  Field required"},
    ),
    "date-of-fhir": (
        replaced("|20240115103015+0100", "|2024-01-15"),
        {"hl7apy": "is not an HL7 valid date value"},
    ),
    "six-digits": (
        replaced("|20240115103015+0100", "|20240115103015.123456+0100"),
        {"hl7apy": "is not an HL7 valid date value"},
    ),
    "two-status": (
        replaced("99SOPSTATUS|", "99SOPSTATUS~AC|"),
        {"hl7apy": "ZDS_5 (SOP_INSTANCE_STATUS) of type CWE>: max limit (1)"},
    ),
    "components-in-st": (
        replaced("SYN-CERT-4711", "SYN^CERT"),
        {"hl7apy": "AUTHORIZATION_EQUIPMENT_CERTIFICATION_NUMBER) of type ST"},
    ),
    "too-long": (
        replaced("SYN-CERT-4711", "S" * 200),
        {"hl7apy": "exceed the max length: 199", "hl7types": "at most 199 characters"},
    ),
    "long-uid": (
        replaced("1.2.840.10008.5.1.4.1.1.2|", f"1.{'2' * 63}|"),
        {"hl7types": "zds_3\n  String should have at most 64 characters"},
    ),
    "other-place": (
        moved("PID"),
        {"hl7apy": "Missing required child ORU_R01_ORDER_OBSERVATION.OBR"},
    ),
}
