"""Whose copies a scan saw: columns for all parts of a holder, and what is made of them again."""

import json
from datetime import date
from itertools import permutations

import pyarrow.parquet as pq
import pydicom
import pytest
from samples_of import FOLDER
from sopstatus import Holder, SOPInstance, codec, scan
from sopstatus.cli import main
from sopstatus.explain import explain
from sopstatus.holder import DIFFERENT, likeness
from sopstatus.ledger import Ledger
from sopstatus.report.figures import _Count, figures

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
        *permutations((A, Holder("RIS", "1.2.3.4", "ISO"), Holder("RIS"))),
        *permutations((Holder("", "1.2.3.4"), A, Holder("RIS"))),
        (Holder("PACS "), Holder(" PACS")),
        (A, Holder(" PACS", " 1.2.3.4 ", "ISO")),
    ],
)
def test_a_report_and_a_ledger_count_holders_alike(tmp_path, holders):
    out = scanned(tmp_path, *holders)
    found = {one.code: one for one in counted(out)}
    with Ledger() as ledger:
        ledger.observe([SOPInstance(*UIDS, h, {"SOPInstanceStatus": "OR"}) for h in holders])
        ((_, issues),) = ledger.check()
        by_title = {one.holder for one in ledger.holdings(UIDS[3])}
    several = len({holder.key for holder in holders}) > 1
    code = "ledger/two-holders" if likeness(holders) is DIFFERENT else "ledger/one-or-two"
    assert {i.code for i in issues} == found.keys() & {"ledger/two-holders", "ledger/one-or-two"}
    assert {i.code for i in issues} == ({code} if several else set())
    for told in issues:
        ((_, uid, names),) = found[told.code].examples
        assert uid == UIDS[3] and f": {names};" in str(told)
    assert len(by_title) == len({holder.key for holder in holders})


def counted(out, **options):
    found = figures(list(out.glob("part-*")), [], at=date(2026, 1, 1), studies=0, **options)
    return found.contradictions


def test_a_report_asks_the_site_whose_a_bare_title_is(tmp_path):
    out = scanned(tmp_path, A, "PACS")
    assert {one.code for one in counted(out)} >= {"ledger/one-or-two"}
    assert not {one.code for one in counted(out, holders={"PACS": "1.2.3.4"})} & {
        "ledger/one-or-two",
        "ledger/two-holders",
    }
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "site.toml").write_text('[holders]\nPACS = "1.2.3.4"\n')
    for options, told in (([], True), (["--mappings", str(tmp_path / "tables")], False)):
        assert main(["report", str(out), *options]) == 0
        page = (out / "report.html").read_text()
        assert ("ledger/one-or-two" in page) == told


def test_sets_of_holders_are_judged_in_one_statement(tmp_path, monkeypatch):
    """However many there are: one INSERT for each took 2 ms."""
    folder, counts = tmp_path / "in", []
    folder.mkdir()
    asked = _Count._do
    monkeypatch.setattr(_Count, "_do", lambda *given: counts.append(1) or asked(*given))
    made = []
    for number in range(40):
        uid = f"1.2.3.1.{number}"
        said = [
            SOPInstance(*UIDS[:3], uid, f"{name}{number}", {"SOPInstanceStatus": "OR"})
            for name in "XY"
        ]
        (folder / f"{number}.hl7").write_bytes(codec("hl7").encode(said).value)
        if number in (3, 39):
            assert main(["scan", str(folder), "-o", str(tmp_path / str(number))]) == 0
            del counts[:]
            (two,) = [x for x in counted(tmp_path / str(number)) if x.code == "ledger/two-holders"]
            assert two.number == number + 1
            made.append(len(counts))
    assert made[0] == made[1]


def test_changes_are_counted_by_whose_copy_it_is(tmp_path, capsys):
    folder, database = tmp_path / "in", str(tmp_path / "ledger.db")
    folder.mkdir()
    image = json.loads(pydicom.dcmread(FOLDER / "original" / "image.dcm").to_json())
    image["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    for title, uid in (("PACS", "1.2.3.4"), ("RIS", "1.2.3.4"), ("CT ", ""), ("\u00e4" * 3, "")):
        image["00080054"] = {"vr": "AE", "Value": [title]}
        image["0040E011"] = {"vr": "UI", "Value": [uid]} if uid else {"vr": "UI"}
        (folder / f"{title}.json").write_text(json.dumps(image))
    out = tmp_path / "out"
    assert main(["scan", str(folder), "-o", str(out), "--holder-from", "data-set"]) == 0
    capsys.readouterr()
    changes = ["export", str(out), "--to", "changes", "--ledger", database]
    with Ledger(database):
        pass
    assert main(changes) == 1
    told = capsys.readouterr()
    assert told.out.endswith("2 changed\n")
    assert told.err.count("ledger/not-storable") == 1
    assert main(["export", str(out), "--to", "ledger", "-o", database]) == 1
    capsys.readouterr()
    assert main(changes) == 1
    told = capsys.readouterr()
    assert told.out == "0 changed\n"
    assert told.err.count("ledger/not-storable") == 1


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
