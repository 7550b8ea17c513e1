"""The reference page in a real Chromium: it fits, copies, unfolds and is accessible. Shots: build/screenshots."""

import pytest
from browsers import PATIENCE
from playwright.sync_api import expect
from samples_of import ROOT

from tools import need_file

SHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "build" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
PAGE = (ROOT / "docs" / "sop-instance-status.html").as_uri()
WIDTHS = {"desktop": 1440, "phone": 390, "narrowest": 320}  # WCAG 2.1 1.4.10


@pytest.fixture
def opened(browser):
    """Open the page; at the end nothing else was asked for, and nothing was said on the console."""
    contexts, asked, said = [], [], []

    def open_(anchor="", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{PAGE}{anchor}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert {url.partition("#")[0] for url in asked} == {PAGE}
    assert said == []


@pytest.mark.parametrize("device", WIDTHS)
def test_it_fits_the_window(opened, device):
    page = opened(viewport={"width": WIDTHS[device], "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[device]
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"reference-{device}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, scheme):
    page = opened(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.evaluate(need_file(AXE, "npm, then make build/npm/.ready").read_text("utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found["violations"]] == []


def test_a_button_copies_its_block(opened):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    block = page.locator("#fhir-example + .code")
    block.get_by_role("button", name="Copy").click()
    expect(block.get_by_role("button")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == block.locator("code").text_content()


def test_a_deep_link_unfolds_what_it_leads_to(opened):
    page = opened("#error-value-unknown-term")
    expect(page.locator("#error-value-unknown-term p").first).to_be_in_viewport()
    page.locator("a.step").first.focus()
    page.keyboard.press("Enter")
    anchor = page.evaluate("location.hash")
    assert anchor.startswith("#step-")
    expect(page.locator(f"tr{anchor}")).to_be_in_viewport()


def test_everything_is_on_paper(opened):
    page = opened()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#error-value-unknown-term p").first).to_be_visible()
    expect(page.locator(".copy").first).to_be_hidden()
    assert len(page.pdf()) > 100_000
