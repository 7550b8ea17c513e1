"""``sopstatus diff``: what a change of tables does to stored documents, in flat memory."""

import gzip
import io
import json
import shutil
import tracemalloc
import zipfile

import pytest
from samples_of import FOLDER, ROOT, sample
from sopstatus import SOPInstance, codec, load_tables
from sopstatus.cli import main
from sopstatus.documents.containers import stored
from sopstatus.documents.replay import Replay

QUALITY = (
    (ROOT / "mappings" / "README.md").read_text().partition("```toml\n")[2].partition("```")[0]
)
MESSAGE = sample("authorized-original", "hl7")
STUDY = sample("authorized-original", "fhir")
ENDS = [b"\r", b"\n", b"\r\n"]


@pytest.fixture
def folders(tmp_path):
    for name, text in (("old", QUALITY), ("new", QUALITY.replace("field = 11", "field = 12"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "quality.toml").write_text(text)
    return tmp_path


def messages(count, tables):
    under = codec("hl7", tables=tables)
    for n in range(count):
        said = {"QualityControlImage": ("YES", "NO")[n % 4 == 0], "SOPInstanceStatus": "AO"}
        uids = (f"1.2.{n}", f"1.2.{n}.1", "1.2.840.10008.5.1.4.1.1.2", f"1.2.{n}.1.1", "")
        x = SOPInstance(*uids, said if n % 2 else {"SOPInstanceStatus": "AO"})
        yield under.encode([x], under.blank([x])).value


class TestStored:
    @pytest.mark.parametrize("end", ENDS, ids=repr)
    @pytest.mark.parametrize("framed", [False, True])
    def test_a_batch(self, tmp_path, end, framed):
        one = MESSAGE.replace(b"\r", end)
        around = (b"\x0b" + one + b"\x1c\r") if framed else one
        batch = b"FHS|^~\\&|A" + end + b"BHS|^~\\&|A" + end + around * 3 + b"BTS|3" + end + b"FTS|1"
        file = tmp_path / "batch.hl7"
        file.write_bytes(batch + end)
        found = list(stored([file]))
        assert [one.source for one in found] == [f"{file}#{n}" for n in (1, 2, 3)]
        said = codec("hl7").decode(MESSAGE).value
        assert {one.data.rstrip() for one in found} == {one.rstrip()}
        assert all(codec("hl7").decode(one.data).value == said for one in found)

    def test_a_long_batch_in_pieces(self, tmp_path):
        file = tmp_path / "batch.hl7"
        file.write_bytes(MESSAGE * 5000)
        assert {one.data for one in stored([file])} == {MESSAGE}
        assert sum(1 for _ in stored([file])) == 5000

    def test_lines_and_zips_and_folders(self, tmp_path):
        line = json.dumps(STUDY).encode()
        with zipfile.ZipFile(tmp_path / "many.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/one.json", json.dumps(STUDY, indent=1))
            archive.writestr("b.ndjson", line + b"\n\n" + line + b"\n")
            archive.writestr("c.hl7", MESSAGE * 2)
        (tmp_path / "z.hl7").write_bytes(MESSAGE)
        shutil.copy(FOLDER / "kanji-comment" / "image.dcm", tmp_path / "image.dcm")
        names = [one.source.removeprefix(f"{tmp_path}/") for one in stored([tmp_path])]
        assert names == [
            "image.dcm",
            "many.zip!a/one.json",
            "many.zip!b.ndjson#1",
            "many.zip!b.ndjson#3",
            "many.zip!c.hl7#1",
            "many.zip!c.hl7#2",
            "z.hl7#1",
        ]

    def test_an_image_is_not_read_whole(self, tmp_path, folders):
        shutil.copy(FOLDER / "authorized-original" / "image.dcm", tmp_path / "big.dcm")
        with (tmp_path / "big.dcm").open("ab") as file:
            file.truncate(64 << 20)
        (one,) = stored([tmp_path / "big.dcm"])
        old, new = (load_tables(folders / name) for name in ("old", "new"))
        replay = Replay(old, new)
        tracemalloc.start()
        replay(one)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
        tracemalloc.stop()
        assert (replay.documents, replay.unreadable) == (1, 0)

    def test_what_cannot_be_read_stops_nothing(self, tmp_path):
        (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 no zip")
        (tmp_path / "b.ndjson").write_bytes(b"{" + b" " * 200 + b"}\n{}\n")
        (tmp_path / "c.hl7").write_bytes(MESSAGE + MESSAGE[:8] + b"x" * 2000 + b"\r" + MESSAGE)
        found = list(stored([tmp_path, tmp_path / "none"], limit=len(MESSAGE)))
        told = [[i.code for i in one.error.issues] if one.error else "read" for one in found]
        late = ["document/unreadable"]
        assert told[0] == told[-1] == late
        assert ["document/too-large"] in told[-4:-1]
        assert told.count("read") >= 3

    def test_a_damaged_member_stops_nothing(self, tmp_path):
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("1.json", b'{"resourceType": "ImagingStudy"}' * 99)
            archive.writestr("2.json", b"{}")
        data = bytearray(path.read_bytes())
        at = 30 + len("1.json")  # behind the member's header (APPNOTE 4.3.7)
        data[at : at + 4] = b"\xff" * 4
        path.write_bytes(data)
        first, second = stored([path])
        assert (first.error.issues[0].code, first.data) == ("document/unreadable", b"")
        assert (second.error, second.data) == (None, b"{}")

    def test_a_zip_bomb_is_cut_off(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", b"\0" * (40 << 20))
        tracemalloc.start()
        (one,) = stored([tmp_path / "bomb.zip"], limit=1 << 20)
        assert [i.code for i in one.error.issues] == ["document/too-large"]
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
        tracemalloc.stop()


def test_which_outputs_change_how_and_how_many(folders, capsys):
    old = load_tables(folders / "old")
    (folders / "batch.hl7").write_bytes(b"".join(messages(100, old)))
    arguments = ["diff", str(folders / "old"), str(folders / "new"), "--replay"]
    assert main([*arguments, str(folders / "batch.hl7"), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["tables"] == [
        "quality-control-image: changed, but still version 1.0.0; raise it",
        "quality-control-image: QualityControlImage: field: 11 -> 12",
    ]
    assert (told["documents"], told["changed"], told["unreadable"]) == (100, 50, 0)
    assert told["outputs"] == {"read": 50, "hl7": 0, "fhir": 50, "dicom-json": 50}
    read = [c for c in told["changes"] if c["output"] == "read"]
    assert [(c["place"], c["before"], c["after"], c["documents"]) for c in read] == [
        ("QualityControlImage[]", "YES", None, 50)
    ]
    assert read[0]["examples"] == [f"{folders / 'batch.hl7'}#{n}" for n in (2, 4, 6)]
    assert main([*arguments, str(folders / "batch.hl7")]) == 1
    out = capsys.readouterr().out
    assert "100 documents, 100 read: 50 change" in out
    assert "     50  QualityControlImage[]  YES -> (nothing)" in out


def test_nothing_changes(folders, capsys):
    (folders / "m.hl7").write_bytes(MESSAGE)
    same = str(folders / "old")
    assert main(["diff", same, same, "--replay", str(folders / "m.hl7")]) == 0
    assert "1 document, 1 read: none change" in capsys.readouterr().out
    assert main(["diff", same, same]) == 0
    # this message says nothing of it: the tables differ, and no output does
    assert main(["diff", same, str(folders / "new"), "--replay", str(folders / "m.hl7")]) == 0
    assert main(["diff", same, str(folders / "new")]) == 1
    assert main(["diff", "-", same]) == 1
    assert "quality-control-image 1.0.0: new" in capsys.readouterr().out


def test_a_display_a_canonical_and_an_alias(folders, capsys):
    new = folders / "new" / "quality.toml"
    status = (ROOT / "mappings" / "sop-instance-status.toml").read_text()
    new.with_name("status.toml").write_text(status.replace('"AUTHORIZED"', '"RELEASED"'))
    new.with_name("site.toml").write_text('canonical = "https://pacs.test/fhir"\n')
    shutil.copy(FOLDER / "authorized-original" / "image.dcm", folders / "image.dcm")
    alias = MESSAGE.replace(b"AO^Authorized Original^99SOPSTATUS", b"AUTHORIZED")
    assert alias != MESSAGE
    (folders / "alias.hl7").write_bytes(alias)
    replayed = ["--replay", str(folders / "image.dcm"), "--replay", str(folders / "alias.hl7")]
    assert main(["diff", str(folders / "old"), str(folders / "new"), *replayed]) == 1
    out = capsys.readouterr().out
    assert "site.toml: canonical: https://w3id.org/sopstatus/fhir -> https://pacs.test/fhir" in out
    assert "SOPInstanceStatus[]  AO -> AUTHORIZED" in out  # a word of a table is shown
    assert "1 now reported: value/unknown-term" in out
    assert "sop-instance-status].url" in out


def test_no_text_of_a_document_is_told(folders, capsys):
    """The row of the comment moves: that it changes is told, and not what it says."""
    status = (ROOT / "mappings" / "sop-instance-status.toml").read_text()
    moved = folders / "new" / "status.toml"
    moved.write_text(status.replace("field = 7", "field = 30"))
    for name in ("message.hl7", "imaging-study.json", "image.dcm"):
        shutil.copy(FOLDER / "authorized-original" / name, folders / name)
    said = dict(codec("hl7").decode(MESSAGE).value[0].attributes)
    for form in ([], ["--json"]):
        assert main(
            ["diff", str(folders / "old"), str(folders / "new"), "--replay", str(folders), *form]
        )
        out = capsys.readouterr().out
        assert "SOPAuthorizationComment" in out
        assert said["SOPAuthorizationComment"] not in out


def test_an_output_that_is_asked_for(folders, capsys):
    arguments = ["diff", str(folders / "old"), str(folders / "new"), "--to", "fhir", "--json"]
    (folders / "m.hl7").write_bytes(MESSAGE)
    assert main([*arguments, "--replay", str(folders / "m.hl7")]) == 0
    assert set(json.loads(capsys.readouterr().out)["outputs"]) == {"read", "fhir"}


def test_memory_does_not_grow_with_the_documents(folders):
    old, new = (load_tables(folders / name) for name in ("old", "new"))
    file = folders / "batch.hl7"
    file.write_bytes(b"".join(messages(50, old)))
    peaks = []
    for times in (1, 5):
        replay = Replay(old, new)
        tracemalloc.start()
        for _ in range(times):
            for one in stored([file]):
                replay(one)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert replay.documents == 50 * times
    assert peaks[1] < peaks[0] * 1.5 + 200_000


def test_what_is_unreadable_is_counted(folders, capsys):
    (folders / "x.gz").write_bytes(gzip.compress(b"nothing"))
    (folders / "y.txt").write_bytes(b"nothing")
    replayed = ["--replay", str(folders / "x.gz"), "--replay", str(folders / "y.txt"), "--json"]
    assert main(["diff", str(folders / "old"), str(folders / "new"), *replayed]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out)["unreadable"] == 2
    assert err.splitlines() == [f"not read: {folders}/{name}" for name in ("x.gz", "y.txt")]
    assert main(["diff", "-", "-", "--replay", str(folders / "nosuch")]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: --replay: there is no file or folder {folders}/nosuch\n")


def test_the_bar_is_drawn_on_a_terminal(folders, monkeypatch):
    from sopstatus.cli import diff as diff_commands

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setattr(diff_commands, "_EVERY", 10)
    monkeypatch.setenv("TERM", "xterm")
    old = load_tables(folders / "old")
    (folders / "batch.hl7").write_bytes(b"".join(messages(40, old)))
    main(
        ["diff", str(folders / "old"), str(folders / "new"), "--replay", str(folders / "batch.hl7")]
    )
    assert "replaying" in shown.getvalue()
    assert "20 change" in shown.getvalue()
