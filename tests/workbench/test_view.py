"""What the page is told: the sides are the transformers' own, values and issues stand where they are."""

import base64
import json
import re

import pytest
from samples_of import CASES, FILES, FOLDER, sample
from sopstatus import DocumentError, Link, codec, load_tables, transformer
from sopstatus.catalogue import catalogue
from sopstatus.documents import content
from sopstatus.limits import Limits
from sopstatus.workbench import drafts, page
from sopstatus.workbench.dump import dump
from sopstatus.workbench.example import example
from sopstatus.workbench.shown import REMEDIES
from sopstatus.workbench.view import begun, view

MAIN = "sop-instance-status.toml"
SIDES = ("dicom", "hl7", "fhir")


def data(case, name):
    return (FOLDER / case / FILES[name]).read_bytes()


def file(content):
    return {"base64": base64.b64encode(content).decode()}


def shown(answer, name):
    return next(side for side in answer["sides"] if side["format"] == name)


def text(side):
    return [
        "".join(piece[0] for piece in line["pieces"])
        for document in side["documents"]
        for line in document["lines"]
    ]


def marks(side):
    return [
        (piece[1], piece[0], piece[2])
        for document in side["documents"]
        for line in document["lines"]
        for piece in line["pieces"]
        if len(piece) > 1
    ]


def inline(side):
    return [
        (issue["code"], line["pieces"][0][0])
        for document in side["documents"]
        for line in document["lines"]
        for issue in line["issues"]
    ]


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("trusted", [True, False])
def test_every_side_says_what_the_transformers_make(case, name, trusted):
    answer = view({"document": file(data(case, name)), "trusted": trusted})
    json.dumps(answer)
    assert answer["format"] == name
    assert {side["format"] for side in answer["sides"]} == {name, *SIDES}
    known = codec(name).instances(sample(case, name))
    link = Link(secure=True, authenticated=True, conforms=True) if trusted else None
    for side in answer["sides"]:
        if side["own"]:
            assert not side["files"]
            continue
        made = [base64.b64decode(one["base64"]) for one in side["files"]]
        target = side["format"]
        if target != "dicom":
            want = transformer(name, target)(sample(case, name), link=link).value
            decode = codec(target).decode
            assert decode(content.load(made[0])[1]).value == decode(want).value
            continue
        about = [one for one in known if one.sop_instance_uid]
        assert len(made) == len({one.sop_instance_uid for one in about})
        for one, document in zip(about, made, strict=False):
            blank = codec("dicom").blank([one])
            blank.SpecificCharacterSet = "ISO_IR 192"
            want = transformer(name, "dicom")(sample(case, name), blank, link=link).value
            assert codec("dicom").decode(document).value == codec("dicom").decode(want).value


@pytest.mark.parametrize("case", CASES)
def test_a_document_is_shown_whole(case):
    for name in ("hl7", "fhir"):
        answer = view({"document": file(data(case, name))})
        lines = data(case, name).decode("latin-1" if case == "original" else "utf-8").splitlines()
        assert text(shown(answer, name)) == lines


@pytest.mark.parametrize("case", CASES)
def test_each_value_is_linked_to_its_place_on_each_side(case):
    answer = view({"document": file(data(case, "hl7")), "trusted": True})
    values = {value["id"] for value in answer["trail"]["values"]}
    for side in answer["sides"]:
        if side["documents"]:
            assert {i for ids, _, _ in marks(side) for i in ids} == values, side["format"]


def test_spellings_of_one_value():
    answer = view({"document": file(data("authorized-original", "hl7"))})
    about = "0-SOPInstanceStatus"
    found = {
        name: [(spelt, kind) for ids, spelt, kind in marks(shown(answer, name)) if about in ids]
        for name in SIDES
    }
    assert found == {
        "dicom": [("NS", "value")],  # nobody vouched for the link
        "hl7": [("AO^Authorized Original^99SOPSTATUS", "value")],
        "fhir": [('"AO"', "value")],
    }
    assert inline(shown(answer, "dicom")) == [("link/untrusted", "(0100,0410) CS [")]
    trail = {step["step"]: step for step in answer["trail"]["values"][0]["steps"]}
    assert trail["stands at"]["place"] == "ZDS[1]-5"
    assert trail["table row"]["place"].startswith("mappings/sop-instance-status.toml:")
    assert trail["untrusted link"]["text"] == "NS"


def test_exact_text_is_linked_too():
    answer = view({"document": file(data("microseconds", "dicom"))})
    kinds = {(kind, ids[0]) for ids, _, kind in marks(shown(answer, "hl7"))}
    assert ("exact", "0-SOPAuthorizationDateTime") in kinds


