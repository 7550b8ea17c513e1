"""A data set that is read in two ways is refused in every format, and the refusal is recorded."""

import pytest
from sopstatus import DocumentError, Link, transformer

_UIDS = {"00080016": "1.2.840.10008.5.1.4.1.1.2", "00080018": "1.2.3.4"}
_UIDS |= {"0020000D": "1.2.3", "0020000E": "1.2.3.1"}


def _json(elements):
    members = (f'"{tag}":{{"vr":"{vr}","Value":["{text}"]}}' for tag, vr, text in elements)
    return f"{{{','.join(members)}}}".encode()


def _xml(elements):
    inner = (f'<tag{t} tag="{t}" vr="{vr}">{text}</tag{t}>' for t, vr, text in elements)
    return f"<dicom>{''.join(inner)}</dicom>".encode()


def _image_set(*said, study="", series="", beside=""):
    dicom = ",".join(f'"SOPInstanceStatus":"{text}"' for text in said)
    instance = f'{{"DICOM":{{"SOPClassUID":"1.2.840.10008.5.1.4.1.1.2",{dicom}}}{beside}}}'
    inner = f'"DICOM":{{}}{series},"Instances":{{"1.2.3.4":{instance}}}'
    return (
        f'{{"Study":{{"DICOM":{{"StudyInstanceUID":"1.2.3"{study}}},'
        f'"Series":{{"1.2.3.1":{{{inner}}}}}}}}}'
    ).encode()


_ELEMENTS = [(tag, "UI", uid) for tag, uid in _UIDS.items()]
_TRUSTED = Link(secure=True, authenticated=True, conforms=True)
_AO, _NS = ("01000410", "CS", "AO"), ("01000410", "CS", "NS")
_TWICE = [*_ELEMENTS, _NS, _AO]
_CASES = {
    "dicom-json": ("dicom-json", _json(_TWICE)),
    "dicom-json, a list": (
        "dicom-json",
        b"["
        + _json(_TWICE)
        + b","
        + _json([*_ELEMENTS, _AO]).replace(b"1.2.3.4", b"1.2.3.5")
        + b"]",
    ),
    "dicom-json, a UID twice": ("dicom-json", _json([_ELEMENTS[2], *_ELEMENTS, _AO])),
    "dicom-xml": ("dicom-xml", _xml(_TWICE)),
    "dicom-xml, a UID twice": ("dicom-xml", _xml([_ELEMENTS[2], *_ELEMENTS, _AO])),
    "healthimaging": ("healthimaging", _image_set("NS", "AO")),
    "healthimaging, the instance": ("healthimaging", _image_set("AO", beside=',"DICOM":{}')),
    "healthimaging, the series": ("healthimaging", _image_set("AO", series=',"DICOM":{}')),
    "healthimaging, the study": (
        "healthimaging",
        _image_set("AO", study=',"StudyInstanceUID":"1.2.9"'),
    ),
}


@pytest.mark.parametrize("case", _CASES)
@pytest.mark.parametrize("link", [None, _TRUSTED], ids=["unknown", "trusted"])
def test_a_copy_that_is_read_in_two_ways_is_refused_with_a_record(case, link):
    form, document = _CASES[case]
    with pytest.raises(DocumentError) as raised:
        transformer(form, form)(document, link=link)
    assert any(told.code.endswith("/repeated") for told in raised.value.issues)
    (record, *_) = [r for r in raised.value.records if r.sop_instance_uid == "1.2.3.4"]
    assert (record.before, record.after, record.outcome) == ("-", "-", "refused")
    assert {r.outcome for r in raised.value.records} == {"refused"}


@pytest.mark.parametrize("case", _CASES)
def test_what_is_written_onto_such_a_copy_is_refused_with_a_record(case):
    form, document = _CASES[case]
    message = transformer("dicom-json", "hl7")(_json([*_ELEMENTS, _AO])).value
    with pytest.raises(DocumentError) as raised:
        transformer("hl7", form)(message, document)
    assert [r.outcome for r in raised.value.records if r.sop_instance_uid == "1.2.3.4"] == [
        "refused"
    ]


_STANDS = '"1.2.3.4":{"DICOM":{"SOPInstanceStatus":"AO"}}'
_SERIES = f'"1.2.3.1":{{"DICOM":{{}},"Instances":{{{_STANDS}}}}}'
_UNNAMED = {
    "dicom-json": _json([*_ELEMENTS, ("00080018", "UI", "1.2.3.9"), _AO]),
    "dicom-xml": _xml([*_ELEMENTS, ("00080018", "UI", "1.2.3.9"), _AO]),
    "healthimaging, an instance": _SERIES.replace(_STANDS, f"{_STANDS},{_STANDS}"),
    "healthimaging, a series": f"{_SERIES},{_SERIES}",
    "healthimaging, all series": f'{_SERIES}}},"Series":{{{_SERIES}',
}


@pytest.mark.parametrize("case", _UNNAMED)
@pytest.mark.parametrize(
    "links", [{}, {"link": _TRUSTED}, {"outbound": Link()}], ids=["unknown", "trusted", "out"]
)
def test_a_copy_that_nothing_names_is_refused_with_a_record_all_the_same(case, links):
    form, document = case.partition(",")[0], _UNNAMED[case]
    if form == "healthimaging":
        study = '{"Study":{"DICOM":{"StudyInstanceUID":"1.2.3"},"Series":{%s}}}'
        document = (study % document).encode()
    with pytest.raises(DocumentError) as error:
        transformer(form, form)(document, **links)
    (record,) = error.value.records
    assert (record.sop_instance_uid, record.outcome) == ("", "refused")
