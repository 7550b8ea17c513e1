"""Print what ``sopstatus[all]`` installs, with its licences: as the page docs/licences.md, or as an SBOM."""

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import Requirement

HEAD = """# Licences

What `pip install "sopstatus[all]"` installs on Linux with CPython 3.11 (`make licences` makes this page; `make sbom` writes the same
with versions as CycloneDX). Ours is Apache-2.0. Two are under the **LGPL-3.0**: `psycopg` (extra `postgresql`) and `pygal` (extra
`report`). They are imported as they come, neither changed nor copied; leave out these extras and `all` if your rules
exclude the LGPL. `certifi` and `hypothesis` (extra `testkit`) are MPL-2.0.
What tests alone use is in no wheel; MessageFoundry (AGPL) has an environment of its own and is run by tests only.

| package | licence |
|---|---|
"""


def installed() -> dict[str, Distribution]:
    """Return the distributions of the extra ``all``, by their names."""
    found: dict[str, Distribution] = {}
    todo, seen = [("sopstatus", "all")], set[tuple[str, str]]()
    while todo:
        asked = todo.pop()
        if asked in seen:
            continue
        seen.add(asked)
        name, extra = asked
        try:
            one = distribution(name)
        except PackageNotFoundError:  # of another system
            continue
        if name != "sopstatus":
            found[one.metadata["Name"].lower()] = one
        for text in one.requires or ():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                todo += [(wanted.name.lower(), inner) for inner in ("", *wanted.extras)]
    return dict(sorted(found.items()))


def licence(one: Distribution) -> str:
    """Return the licence of a distribution, as it says it."""
    classes = one.metadata.get_all("Classifier", ())
    named = [text.rpartition(" :: ")[2] for text in classes if text.startswith("License ::")]
    named = [text for text in named if text != "OSI Approved"]
    short = (one.metadata.get("License") or "").partition("\n")[0][:60]
    return one.metadata.get("License-Expression") or ", ".join(named) or short or "see its files"


def sbom(found: dict[str, Distribution]) -> dict[str, Any]:
    """Return a CycloneDX 1.6 document."""
    components = [
        {
            "type": "library",
            "name": name,
            "version": one.version,
            "purl": f"pkg:pypi/{re.sub(r'[-_.]+', '-', name)}@{one.version}",
            "licenses": [{"license": {"name": licence(one)}}],
        }
        for name, one in found.items()
    ]
    own = distribution("sopstatus").version
    main = {"type": "application", "name": "sopstatus", "version": own}
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "metadata": {"component": main}, "components": components}  # fmt: skip


if __name__ == "__main__":
    everything = installed()
    if sys.argv[1:] == ["sbom"]:
        print(json.dumps(sbom(everything), indent=2))
    else:
        rows = [f"| {name} | {licence(one)} |" for name, one in everything.items()]
        print(HEAD + "\n".join(rows))
