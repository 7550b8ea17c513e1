"""The FHIR packages: what is in them, that it hangs together, and that it is the same each time."""

import gzip
import importlib
import io
import json
import re
import subprocess
import tarfile
from xml.etree import ElementTree

import pytest
from docs.digests import digests
from samples_of import ROOT
from sopstatus import __version__, codec, load_tables
from sopstatus.artifacts.fhir.definitions import definitions
from sopstatus.artifacts.fhir.files import fhir_files
from sopstatus.artifacts.fhir.heads import head
from sopstatus.artifacts.fhir.package import packed
from sopstatus.artifacts.fhir.releases import PREVIEWS, RELEASES, base_elements
from sopstatus.artifacts.fhir.snapshot import snapshot
from sopstatus.cli import main
from sopstatus.table.model import attribute_id

from tools import need

TABLES = load_tables()
FILES = fhir_files(TABLES)
each_release = pytest.mark.parametrize("release", [*RELEASES, *PREVIEWS], ids=lambda r: r.name)
each_final = pytest.mark.parametrize("release", RELEASES, ids=lambda r: r.name)
WORLD = {
    "system": "http://unstats.un.org/unsd/methods/m49/m49.htm",
    "code": "001",
    "display": "World",
}
URL = "https://w3id.org/sopstatus/fhir/StructureDefinition/sop-instance-status"


def package(release):
    """The files of a release's package, parsed, by their names below ``package/``."""
    start = f"{release.name.lower()}/package/"
    return {
        path.removeprefix(start): json.loads(content)
        for path, content in FILES.items()
        if path.startswith(start)
    }


def defined(release, kind, identifier):
    return package(release)[f"{kind}-{identifier}.json"]


def test_what_the_repository_says_of_them_is_what_is_made():
    assert (ROOT / "docs/fhir/digests.txt").read_text() == digests("fhir", TABLES)
    for path in (ROOT / "docs/fhir").glob("*.json"):
        assert path.read_bytes() == FILES[f"r4/package/{path.name}"]


def test_made_twice_they_are_the_same_to_the_byte(tmp_path):
    assert fhir_files(TABLES) == FILES
    assert main(["artifacts", str(tmp_path), "--only", "fhir"]) == 0
    for path, content in FILES.items():
        assert (tmp_path / "fhir" / path).read_bytes() == content


@each_release
def test_the_archive_holds_the_files_and_nothing_of_this_machine(release):
    name = f"sopstatus.fhir.{release.name.lower()}-{__version__}.tgz"
    data = FILES[name]
    assert data[4:8] == b"\0\0\0\0"  # no time
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as archive:
        held = {m.name: archive.extractfile(m).read() for m in archive.getmembers()}
        assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in archive.getmembers()} == {
            (0, 0, 0, "", 0o644)
        }
    start = f"{release.name.lower()}/"
    assert held == {
        p.removeprefix(start): c for p, c in FILES.items() if p.startswith(f"{start}package/")
    }
    assert packed(held) == data


@each_release
def test_manifest_and_index(release):
    files = package(release)
    manifest = files["package.json"]
    assert manifest["version"] == __version__
    assert manifest["fhirVersions"] == [release.version]
    assert manifest["dependencies"] == {release.core: release.version}
    for folder in ("", "example/"):
        listed = files[f"{folder}.index.json"]["files"]
        names = [entry["filename"] for entry in listed]
        there = [n for n in files if n.startswith(folder) and n.count("/") == folder.count("/")]
        assert sorted(names) == sorted(
            n.removeprefix(folder) for n in there if not n.endswith((".index.json", "package.json"))
        )
        for entry in listed:
            resource = files[folder + entry.pop("filename")]
            assert entry.items() <= resource.items()
            assert entry["resourceType"] == resource["resourceType"]


@each_release
def test_every_url_of_ours_is_defined_in_the_package(release):
    files = package(release)
    known = {file["url"] for file in files.values() if "url" in file}
    text = json.dumps(list(files.values()))
    base = re.escape(TABLES.site.canonical)
    kinds = "StructureDefinition|CodeSystem|ValueSet|SearchParameter|OperationDefinition"
    assert set(re.findall(rf'"({base}/(?:{kinds})/[^"|]+)"', text)) <= known
    guide = defined(release, "ImplementationGuide", f"sopstatus.fhir.{release.name.lower()}")
    listed = {item["reference"]["reference"] for item in guide["definition"]["resource"]}
    assert listed == {
        f"{file['resourceType']}/{file['id']}"
        for file in files.values()
        if "resourceType" in file and file != guide
    }


