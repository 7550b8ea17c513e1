"""The page in a real Chromium: paste, drop, highlight, edit, share, and what goes wrong."""

import base64
import io
import re
import zipfile
from pathlib import Path

import pytest
from browsers import PATIENCE
from playwright.sync_api import expect
from pydicom import dcmread
from samples_of import CASES, FOLDER
from serving import workbench
from sopstatus import codec, transformer
from sopstatus.documents import content
from sopstatus.workbench import drafts

from tools import need_file

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "build" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
MESSAGE = (FOLDER / "authorized-original" / "message.hl7").read_bytes()
IMAGE = (FOLDER / "authorized-original" / "image.dcm").read_bytes()
MAIN = "sop-instance-status.toml"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
FIRST_VALUES = """() => [...document.querySelectorAll(".pane .scroll")].map((pane) => {
    const [outer, inner] = [pane, pane.querySelector("[data-ids]")].map((e) => e.getBoundingClientRect());
    return [pane.getAttribute("aria-label"), inner.top >= outer.top && inner.bottom <= outer.bottom];
})"""
NARROWEST = 320  # WCAG 2.1 1.4.10


@pytest.fixture(scope="module")
def server():
    with workbench() as process:
        yield process


@pytest.fixture
def page(browser, server):
    """The page without a document."""
    for page in opened(browser, server, viewport=DESKTOP):
        paste(page, " ")  # the sample is an image, without text
        expect(page.locator(".pane")).to_have_count(0)
        yield page


@pytest.fixture
def first(browser, server):
    """The page as it opens."""
    yield from opened(browser, server, viewport=DESKTOP)


