"""`explain` tells what the codecs do: same values, true spans, the texts that encode writes."""

import copy
import io
import json
import pickle
import subprocess
import sys
import warnings
import zlib

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.formats import EXTENSION, FORMATS
from laws.strategies import statements
from pydicom.data import get_testdata_file
from pydicom.multival import MultiValue
from samples_of import CASES, FILES, FOLDER, verbatim_slice
from sopstatus import DocumentError, Link, SOPInstance, codec, load_tables, transformer
from sopstatus.cli import main
from sopstatus.codecs.hl7 import er7, outline
from sopstatus.explain import explain
from sopstatus.explain.json_spans import spans
from sopstatus.explain.text import WIDTH, rendered

MESSAGE = b"MSH|^~\\&|A|||||||1|P|2.5.1||||||UNICODE UTF-8\r"
ZDS = b"ZDS|1.2.3^^Application^DICOM|1.2.3.4|1.2.840.10008.5.1.4.1.1.2|1.2.3.4.5|"
STATUS = b"SOPInstanceStatus"


def by_keyword(told):
    return {value.row.keyword: value for value in told.values}


# --- spans of JSON -----------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(codec="utf-8"))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text('aé"\\{,:\x00'), inner)
)


def paths(value, path=()):
    yield path, value
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, step))


def check_spans(data):
    value = json.loads(data.decode("utf-8-sig"))
    every = dict(paths(value))
    found = spans(data, every)
    assert found.keys() == every.keys()
    for path, (start, end) in found.items():
        assert repr(json.loads(data[start:end].decode())) == repr(every[path])
    some = list(every)[::3]
    assert spans(data, [*some, ("no", "such"), ("a", 99)]) == {p: found[p] for p in some}


