"""Twice the document is twice the work, for every reader and writer: counted, never timed."""

import pytest
from sopstatus import DocumentError, SOPInstance, codec, expand, load_tables, rollup, transformer
from sopstatus.acknowledge import acknowledge
from sopstatus.codecs import FORMATS
from sopstatus.documents import content
from sopstatus.documents.containers import Stored, stored
from sopstatus.documents.differences import differences
from sopstatus.documents.flatten import places
from sopstatus.documents.replay import Replay
from sopstatus.explain import explain
from sopstatus.model import Issue
from sopstatus.outcome import operation_outcome
from sopstatus.profile import Link

from growth import families
from growth.counting import superlinear

N = 16
DOCUMENTS = {f"{kind}: {name}": (kind, family) for kind, name, family in families.documents()}
AC = {families.STATUS: "AC", families.COMMENT: "seen"}


def opened(data):
    try:
        return content.load(data)
    except DocumentError:  # its codec says so too
        return content.recognise(data), data


def read(data):
    name, document = opened(data)
    under = codec(name)
    return lambda: under.read(document)


def copies(data):
    name, document = opened(data)
    under = codec(name)
    return lambda: under.instances(document)


def recognised(data):
    return lambda: content.load(data)


def explained(data):
    return lambda: explain(data)


def _writing(data, attributes):
    name, document = opened(data)
    under = codec(name)
    try:
        said = under.read(document)[0].value
    except DocumentError:
        said = ()
    given = [
        SOPInstance(*x.identity[:2], x.sop_class_uid, x.sop_instance_uid, x.holder, attributes(x))
        for x in said
    ]
    return lambda: under.encode(given, document, known=given)


def put_back(data):
    return _writing(data, lambda x: x.attributes)


def changed(data):
    return _writing(data, lambda x: AC)


def removed(data):
    return _writing(data, lambda x: ())


WORK = (recognised, read, copies, put_back, changed, removed, explained)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name):
    _kind, family = DOCUMENTS[name]
    found = {}
    for do in WORK:
        if counts := superlinear(lambda n, do=do: do(family(n)), N):
            found[do.__name__] = counts
    assert not found


# --- from one format into another --------------------------------------------------------------

ONTO = {
    "dicom-json": ["data sets", "silent copies of an instance", "copies of an instance", "copies that contradict",
                   "copies, half of them silent", "copies of many studies"],
    "healthimaging": ["instances", "series"],
    "fhir": ["silent instances", "silent copies of an instance", "extensions that contradict",
             "studies in a Bundle", "series"],
    "hl7": ["bare ZDS", "orders", "messages of many studies", "observations"],
    "hl7-xml": ["statements", "bare ZDS"],
    "dicom-xml": ["attributes"],
    "dicom": ["elements"],
}  # fmt: skip
SOURCES = ["instances of one series", "holders of one instance", "holders who disagree",
           "contradictions about one instance", "studies that hold one instance",
           "holders of a study", "a study and its instances", "series as a whole", "series", "studies"]  # fmt: skip
TRUSTED = Link(secure=True, authenticated=True, conforms=True)


PRODUCTS = [  # every copy with every statement: held by limits.pairs, test_pairs.py
    ("dicom-json: copies that contradict", "holders who disagree"),
    ("dicom-json: copies that contradict", "contradictions about one instance"),
]
CARRIED = [(f"{kind}: {name}", s) for kind in ONTO for name in ONTO[kind] for s in SOURCES]


@pytest.mark.parametrize(("target", "source"), [pair for pair in CARRIED if pair not in PRODUCTS])
def test_transformers(target, source):
    """n statements in FHIR onto a document with n of something."""
    kind, family = DOCUMENTS[target]
    carry = transformer("fhir", kind)

    def make(n, link):
        data = families.written("fhir", families.STATEMENTS[source](n))
        into = opened(family(n))[1]
        return lambda: carry(data, into, link=link)

    for link in (None, TRUSTED):
        assert not superlinear(lambda n, link=link: make(n, link), N // 2)


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", ["hl7: instances of one series", "hl7: holders of one instance",
                                    "hl7: studies", "dicom-json: data sets", "dicom-json: copies of an instance",
                                    "healthimaging: instances", "hl7-xml: statements"])  # fmt: skip