def opened(browser, server, **options):
    """Open the page with its first sample; at the end nothing was asked of others, and nothing was said on the console."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(server.url)
    page.wait_for_selector("html[data-ready]")
    expect(page.locator(".pane")).to_have_count(3)  # of the first sample
    page.expected = []
    yield page
    assert not [url for url in asked if not url.startswith((server.url, "blob:"))]
    assert [text for text in said if not any(e in text for e in page.expected)] == []
    context.close()


def paste(page, text):
    page.locator("#paste").fill(text)


def pane(page, name):
    return page.locator(f".pane[data-format={name}]")


def edit(page, old, new):
    text = page.locator("#table-text").input_value()
    assert old in text
    page.locator("#table-text").fill(text.replace(old, new))


def drop(page, name, data):
    page.evaluate(
        """([name, data]) => {
            const files = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            files.items.add(new File([bytes], name));
            const event = (type) => new DragEvent(type, { dataTransfer: files, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event("dragenter"));
            document.body.dispatchEvent(event("drop"));
        }""",
        [name, base64.b64encode(data).decode()],
    )


def saved(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def faults_of(page):
    """What axe-core finds: rules and elements."""
    page.evaluate(need_file(AXE, "npm, then make build/npm/.ready").read_text("utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found["violations"]]


def test_it_opens_with_a_sample_shown(first):
    page = first
    expect(page.locator("#sample")).to_have_value("authorized-original/image.dcm")
    groups = page.locator("#sample optgroup")
    assert groups.first.get_attribute("label") == "authorized-original: All four attributes."
    assert groups.count() == len(CASES)
    expect(pane(page, "dicom")).to_contain_text("(0100,0410) CS [AO] SOPInstanceStatus")
    expect(pane(page, "hl7")).to_contain_text("AO^Authorized Original^99SOPSTATUS")
    expect(pane(page, "fhir")).to_contain_text('"valueCode": "AO"')
    expect(page.locator("#status")).to_have_text("DICOM: 4 values, 0 issues")
    paste(page, MESSAGE.decode())
    expect(page.locator("#sample")).to_have_value("")


def test_each_pane_scrolls_to_its_first_value(page):
    page.get_by_label("or a sample").select_option("two-series/image.dcm")
    expect(pane(page, "dicom").locator(".from")).to_have_text("as it came")
    tops = page.evaluate(FIRST_VALUES)
    assert all(inside for _, inside in tops), tops
    assert page.evaluate("scrollY") == 0
    scrolled = page.eval_on_selector(".pane[data-format=fhir] .scroll", "e => e.scrollTop")
    assert scrolled > 0  # its first value is far below


def test_only_a_table_changes_the_outcome(first):
    """Message Control ID and time of a new message stay, so that no line of it looks changed."""
    page = first
    heads = pane(page, "hl7").locator("li", has_text="MSH|")
    before = heads.inner_text()
    page.wait_for_timeout(1100)  # of the clock that a new message would take its time from
    edit(page, "# ", "#  ")
    expect(page.locator("#faults-title")).to_have_text("No fault")
    edit(page, 'display = "Authorized Original"', 'display = "Released Original"')
    expect(pane(page, "hl7").locator("li.changed")).to_have_count(1)
    expect(pane(page, "hl7").locator("li.changed")).to_contain_text("Released Original")
    assert heads.inner_text() == before


def test_nothing_is_fatal_where_no_instance_is_named(page):
    page.get_by_label("or a sample").select_option("study-level/message.hl7")
    expect(pane(page, "hl7").locator(".from")).to_have_text("as it came")
    expect(pane(page, "dicom")).to_contain_text("no data set to create")
    expect(page.locator(".issue.fatal, .issue.error")).to_have_count(0)


def test_sections_in_the_order_of_the_work(browser, server):
    for page in opened(browser, server, viewport=PHONE):
        titles = page.locator("main > section > h2").all_inner_texts()
        assert titles[:3] == ["Document", "Three spellings", "Tables"]
        tops = page.eval_on_selector_all("main > section", "all => all.map(e => e.offsetTop)")
        assert tops == sorted(tops)


def test_paste_a_message(page):
    paste(page, MESSAGE.decode())
    expect(pane(page, "hl7").locator(".from")).to_have_text("as it came")
    expect(pane(page, "fhir")).to_contain_text('"valueCode": "AO"')
    expect(pane(page, "dicom")).to_contain_text("(0100,0410) CS [NS] SOPInstanceStatus")
    expect(page.locator("#status")).to_have_text("HL7 v2: 4 values, 1 issue")
    line = pane(page, "dicom").locator("li", has_text="(0100,0410)").first
    expect(line.locator(".issue")).to_contain_text("link/untrusted")
    expect(line.locator(".issue")).to_contain_text("Cause:")
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("I vouch for the link").check()
    expect(pane(page, "dicom")).to_contain_text("(0100,0410) CS [AO] SOPInstanceStatus")
    expect(page.locator("#values .value")).to_have_count(4)
    expect(page.locator("#values")).to_contain_text("mappings/sop-instance-status.toml:")


def test_drop_an_image(page):
    drop(page, "image.dcm", IMAGE)
    expect(page.locator("#held")).to_have_text(f"The file image.dcm, {len(IMAGE):,} bytes")
    expect(pane(page, "dicom").locator(".from")).to_have_text("as it came")
    expect(pane(page, "hl7")).to_contain_text("AO^Authorized Original^99SOPSTATUS")
    assert not page.locator("body.dropping").count()
    assert "Patient" not in pane(page, "dicom").inner_text()


def test_of_a_large_image_the_header_is_read(page, tmp_path):
    image = dcmread(io.BytesIO(IMAGE))
    image.PixelData = bytes(60 << 20)  # in base64 more than one request may hold
    large = tmp_path / "large.dcm"
    image.save_as(large)
    page.set_input_files("#file", large)
    expect(pane(page, "hl7")).to_contain_text("AO^Authorized Original^99SOPSTATUS")
    expect(page.locator("#held")).to_contain_text(f"{large.stat().st_size:,} bytes")
    _, data = saved(page, pane(page, "dicom").get_by_role("button"))
    assert data == large.read_bytes()


def test_choose_a_file_and_a_sample(page):
    page.set_input_files("#file", FOLDER / "original" / "imaging-study.json")
    expect(pane(page, "fhir").locator(".from")).to_have_text("as it came")
    page.get_by_label("or a sample").select_option("kanji-comment/image.dcm")
    expect(pane(page, "hl7")).to_contain_text("患者の画像を承認しました")
    expect(page.locator("#paste")).to_have_value("")
    page.get_by_label("or a sample").select_option("two-series/message.hl7")
    expect(pane(page, "dicom").locator(".scroll")).to_have_count(2)
    page.locator("#paste").press_sequentially(" ")  # a sample can be edited
    expect(page.locator("#held")).to_be_hidden()


def test_the_same_value_lights_up_in_each_spelling(page):
    paste(page, MESSAGE.decode())
    page.locator(".pane[data-format=hl7] a.value").nth(1).hover()
    for name, spelt in {
        "hl7": "20240115103015+0100",
        "fhir": '"2024-01-15T10:30:15+01:00"',
    }.items():
        expect(pane(page, name).locator("a.linked")).to_have_text(spelt)
    expect(page.locator(".value.linked h3")).to_contain_text("SOPAuthorizationDateTime")
    expect(page.locator("#linked dd")).to_have_count(2)


def test_by_keyboard_alone(first):
    page = first
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the three spellings")).to_be_focused()
    page.locator("#paste").focus()
    page.keyboard.insert_text(MESSAGE.decode())
    expect(pane(page, "hl7").locator(".from")).to_have_text("as it came")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.pane[data-format=fhir] a.value')"):
            break
    expect(page.locator(".pane[data-format=fhir] a.value:focus")).to_have_text('"AO"')
    expect(page.locator(".pane a.linked")).to_have_count(3)
    expect(page.locator("#linked")).to_contain_text("AO^Authorized Original^99SOPSTATUS")
    in_view = page.evaluate(
        """() => [...document.querySelectorAll(".pane a.linked")].every((one) => {
            const [outer, inner] = [one.closest(".scroll"), one].map((e) => e.getBoundingClientRect());
            return inner.top >= outer.top - 2 && inner.bottom <= outer.bottom + 2;
        })"""
    )
    assert in_view
    page.keyboard.press("Enter")
    expect(page.locator("#value-0-SOPInstanceStatus")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator(".linked:visible")).to_have_count(0)
    page.locator(".pane a.value").first.focus()
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".linked:visible")).to_have_count(0)


def test_edit_a_table_and_see_the_outcome_change(page):
    paste(page, MESSAGE.decode().replace("|AO^Authorized", "|RELEASED^Authorized"))
    expect(pane(page, "hl7").locator("li.changed")).to_have_count(0)
    expect(pane(page, "hl7").locator(".issue")).to_contain_text("value/unknown-term")
    expect(page.locator("#table-file")).to_have_value(MAIN)
    edit(page, 'hl7-aliases = ["AUTHORIZED"', 'hl7-aliases = ["RELEASED", "AUTHORIZED"')
    expect(pane(page, "hl7").locator(".issue")).to_have_count(0)
    expect(pane(page, "fhir")).to_contain_text('"valueCode": "AO"')
    changed = pane(page, "fhir").locator("li.changed")
    expect(changed.filter(has_text='"valueCode": "AO"')).to_have_count(1)
    expect(pane(page, "hl7").locator("li.changed")).to_have_count(1)
    changed.first.scroll_into_view_if_needed()
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "desktop-light-changed.png")
    assert faults_of(page) == []
    expect(page.locator("#values")).to_contain_text(re.compile(f"{MAIN}:\\d+"))
    edit(page, "field = 5", "feild = 5")
    fault = page.locator("#faults li", has_text='did you mean "field"?')
    expect(fault).to_have_count(1)
    expect(page.locator("#faults-title")).to_contain_text("1 fault")
    expect(page.locator("#gutter .bad")).to_have_count(1)
    expect(pane(page, "fhir")).to_contain_text('"valueCode": "AO"')  # of the last tables
    fault.locator("button").click()
    line = page.evaluate(
        "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.activeElement)"
    )
    assert line == "feild"
    expect(fault.locator("mark")).to_have_text("feild")
    name, data = saved(page, page.locator("#table-download"))
    assert name == MAIN
    assert b"feild" in data
    page.locator("#table-reset").click()
    expect(page.locator("#faults-title")).to_have_text("No fault")
    expect(page.locator("#table-text")).to_have_value(drafts.shipped_texts()[MAIN])
    expect(pane(page, "hl7").locator(".issue")).to_contain_text("value/unknown-term")


def test_a_sites_folder_that_changes(browser, tmp_path):
    site = tmp_path / "site.toml"
    site.write_text('coding-system = "99SITE"\n')
    with workbench("--mappings", tmp_path) as process:
        for page in opened(browser, process, viewport=DESKTOP):
            paste(page, " ")
            drop(page, "image.dcm", IMAGE)
            expect(page.locator("#table-text")).to_have_value(site.read_text())
            expect(pane(page, "hl7")).to_contain_text("AO^Authorized Original^99SITE")
            site.write_text('coding-system = "99OTHER"\n')
            page.evaluate("dispatchEvent(new Event('focus'))")  # back from another editor
            expect(pane(page, "hl7")).to_contain_text("AO^Authorized Original^99OTHER")
            expect(page.locator("#table-text")).to_have_value(site.read_text())
            page.locator("#table-text").fill('coding-system = "99MINE"\n')
            expect(pane(page, "hl7")).to_contain_text("AO^Authorized Original^99MINE")
            site.write_text('coding-system = "99THIRD"\n')
            page.evaluate("dispatchEvent(new Event('focus'))")
            page.locator("#table-reset").click()
            expect(pane(page, "hl7")).to_contain_text("AO^Authorized Original^99THIRD")


def test_a_new_table(page):
    page.locator("#table-file").select_option("approval-status.toml")
    edit(page, "enabled = false", "enabled = true ")
    expect(page.locator("#faults-title")).to_have_text("No fault")
    keyword = page.get_by_label("New table for the DICOM Keyword")
    keyword.fill("QualityControlImge")
    keyword.press("Enter")
    expect(page.locator("#keyword-fault")).to_contain_text('did you mean "QualityControlImage"?')
    keyword.fill("QualityControlImage")
    keyword.press("Enter")
    expect(page.locator("#table-file")).to_have_value("quality-control-image.toml")
    expect(page.locator("#keyword-fault")).to_have_text("")
    expect(page.locator("#table-text")).to_have_value(re.compile('tag     = "0028,0300"'))
    expect(page.locator("#faults-title")).to_have_text("No fault")
    page.locator("#table-file").select_option("new.toml")
    page.locator("#table-text").fill('name = "mine"\n')
    expect(page.locator("#faults li").first).to_contain_text("new.toml:1")


def test_downloads_are_what_the_transformers_make(page):
    paste(page, MESSAGE.decode())
    name, data = saved(page, pane(page, "hl7").get_by_role("button"))
    assert (name, data.replace(b"\n", b"\r")) == ("message.hl7", MESSAGE)
    name, data = saved(page, pane(page, "fhir").get_by_role("button"))
    want = transformer("hl7", "fhir")(MESSAGE).value
    assert (name, content.load(data)[1]) == ("imaging-study.json", want)
    name, data = saved(page, pane(page, "dicom").get_by_role("button"))
    assert name == "image.dcm"
    (statement,) = codec("dicom").decode(data).value
    assert dict(statement.attributes) == {"SOPInstanceStatus": "NS"}


def test_share_a_case(page):
    expect(page.locator("#case-download")).to_be_disabled()
    drop(page, "image.dcm", IMAGE)
    expect(page.locator("#case-download")).to_be_enabled()
    page.get_by_label("Share as a case").fill("released-image")
    name, data = saved(page, page.locator("#case-download"))
    assert name == "released-image.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("released-image/image.dcm") == IMAGE
        assert "released-image/case.toml" in archive.namelist()


def test_write_onto_a_document_of_mine(page):
    paste(page, MESSAGE.decode())
    page.get_by_text("Options", exact=True).click()
    page.set_input_files("#onto", [FOLDER / "authorized-original" / "image.dcm"])
    expect(pane(page, "dicom").locator(".from")).to_have_text("onto your document")
    page.get_by_role("button", name="Leave out image.dcm").click()
    expect(pane(page, "dicom").locator(".from")).to_have_text("made new")


def test_what_is_no_document(page):
    paste(page, "Dear colleague")
    expect(page.locator("#problems .issue")).to_contain_text("document/unknown-format")
    expect(page.locator(".pane")).to_have_count(0)
    expect(page.locator("#case-download")).to_be_disabled()
    paste(page, "")
    expect(page.locator("#problems .issue")).to_have_count(0)
    expect(page.locator("#status")).to_have_text("No document yet.")
    paste(page, '<img src=x onerror="alert(1)">')
    expect(page.locator("#problems .issue")).to_have_count(1)


def test_text_of_a_document_is_only_text(page):
    evil = "<img src=/x onerror=alert(1)>"
    paste(page, MESSAGE.decode().replace("Released after review", evil))
    expect(pane(page, "fhir")).to_contain_text(evil)
    expect(page.locator("#values")).to_contain_text(evil)
    assert page.locator("img").count() == 0


def test_too_large_and_gone(browser):
    with workbench("--max-body", 80_000) as small:
        for page in opened(browser, small, viewport=DESKTOP):
            page.expected = ["413", "ERR_CONNECTION_REFUSED"]
            drop(page, "image.dcm", bytes(90_000))
            expect(page.locator("#problems .issue")).to_contain_text("http/too-large")
            small.stop()
            paste(page, "MSH|")
            expect(page.locator("#problems .issue")).to_contain_text("does not answer")


def test_the_lifecycle(page):
    page.locator("#lifecycle a.state", has_text="AO>").click()
    expect(page.locator("#state-AO-sent")).to_be_in_viewport()
    expect(page.locator("#state-AO-sent")).to_contain_text("rule d.5.iii")
    arrow = page.locator('a.step[href="#step-OR-to-AO"]')
    arrow.focus()
    expect(page.locator('path.step[data-step="step-OR-to-AO"]')).to_have_class("step chosen")
    expect(arrow).to_have_attribute("aria-label", "authorize b: from OR to AO")
    page.keyboard.press("Enter")
    expect(page.locator("#step-OR-to-AO")).to_be_in_viewport()
    expect(page.locator("#step-OR-to-AO")).to_contain_text("rule b")
    lost = "all => all.map(a => a.getAttribute('href').slice(1)).filter(id => !document.getElementById(id))"
    assert page.eval_on_selector_all(".lifecycle a", lost) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "viewport"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_axe_finds_nothing_and_it_looks_well(browser, server, scheme, device, viewport):
    SHOTS.mkdir(parents=True, exist_ok=True)
    more = ("start", "rules", "problem") if scheme == "light" and device == "desktop" else ()
    looked_at = ("outcome", "faults", *more)

    def kept(page, what):
        page.screenshot(path=SHOTS / f"{device}-{scheme}-{what}.png")
        if what in looked_at:
            assert faults_of(page) == [], what

    for page in opened(browser, server, viewport=viewport, color_scheme=scheme):
        kept(page, "start")
        page.get_by_label("or a sample").select_option("foreign-zds/message.hl7")
        expect(pane(page, "hl7").locator(".from")).to_have_text("as it came")
        page.locator(".pane[data-format=hl7] a.value").first.focus()
        kept(page, "outcome")
        page.get_by_text("Options", exact=True).click()
        edit(page, "field = 5", "feild = 5")
        expect(page.locator("#faults li")).to_have_count(1)
        expect(page.locator("#linked")).to_be_hidden()  # the focus has gone elsewhere
        page.locator("#faults").scroll_into_view_if_needed()
        kept(page, "faults")
        page.locator("#table-reset").click()
        page.keyboard.press("Escape")
        page.locator("#lifecycle a.state", has_text="AO>").click()
        kept(page, "rules")
        page.locator("#lifecycle .drawing").scroll_into_view_if_needed()
        page.locator('a.step[href="#step-AO-sent-to-AC"]').focus()
        kept(page, "lifecycle")
        paste(page, "Dear colleague")
        expect(page.locator("#problems .issue")).to_have_count(1)
        page.locator("#outcome").scroll_into_view_if_needed()
        kept(page, "problem")


@pytest.mark.parametrize("width", [NARROWEST, 390, 768, 1280])
def test_nothing_needs_scrolling_sideways(browser, server, width):
    for page in opened(browser, server, viewport={"width": width, "height": 700}):
        page.get_by_label("or a sample").select_option("delimiters-in-comment/metadata.json")
        expect(page.locator(".pane")).to_have_count(4)
        page.locator(".pane a.value").first.focus()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_file_that_is_refused_leaves_none_before_it(first, tmp_path):
    """What an option changes then is not told of the file before it, under the name of this one."""
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(49 << 20)
    first.set_input_files("#file", FOLDER / "original" / "image.dcm")
    expect(first.locator("#held")).to_contain_text("image.dcm")
    first.set_input_files("#file", path)
    expect(first.locator("#problems .issue")).to_contain_text("document/too-large")
    expect(first.locator("#held")).to_be_hidden()
    first.set_input_files("#onto", [FOLDER / "original" / "image.dcm"])
    expect(first.locator("#status")).to_have_text("No document yet.")
    expect(first.locator(".pane")).to_have_count(0)
