"""What is known about the other side of a link (PS3.15 A.1.1 d.1, d.2, f)."""

from __future__ import annotations

from dataclasses import dataclass

from sopstatus.profile.table import Profile, load_profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What is known about the other side; ``None`` = not known, which counts as no.

    ``secure``: a Secure Transport Connection; ``authenticated``: both sides have authenticated each
    other; ``conforms``: authentication has confirmed that the other side supports the profile.
    Nothing inside a document can vouch for the link that it came over.

    ``is_local``: there is no link and no other side (see `local`). It is never a trusted link.
    """

    secure: bool | None = None
    authenticated: bool | None = None
    conforms: bool | None = None
    is_local: bool = False

    def __post_init__(self) -> None:
        if self.is_local and (self.secure, self.authenticated, self.conforms) != (None,) * 3:
            raise ValueError("a local copy crosses no link: nothing is known of another side")

    @classmethod
    def local(cls) -> Link:
        """Say that a data set and what is made of it are one held copy, on the same machine.

        For a `Transformer` between formats of data sets, without ``into``: another document is
        another copy. Anywhere else it is a link of which nothing is known.
        """
        return cls(is_local=True)

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
TRUSTED = Link(secure=True, authenticated=True, conforms=True)
POLICIES = ("preserve", "demote-to-copy", "demote-to-not-specified", "strip")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Under which an event happens to a copy; all of it goes into the audit record.

    ``holder`` is whose copy it is (default: the one that the instance names), ``peer`` the AE Title
    of the other side. ``policy`` and ``on_held`` are the site's settings, one of `POLICIES`,
    and ``refuse`` or ``demote``. ``time`` is UTC, ISO 8601 with a ``Z``; it is given, because a function of the
    profile reads no clock. ``profile`` is the table (default: the shipped one), ``mappings`` the
    mapping tables in words.
    """

    link: Link = UNKNOWN
    holder: str = ""
    peer: str = ""
    policy: str = "demote-to-not-specified"
    time: str = ""
    profile: Profile | None = None
    mappings: str = ""
    on_held: str = "refuse"

    @property
    def rules(self) -> Profile:
        """Return the table that decides."""
        return self.profile or load_profile()
