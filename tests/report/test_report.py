"""``sopstatus report``: figures against counts made otherwise, a page that asks for nothing, a picture."""

import re
import struct
from collections import Counter
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pydicom
import pytest
from archive.made import made
from sopstatus import scan
from sopstatus.archive.folder import Folder
from sopstatus.catalogue import catalogue, fault, samples
from sopstatus.cli import main
from sopstatus.report.figures import AGES, STATES, figures

from tools import need

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
STATUS = "SOPInstanceStatus"
AT = date(2026, 11, 25)
HOSTILE = "<b>&'\"{{7*7}}"  # 12 of the 16 characters that an SH may have


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    made(folder, 700)
    image = pydicom.dcmread(SAMPLES / "original" / "image.dcm")
    image.StationName = HOSTILE
    image.SOPInstanceStatus = "XX"
    image.StudyInstanceUID = image.SeriesInstanceUID = image.SOPInstanceUID = "1.2.3"
    image.save_as(folder / "SECRET^NAME.dcm")
    for case in ("original", "authorized-original"):  # the message says AO, the data set OR
        image = pydicom.dcmread(SAMPLES / case / "image.dcm")
        image.SOPInstanceUID = "1.2.3.4"
        image.save_as(folder / f"{case}.dcm")
    return folder


@pytest.fixture(scope="module")
def scanned(archive, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert (
        main(["scan", str(archive), "-o", str(out), "--holder", "PACS", "--part-rows", "99"]) == 0
    )
    return out


@pytest.fixture(scope="module")
def found(scanned):
    parts = [part.file for part in Folder(scanned, ".parquet").parts()]
    assert len(parts) > 3
    assert len(figures(parts, [STATUS], at=AT, studies=7).worst) == 7
    return figures(parts, [STATUS], at=AT, studies=100)


@pytest.fixture(scope="module")
def records(archive):
    """Return instance, description, state and issues of all that is about an instance."""
    return [
        (one, beside, state(one), told.issues if not number else ())
        for told in scan([archive], workers=1, holder="PACS")
        for number, (one, beside) in enumerate(zip(told.instances, told.described, strict=True))
        if one.sop_instance_uid
    ]


def state(instance):
    said = dict(instance.attributes)
    if STATUS not in said:
        return "absent"
    if said[STATUS] is None:
        return "emptied"
    return said[STATUS] if said[STATUS] in STATES else "invalid"


def counted(groups):
    return {(group.name, state): n for group in groups for state, n in group.counts.items()}


def test_counts(found, records):
    assert found.instances == len(records) > 600
    assert found.counts == Counter(state for _, _, state, _ in records)
    assert {"OR", "AO", "AC", "NS", "absent", "emptied", "invalid"} == set(found.counts)
    assert found.studies == len({one.study_instance_uid for one, *_ in records})
    by_year = Counter((beside.study_date[:4], state) for _, beside, state, _ in records)
    assert counted(found.years) == by_year
    by_modality = Counter((beside.modality, state) for _, beside, state, _ in records)
    assert counted(found.modalities) == by_modality
    stations = Counter((beside.station_name, state) for _, beside, state, _ in records)
    assert counted(found.stations).items() <= stations.items()
    (stated,) = found.stated
    assert stated[2:] == (found.counts["emptied"], found.counts["absent"])


def test_originals_by_age(found, records):
    expected = dict.fromkeys(AGES, 0)
    limits = dict(zip((1, 7, 31, 92, 366), AGES, strict=False))
    days = []
    for _, beside, state, _ in records:
        if state == "OR":
            day = beside.acquisition_date or beside.study_date
            days.append(day)
            age = (AT - date(int(day[:4]), int(day[4:6]), int(day[6:]))).days
            expected[next((name for limit, name in limits.items() if age < limit), AGES[-2])] += 1
    assert found.waiting == expected
    assert sum(expected.values()) == found.counts["OR"]
    assert found.oldest == min(days)


def test_issues_and_contradictions(found, archive):
    told = [(i.severity, i.code) for one in scan([archive], workers=1) for i in one.issues]
    assert {(one.severity, one.code): one.number for one in found.issues} == Counter(told)
    both = {one.code: one for one in found.contradictions}
    assert both["archive/said-in-two-ways"].number == 1
    (example,) = both["archive/said-in-two-ways"].examples
    assert example[1:] == ("1.2.3.4", "AO, OR")
    assert both["ledger/copy-without-original"].number == found.counts["AC"]


def test_studies(found, records):
    assert len(found.worst) == found.studies
    for study in found.worst:
        mine = [r for r in records if r[0].study_instance_uid == study.uid]
        assert study.counts == Counter(state for _, _, state, _ in mine)
        assert {one.uid for one in study.series} == {r[0].series_instance_uid for r in mine}
        for series in study.series:
            known = {(r[0].sop_instance_uid, r[2]) for r in mine}
            assert set(series.instances) <= known
            assert len(series.instances) == min(10, sum(series.counts.values()))
    assert any("value/unknown-term" in study.codes for study in found.worst)


class Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = Counter(), [], []

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        self.links += [v for k, v in attributes if k in ("src", "href", "xlink:href", "data")]

    def handle_data(self, data):
        self.text.append(data)


def test_two_files_that_differ_about_one_copy(tmp_path, capsys):
    """The scan reads each by itself; the report and the ledger tell."""
    folder, out, database = (str(tmp_path / name) for name in ("in", "out", "ledger.db"))
    Path(folder).mkdir()
    image = pydicom.dcmread(SAMPLES / "original" / "image.dcm")
    for status in ("OR", "NS"):
        image.SOPInstanceStatus = status
        image.save_as(f"{folder}/{status}.dcm")
    scanning = ["scan", folder, "-o", out, "--holder", "PACS", "--workers", "1"]
    assert main([*scanning, "--to", "ledger", database]) == 0
    assert "contradiction" not in capsys.readouterr().err
    assert [told.issues for told in scan([folder], workers=1, holder="PACS")] == [(), ()]
    assert main(["report", out]) == 0
    assert "warning archive/said-in-two-ways -: " in capsys.readouterr().err
    assert main(["ledger", "check", database]) == 1
    assert "error ledger/changed-without-record " in capsys.readouterr().err
    message = (SAMPLES / "authorized-original" / "message.hl7").read_bytes()
    (line,) = [one for one in message.splitlines() if one.startswith(b"ZDS")]
    end = message[len(message.rstrip()) :]
    twice = message + line.replace(b"|AO^Authorized Original^", b"|OR^Original^") + end
    (tmp_path / "twice.hl7").write_bytes(twice)
    (told,) = scan([str(tmp_path / "twice.hl7")], workers=1)
    assert [(one.code, one.location) for one in told.issues] == [
        ("document/contradiction", "ZDS[2]")
    ]


def test_the_page_asks_for_nothing_and_tells_no_path(scanned, capsys):
    assert main(["report", str(scanned), "--at", "2026-11-25"]) == 0
    assert "warning archive/said-in-two-ways -: " in capsys.readouterr().err
    text = (scanned / "report.html").read_text()
    seen = Seen()
    seen.feed(text)
    assert not {"script", "link", "img", "iframe", "object", "b>"} & set(seen.tags)
    assert not [link for link in seen.links if not link.startswith("#")]
    assert "@import" not in text and "url(" not in text
    assert "default-src 'none'" in text
    assert "SECRET" not in text and str(scanned) not in text
    assert seen.tags["svg"] == 4
    shown = "".join(seen.text)
    assert HOSTILE in shown and "49" + HOSTILE[-1:] not in shown
    assert "Authorized Original (AO)" in shown


def test_every_row_says_the_fault_its_cause_and_its_remedy(scanned, found):
    assert main(["report", str(scanned)]) == 0
    seen = Seen()
    seen.feed((scanned / "report.html").read_text())
    shown = " ".join("".join(seen.text).split())
    codes = {one.code for one in (*found.issues, *found.contradictions)}
    assert {"value/unknown-term", "archive/said-in-two-ways"} < codes
    for code in codes:
        entry = catalogue()[code]
        said = f"such as: {fault(code)}" if "{" in entry.text else entry.text
        assert " ".join(f"{said}{entry.cause}{entry.general_remedy}".split()) in shown, code
    assert 'such as: "XX" is not a term of SOPInstanceStatus' in shown


@pytest.mark.parametrize("code", catalogue())
def test_every_code_has_a_fault_to_show(code):
    said = fault(code)
    assert said and "{" not in said.replace('{"', "")
    assert f": {said}; " in samples()[code][1]


def test_a_scan_that_has_not_ended_is_told(archive, tmp_path):
    out = tmp_path / "out"
    main(["scan", str(archive / "000001"), "-o", str(out)])
    (out / "summary.json").unlink()
    assert main(["report", str(out), "-o", str(tmp_path / "page.html")]) == 0
    assert "has not come to its end" in (tmp_path / "page.html").read_text()


def test_an_archive_of_nothing(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "text").write_text("no")
    main(["scan", str(tmp_path / "a"), "-o", str(tmp_path / "out")])
    assert main(["report", str(tmp_path / "out")]) == 0
    assert "document/unknown-format" in (tmp_path / "out" / "report.html").read_text()


def test_what_is_no_scan_in_parquet(tmp_path, capsys):
    main(["scan", str(SAMPLES / "original"), "-o", str(tmp_path / "lines"), "--format", "ndjson"])
    assert main(["report", str(tmp_path / "lines")]) == 2
    assert main(["report", str(tmp_path)]) == 3
    assert main(["report", str(tmp_path / "lines"), "--at", "soon"]) == 2
    assert "archive/not-scan /" in capsys.readouterr().err


def test_a_browser_draws_its_first_screen(scanned, tmp_path):
    need("chromium", "chromium")
    out = tmp_path / "report.png"
    page = tmp_path / "page.html"
    arguments = ["report", str(scanned), "-o", str(page), "--png", str(out), "--studies", "200"]
    assert main(arguments) == 0
    data = out.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (1280, 1000)
    assert len(data) > 30_000


def test_files_that_could_not_be_read_are_named_if_asked_for(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "DOE^JOHN.dcm").write_bytes(b"\0" * 128 + b"DICM")
    (folder / "image.dcm").write_bytes((SAMPLES / "original" / "image.dcm").read_bytes())
    assert main(["scan", str(folder), "-o", str(out)]) == 0
    told = next(one for one in scan([folder], workers=1) if one.issues)
    code = next(one.code for one in told.issues if one.severity in ("fatal", "error"))
    for more, named in ((), False), (("--paths",), True):
        assert main(["report", str(out), *more]) == 0
        text = (out / "report.html").read_text()
        assert ("DOE^JOHN.dcm" in text) is named
        (row,) = re.findall(r"<tr><td><code>.*?DOE\^JOHN\.dcm</code>.*?</tr>", text) or [""]
        assert (f"<code>{code}</code></td><td>{fault(code)}<br>" in row) is named
        assert (catalogue()[code].general_remedy in row) is named
        assert "<b>1</b>instance in 1 study<" in text
        assert "<b>1</b>document that could not be read<" in text
