"""What the fuzzer runs: whatever the input, a result or the one exception, and the laws hold."""

import tempfile
from pathlib import Path

import sopstatus
from sopstatus import codec, content, load_tables

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


def hl7(data):
    same_again("hl7", data)


def dicom(data):
    same_again("dicom", data)


def fhir(data):
    try:
        document = content.load_json(data)
    except sopstatus.DocumentError:
        return
    same_again("fhir", document)


def tables(data):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "fuzz.toml").write_bytes(data)
        try:
            load_tables(folder)
        except sopstatus.TableError as error:
            assert error.line >= 1