@given(VALUES, st.booleans(), st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_json_spans(value, ascii_only, indent, marked):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    check_spans(text.encode("utf-8-sig" if marked else "utf-8"))


def test_json_spans_of_text_that_python_never_writes():
    @given(st.text('{}[],:"\\ua01e-.nul \t\n', max_size=25))
    def any_text(text):
        try:
            json.loads(text)
        except ValueError:
            return
        check_spans(text.encode())

    any_text()
    for text in (
        '{"a": {"b": 1, "c": [1]}, "a": {"c": 2}}',
        '{"a": [1, {"b": 2}], "a": 3}',
        '{"\\u0061": 1, "a": {"a": 2, "\\u0061": 3}}',
        '[NaN, -Infinity, 1E+2, -0, [], {}, [[]], [{}], {"": []}]',
        ' \r\n{ "a" : "}" , "b\\"" : [ "]" , "\\\\" ] } ',
        "[" * 900 + "]" * 900,
    ):
        check_spans(text.encode())


# --- what is explained is what is decoded and encoded --------------------------------------------


def check(told, document, tables=None):
    """Hold an explanation against the codec, and against the bytes."""
    result = codec(told.format, tables=tables).decode(opened_by(told, document))
    assert (told.statements, told.issues) == (result.value, result.issues)
    said = [dict(statement.attributes) for statement in result.value]
    first = [value for value in told.values if not value.repeats]
    assert len(first) == sum(map(len, said))
    for value in told.values:
        assert said[value.statement][value.row.keyword] == value.value
        assert value.source or value.verbatim_source
        assert set(value.issues) <= set(told.issues)
        for source in (value.source, value.verbatim_source):
            if source and source.start is not None:
                assert held(told, document, source) == (
                    value.text if source is value.source else None
                ) or holds_verbatim(told, document, source, value)
    assert pickle.loads(pickle.dumps(told)) == told
    hash(told)
    json.dumps(told.to_dict())
    return told


def opened_by(told, document):
    if told.format == "fhir" and isinstance(document, bytes | str):
        data = document.encode() if isinstance(document, str) else document
        return json.loads(data.decode("utf-8-sig"))
    return document


def held(told, document, source):
    """Return what stands at a span, in words of its format."""
    if source.of != "document":
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(document[data_set(document) :])
        document = inflated
    part = document[source.start : source.end]
    if told.format == "fhir":
        return json.loads(part)
    if told.format == "dicom":
        whole = pydicom.dcmread(io.BytesIO(document)) if source.of == "document" else None
        tag = int(source.path[1:5] + source.path[6:10], 16)
        if whole is not None:
            assert (whole.get_item(tag).value or b"") == part
        return next(v.text for v in told.values if v.source == source) if part else ""
    if isinstance(part, str):
        return part
    (message,) = [
        m
        for m in outline.messages(document)
        if m.segments and m.segments[0].start <= source.start < m.segments[-1].after
    ]
    mark = message.delimiters.field.encode()
    assert document[source.start - 1 : source.start] in (
        mark,
        message.delimiters.repetition.encode(),
    )
    return er7.decode(part, message.charset, message.charset_term)


def holds_verbatim(told, document, source, value):
    if source is not value.verbatim_source:
        return False
    text = held(told, document, source)
    if told.format == "fhir":  # the slice `value`, a JSON string
        return isinstance(json.loads(text), str)
    return value.row.keyword in text or "TimezoneOffsetFromUTC" in text


def data_set(data):
    """Return the offset of the data set: the file meta information has a group length."""
    return 144 + int.from_bytes(data[140:144], "little")


def check_targets(told, tables=None):
    """Hold the target texts against what encode writes for whole statements."""
    for number, statement in enumerate(told.statements):
        mine = [v for v in told.values if v.statement == number and not v.repeats]
        for name in {"dicom", "hl7", "fhir"} - {told.format}:
            texts = {}
            for value in mine:
                (target,) = [t for t in value.targets if t.format == name]
                texts[value.row.keyword] = (target.text, target.verbatim or None)
            under = codec(name, tables=tables)
            about = statement
            if name == "dicom" and not statement.sop_instance_uid:
                continue
            into = under.blank([about])
            if name == "dicom":
                into.SpecificCharacterSet = "ISO_IR 192"
            done = under.encode([about], into)
            assert texts == written(name, done.value, texts, load_tables())


def written(name, document, keywords, tables):
    """Read a target with nothing of ours: field by field, slice by slice."""
    rows = tables.attributes
    if name == "dicom":
        found = {}
        for k in keywords:
            item = document.get(rows[k].tag)
            found[k] = (None if item is None else text_of(item.value), None)
        return found
    if name == "hl7":
        lines = [line for line in document.decode().split("\r") if line.startswith("ZDS")]
        fields = (lines[0].split("|") if lines else []) + [""] * 12
        kept = [
            er7.unescape(x, outline.Delimiters(*"|^~\\&"), "utf-8") for x in fields[9].split("~")
        ]
        return {k: (fields[rows[k].field] or None, entry(kept, k, rows)) for k in keywords}
    node = json.loads(json.dumps(document))
    (ours,) = [*find(node)] or [[]]
    kept = [
        "=".join(x.popitem()[1] for x in s["extension"]) for s in ours if s["url"] == "verbatim"
    ]
    found = {}
    for k in keywords:
        own = [s for s in ours if s["url"] == rows[k].slice]
        text = next((v for s in own for key, v in s.items() if key != "url"), None)
        found[k] = (text, entry(kept, k, rows))
    return found


def text_of(value):
    """Several values (LO) as DICOM writes them."""
    return "\\".join(value) if isinstance(value, list | MultiValue) else str(value or "")


def entry(kept, keyword, rows):
    own = [x for x in kept if x.startswith(keyword + "=")]
    if not own and rows[keyword].vr == "DT":
        own = [x for x in kept if x.startswith("TimezoneOffsetFromUTC=")]
    return own[0] if own else None


def find(node):
    if isinstance(node, dict):
        if node.get("url") == EXTENSION:
            yield node["extension"]
        for inner in node.values():
            yield from find(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from find(inner)


class Shown:
    """A document that hypothesis shows in short: a whole file is no reading."""

    def __init__(self, document):
        self.document = document

    def __repr__(self):
        return repr(self.document)[:2000]


@st.composite
def documents(draw, name):
    form = FORMATS[name]
    document = draw(form.documents)
    given = draw(statements(document.known, holders=document.holders, wide=form.wide))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = form.codec.encode(given, copy.deepcopy(document.content)).value
    if name == "fhir" and draw(st.booleans()):
        content = json.dumps(
            content, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 2]))
        ).encode("utf-8", "surrogatepass")
    return content


