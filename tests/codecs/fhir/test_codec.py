"""The codec of FHIR itself: what it reads, which element it writes, and what it tells."""

import copy
from dataclasses import replace

import pytest
from extra_table import qualification, table
from fhir.resources.imagingstudy import ImagingStudy
from fhir.resources.R4B.imagingstudy import ImagingStudy as R4BStudy
from hypothesis import given
from hypothesis import strategies as st
from samples_of import sample
from sopstatus import DocumentError, SOPInstance, codec, load_tables
from sopstatus.limits import Limits
from sopstatus.table.language import HOLDER_SLICE
from sopstatus.values import with_offset

FHIR = codec("fhir")
URL = FHIR.tables.groups[0].extension
STATUS, WHEN, COMMENT = "SOPInstanceStatus", "SOPAuthorizationDateTime", "SOPAuthorizationComment"
CLASS = "1.2.840.10008.5.1.4.1.1.2"
TABLE = table(qualification('PRODUCT = { display = "Product" }'), '"ImagingStudy.series"')


def status(code, *more, holder=""):
    inner = [{"url": "status", "valueCode": code}] if code else []
    inner += [{"url": HOLDER_SLICE, "valueString": holder}] if holder else []
    return {"url": URL, "extension": [*inner, *more]}


def instance(number, *extensions):
    node = {"uid": f"1.2.3.{number}", "sopClass": {"code": f"urn:oid:{CLASS}"}}
    return node | ({"extension": list(extensions)} if extensions else {})


def study(*instances, uid="1.2", series="1.2.3", **more):
    return {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
        "status": "available",
        "subject": {"display": "x"},
        "series": [{"uid": series, "modality": {"code": "CT"}, "instance": list(instances)}],
        **more,
    }


