"""What every definition says of itself: narrative, canonical URL, version, status, publisher."""

from __future__ import annotations

from html import escape
from typing import Any

from sopstatus.artifacts.fhir.names import legal_id, pascal
from sopstatus.table import Site

Resource = dict[str, Any]
_WORLD = {
    "system": "http://unstats.un.org/unsd/methods/m49/m49.htm",
    "code": "001",
    "display": "World",
}
_PURPOSE = "What DICOM says of a SOP Instance goes through FHIR and HL7 v2 without loss."
_WITHOUT = {  # R4 has no such element in these
    "purpose": ("ImplementationGuide", "NamingSystem"),
    "copyright": ("NamingSystem", "OperationDefinition", "SearchParameter"),
}


def url_of(site: Site, kind: str, identifier: str) -> str:
    """Return the canonical URL of one of our definitions."""
    return f"{site.canonical}/{kind}/{identifier}"


def head(
    site: Site,
    kind: str,
    identifier: str,
    *,
    title: str,
    description: str,
    version: str = "",
    url: str = "",
) -> Resource:
    """Return the elements that definitions have in common; ``version`` is the package's if not said."""
    made: Resource = {
        "resourceType": kind,
        "id": legal_id(identifier),
        "text": {"status": "generated", "div": _narrative(title, description)},
        "url": url or url_of(site, kind, identifier),
        "version": version or site.package_version,
        "name": pascal(legal_id(identifier)),
        "title": title,
        "status": site.package_status,
        "experimental": False,
        "date": site.package_date,
        "publisher": site.publisher,
    }
    contact: Resource = {"name": site.publisher}
    if site.contact:
        system = "email" if site.contact.startswith("mailto:") else "url"
        value = site.contact.removeprefix("mailto:")
        contact["telecom"] = [{"system": system, "value": value}]
    more = {"purpose": _PURPOSE, "copyright": f"© {site.publisher}, licence {site.licence}"}
    return (
        made
        | {"contact": [contact], "description": description}
        | {"jurisdiction": [{"coding": [dict(_WORLD)]}]}
        | {key: text for key, text in more.items() if kind not in _WITHOUT[key]}
    )


def _narrative(title: str, description: str) -> str:
    told = f"<p><b>{escape(title, quote=False)}</b></p><p>{escape(description, quote=False)}</p>"
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{told}</div>'
