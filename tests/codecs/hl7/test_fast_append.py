"""One new statement behind one message: exactly what it is taken for, and everything it is not."""

import pytest
from sopstatus import SOPInstance, codec
from sopstatus.codecs.hl7.fast_append import appended

ROWS = codec("hl7").tables.segments
X = SOPInstance("1.2.3", attributes={"SOPInstanceStatus": "AO"})
HEAD = b"MSH|^~\\&|A|B|||20240101||%s|1|P|2.5.1\r"
PLAIN = HEAD % b"ORU^R01" + b"PID|1\rOBR|1\r"
ZDS = b"ZDS|1.2.3^^Application^DICOM||||AO^Authorized Original^99SOPSTATUS\r"


@pytest.mark.parametrize(
    "document", [PLAIN, HEAD % b"ADT^A08", HEAD % b"ORU^R01" + b"PID|1\rORC|1\rOBR|1\rOBX|1\r"]
)
def test_the_statement_stands_behind_the_last_segment(document):
    assert appended(document, X, ROWS) == document + ZDS
    assert codec("hl7").encode([X], document).value == document + ZDS


@pytest.mark.parametrize(
    "document",
    [
        PLAIN[:-1],  # does not end with its last segment
        PLAIN.replace(b"\r", b"\n"),
        PLAIN.replace(b"\r", b"\r\n"),
        PLAIN + PLAIN,
        PLAIN + b"OBR|2\r",
        PLAIN + ZDS,
        PLAIN + b"DSC|1\r",
        PLAIN + b"BTS|1\r",
        PLAIN + b"FTS|1\r",
        PLAIN + b"\x1c\r",
        PLAIN + b"\x0bZZZ|1\r",
        PLAIN + b"ZZZ|1\x0b\r",
        PLAIN + b"\r",
        b"FHS|^~\\&\r" + PLAIN,
        *(HEAD % kind + b"ORC|1\rOBR|1\r" for kind in (b"ORM^O01", b"OMG^O19", b"OMI^O23")),
        HEAD % b"MDM^T02",
        PLAIN.replace(b"^~\\&", b"^^^^"),
        PLAIN.replace(b"2.5.1", b"2.5.1||||||NONSENSE"),
        b"",
    ],
)
def test_another_document_is_looked_at_more_closely(document):
    assert appended(document, X, ROWS) is None


@pytest.mark.parametrize(
    "new",
    [
        SOPInstance("1.2.3"),
        SOPInstance("", attributes=X.attributes),
        SOPInstance("1.2.x", attributes=X.attributes),
        SOPInstance("1.02.3", attributes=X.attributes),
        SOPInstance("1.2.3", attributes={"SOPInstanceStatus": "QQ"}),
    ],
)
def test_another_statement_is_looked_at_more_closely(new):
    assert appended(PLAIN, new, ROWS) is None


def test_tables_with_another_segment_are_looked_at_more_closely():
    (rows,) = ROWS.values()
    assert appended(PLAIN, X, {**ROWS, "ZZZ": rows}) is None
    assert appended(PLAIN, X, {}) is None
