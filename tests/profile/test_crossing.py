"""The pipeline under the profile: what enters a data set, what leaves in one, and its records."""

import io
import json
from dataclasses import fields, replace

import pytest
from pydicom import dcmread
from samples_of import CASES, FILES, bare, sample
from sopstatus import DocumentError, Link, SOPInstance, codec, load_tables, transformer
from sopstatus.model import AuditRecord

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
STATUS = "SOPInstanceStatus"
AO = "authorized-original"


def said(document):
    found = codec("dicom").decode(document).value
    return dict(found[0].attributes) if found else {}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "link",
    [
        None,
        Link(),
        Link(secure=True, authenticated=True),
        Link(secure=True, authenticated=None, conforms=True),
    ],
)
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
    assert (statement[STATUS], statement.holder) == ("AO", "HOLDER")
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
    study, image = sample("two-series", "fhir"), bare("two-series", "dicom")
    assert len(codec("fhir").decode(study).value) == 2
    result = transformer("fhir", "dicom")(study, image, link=link, holder="ARCHIVE")
    (record,) = result.records
    (held,) = codec("dicom").copies(image)
    assert record.sop_instance_uid == held.sop_instance_uid
    assert (record.before, record.outcome) == ("ABS", "done")
    assert record.holder == "ARCHIVE"
    assert [i.code for i in result.issues].count("link/untrusted") == (link is None)


def test_a_statement_about_a_study_is_recorded_of_the_instance():
    study, image = sample("study-level", "fhir"), bare("study-level", "dicom")
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
    image = bare(AO, "dicom")
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
    assert [r.before for r in held.records] == ["ABS", "ABS"]
    stranger = transformer("fhir", name)(study, blank)
    assert [(r.before, r.after) for r in stranger.records] == [("ABS", "NS")] * 2
    said = [dict(x.attributes) for x in codec(name).decode(stranger.value).value]
    assert said == [{STATUS: "NS"}] * 2


@pytest.mark.parametrize("name", ["dicom-json", "healthimaging"])
def test_of_many_copies_all_are_written_or_none(name):
    study = sample("two-series", "fhir")
    known = codec("fhir").instances(study)
    blank = codec(name).blank(known)
    carry = transformer("hl7", name)

    def message(*terms):
        said = (replace(x, attributes={STATUS: t}) for x, t in zip(known, terms, strict=True))
        return codec("hl7").encode(said, codec("hl7").blank(known), known=known).value

    held = carry(message("AO", "NS"), blank, link=TRUSTED).value
    with pytest.raises(DocumentError, match="profile/better-held") as refused:
        carry(message("NS", "AC"), held, link=TRUSTED)
    assert [(r.before, r.after, r.outcome) for r in refused.value.records] == [
        ("AO", "AO", "refused"),
        ("NS", "NS", "refused"),
    ]


COMPANION = "SOPAuthorizationDateTime"
HELD = [  # what is held, what comes, over a trusted link, what is held then; None: refused
    *((held, came, False, "NS") for held in ("", "NS") for came in ("NS", "OR", "AO", "AC", "XX")),
    *((held, came, False, None) for held in ("OR", "AO", "AC") for came in ("NS", "XX", "")),
    ("AO", "OR", False, None), ("AO", "AC", False, None), ("OR", "AO", False, None),
    ("OR", "AC", False, None), ("AC", "AO", False, None), ("AC", "OR", False, None),
    *((same, same, link, same) for same in ("OR", "AO", "AC") for link in (False, True)),
    *((held, came, True, came) for held in ("", "NS") for came in ("NS", "OR", "AO", "AC")),
    ("OR", "AO", True, "AO"), ("AO", "OR", True, None),
    *((held, came, True, None) for held in ("OR", "AO") for came in ("NS", "AC", "", "XX")),
    ("AC", "NS", True, "NS"), ("AC", "OR", True, None), ("AC", "AO", True, None),
    ("AC", "XX", True, None),
]  # fmt: skip


def copy_of(image, name, status):
    """Return the data set of an image in another format; it states this, with a date."""
    (known,) = codec("dicom").instances(image)
    under = codec(name)
    said = {STATUS: status, COMPANION: "20240102"} if status else {}
    stated = replace(known, attributes=said)
    into = image if name == "dicom" else under.blank([known])
    return under.encode([stated], into).value if said else into


