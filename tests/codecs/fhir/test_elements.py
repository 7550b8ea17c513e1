"""Where FHIR resources name studies, series and instances, and what is told where they do not."""

import pytest
from sopstatus import DocumentError, SOPInstance
from sopstatus.codecs.fhir.elements import elements
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.limits import Limits


def study(*series, uid="urn:oid:1.2", **more):
    identifier = [{"system": "urn:other", "value": "7"}, {"system": "urn:dicom:uid", "value": uid}]
    return {
        "resourceType": "ImagingStudy",
        "identifier": identifier,
        "series": list(series),
        **more,
    }


def series(uid, *instances, **more):
    return {"uid": uid, "instance": list(instances), **more}


def bundle(*resources):
    return {"resourceType": "Bundle", "entry": [{"resource": node} for node in resources]}


def walk(document, wanted=None):
    issues = Issues()
    found = elements(document, issues, wanted)
    return found, [(i.code, i.location) for i in issues]


STUDY = study(series("1.2.3", {"uid": "1.2.3.4"}, {"uid": "1.2.3.5"}), series("1.2.6"))


def test_elements_of_a_study():
    found, told = walk(STUDY)
    assert told == []
    assert [(e.location, e.context, e.path) for e in found] == [
        ("ImagingStudy", "ImagingStudy", ()),
        ("ImagingStudy.series[0]", "ImagingStudy.series", ("series", 0)),
        (
            "ImagingStudy.series[0].instance[0]",
            "ImagingStudy.series.instance",
            ("series", 0, "instance", 0),
        ),
        (
            "ImagingStudy.series[0].instance[1]",
            "ImagingStudy.series.instance",
            ("series", 0, "instance", 1),
        ),
        ("ImagingStudy.series[1]", "ImagingStudy.series", ("series", 1)),
    ]
    uids = [
        ("1.2",),
        ("1.2", "1.2.3"),
        ("1.2", "1.2.3", "", "1.2.3.4"),
        ("1.2", "1.2.3", "", "1.2.3.5"),
    ]
    assert [e.identity() for e in found] == [
        *(SOPInstance(*u) for u in uids),
        SOPInstance("1.2", "1.2.6"),
    ]
    assert [e.key() for e in found] == [
        ("1.2", "", ""),
        ("1.2", "1.2.3", ""),
        ("", "", "1.2.3.4"),
        ("", "", "1.2.3.5"),
        ("1.2", "1.2.6", ""),
    ]
    nodes = STUDY["series"]
    assert [e.node for e in found] == [STUDY, nodes[0], *nodes[0]["instance"], nodes[1]]


def test_what_an_element_states():
    (_, _, first, _, _), _ = walk(STUDY)
    said = (("SOPInstanceStatus", "AO"),)
    assert first.stated("PACS1", said) == SOPInstance("1.2", "1.2.3", "", "1.2.3.4", "PACS1", said)


