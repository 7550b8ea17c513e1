"""Where a ZDS goes, and the one that an order may have."""

import pytest
import sopstatus
from samples_of import ROOT
from sopstatus import SOPInstance, codec, expand
from sopstatus.codecs.hl7_xml import of_er7

HL7 = codec("hl7")
STUDY, CLASS = "1.2.3", "1.2.840.10008.5.1.4.1.1.2"


def instance(number, status="AO", study=STUDY, **more):
    return SOPInstance(
        study,
        f"{study}.1",
        CLASS,
        f"{study}.1.{number}",
        attributes={"SOPInstanceStatus": status},
        **more,
    )


def message(*lines, kind="ORU^R01"):
    return "\r".join([rf"MSH|^~\&|A|B|||20240101||{kind}|1|P|2.5.1", "PID|1", *lines, ""]).encode()


def names(data):
    return [line[:3].decode() for line in data.split(b"\r") if line]


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("ORU^R01", "ORC OBR OBX NTE", "ORC OBR OBX NTE ZDS"),
        ("ORU^R01", "OBR OBX OBX DSC", "OBR OBX OBX ZDS DSC"),
        ("ORU^R01", "OBR OBX PID OBR OBX", "OBR OBX PID OBR OBX ZDS"),
        ("ORM^O01", "ORC OBR NTE OBX", "ORC OBR NTE ZDS OBX"),
        ("ORM^O01", "ORC OBR", "ORC OBR ZDS"),
        ("OMG^O19", "ORC OBR NTE DG1 OBX", "ORC OBR NTE ZDS DG1 OBX"),
        ("OMI^O23", "ORC OBR TQ1", "ORC OBR TQ1 ZDS"),
        ("MDM^T02", "EVN PV1 TXA OBX OBX ZXX", "EVN PV1 TXA OBX OBX ZDS ZXX"),
        ("MDM^T11", "TXA", "TXA ZDS"),
        ("ADT^A08", "EVN PV1", "EVN PV1 ZDS"),
        ("ZZZ", "QQQ", "QQQ ZDS"),
    ],
)
def test_position(kind, before, after):
    document = message(*(f"{name}|" for name in before.split()), kind=kind)
    out = HL7.encode([instance(1)], document)
    assert names(out.value) == ["MSH", "PID", *after.split()]
    assert not [i for i in out.issues if i.severity == "error"]


def of_zsi(folder):
    """Return the codec of a site whose segment has another name."""
    own = (ROOT / "mappings/sop-instance-status.toml").read_text().replace('"ZDS"', '"ZSI"')
    (folder / "sop-instance-status.toml").write_text(own)
    return codec("hl7", tables=sopstatus.load_tables(folder))


@pytest.mark.parametrize("kind", ["OMI^O23", "ORU^R01", "ORM^O01", "ADT^A08"])
def test_no_new_segment_stands_beside_an_ipc(kind, tmp_path):
    """dcm4chee takes both for the worklist, and the later one replaces what the other says."""
    ipc = f"IPC|A-1^RIS|P-1^RIS|{STUDY}^^{STUDY}^ISO|S-1^RIS|MR"
    document = message("ORC|NW", "OBR|1", ipc, kind=kind)
    wide = SOPInstance(STUDY, attributes={"SOPInstanceStatus": "AO"})
    out = HL7.encode([wide], document)
    assert out.value == document
    assert [i.code for i in out.issues if i.is_error] == ["hl7/ipc"]
    assert HL7.studies(document) == [STUDY]
    xml = of_er7(document)
    told = codec("hl7-xml").encode([wide], xml)
    assert (told.value, [i.code for i in told.issues]) == (xml, ["hl7/ipc"])

    stands = document + f"ZDS|{STUDY}^^Application^DICOM||||OR^Original^99SOPSTATUS\r".encode()
    changed = HL7.encode([wide], stands).value
    assert HL7.decode(changed).value == (wide,)
    assert names(changed) == names(stands)
    gone = HL7.encode([SOPInstance(STUDY)], stands)
    assert not HL7.decode(gone.value).value
    assert not gone.issues

    other = of_zsi(tmp_path).encode([wide], document)
    assert "ZSI" in names(other.value)
    assert not other.issues


def test_a_site_may_say_end_of_message(tmp_path):
    (tmp_path / "site.toml").write_text('hl7-position = "message"')
    tables = sopstatus.load_tables(tmp_path)
    document = message("OBR|1", f"OBX|1|ST|113014^DICOM Study^DCM||{STUDY}", "OBR|2", "ZXX|")
    out = codec("hl7", tables=tables).encode([instance(1)], document).value
    assert names(out)[-1] == "ZDS"


@pytest.mark.parametrize(
    "evidence",
    [
        f"OBX|1|ST|113014^DICOM Study^DCM||{STUDY}",
        f"IPC|A|B|{STUDY}^^ISO",
        f"OBX|1|HD|110180^X^DCM||{STUDY}",
    ],
)
def test_of_several_orders_the_one_that_names_the_study(evidence, tmp_path):
    document = message("ORC|1", "OBR|1", evidence, "ORC|2", "OBR|2", "OBX|1|TX|||x")
    assert names(of_zsi(tmp_path).encode([instance(1)], document).value)[5] == "ZSI"


