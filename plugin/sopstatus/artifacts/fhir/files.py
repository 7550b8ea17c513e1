"""Every FHIR package, packed and unpacked, by its path."""

from __future__ import annotations

from sopstatus.artifacts.fhir.fsh import fsh_files
from sopstatus.artifacts.fhir.package import package_files, package_name, packed
from sopstatus.artifacts.fhir.releases import PREVIEWS, RELEASES
from sopstatus.table import MappingTable


def fhir_files(tables: MappingTable) -> dict[str, bytes]:
    """Return a ``.tgz`` a release, what is in it, and its FHIR Shorthand: the same bytes each time.

    A preview has no Shorthand: nothing compiles it.
    """
    made: dict[str, bytes] = {}
    for release in (*RELEASES, *PREVIEWS):
        files = package_files(tables, release)
        made |= {f"{release.name.lower()}/{path}": content for path, content in files.items()}
        written = {} if release.is_preview else fsh_files(tables, release)
        made |= {f"{release.name.lower()}/{path}": content for path, content in written.items()}
        name = f"{package_name(tables.site, release)}-{tables.site.package_version}.tgz"
        made[name] = packed(files)
    return made
