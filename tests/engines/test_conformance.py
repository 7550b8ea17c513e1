"""Every host gives the identical output for the same input: hosts x cases."""

import re

import pytest
from described import data_set, saved
from samples_of import CASES, bare, sample
from sopstatus import codec, transformer

from engines import hosts

COMMENTED = sample("original", "hl7").replace(b"|SYNoriginal|", b"|SYNcommented|").rstrip(
    b"\r"
) + "||geprüft\r".encode("iso-8859-1")
MESSAGES = {
    **{case: sample(case, "hl7") for case in CASES if case != "absent"},  # that names no study
    "a comment in 8859/1": COMMENTED,
}
PAIRS = {case: (sample(case, "dicom"), bare(case, "hl7")) for case in CASES}
BROKEN = "unknown-term"  # reading it has an issue that is an error
ORDER = "ihe-order-zds"  # one statement, about the study
NAMELESS = "authorized-copy"  # without its ZDS, this message names no study

STUDY = {
    "the entry point": hosts.entry_point_study,
    "text": hosts.text_study,
    "a python-hl7 object": hosts.python_hl7_study,
    "an hl7apy object": hosts.hl7apy_study,
    "the command line": hosts.command_line_study,
    "the HTTP service": hosts.service_study,
    "the MLLP listener": hosts.mllp_study,
    "AWS Lambda": hosts.aws_lambda_study,
    "Apache NiFi": hosts.nifi_study,
    "InterSystems IRIS": hosts.intersystems_study,
    "a bare socket": hosts.bare_socket_study,
    "MessageFoundry": hosts.foundry_study,
    "a script of Mirth's": hosts.mirth_study,
}
MESSAGE = {
    "the entry point": hosts.entry_point_message,
    "text": hosts.text_message,
    "a python-hl7 object": hosts.python_hl7_message,
    "an hl7apy object": hosts.hl7apy_message,
    "the command line": hosts.command_line_message,
    "the HTTP service": hosts.service_message,
    "enriched": hosts.enriched_message,
    "the MLLP listener": hosts.mllp_message,
    "MessageFoundry": hosts.foundry_message,
    "a script of Mirth's": hosts.mirth_message,
}
REFUSING = {"the MLLP listener", "MessageFoundry"}  # nothing goes on where an issue is an error
SEGMENTS = {  # these hold segments, not bytes: every line ends with CR
    *("text", "a python-hl7 object", "an hl7apy object", "MessageFoundry", "a script of Mirth's"),
}
ENRICHING = {"enriched", "the MLLP listener", "MessageFoundry"}  # by the study a message names


@pytest.mark.parametrize("host", STUDY)
def test_a_message_becomes_the_same_study(host, tmp_path):
    want = hosts.direct_study(tmp_path, MESSAGES)
    assert "geprüft".encode() in want["a comment in 8859/1"]
    if host in REFUSING:
        want[BROKEN] = ("value/unknown-term",)
    assert STUDY[host](tmp_path, MESSAGES) == want


@pytest.mark.parametrize("host", MESSAGE)
def test_an_image_makes_the_same_message(host, tmp_path):
    want = hosts.direct_message(tmp_path, PAIRS)
    assert [case for case in CASES if want[case] == bare(case, "hl7")] == ["absent"]
    if host in ENRICHING:
        assert codec("hl7").studies(bare(NAMELESS, "hl7")) == []
        want[NAMELESS] = bare(NAMELESS, "hl7")
    if host == "a script of Mirth's":  # it does not know the study's instances: no rolling up
        want[ORDER] = ("hl7/not-for-the-study",)
    if host in SEGMENTS:
        want = {case: hosts.lines(x) if isinstance(x, bytes) else x for case, x in want.items()}
    assert MESSAGE[host](tmp_path, PAIRS) == want


VARIES = re.compile(rb"\|\d{14}\+0000\|\|ORU\^R01\^ORU_R01\|[0-9A-F]{20}")  # MSH-7, MSH-10
NEW = {
    "the entry point": hosts.entry_point_new,
    "the command line": hosts.command_line_new,
    "the HTTP service": hosts.service_new,
    "MessageFoundry": hosts.foundry_new,
}


@pytest.mark.parametrize("target", ["hl7", "fhir"])
@pytest.mark.parametrize("host", NEW)
def test_an_image_makes_the_same_new_document(host, target, tmp_path):
    images = {case: sample(case, "dicom") for case in CASES if case != BROKEN}
    images["much beside"] = saved(data_set())
    want = {case: transformer("dicom", target)(image).value for case, image in images.items()}
    found = NEW[host](tmp_path, images, target)
    if host == "MessageFoundry":  # nothing is sent of an image that states nothing
        assert found.pop("absent") is None
        del want["absent"]
    if target == "hl7":
        want = {case: VARIES.sub(b"", message) for case, message in want.items()}
        found = {case: VARIES.sub(b"", message) for case, message in found.items()}
        assert b"|SYN-4711^" in want["much beside"]
    assert found == want
