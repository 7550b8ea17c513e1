"""HL7 rows: one ZDS into an ORU of two sizes, and decoding many ZDS; all data is synthetic."""

import hl7
from hl7apy.parser import parse_message
from sopstatus import SOPInstance, codec

from bench.harness import Row

ATTRIBUTES = {
    "SOPInstanceStatus": "AO",
    "SOPAuthorizationDateTime": "20240102030405.1234+0100",
    "SOPAuthorizationComment": "released for diagnosis",
}
STATEMENT = SOPInstance(
    "1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1", "", ATTRIBUTES
)
HEAD = (
    "MSH|^~\\&|RIS|H|PACS|H|20240102030405||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8\r"
    "PID|1||4711^^^H^MR||DOE^JANE||19700101|F\rORC|RE|1|2\rOBR|1||A|CT^C^L|||20240102030405\r"
)
OBX = "OBX|{}|NM|8867-4^Heart rate^LN||72|/min^^UCUM|60-100|N|||F|||20240102030405+0100||||||\r"


def message(observations):
    """An ORU with so many OBX and no ZDS."""
    return (HEAD + "".join(OBX.format(n) for n in range(1, observations + 1))).encode()


def rows():
    """Yield the rows; the peers parse, append the same segment and print again."""
    under = codec("hl7")
    for size in (11, 5000):
        data = message(size)
        exact = under.encode([STATEMENT], data).value
        segment = exact[exact.index(b"ZDS|") :].decode().rstrip("\r")

        def python_hl7(data=data, segment=segment):
            return str(hl7.parse(data.decode())) + segment + "\r"

        def hl7apy(data=data, segment=segment):
            parsed = parse_message(data.decode(), find_groups=False)
            return parsed.to_er7() + "\r" + segment + "\r"

        contenders = {
            "sopstatus": lambda data=data: under.encode([STATEMENT], data),
            "python-hl7": python_hl7,
            "a copy of the bytes": lambda data=data: bytes(bytearray(data)),
        }
        aims = {"python-hl7": 80.0, "a copy of the bytes": 0.25}
        if size < 100:
            contenders["hl7apy"], aims["hl7apy"] = hl7apy, 2000.0
        yield Row("encode one ZDS", f"{len(data)} bytes", len(data), contenders, aims)
    many = [
        SOPInstance("1.2.3", "1.2.3.1", "", f"1.2.3.1.{n}", "", ATTRIBUTES) for n in range(1, 3001)
    ]
    data = under.encode(many, message(11)).value

    def all_fields():
        return [[str(f) for f in s] for s in hl7.parse(data.decode()).segments("ZDS")]

    contenders = {"sopstatus": lambda: under.decode(data), "python-hl7": all_fields}
    yield Row("decode all ZDS", "3000 ZDS", 3000, contenders, {"python-hl7": 20.0})
