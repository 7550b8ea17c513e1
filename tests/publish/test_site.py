"""The documentation as a site (`make site`): every link leads somewhere, and nothing is fetched."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from samples_of import ROOT
from sopstatus.catalogue import catalogue

ABROAD = re.compile(r"(https?:|mailto:|data:)")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids |= {found.get("id"), found.get("name") if tag == "a" else None}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        self.loads += [found[key] for key in ("src",) if key in found]
        self.loads += [found["href"]] if tag == "link" and "href" in found else []


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


def test_links_and_anchors(site, pages):
    broken = []
    for path, page in pages.items():
        if path.name == "404.html":  # its links are those of a server's root
            continue
        for link in [*page.links, *page.loads]:
            if ABROAD.match(link):
                continue
            to, _, anchor = link.partition("#")
            to = to.partition("?")[0]
            target = (path.parent / unquote(to)).resolve() if to else path
            target = target / "index.html" if target.is_dir() else target
            there = target.is_file() and site in target.parents
            if not there or (
                anchor and target in pages and unquote(anchor) not in pages[target].ids
            ):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert broken == []


def test_nothing_is_fetched_from_elsewhere(site, pages):
    for path, page in pages.items():
        assert [
            load for load in page.loads if not load.startswith("data:") and ABROAD.match(load)
        ] == [], path
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:|@import", style.read_text("utf-8")), style


def test_every_document_is_on_it(site, pages):
    for document in [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/*.html")]:
        assert site / document.with_suffix(".html").name in pages
    assert site / "hl7" / "segments.html" in pages
    assert len(pages[site / "issues.html"].ids) > 150


def test_every_issue_code_has_a_page_of_its_own(site):
    for code in catalogue():
        text = (site / "issues" / f"{code}.html").read_text("utf-8")
        assert f"<title>{code} - sopstatus</title>" in text
        assert "<strong>Cause:</strong>" in text and "<strong>Remedy:</strong>" in text