def test_of_several_messages_the_one_that_names_the_study():
    two = message("OBR|1", "OBX|1|ST|113014^^DCM||9.9") + message(
        "OBR|1", f"OBX|1|ST|113014^^DCM||{STUDY}"
    )
    out = HL7.encode([instance(1)], two).value
    assert out.startswith(two) and out.endswith(b"\r")
    refused = HL7.encode([instance(1, study="1.5")], two)
    assert refused.value == two
    assert [i.code for i in refused.issues] == ["hl7/no-counterpart"]


class TestOrderMessages:
    ORDER = message("ORC|NW", "OBR|1", f"ZDS|{STUDY}^^Application^DICOM", kind="ORM^O01")
    BARE = message("ORC|NW", "OBR|1", kind="ORM^O01")

    @pytest.mark.parametrize("document", [ORDER, BARE])
    def test_all_instances_say_the_same(self, document):
        xs = [instance(1), instance(2)]
        out = HL7.encode(xs, document, known=xs)
        assert names(out.value).count("ZDS") == 1
        assert f"ZDS|{STUDY}^^Application^DICOM||||AO^".encode() in out.value
        assert [i.code for i in out.issues] == ["hl7/rolled-up"]
        assert expand(HL7.decode(out.value).value, xs) == tuple(xs)
        assert HL7.encode(xs, out.value, known=xs).value == out.value

    @pytest.mark.parametrize(
        ("xs", "known"),
        [
            ([instance(1), instance(2, "OR")], [1, 2]),
            ([instance(1)], [1, 2]),  # nothing is known of the second
            ([instance(1, holder="A"), instance(1, holder="B")], [1]),
        ],
    )
    def test_otherwise_it_is_refused_with_a_reason(self, xs, known):
        out = HL7.encode(xs, self.ORDER, known=[instance(n) for n in known])
        assert out.value == self.ORDER
        assert [i.code for i in out.issues] == ["hl7/not-for-the-study"]

    def test_an_order_for_another_study_is_left_alone(self):
        out = HL7.encode([instance(1, study="1.9")], self.ORDER)
        assert out.value == self.ORDER
        assert "hl7/one-per-order" in [i.code for i in out.issues]

    def test_removal_keeps_what_ihe_needs(self):
        xs = [SOPInstance(STUDY, attributes={"SOPInstanceStatus": "AO"}, holder="PACS")]
        out = HL7.encode(xs, self.ORDER).value
        assert b"|PACS" in out
        assert HL7.encode([SOPInstance(STUDY, holder="PACS")], out).value == self.ORDER


def test_removal_drops_the_segment_of_an_instance():
    document = message("OBR|1", "OBX|1")
    out = HL7.encode([instance(1), instance(2)], document).value
    gone = [SOPInstance(*x.identity[:2], "", x.sop_instance_uid) for x in HL7.decode(out).value]
    assert HL7.encode(gone, out).value == document


@pytest.mark.parametrize("terminator", [b"\r", b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_terminators_as_found(terminator, last):
    document = terminator.join([rb"MSH|^~\&|A", b"PID|1", b"OBR|1"]) + (terminator if last else b"")
    out = HL7.encode([instance(1)], document).value
    assert out.startswith(document)
    assert out.endswith(terminator) is last
    assert out.count(terminator) == 3 + last
    assert len(HL7.decode(out).value) == 1


def test_inside_an_mllp_frame():
    for body in (message("OBR|1"), message("OBR|1")[:-1]):
        out = HL7.encode([instance(1)], b"\x0b" + body + b"\x1c\r").value
        assert out.startswith(b"\x0bMSH") and out.endswith(b"\x1c\r")
        assert out.index(b"ZDS|") < out.index(b"\x1c")
        assert HL7.decode(out).value == (instance(1),)


@pytest.mark.parametrize("holder", ["", "PACS"])
def test_an_order_with_two_bare_zds_of_one_study(holder):
    """One is filled, and writing the same again finds it and leaves the other alone."""
    bare = f"ZDS|{STUDY}^^Application^DICOM"
    order = message("ORC|NW", "OBR|1", bare, bare, kind="ORM^O01")
    new = [instance(1, holder=holder)]
    once = HL7.encode(new, order)
    again = HL7.encode(new, once.value)
    assert again.value == once.value
    assert once.value.count(b"AO^Authorized Original") == 1
    assert [i.code for i in again.issues] == ["hl7/rolled-up"]


def test_what_an_order_says_of_a_study_is_replaced():
    order = message("ORC|NW", "OBR|1", kind="ORM^O01")
    first = HL7.encode([instance(1, "OR")], order).value
    second = HL7.encode([instance(1, "AO")], first)
    assert second.value == HL7.encode([instance(1, "AO")], order).value
    assert [i.code for i in second.issues] == ["hl7/rolled-up"]


@pytest.mark.parametrize("uid", [f"{STUDY} ", f"{STUDY}\\X00\\"])
def test_padding_of_a_study_pointer_names_the_study(uid):
    first = message("OBR|1", f"ZDS|{uid}^^Application^DICOM")
    second = message("OBR|1", "OBX|1|ST|113014^DICOM Study^DCM||9.9||||||F")
    assert HL7.studies(first) == [STUDY]
    out = HL7.encode([instance(1)], second + first)
    assert [i.code for i in out.issues] == []
    order = message("ORC|NW", "OBR|1", f"ZDS|{uid}^^Application^DICOM", kind="ORM^O01")
    wide = SOPInstance(STUDY, attributes={"SOPInstanceStatus": "AO"})
    assert not HL7.encode([wide], order).issues