@pytest.mark.parametrize("name", FORMATS)
def test_explained_is_decoded_and_encoded(name):
    most = min(settings.default.max_examples, 500, FORMATS[name].examples // 4)

    @settings(max_examples=most)  # each runs every codec
    @given(documents(name).map(Shown))
    def law(shown):
        document = shown.document
        before = copy.deepcopy(document)
        try:
            told = explain(document)
        except DocumentError as error:  # a lone surrogate is no UTF-8
            assert error.issues[0].code == "document/not-json"
            return
        check(told, document)
        check_targets(told)
        assert repr(document) == repr(before)
        for line in rendered(told).splitlines():
            assert len(line) <= WIDTH
        assert told.to_dict(values=False)

    law()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FILES)
def test_samples(case, name):
    data = (FOLDER / case / FILES[name]).read_bytes()
    told = check(explain(data), data)
    check_targets(told)
    assert {value.row.file for value in told.values} <= {"mappings/sop-instance-status.toml"}
    for value in told.values:
        line = (FOLDER.parent / value.row.file).read_text().splitlines()[value.row.line - 1 :]
        assert line[0] == "[[attribute]]"
        assert line[1] == f'keyword = "{value.row.keyword}"'
    assert explain(FOLDER / case / FILES[name]) == told
    with (FOLDER / case / FILES[name]).open("rb") as file:
        assert explain(file) == told


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("target", FILES)
def test_samples_into_each_other(case, source, target):
    one, other = ((FOLDER / case / FILES[name]).read_bytes() for name in (source, target))
    link = Link(secure=True, authenticated=True, conforms=True)
    told = explain(one, into=other, link=link).into
    document = json.loads(other) if target == "fhir" else other
    start = json.loads(one) if source == "fhir" else one
    done = transformer(source, target)(start, document, link=link)
    assert told.issues == done.issues[len(codec(source).decode(start).issues) :]
    outcomes = {change.outcome for part in told.counterparts for change in part.changes}
    if done.value == document:
        assert outcomes <= {"unchanged", "refused"}
    else:
        assert outcomes & {"added", "changed", "removed"}


# --- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "term", "comment"),
    [
        ("utf-8", "UNICODE UTF-8", "é患者"),
        ("utf-8", "", "é患者"),
        ("iso8859-1", "8859/1", "éü"),
        ("iso2022_jp_2", "~ISO IR87", "患|者".replace("|", "")),
        ("gb18030", "GB 18030-2000", "患者乗"),
        ("shift_jis", "ISO IR14", "表示ソ"),  # their second byte is a backslash or a bar
        ("euc_kr", "KS X 1001", "환자"),
    ],
)
def test_spans_in_multi_byte_character_sets(charset, term, comment):
    header = MESSAGE.replace(b"UNICODE UTF-8", term.encode())
    text = comment.encode(charset)
    data = header + b"NTE|1||" + text + b"\r" + ZDS + b"AO|2024|" + text + b"|C-1\r"
    told = by_keyword(check(explain(data), data))
    comment_at = told["SOPAuthorizationComment"].source
    assert data[comment_at.start : comment_at.end] == text
    certificate = told["AuthorizationEquipmentCertificationNumber"].source
    assert data[certificate.start : certificate.end] == b"C-1"
    assert any("read as" in note.what for note in told["SOPAuthorizationComment"].notes)


def test_spans_in_frames_batches_and_text():
    one = MESSAGE + "NTE|1||é\r".encode() + ZDS + b"AO\r"
    batch = b"\xef\xbb\xbfFHS|^~\\&\r\nBHS|^~\\&\r\n\x0b" + one + b"\x1c\r" + one + b"BTS|2\r"
    told = check(explain(batch), batch)
    first, second = (value.source for value in told.values)
    assert (first.path, second.path) == ("message[1] ZDS[1]-5", "message[2] ZDS[1]-5")
    assert batch[first.start : first.end] == batch[second.start : second.end] == b"AO"
    assert second.start > first.end
    text = one.decode()
    (value,) = check(explain(text), text).values
    assert text[value.source.start : value.source.end] == "AO"
    assert value.source.start == one.index(b"AO\r") - 1  # one character less than bytes


