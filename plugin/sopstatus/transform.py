"""Decode, the link's policy, encode: from any format to any other.

The six named functions are what entry points name; a site adds its own under the same group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar, Unpack, cast, overload

from sopstatus import codecs
from sopstatus.audit.record import now
from sopstatus.catalogue import issue
from sopstatus.codecs import Codec, Format, Options, codec, of_data_sets, of_statements
from sopstatus.codecs.shared.context import Context
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.taken import content
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import DocumentError, Issue, Result, SOPInstance
from sopstatus.profile import Circumstances, Link
from sopstatus.profile.crossing import Instances, cross, onto, put, respelled, unnamed
from sopstatus.table import MappingTable, load_tables
from sopstatus.values import is_uid

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

SAYS_NOTHING, STATES_NOTHING = "document/says-nothing", "document/states-nothing"
ENTRY_POINT_GROUP = "sopstatus.transformers"
D = TypeVar("D")


class Call(TypedDict, total=False):
    """What a `Transformer` is called with, beside the two documents."""

    link: Link | None
    outbound: Link | None
    holder: str
    peer: str
    add_missing: bool


@dataclass(frozen=True, slots=True, repr=False)
class Transformer(Generic[D]):
    """A callable from one format to another; it pickles, and threads may share it.

    ``D`` is the type of a new document. ``names`` are those of the two formats; ``policy`` is the site's ``link-policy``: what a data set that goes out may say at most;
    ``on_held`` its ``on-held``: whether a statement may lower the copy that it is written onto;
    ``mappings`` says which tables these are, for the audit records.
    """

    source: Codec
    target: Codec
    names: tuple[Format, Format]
    policy: str = "demote-to-not-specified"
    on_held: str = "refuse"
    mappings: str = ""

    def __repr__(self) -> str:
        return "transformer({!r}, {!r})".format(*self.names)

    @overload
    def __call__(
        self, document: Any, into: D | None = None, **given: Unpack[Call]
    ) -> Result[D]: ...
    @overload
    def __call__(self, document: Any, into: Any, **given: Unpack[Call]) -> Result[Any]: ...
    def __call__(
        self,
        document: Any,
        into: Any = None,
        *,
        link: Link | None = None,
        outbound: Link | None = None,
        holder: str = "",
        peer: str = "",
        add_missing: bool = False,
    ) -> Result[Any]:
        """Carry the statements of ``document`` onto ``into`` (default: a new, smallest document).

        ``link`` is what is known of the way that ``document`` came; without a trusted one, no
        status enters a data set (PS3.15 A.1.1 f.2). ``outbound`` is what is known of the way that
        the data set to be written goes: it gets what the policy lets out (e.3, f.1), and
        `DocumentError` is raised where nothing may go. From a data set to one of its format without
        ``into``, ``document`` is the very copy that arrives or goes out: over a link that is not
        trusted it gets NS also where it states nothing; ``outbound`` without ``link`` means that it
        is held here.

        With `Link.local` as ``link``, what is made of a data set is the same held copy in another
        format: it states the same. Raise `ValueError` for HL7 and FHIR, with ``into`` and with
        ``outbound``.

        ``holder`` is who holds the data set that is read, or whose copy the one to be written is: a
        `Holder` or its text form, and a bare AE Title is that title with any universal ID; ``peer``
        is the AE Title of the other side. What became of each status in a data set is
        told by the result's ``records``. Raise `DocumentError` where a document is not what it
        claims to be, and where the profile refuses something or what it decided could not be
        written: then nothing is written, and the error has the ``records``. A new document of a
        source that names no study and no instance is ``document/says-nothing``: see `says_nothing`.

        ``add_missing`` adds the series and instances that a FHIR ImagingStudy does not list, as it
        is done without being asked for to one that we made. Raise `ValueError` for other targets.
        """
        for name, way in (("link", link), ("outbound", outbound)):
            if not isinstance(way, Link | None):
                raise TypeError(f"{name} is a sopstatus.Link or None, not {type(way).__name__}")
        if add_missing and self.names[1] != "fhir":
            raise ValueError("add_missing is for FHIR: only an ImagingStudy lists instances")
        document, into = (
            one if name == "dicom" or isinstance(one, bytes | None) else content(one)
            for name, one in zip(self.names, (document, into), strict=True)
        )
        target = self.target
        holder = target.tables.whose(holder)
        if link is not None and link.is_local:
            return self._respelled(document, into, link, outbound, holder)
        read, known = codecs.reading(self.source, document, holder)
        itself = into is None and of_data_sets(target) and type(self.source) is type(target)
        made = into is None and not itself
        allowed, changed = Result(read.value), True
        beside: tuple[Issue, ...] = ()
        if of_statements(target):
            known, contexts, beside = self.about(document, known, read.value, made=made)
            asked: dict[str, Any] = {"add_missing": True} if add_missing else {}
            written = target.encode(read.value, into, known=known, contexts=contexts, **asked)
        elif of_data_sets(target):
            if into is None:
                into = document if itself else target.blank(known or read.value)
            at = Circumstances(
                holder=holder,
                peer=peer,
                policy=self.policy,
                on_held=self.on_held,
                time=now(),
                mappings=self.mappings,
            )
            if itself:  # it is the copy, also where it states nothing
                said = {statement.sop_instance_uid for statement in read.value}
                silent = (one for one in known if one.sop_instance_uid not in said)
                copies = (*read.value, *silent)
                allowed = cross(copies, link, outbound, at=at, copies=True)
                ways = [way for way in (link, outbound) if way]
                trusted = bool(ways) and all(way.trusted for way in ways)
                changed = not trusted or allowed.value != copies
            else:
                copies, limits = target.copies(into), target.limits
                allowed = onto(
                    copies, read.value, link, outbound, at=at, held=not made, limits=limits
                )
            try:
                written = put(
                    target,
                    into,
                    allowed,
                    changed=changed,
                    crossing=itself or outbound is not None,
                    onto_held=not (itself or made),
                    known=known,
                    holder=holder,
                )
            except DocumentError as error:
                if error.records or not itself:
                    raise
                records = unnamed(link, outbound, at=at)
                raise DocumentError(*error.issues, records=records) from None
        issues = read.issues + beside + allowed.issues + written.issues
        if made and not read.value:
            issues += (issue(STATES_NOTHING if known else SAYS_NOTHING, ""),)
        return Result(written.value, issues, allowed.records)

    def _respelled(
        self, document: Any, into: Any, link: Link, outbound: Link | None, holder: str
    ) -> Result[Any]:
        """Write held copies in another format of data sets; nothing crosses a link."""
        if into is not None or outbound is not None:
            raise ValueError(
                "Link.local() is about one held copy: what is written onto another "
                "document, or goes out, is another copy"
            )
        source, target = self.source, self.target
        if not (of_data_sets(source) and of_data_sets(target)):
            raise ValueError(
                "Link.local() is for formats of data sets: what HL7 and FHIR state is "
                "about a copy, and is none"
            )
        read, known = codecs.reading(source, document, holder)
        at = Circumstances(link=link, holder=holder, time=now(), mappings=self.mappings)
        allowed = respelled(source, document, read.value, at=at)
        same = type(source) is type(target)
        written = put(
            target,
            document if same else target.blank(known or read.value),
            allowed,
            changed=not same,
            crossing=same,
            known=known,
            holder=holder,
        )
        issues = read.issues + written.issues
        if not read.value and not same:
            issues += (issue(STATES_NOTHING if known else SAYS_NOTHING, ""),)
        return Result(written.value, issues, allowed.records)

    def about(
        self, document: Any, known: Instances, said: Instances, *, made: bool
    ) -> tuple[Instances, list[Context], tuple[Issue, ...]]:
        """Return what a document that is `made` is about, what data sets say of it beside, and issues."""
        issues, contexts = Issues(self.source.limits), []
        if made and of_data_sets(self.source):
            contexts = self.source.contexts(document, issues)
        elif made and not (known or said) and of_statements(self.source):
            known = tuple(SOPInstance(uid) for uid in self.source.studies(document) if is_uid(uid))
        return known, contexts, issues.told()


def names_nothing(issues: Iterable[Issue]) -> bool:
    """Tell by a result's issues whether it is a new document about no study and no instance."""
    return any(told.code == SAYS_NOTHING for told in issues)


