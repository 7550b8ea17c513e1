"""Every message that we write, read back by hl7apy (ZDS typed) and by python-hl7."""

import importlib.util
import re

import hl7
import pytest
from hl7apy.parser import parse_message
from samples_of import CASES, FOLDER, bare, sample
from sopstatus import transformer

from oracles.meaning import COMMENT, NUMBER, STATUS, TERMS, WHEN, dtm, statements

spec = importlib.util.spec_from_file_location("zds_profile", FOLDER / "zds_profile.py")
zds_profile = importlib.util.module_from_spec(spec)
spec.loader.exec_module(zds_profile)

ESCAPE = re.compile(r"\\(X(?:[0-9A-F]{2})+|[FSTRE])\\")
CHARACTERS = dict(zip("FSTRE", "|^&~\\", strict=True))


def unescape(text):
    """Undo the escapes of ^~\\&, in the test's own few lines."""
    return ESCAPE.sub(
        lambda m: CHARACTERS.get(m[1]) or bytes.fromhex(m[1][1:]).decode("latin-1"), text
    )


def messages():
    for case in CASES:
        yield case, "sample", sample(case, "hl7")
        for source in ("dicom", "fhir"):
            yield (
                case,
                f"from {source}, new",
                transformer(source, "hl7")(sample(case, source)).value,
            )
            written = transformer(source, "hl7")(sample(case, source), bare(case, "hl7")).value
            yield case, f"from {source}, onto", written


ALL = list(messages())
each_message = pytest.mark.parametrize(
    "data", [m for _, _, m in ALL], ids=[f"{c}-{w}" for c, w, _ in ALL]
)


def text_of(data):
    charset = "iso8859-1" if b"8859/1" in data else "utf-8"
    return data.decode(charset).replace("\r\n", "\r")


def expected(data):
    """What ZDS-1.1, 4, 5.1, 6, 7 and 8 must hold for each statement, by its identity."""
    table = {}
    for x, said in statements("hl7", data):
        status, when = said.get(STATUS), said.get(WHEN)
        null = '""'
        table[x.study_instance_uid, x.sop_instance_uid] = (
            null if STATUS in said and status is None else (status if status in TERMS else ""),
            dtm(when) if when else "",
            said.get(COMMENT) or "",
            said.get(NUMBER) or "",
        )
    return table


@each_message
def test_hl7apy(data):
    text = text_of(data)
    message = parse_message(text, find_groups=False)
    lines = [line for line in text.split("\r") if line]
    assert [child.name for child in message.children] == [line[:3] for line in lines]
    found = {}
    for line in lines:
        if line.startswith("ZDS|") and not line.startswith("ZDS|PERFORM"):
            zds = zds_profile.parse_zds(line)
            assert zds.zds_5.datatype == "CWE"
            assert zds.zds_6.datatype == "DTM"
            key = (leaf(zds.zds_1.rp_1), leaf(zds.zds_4))
            fields = (zds.zds_5.cwe_1, zds.zds_6, zds.zds_7, zds.zds_8)
            found[key] = tuple(unescape(leaf(f)) for f in fields)
            assert leaf(zds.zds_1.rp_3) == "Application"
            assert leaf(zds.zds_1.rp_4) == "DICOM"
    # a bare ZDS, IHE's or one that says all it says in ZDS-9, holds nothing in these fields
    silent = dict.fromkeys(found, ("", "", "", ""))
    assert found == {**silent, **expected(data)}


def leaf(element):
    """Return the text of an element's only leaf: `value` of a field would be escaped once more."""
    while getattr(element, "children", None):
        (element,) = element.children
    value = getattr(element.value, "value", element.value) or ""
    return value if isinstance(value, str) else element.value.to_er7()


@each_message
def test_python_hl7(data):
    message = hl7.parse(text_of(data))
    found = {}
    for segment in message:
        if str(segment[0]) == "ZDS" and str(segment[1]).startswith(("1.", "2.")):

            def field(number, segment=segment):
                return str(segment[number]) if number < len(segment) else ""

            key = (field(1).split("^")[0], field(4))
            found[key] = (
                field(5).split("^")[0],
                field(6),
                unescape(field(7)),
                unescape(field(8)),
            )
    # a bare ZDS, IHE's or one that says all it says in ZDS-9, holds nothing in these fields
    silent = dict.fromkeys(found, ("", "", "", ""))
    assert found == {**silent, **expected(data)}
    assert str(message) == text_of(data)
