"""The generated JavaScript says and writes what the Python does: on every sample and on drawn messages."""

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from laws.formats import hl7_documents
from laws.strategies import statements
from samples_of import CASES, sample
from sopstatus import SOPInstance, codec, load_tables
from sopstatus.codecs import er7
from sopstatus.codecs.hl7_write import read
from sopstatus.codecs.hl7_xml import of_er7

from mirth.rhino import run

XML = codec("hl7-xml")
EXAMPLES = 400


def drawn(strategy, count=EXAMPLES):
    """Return examples of a strategy, the same each time."""
    found = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example):
        found.append(example)

    collect()
    return found


@st.composite
def messages(draw):
    """One message as the engine's XML, with statements in odd spellings, and more statements."""
    document, known, holders = draw(hl7_documents())
    text = document.decode("ascii").replace("\n", "\r").replace("\x0b", "").replace("\x1c", "")
    lines = [x for x in text.split("\r") if x and x[:3] not in ("FHS", "BHS", "BTS")]
    data = "".join(line + "\r" for line in lines)
    said = draw(statements(known, holders=holders))
    new = draw(statements(known, holders=holders))
    written = XML.encode(said, of_er7(data.encode(), "utf-8").decode()).value
    return trimmed(written), new[:1]


def trimmed(xml):
    """Return the XML as E4X takes it in: without blanks at the ends of text."""
    return re.sub(r">([^<]*)<", lambda match: f">{match[1].strip()}<", xml)


@pytest.fixture(scope="module")
def documents():
    samples = [(sample(case, "hl7-xml").decode(), []) for case in CASES]
    return samples + drawn(messages())


def each_segment(document):
    """What each ZDS of ours says, one by one, as the codec reads it."""
    data = XML.er7(document)
    found = er7.messages(data, "utf-8", ("ZDS",))
    rows = load_tables().segments["ZDS"]
    return [place.instance for place in read(data, found, "ZDS", rows, [])]


def in_script(x, offset=""):
    """A statement as the scripts have it."""
    study, series, sop, holder = x.identity
    return {
        "studyInstanceUID": study,
        "seriesInstanceUID": series,
        "sopClassUID": x.sop_class_uid,
        "sopInstanceUID": sop,
        "holder": holder,
        "attributes": dict(x.attributes),
        "offset": offset,
    }


def in_python(said):
    return SOPInstance(
        said["studyInstanceUID"],
        said["seriesInstanceUID"],
        said["sopClassUID"],
        said["sopInstanceUID"],
        said["holder"],
        said["attributes"],
    )


def test_reading(documents, tmp_path):
    answers = run(tmp_path, [{"operation": "read", "xml": xml} for xml, _ in documents])
    count = 0
    for (xml, _), answer in zip(documents, answers, strict=True):
        assert "error" not in answer, (answer, xml)
        assert [in_python(said) for said in answer["value"]] == each_segment(xml), xml
        count += len(answer["value"])
    assert count > len(documents) / 2


def test_writing(documents, tmp_path):
    cases = [(xml, new[0]) for xml, new in documents if new]
    requests = [
        {"operation": "write", "xml": xml, "statements": [in_script(x)]} for xml, x in cases
    ]
    outcomes = {"written": 0, "refused": 0}
    for (xml, x), answer in zip(cases, run(tmp_path, requests), strict=True):
        expected = XML.encode([x], xml)
        worst = [i for i in expected.issues if i.severity == "error" and i.code[:4] == "hl7/"]
        if worst:
            assert answer.get("error", "").split(":")[0].startswith(f"error {worst[0].code}"), xml
            outcomes["refused"] += 1
        else:
            assert "error" not in answer, (answer, xml, x)
            assert XML.er7(answer["value"]) == XML.er7(expected.value), (xml, x)
            outcomes["written"] += 1
    assert outcomes["written"] > 100