def says_nothing(issues: Iterable[Issue]) -> bool:
    """Tell by a result's issues whether nothing is stated: a host does not send such a document.

    An ADT message, for instance, names no study and no instance; an ordinary ORU says nothing of them.
    """
    return any(told.code in (SAYS_NOTHING, STATES_NOTHING) for told in issues)


@overload
def transformer(
    source: Format, target: Literal["fhir"], **given: Unpack[Options]
) -> Transformer[dict[str, Any]]: ...
@overload
def transformer(
    source: Format, target: Literal["hl7", "hl7-xml"], **given: Unpack[Options]
) -> Transformer[bytes]: ...
@overload
def transformer(source: Format, target: Format, **given: Unpack[Options]) -> Transformer[Any]: ...
def transformer(
    source: Format, target: Format, *, tables: MappingTable | None = None, limits: Limits = DEFAULT
) -> Transformer[Any]:
    """Return the transformer between two formats, for instance ``transformer("dicom", "fhir")``."""
    tables = tables or load_tables()
    return Transformer(
        codec(source, tables=tables, limits=limits),
        codec(target, tables=tables, limits=limits),
        (source, target),
        tables.site.link_policy,
        tables.site.on_held,
        "; ".join(map(str, tables.versions)),
    )


def dicom_to_fhir(document: Any, into: Any = None, **given: Unpack[Call]) -> Result[Any]:
    """Carry a data set's status onto a FHIR resource."""
    return transformer("dicom", "fhir")(document, into, **given)


