"""The demonstration: the story of one image's status, and the same for every shipped sample."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from shutil import which
from typing import Any

from sopstatus.cli import shared
from sopstatus.codecs import codec
from sopstatus.model import SOPInstance
from sopstatus.profile import STATUS, TRUSTED
from sopstatus.table import load_tables
from sopstatus.transform import transformer
from sopstatus.values import tag_text

EXAMPLES = (
    "sopstatus demo",
    "NO_COLOR=1 sopstatus demo",
)
CASE, HARD, SILENT = "authorized-original", "microseconds", "absent"
_TRY = {
    "samples try/": "the samples, to play with",
    "show try/authorized-original/image.dcm": "or an image of your own",
    "convert try/authorized-original/image.dcm --to hl7": "",
    "explain try/microseconds/message.hl7": "where each value stands, and why",
    "help": "all commands",
}


def add(parser: ArgumentParser) -> None:
    """Add no options."""


def run(options: Namespace) -> int:
    """Tell the story; the exit code is 1 if anything comes back changed."""
    said = _Story(color=shared.wants_color("auto", sys.stdout))
    same = all([said.there_and_back(), said.over_no_link(), said.hard_value(), said.all_cases()])
    said.title("What to try next")
    program = "sopstatus" if which("sopstatus") else sys.argv[0]
    for command, why in _TRY.items():
        print(f"  {program} {command:<52}{why}".rstrip())
    return 0 if same else 1


class _Story:
    """Its chapters, each printed; what is carried back is compared and never only claimed."""

    def __init__(self, *, color: bool) -> None:
        self._color = color
        self._dicom = codec("dicom")
        self._to_hl7 = transformer("dicom", "hl7")
        self._to_fhir = transformer("hl7", "fhir")
        self._to_dicom = transformer("fhir", "dicom")
        self._extension = f"{load_tables().site.canonical}/StructureDefinition/sop-instance-status"

    def title(self, text: str) -> None:
        """Print the title of a chapter."""
        print(f"\n{self._marked(text, '1')}\n")

    def there_and_back(self) -> bool:
        """Carry an authorized original to HL7 and FHIR, and onto a copy that states nothing."""
        image = _image(CASE)
        self.title("One synthetic CT image, authorized for diagnosis")
        (instance,) = self._dicom.decode(image).value
        for keyword, attribute in self._dicom.tables.attributes.items():
            if keyword in dict(instance.attributes):
                value = dict(instance.attributes)[keyword] or ""
                label = tag_text(attribute.tag)
                text = f"{value}  {attribute.displays.get(value, '')}".rstrip()
                print(f"  {label}  {keyword:<43}{text}")
        message = self._to_hl7(image).value
        self.title("As an HL7 v2 message: the segment ZDS is ours, ZDS-5 the status")
        self._segments(message)
        resource = self._to_fhir(message).value
        self.title("As a FHIR ImagingStudy: our extension, on the instance")
        self._element(resource)
        back = self._to_dicom(resource, self._bare(image), link=TRUSTED).value
        self.title("And back: onto the image without the four elements, over a trusted link")
        same: bool = back == image
        word = "identical, byte for byte" if same else "DIFFERENT"
        print(f"  {len(image):,} bytes went out, {len(back):,} came back: {word}")
        return same

    def over_no_link(self) -> bool:
        """Write the same message onto a copy, over a link that nobody vouched for."""
        image = _image(CASE)
        message = self._to_hl7(image).value
        result = transformer("hl7", "dicom")(message, self._bare(image))
        (instance,) = self._dicom.decode(result.value).value
        self.title("The same message onto the same copy, over a link that nobody vouched for")
        print(f"  (0100,0410)  {STATUS}  {self._marked(_status(instance), '1;33')}")
        print("  A message cannot mark an image as authorized: it is not known who sent it.\n")
        for issue in result.issues:
            print(f"  {issue}")
        return _status(instance) == "NS"

    def hard_value(self) -> bool:
        """Carry six digits of a second, where HL7 has four and FHIR wants an offset."""
        image = _image(HARD)
        message = self._to_hl7(image).value
        resource = self._to_fhir(message).value
        self.title("A hard value: six digits of a second, and HL7 has four")
        (before,) = self._dicom.decode(image).value
        slices = {one["url"]: one for one in _extension(resource, self._extension)}
        zds = _zds(message).split(b"|")
        for label, text in (
            ("DICOM (0100,0420)", _value((before,))),
            ("HL7 ZDS-6", f"{zds[6].decode()}  the nearest form, never more precise"),
            ("HL7 ZDS-9", f"{zds[9].decode()}  the exact text"),
            ("FHIR", slices["authorizationDateTime"]["valueDateTime"]),
        ):
            print(f"  {label:<19}{text}")
        back = self._dicom.decode(
            self._to_dicom(resource, self._bare(image), link=TRUSTED).value
        ).value
        print(f"  {'back in DICOM':<19}{_value(back)}")
        same: bool = back == (before,)
        return same

    def all_cases(self) -> bool:
        """Do so with every sample, and print a table of what came back."""
        self.title("The proof: every sample, DICOM -> HL7 v2 -> FHIR -> DICOM")
        print(f"  {'case':<24}{'status':<14}{'over a trusted link':<22}over one that is not")
        samples = files("sopstatus.samples")
        cases = sorted(f.name for f in samples.iterdir() if f.joinpath("image.dcm").is_file())
        return min(map(self._case, cases))  # all of them are printed

    def _case(self, case: str) -> bool:
        image = _image(case)
        (before,) = self._dicom.decode(image).value or (SOPInstance(),)
        bare = self._bare(image)
        resource = self._to_fhir(self._to_hl7(image).value).value
        back = self._dicom.decode(self._to_dicom(resource, bare, link=TRUSTED).value).value
        (after,) = self._dicom.decode(self._to_dicom(resource, bare).value).value or (
            SOPInstance(),
        )
        same: bool = back == ((before,) if before.attributes else ())
        word = "identical" if same else "DIFFERENT"
        print(f"  {case:<24}{_status(before):<14}{word:<22}{_status(after)}")
        return same

    def _bare(self, image: bytes) -> bytes:
        known = [replace(one, attributes=()) for one in self._dicom.instances(image)]
        bare: bytes = self._dicom.encode(known, image).value
        return bare

    def _segments(self, message: bytes) -> None:
        for line in message.decode().rstrip("\r").split("\r"):
            if line.startswith("ZDS"):
                fields = line.split("|")
                fields[5] = self._marked(fields[5], "1;32")
                line = "|".join(fields)
            print(f"  {line}")

    def _element(self, resource: dict[str, Any]) -> None:
        print(f'  {{"url": "{self._extension}",')
        print('   "extension": [')
        lines = [json.dumps(one) for one in _extension(resource, self._extension)]
        for number, line in enumerate(lines, 1):
            marked = self._marked(line, "1;32") if '"status"' in line else line
            print(f"     {marked}{',' if number < len(lines) else ']}'}")

    def _marked(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._color else text


def _image(case: str) -> bytes:
    return files("sopstatus.samples").joinpath(case, "image.dcm").read_bytes()


def _zds(message: bytes) -> bytes:
    return next(line for line in message.split(b"\r") if line.startswith(b"ZDS"))


def _extension(node: Any, url: str) -> Iterator[dict[str, Any]]:
    """Yield the slices of our extension, wherever it stands."""
    if isinstance(node, dict) and node.get("url") == url:
        yield from node["extension"]
    elif isinstance(node, dict | list):
        for one in node.values() if isinstance(node, dict) else node:
            yield from _extension(one, url)


def _value(statements: tuple[SOPInstance, ...]) -> str:
    return dict(statements[0].attributes).get("SOPAuthorizationDateTime") or "(none)"


def _status(instance: SOPInstance) -> str:
    said = dict(instance.attributes)
    if not said:
        return "(none)"
    status = said.get(STATUS, "(not stated)")
    return "(empty)" if status is None else status
