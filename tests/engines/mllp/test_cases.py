"""What senders do, one case a test: our listener beside those of python-hl7 and hl7apy.

What the others do is shown as it is; where they change, the row changes.
"""

import pytest
from engines.running import Client, codes, message, ours, peer
from sopstatus.engines.mllp.frame import frame


@pytest.fixture(scope="module")
def ports():
    with ours() as a, peer("python-hl7") as b, peer("hl7apy") as c:
        yield {"sopstatus": a.port, "python-hl7": b.port, "hl7apy": c.port}


def long(size):
    text = message()
    return (text + "OBX|1|TX|||" + "x" * (size - len(text)) + "\r").encode()


PLAIN = message().encode()
CASES = {  # what is sent; the codes of what comes back from ours, python-hl7 and hl7apy
    "plain": (frame(PLAIN), "AA", "AA", "AA"),
    "UTF-8": (frame(message(name="MÜLLER^患者").encode()), "AA", "", "AA"),
    "Latin-1": (frame(message(name="MÜLLER", extra="|" * 6 + "8859/1").encode("latin-1")), "AA", "", ""),
    "70 KB": (frame(long(70_000)), "AA", "", "AA"),
    "2 MB": (frame(long(2 << 20)), "AA", "", None),  # hl7apy: quadratic, no answer in 20 s
    "two blocks in one write": (frame(PLAIN) * 2, "AA AA", "AA AA", "AA"),
    "LF between blocks": (frame(PLAIN) + b"\n" + frame(PLAIN), "AA AA", "AA", "AA"),
    "CR LF between blocks": (frame(PLAIN) + b"\r\n" + frame(PLAIN), "AA AA", "AA", "AA"),
    "a blank line": (frame(PLAIN.replace(b"PID", b"\rPID")), "AA", "", ""),
    "a blank line at the end": (frame(PLAIN + b"\r"), "AA", "AA", ""),
    "garbage": (b"hello\r", "AR", "", ""),
    "garbage in a block": (frame(b"hello\r"), "AR", "", ""),
    "an empty block": (frame(b""), "AR", "", ""),
    "an unknown type": (frame(message(kind="XYZ^Z99").encode()), "AA", "AA", ""),
    "no CR at the end": (frame(PLAIN)[:-1], "AA", "", ""),
    "a status that is no term": (frame(message(status="XX").encode()), "AE", "AA", "AA"),
}  # fmt: skip


SERVERS = ("sopstatus", "python-hl7", "hl7apy")
ROWS = [
    (case, server, sent, told)
    for case, (sent, *expected) in CASES.items()
    for server, told in zip(SERVERS, expected, strict=True)
    if told is not None
]


@pytest.mark.parametrize(
    ("case", "server", "sent", "told"), ROWS, ids=[" ".join(r[:2]) for r in ROWS]
)
def test_case(case, server, sent, told, ports):
    # more is waited for than is expected, so that what is missing is seen to be missing
    waits = server != "sopstatus"
    with Client(ports[server]) as client:
        client.send(sent)
        found = client.answers(max(len(told.split()), 1), timeout=1.5 if waits else 20)
        found += client.answers(1, timeout=0.1)
    assert [code for code, _ in codes(found)] == told.encode().split()


@pytest.mark.parametrize("server", SERVERS)
def test_byte_by_byte(server, ports):
    with Client(ports[server]) as client:
        for byte in frame(PLAIN):
            client.send(bytes([byte]))
        assert codes(client.answers(1)) == [(b"AA", b"77")]


@pytest.mark.parametrize(
    ("server", "answered"), [("sopstatus", 5), ("python-hl7", 5), ("hl7apy", 1)]
)
def test_many_messages_a_connection(server, answered, ports):
    with Client(ports[server]) as client:
        for n in range(answered):
            client.send(frame(message(control_id=n).encode()))
            assert codes(client.answers(1)) == [(b"AA", b"%d" % n)]
        if answered < 5:
            assert client.answers(1) == []  # it has closed
