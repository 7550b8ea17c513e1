"""Transformers: named, loaded lazily, picklable, shared by threads; foreign objects come back."""

import copy
import io
import pickle
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from pathlib import Path

import hl7
import pydicom
import pytest
import sopstatus
from fhir.resources.imagingstudy import ImagingStudy as R5Study
from fhir.resources.R4B.imagingstudy import ImagingStudy as R4BStudy
from hl7apy.parser import parse_message
from pydicom.data import get_testdata_file
from samples_of import FOLDER, sample
from sopstatus import DocumentError, Link, SOPInstance, codec, transform, transformer
from sopstatus.transform import names_nothing, says_nothing

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
CT = Path(get_testdata_file("CT_small.dcm")).read_bytes()
NAMES = [
    "dicom-to-fhir",
    "dicom-to-hl7",
    "fhir-to-dicom",
    "fhir-to-hl7",
    "hl7-to-dicom",
    "hl7-to-fhir",
]


@pytest.fixture(scope="module")
def authorized():
    dataset = pydicom.dcmread(io.BytesIO(CT))
    dataset.SOPInstanceStatus = "AO"
    dataset.SOPAuthorizationDateTime = "20240102030405.123456"
    dataset.SOPAuthorizationComment = "a|b^c\\d\r\nzwei ~&"
    dataset.AuthorizationEquipmentCertificationNumber = "C-1"
    return dataset


def documents(dataset):
    message = transform.dicom_to_hl7(dataset).value
    return {"dicom": dataset, "hl7": message, "fhir": transform.hl7_to_fhir(message).value}


@pytest.mark.parametrize("name", NAMES)
def test_entry_points(name, authorized):
    found = transform.named(name)
    assert found is getattr(transform, name.replace("-", "_"))
    assert pickle.loads(pickle.dumps(found)) is found
    source, target = name.split("-to-")
    result = found(documents(authorized)[source], documents(authorized)[target], link=TRUSTED)
    assert codec(target).decode(result.value).value[0].attributes[-1] == ("SOPInstanceStatus", "AO")


def test_the_group_holds_these_names():
    assert sorted({e.name for e in entry_points(group="sopstatus.transformers")}) == NAMES


def test_an_unknown_name():
    with pytest.raises(LookupError, match="dicom-to-fhir"):
        transform.named("dicom-to-fax")
    with pytest.raises(
        ValueError, match="dicom, dicom-json, dicom-xml, fhir, healthimaging, hl7, hl7-xml"
    ):
        codec("fax")


def test_a_name_that_two_distributions_offer(tmp_path):
    """Both distributions are named; a name of a site's own is found."""
    for name in ("one", "two"):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        entries = "[sopstatus.transformers]\nx-to-y = os:getcwd\n"
        (info / "entry_points.txt").write_text(entries + f"{name}-own = os:getpid\n")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from sopstatus.transform import named\nimport os\n"
        "assert named('one-own') is os.getpid\n"
        "try: named('x-to-y')\nexcept LookupError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "one 1.0 and two 1.0" in done.stdout


def test_the_page_s_entry_point_is_found(tmp_path):
    text = (Path(__file__).parents[1] / "docs" / "python.md").read_text()
    snippet = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])
    ((name, value),) = snippet["project"]["entry-points"]["sopstatus.transformers"].items()
    module, _, function = value.partition(":")
    (tmp_path / f"{module}.py").write_text(
        f"from sopstatus import transformer\n{function} = transformer('dicom', 'hl7')\n"
    )
    info = tmp_path / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[sopstatus.transformers]\n{name} = {value}\n")
    image = FOLDER / "authorized-original" / "image.dcm"
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from sopstatus.transform import named\n"
        f"print(named({name!r})({str(image)!r}, None, link=None).unwrap().decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "AO^Authorized Original" in done.stdout


def test_a_broken_entry_point_names_its_distribution(tmp_path):
    """Its command says so in a line; a traceback of somebody else's code is none of ours."""
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sopstatus.transformers]\nx-to-y = not_there:carry\n")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from sopstatus.cli import main\n"
        "sys.exit(main(['serve', '--port', '0', '--transformer', 'x-to-y']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "broken 1.0" in done.stderr
    assert "not_there" in done.stderr
    assert "Traceback" not in done.stderr


def test_transformers_pickle_and_are_shared_by_threads(authorized):
    carry = pickle.loads(pickle.dumps(transformer("dicom", "hl7")))
    message = sopstatus.codec("hl7").blank(codec("dicom").instances(authorized))
    want = carry(authorized, message).value
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: carry(authorized, message).value, range(64))) == {want}
    result = carry(authorized, message)
    assert pickle.loads(pickle.dumps(result)) == result


