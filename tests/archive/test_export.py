"""``sopstatus export``: what is written is read again and says what the files said."""

import gzip
import json
import os
import re
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import hl7
import pyarrow.parquet as pq
import pydicom
import pytest
from described import PLAIN, data_set, saved
from sopstatus import SOPInstance, codec, load_tables, scan, transformer
from sopstatus.cli import main
from sopstatus.ledger import Ledger

from archive.made import made

VARIES = re.compile(rb"\|\d{14}\+0000\|\|ORU\^R01\^ORU_R01\|[0-9A-F]{20}")  # MSH-7, MSH-10
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    made(folder, 300)
    return folder


@pytest.fixture(scope="module")
def scanned(archive, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    main(["scan", str(archive), "-o", str(out), "--holder", "PACS", "--part-rows", "50"])
    return out


@pytest.fixture(scope="module")
def said(archive):
    found = [one for told in scan([archive], workers=1, holder="PACS") for one in told.instances]
    return [one for one in found if one.study_instance_uid]


def plain(instances):
    return Counter((one.identity, one.attributes) for one in instances if one.attributes)


def test_an_imaging_study_a_study(scanned, said, tmp_path):
    out = tmp_path / "ImagingStudy.ndjson"
    main(["export", str(scanned), "--to", "fhir", "-o", str(out)])
    studies = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(studies) == len({one.study_instance_uid for one in said})
    under = codec("fhir")
    found = [one for study in studies for one in under.decode(study).value]
    assert plain(found) == plain(said)
    known = [one for study in studies for one in under.instances(study)]
    uids = {one.sop_instance_uid for one in said if one.sop_instance_uid}
    assert {one.sop_instance_uid for one in known} == uids
    series = [series for study in studies for series in study["series"]]
    assert {one["modality"]["code"] for one in series if "code" in one["modality"]} >= {"CT", "MR"}
    assert studies[0]["started"].startswith("20")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_scan_of_an_export_says_what_was_exported(tmp_path, pack):
    """500 studies, each of 1 to 60 instances, so that lines are from 1 to 50 KiB long."""
    under = codec("dicom-json")
    folder = tmp_path / "archive"
    folder.mkdir()
    for study in range(500):
        count = 60 if study in (0, 77) else 1 + study % 3
        instances = [
            SOPInstance(
                f"1.2.{study}", f"1.2.{study}.1", "1.2.840.10008.5.1.4.1.1.2",
                f"1.2.{study}.1.{number}", "",
                {"SOPInstanceStatus": ("OR", "AO", "AC", "NS")[number % 4]},
            )
            for number in range(count)
        ]  # fmt: skip
        (folder / f"{study}.json").write_bytes(json_of(under.encode(instances).value))
    first, again = tmp_path / "first", tmp_path / "again"
    exported = tmp_path / "ImagingStudy.ndjson"
    main(["scan", str(folder), "-o", str(first), "--holder", "PACS"])
    main(["export", str(first), "--to", "fhir", "-o", str(exported)])
    exported.write_bytes(pack(exported.read_bytes()))
    assert main(["scan", str(exported), "-o", str(again)]) == 0
    assert table(first) == table(again)
    assert len(table(first)) > 1000


def test_a_study_has_the_same_id_in_every_export(scanned, tmp_path):
    """So an import that is repeated updates; RFC 9562 5.5, the name space of OIDs."""
    found = []
    for name in ("first", "second"):
        main(["export", str(scanned), "--to", "fhir", "-o", str(tmp_path / name)])
        found.append([json.loads(line) for line in (tmp_path / name).open()])
    first, second = ([study.get("id") for study in one] for one in found)
    assert first == second
    for study in found[0]:
        uid = study["identifier"][0]["value"].removeprefix("urn:oid:") if study.get("id") else ""
        assert study.get("id", "") == (str(uuid.uuid5(uuid.NAMESPACE_OID, uid)) if uid else "")
        assert list(study)[1] == "id"
    assert len(set(first)) == len(first) > 5


def test_what_a_killed_export_left_is_removed_by_the_next(scanned, tmp_path):
    fifo = tmp_path / "halt"
    os.mkfifo(fifo)
    code = (
        "import sys; from sopstatus.archive import export\n"
        "studies = export.studies\n"
        "def halted(*given):\n"
        "    for study in studies(*given):\n"
        "        yield study\n"
        f"        open({str(fifo)!r}, 'w').close(); sys.stdin.read()\n"
        "export.studies = halted\n"
        "from sopstatus.cli import main; main(sys.argv[1:])"
    )
    out = tmp_path / "ImagingStudy.ndjson"
    asked = ["export", str(scanned), "--to", "fhir", "-o", str(out)]
    other = tmp_path / ".somebody-else.part"
    other.write_bytes(b"")
    with subprocess.Popen([sys.executable, "-c", code, *asked], stdin=subprocess.PIPE) as halted:
        fifo.read_bytes()  # it is in the middle of its file
        (left,) = tmp_path.glob(".Imaging*.part")
        assert main(asked) == 0
        assert left.exists(), "whoever is still writing keeps it"
        halted.kill()
    assert main(asked) == 0
    assert {file.name for file in tmp_path.iterdir()} == {"halt", out.name, other.name}


def json_of(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def table(folder):
    """Return the rows that are about something, without where each was found."""
    about = ("study_instance_uid", "series_instance_uid", "sop_instance_uid", "holder", "holder_uid",
             "SOPInstanceStatus")  # fmt: skip
    found = [row for part in folder.glob("part-*") for row in pq.read_table(part).to_pylist()]
    return sorted(tuple(str(row[name]) for name in about) for row in found if row[about[0]])


def test_a_batch_of_messages(scanned, said, tmp_path):
    out = tmp_path / "batch.hl7"
    main(["export", str(scanned), "--to", "hl7", "-o", str(out)])
    data = out.read_bytes()
    assert plain(codec("hl7").decode(data).value) == plain(said)
    read = hl7.parse_file(data.decode())  # another's reader
    (batch,) = read
    assert len(batch) == len({one.study_instance_uid for one in said})
    assert data.startswith(b"FHS|") and data.endswith(b"\rFTS|1\r")


def test_a_scan_writes_them_itself(archive, scanned, tmp_path, capsys):
    kinds = ("fhir", "hl7", "ledger")
    asked = [word for kind in kinds for word in ("--to", kind, str(tmp_path / f"by-scan.{kind}"))]
    main(["scan", str(archive), "-o", str(tmp_path / "out"), "--holder", "PACS", *asked])
    for kind in ("fhir", "hl7"):
        out = tmp_path / f"by-export.{kind}"
        main(["export", str(scanned), "--to", kind, "-o", str(out)])
        mine, same = (tmp_path / f"by-scan.{kind}").read_bytes(), out.read_bytes()
        assert without_times(mine) == without_times(same)
    capsys.readouterr()
    assert main(["export", str(scanned), "--to", "changes", "--ledger", asked[-1]]) == 0
    assert capsys.readouterr().out == "0 changed\n"
    assert main(["scan", str(archive), "-o", str(tmp_path / "x"), "--to", "csv", "x"]) == 2
    assert "--to csv" in capsys.readouterr().err


def without_times(data):
    return re.sub(rb"20[0-9]{12}\+0000", b"", VARIES.sub(b"", data))


def test_into_the_ledger_and_what_has_changed_since(archive, scanned, said, tmp_path, capsys):
    database = str(tmp_path / "ledger.db")
    assert main(["export", str(scanned), "--to", "ledger", "-o", database]) == 0
    assert main(["export", str(scanned), "--to", "ledger", "-o", database]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 new, ")
    known = {one.sop_instance_uid for one in said if one.sop_instance_uid}
    with Ledger(database) as ledger:
        assert len(ledger) == len(known)
    assert main(["export", str(scanned), "--to", "changes", "--ledger", database]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 changed"

    new = tmp_path / "archive"
    made(new, 45)
    first = next(one for one in said if one.get("SOPInstanceStatus") == "OR")
    (path,) = [
        Path(one.source) for one in scan([archive]) if first.sop_instance_uid in str(one.instances)
    ]
    image = pydicom.dcmread(path)
    image.SOPInstanceStatus = "AO"
    image.save_as(new / "changed.dcm")
    (new / path.relative_to(archive)).unlink()
    out = tmp_path / "out"
    arguments = ["scan", str(new), "-o", str(out), "--holder", "PACS", "--against", database]
    assert main(arguments) == 0
    line = f"{first.sop_instance_uid}  {'PACS':<16}  OR -> AO"
    assert capsys.readouterr().out.splitlines()[1:] == [line, "1 changed"]
    assert main(["export", str(out), "--to", "changes", "--ledger", database, "--json"]) == 0
    printed = capsys.readouterr().out
    asked = ["export", str(out), "--to", "changes", "--ledger", database, "--json"]
    assert main([*asked, "-o", str(tmp_path / "changes")]) == 0
    assert (tmp_path / "changes").read_text() == printed and not capsys.readouterr().out
    assert main(["export", str(out), "--to", "fhir", "--ledger", database]) == 2
    assert main(["export", str(out), "--to", "changes"]) == 2
    assert main(["export", str(out), "--to", "fhir"]) == 2
    changes = [json.loads(line) for line in printed.splitlines()]
    assert changes == [
        {
            "sop_instance_uid": first.sop_instance_uid,
            "holder": "PACS",
            "before": "OR",
            "after": "AO",
        }
    ]


def test_a_scan_that_has_not_ended_is_no_export(archive, tmp_path, capsys):
    out = tmp_path / "out"
    main(["scan", str(archive / "000001"), "-o", str(out)])
    (out / "summary.json").unlink()
    target = tmp_path / "x.ndjson"
    assert main(["export", str(out), "--to", "fhir", "-o", str(target)]) == 3
    assert "archive/not-ended /" in capsys.readouterr().err
    assert not target.exists()


def described(folder):
    """Write two studies that say much of patient and order; return them in the order of their UIDs."""
    folder.mkdir()
    one, other = data_set(), data_set(plain=PLAIN | {"PatientID": "SYN-2"})
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(other, keyword, getattr(other, keyword) + ".1")
    for number, dataset in enumerate((one, other)):
        (folder / f"{number}.dcm").write_bytes(saved(dataset))
    (folder / "2.json").write_text(json.dumps([other.to_json_dict(bulk_data_threshold=1 << 30)]))
    return [saved(one), saved(other)]


def test_what_the_data_sets_say_of_the_patient(tmp_path):
    images = described(tmp_path / "archive")
    arguments = ["scan", str(tmp_path / "archive"), "--part-rows", "1", "--context"]
    batch, studies = tmp_path / "batch.hl7", tmp_path / "studies.ndjson"
    to = ["--to", "hl7", str(batch), "--to", "fhir", str(studies)]
    assert main([*arguments, "-o", str(tmp_path / "out"), *to]) == 0
    want = b"".join(transformer("dicom", "hl7")(image).value for image in images)
    messages = [line + b"\r" for line in batch.read_bytes().split(b"\r")]
    messages = b"".join(m for m in messages if m[:3] not in (b"FHS", b"BHS", b"BTS", b"FTS", b"\r"))
    assert VARIES.sub(b"", messages) == VARIES.sub(b"", want)
    for line, image in zip(studies.read_text().splitlines(), images, strict=True):
        found = json.loads(line)
        assert found.pop("id")
        assert found == transformer("dicom", "fhir")(image).value


def contexts_of(folder):
    parts = folder.glob("part-*")
    return [row["context"] for part in parts for row in pq.read_table(part).to_pylist()]


def test_a_scan_keeps_no_patient_unless_it_is_told_to(tmp_path, capsys):
    described(tmp_path / "archive")
    out = tmp_path / "out"
    assert main(["scan", str(tmp_path / "archive"), "-o", str(out)]) == 0
    assert set(contexts_of(out)) == {""}
    assert main(["scan", str(tmp_path / "archive"), "-o", str(out), "--resume", "--context"]) == 3
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "site.toml").write_text('context = "uids"')
    more = ["--context", "--mappings", str(tmp_path / "site")]
    assert main(["scan", str(tmp_path / "archive"), "-o", str(tmp_path / "uids"), *more]) == 0
    texts = contexts_of(tmp_path / "uids")
    assert all("Modality" in text and "SYN-" not in text for text in texts)
    assert main(["scan", "https://pacs.example", "-o", str(tmp_path / "x"), "--context"]) == 2
    assert "--context" in capsys.readouterr().err


def test_an_export_counts_the_whole_study(scanned, tmp_path):
    out = tmp_path / "ImagingStudy.ndjson"
    main(["export", str(scanned), "--to", "fhir", "-o", str(out)])
    for line in out.read_text().splitlines():
        study = json.loads(line)
        inside = [series.get("instance", ()) for series in study.get("series", ())]
        if any(inside):
            assert study["numberOfSeries"] == len(inside)
            assert study["numberOfInstances"] == sum(map(len, inside))


def test_where_nothing_is_new_nothing_is_exported(archive, scanned, tmp_path, capsys):
    """A nightly scan that finds nothing new is no failure."""
    ledger, batch = tmp_path / "ledger.db", tmp_path / "batch.hl7"
    assert main(["export", str(scanned), "--to", "ledger", "-o", str(ledger)]) == 0
    since = ["scan", str(archive), "--since", str(scanned), "--holder", "PACS"]
    to = ["--to", "hl7", str(batch), "--to", "ledger", str(ledger), "--against", str(ledger)]
    out = tmp_path / "out"
    assert main([*since, "-o", str(out), *to]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == ["0 changed", "0 studies", "0 new, 0 known"]
    assert batch.read_bytes().endswith(b"\rBTS|0\rFTS|1\r")
    assert main(["export", str(out), "--to", "hl7", "-o", str(batch)]) == 0
    assert main(["report", str(out)]) == 2
    assert "has no rows" in capsys.readouterr().err


def test_an_imaging_study_is_not_made_of_what_is_new_alone(archive, scanned, tmp_path, capsys):
    """An import of it would replace the study, and lose every instance that has not changed."""
    out, target = tmp_path / "out", tmp_path / "ImagingStudy.ndjson"
    since = ["scan", str(archive), "--since", str(scanned), "--holder", "PACS", "-o", str(out)]
    assert main([*since, "--to", "fhir", str(target)]) == 2
    assert not out.exists(), "it is refused before anything is read"
    assert main(since) == 0
    assert main(["export", str(out), "--to", "fhir", "-o", str(target)]) == 2
    assert capsys.readouterr().err.count("only what is new") == 2
    assert not target.exists()


def test_an_attribute_called_like_a_column_has_one_of_its_own(tmp_path, capsys):
    """SQL does not tell Modality from modality: what nobody stated stays so, and Spark reads the rows."""
    assert main(["new", "Modality", "--into", str(tmp_path / "tables")]) == 0
    tables = ("--mappings", str(tmp_path / "tables"))
    said = [
        SOPInstance("1.2.3", "1.2.3.1", "", f"1.2.3.1.{number}", "", stated)
        for number, stated in enumerate(
            [{"SOPInstanceStatus": "AO"}, {"Modality": "CT"}, {"Modality": None}]
        )
    ]
    under = codec("hl7", tables=load_tables(tmp_path / "tables"))
    (tmp_path / "in.hl7").write_bytes(under.encode(said, under.blank(said)).value)
    scanned = tmp_path / "scanned"
    assert main(["scan", str(tmp_path / "in.hl7"), "-o", str(scanned), *tables]) == 0
    (part,) = scanned.glob("*.parquet")
    names = [name.lower() for name in pq.read_schema(part).names]
    assert len(set(names)) == len(names)
    out = tmp_path / "out.hl7"
    assert main(["export", str(scanned), "--to", "hl7", "-o", str(out), *tables]) == 0
    assert plain(under.decode(out.read_bytes()).value) == plain(said)
    assert main(["report", str(scanned), "-o", str(tmp_path / "r.html"), *tables]) == 0
    assert "Modality" in (tmp_path / "r.html").read_text()
