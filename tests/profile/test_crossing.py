"""The pipeline under the profile: what enters a data set, what leaves in one, and its records."""

import io
from dataclasses import fields, replace

import pytest
from pydicom import dcmread
from samples_of import CASES, sample
from sopstatus import DocumentError, Link, SOPInstance, codec, transformer
from sopstatus.audit import AuditRecord

TRUSTED = Link(True, True, True)
STATUS = "SOPInstanceStatus"
AO = "authorized-original"


def said(document):
    found = codec("dicom").decode(document).value
    return dict(found[0].attributes) if found else {}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("link", [None, Link(), Link(True, True), Link(True, None, True)])
def test_a_data_set_that_arrives_over_an_untrusted_link(case, link):
    """NS is added where the status is absent (f.2), and everything else goes."""
    result = transformer("dicom", "dicom")(sample(case, "dicom"), link=link)
    assert said(result.value) == {STATUS: "NS"}
    (record,) = result.records
    assert (record.event, record.after, record.rule) == ("receive", "NS", "f.2")
    assert record.time.endswith("Z")


def test_a_data_set_that_arrives_over_a_trusted_link():
    result = transformer("dicom", "dicom")(sample(AO, "dicom"), link=TRUSTED)
    assert said(result.value)[STATUS] == "AO"
    assert [r.after for r in result.records] == ["AO?"]
    with pytest.raises(DocumentError, match="profile/invalid-value"):
        transformer("dicom", "dicom")(sample("unknown-term", "dicom"), link=TRUSTED)


def test_a_data_set_that_goes_out():
    image = sample(AO, "dicom")
    carry = transformer("dicom", "dicom")
    assert said(carry(image, outbound=Link()).value) == {STATUS: "NS"}
    result = carry(image, outbound=TRUSTED, peer="OTHER")
    assert said(result.value) == {STATUS: "NS"}
    assert [(r.before, r.sent, r.peer) for r in result.records] == [("AO", "NS", "OTHER")]
    assert [r.event for r in carry(image, link=TRUSTED, outbound=Link()).records] == [
        "receive",
        "send",
    ]


@pytest.mark.parametrize(
    ("policy", "trusted", "untrusted"),
    [("preserve", None, None), ("demote-to-copy", "AC", "NS"),
     ("demote-to-not-specified", "NS", "NS"), ("strip", "NS", "")],
)  # fmt: skip
def test_the_policy_of_the_site(tmp_path, policy, trusted, untrusted):
    import sopstatus

    (tmp_path / "site.toml").write_text(f'link-policy = "{policy}"\n')
    carry = transformer("dicom", "dicom", tables=sopstatus.load_tables(tmp_path))
    for link, wanted in ((TRUSTED, trusted), (Link(), untrusted)):
        if wanted is None:
            with pytest.raises(DocumentError, match="profile/policy"):
                carry(sample(AO, "dicom"), outbound=link)
        else:
            assert said(carry(sample(AO, "dicom"), outbound=link).value).get(STATUS, "") == wanted


@pytest.mark.parametrize("name", ["hl7", "fhir"])
def test_statements_carry_the_status_as_it_is(name):
    result = transformer("dicom", name)(sample(AO, "dicom"), holder="HOLDER")
    (statement,) = codec(name).decode(result.value).value
    assert (dict(statement.attributes)[STATUS], statement.holder) == ("AO", "HOLDER")
    assert result.records == ()


@pytest.mark.parametrize("name", ["hl7", "fhir"])
def test_a_message_cannot_vouch_for_itself(name):
    """Whatever a document says of links, holders and trust: without a link it is NS."""
    image = sample("absent", "dicom")
    (known,) = codec("dicom").instances(image)
    claims = {STATUS: "AO", "SOPAuthorizationComment": "secure authenticated conforms trusted=True"}
    for holder in ("", "TRUSTED", "secure"):
        claim = SOPInstance(
            known.study_instance_uid,
            known.series_instance_uid,
            known.sop_class_uid,
            known.sop_instance_uid,
            holder,
            claims,
        )
        document = codec(name).encode([claim], codec(name).blank([known]), known=[known]).value
        if name == "hl7":
            document = document.replace(b"|2.5.1", b"|SECURE|2.5.1")
        else:
            document["meta"] = {"security": [{"code": "trusted"}], "tag": [{"code": "secure"}]}
        result = transformer(name, "dicom")(document, image)
        assert said(result.value) == {STATUS: "NS"}
        assert [i.code for i in result.issues if i.code.startswith("link/")] == ["link/untrusted"]
        (record,) = result.records
        assert (record.received, record.after, record.secure) == ("AO", "NS", None)
        assert "trusted=True" not in repr(record)


