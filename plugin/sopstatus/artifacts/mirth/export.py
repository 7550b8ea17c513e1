"""Filling the templates of the engine's export format: XStream's XML of the engine's own objects.

Every element of an export stands in the templates: the engine fills in none that is left out, and
fails with a null pointer when the channel is deployed. They are of version 4.5.2; later engines
migrate them up.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape

_ALONE = re.compile(r"^( *)\{\{(\w+)\}\}\n", re.MULTILINE)
_WITHIN = re.compile(r"\{\{(\w+)\}\}")


def identifier(name: str) -> str:
    """Return the id of a channel or code template: the same each time, so that imports replace."""
    return str(uuid5(NAMESPACE_URL, f"https://w3id.org/sopstatus/mirth/{name}"))


def filled(template: str, /, **values: str) -> str:
    """Fill a template: XML where a placeholder stands alone in its line, else text.

    An empty text leaves no line. Raise `KeyError` for a placeholder without a value.
    """

    def block(match: re.Match[str]) -> str:
        lines = values[match[2]].splitlines()
        return "".join(f"{match[1]}{line}\n" if line else "\n" for line in lines)

    text = _ALONE.sub(block, _template(template))
    return _WITHIN.sub(lambda match: escape(values[match[1]]), text)


@cache
def _template(name: str) -> str:
    return files("sopstatus.artifacts.mirth").joinpath(f"templates/{name}.xml").read_text("ascii")
