"""How Schemathesis writes bodies of media types that it does not know: text, and JSON lines."""

import json

import schemathesis


@schemathesis.serializer("application/hl7-v2", "x-application/hl7-v2+er7", "application/dicom")
def text(context, value):
    """Write a text as it is."""
    data = value if isinstance(value, str) else json.dumps(value)
    return data.encode("utf-8", "replace")


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(context, value):
    """Write three lines of the same, and one that is cut off."""
    line = json.dumps(value).encode()
    return b"\n".join([line, line, line, line[:-1]])