def test_blanks(source, target):
    """The same into a new document."""
    kind, family = DOCUMENTS[source]
    carry = transformer(kind, target)

    def make(n):
        document = opened(family(n))[1]
        return lambda: carry(document)

    assert not superlinear(make, N // 2)


@pytest.mark.parametrize("name", families.STATEMENTS)
def test_rolling_up_and_expanding(name):
    def rolled(n):
        given = families.STATEMENTS[name](n)
        return lambda: rollup(given, given)

    def expanded(n):
        given = families.STATEMENTS[name](n)
        return lambda: expand(given, [x for x in given if x.sop_instance_uid])

    assert not superlinear(rolled, N)
    assert not superlinear(expanded, N)


# --- beside the codecs -------------------------------------------------------------------------

ISSUES = {
    "of one place": lambda n: [Issue("error", "value/unknown-term", "ZDS[1]-5", "x")] * n,
    "of many messages": lambda n: [
        Issue("warning", "value/unknown-term", f"message[{i}] ZDS[1]-5", "x") for i in range(1, n)
    ],
    "of no place": lambda n: [Issue("error", "document/empty", "", "x")] * n,
}


@pytest.mark.parametrize("name", ISSUES)
def test_answers(name):
    message = families.MESSAGES["messages"]

    def outcomes(n):
        return lambda: operation_outcome(ISSUES[name](n))

    def answers(n):
        data, issues = message(n), ISSUES[name](n)
        return lambda: acknowledge(data, issues, time="20240101", control_id="1", limit=4)

    def answers_in_full(n):
        data, issues = message(2), ISSUES[name](n)
        return lambda: acknowledge(data, issues, time="20240101", control_id="1", limit=10**6)

    for make in (outcomes, answers, answers_in_full):
        assert not superlinear(make, N)


# a place is as long as it is deep; limits.depth holds that
NESTED = ("hl7-xml: elements in elements", "fhir: lists in lists", "fhir: Bundles in Bundles")
FLAT = [n for n in DOCUMENTS if not n.startswith("dicom: ") and n not in NESTED]


@pytest.mark.parametrize("name", FLAT)
def test_side_by_side(name):
    kind, family = DOCUMENTS[name]

    def make(n):
        document = opened(family(n))[1]
        return lambda: differences(places(kind, document), places(kind, document))

    assert not superlinear(make, N)


def test_replay():
    tables = load_tables()

    def make(n):
        data = families.written("hl7", families.STATEMENTS["instances of one series"](n))
        return lambda: Replay(tables, tables)(Stored("x", data))

    assert not superlinear(make, N)


BATCHES = {
    "messages": lambda n: families.HEAD * n,
    "CR": lambda n: families.HEAD + b"\r" * n + b"x",
    "ends of blocks": lambda n: families.HEAD + b"\x1c\x0b" * n + b"x\r",
    "segments of a batch": lambda n: families.HEAD + b"BTS|1\rFTS|1\r" * n + b"ZDS\r",
    "heads of batches": lambda n: b"FHS|^~\\&\r" + b"BHS|\r" * n + families.HEAD,
    "lines of JSON": lambda n: b'{"resourceType": "Patient"}\n' * n,
    "blank lines": lambda n: b'{"resourceType": "Patient"}\n' + b"\n" * n,
}


@pytest.mark.parametrize("name", BATCHES)
def test_batches(name, tmp_path):
    def make(n):
        path = tmp_path / f"{n}.hl7"
        path.write_bytes(BATCHES[name](n))
        return lambda: list(stored([path]))

    assert not superlinear(make, N)