@pytest.mark.parametrize(
    ("sop_class", "uid"),
    [
        ({"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.9"}, "1.9"),
        ({"code": "1.9"}, "1.9"),
        ("urn:oid:1.9", "1.9"),
        ({"code": 7}, ""),
        ({}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_the_sop_class_of_an_instance(sop_class, uid):
    node = {"uid": "1.2.3.4", "sopClass": sop_class}
    found, _ = walk(
        study(series("1.2.3", node, sopClass={"code": "1.8"}), sopClass={"code": "1.7"})
    )
    assert [e.sop_class_uid for e in found] == ["", "", uid]


def test_only_instances_that_are_wanted_or_extended_are_listed():
    extended = {"uid": "1.2.3.6", "extension": []}
    document = study(series("1.2.3", {"uid": "1.2.3.4"}, extended, {"uid": "1.2.3.5"}))
    for wanted, uids in (((), ["1.2.3.6"]), ({"1.2.3.5"}, ["1.2.3.6", "1.2.3.5"])):
        found, _ = walk(document, wanted)
        assert [e.sop_instance_uid for e in found] == ["", "", *uids]
    assert found[-1].location == "ImagingStudy.series[0].instance[2]"


def test_elements_of_a_selection():
    node = {"uid": "1.2.3.4"}
    document = {
        "resourceType": "ImagingSelection",
        "studyUid": "urn:oid:1.2",
        "seriesUid": "1.2.3",
        "instance": [node, {"uid": "urn:oid:1.2.3.5"}],
    }
    for shape in (document, {**document, "seriesUid": "urn:oid:1.2.3"}):
        found, told = walk(shape)
        assert told == []
        assert [(e.location, e.context, e.path) for e in found] == [
            (f"ImagingSelection.instance[{n}]", "ImagingSelection.instance", ("instance", n))
            for n in (0, 1)
        ]
        assert [e.identity() for e in found] == [
            SOPInstance("1.2", "1.2.3", "", uid) for uid in ("1.2.3.4", "1.2.3.5")
        ]


def test_resources_of_a_bundle():
    document = bundle({"resourceType": "Patient"}, STUDY, bundle(study(uid="1.9")))
    document["entry"] += [{}, {"resource": 7}]
    found, told = walk(document)
    assert told == []
    assert [e.location for e in found][::5] == [
        "Bundle.entry[1].resource",
        "Bundle.entry[2].resource.entry[0].resource",
    ]
    assert found[-1].path == ("entry", 2, "resource", "entry", 0, "resource")
    assert found[2].path == ("entry", 1, "resource", "series", 0, "instance", 0)


@pytest.mark.parametrize(("depth", "read"), [(12, True), (8, True), (7, False), (4, False)])
def test_bundles_in_bundles_up_to_the_limit(depth, read):
    issues = Issues(Limits(depth=depth))
    found = elements(bundle(bundle(STUDY)), issues)
    assert bool(found) is read
    where = "Bundle.entry[0].resource"
    assert [(i.code, i.location) for i in issues] == ([] if read else [("fhir/too-deep", where)])
    assert all(f" {depth // 4} " in i.diagnostics for i in issues)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (study(uid=""), [("fhir/no-study-uid", "")]),
        (study(identifier=7), [("fhir/no-study-uid", "")]),
        (study(identifier=[7, {}]), [("fhir/no-study-uid", "")]),
        (study(uid="1.02"), [("value/not-uid", ".identifier")]),
        (study(series=7), [("fhir/malformed", ".series")]),
        (study("x", series("1.2.3")), [("fhir/malformed", ".series[0]")]),
        (study(series("")), [("fhir/no-uid", ".series[0]")]),
        (
            study({}, series("1.2.3", 7)),
            [("fhir/no-uid", ".series[0]"), ("fhir/malformed", ".series[1].instance[0]")],
        ),
        (study(series("x")), [("value/not-uid", ".series[0].uid")]),
        (study({"uid": "1.2.3"}), []),
        (study({"uid": "1.2.3", "instance": 7}), [("fhir/malformed", ".series[0].instance")]),
        (study({"uid": "1.2.3", "instance": {}}), [("fhir/malformed", ".series[0].instance")]),
        (
            study(series("1.2.3", {"uid": 7}, {"uid": "x"})),
            [
                ("fhir/no-uid", ".series[0].instance[0]"),
                ("value/not-uid", ".series[0].instance[1].uid"),
            ],
        ),
    ],
)
def test_what_is_malformed_is_told_where_it_stands(document, told):
    for whole, before in (
        (document, "ImagingStudy"),
        (bundle(document), "Bundle.entry[0].resource"),
    ):
        _, issues = walk(whole)
        assert issues == [(code, before + where) for code, where in told]


@pytest.mark.parametrize(("entry", "where"), [({}, ""), ([{}, 7], "[1]")])
def test_entries_that_are_malformed_are_told_where_they_stand(entry, where):
    broken = {"resourceType": "Bundle", "entry": entry}
    assert walk(broken) == ([], [("fhir/malformed", f"Bundle.entry{where}")])
    inner = f"Bundle.entry[0].resource.entry{where}"
    assert walk(bundle(broken)) == ([], [("fhir/malformed", inner)])


@pytest.mark.parametrize("document", [STUDY | {"series": None}, {"resourceType": "Bundle"}])
def test_a_list_that_is_absent_is_no_fault(document):
    document = {name: value for name, value in document.items() if value is not None}
    assert walk(document)[1] == []


@pytest.mark.parametrize("identifier", [[], 7, [{"system": "urn:dicom:uid"}]])
def test_a_study_without_a_uid_is_about_no_study(identifier):
    found, _ = walk(study(series("1.2.3"), identifier=identifier))
    assert [e.study_instance_uid for e in found] == ["", ""]


def test_what_is_told_counts_the_characters_of_a_uid():
    issues = Issues()
    elements(study(series("1.2.03")), issues, None)
    elements(study(uid="1.02"), issues, None)
    assert [("6" in i.diagnostics, "4" in i.diagnostics) for i in issues] == [
        (True, False),
        (False, True),
    ]


def test_the_first_study_uid_counts():
    identifier = [
        {"system": "urn:dicom:uid", "value": uid} for uid in (7, "", "urn:oid:1.2", "1.3")
    ]
    (found,), told = walk(study(identifier=identifier))
    assert (found.study_instance_uid, told) == ("1.2", [])


def test_an_element_without_a_uid_is_no_element_and_its_inside_neither():
    found, _ = walk(study({"instance": [{"uid": "1.2.3.4"}]}, series("1.2.6", {"uid": "1.2.6.7"})))
    assert [e.location for e in found] == [
        "ImagingStudy",
        "ImagingStudy.series[1]",
        "ImagingStudy.series[1].instance[0]",
    ]


@pytest.mark.parametrize(
    ("document", "code", "where"),
    [
        ({"resourceType": "Patient"}, "fhir/other-resource", "resourceType"),
        ({"resourceType": 7}, "fhir/not-fhir", ""),
        ({}, "fhir/not-fhir", ""),
    ],
)
def test_what_is_no_imaging_resource(document, code, where):
    with pytest.raises(DocumentError) as error:
        walk(document)
    (issue,) = error.value.issues
    assert (issue.code, issue.location) == (code, where)


def test_extensions_of_an_element():
    mine = {"url": "x"}
    found, _ = walk(study(series("1.2.3", extension=[mine]), extension={"url": "x"}))
    assert [e.extensions() for e in found] == [[], [mine]]
