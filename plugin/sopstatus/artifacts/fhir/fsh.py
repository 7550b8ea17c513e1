"""The definitions and examples as FHIR Shorthand: a project that SUSHI compiles to what the package holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sopstatus.artifacts.fhir.definitions import definitions
from sopstatus.artifacts.fhir.examples import examples
from sopstatus.artifacts.fhir.extension import extension_id
from sopstatus.artifacts.fhir.fsh_text import carets, literal, quoted, rules
from sopstatus.artifacts.fhir.heads import Resource
from sopstatus.artifacts.fhir.names import camel, pascal
from sopstatus.artifacts.fhir.profiles import profile_id
from sopstatus.artifacts.fhir.releases import Release
from sopstatus.table import MappingTable

_HEAD = (
    *("text", "url", "version", "status", "experimental", "date", "publisher", "contact"),
    *("jurisdiction", "purpose", "copyright"),
)
_ENDINGS = {"CodeSystem": "CS", "ValueSet": "VS"}
_ELEMENT = ("short", "definition", "comment", "mapping")


def fsh_files(tables: MappingTable, release: Release) -> dict[str, bytes]:
    """Return the files of a project by their paths, which begin with ``fsh/``."""
    made: dict[str, list[str]] = {}
    invariants: dict[str, Any] = {}  # of a project, each has one definition
    for resource in definitions(tables, release):
        made.setdefault(resource["resourceType"], []).append(_definition(resource))
        for element in resource.get("differential", {}).get("element", ()):
            invariants |= {rule["key"]: rule for rule in element.get("constraint", ())}
    made["Invariant"] = [_lines(_invariant(rule)) for rule in invariants.values()]
    shown = [_example(resource, tables) for resource in examples(tables, release)]
    texts = {f"input/fsh/{kind}.fsh": "\n".join(parts) for kind, parts in made.items()}
    texts["input/fsh/examples.fsh"] = "\n".join(shown)
    texts["sushi-config.yaml"] = _configuration(tables, release)
    return {f"fsh/{path}": text.encode("utf-8") for path, text in sorted(texts.items())}


def _configuration(tables: MappingTable, release: Release) -> str:
    site = tables.site
    others = sorted({row.extension for row in tables.simple})
    told = "# of others; put the packages that define them under dependencies:\n" if others else ""
    told += "".join(f"# {url}\n" for url in others)
    return told + (
        f"canonical: {site.canonical}\nstatus: {site.package_status}\n"
        f"version: {site.package_version}\nfhirVersion: {release.version}\nFSHOnly: true\n"
    )


def _definition(resource: Resource) -> str:
    kind = resource["resourceType"]
    if kind == "StructureDefinition":
        return _lines(_structure(resource))
    if kind == "CodeSystem":
        return _lines(_code_system(resource))
    if kind == "ValueSet":
        return _lines(_value_set(resource))
    return _lines(_instance(resource, kind, "definition"))


def _lines(parts: Iterator[str]) -> str:
    return "\n".join(parts) + "\n"


def _titled(keyword: str, resource: Resource, parent: str = "") -> Iterator[str]:
    ending = _ENDINGS.get(keyword, "")  # names are unique in a project, and in a package by type
    yield f"{keyword}: {resource['name']}{ending}"
    if parent:
        yield f"Parent: {parent}"
    yield f"Id: {resource['id']}"
    yield f"Title: {quoted(resource['title'])}"
    yield f"Description: {quoted(resource['description'])}"
    if ending:
        yield f"* ^name = {quoted(resource['name'])}"


def _code_system(resource: Resource) -> Iterator[str]:
    yield from _titled("CodeSystem", resource)
    yield from carets(resource, (*_HEAD, "caseSensitive", "valueSet", "content", "count"))
    for concept in resource["concept"]:
        texts = [quoted(concept[key]) for key in ("display", "definition") if key in concept]
        yield " ".join([f"* {literal('code', concept['code'])}", *texts])


def _value_set(resource: Resource) -> Iterator[str]:
    yield from _titled("ValueSet", resource)
    yield from carets(resource, (*_HEAD, "immutable"))
    for included in resource["compose"]["include"]:
        yield f"* include codes from system {included['system']}"


def _instance(resource: Resource, parent: str, usage: str) -> Iterator[str]:
    yield f"Instance: {resource['resourceType']}-{resource['id']}"
    yield f"InstanceOf: {parent}"
    yield f"Usage: #{usage}"
    for key, value in resource.items():
        if key != "resourceType":
            yield from rules(value, key, key)


def _structure(resource: Resource) -> Iterator[str]:
    extension = resource["type"] == "Extension"
    yield from _titled(
        "Extension" if extension else "Profile", resource, "" if extension else resource["type"]
    )
    if extension:
        if all(one["type"] == "element" for one in resource["context"]):
            yield "Context: " + ", ".join(one["expression"] for one in resource["context"])
        else:  # SUSHI would look for the definition of an extension
            yield from carets(resource, ("context",))
    yield from carets(resource, (*_HEAD, "mapping"))
    elements = resource["differential"]["element"]
    for element in elements:
        path = _path(element["id"])
        if "sliceName" in element:
            yield _contains(element)
        yield from _element(element, path)
        for rule in element.get("constraint", ()):
            yield f"* {'' if path == '.' else f'{path} '}obeys {rule['key']}"


def _invariant(rule: Resource) -> Iterator[str]:
    yield f"Invariant: {rule['key']}"
    yield f"Description: {quoted(rule['human'])}"
    yield f"Severity: #{rule['severity']}"
    yield f"Expression: {quoted(rule['expression'])}"
    for index, mark in enumerate(rule.get("extension", ())):
        yield from rules(mark, f"extension[{index}]")


def _path(identifier: str) -> str:
    """Return ``extension[status].value[x]`` for ``Extension.extension:status.value[x]``."""
    _, _, below = identifier.partition(".")
    parts = [part.partition(":") for part in below.split(".")]
    return ".".join(f"{name}[{sort}]" if sort else name for name, _, sort in parts) or "."


def _contains(element: dict[str, Any]) -> str:
    sliced = _path(element["id"].rpartition(":")[0])
    name, limits = element["sliceName"], f"{element['min']}..{element['max']}"
    named = [f"{url} named" for one in element.get("type", ()) for url in one.get("profile", ())]
    return f"* {sliced} contains {' '.join([*named, name])} {limits}"


def _element(element: dict[str, Any], path: str) -> Iterator[str]:
    if "sliceName" not in element and path != "." and {"min", "max"} & element.keys():
        yield f"* {path} {element.get('min', '')}..{element.get('max', '')}"
    if "type" in element and "sliceName" not in element:
        yield f"* {path} only {' or '.join(one['code'] for one in element['type'])}"
    if "fixedUri" in element and path != "url":
        yield f"* {path} = {quoted(element['fixedUri'])} (exactly)"
    if binding := element.get("binding"):
        yield f"* {path} from {binding['valueSet']} ({binding['strength']})"
    for key in _ELEMENT:
        if key in element:
            yield from rules(element[key], f"{path} ^{key}", key)


def _example(resource: Resource, tables: MappingTable) -> str:
    """Return an example; our extensions stand in their slices, so that SUSHI checks what is in them."""
    kind = resource["resourceType"]
    parent = pascal(profile_id(kind)) if "meta" in resource else kind
    lines = [f"Instance: {kind}-{resource['id']}", f"InstanceOf: {parent}", "Usage: #example"]
    for key, value in resource.items():
        if key not in ("resourceType", "meta"):
            lines += _sliced(value, key, key, tables)
    return "\n".join(lines) + "\n"


def _sliced(value: Any, path: str, key: str, tables: MappingTable) -> Iterator[str]:
    slices = {group.extension for group in tables.complex}
    if key == "extension" and all(one["url"] in slices for one in value):
        seen: dict[str, int] = {}
        for one in value:
            group = tables.extensions[one["url"]]
            name = camel(extension_id(group))
            yield from _statement(one, f"{path}[{name}][{_next(seen, name)}]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _sliced(inner, f"{path}.{name}", name, tables)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _sliced(inner, f"{path}[{index}]", "", tables)
    else:
        yield f"* {path} = {literal(path.rpartition('.')[2].partition('[')[0], value)}"


def _statement(extension: dict[str, Any], path: str) -> Iterator[str]:
    seen: dict[str, int] = {}
    for one in extension["extension"]:
        within = f"{path}.extension[{one['url']}][{_next(seen, one['url'])}]"
        for key, value in one.items():
            if key == "extension":
                yield from _statement(one, within)
            elif key != "url":
                yield f"* {within}.{key} = {literal(key, value)}"


def _next(seen: dict[str, int], name: str) -> int:
    seen[name] = seen.get(name, -1) + 1
    return seen[name]