@pytest.mark.parametrize("name", ["hl7", "fhir", "dicom"])
def test_an_issue_stands_at_its_line(name):
    answer = view({"document": file(data("unknown-term", name))})
    side = shown(answer, name)
    ((code, line),) = inline(side)
    assert code == "value/unknown-term"
    assert line.strip().startswith({"hl7": "ZDS|", "dicom": "(0100,0410)", "fhir": "{"}[name])
    (issue,) = [i for d in side["documents"] for row in d["lines"] for i in row["issues"]]
    assert issue["cause"] == catalogue()[code].cause


def test_pasted_text_with_any_line_end():
    message = data("two-series", "hl7").decode()
    for end in ("\r", "\n", "\r\n"):
        answer = view({"document": {"text": message.replace("\r", end)}})
        assert len(answer["trail"]["values"]) == 3
        assert shown(answer, "dicom")["files"][1]["name"] == "image.dcm"


def test_it_is_written_onto_documents_of_mine():
    image, order = data("absent", "dicom"), data("ihe-order-zds", "hl7")
    source = file(data("absent", "fhir"))
    answer = view({"document": source, "into": [file(image), file(order)]})
    assert shown(answer, "dicom")["onto"] == "given"
    made = base64.b64decode(shown(answer, "dicom")["files"][0]["base64"])
    assert made == image
    assert text(shown(answer, "hl7")) == order.decode().splitlines()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"text": "/etc/passwd"}, "document/unknown-format"),
        ({"text": " \n"}, "document/empty"),
        ({"text": '{"resourceType": "Patient"}'}, "fhir/other-resource"),
        ({"text": "{"}, "document/not-json"),
        ({"base64": "?"}, "http/parameter"),
        ({"path": "x"}, "http/parameter"),
        (file(b"\x00" * 300), "document/unknown-format"),
        (file(bytes(128) + b"DICM" + b"\xff" * 40), "dicom/not-understood"),
    ],
)
def test_what_is_no_document_is_an_issue(document, code):
    answer = view({"document": document})
    assert not answer["sides"]
    assert code in [issue["code"] for issue in answer["issues"]]


def test_a_document_beyond_the_bounds():
    answer = view({"document": file(data("original", "hl7"))}, Limits(document=100))
    assert [issue["code"] for issue in answer["issues"]] == ["document/too-large"]


def test_tables_as_edited():
    shipped = drafts.shipped_texts()[MAIN]
    message = data("authorized-original", "hl7").replace(b"|AO^Authorized", b"|RELEASED^Authorized")
    before = view({"document": file(message)})
    assert [code for code, _ in inline(shown(before, "hl7"))] == ["value/unknown-term"]
    alias = shipped.replace(
        'hl7-aliases = ["AUTHORIZED"', 'hl7-aliases = ["RELEASED", "AUTHORIZED"'
    )
    assert alias != shipped
    after = view({"document": file(message), "tables": {MAIN: alias}})
    assert inline(shown(after, "hl7")) == []
    assert after["trail"]["values"][0]["value"] == "AO"
    row = next(s for s in after["trail"]["values"][0]["steps"] if s["step"] == "table row")
    assert row["place"].startswith(f"{MAIN}:")
    assert after["tables"]["sha256"] != before["tables"]["sha256"] == load_tables().sha256


def test_every_fault_of_the_tables_is_told_where_it_is():
    text = drafts.shipped_texts()[MAIN].replace("field = 5", "feild = 5")
    answer = view({"document": file(data("absent", "hl7")), "tables": {MAIN: text}})
    assert not answer["sides"]
    line = next(n for n, line in enumerate(text.splitlines(), 1) if "feild" in line)
    told = [(fault["file"], fault["line"], fault["key"]) for fault in answer["faults"]]
    assert (MAIN, line, "attribute.1.hl7.feild") in told
    broken = view({"tables": {"new.toml": 'name = "x'}})
    assert [fault["line"] for fault in broken["faults"]] == [1]


@pytest.mark.parametrize("name", ["../x.toml", "x", ".toml", "a/b.toml", "x" * 120 + ".toml", ""])
def test_names_of_tables_are_file_names(name):
    with pytest.raises(DocumentError, match="http/parameter"):
        view({"tables": {name: ""}})


