"""A FHIR package: hl7.org/fhir/packages.html, packed the same way each time."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import Any

from sopstatus.artifacts.fhir.definitions import definitions
from sopstatus.artifacts.fhir.examples import examples
from sopstatus.artifacts.fhir.heads import Resource, head
from sopstatus.artifacts.fhir.names import pascal
from sopstatus.artifacts.fhir.releases import Release
from sopstatus.table import MappingTable, Site

_INDEXED = ("resourceType", "id", "url", "version", "kind", "type", "supplements", "content")


def package_name(site: Site, release: Release) -> str:
    """Return the package's name: ``sopstatus.fhir.r4``."""
    return f"{site.package}.{release.name.lower()}"


def package_files(tables: MappingTable, release: Release) -> dict[str, bytes]:
    """Return the files of a release's package by their paths, which begin with ``package/``."""
    shown = list(examples(tables, release))
    defined = definitions(tables, release)
    defined.append(_guide(tables, release, defined, shown))
    made: dict[str, bytes] = {"package/package.json": dumped(_manifest(tables.site, release))}
    for folder, resources in (("package", defined), ("package/example", shown)):
        named = {f"{r['resourceType']}-{r['id']}.json": r for r in resources}
        index = [{"filename": name, **_entry(named[name])} for name in sorted(named)]
        made[f"{folder}/.index.json"] = dumped({"index-version": 2, "files": index})
        made |= {f"{folder}/{name}": dumped(resource) for name, resource in named.items()}
    return dict(sorted(made.items()))


def packed(files: dict[str, bytes]) -> bytes:
    """Return files as a tar.gz, without anything of the machine or the moment."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), 9, mtime=0)


def dumped(data: Any) -> bytes:
    """Return JSON as the files hold it."""
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _entry(resource: Resource) -> dict[str, Any]:
    return {key: resource[key] for key in _INDEXED if isinstance(resource.get(key), str)}


def _manifest(site: Site, release: Release) -> dict[str, Any]:
    made = {
        "name": package_name(site, release),
        "version": site.package_version,
        "description": f"SOP Instance Status and its siblings in FHIR {release.name}"
        f"{', a preview' if release.is_preview else ''}",
        "author": site.publisher,
        "license": site.licence,
        "canonical": site.canonical,
        "title": "SOP Instance Status",
        "type": "IG",
        "fhirVersions": [release.version],
        "dependencies": {release.core: release.version},
        "directories": {"lib": "package", "example": "example"},
    }
    return {key: value for key, value in made.items() if value}


def _guide(
    tables: MappingTable, release: Release, defined: list[Resource], shown: list[Resource]
) -> Resource:
    site = tables.site
    name = package_name(site, release)
    made = head(
        site,
        "ImplementationGuide",
        name,
        title="SOP Instance Status",
        description="Carries what DICOM says of the copies of an image (PS3.3 C.12.1) in FHIR: an "
        "extension of ImagingStudy and ImagingSelection with its terminology, search and examples.",
    )
    listed = [_listed(resource, {}) for resource in defined]
    for resource in shown:
        profiles = resource.get("meta", {}).get("profile", ())
        if release.is_r5:
            mark = {"isExample": True} | ({"profile": [*profiles]} if profiles else {})
        else:
            mark = {"exampleCanonical": profiles[0]} if profiles else {"exampleBoolean": True}
        listed.append(_listed(resource, mark))
    return made | {
        "name": pascal(name),
        "packageId": name,
        "license": site.licence,
        "fhirVersion": [release.version],
        "definition": {"resource": listed},
    }


def _listed(resource: Resource, mark: dict[str, Any]) -> dict[str, Any]:
    reference = f"{resource['resourceType']}/{resource['id']}"
    name = resource.get("title") or resource.get("name")
    return {
        "reference": {"reference": reference},
        "name": name if isinstance(name, str) else resource["id"],
        **(mark or {}),
    }
