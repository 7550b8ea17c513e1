"""The page of common operational errors, and the lines of its samples that the wheel brings.

Run ``python -m docs.issue_page`` at the root of the repository: it writes ``docs/issues.md`` and
``plugin/sopstatus/issue_lines.json``, and every line is what its sample really prints.
"""

from __future__ import annotations

import json
import shlex
import string
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from sopstatus.acknowledge import condition
from sopstatus.artifacts.issue_symptoms import SYMPTOMS
from sopstatus.catalogue import Entry, catalogue
from sopstatus.model import Issue
from sopstatus.outcome import issue_type

from docs.issue_field import FAULTS
from docs.issue_samples import Sample, run, samples

FOLDER = Path("tests/issue_samples")
GROUPS = {
    "value": ("Values", "What an attribute says, in whatever format it was found."),
    "dicom": ("DICOM", "Data sets and Part 10 files."),
    "dicom-json": ("DICOM JSON", "Data sets as DICOMweb sends them (PS3.18 annex F)."),
    "dicom-xml": ("DICOM as Mirth's XML", "What `msg` is in a channel; see `docs/mirth.md`."),
    "healthimaging": ("AWS HealthImaging", "The metadata of image sets."),
    "hl7": ("HL7 v2", "Messages and their ZDS segments."),
    "mllp": ("MLLP", "Messages on their way: `sopstatus mllp`, see `docs/mllp.md`."),
    "hl7-xml": ("HL7 v2 as Mirth's XML", "What `msg` is in a channel; see `docs/mirth.md`."),
    "fhir": ("FHIR", "ImagingStudy, ImagingSelection and Bundles of them."),
    "document": ("Documents", "Files that are not what they should be."),
    "link": ("The link", "What may cross from one system to another (PS3.15 A.1.1)."),
    "archive": ("Archives", "The folder of a scan: `sopstatus scan`, see `docs/scan.md`."),
    "container": ("Containers", "Zips, tars and NDJSON that a scan looks into."),
    "report": ("Reports", "The page of a scan: `sopstatus report`, see `docs/scan.md`."),
    "holder": ("Holders", "Whose copy a statement is about."),
    "ledger": ("The ledger", "Who holds what: `sopstatus ledger`, see `docs/ledger.md`."),
    "http": ("HTTP", "Requests to `sopstatus serve`, see `docs/serve.md`."),
    "table": ("Tables", "Your own mapping tables. Faults inside a table stop the load instead."),
}
_LONGEST = 60  # lines of a sample that are shown
HEAD = """\
# Common operational errors

<!-- Generated from the catalogue and its samples: make docs. Do not edit. -->

Every fault that sopstatus finds has a code, and every code has an entry here: why it happens, how
to fix it, and a sample that shows it. Search this page for the code that you see, or start from
[what you see](#what-you-see).

## How to read a line

```text
{line}
```

| part | here | meaning |
|---|---|---|
{parts}

A location is written as the document's own format writes it: `ZDS[2]-6` is field 6 of the second
ZDS (with `message[3]` before it in a batch), `(0100,0410)` a DICOM tag,
`ImagingStudy.series[0].instance[2].extension[0]` a FHIR element (counted from 0), `-` the document
as a whole.

* **fatal**: the document was not read, and nothing was written.
* **error**: a statement was not carried as it stands. The rest of the document was.
* **warning**: it was carried, and somebody should look.
* **information**: it was carried; this says how.

No line, log event or answer holds patient data or free text, so all of them may go into a ticket.
The same issue is told in three more spellings: as `OperationOutcome.issue`
(`sopstatus.outcome`, with the issue type given below), as `ERR` of an HL7 acknowledgment
(`sopstatus.acknowledge`, with the condition of table 0357 given below) and as a log event
(`sopstatus.log`, where the event is the code).

| exit code | means |
|---|---|
| 0 | clean: at most warnings and information |
| 1 | an issue is an error (with `--strict` also a warning; then nothing was written) |
| 2 | wrong usage, a missing extra, or a fault in a table |
| 3 | a document could not be read, or the output not be written |
| 4 | a service cannot start now: its port is taken, its address is not this machine's, or no host has the name of the gateway's server |

All samples are run in `{folder}`, for instance:

```sh
cd {folder} && {command}
```
"""


def printed(folder: Path = FOLDER) -> dict[str, str]:
    """Return the line of each code that its sample prints; ``folder`` is where the samples are."""
    known = samples(folder)
    return {code: _line(code, known[code], folder) for code in catalogue()}


def shipped(lines: dict[str, str], folder: Path = FOLDER) -> str:
    """Return what ``sopstatus issue`` shows: the command of each sample, and its line."""
    known = samples(folder)
    told = {code: [_command(known[code]), line] for code, line in lines.items()}
    return f"{json.dumps(told, indent=0, ensure_ascii=False)}\n"