def test_spans_of_json_text():
    study = (FOLDER / "kanji-comment" / FILES["fhir"]).read_text()
    told = check(explain(study), study)
    assert any("承" in study[v.source.start : v.source.end] for v in told.values)


def test_objects_have_no_spans():
    dataset = pydicom.dcmread(FOLDER / "authorized-original" / "image.dcm")
    study = json.loads((FOLDER / "authorized-original" / FILES["fhir"]).read_text())
    message = (FOLDER / "authorized-original" / FILES["hl7"]).read_text()
    import hl7

    for document in (dataset, study, hl7.parse(message.replace("\n", "\r"))):
        told = explain(document)
        assert len(told.values) == 4
        assert all(value.source.start is None for value in told.values)


def test_a_deflated_data_set():
    dataset = pydicom.dcmread(get_testdata_file("image_dfl.dcm"))
    dataset.SOPInstanceStatus = "AO"
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    data = buffer.getvalue()
    (value,) = check(explain(data), data).values
    assert value.source.of == "inflated data set"
    inflated = zlib.decompress(data[data_set(data) :], -zlib.MAX_WBITS)
    assert inflated[value.source.start : value.source.end] == b"AO"
    assert "of the inflated data set" in rendered(explain(data))


# --- how values were read --------------------------------------------------------------------------


def notes(value):
    return " / ".join(f"{note.what} {note.detail}".strip() for note in value.notes)


def test_notes():
    data = (
        MESSAGE
        + ZDS
        + (
            b'AUTHORIZED |20240102030405.1234|a \\T\\ b|""|'
            b'SOPAuthorizationDateTime="20240102030405.123456"~TimezoneOffsetFromUTC="+0100"\r'
        )
    )
    told = by_keyword(check(explain(data), data))
    assert notes(told["SOPInstanceStatus"]) == (
        "blanks around the code dropped / alias of a term AUTHORIZED -> AO"
    )
    assert notes(told["SOPAuthorizationDateTime"]) == (
        "exact text of ZDS[1]-9[1] preferred / "
        "has no offset; it is local to that of ZDS[1]-9[2] +0100"
    )
    assert notes(told["SOPAuthorizationComment"]) == "escape sequences undone"
    emptied = told["AuthorizationEquipmentCertificationNumber"]
    assert (emptied.value, notes(emptied)) == (None, 'emptied by ""')
    assert [i.code for i in emptied.issues] == ["hl7/null"]
    stale = MESSAGE + ZDS + b'AO||||SOPInstanceStatus="AC"\r'
    (value,) = check(explain(stale), stale).values
    assert "contradicts the field" in notes(value)
    assert [i.code for i in value.issues] == ["hl7/verbatim-stale"]


def test_notes_of_a_data_set():
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"), stop_before_pixels=True)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.TimezoneOffsetFromUTC = "-0500"
    dataset.SOPInstanceStatus = "AO"
    dataset.SOPAuthorizationDateTime = "20240102030405"
    dataset.SOPAuthorizationComment = "é "
    dataset.AuthorizationEquipmentCertificationNumber = ""
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    data = buffer.getvalue().replace(
        b"\x00\x01\x10\x04CS\x02\x00AO", b"\x00\x01\x10\x04LO\x02\x00AO"
    )
    told = by_keyword(check(explain(data), data))
    assert notes(told["SOPInstanceStatus"]) == "written as LO, read as CS"
    assert notes(told["SOPAuthorizationDateTime"]) == "has no offset; (0008,0201) tells it -0500"
    assert notes(told["SOPAuthorizationComment"]) == "read as ISO_IR 192 / padding dropped"
    emptied = told["AuthorizationEquipmentCertificationNumber"]
    assert notes(emptied) == "emptied: zero length"
    assert emptied.source.start == emptied.source.end