def bundle(*resources):
    entries = [{"resource": node} for node in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def about(number=4, said="AO", *, study="1.2", series="1.2.3", holder="", **more):
    more |= {STATUS: said} if said else {}
    sop = f"1.2.3.{number}" if number else ""
    return SOPInstance(study, series, CLASS if number else "", sop, holder, more)


def told(result):
    return [(i.code, i.location) for i in result.issues]


# --- reading ---------------------------------------------------------------------------------------


def test_every_statement_is_read_in_its_order():
    whole = {"extension": [status("AO"), {"url": "theirs"}, None, "x", status("AC", holder="B")]}
    document = study(instance(4, status("OR", holder="A")), instance(5), **whole)
    assert FHIR.decode(document).value == (
        about(0, "AO", series=""),
        about(0, "AC", series="", holder="B"),
        about(4, "OR", holder="A"),
    )


def test_instances_are_listed_whether_or_not_something_is_said():
    document = study(instance(4, status("OR", holder="A")), instance(5), extension=[status("AO")])
    assert FHIR.instances(document) == (about(4, ""), about(5, ""))


def test_an_extension_that_needs_care_is_read_with_its_holder():
    odd = status("AO", {"url": "theirs"}, holder="A")
    result = FHIR.decode(study(instance(4, {"url": "theirs"}, odd)))
    where = "ImagingStudy.series[0].instance[0].extension[1].extension[2]"
    assert (result.value, told(result)) == (
        (about(4, holder="A"),),
        [("fhir/unknown-slice", where)],
    )


def test_what_is_no_resource_is_named_by_its_type():
    with pytest.raises(DocumentError) as caught:
        FHIR.decode(1.5)
    ((code, location),) = told(caught.value)
    assert (code, location) == ("document/unknown-type", "")
    assert "float" in caught.value.issues[0].diagnostics


def test_the_limits_are_those_of_the_codec():
    at = "ImagingStudy.series[0].instance[1]"
    document = study(instance(4, status("AO", {"url": "a"})), instance(5, status("AO")))
    for limit, call in (
        (1, lambda under: under.decode(document)),
        (1, lambda under: under.encode([about(5, "AC")], document)),
        (2, lambda under: under.decode(document)),
    ):
        under = codec("fhir", limits=Limits(statements=limit))
        if limit == 2:
            assert len(call(under).value) == 2
            continue
        with pytest.raises(DocumentError) as caught:
            call(under)
        assert told(caught.value) == [("document/too-many-statements", at)]
        assert "more than 1 " in caught.value.issues[0].diagnostics
    crowded = codec("fhir", limits=Limits(repetitions=1))
    result = crowded.decode(document)
    where = "ImagingStudy.series[0].instance[0].extension[0]"
    assert (result.value, told(result)) == ((about(5),), [("fhir/too-many-slices", where)])
    assert "more than 1 " in result.issues[0].diagnostics
    assert codec("fhir", limits=Limits(repetitions=2)).decode(document).value[0] == about(4)
    both = [status("AO", {"url": "a"}), status("AC", holder="B")]
    assert crowded.decode(study(instance(4, both[0], status("AC")))).value == (about(4, "AC"),)
    assert codec("fhir", limits=Limits(repetitions=2)).decode(study(instance(4, *both))).value == (
        about(4),
        about(4, "AC", holder="B"),
    )
    deep = bundle(bundle(study(instance(4, status("AO")))))
    shallow = codec("fhir", limits=Limits(depth=4))
    assert [c for c, _ in told(shallow.decode(deep))] == ["fhir/too-deep"]
    assert [c for c, _ in told(shallow.encode([about(4, "AC")], deep))][:1] == ["fhir/too-deep"]
    assert shallow.instances(deep) == () and FHIR.instances(deep) == (about(4, ""),)
    one = codec("fhir", limits=Limits(issues=1))
    odd = [study(instance(n, status("AO", {"url": "a"}, None))) for n in (4, 5)]
    for result in (one.decode(bundle(*odd)), one.encode([about(A="1", B="2")], odd[0])):
        assert (len(result.issues), result.issues[-1].code) == (2, "document/more-issues")


# --- models and releases ---------------------------------------------------------------------------


@pytest.mark.parametrize("model", [ImagingStudy, R4BStudy])
def test_a_model_becomes_another_of_its_type(model):
    modality = {"coding": [{"code": "CT"}]} if model is ImagingStudy else {"code": "CT"}
    node = study(instance(4, status("AO")))
    node["series"][0]["modality"] = modality
    node["series"][0]["instance"][0]["sopClass"]["system"] = "urn:ietf:rfc:3986"
    document = model.model_validate(node)
    assert FHIR.decode(document).value == (about(4),)
    assert FHIR.instances(document) == (about(4, ""),)
    new = FHIR.encode([about(4, "AC")], document).value
    assert type(new) is model and FHIR.decode(new).value == (about(4, "AC"),)


def test_validation_is_asked_for_and_of_the_release_that_is_named():
    document = study(instance(4, status("AO")))
    document["series"][0]["instance"][0]["sopClass"]["system"] = "urn:ietf:rfc:3986"
    del document["subject"]
    for call in (
        FHIR.decode,
        lambda node, **options: FHIR.encode([about(4, "AC")], node, **options),
    ):
        assert told(call(document)) == []
        found = call(document, validate=True)  # R4, which the shape of its modality tells
        assert told(found) == [("fhir/invalid", "ImagingStudy.subject")]
        assert "R4" in found.issues[0].diagnostics
        told_r5 = told(call(document, validate=True, release="R5"))
        assert ("fhir/invalid", "ImagingStudy.subject") in told_r5 and len(told_r5) > 1
        del document["series"][0]["modality"]
        assert told(call(document, validate=True)) == [("fhir/release-unknown", "ImagingStudy")]
        document["series"][0]["modality"] = {"code": "CT"}


def test_where_there_is_no_document_one_is_made(tmp_path):
    (tmp_path / "site.toml").write_text('fhir-release = "R5"')
    under = codec("fhir", tables=load_tables(tmp_path))
    made = under.encode([about(4)]).value
    assert made == under.encode([about(4)], under.blank([about(4)])).value
    assert [i["uid"] for i in made["series"][0]["instance"]] == ["1.2.3.4"]
    made = under.encode([about(4)], known=iter([about(5), about(4)])).value
    assert [i["uid"] for i in made["series"][0]["instance"]] == ["1.2.3.5", "1.2.3.4"]
    assert under.decode(made).value == (about(4),)
    with pytest.raises(ValueError, match="R3"):
        under.encode([about(4)], release="R3")
    with pytest.raises(ValueError, match="R3"):
        under.blank([about(4)], "R3")


# --- writing ---------------------------------------------------------------------------------------


def test_only_the_way_to_what_changes_is_copied():
    document = study(instance(4, status("OR")), instance(5), instance(6, {"url": "theirs"}))
    kept = copy.deepcopy(document)
    new = FHIR.encode([about(4, "AO"), about(6, "AC")], document).value
    assert document == kept
    old_nodes, nodes = (d["series"][0]["instance"] for d in (document, new))
    assert [n.get("extension") for n in nodes] == [
        [status("AO")],
        None,
        [{"url": "theirs"}, status("AC")],
    ]
    assert nodes[1] is old_nodes[1] and new["identifier"] is document["identifier"]
    assert nodes[2]["extension"][0] is old_nodes[2]["extension"][0]
    assert FHIR.encode([about(4, "OR")], document).value == document


def test_a_statement_stands_where_it_belongs():
    document = bundle(study(instance(4)), study(uid="1.3", series="1.3.3"))
    given = [about(4), about(0, "AC"), about(0, "OR", study="1.3", series="")]
    new = FHIR.encode(given, document)
    first, second = (entry["resource"] for entry in new.value["entry"])
    assert (second["extension"], "extension" in first) == ([status("OR")], False)
    assert first["series"][0]["extension"] == [status("AC")]
    assert first["series"][0]["instance"][0]["extension"] == [status("AO")]
    assert told(new) == []


def test_an_instance_that_two_studies_name_is_the_one_of_its_study():
    document = bundle(study(instance(4)), study(instance(4), uid="1.3", series="1.3.3"))
    for number, of in enumerate(({}, {"study": "1.3", "series": "1.3.3"})):
        new = FHIR.encode([about(4, **of)], document).value
        nodes = [e["resource"]["series"][0]["instance"][0] for e in new["entry"]]
        assert ["extension" in node for node in nodes] == [number == 0, number == 1]
    bare = SOPInstance(sop_instance_uid="1.2.3.4", attributes={STATUS: "AO"})
    (read,) = FHIR.decode(FHIR.encode([bare], document).value).value
    assert read == about(4)


def test_what_is_said_already_stands_in_the_way_of_nothing():
    document = study(instance(4, status("AO")), instance(5, status("OR")), instance(6))
    new = FHIR.encode([about(4), about(5, "AC"), about(6)], document).value
    assert FHIR.decode(new).value == (about(4), about(5, "AC"), about(6))
    assert new["series"][0]["instance"][0] is document["series"][0]["instance"][0]


def test_what_cannot_be_read_stays_until_something_is_said_of_it():
    unreadable = {"url": "authorizationComment", "valueInteger": 7}
    document = study(instance(4, status("AO", unreadable)))
    (x,) = FHIR.decode(document).value
    assert x == about(4)
    for said in ("AC", ""):
        (node,) = FHIR.encode([about(4, said)], document).value["series"][0]["instance"]
        assert node["extension"] == [status(said, unreadable)]
    new = FHIR.encode([about(4, "AO", **{COMMENT: "x"})], document).value
    comment = {"url": "authorizationComment", "valueString": "x"}
    assert new["series"][0]["instance"][0]["extension"] == [status("AO", comment)]


def test_what_has_no_element_is_told_at_its_level():
    levels = {
        "ImagingStudy.series.instance": about(9),
        "ImagingStudy.series": about(0, series="1.2.9"),
        "ImagingStudy": about(0, study="1.9", series=""),
    }
    document = study(instance(4))
    for level, new in levels.items():
        result = FHIR.encode([new, about(4)], document)
        assert told(result) == [("fhir/no-counterpart", level)]
        assert FHIR.decode(result.value).value == (about(4),)


def test_an_element_that_a_table_does_not_name_takes_none(tmp_path):
    (tmp_path / "extra.toml").write_text(TABLE)
    under = codec("fhir", tables=load_tables(tmp_path))
    new = about(4, "AO", ContentQualification="PRODUCT")
    result = under.encode([new, about(0, "", ContentQualification="PRODUCT")], study(instance(4)))
    at = "ImagingStudy.series[0].instance[0]"
    assert told(result) == [("fhir/context", at)]
    assert "ImagingStudy.series.instance" in result.issues[0].diagnostics
    series = about(0, "", ContentQualification="PRODUCT")
    assert under.decode(result.value).value == (about(4), series)


def test_what_is_told_of_an_extension_has_its_element_s_place():
    local = with_offset("20240102030405", "")
    document = study(instance(4), instance(5, status("AO")))
    for n, at in ((4, "instance[0]"), (5, "instance[1]")):
        result = FHIR.encode([about(n, **{WHEN: local})], document)
        assert told(result) == [("fhir/offset-missing", f"ImagingStudy.series[0].{at}")]
        assert WHEN in result.issues[0].diagnostics


def test_a_site_s_offset_is_written_into_new_and_old_extensions(tmp_path):
    (tmp_path / "site.toml").write_text('offset = "+0100"')
    under = codec("fhir", tables=load_tables(tmp_path))
    document = study(instance(4), instance(5, status("AO")))
    for n in (4, 5):
        result = under.encode([about(n, **{WHEN: "20240102030405"})], document)
        assert [code for code, _ in told(result)] == ["fhir/date-time-shortened"]
        assert "2024-01-02T03:04:05+01:00" in str(result.value)


def test_keywords_that_no_table_has_are_told():
    result = FHIR.encode([about(Nonsense="1")], study(instance(4)))
    assert told(result) == [("table/unmapped", "")]
    assert FHIR.decode(result.value).value == (about(4),)


class TestRemoving:
    def test_the_last_extension_goes_with_its_list(self):
        bare = study(instance(4), instance(5))
        full = FHIR.encode([about(4), about(5), about(0, series="")], bare).value
        gone = [about(4, ""), about(5, ""), about(0, "", series="")]
        assert FHIR.encode(gone, full).value == bare

    def test_of_several_only_what_is_ours_goes(self):
        theirs = {"url": "theirs"}
        many = [
            status("AO", holder="A"),
            theirs,
            status("AC", holder="B"),
            status("OR", holder="C"),
        ]
        document = study(instance(4, *many))
        given = [about(4, "", holder="A"), about(4, "AO", holder="C"), about(4, "", holder="B")]
        new = FHIR.encode([*given, about(4, "AO", holder="D")], document).value
        (node,) = new["series"][0]["instance"]
        assert node["extension"] == [
            theirs,
            status("AO", holder="C"),
            status("AO", holder="D"),
        ]

    def test_an_extension_that_says_more_stays(self):
        more = {"url": "theirs", "valueString": "x"}
        document = study(instance(4, status("AO", more)))
        new = FHIR.encode([about(4, "")], document).value
        (node,) = new["series"][0]["instance"]
        assert node["extension"] == [{"url": URL, "extension": [more]}]

    def test_what_is_not_there_is_not_removed(self):
        document = study(instance(4))
        result = FHIR.encode([about(4, ""), about(9, "")], document)
        assert (result.value, told(result)) == (document, [])


def test_the_same_text_local_to_another_place_is_another_time():
    local = [about(4, **{WHEN: with_offset("20240102030405", o)}) for o in ("+0100", "-0500")]
    document = FHIR.encode([local[0]], study(instance(4))).value
    for same in (local[0], about(4, **{WHEN: "20240102030405"})):
        assert FHIR.encode([same], document).value == document
    moved = FHIR.encode([local[1]], document).value
    assert moved == FHIR.encode([local[1]], study(instance(4))).value
    assert "2024-01-02T03:04:05-05:00" in str(moved)


PAD = st.text(" \0", min_size=1, max_size=3)


@given(st.data())
def test_blanks_and_nul_behind_uids_times_and_ae_titles_are_padding(data):
    """PS3.5 table 6.2-1, as in HL7 and DICOM JSON."""
    document = copy.deepcopy(sample("authorized-original", "fhir"))
    (said,) = codec("fhir").decode(document).value
    instance = document["series"][0]["instance"][0]
    slices = instance["extension"][0]["extension"]
    slices.append({"url": "holder", "valueString": "PACS"})
    places = {
        "StudyInstanceUID": (document["identifier"][0], "value"),
        "SeriesInstanceUID": (document["series"][0], "uid"),
        "SOPInstanceUID": (instance, "uid"),
        "SOPAuthorizationDateTime": (slices[1], "valueDateTime"),
        "holder": (slices[-1], "valueString"),
    }
    chosen = data.draw(st.sets(st.sampled_from(sorted(places)), min_size=1))
    for name in chosen:
        node, member = places[name]
        node[member] += data.draw(PAD)
    read = codec("fhir").decode(document)
    assert read.value == (replace(said, holder="PACS"),)
    assert {one.code for one in read.issues} == {"value/padded"}
    assert len(read.issues) == len(chosen)
    assert codec("fhir").encode(read.value, document).value == document
    new = replace(read.value[0], attributes={"SOPInstanceStatus": "NS"})
    written = codec("fhir").encode([new], document).value
    assert codec("fhir").decode(written).value == (new,)
