"""Two sites with one AE Title, and what they tell each other in HL7 and FHIR, explored to the end.

Site A holds the original, site B a copy of it that states nothing or NS. Each publishes what its
copy states in a message and a resource that both see, each writes what it reads there onto its own
copy, over a link that it trusts, and the message becomes the resource and back. Every step is taken
by the codecs, the profile and the ledger as they are; nothing of them is modelled.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from sopstatus import DocumentError, Link, SOPInstance, codec, transformer
from sopstatus.ledger import Ledger
from sopstatus.profile import Circumstances, Copy, authorize

from profile_model.world import Broken

TRUSTED = Link(secure=True, authenticated=True, conforms=True)
ORIGINALS = ("OR", "AO")
UIDS = ("1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1")
_JSON, _HL7, _FHIR = codec("dicom-json"), codec("hl7"), codec("fhir")
_BARE = SOPInstance(*UIDS)


class Sites(NamedTuple):
    """The data sets of both sites, and the message and the resource between them."""

    copies: tuple[str, str]
    message: bytes
    resource: str


def data_set(status: str) -> str:
    """Return a data set as DICOM JSON that states this, or nothing."""
    said = {"SOPInstanceStatus": status} if status else {}
    blank = json.dumps(_JSON.blank([_BARE]))
    return str(_JSON.encode([SOPInstance(*UIDS, "", said)], blank).value)


def begin(original: str, other: str) -> Sites:
    """Return the sites before anybody has said anything."""
    message = _HL7.blank([_BARE])
    fixed = message.split(b"\r", 1)
    header = b"MSH|^~\\&|A|H|||20240101||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8"
    resource = json.dumps(_FHIR.blank([_BARE]))
    return Sites((data_set(original), data_set(other)), b"\r".join([header, *fixed[1:]]), resource)


def steps(sites: Sites, holders: tuple[str, str]) -> Iterator[tuple[str, Sites]]:
    """Yield every step that can be taken, and the sites afterwards."""
    a, b = sites.copies
    (known,) = _JSON.copies(a)
    at = Circumstances(link=TRUSTED, holder=holders[0], time="2024-01-01T00:00:00Z")
    done = authorize(Copy.of(known), certified=True, date_time="20240102", equipment="C", at=at)
    if done.done and done.copy.instance:
        authorized = _JSON.encode([done.copy.instance], a, exactly={UIDS[3]}).value
        yield "A authorizes", sites._replace(copies=(authorized, b))
    for site, (name, form) in product((0, 1), (("message", "hl7"), ("resource", "fhir"))):
        copy, document = sites.copies[site], getattr(sites, name)
        out, into = transformer("dicom-json", form), transformer(form, "dicom-json")
        said = out(copy, document, holder=holders[site]).value
        yield f"{'AB'[site]} publishes a {name}", sites._replace(**{name: said})
        try:
            written = into(document, copy, link=TRUSTED, holder=holders[site]).value
        except DocumentError:  # refused
            continue
        both = [*sites.copies]
        both[site] = written
        yield f"{'AB'[site]} reads the {name}", sites._replace(copies=(both[0], both[1]))
    made = transformer("hl7", "fhir")(sites.message, sites.resource).value
    yield "the message becomes the resource", sites._replace(resource=made)
    told = transformer("fhir", "hl7")(sites.resource, sites.message).value
    yield "the resource becomes the message", sites._replace(message=told)


def wrong(sites: Sites, holders: tuple[str, str]) -> str:
    """Say which invariant the sites break; empty where all hold."""
    shown = [_JSON.copies(copy)[0].get("SOPInstanceStatus") for copy in sites.copies]
    if shown[1] in ORIGINALS:
        return f"B's copy is {shown[1]}, and A's {shown[0]}"
    if shown[0] not in ORIGINALS:
        return "nobody holds the original"
    with Ledger() as ledger:
        seen = [*_HL7.decode(sites.message).value, *_FHIR.decode(sites.resource).value]
        for number, one in enumerate(seen):
            ledger.observe([one], time=f"2024-01-01T00:00:{number:02}Z")
        for site, copy in enumerate(sites.copies):
            ledger.observe(_JSON.copies(copy), holder=holders[site], time="2024-01-02T00:00:00Z")
        if [one.holder for one in ledger.holdings(UIDS[3]) if one.original] != [holders[0]]:
            return "the ledger knows another holder of the original"
    return ""


def explore(original: str, other: str, holders: tuple[str, str]) -> int:
    """Explore every state of the sites; return how many there are. Raise `Broken` for a wrong one."""
    start = begin(original, other)
    came: dict[Sites, str] = {start: ""}
    queue = deque([start])
    while queue:
        sites = queue.popleft()
        for name, after in steps(sites, holders):
            if after not in came:
                came[after] = f"{came[sites]}; {name}".lstrip("; ")
                if fault := wrong(after, holders):
                    raise Broken(f"{fault} after {came[after]}")
                queue.append(after)
    return len(came)
