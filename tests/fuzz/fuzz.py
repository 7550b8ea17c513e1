"""Coverage-guided fuzzing of the codecs and the table loader, on bytes (atheris).

``python tests/fuzz/fuzz.py TARGET [CORPUS ...] [libFuzzer options]``; TARGET is hl7, dicom, fhir or
tables. Whatever the input, there is a `Result` or a `DocumentError` (tables: a `TableError`), and
the laws that hold for damaged documents hold: reading and writing again changes nothing.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sopstatus"]):
    import sopstatus
    from sopstatus import codec, content, load_tables
    from sopstatus.codecs import dicom, fhir, hl7  # noqa: F401

warnings.simplefilter("ignore")  # pydicom tells of what it mends
AO = {"SOPInstanceStatus": "AO", "SOPAuthorizationComment": "a|b\r\n患"}
STATEMENT = sopstatus.SOPInstance("1.2.3", "1.2.3.1", "", "1.2.3.4", "", AO)


def same_again(name, document):
    """Decode, encode what was read (nothing changes), and encode something new."""
    under = codec(name)
    try:
        found = under.decode(document)
        again = under.encode(found.value, document).value
        assert again == document, "get-put"
        for x in (STATEMENT, *found.value[:2]):
            new = sopstatus.SOPInstance(*x.identity[:2], "", x.sop_instance_uid, x.holder, AO)
            once = under.encode([new], document).value
            assert under.encode([new], once).value == once, "idempotent"
    except sopstatus.DocumentError as error:
        assert error.issues


def fuzz_hl7(data):
    same_again("hl7", data)


def fuzz_dicom(data):
    same_again("dicom", data)


def fuzz_fhir(data):
    try:
        document = content.load_json(data)
    except sopstatus.DocumentError:
        return
    same_again("fhir", document)


def fuzz_tables(data):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "fuzz.toml").write_bytes(data)
        try:
            load_tables(folder)
        except sopstatus.TableError as error:
            assert error.line >= 1


def main():
    target = globals()[f"fuzz_{sys.argv[1]}"]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
