"""Two sites with one AE Title: nothing is carried from one holder's copy to another's."""

import json

import pytest
from sopstatus import Holder, SOPInstance, codec, load_tables, transformer
from sopstatus.ledger import Ledger

HL7, FHIR = codec("hl7"), codec("fhir")
STATUS = "SOPInstanceStatus"
A, B = Holder("PACS", "1.2.3.4", "ISO"), Holder("PACS", "1.2.3.5", "ISO")
HEAD = (
    "MSH|^~\\&|RIS|H|||20240101||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8\rPID|1\rOBR|1|||CT\r"
)
UIDS = ("1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1")
TERMS = {"AO": "Authorized Original", "NS": "Not Specified", "OR": "Original"}


def zds(status, holder, sop=UIDS[3]):
    study, series, sop_class, _ = UIDS
    pointer, term = f"{study}^^Application^DICOM", f"{status}^{TERMS[status]}^99SOPSTATUS"
    return f"ZDS|{pointer}|{series}|{sop_class}|{sop}|{term}|||||{holder}\r"


def message(*lines):
    return (HEAD + "".join(lines)).encode()


def about(status, holder, sop=UIDS[3]):
    return SOPInstance(*UIDS[:3], sop, holder, {STATUS: status} if status else {})


def codes(issues):
    return [one.code for one in issues]


@pytest.fixture
def of_the_site(tmp_path):
    """The tables of a site that says whose PACS is."""
    (tmp_path / "site.toml").write_text('[holders]\nPACS = "1.2.3.4"\n')
    return load_tables(tmp_path)


def test_what_another_hospital_says_is_not_written_under_this_one_s_oid():
    theirs = HL7.decode(message(zds("AO", "PACS^1.2.3.5^ISO"))).value
    ours = message(zds("NS", "PACS^1.2.3.4^ISO"))
    done = HL7.encode(theirs, ours)
    assert done.value == ours + zds("AO", "PACS^1.2.3.5^ISO").encode()
    assert not done.issues


def test_two_holders_of_one_original_are_found_by_their_oids():
    with Ledger() as ledger:
        said = HL7.decode(message(zds("OR", A), zds("OR", B))).value
        assert not ledger.observe(said).issues
        ((_, issues),) = ledger.check()
        assert codes(issues) == ["ledger/two-holders"]
        assert "PACS^1.2.3.4^ISO (OR), PACS^1.2.3.5^ISO (OR)" in issues[0].diagnostics


def test_hl7_to_fhir_makes_one_statement_a_holder():
    done = transformer("hl7", "fhir")(message(zds("AO", A), zds("NS", B)))
    (instance,) = done.value["series"][0]["instance"]
    slices = [{s["url"]: s for s in one["extension"]} for one in instance["extension"]]
    assert [one["holder"]["valueString"] for one in slices] == ["PACS", "PACS"]
    uids = [one["holderUid"]["valueUri"] for one in slices]
    assert uids == ["urn:oid:1.2.3.4", "urn:oid:1.2.3.5"]
    assert {x.holder: x[STATUS] for x in FHIR.decode(done.value).value} == {A: "AO", B: "NS"}


def test_a_holder_without_a_title_is_kept():
    done = transformer("hl7", "fhir")(message(zds("AO", "^1.2.3.4^ISO")))
    (instance,) = done.value["series"][0]["instance"]
    inner = instance["extension"][0]["extension"]
    assert inner[1:] == [{"url": "holderUid", "valueUri": "urn:oid:1.2.3.4"}]
    back = transformer("fhir", "hl7")(done.value, message())
    assert back.value == message(zds("AO", "^1.2.3.4^ISO"))


