"""The reference pages: they are what is made, hang together, and say what the codecs say."""

import json
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from artifacts.mirth.rhino import run
from docs.cloud_matrix import markdown, with_matrix
from samples_of import FOLDER, ROOT
from sopstatus import codec, load_tables
from sopstatus.artifacts.cloud import KNOWN, matrix
from sopstatus.artifacts.docs.files import docs_files
from sopstatus.artifacts.docs.page import mirth_example
from sopstatus.artifacts.docs.values import NOTES, samples
from sopstatus.catalogue import catalogue
from sopstatus.cli import main
from sopstatus.codecs.hl7_xml import codec as hl7_xml

TABLES = load_tables()
PAGES = {name: content.decode() for name, content in docs_files(TABLES).items()}
GROUPS = {f"{group.name}.html": group for group in TABLES.available}
each_page = pytest.mark.parametrize("name", PAGES)
VOID = ("meta", "br")


class Page(HTMLParser):
    """Anchors, links and code blocks of a page; every element is closed where it should be."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.open, self.blocks = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self.loads += [found[key] for key in ("src", "srcset", "data") if key in found]
        assert tag != "link"
        if tag == "pre":
            self.blocks.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "pre" in self.open:
            self.blocks[-1] += data


def tables_of(name):
    group = GROUPS[name]
    return TABLES if group in TABLES.groups else replace(TABLES, groups=(group,))


@each_page
def test_the_repository_has_what_is_made(name):
    assert (ROOT / "docs" / name).read_text("utf-8") == PAGES[name]
    assert docs_files(TABLES)[name].decode() == PAGES[name]


def test_the_command_writes_them(tmp_path):
    assert main(["artifacts", str(tmp_path), "--only", "docs"]) == 0
    assert {p.name: p.read_text("utf-8") for p in (tmp_path / "docs").iterdir()} == PAGES


@each_page
def test_every_link_has_its_anchor_and_nothing_is_loaded(name):
    page = Page(PAGES[name])
    assert [one for one, times in Counter(page.ids).items() if times > 1] == []
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)
    outside = [link for link in page.links if not link.startswith("#")]
    assert all(link.startswith("https://") for link in outside)
    assert page.loads == []
    assert "@import" not in PAGES[name]
    assert "url(" not in PAGES[name].replace("url(#lifecycle-tip)", "")


@each_page
def test_the_samples_say_the_same_in_every_format(name):
    tables, page = tables_of(name), Page(PAGES[name])
    group = GROUPS[name]
    shown = samples(group, tables)
    assert len(shown) >= 2
    for sample in shown:
        for text in (sample.dicom, sample.dicom_json, sample.hl7, sample.fhir):
            assert text in page.blocks
        message = "\r".join(["MSH|^~\\&|A|B|C|D|||ORU^R01|1|P|2.5.1", *sample.hl7.split("\n"), ""])
        said = codec("hl7", tables=tables).decode(message.encode()).value
        extensions = json.loads("[" + sample.fhir.replace("}\n{", "},{") + "]")
        slices = [one["extension"] for one in extensions]
        for x, told in zip(said, slices, strict=True):
            attributes = dict(x.attributes)
            row = group.attributes[0]
            code = [one["valueCode"] for one in told if one["url"] == row.slice]
            term = attributes.get(row.keyword)
            assert code == ([row.to_fhir[term]] if term in row.to_fhir else [])


def test_every_sample_is_on_the_page_and_explained():
    page = PAGES["sop-instance-status.html"]
    cases = {path.parent.name for path in FOLDER.glob("*/metadata.json")}
    assert set(NOTES) == cases
    for case in cases - {"absent"}:
        assert f'id="sample-{case}"' in page


def test_what_can_go_wrong_is_on_the_page():
    page = PAGES["sop-instance-status.html"]
    for code in catalogue():
        if code.partition("/")[0] in ("value", "hl7", "fhir", "dicom", "link", "profile"):
            assert f'id="error-{code.replace("/", "-")}"' in page


def test_the_matrix_is_whole():
    made = matrix()
    assert made.group in {group.name for group in TABLES.available}
    assert len(made.services) >= 5
    for service in made.services:
        assert len(service.answers) == len(made.questions)
        for one in service.answers:
            assert one.answer in ("yes", "partly", "no", "unknown")
            assert one.known in KNOWN
        assert all(source.startswith("https://") for source in service.sources)


@each_page
def test_the_mirth_example_runs_as_it_stands(name, tmp_path):
    group, tables = GROUPS[name], tables_of(name)
    example = mirth_example(group)
    assert example in Page(PAGES[name]).blocks
    message = (FOLDER / "authorized-original" / "message.hl7").read_bytes()
    request = {
        "operation": "step",
        "script": f"var tmp = null;\n{example}",
        "xml": hl7_xml.of_er7(message).decode(),
    }
    (done,) = run(tmp_path, [request], tables)
    assert "error" not in done, done
    said = codec("hl7-xml", tables=tables).decode(done["value"].encode()).value
    if group in TABLES.groups:
        assert done["channel"]["SOPInstanceStatus"] == said[0].study_instance_uid
    row = group.attributes[0]
    written = [x for x in said if x.study_instance_uid == "2.25.101"]
    assert [x.holder for x in written] == ["PACS1"]
    assert f"{row.keyword}: '{written[0][row.keyword]}'" in example


def test_the_page_of_clouds_has_the_matrix():
    page = (ROOT / "docs/cloud.md").read_text("utf-8")
    assert with_matrix(page) == page
    assert markdown() in page


def test_a_site_is_named_on_its_page(tmp_path):
    (tmp_path / "site.toml").write_text(
        'publisher = "Hospital <1>"\ncanonical = "https://a.test/fhir"\n'
    )
    page = docs_files(load_tables(tmp_path))["sop-instance-status.html"].decode()
    assert "Published by Hospital &lt;1&gt;" in page
    assert "https://a.test/fhir/StructureDefinition/sop-instance-status" in page
    assert "w3id.org" not in page
