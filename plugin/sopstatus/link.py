"""What is known of the other side of a link (PS3.15 A.1.1 d.1, d.2, f)."""

from __future__ import annotations

from dataclasses import dataclass

from sopstatus.profile_table import Profile, load_profile


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

    @property
    def words(self) -> str:
        """Return what is missing, for an issue."""
        return f"not shown: {', '.join(self.missing)}" if self.missing else "all shown"


UNKNOWN = Link()
POLICIES = ("preserve", "demote-to-copy", "demote-to-not-specified", "strip")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Under which an event happens to a copy; all of it goes into the audit record.

    ``holder`` and ``peer`` are AE Titles: whose copy it is (default: the one that the instance
    names) and the other side. ``policy`` is the site's setting, one of `POLICIES`. ``time`` is UTC,
    ISO 8601 with a ``Z``; it is given, for a function of the profile reads no clock. ``profile`` is
    the table (default: the shipped one), ``mappings`` the mapping tables in words.
    """

    link: Link = UNKNOWN
    holder: str = ""
    peer: str = ""
    policy: str = "demote-to-not-specified"
    time: str = ""
    profile: Profile | None = None
    mappings: str = ""

    @property
    def rules(self) -> Profile:
        """Return the table that decides."""
        return self.profile or load_profile()