def test_what_is_lost_and_where_the_exact_text_goes():
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"), stop_before_pixels=True)
    del dataset.TimezoneOffsetFromUTC

    def targets(keyword, text):
        setattr(dataset, keyword, text)
        return {t.format: t for t in by_keyword(explain(dataset))[keyword].targets}

    found = targets("SOPAuthorizationDateTime", "20240102030405.123456+0100")
    assert found["hl7"].text == "20240102030405.1234+0100"
    assert found["hl7"].lost == ("fraction digits 5 to 6",)
    assert found["hl7"].verbatim_path == "ZDS-9"
    assert found["fhir"].lost == ()
    found = targets("SOPAuthorizationDateTime", "20240102030460")
    assert found["hl7"].lost == ("the second",)
    assert found["fhir"].lost == ("the time of day",)
    assert [i.code for i in found["fhir"].issues] == ["fhir/offset-missing"]
    prefix = "ImagingStudy.series.instance.extension[sop-instance-status]"
    assert found["fhir"].path == f"{prefix}.authorizationDateTime"
    assert found["fhir"].verbatim_path == f"{prefix}.verbatim"
    found = targets("SOPAuthorizationComment", "a\fb")
    assert found["fhir"].lost == ("1 control character",)
    assert (found["hl7"].lost, found["hl7"].text) == ((), "a\\X0C\\b")


def test_a_data_set_over_a_link_that_nobody_vouched_for():
    (status,) = explain(MESSAGE + ZDS + b"AO\r").values
    assert {t.format: t.untrusted for t in status.targets} == {"dicom": "NS", "fhir": ""}


# --- what is not touched ---------------------------------------------------------------------------


def left(told):
    return {(u.source.path, u.code): u for u in told.untouched}


def test_untouched_in_a_message():
    data = (
        MESSAGE
        + b"ZDS|PERFORM|x\rZDS|1.2.3\r"
        + ZDS
        + b"AO|\xff||\x20||PACS1||theirs|||||||||ONLINE\r"
        + b"MSH|^^^^\rZDS|1.2.3|||1.2.3.4|AO\r"
    )
    told = explain(data)
    found = left(told)
    foreign = found["message[1] ZDS[1]", "hl7/foreign-zds"].source
    assert data[foreign.start : foreign.end] == b"ZDS|PERFORM|x"
    assert found["message[1] ZDS[2]", ""].why == "names what it is about and states nothing"
    unread = found["message[1] ZDS[3]-6", "hl7/undecodable"].source
    assert data[unread.start : unread.end] == b"\xff"
    assert "no row" in found["message[1] ZDS[3]-12", ""].why
    assert "instance-availability is switched off" in found["message[1] ZDS[3]-21", ""].why
    assert found["message[2] MSH-2", "hl7/encoding-characters"].source.start == data.rindex(b"MSH")
    on = explain(data, tables=load_tables(enable=["instance-availability"]))
    assert "InstanceAvailability" in by_keyword(on)
    assert "message[1] ZDS[3]-21" not in {u.source.path for u in on.untouched}


def test_untouched_in_a_resource():
    other = {"url": "http://elsewhere.test/x", "valueString": "theirs"}
    status = {"url": "status", "valueCode": "AO"}
    ours = {
        "url": EXTENSION,
        "extension": [
            status,
            {"url": "authorizationDateTime", "valueDateTime": "soon"},
            {"url": "theirs", "valueString": "x"},
            verbatim_slice("Odd=1"),
        ],
    }
    off = {"url": EXTENSION.replace("sop-instance-status", "instance-availability")}
    study = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
        "extension": [other, off],
        "series": [
            {"uid": "1.2.4", "instance": [{"uid": "1.2.5", "extension": [ours]}, {"uid": "1.2.6"}]}
        ],
    }
    data = json.dumps(study).encode()
    told = check(explain(data), data)
    found = left(told)
    assert found["ImagingStudy.extension[0]", ""].detail == other["url"]
    assert "switched off" in found["ImagingStudy.extension[1]", ""].why
    inside = "ImagingStudy.series[0].instance[0].extension[0].extension"
    assert "cannot be read" in found[f"{inside}[1]", "fhir/not-date-time"].why
    assert found[f"{inside}[2]", "fhir/unknown-slice"].detail == "theirs"
    assert (f"{inside}[3]", "fhir/verbatim-malformed") in found
    assert "nothing is said" in found["ImagingStudy.series[0].instance[1]", ""].why
    for untouched in told.untouched:
        assert json.loads(data[untouched.source.start : untouched.source.end])


