"""What shows, compares, scans and guards documents follows rows of every kind without knowing them."""

import asyncio
import base64
import json
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pydicom
import pytest
from engines.gateway.served import FHIR, codes
from engines.gateway.test_middleware import facade
from pydicom.data import get_testdata_file
from sopstatus import codec, load_tables
from sopstatus.artifacts.fhir.fsh import fsh_files
from sopstatus.artifacts.fhir.releases import RELEASES
from sopstatus.cli import main
from sopstatus.codecs import FORMATS
from sopstatus.documents import content
from sopstatus.documents.containers import stored
from sopstatus.documents.replay import Replay
from sopstatus.engines.gateway import Gateway, Site
from sopstatus.engines.gateway.document import stripped
from sopstatus.explain import explain
from sopstatus.workbench.view import view

from testkit.test_forty import FOLDER, REAL
from testkit.test_laws import PUBLISHED

FORTY, MADO = load_tables(FOLDER), load_tables(PUBLISHED)
CT = get_testdata_file(REAL[0], download=False)
DOSE = get_testdata_file("rtdose.dcm", download=False)
KINDS = {"forty": (FOLDER, FORTY, CT), "simple": (PUBLISHED, MADO, DOSE)}
SIDES = ("dicom", "hl7", "fhir")
every_kind = pytest.mark.parametrize("kind", KINDS)


def stated(kind):
    """The statement of a real data set, of nothing but what the codecs of all formats carry."""
    _, tables, path = KINDS[kind]
    (x,) = codec("dicom", tables=tables).decode(pydicom.dcmread(path)).value
    assert len(x.attributes) > (10 if kind == "forty" else 0)
    return x


def document(kind, name):
    under = codec(name, tables=KINDS[kind][1])
    x = stated(kind)
    return under.encode([x], under.blank([x])).value


def saved(kind, name):
    made = document(kind, name)
    return made if isinstance(made, bytes) else content.dump_json(made)


@every_kind
@pytest.mark.parametrize("name", FORMATS)
def test_explain_tells_every_value_and_what_would_be_written(kind, name):
    x, tables = stated(kind), KINDS[kind][1]
    told = explain(document(kind, name), tables=tables)
    assert told.statements == (x,)
    assert {(one.row.keyword, one.value) for one in told.values} == set(x.attributes)
    for one in told.values:
        found = {target.format: target for target in one.targets}
        for target in {"hl7", "fhir"} - {name}:
            assert found[target].path, (one.row.keyword, target)


@every_kind
@pytest.mark.parametrize("name", SIDES[1:])
def test_the_workbench_shows_it_and_links_it_on_every_side(kind, name):
    folder, tables, _ = KINDS[kind]
    texts = {path.name: path.read_text() for path in Path(folder).glob("*.toml")}
    given = {"base64": base64.b64encode(saved(kind, name)).decode()}
    answer = view({"document": given, "tables": texts, "trusted": True})
    assert not answer["faults"] and not answer["issues"]
    values = {value["id"] for value in answer["trail"]["values"]}
    assert len(values) == len(stated(kind).attributes)
    for side in answer["sides"]:
        found = {
            i
            for shown in side["documents"]
            for line in shown["lines"]
            for piece in line["pieces"]
            if len(piece) > 1
            for i in piece[1]
        }
        assert found == values, side["format"]
        for one in side["files"]:
            data = base64.b64decode(one["base64"])
            target = side["format"]
            made = data if target == "dicom" else content.load(data)[1]
            (back,) = codec(target, tables=tables).decode(made).value
            assert back.attributes == stated(kind).attributes


@every_kind
def test_an_integer_is_one_whatever_prints_it(kind):
    printed = json.dumps(document(kind, "fhir"))
    assert '"valueInteger": 15}' in printed or kind != "simple"
    again = json.loads(printed)
    (back,) = codec("fhir", tables=KINDS[kind][1]).decode(again).value
    assert {k for k, _ in back.attributes} == {k for k, _ in stated(kind).attributes}


@every_kind
def test_diff_tells_what_a_change_does_to_a_stored_document(kind, tmp_path):
    (tmp_path / "one.hl7").write_bytes(saved(kind, "hl7"))
    (one,) = stored([tmp_path / "one.hl7"])
    tables, other = KINDS[kind][1], load_tables()
    same, gone = Replay(tables, tables), Replay(tables, other)
    same(one)
    gone(one)
    assert (same.changed, gone.changed) == (0, 1)


@every_kind
def test_a_scan_has_a_column_of_its_text(kind, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for name in ("hl7", "fhir"):
        (source / name).write_bytes(saved(kind, name))
    out = tmp_path / "out"
    folder = str(KINDS[kind][0])
    assert main(["scan", str(source), "--mappings", folder, "-o", str(out)]) == 0
    rows = [row for part in out.glob("**/*.parquet") for row in pq.read_table(part).to_pylist()]
    assert len(rows) == 2
    for row in rows:
        for keyword, value in stated(kind).attributes:
            assert row[keyword] == (value or ""), keyword


@every_kind
def test_a_gateway_stores_what_is_right_and_refuses_what_is_no_value(kind):
    tables, kept = KINDS[kind][1], {}
    good = document(kind, "fhir") | {"id": "1"}
    bad = json.loads(json.dumps(good))
    text = json.dumps(bad)
    at = text.index('"valueInteger": ') + len('"valueInteger": ')
    end = min(text.index(mark, at) for mark in (",", "}") if mark in text[at:])
    bad = json.loads(f'{text[:at]}"x"{text[end:]}')

    async def both():
        app = Gateway(facade(kept), Site("closed", base="/fhir", tables=tables))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://facade"
        ) as client:
            return [
                await client.put("/fhir/ImagingStudy/1", json=one, headers=FHIR)
                for one in (good, bad)
            ]

    right, wrong = asyncio.run(both())
    assert right.status_code == 200, right.text
    assert json.loads(kept["body"]) == json.loads(json.dumps(good))
    assert wrong.status_code == 422
    hidden = stripped(good, Site("closed", tables=tables))
    assert not codec("fhir", tables=tables).decode(hidden).value
    assert codes(wrong)


@every_kind
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_shorthand_names_every_row(kind, release):
    tables = KINDS[kind][1]
    text = b"".join(fsh_files(tables, release).values()).decode()
    for row in tables.attributes.values():
        assert (f"extension contains {row.slice} " if row.slice else row.extension) in text
