"""What may cross a link: PS3.15 A.1.1, the Online Electronic Storage Secure Use Profile.

Codecs carry; this module decides. Pure functions, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sopstatus.catalogue import issue
from sopstatus.model import Issue, Result, SOPInstance

STATUS = "SOPInstanceStatus"
GOVERNED = (
    STATUS,
    "SOPAuthorizationDateTime",
    "SOPAuthorizationComment",
    "AuthorizationEquipmentCertificationNumber",
)
"""The only attributes that may be coerced (PS3.15 A.1.1 g)."""
NOT_SPECIFIED = "NS"


@dataclass(frozen=True, slots=True)
class Link:
    """What is known of the other side; ``None`` = not known, which counts as no.

    ``secure``: a Secure Transport Connection; ``authenticated``: both sides have authenticated each
    other; ``conforms``: authentication has confirmed that the other side supports the profile.
    Nothing inside a document can say this of the link that it came over.
    """

    secure: bool | None = None
    authenticated: bool | None = None
    conforms: bool | None = None

    @property
    def trusted(self) -> bool:
        """Tell whether all three hold (PS3.15 A.1.1 d.1, d.2, f)."""
        return not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the names of the conditions that do not hold."""
        said = {
            "secure": self.secure,
            "authenticated": self.authenticated,
            "conforms": self.conforms,
        }
        return tuple(name for name, holds in said.items() if holds is not True)


UNKNOWN = Link()


def receive(instances: Iterable[SOPInstance], link: Link | None) -> Result[tuple[SOPInstance, ...]]:
    """Return what may be written into a data set of statements that came over a link.

    Over one that is not trusted every status becomes NS and its three companions go
    (PS3.15 A.1.1 f.2); attributes of other groups are not governed by the profile.
    """
    given = tuple(instances)
    link = link or UNKNOWN
    if link.trusted:
        return Result(given)
    issues: list[Issue] = []
    written = []
    for instance in given:
        if not any(keyword in GOVERNED for keyword, _ in instance.attributes):
            written.append(instance)
            continue
        kept = {k: v for k, v in instance.attributes if k not in GOVERNED}
        kept[STATUS] = NOT_SPECIFIED
        written.append(replace(instance, attributes=tuple(kept.items())))
        facts = {"keyword": STATUS, "written": NOT_SPECIFIED}
        issues.append(issue("link/untrusted", "(0100,0410)", missing=_words(link), **facts))
    return Result(tuple(written), tuple(issues))


def _words(link: Link) -> str:
    return "not shown: " + ", ".join(link.missing)
