"""The FHIR Shorthand: SUSHI makes of it what the package holds, and refuses what is wrong with a study."""

import pytest
from sopstatus import load_tables
from sopstatus.artifacts.fhir.fsh_text import literal, quoted
from sopstatus.artifacts.fhir.releases import RELEASES

from artifacts.fhir.sushi import compiled
from artifacts.fhir.test_fhir_packages import FILES, package

R4 = RELEASES[0]
PLACE = "series[0].instance[0].extension[sopInstanceStatus][0]"
STATUS = f"* {PLACE}.extension[status][0].valueCode = #AO"
WHEN = f"* {PLACE}.extension[authorizationDateTime][0].valueDateTime = 2024-01-15T10:30:15+01:00"
BROKEN = {  # the line that is changed, what it becomes, and what SUSHI says of it
    "wrong-type": (STATUS, STATUS.replace("valueCode = #AO", 'valueString = "AO"'), "valueString"),
    "misspelt-slice": (STATUS, STATUS.replace("[status]", "[statsu]"), "statsu"),
    "two-status": (
        STATUS,
        f"{STATUS}\n{STATUS.replace('[0].valueCode', '[1].valueCode')}",
        "status",
    ),
    "no-zone": (WHEN, WHEN.replace("+01:00", ""), "2024-01-15T10:30:15"),
    "date-of-hl7": (
        WHEN,
        WHEN.replace("2024-01-15T10:30:15+01:00", "20240115103015"),
        "20240115103015",
    ),
    "foreign-url": (
        STATUS,
        f'{STATUS}\n* {PLACE}.url = "https://other.test/status"',
        "https://other.test/status",
    ),
    "wrong-context": (
        STATUS,
        STATUS.replace("series[0].instance[0]", "subject"),
        "sopInstanceStatus",
    ),
    "no-value": (STATUS, f'* {PLACE}.extension[status][0].id = "x"', "value[x]"),
}


def example(name):
    text = FILES["r4/fsh/input/fsh/examples.fsh"].decode()
    return next(
        one for one in text.split("\n\n") if one.startswith(f"Instance: ImagingStudy-{name}\n")
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The project with broken studies beside it: what SUSHI makes and says, and where each study begins."""
    project = tmp_path_factory.mktemp("project")
    start = "r4/fsh/"
    for path, content in FILES.items():
        if path.startswith(start):
            place = project / path.removeprefix(start)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    lines, begins = [], {}
    for name, (old, new, _) in BROKEN.items():
        begins[name] = len(lines) + 1
        good = example("authorized-original")
        assert old in good
        bad = good.replace(old, new).replace("authorized-original", f"broken-{name}")
        lines += [*bad.split("\n"), ""]
    (project / "input/fsh/broken.fsh").write_text("\n".join(lines))
    return *compiled(project, tmp_path_factory.mktemp("home")), begins


def test_what_it_makes_is_what_the_package_holds(run):
    made, said, _, _ = run
    assert [
        one for one in said if one[2].endswith(".fsh") and not one[2].endswith("broken.fsh")
    ] == []
    for resource in package(R4).values():
        kind = resource.get("resourceType")
        if kind is None or kind == "ImplementationGuide":
            continue
        other = made[kind, resource["id"]]
        if kind != "StructureDefinition":
            assert other == resource
            continue
        apart = ("snapshot", "differential", "mapping")  # SUSHI keeps the base's mappings
        assert {k: v for k, v in other.items() if k not in apart} == {
            k: v for k, v in resource.items() if k not in apart
        }
        left_out = ("mapping", "example")
        assert [
            {k: v for k, v in element.items() if k not in left_out}
            for element in other["snapshot"]["element"]
        ] == [
            {k: v for k, v in element.items() if k not in left_out}
            for element in resource["snapshot"]["element"]
        ]


@pytest.mark.parametrize("name", BROKEN)
def test_it_refuses_a_broken_study(run, name):
    _, said, output, begins = run
    ends = [line for line in begins.values() if line > begins[name]] or [10**6]
    here = [
        text
        for kind, text, file, line in said
        if kind == "error" and file.endswith("broken.fsh") and begins[name] <= line < min(ends)
    ]
    assert any(BROKEN[name][2] in text for text in here), f"{here}\n{output[-4000:]}"


def test_text_and_codes():
    assert quoted('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'
    assert literal("code", "two words") == '#"two words"'
    assert literal("min", 0) == "0"
    assert literal("experimental", False) == "false"
    assert literal("system", "email", "telecom") == "#email"
    assert literal("system", "urn:x", "coding") == '"urn:x"'


def test_every_release_and_site_has_its_project(tmp_path):
    for release in RELEASES:
        text = FILES[f"{release.name.lower()}/fsh/sushi-config.yaml"].decode()
        assert f"fhirVersion: {release.version}" in text
        assert f"canonical: {load_tables().site.canonical}" in text