@each_final
def test_the_extension(release):
    made = defined(release, "StructureDefinition", "sop-instance-status")
    assert made["url"] == URL
    assert "On a study or a series it is about all instances of it." in made["description"]
    search = defined(release, "SearchParameter", "sop-instance-status")
    assert "Search by the bare code" in search["description"]
    assert [c["expression"] for c in made["context"]] == [
        c for c in TABLES.groups[0].contexts if release.is_r5 or "Selection" not in c
    ]
    elements = {e["id"]: e for e in made["snapshot"]["element"]}
    slices = [e["sliceName"] for e in elements.values() if "sliceName" in e]
    assert slices == [
        *("status", "authorizationDateTime", "authorizationComment"),
        *("equipmentCertificationNumber", "holder", "holderUid", "holderUidType"),
        *("verbatim", "attribute", "value"),
    ]
    assert len(elements) == 5 + 5 * len(slices)
    assert len(made["snapshot"]["element"]) == len(elements)
    for name in slices:
        inside = ":verbatim.extension" if name in ("attribute", "value") else ""
        within = f"Extension.extension{inside}:{name}"
        assert elements[f"{within}.url"]["fixedUri"] == name
        if name == "verbatim":
            assert elements[f"{within}.extension"]["min"] == 2
            assert elements[f"{within}.value[x]"]["max"] == "0"
        else:
            assert elements[f"{within}.extension"]["max"] == "0"
            assert elements[f"{within}.value[x]"]["min"] == 1
        assert elements[within]["max"] == ("*" if name == "verbatim" else "1")
        path = f"Extension.extension{'.extension' * bool(inside)}.id"
        assert elements[f"{within}.id"]["path"] == path
    assert elements["Extension.url"]["fixedUri"] == URL
    assert elements["Extension.value[x]"]["max"] == "0"
    binding = elements["Extension.extension:status.value[x]"]["binding"]
    assert binding["strength"] == "required"
    assert not elements["Extension"]["isModifier"]


@each_final
def test_a_snapshot_is_the_base_and_what_the_differential_says(release):
    for name in release.resources:
        made = defined(release, "StructureDefinition", f"sop-status-{attribute_id(name)}")
        elements = made["snapshot"]["element"]
        assert [e["id"] for e in elements if "sliceName" not in e] == [
            e["id"] for e in base_elements(release, name)
        ]
        order = [e["id"] for e in elements]
        for changed in made["differential"]["element"]:
            there = elements[order.index(changed["id"])]
            for key, value in changed.items():
                if key == "constraint":
                    assert there[key][-len(value) :] == value
                else:
                    assert there[key] == value
            if "sliceName" in changed:
                sliced = changed["id"].rpartition(":")[0]
                assert order.index(changed["id"]) == order.index(sliced) + 1


def test_a_preview_is_the_differential_that_the_last_release_has():
    """What stands in a ballot may change: a snapshot of it would be wrong with the next one."""
    (preview,) = PREVIEWS
    files, latest = package(preview), package(RELEASES[-1])
    assert "preview" in files["package.json"]["description"]
    assert not any(path.startswith("r6/fsh") for path in FILES)
    definitions = [name for name in files if name.startswith("StructureDefinition-")]
    assert len(definitions) == 3
    for name in definitions:
        assert "snapshot" not in files[name]
        assert files[name]["differential"] == latest[name]["differential"]
        assert files[name]["fhirVersion"] == preview.version
    for kind in ("ImagingStudy", "ImagingSelection"):
        document = files[f"example/{kind}-authorized-original.json"]
        series = document.get("series", [document])
        assert series[0]["instance"][0]["sopClass"].startswith("urn:oid:1.2.840.")


@pytest.mark.parametrize(
    "name",
    [n for n in package(PREVIEWS[0]) if n.count("-") and "example" not in n and "index" not in n],
)
def test_a_definition_of_a_preview_is_one_of_the_last_release_too(name):
    """Of R6 there are no models; ours use nothing that R5 has not."""
    made = package(PREVIEWS[0])[name]
    kind = made["resourceType"]
    model = getattr(importlib.import_module(f"fhir.resources.{kind.lower()}"), kind)
    model.model_validate(made)


def test_a_differential_without_a_place_is_a_fault():
    base = base_elements(RELEASES[0], "Extension")
    for wrong in ("Extension.nothing", "Extension.nothing:slice", "Extension.extension:x.nothing"):
        with pytest.raises(LookupError):
            snapshot(base, [{"id": wrong, "path": "x"}], base)


@each_release
def test_concept_maps_are_the_tables(release):
    (row,) = [r for r in TABLES.groups[0].attributes if r.displays]
    word = "relationship" if release.is_r5 else "equivalence"

    def pairs(name):
        (group,) = defined(release, "ConceptMap", f"sop-instance-status-{name}")["group"]
        assert all(e["target"][0][word] == "equivalent" for e in group["element"])
        return {e["code"]: e["target"][0]["code"] for e in group["element"]}

    assert pairs("hl7-to-fhir") == row.from_hl7
    assert pairs("fhir-to-hl7") == row.to_hl7
    assert pairs("dicom-to-fhir") == row.to_fhir
    assert pairs("fhir-to-dicom") == row.from_fhir


