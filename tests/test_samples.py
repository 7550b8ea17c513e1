"""Every sample, over every ordered pair of formats."""

import importlib.util
import io
from itertools import permutations
from uuid import NAMESPACE_OID, uuid5

import pydicom
import pytest
from samples_of import CASES, FOLDER, bare, sample
from sopstatus import Link, codec, expand, transformer

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
FORMATS = ("dicom", "dicom-json", "hl7", "hl7-xml", "fhir")
DATA_SETS = ("dicom", "dicom-json")
each_case = pytest.mark.parametrize("case", CASES)
each_pair = pytest.mark.parametrize(("source", "target"), list(permutations(FORMATS, 2)))


def about_the_image(case, name, document):
    """What a document says of the instance of image.dcm, however it says it."""
    known = codec("dicom").instances(sample(case, "dicom"))
    found = expand(codec(name).decode(document).value, known)
    own = [x for x in found if x.sop_instance_uid == known[0].sop_instance_uid]
    assert len(own) <= 1
    return own[0].attributes if own else ()


def statements(case, name, document):
    known = codec("fhir").instances(sample(case, "fhir"))
    return {x.identity: x.attributes for x in expand(codec(name).decode(document).value, known)}


def test_there_are_fifteen():
    assert len(CASES) == 15


def test_every_entry_of_a_bundle_has_the_url_of_its_study():
    found = [sample(case, "fhir") for case in CASES]
    entries = [one for x in found if x["resourceType"] == "Bundle" for one in x["entry"]]
    assert entries
    for entry in entries:
        uid = entry["resource"]["identifier"][0]["value"].removeprefix("urn:oid:")
        assert entry["fullUrl"] == f"urn:uuid:{uuid5(NAMESPACE_OID, uid)}"


@each_case
def test_the_documents_say_the_same(case):
    hl7, fhir = (statements(case, name, sample(case, name)) for name in ("hl7", "fhir"))
    assert hl7 == fhir
    said = about_the_image(case, "dicom", sample(case, "dicom"))
    assert about_the_image(case, "hl7", sample(case, "hl7")) == said
    assert about_the_image(case, "dicom-json", sample(case, "dicom-json")) == said
    assert bool(said) is (case != "absent")


@each_case
@each_pair
def test_onto_the_target_without_its_statements(case, source, target):
    want = about_the_image(case, target, sample(case, target))
    result = transformer(source, target)(sample(case, source), bare(case, target), link=TRUSTED)
    assert about_the_image(case, target, result.value) == want
    harmless = ("dicom/no-counterpart", "value/unknown-term")
    assert not [i for i in result.issues if i.severity == "error" and i.code not in harmless]


@each_case
@each_pair
def test_onto_the_target_as_it_is(case, source, target):
    document = sample(case, target)
    result = transformer(source, target)(sample(case, source), document, link=TRUSTED)
    if case in ("study-level", "ihe-order-zds") and target not in DATA_SETS:
        assert about_the_image(case, target, result.value) == about_the_image(
            case, target, document
        )
    else:
        assert result.value == document


@each_case
@pytest.mark.parametrize("order", list(permutations(FORMATS, 3)), ids="-".join)
def test_round_trips(case, order):
    """First to second to third and back to the first: identical values."""
    first = order[0]
    want = about_the_image(case, first, sample(case, first))
    document = sample(case, first)
    for source, target in (order[:2], order[1:], (order[2], first)):
        document = transformer(source, target)(document, bare(case, target), link=TRUSTED).value
    assert about_the_image(case, first, document) == want


@each_case
@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", DATA_SETS)
def test_over_a_link_that_nobody_vouched_for(case, source, target):
    result = transformer(source, target)(sample(case, source), bare(case, target))
    said = dict(about_the_image(case, target, result.value))
    assert said == ({} if case == "absent" else {"SOPInstanceStatus": "NS"})
    assert ("link/untrusted" in [i.code for i in result.issues]) is (case != "absent")


@each_case
def test_codecs_keep_what_says_the_same(case):
    for name in FORMATS:
        document = sample(case, name)
        under = codec(name)
        assert under.encode(under.decode(document).value, document).value == document


def test_the_script_makes_them(tmp_path):
    spec = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path)
    for case in CASES:
        for path in (FOLDER / case).iterdir():
            made = (tmp_path / case / path.name).read_bytes()
            if path.name == "image.dcm":  # zlib versions deflate differently
                read = [pydicom.dcmread(io.BytesIO(data)) for data in (made, path.read_bytes())]
                assert read[0] == read[1]
            else:
                assert made == path.read_bytes()