def test_records_hold_texts_and_answers_only():
    for field in fields(AuditRecord):
        assert field.type in ("str", "bool | None")


def test_nothing_but_the_four_changes():
    image = sample(AO, "dicom")
    out = transformer("dicom", "dicom")(image, outbound=Link()).value
    before = dcmread(io.BytesIO(image))
    after = out if not isinstance(out, bytes) else dcmread(io.BytesIO(out))
    for dataset in (before, after):
        for element in (0x0410, 0x0420, 0x0424, 0x0426):
            dataset.pop((0x0100, element), None)
    assert before == after


@pytest.mark.parametrize("link", [None, TRUSTED])
def test_one_record_for_what_is_written_and_none_for_what_is_not(link):
    """A study of two instances, written onto the image of one: the other is nobody's copy here."""
    study, image = sample("two-series", "fhir"), sample("two-series", "dicom")
    assert len(codec("fhir").decode(study).value) == 2
    result = transformer("fhir", "dicom")(study, image, link=link, holder="ARCHIVE")
    (record,) = result.records
    (held,) = codec("dicom").decode(image).value
    assert record.sop_instance_uid == held.sop_instance_uid
    assert record.before == dict(held.attributes)[STATUS]
    assert record.holder == "ARCHIVE"
    assert [i.code for i in result.issues].count("link/untrusted") == (link is None)


def test_a_statement_about_a_study_is_recorded_of_the_instance():
    study, image = sample("study-level", "fhir"), sample("study-level", "dicom")
    (record,) = transformer("fhir", "dicom")(study, image).records
    assert (record.sop_instance_uid,) == tuple(
        i.sop_instance_uid for i in codec("dicom").instances(image)
    )


def test_what_is_about_another_instance_is_neither_written_nor_recorded():
    study, image = sample("two-series", "fhir"), sample(AO, "dicom")
    result = transformer("fhir", "dicom")(study, image)
    assert (result.value, result.records) == (image, ())
    assert [i.code for i in result.issues] == ["dicom/no-counterpart"]


def test_holders_who_differ_are_not_recorded_where_nothing_is_written():
    image = sample(AO, "dicom")
    (known,) = codec("dicom").instances(image)
    both = [
        replace(known, holder=name, attributes=((STATUS, term),))
        for name, term in (("A", "AO"), ("B", "AC"))
    ]
    message = codec("hl7").encode(both).value
    carry = transformer("hl7", "dicom")
    refused = carry(message, image, link=TRUSTED)
    assert [i.code for i in refused.issues] == ["dicom/holder-ambiguous"]
    assert (refused.value, refused.records) == (image, ())
    assert [r.received for r in carry(message, image, link=TRUSTED, holder="B").records] == ["AC"]
    assert len(carry(message, image).records) == 1  # over no trusted link both become NS


@pytest.mark.parametrize("name", ["dicom-json", "healthimaging"])
def test_many_copies_at_once(name):
    study = sample("two-series", "fhir")
    blank = codec(name).blank(codec("fhir").instances(study))
    held = transformer("fhir", name)(study, blank, link=TRUSTED)
    again = transformer("fhir", name)(study, held.value)
    assert [r.before for r in held.records] == ["ABS", "ABS"]
    assert [(r.before, r.after) for r in again.records] == [("AO", "NS"), ("OR", "NS")]
    assert all(dict(x.attributes) == {STATUS: "NS"} for x in codec(name).decode(again.value).value)


def test_a_new_data_set_was_not_held_before():
    (record,) = transformer("fhir", "dicom")(sample(AO, "fhir"), link=TRUSTED).records
    assert record.before == "-"
