"""What stands where in a document, as pairs of place and text: to compare two of them by people.

A place is written as the format writes it: ``ZDS[1]-5.1``, ``ImagingStudy.extension[status]``,
``SOPInstanceStatus``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sopstatus.documents import content

Pair = tuple[str, str]
_TAG = re.compile(r"[0-9A-F]{8}")


def places(name: str, document: Any) -> Iterator[Pair]:
    """Yield every place of a document of this format that holds something, in its order."""
    if name == "hl7":
        yield from _message(document)
    elif name in ("hl7-xml", "dicom-xml"):
        yield from _xml(document)
    elif name == "dicom":
        yield from _data_set(document)
    else:
        if isinstance(document, bytes | str):
            raw = document.encode() if isinstance(document, str) else document
            document = content.load_json(raw)
        kind = document.get("resourceType", "") if isinstance(document, dict) else ""
        yield from _json(document, kind)


def _message(document: bytes | str) -> Iterator[Pair]:
    text = document if isinstance(document, str) else _decoded(document)
    counts: Counter[str] = Counter()
    field, component, repetition = "|", "^", "~"
    text = text.strip("\x0b\x1c\x00\r\n")
    end = re.search(r"\r\n|\r|\n|\Z", text)
    for line in re.split(r"\r\n|\r" if end and end[0] == "\r" else r"\r\n|\r|\n", text):
        segment = line[:3]
        if not segment:
            continue
        counts[segment] += 1
        start = f"{segment}[{counts[segment]}]"
        if segment in ("MSH", "BHS", "FHS") and len(line) > 6:
            field, component, repetition = line[3], line[4], line[5]
            yield f"{start}-2", line[4:].split(field)[0]
            fields = ["", "", *line[4:].split(field)[1:]]
        else:
            fields = line.split(field)[1:]
        for number, value in enumerate(fields, 1):
            repeats = value.split(repetition)
            for index, one in enumerate(repeats, 1):
                place = f"{start}-{number}" + (f"[{index}]" if len(repeats) > 1 else "")
                parts = one.split(component)
                for part, text in enumerate(parts, 1):
                    if text:
                        yield (f"{place}.{part}" if len(parts) > 1 else place), text


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _json(node: Any, place: str) -> Iterator[Pair]:
    if isinstance(node, Mapping):
        if not node:
            yield place, "{}"
        for key, value in node.items():
            name = _keyword(key) if _TAG.fullmatch(key) else key
            yield from _json(value, f"{place}.{name}" if place else name)
    elif isinstance(node, list):
        if not node:
            yield place, "[]"
        seen: Counter[str] = Counter()
        for index, value in enumerate(node):
            label = str(index)
            url = value.get("url") if isinstance(value, Mapping) else None
            if isinstance(url, str):  # an extension is known by its url, wherever it stands
                label = url.rpartition("/")[2] or url
                seen[label] += 1
                label += f":{seen[label]}" if seen[label] > 1 else ""
                if ":" not in url:  # a slice: its label says it
                    value = {k: v for k, v in value.items() if k != "url"}
            yield from _json(value, f"{place}[{label}]")
    else:
        yield place, node if isinstance(node, str) else getattr(node, "text", json.dumps(node))


def _keyword(tag: str) -> str:
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(int(tag, 16)) or tag


def _data_set(document: Any) -> Iterator[Pair]:
    import io

    from pydicom import dcmread

    if isinstance(document, bytes):
        document = dcmread(io.BytesIO(document), force=True)
    elif not hasattr(document, "iterall"):
        document = dcmread(document, force=True)
    yield from _elements(document, "")


def _elements(dataset: Any, before: str) -> Iterator[Pair]:
    for element in dataset:
        place = f"{before}{element.keyword or element.tag}"
        if element.VR == "SQ":
            for number, item in enumerate(element.value or (), 1):
                yield from _elements(item, f"{place}[{number}].")
        elif isinstance(element.value, bytes):
            digest = hashlib.sha256(element.value).hexdigest()[:12]
            yield place, f"({len(element.value)} bytes, SHA-256 {digest}...)"
        elif element.is_empty:
            yield place, ""
        else:
            values = element.value if element.VM > 1 else [element.value]
            yield place, "\\".join(map(str, values))


def _xml(document: bytes | str) -> Iterator[Pair]:
    from xml.etree import ElementTree

    yield from _node(ElementTree.fromstring(document), "")


def _node(node: Any, before: str) -> Iterator[Pair]:
    place = f"{before}{node.tag}"
    if node.text and node.text.strip():
        yield place, node.text
    totals = Counter(child.tag for child in node)
    counts: Counter[str] = Counter()
    for child in node:
        counts[child.tag] += 1
        many = f"[{counts[child.tag]}]" if totals[child.tag] > 1 else ""
        for inner, text in _node(child, ""):
            head = f"{place}.{child.tag}{many}"
            yield head + inner[len(child.tag) :], text
