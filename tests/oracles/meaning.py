"""What a statement must look like to software that others wrote."""

from sopstatus import codec

STATUS, WHEN = "SOPInstanceStatus", "SOPAuthorizationDateTime"
COMMENT, NUMBER = "SOPAuthorizationComment", "AuthorizationEquipmentCertificationNumber"
TERMS = ("NS", "OR", "AO", "AC")


def statements(name, document):
    """Return (statement, attributes) for each statement of a document."""
    return [(x, dict(x.attributes)) for x in codec(name).decode(document).value]


def dtm(text):
    """Return the DTM of a legal DT: four fraction digits at most."""
    head, dot, tail = text.partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return head + dot + tail[: min(digits, 4)] + tail[digits:]
