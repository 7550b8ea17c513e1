"""The orders of a message: where each begins and ends, what study it names, where a segment goes."""

import pytest
from sopstatus.codecs.hl7.orders import last_segment, orders
from sopstatus.codecs.hl7.outline import messages


def message(*lines, kind="ORU^R01", end="\r", term=""):
    head = rf"MSH|^~\&|A|B|||20240101||{kind}|1|P|2.5.1||||||{term}"
    document = end.join([head, *lines, ""]).encode("utf-8")
    return messages(document, "", ("ZDS",))[0]


def texts(item):
    """Return the lines of each order."""
    found = orders(item)
    assert all(o.kind == item.kind and o.message is item for o in found)
    return [item.document[o.start : o.end].decode().split() for o in found]


@pytest.mark.parametrize(
    ("lines", "cut"),
    [
        ("PID| ORC|1 OBR|1 OBX|", ["ORC|1 OBR|1 OBX|"]),
        ("PID| OBR|1 OBX| OBR|2 OBX|", ["OBR|1 OBX|", "OBR|2 OBX|"]),
        ("ORC|1 OBR|1 ORC|2 OBR|2", ["ORC|1 OBR|1", "ORC|2 OBR|2"]),
        ("ORC|1 OBR|1 OBR|2", ["ORC|1 OBR|1", "OBR|2"]),
        ("ORC|1 ZDS|x OBR|1", ["ORC|1 ZDS|x OBR|1"]),
        ("OBR|1 ORC|2", ["OBR|1", "ORC|2"]),
        ("PID|1 OBR|1 PID|2 OBR|2", ["OBR|1", "OBR|2"]),
        ("PID|1 OBR|1 PID|2 NTE|", ["OBR|1"]),
        ("ORC|1 PID|2 OBR|2 OBX|", ["ORC|1"]),  # the OBR is that of the ORC
    ],
)
def test_a_message_is_cut_into_its_orders(lines, cut):
    assert texts(message(*lines.split(" "))) == [order.split(" ") for order in cut]


@pytest.mark.parametrize(("kind", "count"), [("MDM^T02", 1), ("ORU", 2)])
def test_a_document_message_is_one_order(kind, count):
    assert len(texts(message("OBR|1", "OBR|2", kind=kind))) == count


def test_a_message_without_an_order_is_one():
    item = message("PID|1", "PID|2")
    (only,) = orders(item)
    assert (only.start, only.end) == (item.start, item.end)


@pytest.mark.parametrize(
    ("lines", "studies"),
    [
        ("ZDS|1.2^^Application^DICOM|1.2.3", {"1.2"}),
        ("IPC|A|B|1.2^^ISO|X", {"1.2"}),
        ("OBX|1|ST|113014^DICOM^DCM||1.2", {"1.2"}),
        ("OBX|1|HD|110180^X^DCM||1.2^^ISO", {"1.2"}),
        ("OBX|1|ST|113014||1.2 OBX|2|ST|110180||1.3 ZDS|1.4", {"1.2", "1.3", "1.4"}),
        ("OBX|1|ST|113014~x||1.2~1.3 ZDS|1.4^~1.5", {"1.2", "1.4"}),
        ("OBX|1|ST|OTHER||113014", set()),
        ("OBX|1|ST|OTHER||113014 OBX|2|ST|113014||1.2", {"1.2"}),
        ("OBX|113014|113014|OTHER|113014|1.9 OBX|2|ST|113014||1.2", {"1.2"}),
        ("NTE|1|ST|113014||1.2", set()),
        ("OBX|1|ST|113014", set()),
        ("ZDS IPC| OBX|1|ST|113014||", set()),
        ("ZDS|1.2\\XC3A9\\", {"1.2é"}),
        ("OBX|1|ST|é113014||1.9 OBX|2|ST|113014|é|1.2", {"1.2"}),
    ],
)
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\x0b"])
def test_the_studies_that_an_order_names(lines, studies, end):
    item = message("ORC|1", *lines.split(" "), "ORC|2", "ZDS|1.9", end=end, term="UNICODE UTF-8")
    first, second = orders(item)
    assert (first.studies, second.studies) == (studies, {"1.9"})
    assert first.studies is first.studies


def behind(item, number=0, name="ZDS"):
    span = orders(item)[number].anchor(name)
    return item.document[span.start : span.end].decode()


@pytest.mark.parametrize(
    ("kind", "lines", "anchor"),
    [
        ("ORU", "ORC|1 OBR|1 OBX|1 NTE|1", "NTE|1"),
        ("ORU", "OBR|1 OBX|1 DSC|1", "OBX|1"),
        ("ORM", "ORC|1 OBR|1 NTE|1 OBX|1 NTE|2", "NTE|1"),
        ("ORM", "ORC|1 OBR|1 DG1|1 NTE|1", "OBR|1"),
        ("ORM", "ORC|1 OBR|1 DG1|1 NTE|1 OBR|2", "OBR|1"),
        ("ORM", "ORC|1 OBR|1 OBX|1 ZDS|1", "ZDS|1"),
        ("ORM", "ORC|1 ZXX|1", "ORC|1"),
        ("OMG", "ORC|1 TQ1|1 TQ2|1 OBR|1 ZXX|1", "OBR|1"),
        ("OMI", "ORC|1 OBR|1 OBX|1 IPC|1 ZXX|1", "IPC|1"),
        ("OMI", "ORC|1 OBR|1 OBX|1 NTE|2 ZXX|1", "NTE|2"),
        ("MDM", "TXA|1 OBX|1 NTE|1 ZXX|1", "NTE|1"),
        ("MDM", "EVN|1 PV1|1", "PV1|1"),
        ("MDM", "EVN|1 PV1|1 BTS|1", "PV1|1"),
        ("ADT", "PV1|1 ZXX|1", "ZXX|1"),
    ],
)
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_where_a_new_segment_goes(kind, lines, anchor, end):
    assert behind(message(*lines.split(" "), kind=kind, end=end)) == anchor


def test_an_order_without_anything_to_stand_behind():
    item = message("PID|1", "ZXX|1", kind="ORM")
    assert behind(item).startswith("MSH")
    item = message("PID|1", "ZXX|1", "ZDX|2", kind="ORM")
    (order,) = orders(item)
    places = [order.anchor(name).start for name in ("ZDX", "ZDS", "ZDX")]
    assert places[0] == places[2] == item.document.index(b"ZDX")
    assert places[1] == 0


@pytest.mark.parametrize("tail", ["", "\r", "\x1c\r", "\r\x1c\r", "\r\n\r\n", "\rBTS|1\rFTS|1\r"])
@pytest.mark.parametrize("last", ["PID|1", "\x0bPID|12", "Z"])
def test_the_last_segment_of_a_message(tail, last):
    head = rb"MSH|^~\&|A"
    for lead in (b"", b"\x0b"):
        document = lead + head + b"\r" + last.encode() + tail.encode()
        (item,) = messages(document, "", ())
        span = last_segment(item, item.start, item.end)
        assert document[span.start : span.end].decode() == last.strip("\x0b")
        assert document[span.end : span.after].decode() in ("", "\r", "\r\n", "\x1c\r")
    for end in (b"\n", b"\r\n"):
        document = end.join([head, b"PID|", last.encode(), b""])
        (item,) = messages(document, "", ())
        span = last_segment(item, item.start, item.end)
        assert document[span.start : span.end].decode() == last.strip("\x0b")
