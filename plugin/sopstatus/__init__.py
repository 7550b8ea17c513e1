"""Carry DICOM SOP Instance Status (0100,0410) between DICOM, HL7 v2 and FHIR without loss."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sopstatus.codecs.statement import expand, rollup
    from sopstatus.limits import Limits
    from sopstatus.model import DocumentError, Issue, Result, SOPInstance, TableError
    from sopstatus.profile import Link
    from sopstatus.scanning import Scanned, scan
    from sopstatus.table import load_tables
    from sopstatus.transform import codec, transformer

__all__ = [
    "DocumentError",
    "Issue",
    "Limits",
    "Link",
    "Result",
    "SOPInstance",
    "Scanned",
    "TableError",
    "codec",
    "expand",
    "load_tables",
    "rollup",
    "scan",
    "transformer",
]

__version__ = "0.1.0"

_MODULES = {
    "codecs.statement": ("expand", "rollup"),
    "limits": ("Limits",),
    "model": ("DocumentError", "Issue", "Result", "SOPInstance", "TableError"),
    "profile": ("Link",),
    "scanning": ("Scanned", "scan"),
    "table": ("load_tables",),
    "transform": ("codec", "transformer"),
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module at its first use: importing alone loads nothing."""
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(globals().keys() | set(__all__))
