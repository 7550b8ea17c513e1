"""Synthetic samples, one folder a case: image.dcm, message.hl7 and imaging-study.json."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the names of all cases."""
    return sorted(one.parent.name for one in _FOLDER.glob("*/image.dcm"))


def path(case: str) -> Path:
    """Return the folder of a case; raise `LookupError` for a name that is not one."""
    if case not in names():
        raise LookupError(f"there is no sample {case!r}: choose one of {', '.join(names())}")
    return _FOLDER / case
