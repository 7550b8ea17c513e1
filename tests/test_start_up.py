"""What starting costs: the packages that each import and each command load, and no others."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import sopstatus
from sopstatus._lazily import pattern

PACKAGES = str(Path(sopstatus.__file__).parents[1])
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
RELEASED = SAMPLES / "authorized-original"
MESSAGE, RESOURCE, IMAGE, METADATA = (
    str(RELEASED / name)
    for name in ("message.hl7", "imaging-study.json", "image.dcm", "metadata.json")
)
# in the standard library, but slower to load than all of ours; only who needs them pays
SLOW = frozenset(
    ("asyncio", "difflib", "email", "hashlib", "http", "logging", "multiprocessing", "socket",
     "sqlite3", "ssl", "tempfile", "tomllib", "unittest", "xml")
)  # fmt: skip
# what reading tables takes: those of a wheel are proved before (tests/table/test_proved.py)
TABLES = {"hashlib", "tomllib"}


def loaded_by(code):
    """Return what a fresh interpreter loads for this code: third-party packages, and slow ones."""
    script = f"import sys\n{code}\nsys.stderr.write(' '.join(m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    modules = done.stderr.splitlines()[-1].decode().split()
    found = {name.partition(".")[0] for name in modules}
    third = found - sys.stdlib_module_names - {"sopstatus"}
    return {m for m in third if not m.startswith(("_", "sitecustomize"))} | found & SLOW


BARE = loaded_by("pass")
# with what it loads itself, where that is installed: requests, for files to download
PYDICOM = loaded_by("import pydicom.data") - BARE

CODE = {
    "import sopstatus": set(),
    "import sopstatus.cli.convert": {"hashlib"},
    "import sopstatus; sopstatus.load_tables()": TABLES,
    r"import sopstatus; sopstatus.codec('hl7').decode(b'MSH|^~\\&|\r')": TABLES,
    "import sopstatus; sopstatus.codec('fhir').decode({'resourceType': 'ImagingStudy'})": TABLES,
    f"import sopstatus; sopstatus.codec('dicom').decode({IMAGE!r})": TABLES,
    f"from sopstatus.transform import dicom_to_fhir as f; f({IMAGE!r}).unwrap()": TABLES,
}

COMMANDS = {
    f"show {MESSAGE}": TABLES,
    f"show {RESOURCE}": TABLES,
    f"show {IMAGE}": TABLES,
    f"show {METADATA}": TABLES | {"msgspec", "typing_extensions"},
    f"convert {MESSAGE} --to fhir": TABLES,
    f"convert {RESOURCE} --to hl7": TABLES,
    f"convert {IMAGE} --to hl7": TABLES,
    f"convert {MESSAGE} --to dicom --into {IMAGE}": TABLES,
    f"convert {MESSAGE} --to fhir --validate": TABLES
    | {"pydantic", "pydantic_core", "typing_extensions", "typing_inspection"},
    f"explain {MESSAGE} --color never": TABLES | PYDICOM,
    "check": TABLES,
    "demo": TABLES | PYDICOM,
    "--version": set(),
    "audit verify /dev/null": {"hashlib"},
}


@pytest.mark.parametrize("code", CODE)
def test_imports(code):
    assert loaded_by(code) - BARE == CODE[code]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command):
    run = f"from sopstatus.cli import main\ntry: main({command.split()!r})\nexcept SystemExit: pass"
    assert loaded_by(run) - BARE == COMMANDS[command]


def test_the_ledger_is_not_for_free():
    run = "from sopstatus.cli import main; main(['ledger', 'show', ':memory:', '1.2.3'])"
    assert "sqlalchemy" in loaded_by(run)  # with a family of its own, which is its own business


def test_a_pattern_of_later_is_one_where_it_is_copied():
    for made in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        assert made(pattern("a+")).fullmatch("aa")


def test_importing_alone_loads_next_to_nothing():
    """Seen without a site's packages, some of which load these themselves."""
    code = f"import sys; sys.path.insert(0, {PACKAGES!r}); import sopstatus; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, check=True, text=True
    )
    assert {"re", "typing", "enum", "functools", "pathlib"}.isdisjoint(done.stdout.split())
