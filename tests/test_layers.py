"""The direction of imports, folder by folder, from the code's own imports."""

import ast
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "plugin" / "sopstatus"

# bottom to top: a folder imports only folders above it in this list, and these packages of others
FOLDERS = {
    "table": {"pydicom"},
    "audit": set(),
    "codecs/shared": set(),
    "codecs/part10": set(),
    "codecs/dicom": {"pydicom"},
    "codecs/dicom_json": {"msgspec"},
    "codecs/fhir": {"fhir", "pydantic"},
    "codecs/healthimaging": set(),
    "codecs/hl7": {"hl7", "hl7apy"},
    "codecs/hl7_xml": set(),
    "codecs": set(),
    "profile": {"pydicom"},
    "ledger": {"sqlalchemy"},
    "documents": {"pydicom"},
    "explain": set(),
    "sources": {"boto3", "botocore", "dicomweb_client", "requests", "urllib3"},
    "archive": {"boto3", "botocore", "duckdb", "pyarrow"},
    "report": {"duckdb", "jinja2", "pygal"},
    "artifacts": set(),
    "artifacts/fhir": {"pydicom"},
    "artifacts/hl7": {"hl7apy"},
    "artifacts/mirth": set(),
    "artifacts/docs": {"jinja2", "markupsafe", "pydicom"},
    "engines": {"pyarrow", "pyspark", "structlog", "watchfiles"},
    "engines/http": {
        "prometheus_client",
        "python_multipart",
        "starlette",
        "structlog",
        "uvicorn",
        "watchfiles",
    },
    "engines/gateway": {"httpx"},
    "engines/mllp": set(),
    "engines/delivery": set(),
    "engines/orthanc": set(),
    "workbench": {"pydicom", "starlette"},
    "testing": {"pydicom", "starlette", "uvicorn"},
    "testkit": {"hypothesis", "pytest"},
    "cli": {"requests"},
}
ORDER = list(FOLDERS)
ROOT = {"log": {"structlog"}}  # modules of no folder


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix("__init__").removesuffix(".")


MODULES = {module_name(path): path for path in PACKAGE.rglob("*.py")}


def folder(name):
    """Return the folder of a module; one of no folder is a node of its own."""
    path = MODULES[name]
    inside = path.parent.relative_to(PACKAGE).as_posix()
    return inside if inside != "." else name