def test_a_to_c_is_a_to_b_to_c(authorized):
    found = documents(authorized)
    read = codec("fhir").decode
    assert read(found["fhir"]).value == read(transform.dicom_to_fhir(authorized).value).value


def test_a_statement_is_asked_by_keyword():
    said = SOPInstance(attributes={"SOPInstanceStatus": "AO", "SOPAuthorizationComment": ""})
    assert said["SOPInstanceStatus"] == said.get("SOPInstanceStatus") == "AO"
    assert said["SOPAuthorizationComment"] is None
    assert "SOPAuthorizationComment" in said
    assert "SOPAuthorizationDateTime" not in said
    assert said.get("SOPAuthorizationDateTime") is None
    with pytest.raises(KeyError, match="SOPAuthorizationDateTime"):
        said["SOPAuthorizationDateTime"]


def test_it_says_what_it_is():
    assert repr(transformer("hl7", "fhir")) == "transformer('hl7', 'fhir')"


class TestLink:
    def test_three_facts_that_cannot_be_swapped(self):
        with pytest.raises(TypeError):
            Link(True, True, True)

    @pytest.mark.parametrize(
        "link",
        [
            None,
            Link(),
            Link(secure=True, authenticated=True),
            Link(secure=True, authenticated=None, conforms=True),
            Link(secure=True, authenticated=True, conforms=False),
            Link(secure=1, authenticated=1, conforms=1),
        ],
    )
    @pytest.mark.parametrize("source", ["fhir", "hl7", "dicom"])
    def test_without_a_trusted_one_a_data_set_gets_ns(self, authorized, link, source):
        into = pydicom.dcmread(io.BytesIO(CT))
        result = transformer(source, "dicom")(documents(authorized)[source], into, link=link)
        assert result.value.SOPInstanceStatus == "NS"
        assert [e.keyword for e in result.value.group_dataset(0x0100)] == ["SOPInstanceStatus"]
        assert [i.code for i in result.issues] == ["link/untrusted"]
        assert "SOPInstanceStatus" not in into

    def test_over_a_trusted_one_it_is_carried(self, authorized):
        into = pydicom.dcmread(io.BytesIO(CT))
        for source in ("fhir", "hl7", "dicom"):
            result = transformer(source, "dicom")(documents(authorized)[source], into, link=TRUSTED)
            assert result.value.group_dataset(0x0100) == authorized.group_dataset(0x0100)
            assert not [i for i in result.issues if i.severity != "information"]

    def test_nothing_in_a_document_makes_its_link_trusted(self, authorized):
        message = documents(authorized)["hl7"].replace(b"|P|2.5.1|", b"|P|2.5.1|TRUSTED|")
        resource = {
            **documents(authorized)["fhir"],
            "link": {"secure": True},
            "meta": {"security": [{}]},
        }
        for source, document in (("hl7", message), ("fhir", resource)):
            assert transformer(source, "dicom")(document, CT).value != CT
            after = codec("dicom").decode(transformer(source, "dicom")(document, CT).value).value
            assert dict(after[0].attributes) == {"SOPInstanceStatus": "NS"}

    def test_what_says_nothing_changes_nothing(self):
        message = sopstatus.codec("hl7").blank(codec("dicom").instances(CT))
        assert transform.hl7_to_dicom(message, CT).value == CT


def test_the_caller_names_the_holder(authorized):
    message = transformer("dicom", "hl7")(authorized, holder="PACS1").value
    assert codec("hl7").decode(message).value[0].holder == "PACS1"
    other = codec("hl7").decode(message).value[0]
    both = (
        codec("hl7")
        .encode(
            [
                SOPInstance(
                    *other.identity[:2],
                    "",
                    other.sop_instance_uid,
                    "WS",
                    {"SOPInstanceStatus": "AC"},
                )
            ],
            message,
        )
        .value
    )
    into = transformer("hl7", "dicom")
    ambiguous = into(both, CT, link=TRUSTED)
    assert ambiguous.value == CT
    assert [i.code for i in ambiguous.issues] == ["dicom/holder-ambiguous"]
    for holder, status in (("PACS1", "AO"), ("WS", "AC")):
        done = into(both, CT, link=TRUSTED, holder=holder)
        assert codec("dicom").decode(done.value).value[0].attributes[-1] == (
            "SOPInstanceStatus",
            status,
        )