@pytest.mark.parametrize("name", ["dicom", "dicom-json", "dicom-xml", "healthimaging"])
@pytest.mark.parametrize(("held", "came", "trusted", "after"), HELD)
def test_a_held_copy(name, held, came, trusted, after):
    """Nobody lowers an OR or AO, no copy becomes an original, and nothing is half written."""
    image = bare(AO, "dicom")
    into = copy_of(image, name, held)
    (known,) = codec("dicom").instances(image)
    stated = replace(known, attributes={STATUS: came or None, COMPANION: "20240102"})
    message = codec("hl7").encode([stated], codec("hl7").blank([known]), known=[known]).value
    carry = transformer("hl7", name)
    if after is None:
        with pytest.raises(DocumentError, match="profile/") as refused:
            carry(message, into, link=TRUSTED if trusted else None)
        (record,) = refused.value.records
        assert (record.before, record.after, record.outcome) == (held, held, "refused")
        assert record.code == refused.value.issues[0].code
        return
    done = carry(message, into, link=TRUSTED if trusted else None)
    ((said,),) = ([dict(x.attributes) for x in codec(name).decode(done.value).value],)
    assert said.get(STATUS) == after
    assert (COMPANION in said) == (trusted or held == after != "NS")
    if held == came and held in ("OR", "AO", "AC"):  # it changes nothing, and is no refusal
        assert (done.value, done.records, done.issues) == (into, (), ())
    else:
        assert [(r.before, r.outcome) for r in done.records] == [(held or "ABS", "done")]


@pytest.mark.parametrize(("held", "came"), [("AO", "NS"), ("OR", "AC"), ("AC", "AO"), ("AO", "AC")])
def test_a_site_may_ask_for_demotion(tmp_path, held, came):
    import sopstatus

    (tmp_path / "site.toml").write_text('on-held = "demote"\n')
    carry = transformer("hl7", "dicom", tables=sopstatus.load_tables(tmp_path))
    image = bare(AO, "dicom")
    (known,) = codec("dicom").instances(image)
    stated = replace(known, attributes={STATUS: came})
    message = codec("hl7").encode([stated], codec("hl7").blank([known]), known=[known]).value
    done = carry(message, copy_of(image, "dicom", held))
    assert said(done.value) == {STATUS: "NS"}
    assert [(r.before, r.after) for r in done.records] == [(held, "NS")]
    if came == "AO":  # no setting makes an original of a copy
        with pytest.raises(DocumentError, match="profile/copy-held"):
            carry(message, copy_of(image, "dicom", held), link=TRUSTED)


def test_a_value_that_is_no_term_is_carried_over_a_trusted_link():
    """It states nothing, so the profile decides nothing; it is what is written all the same."""
    image = bare("unknown-term", "dicom")
    done = transformer("fhir", "dicom")(sample("unknown-term", "fhir"), image, link=TRUSTED)
    assert said(done.value) == said(sample("unknown-term", "dicom"))
    assert done.records == ()


def test_what_says_nothing_of_the_status_leaves_it(tmp_path):
    """A statement of another group's attribute takes no status away."""
    import sopstatus

    tables = sopstatus.load_tables(enable=["instance-availability"])
    image = copy_of(bare(AO, "dicom"), "dicom", "AO")
    (known,) = codec("dicom").instances(image)
    stated = replace(known, attributes={"InstanceAvailability": "ONLINE"})
    under = codec("hl7", tables=tables)
    message = under.encode([stated], under.blank([known]), known=[known]).value
    done = transformer("hl7", "dicom", tables=tables)(message, image)
    assert said(done.value) == {STATUS: "AO", COMPANION: "20240102"}
    (whole,) = codec("dicom", tables=tables).decode(done.value).value
    assert whole["InstanceAvailability"] == "ONLINE"
    assert done.records == ()


def test_a_new_data_set_was_not_held_before():
    (record,) = transformer("fhir", "dicom")(sample(AO, "fhir"), link=TRUSTED).records
    assert record.before == "-"


@pytest.mark.parametrize("links", [{}, {"link": TRUSTED}, {"outbound": Link()}])
def test_a_copy_that_names_no_instance_crosses_no_link_with_a_status(links):
    named = {
        "00080018": {"vr": "UI", "Value": ["1.2.3.4"]},
        "0020000D": {"vr": "UI", "Value": ["1.2"]},
        "0020000E": {"vr": "UI", "Value": ["1.2.3"]},
    }
    status = {"01000410": {"vr": "CS", "Value": ["NS"]}}
    nameless = {"0020000D": named["0020000D"], "01000410": {"vr": "CS", "Value": ["AO"]}}
    carry = transformer("dicom-json", "dicom-json")
    for document in ([nameless], [named | status, nameless]):
        with pytest.raises(DocumentError) as error:
            carry(document, **links)
        assert {record.outcome for record in error.value.records} <= {"refused"}
    assert carry([named, {"0020000D": named["0020000D"]}], **links).value


