"""HL7 rows: one ZDS into ORU of growing size, and decoding many ZDS; all data is synthetic."""

import hl7
import hl7_tea
import hl7kit
import medforge
from hl7apy.parser import parse_message
from sopstatus import SOPInstance, codec

from bench.harness import OURS, Row

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
ENCODED = (
    "By instructions, 1.6 KB: the header and the places of orders are 40 %, the segment itself 40 %, the look for "
    "orders and results that are taken back 20 %, which is new since the aim was set. In 515 KB the start of "
    "every one of 5,800 segments is looked at, by one pattern; merely to count the segment ends (`bytes.count`) "
    "takes nine copies."
)
DECODED = (
    "What segments say of the study, series and class, and behind ZDS-4, is read once where it is equal to that of "
    "another segment of the call (64 of each are remembered). By instructions of what is left, all different: finding "
    "the segments a ninth, cutting and looking at the UIDs two thirds, making the statements in Python's own objects "
    "most of the rest. hl7-tea and medforge cut fields, and check and unescape nothing."
)
COPY = "a copy of the bytes"
PLAIN = "a comment without"
COMMENT, IDS = "SOPAuthorizationComment", ("1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1")
SLOW = 400_000  # bytes; hl7apy takes minutes for more


def message(observations):
    """An ORU with so many OBX and no ZDS."""
    return (HEAD + "".join(OBX.format(n) for n in range(1, observations + 1))).encode()


def rows():
    """Yield the rows; the peers parse, append the same segment and print again."""
    under = codec("hl7")
    for observations in (16, 5800):
        data = message(observations)
        exact = under.encode([STATEMENT], data).value
        segment = exact[exact.index(b"ZDS|") :].decode().rstrip("\r")
        yield _encode(under, data, exact, segment)
    for size, aim, uids in (
        ("3,000 ZDS of one study", 30.0, lambda n: ("1.2.3", "1.2.3.1")),
        ("3,000 ZDS, all different", 18.0, lambda n: (f"1.2.3.{n}", f"1.2.3.{n}.1")),
    ):
        many = [
            SOPInstance(*uids(n), "", f"{uids(n)[1]}.{n}", "", ATTRIBUTES) for n in range(1, 3001)
        ]
        yield _decode(under, under.encode(many, message(16)).value, size, aim)
    yield _escaped(under)


def _escaped(under):
    """A comment with one escaped character beside the same without."""
    plain, odd = (
        under.encode(
            [SOPInstance(*STATEMENT.identity[:2], *IDS, "", {**ATTRIBUTES, COMMENT: text})],
            message(16),
        ).value
        for text in ("released for diagnosis", "released & for diagnosis")
    )
    assert b"\\T\\" in odd
    contenders = {OURS: lambda: under.decode(odd), PLAIN: lambda: under.decode(plain)}
    return Row(
        "HL7: a comment with one escaped character", "1.6 KB", contenders, {PLAIN: 1 / 1.3},
        limits=frozenset([PLAIN]),
    )  # fmt: skip


def _decode(under, data, size, aim):

    def python_hl7():
        return [[str(f) for f in s] for s in hl7.parse(data.decode()).segments("ZDS")]

    def medforge_fields():
        found = medforge.parse(data.decode()).segments_by_name("ZDS")
        return [[f.value for f in s.fields] for s in found]

    def tea():
        return [segment.fields for segment in hl7_tea.Message(data.decode()).get_segments("ZDS")]

    contenders = {
        OURS: lambda: under.decode(data),
        "python-hl7": python_hl7,
        "hl7-tea": tea,
        "medforge (Rust)": medforge_fields,
    }
    return Row(
        "HL7: decode every ZDS", size, contenders, {"python-hl7": aim},
        note=DECODED, shown="3,000 ZDS, all different, read" if "different" in size else "",
    )  # fmt: skip


def _encode(under, data, exact, segment):
    def python_hl7():
        return str(hl7.parse(data.decode())) + segment + "\r"

    def hl7apy():
        parsed = parse_message(data.decode(), find_groups=False)
        return parsed.to_er7() + "\r" + segment + "\r"

    def tea():
        parsed = hl7_tea.Message(data.decode())
        parsed.add_segment(segment)
        return parsed.content + "\r"

    def kit():  # reads only
        return hl7kit.parse(data).raw() + segment.encode() + b"\r"

    def forge():  # reads only
        return medforge.parse(data.decode()).raw + segment + "\r"

    contenders = {
        OURS: lambda: under.encode([STATEMENT], data).value,
        "hl7apy": hl7apy,
        "python-hl7": python_hl7,
        "hl7-tea": tea,
        "hl7kit (Rust)": kit,
        "medforge (Rust)": forge,
        COPY: lambda: bytes(bytearray(data)),
    }
    aims = {"hl7-tea": 1.0}
    if len(data) < 10_000:
        aims |= {"hl7apy": 2000.0, "python-hl7": 80.0, "hl7kit (Rust)": 4.0, "medforge (Rust)": 4.0}
    if len(data) > SLOW:
        del contenders["hl7apy"]
        aims[COPY] = 0.25
    size = f"{len(data) / 1000:,.1f} KB"
    work = "HL7: encode one ZDS"
    return Row(
        work,
        size,
        contenders,
        aims,
        exact,
        limits=frozenset([COPY]),
        note=ENCODED,
        shown="one ZDS into a message of 1.6 KB" if len(data) < 10_000 else "",
    )
