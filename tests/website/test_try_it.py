""" "Try it" in a real Chromium, from `python -m http.server`: Python runs in the page, and nothing leaves it."""

import base64
import gzip
import re
import subprocess
import sys
import urllib.request

import pytest
from browsers import PATIENCE
from playwright.sync_api import expect
from samples_of import FOLDER, ROOT

from tools import need_file

SHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "build" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SAMPLE = FOLDER / "authorized-original"
TABLES = sorted(page.stem for page in (ROOT / "docs").glob("*.html"))
MAIN = "sop-instance-status"
DROP = """([name, data]) => {
    const files = new DataTransfer();
    files.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
    const event = (type) => new DragEvent(type, { dataTransfer: files, bubbles: true, cancelable: true });
    document.body.dispatchEvent(event("dragenter"));
    document.body.dispatchEvent(event("drop"));
}"""


@pytest.fixture(scope="module")
def server(site):
    """The site's address; nothing but files is behind it."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--directory", site],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield re.search(r"http://[\d.:]+", process.stdout.readline())[0]
        process.kill()


@pytest.fixture
def opened(browser, server):
    """Open a page; in the end nothing was asked of anybody else, and nothing stands on the console."""
    contexts, asked, said = [], [], []

    def open_page(path, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path if "://" in path else f"{server}/{path}")
        return page

    open_page.asked, open_page.expected = asked, []
    yield open_page
    for context in contexts:
        context.close()
    ours = (f"{server}/", f"blob:{server}/", "file:///")
    assert [url for url in asked if not url.startswith(ours)] == []
    assert [text for text in said if not any(e in text for e in open_page.expected)] == []


def drop(page, path):
    page.evaluate(DROP, [path.name, base64.b64encode(path.read_bytes()).decode()])


def frame_of(page):
    """The workbench in the page, with an outcome."""
    frame = page.frame_locator("#try iframe")
    expect(frame.locator("#status")).to_contain_text("value")
    return frame


def pane(frame, name):
    return frame.locator(f".pane[data-format={name}]")


def saved(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value.path().read_bytes()


def converted(*options):
    """What the command line writes."""
    command = [sys.executable, "-m", "sopstatus", "convert", *map(str, options)]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def faults_of(frame):
    """What axe-core finds in a frame: rules and elements."""
    frame.evaluate(need_file(AXE, "npm, then make build/npm/.ready").read_text("utf-8"))
    ours = "document.querySelector('article') || document"  # around it is the theme's
    found = frame.evaluate(f"axe.run({ours}, {{ resultTypes: ['violations'] }})")
    return [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found["violations"]]


@pytest.mark.parametrize(
    ("device", "viewport", "scheme"), [("desktop", DESKTOP, "light"), ("phone", PHONE, "dark")]
)
def test_a_dropped_image_is_carried_on_the_page(opened, device, viewport, scheme):
    page = opened(f"{MAIN}.html", viewport=viewport, color_scheme=scheme)
    expect(page.locator("#try-note")).to_be_hidden()
    assert not any("runtime" in url for url in opened.asked)  # it is loaded when it is asked for
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"try-{device}-start.png")
    assert faults_of(page) == []
    drop(page, SAMPLE / "image.dcm")
    frame = page.frame_locator("#try iframe")
    expect(frame.locator("#progress")).to_be_visible()
    expect(frame.locator("#held")).to_contain_text("image.dcm")
    frame = frame_of(page)
    expect(frame.locator("#progress")).to_be_hidden()
    expect(frame.locator("#sample")).to_have_value("")  # it is the dropped file
    expect(pane(frame, "dicom")).to_contain_text("(0100,0410) CS [AO] SOPInstanceStatus")
    expect(pane(frame, "hl7").locator("li", has_text="ZDS|")).to_contain_text(
        "AO^Authorized Original^99SOPSTATUS"
    )
    expect(pane(frame, "fhir")).to_contain_text('"valueCode": "AO"')
    expect(frame.locator("#values .value")).to_have_count(4)
    pane(frame, "hl7").locator("a.value").first.focus()
    expect(frame.locator(".pane a.linked")).to_have_count(3)
    expect(frame.locator("#linked dd")).to_have_count(3)
    pane(frame, "hl7").scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / f"try-{device}-outcome.png")
    assert faults_of(page.frames[1]) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert page.frames[1].evaluate(wide) <= 0

    made = saved(page, pane(frame, "fhir").get_by_role("button"))
    assert made == converted(SAMPLE / "image.dcm", "--to", "fhir")
    assert saved(page, pane(frame, "dicom").get_by_role("button")) == (
        (SAMPLE / "image.dcm").read_bytes()
    )
    target = FOLDER / "original" / "message.hl7"
    frame.get_by_text("Options", exact=True).click()
    frame.locator("#onto").set_input_files(target)
    expect(pane(frame, "hl7").locator(".from")).to_have_text("onto your document")
    made = saved(page, pane(frame, "hl7").get_by_role("button"))
    assert made == converted(SAMPLE / "image.dcm", "--to", "hl7", "--into", target)

    text = frame.locator("#table-text")
    table = text.input_value()
    assert 'display = "Authorized Original"' in table
    text.fill(table.replace('display = "Authorized Original"', 'display = "Released Original"'))
    expect(pane(frame, "hl7").locator("li.changed")).to_contain_text("AO^Released Original")
    text.fill(table.replace("field = 5", "feild = 5"))
    expect(frame.locator("#faults li")).to_contain_text('did you mean "field"?')
    page.screenshot(path=SHOTS / f"try-{device}-table.png")


def test_a_page_of_its_own(opened, server, tmp_path):
    page = opened("try/index.html", viewport=DESKTOP)
    expect(page.locator("#status")).to_have_text("DICOM: 4 values, 0 issues")  # its first sample
    expect(page.locator("#lifecycle")).to_be_visible()
    packed = tmp_path / "message.hl7.gz"
    packed.write_bytes(gzip.compress((SAMPLE / "message.hl7").read_bytes()))
    page.set_input_files("#file", packed)  # its limits are those of a 32-bit program
    expect(page.locator("#status")).to_contain_text("HL7 v2: 4 values")
    page.locator("#paste").fill("Dear colleague")
    expect(page.locator("#problems .issue")).to_contain_text("document/unknown-format")
    page.locator("#case-name").fill("x")
    page.get_by_label("or a sample").select_option("unknown-term/image.dcm")
    expect(pane(page, "dicom").locator(".issue")).to_contain_text("Cause:")
    assert saved(page, page.locator("#case-download"))[:2] == b"PK"
    assert faults_of(page) == []

    # the policy lets nothing connect elsewhere, the worker included
    elsewhere = server.replace("127.0.0.1", "localhost")
    assert urllib.request.urlopen(f"{elsewhere}/index.html").status == 200  # it would answer
    tried = "fetch(%r).then(() => 'sent', () => 'refused')"
    opened.expected.append("violates the following Content Security Policy directive")
    opened.expected.append("violates the document's Content Security Policy")
    before = len(opened.asked)
    for run in (page.evaluate, page.workers[0].evaluate):
        assert run(tried % f"{elsewhere}/index.html") == "refused"
        assert run(tried % f"{server}/index.html") == "sent"
    assert [url for url in opened.asked[before:] if "localhost" in url] == []


def test_a_large_image_says_what_the_command_line_says(opened, tmp_path):
    """What stands behind its pixels counts; of one that is in order they are not even read."""
    page = opened("try/index.html", viewport=DESKTOP)
    expect(page.locator("#status")).to_have_text("DICOM: 4 values, 0 issues")
    data = (SAMPLE / "image.dcm").read_bytes()
    status, end = b"\0\1\x10\4CS\2\0AO", b"\xfc\xff\xfc\xff"
    assert data.count(status) == data.count(end) == 1
    large = b"\xe1\x7f\x10\0OW\0\0" + (20 << 20).to_bytes(4, "little") + bytes(20 << 20)
    path = tmp_path / "image.dcm"
    for document, told in (
        (data.replace(end, large + end), []),
        (data.replace(status, b"").replace(end, large + status + end), ["dicom/order"]),
        (data.replace(end, large + status + end), ["dicom/order", "dicom/repeated"]),
    ):
        path.write_bytes(document)
        page.set_input_files("#file", path)
        expect(page.locator("#held")).to_contain_text(f"{len(document):,} bytes")
        shown = pane(page, "dicom")
        for code in told:
            expect(shown.get_by_text(code).first).to_be_visible()
        expect(page.locator("#status")).to_contain_text("DICOM")
        command = [sys.executable, "-m", "sopstatus", "show", path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert [code for code in ("dicom/order", "dicom/repeated") if code in done.stderr] == told
        if not told:
            expect(page.locator("#status")).to_have_text("DICOM: 4 values, 0 issues")
            made = saved(page, pane(page, "fhir").get_by_role("button"))
            assert made == converted(path, "--to", "fhir")
    with path.open("wb") as file:
        file.truncate(49 << 20)  # no DICOM file
    page.set_input_files("#file", path)
    expect(page.locator("#problems .issue")).to_contain_text("document/too-large")


def test_what_is_nested_too_deeply_does_not_end_the_page(opened):
    page = opened("try/index.html", viewport=DESKTOP)
    expect(page.locator("#status")).to_have_text("DICOM: 4 values, 0 issues")
    deep = '{"resourceType":"ImagingStudy","a":' + '{"a":' * 3000 + "1" + "}" * 3001
    for text in ("[" * 100_000, deep):
        page.locator("#paste").fill(text)
        expect(page.locator("#problems .issue")).to_contain_text("document/too-deep")
    page.get_by_label("or a sample").select_option("authorized-original/image.dcm")
    expect(page.locator("#status")).to_have_text("DICOM: 4 values, 0 issues")
    text = page.locator("#table-text")
    table = text.input_value()
    for fault in ("a." * 3000 + "a = 1", "a = " + "[" * 3000 + "]" * 3000, "a = " + "{a = " * 3000):
        text.fill(f"{fault}\n{table}")
        expect(page.locator("#faults li")).to_contain_text("nested too deeply")
    text.fill(table)
    expect(page.locator("#status")).to_have_text("DICOM: 4 values, 0 issues")

    # whatever else may end an interpreter: the next question starts another
    page.evaluate(
        """async () => {
            const { askWorker } = await import(new URL("static/runtime.js", location).href);
            await askWorker("view", null).catch(() => {});
        }"""
    )
    page.get_by_label("or a sample").select_option("original/message.hl7")
    expect(page.locator("#status")).to_contain_text("HL7 v2")


def test_a_table_that_is_off_is_enabled_on_its_page(opened):
    page = opened("approval-status.html")
    elsewhere = page.url.replace("127.0.0.1", "localhost")
    opened.expected.append("violates the following Content Security Policy directive")
    opened.expected.append("violates the document's Content Security Policy")
    tried = f"fetch({elsewhere!r}).then(() => 'sent', () => 'refused')"
    assert page.evaluate(tried) == "refused"
    page.locator("#try-start").press("Enter")
    frame = frame_of(page)
    expect(frame.locator("#table-file")).to_have_value("approval-status.toml")
    expect(pane(frame, "hl7")).to_contain_text("APPROVED^Approved")
    expect(pane(frame, "dicom")).to_contain_text("(300E,0002) CS [APPROVED] ApprovalStatus")


def test_what_cannot_start_says_so(browser, server):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    context.route("**/python_stdlib.zip", lambda route: route.abort())
    page.goto(f"{server}/try/index.html")
    expect(page.locator("#loading-text")).to_contain_text("Python did not start")
    expect(page.locator("#problems .issue")).to_contain_text("reload the page")
    expect(page.locator("#progress")).to_be_hidden()
    context.close()


def test_it_reads_well_without_the_runtime(opened, site):
    for path in (f"{MAIN}.html", "try/index.html"):
        page = opened(path, java_script_enabled=False)
        expect(page.get_by_text("python -m http.server").first).to_be_visible()
        assert "Security Profile" in page.content() or "Lifecycle" in page.content()
    page = opened((site / f"{MAIN}.html").as_uri())
    expect(page.locator("#try-note")).to_contain_text("python -m http.server")
    expect(page.locator("#try-start")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy").first).to_be_visible()  # its own script runs
    opened.expected += ["origin 'null'", "net::ERR_FAILED"]  # no module is loaded from a folder
    page = opened((site / "try" / "index.html").as_uri())
    expect(page.locator("#loading-text")).to_contain_text("python -m http.server")


def test_the_tutorial_has_it(opened):
    page = opened("tutorial.html")
    page.click("#try-start")
    expect(pane(frame_of(page), "hl7")).to_contain_text("AO^Authorized Original")


@pytest.mark.parametrize("table", TABLES)
def test_every_reference_page_has_it(site, table):
    text = (site / f"{table}.html").read_text("utf-8")
    assert f'id="try" aria-labelledby="try-title" data-table="{table}"' in text
    assert f"try/index.html?table={table}" in text
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'self' 'unsafe-inline' data:; object-src 'none';")
    assert "http" not in policy and "connect-src" not in policy
    assert int(re.search(r"Start \((\d+) MB\)", text)[1]) in range(8, 13)  # docs/workbench.md


def test_the_runtime_is_beside_it(site):
    """The wheel is as it was built, and nothing names another place to load from."""
    runtime = site / "try" / "runtime"
    (wheel,) = (ROOT / "build/website/wheels").glob("sopstatus-*.whl")
    assert (runtime / wheel.name).read_bytes() == wheel.read_bytes()
    page = (site / "try" / "index.html").read_text("utf-8")
    assert "script-src 'self' 'wasm-unsafe-eval';" in page
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", page) == []