def test_untouched_in_a_data_set():
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"), stop_before_pixels=True)
    dataset.InstanceAvailability = "ONLINE"
    twins = dataset.private_block(0x0029, "MMCPrivate", create=True)
    twins.add_new(0x38, "CS", "AO")
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    for document in (buffer.getvalue(), dataset):
        found = left(explain(document))
        assert "nothing is said" in found["(0008,0018)", ""].why
        assert ("(0029,xx38)", "dicom/private-twin") in found
        assert "instance-availability is switched off" in found["(0008,0056)", ""].why


# --- into a target -----------------------------------------------------------------------------------


def test_into_tells_what_changes_and_what_is_refused():
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"), stop_before_pixels=True)
    dataset.SOPInstanceStatus = "OR"
    uids = [dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPClassUID]
    said = {"SOPInstanceStatus": "AO", "SOPAuthorizationComment": "患者"}
    mine = SOPInstance(*uids, dataset.SOPInstanceUID, "", said)
    message = codec("hl7").encode([mine, SOPInstance(*uids, "1.2.3.4", "", said)]).value
    link = Link(secure=True, authenticated=True, conforms=True)
    told = explain(message, into=dataset, link=link).into
    here, elsewhere = told.counterparts
    assert [(c.path, c.outcome, c.before, c.after) for c in here.changes] == [
        ("(0100,0410)", "refused", "OR", "OR"),  # all of a statement is written, or nothing
        ("(0100,0424)", "refused", None, None),
    ]
    assert "dicom/charset" in [i.code for i in here.issues]
    assert here.refused
    assert not elsewhere.path
    assert elsewhere.refused
    assert [i.code for i in elsewhere.issues] == ["dicom/no-counterpart"]
    untrusted = explain(message, into=dataset).into
    assert untrusted.counterparts[0].changes[0].after == "OR"
    assert "profile/better-held" in [i.code for i in untrusted.issues]
    assert dataset.SOPInstanceStatus == "OR"


def test_into_an_order_message():
    uids = ("1.2.3", "1.2.4", "1.2.840.10008.5.1.4.1.1.2")
    same = [SOPInstance(*uids, f"1.2.5.{n}", "", {"SOPInstanceStatus": "AO"}) for n in (1, 2)]
    study = codec("fhir").encode(same).value
    order = b"MSH|^~\\&|A||||||ORM^O01|1|P|2.5.1\rPID|1\rORC|NW\rOBR|1\r"
    told = explain(study, into=order).into
    assert [part.path for part in told.counterparts] == ["ZDS[1]", "ZDS[1]"]
    assert [i.code for i in told.issues] == ["hl7/rolled-up"]
    mixed = (
        codec("fhir")
        .encode([same[0], SOPInstance(*uids, "1.2.5.2", "", {"SOPInstanceStatus": "NS"})])
        .value
    )
    told = explain(mixed, into=order).into
    assert all(part.refused for part in told.counterparts)
    assert all(part.issues[0].code == "hl7/not-for-the-study" for part in told.counterparts)


# --- the command line --------------------------------------------------------------------------------


def run(*arguments, data=b"", **more):
    command = [sys.executable, "-m", "sopstatus", "explain", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=False, **more)


def test_command(tmp_path, capsys, monkeypatch):
    path = tmp_path / "message.hl7"
    path.write_bytes(MESSAGE + ZDS + b"AO\r")
    assert main(["explain", str(path)]) == 0
    plain = capsys.readouterr().out
    assert "ZDS[1]-5" in plain
    assert "mappings/sop-instance-status.toml:16" in plain
    assert "\x1b" not in plain  # not a terminal
    assert main(["explain", str(path), "--color", "always"]) == 0
    assert "\x1b[" in capsys.readouterr().out
    assert main(["explain", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["values"][0]["source"] == {
        "path": "ZDS[1]-5",
        "start": 119,
        "end": 121,
        "of": "document",
    }
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["explain", str(path)]) == 0
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["explain", str(path)]) == 0
    assert "\x1b[" not in capsys.readouterr().out


