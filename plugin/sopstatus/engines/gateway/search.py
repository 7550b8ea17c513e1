"""Search by status for a server that cannot: the parameter is taken away, its answer sifted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sopstatus.catalogue import document_error
from sopstatus.engines.gateway.document import Resource, objects, statuses
from sopstatus.engines.gateway.settings import Site

_CUTS = ("_summary", "_elements", "_total")  # the answer would lack what is sifted by, or count


@dataclass(frozen=True, slots=True)
class Sieve:
    """What was asked of the status: every condition has to hold, each by one of its terms."""

    conditions: tuple[tuple[str, frozenset[str]], ...]
    text: tuple[tuple[str, str], ...]  # the parameters, as they were asked

    def plus(self, other: Sieve) -> Sieve:
        """Return what both ask for."""
        return Sieve(self.conditions + other.conditions, self.text + other.text)

    def takes(self, resource: Resource, site: Site) -> bool:
        """Tell whether a resource is a match."""
        said = statuses(resource, site)
        for modifier, terms in self.conditions:
            if modifier == "missing":
                if (not said) != ("true" in terms):
                    return False
            elif bool(said & terms) == (modifier == "not"):
                return False
        return True


def split_query(query: str, site: Site) -> tuple[str, Sieve | None]:
    """Return a query without our parameter, and what it asked for (``None``: nothing).

    Raise `DocumentError` (400) for a modifier or system that is not known, and beside parameters
    that would cut the answer.
    """
    name = site.group.name
    if not site.search or name not in query:
        return query, None
    asked = parse_qsl(query, keep_blank_values=True)
    ours = [(key, value) for key, value in asked if key.partition(":")[0] == name]
    if not ours:
        return query, None
    rest = [(key, value) for key, value in asked if key.partition(":")[0] != name]
    for key, value in rest:
        if key in _CUTS and (key, value) not in (("_summary", "false"), ("_total", "none")):
            raise document_error("gateway/search", key, parameter=key, known="no such parameter")
    conditions = tuple(_condition(key, value, site) for key, value in ours)
    return urlencode(rest), Sieve(conditions, tuple(ours))


def _condition(key: str, value: str, site: Site) -> tuple[str, frozenset[str]]:
    name, _, modifier = key.partition(":")
    if modifier not in ("", "not", "missing"):
        raise document_error(
            "gateway/search", name, parameter=name, known=f"{name}, :not, :missing"
        )
    if modifier == "missing" and value not in ("true", "false"):
        raise document_error("gateway/search", name, parameter=name, known="true, false")
    terms = []
    for token in value.split(","):
        system, bar, code = token.rpartition("|")
        if not code or (bar and system not in ("", site.system)):
            known = f"CODE, or {site.system}|CODE"
            raise document_error("gateway/search", name, parameter=name, known=known)
        terms.append(code)
    return modifier, frozenset(terms)


def sifted(bundle: Any, sieve: Sieve, site: Site) -> Any:
    """Return a searchset with the matches only; ``total`` is not known and left out."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return bundle
    found = bundle.get("entry")
    kept = [e for e in found if _stays(e, sieve, site)] if isinstance(found, list) else []
    new = {name: value for name, value in bundle.items() if name not in ("total", "entry")}
    return {**new, "entry": kept} if kept else new


def _stays(entry: Any, sieve: Sieve, site: Site) -> bool:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict) or resource.get("resourceType") != "ImagingStudy":
        return True
    search = entry.get("search")
    mode = search.get("mode") if isinstance(search, dict) else None
    return mode not in (None, "match") or sieve.takes(resource, site)


def next_of(bundle: Any) -> str:
    """Return the address of the next page, empty at the end."""
    for link in objects(bundle, "link"):
        if link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return ""


def with_links(bundle: Any, sieve: Sieve, public: Callable[[str], str]) -> Any:
    """Return a searchset whose links ask for the status again, as the caller knows addresses."""
    asked = urlencode(sieve.text)
    new = []
    for link in objects(bundle, "link"):
        url = link.get("url")
        if isinstance(url, str):
            url = public(url)
            again = url if asked in url else f"{url}{'&' if '?' in url else '?'}{asked}"
            link = {**link, "url": again}
        new.append(link)
    return {**bundle, "link": new} if new else bundle


def described(statement: Any, site: Site) -> Any:
    """Return a CapabilityStatement that names the search parameter and the operations."""
    if not isinstance(statement, dict) or statement.get("resourceType") != "CapabilityStatement":
        return statement
    rests = statement.get("rest")
    if not isinstance(rests, list):
        return statement
    new = []
    for rest in rests:
        server = isinstance(rest, dict) and rest.get("mode") == "server"
        resources = rest.get("resource") if server else None
        if isinstance(resources, list):
            rest = {**rest, "resource": [_with_ours(one, site) for one in resources]}
        new.append(rest)
    return {**statement, "rest": new}


def _with_ours(resource: Any, site: Site) -> Any:
    if not isinstance(resource, dict) or resource.get("type") != "ImagingStudy":
        return resource
    canonical = site.tables.site.canonical
    made = dict(resource)
    ours = {
        "searchParam": [
            {"name": site.group.name, "type": "token",
             "definition": f"{canonical}/SearchParameter/{site.group.name}"}
        ] if site.search else [],
        "operation": [
            {"name": name, "definition": f"{canonical}/OperationDefinition/{name}"}
            for name in ("sop-status", "to-hl7v2")
        ],
    }  # fmt: skip
    for member, more in ours.items():
        old = made.get(member)
        known = old if isinstance(old, list) else []
        names = {one.get("name") for one in known if isinstance(one, dict)}
        new = [*known, *(one for one in more if one["name"] not in names)]
        if new:
            made[member] = new
    return made
