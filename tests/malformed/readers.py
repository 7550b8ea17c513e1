"""What pydicom and DCMTK read at the top level of a data set, independent of everything of ours."""

import contextlib
import io
import json
import re
import subprocess
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom.datadict import keyword_for_tag

from malformed.data_sets import COMPANIONS, STATUS
from tools import need

RANK = {"AC": 1, "OR": 2, "AO": 3}  # everything else states nothing that could be trusted
STATES = {"OR?": "OR", "AO?": "AO", "OR>": "OR", "AO>": "AO"}
FILES = 100  # to a call of dcmdump


class Said(NamedTuple):
    """What a reader finds: the most that the status says, and whether a companion is there.

    ``several``: the status has several values, so that it is no term, and readers may take any.
    """

    status: str = ""
    companions: bool = False
    several: bool = False


NOTHING = Said()
JPIP = (b"1.2.840.10008.1.2.4.205", b"1.2.840.10008.1.2.4.95")
_AS_DEFLATED = re.compile(rb"1\.2\.840\.10008\.1\.2\.4\.(?:205|95)")


def _deflated(match):  # in as many bytes
    return b"1.2.840.10008.1.2.1.99".ljust(len(match[0]), b"\0")


def terms(text):
    """Return the strongest term that a text holds, as one value of several or alone; "" for none."""
    found = {part.strip(" \0") for part in text.split("\\")} & RANK.keys()
    return max(found, key=RANK.__getitem__, default="")


def in_dataset(dataset):
    """Return what a pydicom ``Dataset`` says."""
    status, several = "", False
    if STATUS in dataset:
        value = dataset.get_item(STATUS).value
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        parts = [value] if isinstance(value, str) or value is None else list(value)
        text = "\\".join(map(str, parts)) if parts != [None] else ""
        status, several = terms(text), "\\" in text
    return Said(status, any(tag in dataset for tag in COMPANIONS), several)


def with_pydicom(data):
    """Return what pydicom reads in Part 10 bytes; nothing where it cannot read them.

    Of a data set that is deflated in a way that pydicom 3.0 does not know, that is what it reads
    when it is told so.
    """
    if not any(name in data[:1000] for name in JPIP):
        return _read(data)
    said = [_read(data), _read(_AS_DEFLATED.sub(_deflated, data))]
    return max(said, key=lambda one: (RANK.get(one.status, 0), one.companions))


def _read(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return in_dataset(pydicom.dcmread(io.BytesIO(data), force=True))
        except Exception:  # whatever it raises, it has read nothing
            return NOTHING


_LINE = re.compile(r"^\((0100),(0410|0420|0424|0426)\) \S\S (\[.*|[^ ]*)", re.M)
_HEAD = re.compile(r"^# dcmdump \((\d+)/\d+\): ", re.M)


def with_dcmtk(files):
    """Return what DCMTK reads in each file; nothing where it cannot read it."""
    files = list(files)
    found = []
    for start in range(0, len(files), FILES):
        found += _dumped(files[start : start + FILES])
    return found


def _dumped(files):
    command = [need("dcmdump"), "-q", "+p", "+F"]
    for number in ("0410", "0420", "0424", "0426"):
        command += ["+P", f"0100,{number}"]
    done = subprocess.run([*command, *files], capture_output=True, timeout=120, check=False)
    pieces = _HEAD.split(done.stdout.decode("latin-1"))[1:]
    said = dict.fromkeys(range(1, len(files) + 1), NOTHING)
    for number, text in zip(pieces[::2], pieces[1::2], strict=True):
        status, companions, several = "", False, False
        for match in _LINE.finditer(text):  # what is nested begins with the sequence's tag
            if match[2] == "0410":
                value = match[3].removeprefix("[").partition("]")[0]
                if re.fullmatch(r"[0-9a-f]{2}(\\[0-9a-f]{2})*", value):  # of UN and OB: in hex
                    value = bytes.fromhex(value.replace("\\", "")).decode("latin-1")
                status = max(status, terms(value), key=lambda term: RANK.get(term, 0))
                several = "\\" in value
            else:
                companions = True
        said[int(number)] = Said(status, companions, several)
    return [said[number] for number in sorted(said)]


def written(folder, documents):
    """Write documents into a folder and return the paths."""
    paths = []
    for number, data in enumerate(documents):
        path = Path(folder) / f"{number}.dcm"
        path.write_bytes(data)
        paths.append(path)
    return paths


def claimed(records, *, sent=False):
    """Return what the records say of the one copy that was written; "" where they say nothing.

    ``sent``: of the one that goes out, which says at most what was decided for that.
    """
    done = [r for r in records if r.outcome == "done"]
    if not done:
        return ""
    last = done[-1]
    state = last.sent if sent and last.sent else last.after
    return STATES.get(state, state)


def more(said, claim, *, companions=False):
    """Return why a reader reads more than the record says, or nothing.

    ``companions``: they may stay beside NS, for the data set came so from who may say so.
    """
    if RANK.get(said.status, 0) > RANK.get(claim, 0):
        return f"{said.status} is read, the record says {claim or 'nothing'}"
    if claim in ("NS", "left-out") and said.companions and not companions:
        return f"the record says {claim}, a companion is read"
    return ""


def _strongest(said):
    said = list(said)
    status = max((one.status for one in said), key=lambda term: RANK.get(term, 0), default="")
    return Said(status, any(one.companions for one in said))


def _both(text):
    """Parse JSON as readers do that take the last member of a name, and as those that take the first."""

    def first(pairs):
        return dict(reversed(pairs))

    for hook in (None, first):
        try:
            yield json.loads(text, object_pairs_hook=hook)
        except ValueError:
            return


def in_json(data):
    """Return the most that pydicom reads in DICOM JSON, whichever of repeated members counts."""
    text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    parsed = [*_both(text)] if isinstance(text, str) else [text]
    found = []
    for document in parsed:
        for one in document if isinstance(document, list) else [document]:
            with warnings.catch_warnings(), contextlib.suppress(Exception):
                warnings.simplefilter("ignore")
                # one by one, for one member that pydicom refuses hides no other
                for tag, node in one.items():
                    with contextlib.suppress(Exception):
                        found.append(in_dataset(pydicom.Dataset.from_json({tag: node})))
    return _strongest(found)


def in_xml(data):
    """Return the most that the elements of DICOM XML say, by their names or by ``tag``."""
    root = ET.fromstring(data)
    found = []
    for child in root:
        for tag in {child.tag.removeprefix("tag"), child.get("tag", "")}:
            if tag == f"{STATUS:08X}" and not len(child):
                found.append(Said(terms("".join(child.itertext()))))
            elif tag in {f"{one:08X}" for one in COMPANIONS}:
                found.append(Said("", companions=True))
    return _strongest(found)


def in_image_set(data):
    """Return the most that instances of an image set say, whichever of repeated members counts."""
    text = data.decode() if isinstance(data, bytes) else data
    parsed = [*_both(text)] if isinstance(text, str) else [text]
    found = []
    for document in parsed:
        with contextlib.suppress(KeyError, AttributeError, TypeError):
            for series in document["Study"]["Series"].values():
                for one in series["Instances"].values():
                    value = one["DICOM"].get("SOPInstanceStatus") or ""
                    listed = value if isinstance(value, list) else [value]
                    names = {keyword_for_tag(tag) for tag in COMPANIONS}
                    found.append(
                        Said(terms("\\".join(map(str, listed))), bool(names & one["DICOM"].keys()))
                    )
    return _strongest(found)