def page(lines: dict[str, str], folder: Path = FOLDER) -> str:
    """Return the page with these lines."""
    found, known = catalogue(), samples(folder)
    example = lines["value/unknown-term"]
    severity, code, location, text = example.replace(": ", " ", 1).split(" ", 3)
    says, _, mends = text.partition("; ")
    parts = {
        "severity": (severity, "how bad it is"),
        "code": (code, "the entry on this page; it never changes its meaning"),
        "location": (location, "where it is"),
        "text": (says, "what is wrong"),
        "remedy": (mends, "what mends it"),
    }
    rows = [f"| {name} | `{shown}` | {meaning} |" for name, (shown, meaning) in parts.items()]
    command = _command(known["value/unknown-term"])
    pieces = [
        HEAD.format(line=example, parts="\n".join(rows), folder=folder.as_posix(), command=command),
        _index(found),
    ]
    for prefix, (title, about) in _groups(found):
        pieces.append(f"## {title}\n\n{about}\n")
        for code, entry in found.items():
            if code.partition("/")[0] == prefix:
                pieces.append(_entry(code, entry, lines[code], known[code], folder))
    return "\n".join([*pieces, _faults()])


def _groups(codes: Iterable[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    prefixes = dict.fromkeys(code.partition("/")[0] for code in codes)
    for prefix in (*GROUPS, *(p for p in prefixes if p not in GROUPS)):
        if prefix in prefixes:
            yield prefix, GROUPS.get(prefix, (prefix, ""))


def _line(code: str, sample: Sample, folder: Path) -> str:
    """Return the line of this code that its sample prints."""
    printed = run(sample, folder)[1]
    return next(line for line in printed if line.split(" ", 2)[1] == code)


def _index(codes: Collection[str]) -> str:
    rows = ["## What you see", "", "| symptom | look at |", "|---|---|"]
    for symptom in SYMPTOMS:
        links = ", ".join(map(_link, symptom.codes.split()))
        hint = f"; {symptom.hint}" if symptom.hint else ""
        rows.append(f"| {symptom.seen} | {links}{hint} |")
    rows += ["", "All codes:", ""]
    for prefix, (title, _) in _groups(codes):
        links = ", ".join(_link(code) for code in codes if code.partition("/")[0] == prefix)
        rows.append(f"* {title}: {links}")
    rows.append("")
    return "\n".join(rows)


def _entry(code: str, entry: Entry, line: str, sample: Sample, folder: Path) -> str:
    issue = Issue(entry.severity, code, "", "")
    source = f" Source: {entry.source}." if entry.source else ""
    kinds = f"FHIR issue type `{issue_type(issue)}`, HL7 condition {condition(issue, (2, 7))}."
    text = [
        f'<a id="{_anchor(code)}"></a>',
        "",
        f"### {code}",
        "",
        f"**{entry.severity}.**{source} {kinds}",
        "",
        "```text",
        line,
        "```",
        "",
        f"* **Cause:** {entry.cause}",
        f"* **Remedy:** {_sentence(entry.remedy)}",
        f"* **Sample:** `{_command(sample)}`{_links(sample, folder)}",
        "",
    ]
    if shown := _shown(sample, folder):
        text += ["```text", shown, "```", ""]
    return "\n".join(text)


def _sentence(remedy: str) -> str:
    """Write a remedy with the names of its facts, as a sentence."""
    parts = string.Formatter().parse(remedy)
    text = "".join(before + (f"*{name}*" if name else "") for before, name, _, _ in parts)
    return f"{text[0].upper()}{text[1:]}."


def _command(sample: Sample) -> str:
    return sample.run if sample.run.startswith("python ") else f"sopstatus {sample.run}"


def _links(sample: Sample, folder: Path) -> str:
    here = [name for name in sample.files if (folder / name).exists()]
    links = [f"[{Path(name).name}](../{folder.as_posix()}/{name})" for name in here]
    return f" ({', '.join(links)})" if links else ""


def _shown(sample: Sample, folder: Path) -> str:
    """Return the first file's text where it is short enough to stand on the page."""
    path = folder / next((word for word in shlex.split(sample.run) if "/" in word), "")
    if path.suffix not in (".hl7", ".py") or not path.is_file():
        return ""
    try:
        text = path.read_text("utf-8").strip()
    except UnicodeDecodeError:
        return ""
    return text if text.count("\n") < _LONGEST else ""


def _faults() -> str:
    rows = [
        "## Faults of other software",
        "",
        "What is known to go wrong with this attribute in archives, engines, parsers and servers, "
        "and what happens to it here.",
        "",
        "| | elsewhere | here | codes |",
        "|---|---|---|---|",
    ]
    for number, fault in enumerate(FAULTS, 1):
        links = ", ".join(map(_link, fault.codes.split()))
        rows.append(f"| {number} | {fault.fault} | {fault.here} | {links} |")
    return "\n".join([*rows, ""])


def _link(code: str) -> str:
    return f"[{code}](#{_anchor(code)})"


def _anchor(code: str) -> str:
    return code.replace("/", "-")


if __name__ == "__main__":
    if not (FOLDER / "samples.toml").is_file():
        sys.exit(f"there is no {FOLDER}/samples.toml: run this at the root of the repository")
    told = printed()
    for path, text in (
        (Path("docs/issues.md"), page(told)),
        (Path("plugin/sopstatus/issue_lines.json"), shipped(told)),
    ):
        path.write_text(text, "utf-8", newline="\n")
