"""The direction of imports, from the code's own imports."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "plugin" / "sopstatus"

LAYERS = [  # a module imports only from layers before its own, and from its own
    {"model", "limits", "audit"},
    {
        "toml_lines",
        "table_language",
        "table_keys",
        "table_model",
        "catalogue",
        "plain",
        "values",
        "table_check",
        "table",
    },
    {"profile_language", "profile_check", "profile_table"},
    {
        "codecs",
        "link",
        "transition",
        "profile",
        "crossing",
        "audit_log",
        "audit_fhir",
        "audit_dicom",
    },
    {"transform", "outcome", "acknowledge", "acknowledge_segments", "log", "ledger", "progress"},
    {"content", "files", "explain", "issue_forms", "scaffold", "side_by_side", "stamp"},
    {"places", "stored"},
    {"replay"},
    {"described", "processes", "scanning"},
    {"archive", "sources"},
    {"report"},
    {
        *("engines", "artifacts.docs", "artifacts.fhir", "artifacts.hl7", "artifacts.mirth"),
        *("artifacts.cloud", "artifacts.issue_symptoms", "artifacts.lifecycle_svg"),
        *("artifacts.schema", "artifacts.write"),
    },
    {"workbench"},
    {
        *("", "demo", "listing", "commands", "diff_commands", "table_commands"),
        *("table_report", "ledger_commands", "mllp_commands", "report_commands", "scan_commands"),
        *("archive_arguments", "artifact_commands", "audit_commands", "extra_commands"),
        *("serve_commands", "spool_commands", "workbench_commands", "__main__"),
        *("export_commands", "gateway_commands", "server_arguments"),
    },
    {"artifacts", "testing", "testkit"},
]
THIRD_PARTY = {
    "pydicom": {
        "codecs.dicom",
        "codecs.dicom_read",
        "codecs.dicom_nooks",
        "codecs.character_set",
        "table_check",
        "artifacts.docs.page",
        "artifacts.docs.values",
        "artifacts.fhir.names",
        "places",
        "scaffold",
        "workbench.blank_file",
        "testing.archive",
        "testing.dicomweb",
        "testing.healthimaging",
        "testing.image_set",
    },
    "msgspec": {"codecs.dicom_json_fast"},
    "hl7apy": {"codecs.hl7_objects", "artifacts.hl7.structures", "artifacts.hl7.v2_to_fhir"},
    "hl7": {"codecs.hl7_objects"},
    "fhir": {"codecs.fhir_models"},
    "pydantic": {"codecs.fhir_models"},
    "structlog": {
        "log",
        "engines.http_guard",
        "engines.http_server",
    },
    "starlette": {
        *("engines.http", "engines.http_body", "engines.http_guard", "engines.http_server"),
        *("testing.dicomweb", "testing.healthimaging"),
        *("workbench.application", "workbench.guard"),
    },
    "uvicorn": {"engines.http_server", "testing.running"},
    "httpx": {"engines.gateway_upstream"},
    "requests": {"engines.sources", "gateway_commands", "sources.fhir", "sources.web"},
    "retrying": {"sources.web"},
    "dicomweb_client": {"sources.web"},
    "boto3": {"sources.image_sets"},
    "botocore": {"sources.image_sets"},
    "watchfiles": {"engines.http_server"},
    "python_multipart": {"engines.http_media", "engines.http_parts"},
    "prometheus_client": {"engines.http_metrics"},
    "sqlalchemy": {"ledger", "ledger.schema"},
    "rich": {"progress"},
    "pytest": {"testkit", "testkit.collect"},
    "hypothesis": {"testkit.law_checks"},
    "jinja2": {"artifacts.docs.page", "report.page"},
    "markupsafe": {"artifacts.docs.page"},
    "pyarrow": {"archive.parquet", "engines.spark"},
    "pyspark": {"engines.spark"},
    "duckdb": {"archive.database", "report.figures"},
    "pygal": {"report.charts"},
}


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix("__init__").removesuffix(".")


MODULES = {module_name(path): path for path in PACKAGE.rglob("*.py")}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner.removeprefix("sopstatus.") in MODULES else node.module


def layer(name):
    top, second = [*name.split("."), ""][:2]
    own = next((i for i, names in enumerate(LAYERS) if f"{top}.{second}" in names), None)
    return next(i for i, names in enumerate(LAYERS) if top in names) if own is None else own


@pytest.mark.parametrize("name", sorted(MODULES))
def test_direction(name):
    for found in imports(MODULES[name]):
        if found.startswith("sopstatus"):
            other = found.removeprefix("sopstatus").removeprefix(".")
            other = other if other in MODULES else other.rpartition(".")[0]
            if other or name:
                assert layer(other) <= layer(name), f"{name} imports {other}"
            families = {
                n.partition(".")[2].partition("_")[0]
                for n in (name, other)
                if n.startswith("codecs.")
            }
            shared = {"forms", "statement", "er7", "part10", "character", "library"}
            shared |= {"data", "json", "xml", "issues", ""}
            assert len(families - shared) <= 1, f"one codec imports another: {name} imports {other}"
        else:
            top = found.split(".")[0]
            assert top in sys.stdlib_module_names or name in THIRD_PARTY[top], f"{name}: {found}"


def test_modules_are_short():
    long = {n: len(p.read_text().splitlines()) for n, p in MODULES.items()}
    assert not {n: count for n, count in long.items() if count > 320}


def test_public_names():
    import sopstatus

    assert sorted(sopstatus.__all__) == sopstatus.__all__
    assert set(sopstatus.__all__) >= {
        *("SOPInstance", "Issue", "Result", "Link", "TableError", "DocumentError"),
        *("load_tables", "codec", "transformer"),
    }
    assert set(sopstatus.__all__) <= set(dir(sopstatus))
    for name in sopstatus.__all__:
        assert getattr(sopstatus, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'decode'"):
        sopstatus.decode  # noqa: B018