BARE_XML = b"""<dicom>
<tag00080016 vr="UI" tag="00080016">1.2.840.10008.5.1.4.1.1.2</tag00080016>
<tag00080018 vr="UI" tag="00080018">1.2.3.4.5</tag00080018>
<tag0020000d vr="UI" tag="0020000D">1.2.3</tag0020000d>
<tag0020000e vr="UI" tag="0020000E">1.2.3.4</tag0020000e></dicom>"""


@pytest.mark.parametrize(
    ("kind", "comment", "code"),
    [
        ("dicom", "\u65e5\u672c", "dicom/charset"),
        ("dicom-xml", "a\x1bb", "dicom-xml/control-character"),
    ],
)
def test_encode_reports_what_does_not_fit_and_a_transformer_refuses_it(kind, comment, code):
    """A codec decides nothing, so it leaves what stands there; what was decided is written or refused."""
    into = bare(AO, kind) if kind == "dicom" else BARE_XML
    (known,) = codec(kind).instances(into)
    said = replace(known, attributes={STATUS: "AO", "SOPAuthorizationComment": comment})
    result = codec(kind).encode([said], into)
    assert (code, "error") in [(told.code, told.severity) for told in result.issues]
    assert "SOPAuthorizationComment" not in dict(codec(kind).copies(result.value)[0].attributes)
    source = codec("fhir").encode([said], codec("fhir").blank([known])).value
    with pytest.raises(DocumentError, match=code) as refused:
        transformer("fhir", kind)(source, into, link=TRUSTED)
    assert [record.outcome for record in refused.value.records] == ["refused"]


@pytest.mark.parametrize("target", ["dicom", "dicom-json"])
@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("case", [AO, "not-specified"])
def test_what_goes_out_goes_out_whether_it_is_spoken_of_or_not(source, target, case):
    """A silent message, or one about another instance, lets no held AO out."""
    held = sample(AO, target)
    alone = transformer(target, target)(held, outbound=Link())
    silent = bare(AO, source) if case == AO else sample(case, source)
    for link in (None, Link(), TRUSTED):
        result = transformer(source, target)(silent, held, link=link, outbound=Link())
        (own,) = codec(target).copies(result.value)
        assert own.attributes == codec(target).copies(alone.value)[0].attributes
        assert dict(own.attributes)[STATUS] == "NS"
        assert [r.event for r in result.records] == [r.event for r in alone.records] == ["send"]
        assert "link/sent-untrusted" in [issue.code for issue in result.issues]


def test_of_two_held_copies_that_go_out_one_is_spoken_of():
    spoken, other = (json.loads(sample(case, "dicom-json")) for case in ("not-specified", AO))
    spoken, other = (one[0] if isinstance(one, list) else one for one in (spoken, other))
    other["00080018"]["Value"] = ["1.2.3"]
    message = sample("not-specified", "hl7")
    result = transformer("hl7", "dicom-json")(message, [spoken, other], outbound=Link())
    assert [one["01000410"]["Value"] for one in result.value] == [["NS"], ["NS"]]
    assert {r.sop_instance_uid for r in result.records} == {
        spoken["00080018"]["Value"][0],
        "1.2.3",
    }


@pytest.mark.parametrize("policy", ["preserve", "demote-to-copy"])
def test_a_held_copy_about_which_statements_differ_does_not_go_out_undecided(policy):
    (own,) = codec("dicom").copies(sample("not-specified", "dicom"))
    held, *said = (
        replace(own, attributes={STATUS: "AC", "SOPAuthorizationComment": x}) for x in "xab"
    )
    image = codec("dicom").encode([held], sample("not-specified", "dicom")).value
    silent = sample("not-specified", "dicom")
    said = [codec("dicom-json").encode([one]).value[0] for one in said]
    tables = load_tables()
    tables = replace(tables, site=replace(tables.site, link_policy=policy))
    carry = transformer("dicom-json", "dicom", tables=tables)
    with pytest.raises(DocumentError) as error:
        carry(said, image, link=TRUSTED, outbound=TRUSTED)
    assert [issue.code for issue in error.value.issues] == ["profile/not-written"]
    told = [(r.before, r.after, r.outcome) for r in error.value.records]
    assert set(told) == {("AC", "AC", "refused")}
    with pytest.raises(DocumentError) as error:  # onto one that is held as NS
        carry(said, silent, link=TRUSTED, outbound=TRUSTED)
    told = [(r.before, r.after, r.outcome) for r in error.value.records]
    assert set(told) == {("NS", "NS", "refused")}