def statements(node):
    """Yield imports; those that only a type checker follows are none."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from statements(child)


@cache
def imports(name):
    found = set()
    for node in statements(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            assert node.level == 0, f"relative import in {name}"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                known = inner.removeprefix("sopstatus.") in MODULES
                found.add(inner if known else node.module)
    return found


def ours(name):
    found = (
        f.removeprefix("sopstatus").removeprefix(".")
        for f in imports(name)
        if f.split(".")[0] == "sopstatus"
    )
    return {f if f in MODULES else f.rpartition(".")[0] for f in found} - {name, ""}


@cache
def between_folders():
    graph = {}
    for name in MODULES:
        own = folder(name)
        graph.setdefault(own, set()).update(folder(other) for other in ours(name))
        graph[own].discard(own)
    del graph[""]  # what users import is at the end of every way
    return graph


@pytest.mark.parametrize("name", sorted(MODULES))
def test_direction(name):
    own = folder(name)
    if own in FOLDERS:
        for other in ours(name):
            if folder(other) in FOLDERS:
                assert ORDER.index(folder(other)) <= ORDER.index(own), f"{name} imports {other}"
    allowed = FOLDERS.get(own, ROOT.get(own, set()))
    others = {found.split(".")[0] for found in imports(name)} - {"sopstatus"}
    assert others - sys.stdlib_module_names <= allowed


def test_every_folder_is_in_the_list():
    assert {folder(name) for name in MODULES if "." in name} == set(FOLDERS)


def test_no_cycle_between_folders():
    try:
        tuple(TopologicalSorter(between_folders()).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_cycle_inside_a_folder():
    graph = {name: ours(name) for name in MODULES if name}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_house_is_not_high():
    """The longest chain of folders that import each other."""
    graph = between_folders()

    @cache
    def height(own):
        return (own in FOLDERS) + max(map(height, graph[own]), default=0)

    assert max(map(height, graph)) <= 12


def test_no_room_is_full():
    counts = {}
    for path in MODULES.values():
        inside = path.parent.relative_to(PACKAGE).as_posix()
        counts[inside] = counts.get(inside, 0) + 1
    assert counts.pop(".") <= 14
    assert counts.pop("cli") <= 30  # one file a command
    assert max(counts.values()) <= 18, counts


def test_tests_have_the_same_folders():
    """What is tested in a way of its own stands beside: laws, oracles, growth, fuzzing and others."""
    tests = Path(__file__).resolve().parent
    found = {path.parent.relative_to(tests).as_posix() for path in tests.rglob("test_*.py")}
    assert set(FOLDERS) - found == {"testing"}  # stand-ins, tested where they stand in


def test_one_codec_imports_no_other():
    """A codec knows one format; a format that is spelt in another way knows that one."""
    allowed = {"dicom": {"part10"}, "hl7_xml": {"hl7"}}
    for name in MODULES:
        own = name.split(".")
        if own[0] == "codecs" and len(own) > 2:
            for other in ours(name):
                there = other.split(".")
                if there[0] == "codecs" and len(there) > 1 and there[1] not in ("shared", own[1]):
                    assert there[1] in allowed.get(own[1], set()), f"{name} imports {other}"
                assert there != ["codecs"]


def test_a_name_is_imported_from_where_it_is_made():
    """Only a folder's ``__init__`` passes names on."""
    for name, path in MODULES.items():
        for node in statements(ast.parse(path.read_text())):
            there = getattr(node, "module", None) or ""
            own = MODULES.get(there.removeprefix("sopstatus."))
            if own and own.name != "__init__.py":
                made = made_in(own)
                for alias in node.names:
                    assert alias.name in made | {"*"}, f"{name} takes {alias.name} from {there}"


@cache
def made_in(path):
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def test_no_broken_module_passes_for_a_missing_package():
    """``ImportError`` is for what the platform lacks, or only makes it quick; else the name is looked at."""
    spared = sys.stdlib_module_names | {"msgspec"}
    for name, path in MODULES.items():
        for tried in ast.walk(ast.parse(path.read_text())):
            for handler in getattr(tried, "handlers", ()):
                caught = ast.unparse(handler.type) if handler.type else ""
                if "ImportError" in caught:
                    wanted = {
                        alias.name for one in tried.body for alias in getattr(one, "names", ())
                    }
                    assert wanted <= spared, f"{name}: {caught}"
                if "ModuleNotFoundError" in caught:
                    assert "error.name" in ast.unparse(handler), f"{name}: {caught}"


def test_no_module_needs_the_repository():
    """What makes pages of the repository is in ``tools/docs``."""
    for name, path in MODULES.items():
        text = path.read_text("utf-8")
        assert "parents[" not in text and '"docs/' not in text, name


def test_public_names():
    import sopstatus

    assert len(set(sopstatus.__all__)) == len(sopstatus.__all__)
    assert set(sopstatus.__all__) >= {
        *("SOPInstance", "Issue", "Result", "Link", "TableError", "DocumentError"),
        *("load_tables", "codec", "transformer"),
        *("AuditRecord", "Codec", "MappingTable", "Transformer"),
    }
    assert set(sopstatus.__all__) <= set(dir(sopstatus))
    for name in set(sopstatus.__all__) - {"FORMATS", "Format"}:
        assert getattr(sopstatus, name).__name__ in (name, f"sopstatus.{name}")


def test_what_a_folder_offers_lazily_is_not_called_as_a_module_of_it():
    # once the module is loaded, the folder has it under that name
    for name, path in MODULES.items():
        if path.name == "__init__.py" and "exports(" in path.read_text("utf-8"):
            offered = set(getattr(import_module(f"sopstatus.{name}".rstrip(".")), "__all__", ()))
            assert not offered & {one.stem for one in path.parent.iterdir()}, name
