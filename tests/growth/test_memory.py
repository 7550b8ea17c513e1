"""Twice the document makes twice the memory, at its highest."""

import gc
import tracemalloc

import pytest
from sopstatus import DocumentError, codec, transformer
from sopstatus.documents import content
from sopstatus.explain import explain

from growth import families

DOCUMENTS = {f"{kind}: {name}": (kind, family) for kind, name, family in families.documents()}
WORST = [
    "hl7: holders of one instance", "hl7: studies that hold one instance", "hl7: bare ZDS",
    "hl7: messages", "hl7: escapes", "hl7: verbatim values", "hl7: fields", "hl7: orders",
    "fhir: extensions that contradict", "fhir: silent copies of an instance", "fhir: slices of many names",
    "fhir: studies in a Bundle", "fhir: numbers", "dicom-json: silent copies of an instance",
    "dicom-json: copies of many studies, half of them silent", "dicom-json: attributes",
    "dicom-json: items", "healthimaging: series", "hl7-xml: statements", "hl7-xml: white space",
    "dicom-xml: attributes", "dicom: items", "dicom: elements",
]  # fmt: skip
N, SLACK = 50, 100_000


@pytest.fixture(autouse=True, scope="module")
def _nothing_else():
    """A session of twenty thousand tests stays as it is: no full collection here looks at it again."""
    gc.freeze()
    yield
    gc.unfreeze()


def peak(call):
    """Return the most bytes that a call holds at once; cycles are left, so that when they go decides nothing."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        call()
    except DocumentError:
        pass
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        gc.enable()
    return most


def grows(make):
    peak(make(N))  # what is done once: imports, patterns, plans
    first, second, third = (peak(make(N * factor)) for factor in (1, 2, 4))
    if third - second <= 2.5 * max(second - first, 0) + SLACK:
        return ()
    fourth = peak(make(N * 8))  # a step is no growth: it does not go on
    return (second, third, fourth) if fourth - third > 2.5 * (third - second) + SLACK else ()


@pytest.mark.parametrize("name", WORST)
def test_documents(name):
    kind, family = DOCUMENTS[name]
    under = codec(kind)

    def reading(n):
        document = content.load(family(n))[1]
        return lambda: under.read(document)

    def writing(n):
        document = content.load(family(n))[1]
        given = under.read(document)[0].value
        return lambda: under.encode(given, document, known=given)

    def explaining(n):
        data = family(n)
        return lambda: explain(data)

    for make in (reading, writing, explaining):
        assert not grows(make)


def test_holders_onto_copies():
    carry = transformer("hl7", "dicom-json")

    def make(n):
        source = families.written("hl7", families.STATEMENTS["holders of one instance"](n))
        into = families.DATA_SETS["silent copies of an instance"](n)
        return lambda: carry(source, into)

    assert not grows(make)