def dicom_to_hl7(document: Any, into: Any = None, **given: Unpack[Call]) -> Result[Any]:
    """Carry a data set's status into an HL7 v2 message."""
    return transformer("dicom", "hl7")(document, into, **given)


def hl7_to_fhir(document: Any, into: Any = None, **given: Unpack[Call]) -> Result[Any]:
    """Carry a message's statements onto a FHIR resource."""
    return transformer("hl7", "fhir")(document, into, **given)


def hl7_to_dicom(document: Any, into: Any = None, **given: Unpack[Call]) -> Result[Any]:
    """Carry a message's statement into a data set; without a trusted link it becomes NS."""
    return transformer("hl7", "dicom")(document, into, **given)


def fhir_to_dicom(document: Any, into: Any = None, **given: Unpack[Call]) -> Result[Any]:
    """Carry a resource's statement into a data set; without a trusted link it becomes NS."""
    return transformer("fhir", "dicom")(document, into, **given)


def fhir_to_hl7(document: Any, into: Any = None, **given: Unpack[Call]) -> Result[Any]:
    """Carry a resource's statements into an HL7 v2 message."""
    return transformer("fhir", "hl7")(document, into, **given)


def named(name: str, tables: MappingTable | None = None) -> Callable[..., Result[Any]]:
    """Load the transformer that an installed distribution offers under a name.

    One of ours uses these ``tables``; what others offer brings its own. Raise `LookupError` for a name that nobody offers, and where two distributions offer it
    or the one that does cannot be loaded.
    """
    from importlib.metadata import entry_points  # slow, and seldom needed

    found: list[EntryPoint] = [e for e in entry_points(group=ENTRY_POINT_GROUP) if e.name == name]
    if not found:
        names = sorted({e.name for e in entry_points(group=ENTRY_POINT_GROUP)})
        raise LookupError(f"no transformer is called {name!r}; there are {', '.join(names)}")
    if len({e.value for e in found}) > 1 or len({_distribution(e) for e in found}) > 1:
        owners = " and ".join(sorted({_distribution(e) for e in found}))
        raise LookupError(f"{name!r} is offered by {owners}; uninstall one of them")
    try:
        loaded: Callable[..., Result[Any]] = found[0].load()
    except Exception as error:  # somebody else's code
        reason = f"{found[0].value} raises {type(error).__name__}: {error}"
        owner = _distribution(found[0])
        raise LookupError(
            f"{name!r} of {owner} cannot be loaded ({reason}); repair or uninstall {owner}"
        ) from error
    if tables and getattr(loaded, "__module__", "") == __name__:
        source, target = name.split("-to-")
        return transformer(cast(Format, source), cast(Format, target), tables=tables)
    return loaded


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
