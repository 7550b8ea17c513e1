"""Messages of hl7apy, python-hl7 and MessageFoundry: their ER7 text, and back to the same type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sopstatus.codecs.shared.library import comes_from


def is_message(document: Any) -> bool:
    """Tell whether the document is a message object of a library that is known here."""
    if comes_from(document, "messagefoundry"):  # its RawMessage holds what is no HL7
        return hasattr(document, "parse")
    return comes_from(document, "hl7apy", "hl7")


def text_of(document: Any) -> tuple[str, Callable[[str], Any]]:
    """Return the ER7 text of a message object, and a function that makes such an object of text."""
    if comes_from(document, "hl7"):
        import hl7

        batch = isinstance(document, hl7.File | hl7.Batch)
        return str(document), hl7.parse_hl7 if batch else hl7.parse
    if comes_from(document, "messagefoundry"):
        return document.encode(), document.parse
    from hl7apy.parser import parse_message

    level = document.validation_level

    def back(text: str) -> Any:
        # with groups, hl7apy drops every Z segment that its structures do not name
        return parse_message(text, validation_level=level, find_groups=False)

    marks = document.encoding_chars
    return "".join(_segments(document, marks)), back


def has_dropped(document: Any) -> bool:
    """Tell whether hl7apy found groups in this message, and so kept no Z segment."""
    if not comes_from(document, "hl7apy"):
        return False
    elements, grouped = list(document.children), False
    for element in elements:
        if element.classname == "Group":
            grouped = True
            elements += element.children
        elif element.name[:1] == "Z":
            return False
    return grouped


def _segments(element: Any, marks: dict[str, str]) -> list[str]:
    lines: list[str] = []
    for child in element.children:
        if child.classname == "Group":
            lines += _segments(child, marks)
        elif child.name[:1] == "Z":
            lines.append(_z_segment(child, marks) + marks["SEGMENT"])
        else:
            lines.append(child.to_er7(marks) + marks["SEGMENT"])
    return lines


def _z_segment(segment: Any, marks: dict[str, str]) -> str:
    r"""Write a Z segment from its leaves: hl7apy's own writer makes ``\E\X0D\E\`` of ``\X0D\``."""
    fields: dict[int, list[str]] = {}
    for item in segment.children:
        components = [
            marks["SUBCOMPONENT"].join(_leaf(leaf, marks) for leaf in component.children)
            for component in item.children
        ]
        text = marks["COMPONENT"].join(components)
        fields.setdefault(int(item.name.rpartition("_")[2]), []).append(text)
    numbers = range(1, max(fields, default=0) + 1)
    joined = [marks["REPETITION"].join(fields.get(number, [])) for number in numbers]
    return marks["FIELD"].join([segment.name, *joined])


def _leaf(leaf: Any, marks: dict[str, str]) -> str:
    value = getattr(leaf.value, "value", leaf.value)  # still escaped, as it was parsed
    return value if isinstance(value, str) else str(leaf.to_er7(marks))