def test_a_table_that_is_begun_loads():
    made = begun({"keyword": "QualityControlImage"})
    assert made["name"] == "quality-control-image.toml"
    tables = {made["name"]: made["text"]}
    assert view({"tables": tables})["faults"] == []
    assert "has it" in begun({"keyword": "QualityControlImage", "tables": tables})["fault"]
    assert "not a DICOM Keyword" in begun({"keyword": 7})["fault"]
    assert begun({"tables": {"a.toml": "x"}})["fault"] == "correct the tables first"


def test_a_release_and_a_holder():
    asked = {"document": file(data("original", "dicom")), "release": "R5", "holder": "PACS"}
    answer = view(asked)
    assert text(shown(answer, "hl7"))[-1].endswith("|PACS")
    resource = json.loads(base64.b64decode(shown(answer, "fhir")["files"][0]["base64"]))
    tables = drafts.load({}, "R5").tables
    want = transformer("dicom", "fhir", tables=tables)
    assert resource.keys() == want(sample("original", "dicom")).value.keys()
    assert resource != transformer("dicom", "fhir")(sample("original", "dicom")).value


def test_the_patient_is_not_among_the_elements_shown():
    shown_text, spans = dump(data("authorized-original", "dicom"), load_tables())
    assert "(0010," not in shown_text
    assert "(0100,0410) CS [AO] SOPInstanceStatus\n" in shown_text
    assert all(
        shown_text[start - 1] == "[" and shown_text[end] == "]" for start, end in spans.values()
    )


CODECS = ("value", "dicom", "dicom-json", "dicom-xml", "document", "fhir", "healthimaging", "hl7")


def test_remedies_name_controls_of_the_page():
    """What names an option of a command or a parameter elsewhere is said otherwise here."""
    elsewhere = re.compile(r"--[a-z]|\b(into|holder|link)=")
    mine = (*CODECS, "hl7-xml", "link")
    for code, entry in catalogue().items():
        if code.partition("/")[0] in mine and elsewhere.search(entry.remedy):
            assert code in REMEDIES, code
    controls = " ".join(page.index().decode().split())
    for code, remedy in REMEDIES.items():
        assert not elsewhere.search(remedy)
        assert "{" not in catalogue()[code].remedy  # it is the end of the issue's text
        for name in re.findall(r"'([^']+)'", remedy.replace("copy's", "").replace("message's", "")):
            assert name in controls, name
        assert "Options" not in remedy or "<summary>Options</summary>" in controls
    answer = view({"document": file(data("authorized-original", "hl7"))})
    (found,) = [
        issue
        for line in shown(answer, "dicom")["documents"][0]["lines"]
        for issue in line["issues"]
    ]
    assert found["diagnostics"].endswith("check 'I vouch for the link' under Options")


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("case", CASES)
def test_new_documents_are_those_of_the_command_line(case, name):
    """A message's own time and the Message Control ID made of it are frozen by the page."""
    answer = view({"document": file(data(case, name)), "time": "20260102030405+0000"})
    for target in {"hl7", "fhir"} - {name}:
        side = shown(answer, target)
        made = base64.b64decode(side["files"][0]["base64"])
        done = transformer(name, target)(sample(case, name))
        want = done.value if target == "hl7" else content.dump_json(done.value)
        if target == "hl7":
            fields, now = made.split(b"|"), want.split(b"|")
            assert fields[6] == b"20260102030405+0000"
            made = b"|".join([*fields[:6], now[6], *fields[7:9], now[9], *fields[10:]])
        assert made == want
        told = [issue["code"] for issue in side["issues"]]
        assert set(told) <= {issue.code for issue in done.issues}


def test_a_time_that_is_none_is_now():
    for time in ("", "20260102", 5, None, "20260102030405+0000|X"):
        answer = view({"document": file(data("original", "dicom")), "time": time})
        message = base64.b64decode(shown(answer, "hl7")["files"][0]["base64"])
        assert re.fullmatch(rb"20\d{12}\+0000", message.split(b"|")[6])


@pytest.mark.parametrize("name", sorted(group.name for group in load_tables().available))
def test_an_example_of_each_table(name):
    """Try it on a reference page starts with a table that is off in this way."""
    file = f"{name}.toml"
    enabled = drafts.shipped_texts()[file].replace("enabled = false", "enabled = true ")
    answer = view({"document": {"text": example(name).decode()}, "tables": {file: enabled}})
    group = next(group for group in load_tables().available if group.name == name)
    stated = {value["keyword"] for value in answer["trail"]["values"]}
    assert stated == {row.keyword for row in group.attributes if row.displays}
    assert (answer["faults"], answer["issues"]) == ([], [])
    for text in ("none", "site", "../site", "", 7, None):
        with pytest.raises(DocumentError):
            example(text)
