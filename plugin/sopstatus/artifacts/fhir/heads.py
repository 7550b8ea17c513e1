"""What every definition says of itself: canonical URL, version, status, publisher."""

from __future__ import annotations

from typing import Any

from sopstatus.artifacts.fhir.names import pascal
from sopstatus.table import Site

Resource = dict[str, Any]


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
        "id": identifier,
        "url": url or url_of(site, kind, identifier),
        "version": version or site.package_version,
        "name": pascal(identifier),
        "title": title,
        "status": site.package_status,
        "experimental": False,
        "date": site.package_date,
        "publisher": site.publisher,
    }
    if site.contact:
        system = "email" if site.contact.startswith("mailto:") else "url"
        value = site.contact.removeprefix("mailto:")
        made["contact"] = [{"telecom": [{"system": system, "value": value}]}]
    return made | {"description": description}