class TestForeignObjects:
    def test_python_hl7(self, authorized):
        message = hl7.parse(documents(authorized)["hl7"].decode())
        (x,) = codec("hl7").decode(message).value
        new = SOPInstance(*x.identity[:2], "", x.sop_instance_uid, "", {"SOPInstanceStatus": "AC"})
        kept = str(message)
        out = codec("hl7").encode([new], message).value
        assert type(out) is type(message)
        assert str(message) == kept
        assert str(out["ZDS"][0][5][0][0]) == "AC"
        assert codec("hl7").decode(out).value[0].attributes == new.attributes

    def test_hl7apy(self, authorized):
        message = parse_message(documents(authorized)["hl7"].decode(), find_groups=False)
        (x,) = codec("hl7").decode(message).value
        assert x == codec("dicom").decode(authorized).value[0]
        new = SOPInstance(*x.identity[:2], "", x.sop_instance_uid, "", {"SOPInstanceStatus": "AC"})
        out = codec("hl7").encode([new], message).value
        assert type(out) is type(message)
        assert out.zds.zds_5.children[0].to_er7() == "AC"
        assert codec("hl7").decode(out).value[0].attributes == new.attributes

    def test_text(self, authorized):
        text = documents(authorized)["hl7"].decode()
        out = codec("hl7").encode(codec("hl7").decode(text).value, text).value
        assert out == text

    @pytest.mark.parametrize(("model", "release"), [(R4BStudy, "R4"), (R5Study, "R5")])
    def test_fhir_resources(self, authorized, model, release):
        resource = codec("fhir").blank(codec("dicom").instances(authorized), release)
        study = model.model_validate(resource)
        kept = copy.deepcopy(study)
        out = transform.dicom_to_fhir(authorized, study).value
        assert type(out) is model
        assert study == kept
        assert out.series[0].instance[0].extension[0].extension[0].valueCode == "AO"
        assert codec("fhir").decode(out).value == codec("dicom").decode(authorized).value


@pytest.mark.parametrize("release", ["R4", "R4B", "R5"])
def test_blanks_validate(authorized, release):
    known = codec("dicom").instances(authorized)
    result = codec("fhir").encode(
        codec("dicom").decode(authorized).value, known=known, release=release, validate=True
    )
    assert not [i for i in result.issues if i.severity == "error"]


def test_validation_is_never_by_guess(authorized):
    message = transform.dicom_to_hl7(authorized).value
    resource = transform.hl7_to_fhir(message).value
    result = codec("fhir").decode(resource, validate=True)
    assert [i.code for i in result.issues] == ["fhir/release-unknown"]
    del resource["status"]
    result = codec("fhir").decode(resource, validate=True, release="R4")
    assert [(i.code, i.location) for i in result.issues] == [
        ("fhir/invalid", "ImagingStudy.status")
    ]


def test_dicom_sources(authorized, tmp_path):
    path = tmp_path / "image.dcm"
    authorized.save_as(path)
    want = codec("dicom").decode(authorized).value
    data = path.read_bytes()
    for source in (path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        assert codec("dicom").decode(source).value == want
    for into in (path, str(path), io.BytesIO(data), authorized):
        new = [
            SOPInstance(
                *want[0].identity[:2], "", want[0].sop_instance_uid, "", {"SOPInstanceStatus": "AC"}
            )
        ]
        out = codec("dicom").encode(new, into).value
        assert isinstance(out, pydicom.Dataset)
        assert out.SOPInstanceStatus == "AC"
        assert out[0x0008, 0x0005] is not authorized[0x0008, 0x0005]
        out.PatientName = "changed"
    assert authorized.SOPInstanceStatus == "AO"
    assert authorized.PatientName != "changed"


ADT = b"MSH|^~\\&|ADT|SITE|PACS|SITE|20240102030405||ADT^A08|1|P|2.5.1\rEVN||20240102030405\rPID|1||X\r"


@pytest.mark.parametrize("target", ["fhir", "hl7"])
@pytest.mark.parametrize(
    ("source", "document"),
    [
        ("hl7", ADT),
        ("fhir", {"resourceType": "Bundle", "type": "collection"}),
        ("fhir", {"resourceType": "ImagingStudy"}),
        ("dicom-json", b"[]"),
    ],
)
def test_a_new_document_about_nothing_is_told(source, document, target):
    result = transformer(source, target)(document)
    assert says_nothing(result.issues)
    with pytest.raises(DocumentError, match="document/says-nothing"):
        result.unwrap()


def test_one_that_knows_a_study_or_goes_into_another_is_none():
    study = {"resourceType": "ImagingStudy", "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2"}],
             "series": [{"uid": "1.2.1", "instance": [{"uid": "1.2.1.1"}]}]}  # fmt: skip
    assert not names_nothing(transformer("fhir", "hl7")(study).issues)
    assert not says_nothing(transformer("hl7", "fhir")(ADT, study).issues)
    image = sample("absent", "dicom")
    assert not names_nothing(transformer("dicom", "fhir")(image).issues)
