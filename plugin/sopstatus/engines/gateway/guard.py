"""What a gateway with ``demote`` or a scope refuses, because it cannot be checked in advance.

A request is checked by its content, whatever its path, method or media type says. It is refused if a
statement in it cannot be seen (a patch by index, an operation that writes, a contained resource, XML),
or if the server might understand it differently.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, unquote_plus

from sopstatus.catalogue import document_error
from sopstatus.engines.gateway.asgi import Scope, media
from sopstatus.engines.gateway.document import CARRIERS, mapped, stripped
from sopstatus.engines.gateway.settings import STATUS, Site, json_of

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
HOLDERS = (*CARRIERS, "Bundle", "Parameters", "Binary")
"""Types that are, or whose own elements can hold, a resource of ours; any other can contain one."""

WHOLE = (
    "$validate", "$everything", "$expand", "$lookup", "$validate-code", "$translate", "$subsumes",
    "$find-matches", "$match", "$lastn", "$meta", "$versions", "$data-requirements", "$conforms",
    "$implements", "$docref", "$summary", "$get-resource-counts",
)  # fmt: skip
"""Operations that only read, and answer with whole resources (FHIR R4 and R5, IPS, US Core)."""

READING = (*WHOLE, "$graphql", "$export", "$evaluate-measure", "$stats", "$subset", "$snapshot",
           "$sop-status", "$to-hl7v2")  # fmt: skip
"""Operations that only read; some show a value of an extension without its URL."""

_OVERRIDES = (
    b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-method",
    b"x-forwarded-method", b"x-original-method", b"x-original-url", b"x-rewrite-url",
    b"x-original-uri", b"x-forwarded-uri", b"x-forwarded-path",
)  # fmt: skip
_PARAMETERS = ("_method", "_httpmethod", "$httpmethod", *(name.decode() for name in _OVERRIDES))
_MEMBERS = {
    name.lower(): name
    for name in [
        "resourceType",
        "contained",
        "entry",
        "resource",
        "request",
        "method",
        "parameter",
        "extension",
        "modifierExtension",
        "url",
        "data",
        "contentType",
    ]
}
_OF_A_RESOURCE = ("contained", "resourcetype")
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_SHAPES = {
    "POST": ("", "T", "T/i"),
    "PUT": ("T", "T/i"),
    "PATCH": ("T", "T/i"),
}
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_PATH = re.compile(r"[A-Za-z0-9.\-_~$/]*")
_NO_TEXT = re.compile("[\\s\0-\x1f\x7f\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")
_ESCAPED = re.compile(r"\\u\{?([0-9A-Fa-f]{4})\}?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}")  # without padding; also inside of a data URI
_URL_SAFE = str.maketrans("-_", "+/")
_RELEASED = ("AO", "OR", "AC")
_HELD = re.compile(r"[\s\"\\]*(?:AO|OR|AC)[\s\"\\]*", re.IGNORECASE)


# the request


def plain_request(scope: Scope) -> Scope:
    """Return a request without what asks the server to take it for another one.

    Headers and parameters that replace the method or the path go, also where an underscore stands for
    a hyphen, as it does for CGI and WSGI.
    """
    headers = [
        (key, value)
        for key, value in scope["headers"]
        if key.lower().replace(b"_", b"-") not in _OVERRIDES
    ]
    query = scope.get("query_string", b"").decode("latin-1")
    kept = [pair for pair in re.split("[&;]", query) if not _is_override(pair)]
    if len(kept) != len(re.split("[&;]", query)):
        query = "&".join(kept)
    return {**scope, "headers": headers, "query_string": query.encode("latin-1")}


def _is_override(pair: str) -> bool:
    name = unquote_plus(pair.partition("=")[0]).strip().lower().removesuffix("[]")
    return name in _PARAMETERS or name.replace("_", "-") in _PARAMETERS


def is_overridden(query: str) -> bool:
    """Tell whether a query or a form names another method."""
    return any(_is_override(pair) for pair in re.split("[&;]", query))


def check_request(scope: Scope, path: str, site: Site) -> None:
    """Raise `DocumentError` for a request that the server could take for another one.

    ``path`` is below the site's base.
    """
    if scope["method"] not in METHODS:
        raise document_error("http/method", "", methods=", ".join(METHODS))
    names = [key.lower() for key, _ in scope["headers"]]
    if names.count(b"content-type") > 1:
        raise document_error("http/media-type", "Content-Type", expected="one media type")
    if names.count(b"content-encoding") > 1:
        raise document_error("http/coding", "Content-Encoding")
    query = unquote_plus(scope.get("query_string", b"").decode("latin-1"))
    if names.count(b"authorization") > 1 or "access_token" in query:  # its scopes would not be seen
        raise document_error("http/unauthorized", "Authorization")
    if any(b"_" in name for name in names if name.startswith((b"content_", b"transfer_"))):
        raise document_error("http/media-type", "Content-Type", expected="one media type")
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return
    for name, value in scope["headers"]:  # X-Provenance is stored
        if name.lower() != b"authorization" and bytes_name_ours(value, site):
            raise document_error("gateway/hidden", "")
    raw = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    whole = f"{site.base}{path}"
    if not _PATH.fullmatch(path) or raw.count(b"/") != whole.count("/"):
        raise document_error("http/no-route", "")


def is_near(path: str, base: str) -> bool:
    """Tell whether a lenient server could take a path for one below the base of its FHIR API."""
    steps = [step.partition(";")[0].strip() for step in unquote(path).split("/")]
    near = "/".join(["", *filter(None, steps)]).casefold()
    return bool(base) and (near == base.casefold() or near.startswith(f"{base.casefold()}/"))


def steps_of(path: str) -> list[str]:
    """Return the steps of a path, or of the URL of an entry."""
    path = unquote(path.partition("?")[0])
    return [step for step in path.split("/") if step]


def check_place(method: str, steps: list[str], *, inside: bool = False) -> None:
    """Raise `DocumentError` (404) for a write to a path that FHIR has not, which no rule is about.

    ``inside``: it is an entry's, where there is no batch inside of a batch.
    """
    shape = "/".join(_shape(step, place) for place, step in enumerate(steps))
    if shape not in _SHAPES.get(method, ()) or (inside and not steps):
        raise document_error("http/no-route", "")


def _shape(step: str, place: int) -> str:
    name, form = (_TYPE, "T") if place == 0 else (_ID, "i")
    return form if name.fullmatch(step) else "?"


# what it says


def operation_of(steps: list[str]) -> str:
    """Return the operation that a path names, empty where it names none; GraphQL may lack its dollar."""
    named = (step for step in steps if step.startswith("$") or step.lower() == "graphql")
    return next(named, "")


def check_operation(
    method: str, steps: list[str], query: str, document: Any, site: Site, *, may_read: bool
) -> None:
    """Raise `DocumentError` for an operation that could write, or that carries statements.

    By GET there is none that writes (FHIR R4, operations); but what GraphQL does, its text says. A
    client that must not see statements gets none that shows values without their URLs.
    """
    name = operation_of(steps)
    reads = method in ("GET", "HEAD", "OPTIONS") or (name in READING and steps[-1] == name)
    text = _plain(unquote_plus(query)) + "".join(_plain(one) for one in strings(document))
    if not reads or (name.lower().endswith("graphql") and "mutation" in text):
        raise document_error("gateway/operation", "")
    if not may_read and name not in WHOLE:
        raise document_error("gateway/no-scope", "", scope=site.read_scope)
    if names_ours(document, site):
        raise document_error("gateway/hidden", "")


def check_patch(patch: Any, steps: list[str], site: Site) -> None:
    """Raise `DocumentError` for a patch that could make or move a statement (RFC 6902, RFC 7396).

    Of a type that can hold ours that is every one. Of another it may be a JSON Patch or a merge patch
    that leaves contained resources alone; FHIRPath can reach these by any path.
    """
    if steps[:1] in ([name] for name in HOLDERS) or names_ours(patch, site):
        raise document_error("gateway/patch", "")
    if isinstance(patch, dict):
        left_alone = not any(key in ("contained", "resourceType") for key in _keys(patch))
    else:
        left_alone = isinstance(patch, list) and all(_is_harmless(one) for one in patch)
    if not left_alone:
        raise document_error("gateway/patch", "")


def patch_of(resource: Any, site: Site) -> Any:
    """Return the patch that an entry of a Bundle carries; in a Binary it is a JSON Patch."""
    if not isinstance(resource, dict) or resource.get("resourceType") != "Binary":
        return resource
    try:
        return json_of(site, base64.b64decode(resource.get("data", ""), validate=True))
    except (TypeError, ValueError):
        raise document_error("gateway/patch", "") from None


def _is_harmless(operation: Any) -> bool:
    if not isinstance(operation, dict):
        return False
    places = [operation.get("path"), operation.get("from", "/")]
    named = all(isinstance(place, str) and place.startswith("/") for place in places)
    return (
        named
        and operation["path"] != "/"
        and not any(word in _plain(place) for place in places for word in _OF_A_RESOURCE)
        and not any(key in ("contained", "resourceType") for key in _keys(operation))
    )


def check_hidden(document: Any, site: Site) -> None:
    """Raise `DocumentError` where something of ours is anywhere that is not looked at.

    That may be a patch, or a call of an operation, in a Bundle inside of another one: a server may
    carry out what it was to keep.
    """
    rest = mapped(document, lambda one: stripped(one, site))
    inside = list(_objects(rest))
    tagged = any(one.get("system") == site.rollup_system for one in inside)
    if tagged or names_ours(rest, site) or any(_asks(one) for one in inside):
        raise document_error("gateway/hidden", "")


def _asks(entry: dict[str, Any]) -> bool:
    """Tell whether an entry of a Bundle asks for anything else than a resource to be read or written."""
    request = entry.get("request")
    if not isinstance(request, dict):
        return False
    method, url = request.get("method"), request.get("url")
    if method not in METHODS or method == "PATCH" or not isinstance(url, str):
        return True
    steps, query = steps_of(url), url.partition("?")[2]
    resource = entry.get("resource")
    return bool(
        operation_of(steps)
        or is_overridden(query)
        or not (resource is None or isinstance(resource, dict))
    )


def check_said(resource: Any, site: Site) -> None:
    """Raise `DocumentError` where a resource says AO, OR or AC, and the codec does not read it there.

    This is another reading than the codec's: of every extension of ours, wherever it is.
    """
    read = site.codec.decode(resource).value
    told = sum(one.get(STATUS) in _RELEASED for one in read)
    if sum(_is_held(one) for one in _ours(resource, site)) != told:
        raise document_error("gateway/hidden", "")


def _is_held(extension: Any) -> bool:
    return any(_HELD.fullmatch(text) for text in strings(extension))


def _ours(node: Any, site: Site) -> Iterator[Any]:
    """Yield every extension of ours, wherever it is."""
    urls = site.tables.extensions.keys()
    for one in _objects(node):
        if isinstance(one.get("url"), str) and one["url"] in urls:
            yield one


def names_ours(document: Any, site: Site) -> bool:
    """Tell whether a document names an extension of ours, or spells a member so that others read it.

    A URL counts with escapes, references, blanks and control characters undone, and inside of base64.
    """
    return is_misspelt(document) or any(_text_names(text, site) for text in strings(document))


def is_misspelt(document: Any) -> bool:
    """Tell whether a member is spelt so that only a reader that takes any case would know it."""
    return any(_MEMBERS.get(key.lower(), key) != key for key in _keys(document))


def bytes_name_ours(data: bytes, site: Site) -> bool:
    """Tell the same of bytes that are no FHIR resource, in whatever encoding."""
    return _text_names(data.decode("latin-1"), site)


def _text_names(text: str, site: Site) -> bool:
    marks = [mark.decode().casefold() for mark in site.marks]
    if len(text) < 40:
        return any(mark in text.casefold() for mark in marks)
    if any(mark in _plain(text) for mark in marks):
        return True
    runs = _BASE64.findall(_NO_TEXT.sub("", text).translate(_URL_SAFE))
    return any(mark in _plain(_unpacked(run)) for run in runs for mark in marks)


def _unpacked(run: str) -> str:
    left = run[: len(run) - (len(run) % 4 == 1)]  # no number of bytes has such a length
    return base64.b64decode(left + "=" * (-len(left) % 4)).decode("latin-1")


def _plain(text: str) -> str:
    """Return a text as the most lenient reader might have it."""
    if "\\" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text).replace("\\", "")
    if "&" in text:
        text = html.unescape(text)
    if "%" in text:
        text = unquote(text)
    return _NO_TEXT.sub("", text).casefold()


def strings(document: Any) -> Iterator[str]:
    """Yield every string of parsed JSON, names of members too."""
    nodes = [document]
    while nodes:
        one = nodes.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            nodes += one.keys()
            nodes += one.values()
        elif isinstance(one, list):
            nodes += one


def _keys(document: Any) -> Iterator[str]:
    for one in _objects(document):
        yield from one


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of parsed JSON."""
    nodes = [document]
    while nodes:
        one = nodes.pop()
        if isinstance(one, dict):
            yield one
            nodes += one.values()
        elif isinstance(one, list):
            nodes += one


def is_opaque(scope: Scope, steps: list[str]) -> bool:
    """Tell whether a body is the content of a Binary: bytes of a type that no server reads as FHIR."""
    kind = media(scope["headers"])
    told = kind and not any(word in kind for word in ("json", "xml", "fhir", "multipart", "form"))
    return steps[:1] == ["Binary"] and bool(told)


def is_form(scope: Scope, steps: list[str]) -> bool:
    """Tell whether a request is a search by POST."""
    shape = "/".join(_shape(step, place) for place, step in enumerate(steps[:-1]))
    if (
        scope["method"] != "POST"
        or steps[-1:] != ["_search"]
        or shape not in ("", "T", "T/i", "T/i/i")
    ):
        return False
    return media(scope["headers"]) == "application/x-www-form-urlencoded"


def check_form(form: bytes, site: Site) -> None:
    """Raise `DocumentError` for a form that is none, or that asks for another method."""
    text = form.decode("latin-1")
    if text.lstrip("\ufeff\0 \t\r\n").startswith(("{", "[", "<")) or _text_names(text, site):
        raise document_error("gateway/hidden", "")
    if is_overridden(text):
        raise document_error(
            "gateway/search", "", parameter="_method", known="parameters of a search"
        )
