"""Decode, the link's policy, encode: from any format to any other.

The six named functions are what entry points name; a site adds its own under the same group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sopstatus.audit import now
from sopstatus.codecs.statement import Reading
from sopstatus.crossing import cross, onto
from sopstatus.limits import DEFAULT, Limits
from sopstatus.link import Circumstances, Link
from sopstatus.model import Result, SOPInstance
from sopstatus.table import MappingTable, load_tables

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "sopstatus.transformers"
FORMATS = ("dicom", "dicom-json", "dicom-xml", "fhir", "healthimaging", "hl7", "hl7-xml")
DATA_SETS = ("dicom", "dicom-json", "dicom-xml", "healthimaging")
"""The formats whose documents are held copies: no holder in them, and the link's policy applies."""


class Codec(Protocol):
    """What every format offers; one module below `sopstatus.codecs` each."""

    def decode(self, document: Any) -> Result[tuple[SOPInstance, ...]]:
        """Read the statements of a document, in its order."""

    def instances(self, document: Any) -> tuple[SOPInstance, ...]:
        """List the identities that a document knows, said about or not."""

    def read(self, document: Any) -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
    ) -> Result[Any]:
        """Write statements onto a document and return the new one."""

    def blank(self, known: Iterable[SOPInstance]) -> Any:
        """Make the smallest legal document about these instances."""


def codec(name: str, *, tables: MappingTable | None = None, limits: Limits = DEFAULT) -> Codec:
    """Return the codec of a format, one of `FORMATS`.

    ``tables`` defaults to the shipped ones, ``limits`` bounds what a document may ask for. Raise
    `ValueError` for another name.
    """
    tables = tables or load_tables()
    if name == "dicom":
        from sopstatus.codecs.dicom import DICOMCodec

        return DICOMCodec(tables, limits)
    if name == "dicom-json":
        from sopstatus.codecs.dicom_json import DICOMJSONCodec

        return DICOMJSONCodec(tables, limits)
    if name == "dicom-xml":
        from sopstatus.codecs.dicom_xml import DICOMXMLCodec

        return DICOMXMLCodec(tables, limits)
    if name == "healthimaging":
        from sopstatus.codecs.healthimaging import HealthImagingCodec

        return HealthImagingCodec(tables, limits)
    if name == "fhir":
        from sopstatus.codecs.fhir import FHIRCodec

        return FHIRCodec(tables, limits)
    if name == "hl7":
        from sopstatus.codecs.hl7 import HL7Codec

        return HL7Codec(tables, limits)
    if name == "hl7-xml":
        from sopstatus.codecs.hl7_xml import HL7XMLCodec

        return HL7XMLCodec(tables, limits)
    raise ValueError(f"{name!r} is not one of {', '.join(FORMATS)}")


@dataclass(frozen=True, slots=True)
class Transformer:
    """A callable from one format to another; it pickles, and threads may share it.

    ``policy`` is the site's ``link-policy``: what a data set that goes out may say at most;
    ``mappings`` says which tables these are, for the audit records.
    """

    source: Codec
    target: Codec
    from_data_set: bool
    into_data_set: bool
    policy: str = "demote-to-not-specified"
    mappings: str = ""

    def __call__(
        self,
        document: Any,
        into: Any = None,
        *,
        link: Link | None = None,
        outbound: Link | None = None,
        holder: str = "",
        peer: str = "",
    ) -> Result[Any]:
        """Carry the statements of ``document`` onto ``into`` (default: a new, smallest document).

        ``link`` is what is known of the way that ``document`` came; without a trusted one, no
        status enters a data set (PS3.15 A.1.1 f.2). ``outbound`` is what is known of the way that
        the data set to be written goes: it gets what the policy lets out (e.3, f.1), and
        `DocumentError` is raised where nothing may go. From a data set to one of its format without
        ``into``, ``document`` is the very copy that arrives or goes out: over a link that is not
        trusted it gets NS also where it states nothing; ``outbound`` without ``link`` means that it
        is held here.

        ``holder`` is the AE Title of who holds the data set that is read, or whose copy the one to
        be written is; ``peer`` that of the other side. What became of each status in a data set is
        told by the result's ``records``. Raise `DocumentError` where a document is not what it
        claims to be.
        """
        named = {"holder": holder} if holder else {}  # only a data set does not name its holder
        look: Any = self.source.read
        encode: Any = self.target.encode
        read, known = look(document, **(named if self.from_data_set else {}))
        itself = into is None and self.into_data_set and type(self.source) is type(self.target)
        made = into is None and not itself
        if into is None:
            into = document if itself else self.target.blank(known or read.value)
        allowed = Result(read.value)
        if self.into_data_set:
            at = Circumstances(
                holder=holder,
                peer=peer,
                policy=self.policy,
                time=now(),
                mappings=self.mappings,
            )
            if itself:  # it is the copy, also where it states nothing
                said = {statement.sop_instance_uid for statement in read.value}
                silent = (one for one in known if one.sop_instance_uid not in said)
                allowed = cross((*read.value, *silent), link, outbound, at=at, copies=True)
            else:
                target: Any = self.target
                copies = target.copies(into)
                allowed = onto(copies, read.value, link, outbound, at=at, held=not made)
        options = named if self.into_data_set else {}
        written = encode(allowed.value, into, known=known, **options)
        issues = read.issues + allowed.issues + written.issues
        return Result(written.value, issues, allowed.records)