@each_release
def test_examples_say_what_the_samples_say(release):
    files = package(release)
    for path in (ROOT / "samples").glob("*/imaging-study.json"):
        said = codec("fhir").decode(json.loads(path.read_text())).value
        example = files[f"example/ImagingStudy-{path.parent.name}.json"]
        assert [x.attributes for x in codec("fhir").decode(example).value] == [
            x.attributes for x in said
        ]
    assert ("example/ImagingSelection-original.json" in files) == release.is_r5


@each_release
def test_every_definition_tells_what_it_is_to_a_person_and_a_registry(release):
    for name, made in package(release).items():
        kind = made.get("resourceType")
        if kind is None or name.startswith("example/"):
            continue
        assert made["text"]["status"] == "generated", name
        told = ElementTree.fromstring(made["text"]["div"])
        assert told.tag == "{http://www.w3.org/1999/xhtml}div", name
        said = " ".join(told.itertext())
        assert made["description"] in said and made.get("title", "") in said, name
        assert made["contact"] == [{"name": TABLES.site.publisher}], name
        assert made["jurisdiction"] == [{"coding": [WORLD]}], name
        assert ("purpose" in made) == (kind not in ("ImplementationGuide", "NamingSystem")), name
        if kind not in ("NamingSystem", "OperationDefinition", "SearchParameter"):
            assert TABLES.site.publisher in made["copyright"], name
            assert TABLES.site.licence in made["copyright"], name


def test_a_narrative_is_well_formed_whatever_the_table_says():
    made = head(TABLES.site, "ValueSet", "a", title="A < B & C", description='"<p>" ]]>')
    told = ElementTree.fromstring(made["text"]["div"])
    assert ["".join(part.itertext()) for part in told] == ["A < B & C", '"<p>" ]]>']


def test_a_site_publishes_under_its_own_name(tmp_path):
    (tmp_path / "site.toml").write_text(
        'canonical = "https://hospital.test/fhir"\npublisher = "Hospital"\nlicence = "CC0-1.0"\n'
        'contact = "mailto:a@hospital.test"\npackage = "test.hospital.imaging"\n'
        'package-version = "2.0.1"\npackage-date = "2026-12-01"\npackage-status = "active"\n'
    )
    (tmp_path / "on.toml").write_text('name = "sr-completion-verification"\nenabled = true\n')
    files = fhir_files(load_tables(tmp_path))
    assert "test.hospital.imaging.r5-2.0.1.tgz" in files
    folder = "r4/package/"
    for path, content in files.items():
        if path.startswith(folder) and "/." not in path and not path.endswith("package.json"):
            assert "w3id.org" not in content.decode()
    made = json.loads(files[f"{folder}StructureDefinition-sr-completion-verification.json"])
    assert made["url"].startswith("https://hospital.test/fhir/")
    assert (made["publisher"], made["status"], made["date"]) == ("Hospital", "active", "2026-12-01")
    assert made["contact"] == [
        {"name": "Hospital", "telecom": [{"system": "email", "value": "a@hospital.test"}]}
    ]
    assert made["copyright"] == "© Hospital, licence CC0-1.0"
    for name in ("completion-flag", "verification-flag", "preliminary-flag"):
        assert f"{folder}CodeSystem-{name}.json" in files
        assert f"{folder}SearchParameter-{name}.json" in files


def test_names_are_unique():
    everything = load_tables(enable=[g.name for g in TABLES.available])
    for release in RELEASES:
        made = definitions(everything, release)
        keys = [(r["resourceType"], r["id"]) for r in made]
        assert len(set(keys)) == len(keys)
        names = [(r["resourceType"], r["name"]) for r in made]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", r["name"]) for r in made)
        assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", r["id"]) for r in made)


@each_release
def test_npm_packs_it_as_it_stands(release, tmp_path):
    for path, content in FILES.items():
        if path.startswith(f"{release.name.lower()}/package/"):
            place = tmp_path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    folder = tmp_path / release.name.lower() / "package"
    done = subprocess.run(
        [
            need("npm", "npm"),
            "pack",
            "--json",
            "--ignore-scripts",
            "--offline",
            "--cache",
            tmp_path,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    (told,) = json.loads(done.stdout)
    held = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {one["path"] for one in told["files"]} == held - {told["filename"]}
    assert told["filename"] == f"sopstatus.fhir.{release.name.lower()}-{__version__}.tgz"
    assert "warn" not in done.stderr.lower()