def test_exit_codes(tmp_path, capsys):
    path = tmp_path / "message.hl7"
    path.write_bytes(MESSAGE + ZDS + b"XX\r")
    assert main(["explain", str(path)]) == 1
    assert main(["explain", str(path), "--no-values"]) == 1
    assert main(["explain", str(tmp_path / "none")]) == 3
    assert main(["explain", str(path), "--into", str(tmp_path / "none")]) == 3
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "x.toml").write_text('nam = "x"')
    assert main(["explain", str(path), "--mappings", str(tmp_path / "site")]) == 2
    assert main(["explain"]) == 2
    image = FOLDER / "absent" / "image.dcm"
    assert main(["explain", str(path), "--into", str(image)]) == 1
    capsys.readouterr()


def test_a_process():
    done = run(
        "-",
        data=MESSAGE + ZDS + "AO||患\x1b[2J".encode() + b"\r",
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout  # a document does not drive the terminal
    assert b"\\u60a3" in done.stdout
    assert run("-", data=b"").returncode == 3


def test_no_values_hides_every_value(tmp_path, capsys):
    mark = "ZQX"
    said = {
        "SOPInstanceStatus": mark,
        "SOPAuthorizationDateTime": mark,
        "SOPAuthorizationComment": f"{mark} \f",
        "AuthorizationEquipmentCertificationNumber": mark,
    }
    x = SOPInstance("1.2.77.1", "1.2.77.2", "1.2.77.3", "1.2.77.4", mark, said)
    message = codec("hl7").encode([x]).value + f"ZDS|{mark}\r".encode()
    message = message.replace(b"|ZQX\r", b'~ZQX="x"|ZQX\r', 1)
    study = codec("fhir").encode([x]).value
    study["extension"] = [{"url": f"http://elsewhere.test/{mark}"}]
    image = codec("dicom").encode([x]).value
    image.ensure_file_meta()
    image.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    pydicom.dcmwrite(tmp_path / "dicom", image, enforce_file_format=True)
    (tmp_path / "hl7").write_bytes(message)
    (tmp_path / "fhir").write_text(json.dumps(study))
    for name in ("dicom", "hl7", "fhir"):
        for into in ("dicom", "hl7", "fhir"):
            for more in ([], ["--json"]):
                arguments = ["explain", str(tmp_path / name), "--into", str(tmp_path / into), *more]
                main([*arguments, "--no-values"])
                out, err = capsys.readouterr()
                assert mark not in out + err
                assert "1.2.77" not in out + err
                assert "SOPInstanceStatus" in out
                main(arguments)
                assert mark in capsys.readouterr().out


def test_many_instances_are_explained_quickly():
    uids = ("1.2.3", "1.2.4", "1.2.840.10008.5.1.4.1.1.2")
    said = {"SOPInstanceStatus": "AO", "SOPAuthorizationDateTime": "20240102030405.123456+0100"}
    many = [SOPInstance(*uids, f"1.2.5.{n}", "", said) for n in range(800)]
    study = codec("fhir").encode(many).value
    told = explain(json.dumps(study).encode())
    assert len(told.values) == 1600
    empty = codec("fhir").blank(many)
    assert "and 795 more" in rendered(explain(empty))


def test_no_document(tmp_path):
    for document in (None, 3, "no such file", "a\0b", tmp_path):
        with pytest.raises(DocumentError):
            explain(document)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"valueCoding": {"code": "AO"}}, "valueCoding.code"),
        ({"valueCodeableConcept": {"coding": [{"code": "x"}, {"code": "AO"}]}},
         "valueCodeableConcept.coding[1].code"),
    ],
)  # fmt: skip
def test_a_code_in_a_coding_is_shown_where_it_stands(value, path):
    study = json.loads((FOLDER / "authorized-original" / "imaging-study.json").read_text())
    (extension,) = study["series"][0]["instance"][0]["extension"]
    ours = {"system": f"{extension['url'].rpartition('/StructureDefinition/')[0]}/CodeSystem/x"}
    coding = value.get("valueCoding") or value["valueCodeableConcept"]["coding"][1]
    coding |= ours
    (status,) = (s for s in extension["extension"] if s["url"] == "status")
    del status["valueCode"]
    status |= value
    (told,) = (v for v in explain(study).values if v.row.keyword == "SOPInstanceStatus")
    assert told.source.path.endswith(path)
