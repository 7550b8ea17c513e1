"""Whose copies a scan saw: columns for all parts of a holder, and what is made of them again."""

import json

import pyarrow.parquet as pq
import pydicom
import pytest
from samples_of import FOLDER
from sopstatus import Holder, SOPInstance, codec, scan
from sopstatus.cli import main
from sopstatus.explain import explain
from sopstatus.holder import DIFFERENT, likeness
from sopstatus.ledger import Ledger

A, B = Holder("PACS", "1.2.3.4", "ISO"), Holder("PACS", "1.2.3.5", "ISO")
UIDS = ("1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1")
COLUMNS = ("holder", "holder_uid", "holder_uid_type")


def scanned(tmp_path, *holders, options=()):
    """Scan a folder of messages, one for each holder of the same original."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir(exist_ok=True)
    for number, holder in enumerate(holders):
        said = SOPInstance(*UIDS, holder, {"SOPInstanceStatus": "OR"})
        message = codec("hl7").encode([said]).value
        (folder / f"{number}.hl7").write_bytes(message)
    assert main(["scan", str(folder), "-o", str(out), *options]) == 0
    return out


def test_a_scan_has_all_parts_of_a_holder(tmp_path):
    out = scanned(tmp_path, A, Holder("", "pacs.example", "DNS"), "RIS")
    rows = [r for part in out.glob("part-*") for r in pq.read_table(part).to_pylist()]
    told = {tuple(row[name] for name in COLUMNS) for row in rows}
    assert told == {A.parts, ("", "pacs.example", "DNS"), ("RIS", "", "")}
    assert main(["export", str(out), "--to", "hl7", "-o", str(tmp_path / "batch.hl7")]) == 0
    again = codec("hl7").decode((tmp_path / "batch.hl7").read_bytes()).value
    assert {x.holder for x in again} == {A, "^pacs.example^DNS", "RIS"}


@pytest.mark.parametrize(
    "holders",
    [
        (A, B),
        (A, Holder("PACS")),
        (A, Holder("RIS")),
        (A, Holder("", "1.2.3.4")),
        (A, Holder("RIS", "1.2.3.4", "ISO")),
        (Holder("PACS"), Holder("RIS")),
        (Holder("PACS"), Holder("", "1.2.3.4")),
        (A, B, Holder("PACS")),
    ],
)
def test_a_report_and_a_ledger_count_holders_alike(tmp_path, holders):
    from sopstatus.archive.database import opened
    from sopstatus.report.figures import _Count

    out = scanned(tmp_path, *holders)
    with opened(out.glob("part-*")) as database:
        found = {one.code for one in _Count(database)._contradictions()}
    with Ledger() as ledger:
        ledger.observe([SOPInstance(*UIDS, h, {"SOPInstanceStatus": "OR"}) for h in holders])
        ((_, issues),) = ledger.check()
        by_title = {one.holder for one in ledger.holdings(UIDS[3])}
    several = len({holder.key for holder in holders}) > 1
    code = "ledger/two-holders" if likeness(holders) is DIFFERENT else "ledger/one-or-two"
    assert {i.code for i in issues} == found & {"ledger/two-holders", "ledger/one-or-two"}
    assert {i.code for i in issues} == ({code} if several else set())
    assert len(by_title) == len({holder.key for holder in holders})


def test_a_ledger_is_told_later_whose_a_bare_title_is(tmp_path, capsys):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "site.toml").write_text('[holders]\nPACS = "1.2.3.4"\n')
    database = str(tmp_path / "ledger.db")
    with Ledger(database) as ledger:
        said = [SOPInstance(*UIDS, h, {"SOPInstanceStatus": "OR"}) for h in (A, "PACS")]
        ledger.observe(said, time="2024-01-01T00:00:00Z")
    assert main(["ledger", "check", database]) == 0
    assert "warning ledger/one-or-two" in capsys.readouterr().err
    tables = ("--mappings", str(tmp_path / "tables"))
    assert main(["ledger", "check", database, *tables]) == 0
    assert not capsys.readouterr().err
    assert main(["ledger", "show", database, UIDS[3], "--json", *tables]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["holder"] for one in told["holdings"]] == [A]


def test_only_a_whole_holder_may_be_spoken_for():
    said = [SOPInstance(*UIDS, h, {"SOPInstanceStatus": "OR"}) for h in (A, B, "PACS")]
    with Ledger() as ledger:
        assert len(ledger.observe(said, only=["PACS"]).issues) == 2
        assert len(ledger.observe(said, only=[A]).issues) == 2


@pytest.mark.parametrize("form", ["dcm", "json"])
def test_a_data_set_names_its_holder_where_a_scan_is_told_to_ask_it(tmp_path, form):
    image = pydicom.dcmread(FOLDER / "original" / "image.dcm")
    image.RetrieveAETitle, image[0x0040E011] = (
        "PACS",
        pydicom.DataElement(0x0040E011, "UI", "1.2.3.4"),
    )
    file = tmp_path / f"image.{form}"
    if form == "dcm":
        image.save_as(file)
    else:
        file.write_text(image.to_json())
    for options, holder in (
        ({}, ""),
        ({"holder": "X"}, "X"),
        ({"holder": "X", "from_data_set": True}, A),
    ):
        (found,) = scan([file], **options)
        assert [x.holder for x in found.instances] == [holder]
    told = explain(file.read_bytes())
    shown = " ".join(f"{one.why} {one.detail}" for one in told.untouched)
    assert "Retrieve AE Title" in shown and "Retrieve Location UID" in shown and "1.2.3.4" in shown
    out = tmp_path / "out"
    assert main(["scan", str(file), "-o", str(out), "--holder-from", "data-set"]) == 0
    (row,) = (r for part in out.glob("part-*") for r in pq.read_table(part).to_pylist())
    assert tuple(row[name] for name in COLUMNS) == A.parts
