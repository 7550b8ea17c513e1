"""What the README and the first pages show is what happens."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
from samples_of import ROOT, bare, sample
from sopstatus import transformer
from sopstatus.cli import COMMANDS, parser

README, PYTHON, SHELL = (
    (ROOT / name).read_text() for name in ("README.md", "docs/python.md", "docs/command-line.md")
)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def blocks(page, kind):
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


def pasted(code, folder):
    """Run a snippet as pasted into an interpreter in an empty folder."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 85
    assert "not published yet" in README


def test_the_readme_s_snippet(tmp_path):
    (code,) = blocks(README, "python")
    assert len(code.splitlines()) == 4 and ".unwrap()" in code
    shown = "print(message.decode()); import json; print(json.dumps(study))"
    lines = pasted(f"{code}{shown}", tmp_path)
    (segment,) = blocks(README, "text")
    assert segment.strip() in lines
    extension = json.loads(lines[-1])["series"][0]["instance"][0]["extension"]
    assert extension == [json.loads(blocks(README, "json")[0])]


def test_the_link_decides(tmp_path):
    """As the README says of ``archive.dcm``: a copy that states nothing gets NS."""
    archive = tmp_path / "archive.dcm"
    archive.write_bytes(bare("authorized-original", "dicom"))
    study = transformer("dicom", "fhir")(sample("authorized-original", "dicom")).unwrap()
    result = transformer("fhir", "dicom")(study, archive)
    assert result.value.SOPInstanceStatus == "NS"
    assert [issue.code for issue in result.issues] == ["link/untrusted"]


def test_the_snippets_of_the_python_page(tmp_path):
    first, second, third = blocks(PYTHON, "python")
    lines = pasted(first, tmp_path)
    assert lines[0].startswith("NS warning link/untrusted (0100,0410): ") and lines[1] == "AO"
    assert "'SOPInstanceStatus': 'AO'" in pasted(second, tmp_path)[0]
    assert pasted(third, tmp_path) == ["AO"]


def test_the_entry_point_of_the_python_page(tmp_path):
    """A distribution with the page's snippet offers its transformer, by name and over MLLP and HTTP."""
    (snippet,) = blocks(PYTHON, "toml")
    offered = tomllib.loads(snippet)["project"]["entry-points"]["sopstatus.transformers"]
    info = tmp_path / "ours-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ours\nVersion: 1.0\n")
    lines = "\n".join(f"{name} = {value}" for name, value in offered.items())
    (info / "entry_points.txt").write_text(f"[sopstatus.transformers]\n{lines}\n")
    (tmp_path / "our_transformers.py").write_text(
        "import sopstatus\n"
        "def carry(document, into, *, link):\n"
        "    return sopstatus.transformer('hl7', 'fhir')(document, into, link=link)\n"
    )
    shown = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import sopstatus\n"
        "from sopstatus.transform import named\n"
        "message = sopstatus.samples.path('authorized-original') / 'message.hl7'\n"
        "print(named('ours')(message, None, link=sopstatus.Link()).unwrap()['resourceType'])\n"
    )
    assert pasted(shown, tmp_path) == ["ImagingStudy"]


def commands(page):
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            if found := re.match(
                r"(?:venv/bin/)?(sopstatus \S[^#>]*?)\s*(?:2> \S+\s*)?(?:#.*)?$", line
            ):
                yield found[1]


@pytest.mark.parametrize("line", [*commands(README), *commands(SHELL)])
def test_commands_are_ours(line):
    _, name, *given = shlex.split(line)
    if name != "help":
        assert parser(name).parse_args(given)


def test_inline_commands_are_ours():
    (found,) = re.findall(r"`sopstatus (gateway [^`]+)`", README)
    assert parser("gateway").parse_args(found.split()[1:])


def test_extras_are_quoted_and_exist():
    """``pip install .[http]`` is no match for zsh."""
    for page in (README, SHELL):
        assert not re.search(r'install [^"\n]*\[', page)
        for name in re.findall(r'"\.\[([a-z,]+)\]"', page):
            assert set(name.split(",")) <= set(EXTRAS)
    table = SHELL.partition("| extra | brings |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]
    assert {name for row in rows for name in re.findall(r"`([a-z0-9]+)`", row)} == set(EXTRAS)
    for name, command in COMMANDS.items():
        row = next((row for row in table.splitlines() if f"`sopstatus {name}`" in row), "")
        assert not command.extra or f"`{command.extra}`" in row.split("|")[1], name
