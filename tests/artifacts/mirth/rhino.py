"""Mirth's script engine, Rhino with E4X: the shipped functions on many requests in one process."""

import json
import subprocess
from pathlib import Path

from sopstatus import Holder, SOPInstance, load_tables
from sopstatus.artifacts.mirth.library import FUNCTIONS, script

from tools import need, need_file

HARNESS = Path(__file__).with_name("harness.js")
# as the engine runs scripts: interpreted, language version ES6
MAIN = "org.mozilla.javascript.tools.shell.Main"
OPTIONS = ("-opt", "-1", "-version", "200")


LAST = "answer(arguments[0]);"
JARS = ("js", "httpclient", "httpcore", "commons-logging", "commons-codec")


def java():
    """Return the command that runs Rhino with the HTTP client that the engine has too."""
    jars = [Path("/usr/share/java") / f"{name}.jar" for name in JARS]
    for jar in jars:
        need_file(jar, "rhino libhttpclient-java")
    return [need("java", "rhino"), "-cp", ":".join(map(str, jars)), MAIN]


def run(folder, requests, tables=None, *, http=False, more=(), library=True):
    """Return the answer to each request: ``{"value": ...}`` or ``{"error": line}``.

    Without ``library`` only what a channel itself brings is there, as in an engine that imported it alone.
    """
    command = java() if http else [need("rhino", "rhino")]
    program, given = folder / "program.js", folder / "requests.jsonl"
    parts = [HARNESS.with_name(name).read_text() for name in (HARNESS.name, *more)]
    code = [script(name, tables or load_tables()) for name in FUNCTIONS if library]
    program.write_text("\n".join([*code, *parts, LAST]), encoding="ascii")
    given.write_text("".join(json.dumps(one) + "\n" for one in requests), encoding="ascii")
    done = subprocess.run(
        [*command, *OPTIONS, str(program), str(given)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(requests), done.stdout[-2000:] + done.stderr
    return [json.loads(json.loads(line)) for line in lines]


def in_script(x, offset=""):
    """A statement as the scripts have it."""
    study, series, sop, _ = x.identity
    return {
        "studyInstanceUID": study,
        "seriesInstanceUID": series,
        "sopClassUID": x.sop_class_uid,
        "sopInstanceUID": sop,
        "holder": str(x.holder),
        "attributes": dict(x.attributes),
        "offset": offset,
    }


def in_python(said):
    return SOPInstance(
        said["studyInstanceUID"],
        said["seriesInstanceUID"],
        said["sopClassUID"],
        said["sopInstanceUID"],
        Holder.of(said["holder"]),
        said["attributes"],
    )
