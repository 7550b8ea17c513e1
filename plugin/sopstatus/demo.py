"""The demonstration: every shipped sample travels DICOM -> HL7 v2 -> FHIR -> DICOM."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

from sopstatus.model import Issue, SOPInstance
from sopstatus.profile import STATUS, Link
from sopstatus.profile_language import AUTHORIZED_ORIGINAL
from sopstatus.transform import codec, transformer

TRUSTED = Link(secure=True, authenticated=True, conforms=True)


def run() -> int:
    """Print the journey of every sample, over a trusted link and over one that is not."""
    samples = files("sopstatus.samples")
    cases = sorted(f.name for f in samples.iterdir() if f.joinpath("image.dcm").is_file())
    dicom = codec("dicom")
    to_hl7, to_fhir, to_dicom = (
        transformer(*pair) for pair in (("dicom", "hl7"), ("hl7", "fhir"), ("fhir", "dicom"))
    )
    print("DICOM -> HL7 v2 -> FHIR -> DICOM, on synthetic data\n")
    print(f"{'case':<24}{'status':<12}{'over a trusted link':<24}over one that is not")
    same = True
    lines: dict[str, Issue] = {}
    for case in cases:
        image = samples.joinpath(case, "image.dcm").read_bytes()
        (before,) = dicom.decode(image).value or (SOPInstance(),)
        bare = dicom.encode([emptied(x) for x in dicom.instances(image)], image).value
        resource = to_fhir(to_hl7(image).value).value
        back = dicom.decode(to_dicom(resource, bare, link=TRUSTED).value).value
        untrusted = to_dicom(resource, bare, link=Link(secure=False))
        (after,) = dicom.decode(untrusted.value).value or (SOPInstance(),)
        identical = back == ((before,) if before.attributes else ())
        same = same and identical
        lines |= {i.code: i for i in untrusted.issues if i.code.startswith("link/")}
        word = "identical" if identical else "DIFFERENT"
        print(f"{case:<24}{_status(before):<12}{word:<24}{_status(after)}")
    print()
    for line in lines.values():
        print(line)
    print("\nA message that wants to authorize an image, and says itself that it may be trusted:")
    for line in claim():
        print(line)
    return 0 if same else 1


def claim() -> tuple[Issue, ...]:
    """Return what the image says to a message that claims AO over a link nobody vouches for."""
    image = files("sopstatus.samples").joinpath("absent", "image.dcm").read_bytes()
    (known,) = codec("dicom").instances(image)
    wish = replace(known, holder="TRUSTED", attributes=((STATUS, AUTHORIZED_ORIGINAL),))
    message = codec("hl7").encode([wish], codec("hl7").blank([known]), known=[known]).value
    return transformer("hl7", "dicom")(message, image).issues


def emptied(instance: SOPInstance) -> SOPInstance:
    """Return the statement that removes what is said of an instance."""
    return SOPInstance(*instance.identity[:2], "", *instance.identity[2:])


def _status(instance: SOPInstance) -> str:
    said = dict(instance.attributes)
    if not said:
        return "(none)"
    status = said.get(STATUS, "(not stated)")
    return "(empty)" if status is None else status