@pytest.mark.parametrize("name", ["hl7", "hl7-xml", "fhir"])
def test_what_may_be_one_holder_and_may_not_is_told_and_kept(name, of_the_site):
    known = about("NS", A)
    for tables, holder, count, told in (
        (None, "PACS", 2, ["holder/compatible"]),
        (None, "RIS", 2, []),
        (of_the_site, "PACS", 1, []),
    ):
        under = codec(name, tables=tables)
        document = under.encode([known], under.blank([known]), known=[known]).value
        done = under.encode([about("AO", holder)], document)
        assert codes(done.issues) == told
        found = under.decode(done.value).value
        assert len(found) == count
        if count == 1:
            assert found[0][STATUS] == "AO"
            assert found[0].holder == A
        else:
            assert {x[STATUS] for x in found if x.holder == A} == {"NS"}


@pytest.mark.parametrize("name", ["hl7", "fhir"])
def test_the_site_s_oid_is_added_where_something_is_written(name, of_the_site):
    bare, under = codec(name), codec(name, tables=of_the_site)
    known = about("NS", "PACS")
    document = bare.encode([known], bare.blank([known]), known=[known]).value
    assert under.decode(document).value[0].holder == A
    assert under.encode(under.decode(document).value, document).value == document
    done = under.encode([about("AO", "PACS")], document)
    assert bare.decode(done.value).value == (about("AO", A),)


@pytest.mark.parametrize(
    ("holder", "said", "written", "told"),
    [
        ("PACS", A, True, None),
        ("PACS", Holder("", "1.2.3.4", "ISO"), False, None),
        (A, A, True, None),
        (A, Holder("", "1.2.3.4", "ISO"), True, None),
        (A, B, False, None),
        (A, Holder("PACS"), False, "holder/compatible"),
        ("PACS^1.2.3.4^ISO", A, True, None),
        ("RIS", A, False, None),
    ],
)
@pytest.mark.parametrize("name", ["dicom", "dicom-json", "dicom-xml"])
def test_whose_data_set_it_is(name, holder, said, written, told):
    under = codec(name)
    blank = under.blank([about("", "")])
    done = under.encode([about("AO", said)], blank, holder=holder)
    assert bool(under.copies(done.value)[0].attributes) == written
    assert ("holder/compatible" in codes(done.issues)) == bool(told)


def test_whose_data_set_it_is_by_the_site(of_the_site):
    under = codec("dicom", tables=of_the_site)
    blank = under.blank([about("", "")])
    assert not under.encode([about("AO", B)], blank, holder="PACS").value.get(STATUS)
    for said in (A, Holder("PACS"), Holder("", "1.2.3.4")):
        written = under.encode([about("AO", said)], blank, holder="PACS").value
        assert written.SOPInstanceStatus == "AO"
        assert under.decode(written, holder="PACS").value[0].holder == A


def test_an_order_is_not_rolled_up_across_what_may_be_two_holders(of_the_site):
    order = HEAD.replace("ORU^R01^ORU_R01", "ORM^O01^ORM_O01").encode() + b"ORC|NW\r"
    said = [about("AO", "PACS", "1.2.3.1.1"), about("AO", A, "1.2.3.1.2")]
    done = HL7.encode(said, order, known=said)
    assert done.value == order
    assert codes(done.issues) == ["hl7/not-for-the-study", "holder/compatible"]
    done = codec("hl7", tables=of_the_site).encode(said, order, known=said)
    assert b"||||AO^Authorized Original^99SOPSTATUS|||||PACS^1.2.3.4^ISO\r" in done.value


def test_the_holder_s_universal_id_fits_a_uri():
    done = transformer("hl7", "fhir")(message(zds("AO", "PACS^no OID^L")))
    assert codes(done.issues) == ["fhir/holder-lost"]
    assert "sop-instance-status" not in json.dumps(done.value)


def test_what_a_site_may_say_of_holders(tmp_path):
    from sopstatus import TableError

    for text, place in (
        ('[holders]\n"A\\\\B" = "1.2.3"\n', "holders"),
        ('[holders]\nPACS = "x"\n', "holders.PACS"),
        ("[holders]\nPACS = 1\n", "holders.PACS"),
        ('holders = "PACS"\n', "holders"),
    ):
        (tmp_path / "site.toml").write_text(text)
        with pytest.raises(TableError) as caught:
            load_tables(tmp_path)
        assert caught.value.key.startswith(place)
