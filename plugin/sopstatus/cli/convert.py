"""The command ``sopstatus convert``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from sopstatus import writing
from sopstatus.audit import log as audit_log
from sopstatus.cli import shared
from sopstatus.codecs import DATA_SETS, FORMATS
from sopstatus.codecs.shared import gzipped
from sopstatus.documents import content
from sopstatus.documents.files import files
from sopstatus.model import DocumentError
from sopstatus.profile import TRUSTED, Link
from sopstatus.table import MappingTable
from sopstatus.transform import names_nothing, transformer

_SUFFIX = {
    "dicom": ".dcm",
    "hl7": ".hl7",
    "fhir": ".json",
    "dicom-json": ".json",
    "healthimaging": ".json",
    "dicom-xml": ".xml",
    "hl7-xml": ".xml",
}
EXAMPLES = (
    "sopstatus convert image.dcm --to hl7 --into order.hl7 -o out.hl7",
    "sopstatus convert message.hl7 --to fhir --release R5 -o study.json",
)


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    shared.add_sources(parser)
    parser.add_argument(
        "--to",
        required=True,
        choices=FORMATS,
        help="Write this format. hl7 and fhir: without --into, a new message or ImagingStudy is made",
    )
    parser.add_argument(
        "--into",
        metavar="TARGET",
        help="Write onto this document (default: make a new one; --to dicom needs a data set)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="Write into this file, or into this folder if there are several sources (default: standard "
        "output)",
    )
    parser.add_argument(
        "--release",
        choices=("R4", "R4B", "R5", "R6"),
        help="Make a new document for this FHIR release; R6 is a preview (default: as in site.toml)",
    )
    shared.add_holder(parser, "the holder of the data set")
    parser.add_argument(
        "--validate", action="store_true", help="Validate FHIR output with fhir.resources"
    )
    parser.add_argument(
        "--stamp",
        action="store_true",
        help="Add a meta.tag that names the mapping tables (with --to fhir)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="Write nothing if there is a warning or an error"
    )
    shared.add_trusted_link(parser, "SOURCE came")
    parser.add_argument(
        "--local",
        action="store_true",
        help="Say that SOURCE and the result are the same held copy in another format, on this machine: "
        "it then states the same. For formats of data sets, without --into",
    )
    shared.add_audit(parser)
    shared.add_issues(parser)
    shared.add_mappings(parser)


def run(options: Namespace) -> int:
    """Write the statements of documents onto another, or into new ones."""
    _check(options)
    tables = shared.tables_of(options)
    if len(options.sources) == 1 and not Path(options.sources[0]).is_dir():
        (options.source,) = options.sources
        return _one(options, tables)
    worst, options.several = 0, True
    for source, output in _outputs(options):
        options.source, options.output = source, output
        try:
            worst = max(worst, _one(options, tables))
        except DocumentError as error:
            shared.refuse(options, error)
            worst = shared.UNREADABLE
    return worst


def _outputs(options: Namespace) -> list[tuple[str, str]]:
    """Return each of several sources with the file to write below OUT; raise `Stop` if two are one."""
    if options.into or options.issues == "ack" or not options.output:
        why = "--into" if options.into else "--issues ack" if options.output else ""
        raise shared.Stop(f"{why} is for one SOURCE" if why else "several sources need -o FOLDER")
    made: dict[Path, str] = {}
    for given in options.sources:
        for file in files([given]):
            inside = (
                Path(file).relative_to(given) if Path(given).is_dir() else Path(Path(file).name)
            )
            out = Path(options.output) / inside.with_suffix(_SUFFIX[options.to])
            if out in made:
                first, second = shared.named(made[out]), shared.named(file)
                raise shared.Stop(f"{first} and {second} would both become {out}")
            made[out] = file
    for out in made:
        with writing.told("OUT"):
            out.parent.mkdir(parents=True, exist_ok=True)
    return [(file, str(out)) for out, file in made.items()]


def _one(options: Namespace, tables: MappingTable) -> int:
    """Write the statements of a document onto another, and print or store the result."""
    name, document = shared.read_source(options)
    into = None
    if options.into:
        target, into = _target(options)
        if target != options.to:
            raise shared.Stop(f"{shared.named(options.into)} is {target}, not {options.to}")
    if options.local and name not in DATA_SETS:
        raise shared.Stop(
            f"--local is for data sets, and {shared.named(options.source)} is {name}: what HL7 and FHIR "
            "state is about a copy, and is none"
        )
    link = Link.local() if options.local else TRUSTED if options.trusted_link else None
    carry = transformer(name, options.to, tables=tables)
    try:
        result = carry(document, into, link=link, holder=options.holder)
    except DocumentError as error:
        audit_log.keep(options.audit, error.records)
        raise
    issues = list(result.issues)
    if names_nothing(result.issues):  # nothing is written
        shared.print_issues(issues, options, refused=True)
        return 1
    if options.stamp and options.to == "fhir":
        from sopstatus.codecs.fhir.stamp import stamped

        result = replace(result, value=stamped(result.value, tables))
    if options.to == "fhir" and options.validate:
        from sopstatus.codecs.fhir import release_of

        with shared.needs(
            "--validate", "fhir", ("fhir", "fhir.resources", "fhir_core", "pydantic")
        ):
            from sopstatus.codecs.fhir.models import validate

            issues += validate(result.value, options.release or release_of(result.value))
    code = shared.exit_code(issues, strict=options.strict)
    if options.strict and code:
        shared.print_issues(issues, options, refused=True)
        return code
    audit_log.keep(
        options.audit, result.records
    )  # before the document: no change without its record
    if hasattr(result.value, "save"):
        result.value.save(options.output, at="OUT")
    else:
        data = result.value if isinstance(result.value, bytes) else content.dump_json(result.value)
        if not options.output and sys.stdout.isatty() and data.startswith(gzipped.MAGIC):
            raise shared.Stop(
                "the document is gzip, which is not for a terminal: name a file with -o"
            )
        shared.write(data, options.output, options.to)
    shared.print_issues(issues, options)  # not before: an acknowledgment says that it is done
    if name in DATA_SETS and options.to in DATA_SETS and not options.into and not options.local:
        crossed = any(one.code == "link/untrusted" for one in issues)
        if crossed and options.issues == "text" and not options.quiet:
            told = "--local says that the result is the same held copy in another format"
            print(f"If nothing crossed a link: {told}", file=sys.stderr)
    return code


def _check(options: Namespace) -> None:
    """Raise `Stop` where an option is missing, or has no meaning for the format to write."""
    if options.to == "dicom" and not options.into:
        raise shared.Stop("--to dicom needs --into: a status is written onto a data set")
    if options.to == "dicom" and not options.output and sys.stdout.isatty():
        raise shared.Stop("a data set is binary, which is not for a terminal: name a file with -o")
    if options.local and (options.into or options.trusted_link):
        other = "--into" if options.into else "--trusted-link"
        why = "another document is another copy" if options.into else "nothing crosses a link"
        raise shared.Stop(f"--local excludes {other}: {why}")
    shared.check_audit(options.audit)
    for name, formats, why in (
        ("release", ("fhir",), "only FHIR has releases"),
        ("validate", ("fhir",), "only FHIR is validated"),
        ("stamp", ("fhir",), "only FHIR resources have a meta.tag"),
        ("local", DATA_SETS, "the same copy is a data set in another format"),
        ("trusted_link", DATA_SETS, "it decides what enters a data set, and this is not one"),
    ):
        if getattr(options, name) and options.to not in formats:
            option = name.replace("_", "-")
            raise shared.Stop(f"--{option} has no meaning with --to {options.to}: {why}")


def _target(options: Namespace) -> tuple[str, Any]:
    """Open TARGET; a data set that goes from file to file stays on the disk, whatever its size."""
    path = Path(options.into)
    if options.to == "dicom" and options.output and options.into != "-":
        from sopstatus.codecs.part10.file import Part10File

        try:
            if path.is_file():
                with path.open("rb") as file:
                    if file.read(132)[128:] == b"DICM":
                        return "dicom", Part10File(path)
        except OSError:  # told below
            pass
    return shared.load_target(options.into)
