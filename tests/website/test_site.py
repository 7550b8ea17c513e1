"""The documentation as a site (`make site`): every link leads somewhere, and nothing is fetched."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from browsers import PATIENCE
from playwright.sync_api import expect
from samples_of import ROOT
from sopstatus.catalogue import catalogue

SHOTS = ROOT / "build" / "screenshots"
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


TABLES = sorted(page.stem for page in (ROOT / "docs").glob("*.html"))
DEVICES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def opened(browser, site):
    """Open a page of the site from its folder: no server, and nothing on the console."""
    contexts, said = [], []

    def open_page(path, **options):
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{(site / path).as_uri()}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize("table", TABLES)
def test_a_reference_page_stands_inside_the_site(opened, site, table):
    """It has the site's header, menu and search, its own headings beside it, and all that it says alone."""
    text = (site / f"{table}.html").read_text("utf-8")
    alone = (ROOT / "docs" / f"{table}.html").read_text("utf-8")
    whole = alone[alone.index("<main>") + 6 : alone.index("</main>")]
    assert whole in text.replace('<table class="ours">', "<table>")
    page = opened(f"{table}.html", viewport=DEVICES["desktop"])
    expect(page.locator("header.md-header")).to_be_visible()
    expect(page.get_by_role("textbox", name="Search")).to_be_visible()
    expect(
        page.locator(".md-nav--primary a", has_text="Commands and options").first
    ).to_be_visible()
    expect(page.locator(".md-sidebar--secondary a", has_text="FHIR mapping").first).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_reference_page_fits_and_follows_the_scheme(opened, device, scheme):
    page = opened(f"{TABLES[-2]}.html", viewport=DEVICES[device], color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= DEVICES[device]["width"]
    expect(page.locator(".reference h2").first).to_have_css("font-size", "24px")
    dark = page.evaluate(
        "getComputedStyle(document.querySelector('.reference')).getPropertyValue('--text')"
    )
    assert dark.strip() == {"light": "#1d2529", "dark": "#e4eaec"}[scheme]
    page.screenshot(path=SHOTS / f"site-reference-{device}-{scheme}.png")
    page.goto(f"{page.url}#error-value-unknown-term")
    expect(page.locator("#error-value-unknown-term p").first).to_be_in_viewport()


@pytest.mark.parametrize(
    ("words", "to"),
    [("SOPAuthorizationDateTime", "sop-instance-status.html"), ("APPROVED", "approval-status.html"),
     ("Schemathesis", "gateway.html"), ("unlisted", "issues/value/unlisted-term.html")],
)  # fmt: skip
def test_the_search_finds_it_from_a_folder(opened, words, to):
    page = opened("index.html", viewport=DEVICES["desktop"])
    box = page.get_by_role("textbox", name="Search")
    box.click()  # its index is read first
    expect(page.locator(".md-search-result__meta")).to_have_text("Type to start searching")
    box.press_sequentially(words)
    found = page.locator(f".md-search-result__link[href*='{to}']").first
    expect(found).to_be_visible()
    found.click()
    page.wait_for_url(f"**/{to}*")