def transformer(
    source: str, target: str, *, tables: MappingTable | None = None, limits: Limits = DEFAULT
) -> Transformer:
    """Return the transformer between two formats, for instance ``transformer("dicom", "fhir")``."""
    tables = tables or load_tables()
    return Transformer(
        codec(source, tables=tables, limits=limits),
        codec(target, tables=tables, limits=limits),
        source in DATA_SETS,
        target in DATA_SETS,
        tables.site.link_policy,
        "; ".join(map(str, tables.versions)),
    )


def dicom_to_fhir(document: Any, into: Any = None, *, link: Link | None = None) -> Result[Any]:
    """Carry a data set's status onto a FHIR resource."""
    return transformer("dicom", "fhir")(document, into, link=link)


def dicom_to_hl7(document: Any, into: Any = None, *, link: Link | None = None) -> Result[Any]:
    """Carry a data set's status into an HL7 v2 message."""
    return transformer("dicom", "hl7")(document, into, link=link)


def hl7_to_fhir(document: Any, into: Any = None, *, link: Link | None = None) -> Result[Any]:
    """Carry a message's statements onto a FHIR resource."""
    return transformer("hl7", "fhir")(document, into, link=link)


def hl7_to_dicom(document: Any, into: Any = None, *, link: Link | None = None) -> Result[Any]:
    """Carry a message's statement into a data set; without a trusted link it becomes NS."""
    return transformer("hl7", "dicom")(document, into, link=link)


def fhir_to_dicom(document: Any, into: Any = None, *, link: Link | None = None) -> Result[Any]:
    """Carry a resource's statement into a data set; without a trusted link it becomes NS."""
    return transformer("fhir", "dicom")(document, into, link=link)


def fhir_to_hl7(document: Any, into: Any = None, *, link: Link | None = None) -> Result[Any]:
    """Carry a resource's statements into an HL7 v2 message."""
    return transformer("fhir", "hl7")(document, into, link=link)


def named(name: str) -> Callable[..., Result[Any]]:
    """Load the transformer that an installed distribution offers under a name.

    Raise `LookupError` for a name that nobody offers, and where two distributions offer it.
    """
    from importlib.metadata import entry_points  # slow, and seldom needed

    found: list[EntryPoint] = [e for e in entry_points(group=ENTRY_POINT_GROUP) if e.name == name]
    if not found:
        names = sorted({e.name for e in entry_points(group=ENTRY_POINT_GROUP)})
        raise LookupError(f"no transformer is called {name!r}; there are {', '.join(names)}")
    if len({e.value for e in found}) > 1 or len({_distribution(e) for e in found}) > 1:
        owners = " and ".join(sorted({_distribution(e) for e in found}))
        raise LookupError(f"{name!r} is offered by {owners}; uninstall one of them")
    loaded: Callable[..., Result[Any]] = found[0].load()
    return loaded


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
