"""What Python callers may hand over, and what they are told of what they may not."""

import errno
import io
import json
import subprocess
import sys

import pydicom
import pytest
import sopstatus
from samples_of import FOLDER
from sopstatus import FORMATS, DocumentError, Link, codec, transform, transformer
from sopstatus.documents.files import NAMES

CASE = FOLDER / "authorized-original"
TEXT = {"hl7", "fhir", "dicom-json", "hl7-xml", "dicom-xml", "healthimaging"}


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """A document of every format as a file, which says AO."""
    folder = tmp_path_factory.mktemp("documents")
    found = {}
    for name in FORMATS:
        path = CASE / NAMES[name]
        if not path.exists():
            path = folder / NAMES[name]
            made = made_of(name)
            path.write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())
        found[name] = path
    return found


def made_of(name):
    if name == "dicom-xml":
        source = FOLDER.parent / "tests" / "issue_samples" / "dicom-xml" / "image.xml"
        bare = source.read_bytes()
        (known,) = codec("dicom-xml").instances(bare)
        stated = sopstatus.SOPInstance(
            known.study_instance_uid,
            known.series_instance_uid,
            known.sop_class_uid,
            known.sop_instance_uid,
            attributes=(("SOPInstanceStatus", "AO"),),
        )
        return codec("dicom-xml").encode([stated], bare).unwrap()
    statements = codec("dicom").decode(CASE / "image.dcm").value
    return codec(name).encode(statements, codec(name).blank(statements)).unwrap()


def status(result):
    return [dict(one.attributes)["SOPInstanceStatus"] for one in result.value]


@pytest.mark.parametrize("name", FORMATS)
def test_every_form_of_every_format(name, documents):
    path = documents[name]
    data = path.read_bytes()
    forms = [path, data, bytearray(data), io.BytesIO(data)]
    if name in TEXT:
        forms.append(data.decode())
    for form in forms:
        assert status(codec(name).decode(form)) == ["AO"], type(form)
        assert status(sopstatus.read(form)) == ["AO"], type(form)
        made = transformer(name, "fhir")(form).unwrap()  # which reads it more than once
        assert status(codec("fhir").decode(made)) == ["AO"], type(form)
    with path.open("rb") as file:
        assert status(codec(name).decode(file)) == ["AO"]
    assert status(sopstatus.read(str(path))) == ["AO"]


def test_what_libraries_made_is_recognised():
    assert status(sopstatus.read(pydicom.dcmread(CASE / "image.dcm"), holder="PACS")) == ["AO"]
    assert status(sopstatus.read(json.loads((CASE / "imaging-study.json").read_text()))) == ["AO"]
    assert status(sopstatus.read(json.loads((CASE / "metadata.json").read_text()))) == ["AO"]
    with pytest.raises(
        DocumentError, match=r"^fatal document/unknown-type -: .* float; pass a path"
    ):
        sopstatus.read(1.5)


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_codec_takes_is_named(name):
    with pytest.raises(DocumentError) as caught:
        codec(name).decode(1.5)
    (issue,) = caught.value.issues
    assert issue.code == "document/unknown-type" and "binary file object" in issue.diagnostics
    own = {"hl7": "ER7", "fhir": "FHIR", "dicom": "Part 10", "dicom-json": "DICOM JSON"}
    assert own.get(name, "") in issue.diagnostics


@pytest.mark.parametrize("name", sorted(TEXT))
def test_the_name_of_a_file_is_no_document(name, documents):
    with pytest.raises(DocumentError) as caught:
        codec(name).decode(str(documents[name]))
    assert [issue.code for issue in caught.value.issues] == ["document/file-name"]
    assert str(documents[name]) not in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_what_the_file_system_says_is_the_cause(name, tmp_path):
    missing = tmp_path / "DOE"
    for call in (codec(name).decode, sopstatus.read):
        with pytest.raises(DocumentError) as caught:
            call(missing)
        cause = caught.value.__cause__
        assert isinstance(cause, OSError) and cause.errno == errno.ENOENT
        assert str(cause.filename) == str(missing)
        assert "DOE" not in str(caught.value)  # which goes into logs


@pytest.mark.parametrize("wrong", ["trusted", True, 1, ("secure",)])
def test_a_wrong_link_is_a_type_error(wrong):
    for name in ("link", "outbound"):
        with pytest.raises(TypeError, match=f"{name} is a sopstatus.Link or None, not "):
            transformer("hl7", "fhir")(CASE / "message.hl7", **{name: wrong})


def test_the_named_transformers_take_what_a_transformer_takes():
    made = transform.dicom_to_fhir(CASE / "image.dcm", holder="PACS", peer="X", add_missing=True)
    assert made.unwrap() == transformer("dicom", "fhir")(CASE / "image.dcm", holder="PACS").unwrap()
    with pytest.raises(TypeError):
        transform.dicom_to_hl7(CASE / "image.dcm", nothing=1)


def test_a_named_transformer_with_a_site_s_tables(tmp_path):
    (tmp_path / "site.toml").write_text('canonical = "https://site.test/fhir"\n')
    tables = sopstatus.load_tables(tmp_path)
    made = transform.named("hl7-to-fhir", tables)(CASE / "message.hl7").unwrap()
    assert "https://site.test/fhir/StructureDefinition" in json.dumps(made)
    assert transform.named("hl7-to-fhir") is transform.hl7_to_fhir


GONE = """
import sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name == {0!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Gone())
from sopstatus.cli import main
sys.exit(main({1!r}))
"""


@pytest.mark.parametrize(
    ("package", "given", "line"),
    [
        ("requests", ["scan", "https://127.0.0.1:9/x", "-o", "out"],
         'error: scanning a server needs the extra: pip install "sopstatus[sources]"'),
        ("dicomweb_client", ["scan", "https://127.0.0.1:9/x", "-o", "out"],
         'error: scanning a server needs the extra: pip install "sopstatus[sources]"'),
        ("fhir.resources", ["convert", str(CASE / "image.dcm"), "--to", "fhir", "--validate"],
         'error: --validate needs the extra: pip install "sopstatus[fhir]"'),
    ],
)  # fmt: skip
def test_a_missing_extra_is_named(package, given, line, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", GONE.format(package, given)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{line}\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("hl7-to-dicom", ["--respond"], "writes onto a data set"),
        ("hl7-to-dicom", [], "writes onto a data set"),
        ("fhir-to-hl7", [], "reads fhir, and what comes is HL7 v2"),
    ],
)
def test_a_transformer_that_would_fail_every_message_does_not_start(name, more, why, capsys):
    from sopstatus.cli import main

    assert main(["mllp", "--port", "0", "--transformer", name, *more]) == 2
    assert why in capsys.readouterr().err


def test_a_link_is_a_link():
    assert transformer("hl7", "fhir")(CASE / "message.hl7", link=Link()).unwrap()
