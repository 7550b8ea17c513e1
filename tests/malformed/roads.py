"""Every road of the library into a data set, as one function: what the records say, what is read.

A road takes a malformed document and what is known of the links, and returns the records of the
result, and each thing that was written: something that can be read at once (`Said`), or bytes that
DCMTK is to read too.
"""

import io
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import pydicom
from samples_of import sample
from sopstatus import Link, SOPInstance, codec, transformer
from sopstatus.codecs.part10.file import Part10File

from malformed import data_sets, documents
from malformed.readers import in_dataset, in_image_set, in_json, in_xml, with_pydicom

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
LINKS = {
    "untrusted": {},
    "trusted": {"link": TRUSTED},
    "out-untrusted": {"outbound": Link()},
    "trusted-out-untrusted": {"link": TRUSTED, "outbound": Link()},
    "local": {"link": Link.local()},
}
AO = sample("authorized-original", "dicom")


class Written(NamedTuple):
    """What came out: the records, what was read at once, and Part 10 bytes for other readers."""

    records: tuple[Any, ...]
    said: tuple[Any, ...]
    data: bytes | None = None
    changed: bool = True


class Road(NamedTuple):
    """A source of (name, bytes) by seed, and the way from there to what was written."""

    variants: Callable[[int], Any]
    carry: Callable[..., Written]
    onto: bool = False  # a statement is written onto the variant, which is a held copy
    made: bool = False  # a data set is made of what the variant states


def _saved(dataset):
    """Return a ``Dataset`` as Part 10 bytes; nothing where pydicom cannot write it."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset.save_as(buffer)
        except Exception:  # not ours: such a data set goes nowhere
            return None
    return buffer.getvalue()


def _of_bytes(result, given=None):
    return Written(
        result.records, (with_pydicom(result.value),), result.value, result.value != given
    )


def _of_dataset(result):
    data = _saved(result.value)
    said = (in_dataset(result.value), *((with_pydicom(data),) if data else ()))
    return Written(result.records, said, data)


def by_bytes(data, folder, **links):
    return _of_bytes(transformer("dicom", "dicom")(data, **links))


def by_file_object(data, folder, **links):
    return _of_dataset(transformer("dicom", "dicom")(io.BytesIO(data), **links))


def by_dataset(data, folder, **links):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
            list(dataset)
        except Exception:  # pydicom does not read it, so nobody has such a Dataset
            return None
    return _of_dataset(transformer("dicom", "dicom")(dataset, **links))


def by_part10_file(data, folder, **links):
    path, out = folder / "in.dcm", folder / "out.dcm"
    path.write_bytes(data)
    out.unlink(missing_ok=True)
    result = transformer("dicom", "dicom")(Part10File(path), **links)
    result.value.save(out)
    written = out.read_bytes()
    return Written(result.records, (with_pydicom(written),), written)


def _to(target, reader, data, folder, **links):
    result = transformer("dicom", target)(data, **links)
    return Written(result.records, (reader(result.value),))


def _same(name, reader, data, folder, **links):
    result = transformer(name, name)(data, **links)
    return Written(result.records, (reader(result.value),))


def _from(source, data, folder, **links):
    return _of_dataset(transformer(source, "dicom")(data, **links))


_of_sample = partial(data_sets.variants, AO)
ROADS = {
    "bytes": Road(_of_sample, by_bytes),
    "file-object": Road(_of_sample, by_file_object),
    "dataset": Road(_of_sample, by_dataset),
    "part10-file": Road(_of_sample, by_part10_file),
    "to-dicom-json": Road(_of_sample, partial(_to, "dicom-json", in_json), made=True),
    "to-dicom-xml": Road(_of_sample, partial(_to, "dicom-xml", in_xml), made=True),
    "dicom-json": Road(documents.dicom_json, partial(_same, "dicom-json", in_json)),
    "dicom-xml": Road(documents.dicom_xml, partial(_same, "dicom-xml", in_xml)),
    "healthimaging": Road(documents.healthimaging, partial(_same, "healthimaging", in_image_set)),
    "dicom-json-to-dicom": Road(documents.dicom_json, partial(_from, "dicom-json"), made=True),
    "dicom-xml-to-dicom": Road(documents.dicom_xml, partial(_from, "dicom-xml"), made=True),
}


@cache
def statement(name, term):
    """Return a document that states a term (``None``: emptied) of the sample's instance."""
    (known,) = codec("dicom").instances(AO)
    said = {"SOPInstanceStatus": term}
    if term == "AO":
        said["SOPAuthorizationDateTime"] = "20240506070809"
    stated = SOPInstance(*known.identity[:2], known.sop_class_uid, known.sop_instance_uid, "", said)
    under = codec(name)
    return under.encode([stated], under.blank([known]), known=[known]).value


def _onto(name, term, data, folder, **links):
    result = transformer(name, "dicom")(statement(name, term), data, **links)
    return _of_bytes(result, data)


def _onto_file(name, term, data, folder, **links):
    path, out = folder / "in.dcm", folder / "out.dcm"
    path.write_bytes(data)
    out.unlink(missing_ok=True)
    result = transformer(name, "dicom")(statement(name, term), Part10File(path), **links)
    result.value.save(out)
    written = out.read_bytes()
    return Written(result.records, (with_pydicom(written),), written, written != data)


ONTO = {
    f"{name}-{term or 'emptied'}-onto-{kind}": Road(
        _of_sample, partial(road, name, term), onto=True
    )
    for name in ("hl7", "fhir")
    for term in ("AO", "OR", "AC", "NS", None)
    for kind, road in (("bytes", _onto), ("file", _onto_file))
}
