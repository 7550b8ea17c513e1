"""What a call says, so that two roads to it can be compared."""

from sopstatus import DocumentError


def result(call, *arguments):
    """Return value and issues, or those of the `DocumentError`; an offset beside a DT counts."""
    try:
        found = call(*arguments)
    except DocumentError as error:
        return error.issues
    beside = [getattr(v, "offset", "") for x in _statements(found) for _, v in x.attributes]
    return found, beside


def _statements(found):
    value = getattr(found, "value", found)
    return value if isinstance(value, tuple) else ()
