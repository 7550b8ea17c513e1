"""Which answers a message gets: both modes, and what is no message."""

import pytest
from engines.running import codes, message
from sopstatus.catalogue import document_error
from sopstatus.engines.mllp.answer import answers, fault, header, refusal
from sopstatus.engines.mllp.frame import NOT_FRAMED, TOO_LARGE, Block
from sopstatus.model import Issue

ERROR = [Issue("error", "value/unknown-term", "ZDS[1]-5", "x")]
MODES = [  # MSH-15, MSH-16; what is told of success, an error, trouble (HL7 v2 2.9.3, table 0155)
    ("", "", "AA", "AE", "AR"),
    ("AL", "AL", "CA AA", "CE", "CR"),
    ("AL", "NE", "CA", "CE", "CR"),
    ("AL", "", "CA", "CE", "CR"),
    ("NE", "AL", "AA", "AE", "AR"),
    ("", "AL", "AA", "AE", "AR"),
    ("NE", "NE", "", "", ""),
    ("ER", "SU", "AA", "CE", "CR"),
    ("SU", "ER", "CA", "AE", "AR"),
    ("ER", "ER", "", "CE", "CR"),
    ("SU", "SU", "CA AA", "", ""),
]


@pytest.mark.parametrize(("accept", "application", "good", "bad", "trouble"), MODES)
def test_modes(accept, application, good, bad, trouble):
    data = message(extra=f"|||{accept}|{application}").encode()
    for issues, reject, expected in ([], False, good), (ERROR, False, bad), (ERROR, True, trouble):
        found = codes(answers(data, issues, reject=reject))
        assert found == [(code.encode(), b"77") for code in expected.split()]
        one = codes(answers(data, issues, reject=reject, only_one=True))
        assert one == found[:1]
    assert header(data).wants_success is bool(good)


def test_an_acknowledgment_is_not_acknowledged():
    ack = b"MSH|^~\\&|A|B|C|D|2024||ACK^R01|9|P|2.5\rMSA|AA|77\r"
    assert answers(ack) == []
    asks = ack.replace(b"2.5", b"2.5|||AL")
    assert codes(answers(asks)) == [(b"CA", b"9")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|77|P|2.5|||AL|NE\r",
            ("ORU", ("A", "B"), b"77", "AL", "NE"),
        ),
        (
            b"\r\nMSH$%~\\&$A$B$C$D$2024$$ORU%R01$ 77 $P$2.5$$$ al \r",
            ("ORU", ("A", "B"), b"77", "AL", ""),
        ),
        (b"FHS|^~\\&\rMSH|^~\\&|A|B|C|D|2024||ORU|77\r", ("ORU", ("A", "B"), b"77", "", "")),
        (b"MSH", ("", ("", ""), b"", "", "")),
        (b"hello", ("", ("", ""), b"", "", "")),
        (b"", ("", ("", ""), b"", "", "")),
    ],
)
def test_header(data, expected):
    assert header(data) == expected


@pytest.mark.parametrize(
    ("data", "error", "code"),
    [
        (b"hello", document_error("hl7/no-msh", ""), "AR"),
        (b"", document_error("document/empty", ""), "AR"),
        (b"", fault(Block(b"", NOT_FRAMED, 0), 9), "AR"),
        (b"MSH|^~\\&|||||||||P", fault(Block(b"MSH", TOO_LARGE, 10), 9), "AE"),
    ],
)
def test_what_cannot_be_read_is_refused(data, error, code):
    ((found, _),) = codes(refusal(data, error))
    assert found.decode() == code
