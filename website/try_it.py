"""The page that runs: the workbench with Python for the browser, and its place on each reference page."""

import gzip
import json
import sys
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
PYODIDE = ROOT / "build/pyodide/node_modules/pyodide"
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
FETCHED = (".wasm", ".zip", ".whl")  # what the loading bar counts; modules are imported
POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self' 'unsafe-inline' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'\">"
)
SECTION = """<section class="try" id="try" aria-labelledby="try-title" data-table="{table}">
<h2 id="try-title">Try it</h2>
<p>Drop a DICOM file, an HL7 v2 message, a FHIR resource, DICOM JSON or Mirth's XML anywhere on this page, or
start with a sample: see it in all three formats, with every value explained and every issue at its place.
It is converted in this browser, and nothing leaves your machine.</p>
<p><button type="button" id="try-start" hidden>Start ({size} MB)</button>
<a href="try/index.html?table={table}">Open it as a page of its own</a></p>
<p class="note" id="try-note">A browser cannot start it from a folder. Run <code>python -m http.server</code> in the
folder of this site, and open <code>http://localhost:8000/{page}.html</code>.</p>
</section>
"""


def files(config):
    """Return the workbench with its runtime, as files of the site, and their size as they are sent."""
    wheels = sorted((ROOT / "build/website/wheels").glob("*.whl"))
    sys.path[:0] = [str(wheel) for wheel in wheels if str(wheel) not in sys.path]
    from sopstatus.workbench import page

    runtime = [*(PYODIDE / name for name in RUNTIME), *wheels]
    lock = json.loads((PYODIDE / "pyodide-lock.json").read_text("utf-8"))
    told = {
        "lock": {
            "info": lock["info"],
            "packages": {},
        },  # of the distribution's packages none is used
        "wheels": [wheel.name for wheel in wheels],
        "size": sum(path.stat().st_size for path in runtime if path.suffix in FETCHED),
    }
    made = {"index.html": page.index(worker=True), "runtime/files.json": json.dumps(told).encode()}
    made |= {
        f"static/{name}": data for name, (_, data) in page.static().items() if name != "index.html"
    }
    found = [File.generated(config, f"try/{name}", content=data) for name, data in made.items()]
    found += [
        File.generated(config, f"try/runtime/{path.name}", abs_src_path=str(path))
        for path in runtime
    ]
    sent = sum(len(gzip.compress(path.read_bytes(), 6)) for path in runtime)
    return found, round(sent / 1e6)


def section(table, page, size):
    """Return "Try it" for a page, with what it loads."""
    loaded = (
        '<link rel="stylesheet" href="assets/try.css"><script defer src="assets/try.js"></script>'
    )
    return SECTION.format(table=table, page=page, size=size) + loaded


def in_tutorial(html, size):
    """Return the tutorial with "Try it" before its first step."""
    return html.replace("<h2", section("sop-instance-status", "tutorial", size) + "<h2", 1)
