"""Every format has one codec, which knows the hub value and one format, and never another codec.

A folder is a format: `codec` is the careful road and the specification; `fast` answers ``None`` where
care is needed, and a test closes it and compares. `shared` is what several use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Protocol,
    TypedDict,
    TypeGuard,
    Unpack,
    get_args,
    overload,
)

from sopstatus.codecs.shared.context import Context
from sopstatus.codecs.shared.issue_list import Issues
from sopstatus.codecs.shared.statements import Reading
from sopstatus.limits import DEFAULT, Limits
from sopstatus.model import Result, SOPInstance
from sopstatus.table import MappingTable, load_tables

if TYPE_CHECKING:
    from sopstatus.codecs.dicom import DICOMCodec
    from sopstatus.codecs.dicom_json import DICOMJSONCodec
    from sopstatus.codecs.dicom_xml import DICOMXMLCodec
    from sopstatus.codecs.fhir import FHIRCodec
    from sopstatus.codecs.healthimaging import HealthImagingCodec
    from sopstatus.codecs.hl7 import HL7Codec
    from sopstatus.codecs.hl7_xml import HL7XMLCodec

Format = Literal["dicom", "dicom-json", "dicom-xml", "fhir", "healthimaging", "hl7", "hl7-xml"]
FORMATS: tuple[Format, ...] = get_args(Format)
DATA_SETS: tuple[Format, ...] = ("dicom", "dicom-json", "dicom-xml", "healthimaging")
"""The formats whose documents are held copies: no holder in them, and the link's policy applies."""


class Codec(Protocol):
    """What every format offers; one module below `sopstatus.codecs` each.

    A codec reads and writes what it is told to. It does not apply the profile: a `Transformer` does.
    """

    @property
    def tables(self) -> MappingTable:
        """The tables that say what goes where."""

    @property
    def limits(self) -> Limits:
        """What a document may ask for at most."""

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
        """Write statements onto a document and return the new one.

        This does not apply the profile (PS3.15 A.1.1): it writes AO into a data set if a statement
        says so. What came over a link goes through a `Transformer`, which asks the profile first.
        A value that cannot be written is an issue of the result (an error), and what stands there
        stays; only where the profile has decided it does a `Transformer` raise `DocumentError`.
        ``known`` are the instances that the source knows, said about or not.
        """

    def blank(self, known: Iterable[SOPInstance]) -> Any:
        """Make the smallest legal document about these instances."""


class StatementCodec(Codec, Protocol):
    """What HL7 and FHIR offer: a document is about copies, and is none."""

    def studies(self, document: Any) -> list[str]:
        """List the Study Instance UIDs that a document names, said about or not."""

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        contexts: Sequence[Context] = (),
    ) -> Result[Any]:
        """Do what every codec does; ``contexts`` go into a new document."""


class DataSetCodec(Codec, Protocol):
    """What the formats of data sets offer: a document is a held copy, or several.

    ``holder`` is the AE Title of who holds them all, for data sets do not say it themselves.
    """

    def contexts(self, document: Any, issues: Issues) -> list[Context]:
        """Return what each data set says of patient, order and study, as much as the site wants.

        Each issue reports a value that is left out because it is not legal.
        """

    def decode(self, document: Any, *, holder: str = "") -> Result[tuple[SOPInstance, ...]]:
        """Read one statement for each data set that makes one."""

    def copies(self, document: Any) -> tuple[SOPInstance, ...]:
        """Return what each data set states, also where that is nothing."""

    def read(self, document: Any, *, holder: str = "") -> Reading:
        """Do what `decode` and `instances` do, and look at the document once."""

    def encode(
        self,
        instances: Iterable[SOPInstance],
        into: Any = None,
        *,
        known: Iterable[SOPInstance] = (),
        holder: str = "",
        exactly: Collection[str] = (),
    ) -> Result[Any]:
        """Do what every codec does, without applying the profile either.

        Where several holders are spoken of, ``holder`` says whose copies these are. Of data sets
        with a SOP Instance UID in ``exactly``, what cannot be read and is not stated goes.
        """


def of_data_sets(under: Codec) -> TypeGuard[DataSetCodec]:
    """Tell whether the documents of a codec are held copies."""
    return hasattr(under, "copies")


def of_statements(under: Codec) -> TypeGuard[StatementCodec]:
    """Tell whether the documents of a codec are about copies."""
    return not of_data_sets(under)


def reading(under: Codec, document: Any, holder: str = "") -> Reading:
    """Read a document of any format; ``holder`` is who holds it, if it is a data set."""
    return under.read(document, holder=holder) if of_data_sets(under) else under.read(document)


class Options(TypedDict, total=False):
    """What any codec may be given: the tables, and what a document may ask for at most."""

    tables: MappingTable | None
    limits: Limits


@overload
def codec(name: Literal["dicom"], **given: Unpack[Options]) -> DICOMCodec: ...
@overload
def codec(name: Literal["dicom-json"], **given: Unpack[Options]) -> DICOMJSONCodec: ...
@overload
def codec(name: Literal["dicom-xml"], **given: Unpack[Options]) -> DICOMXMLCodec: ...
@overload
def codec(name: Literal["healthimaging"], **given: Unpack[Options]) -> HealthImagingCodec: ...
@overload
def codec(name: Literal["fhir"], **given: Unpack[Options]) -> FHIRCodec: ...
@overload
def codec(name: Literal["hl7"], **given: Unpack[Options]) -> HL7Codec: ...
@overload
def codec(name: Literal["hl7-xml"], **given: Unpack[Options]) -> HL7XMLCodec: ...
@overload
def codec(
    name: Literal["dicom-json", "dicom-xml", "healthimaging"], **given: Unpack[Options]
) -> DICOMJSONCodec | DICOMXMLCodec | HealthImagingCodec: ...
@overload
def codec(name: Format, **given: Unpack[Options]) -> Codec: ...
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
