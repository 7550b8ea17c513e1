"""DICOM rows: Part 10 files to the hub, and a status rewritten from file to file, beside the peers.

The headers are pydicom's CT_small (38 kB, 219 elements); frames, items, pixels and statements are
synthetic. Every reader gives identity, the four attributes and what they depend on.
"""

import atexit
import io
import os
import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian
from sopstatus import SOPInstance, codec, transformer

from bench.harness import OURS, Row

SAID = {
    "SOPInstanceStatus": "AO",
    "SOPAuthorizationDateTime": "20240115103015+0100",
    "SOPAuthorizationComment": "Released after review",
    "AuthorizationEquipmentCertificationNumber": "SYN-1",
}
KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID", *SAID)
CONTEXT = ("SpecificCharacterSet", "TimezoneOffsetFromUTC")
LIMIT = "open and read 16 KiB"
NOTE = (
    "dicomsdl walks the header in C++, and looks only where it is asked to. Ours walks it in Python, with a "
    "compiled pattern that takes whole runs of elements, and decides what a status is worth that stands beside "
    "others; it is ahead where the VR is implicit or sequences are long."
)
REWRITTEN = "Ours is a new file, whose name and folder are on the disk too; a copy onto the old one has its blocks."
TAGS = [pydicom.datadict.tag_for_keyword(keyword) for keyword in (*KEYWORDS, *CONTEXT)]


def dataset(**attributes):
    """Return a data set with these elements."""
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def code(value):
    """Return a code sequence of one item."""
    item = dataset(CodeValue=value, CodingSchemeDesignator="99SYN", CodeMeaning="synthetic")
    return Sequence([item])


def scan(**attributes):
    """Return a CT with these elements in addition."""
    made = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    del made[0xFFFCFFFC]
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def enhanced():
    """Return an enhanced multi-frame image: 5,000 frames, 42 MB, functional groups of each frame."""
    frame = dataset(
        FrameContentSequence=Sequence([dataset(DimensionIndexValues=[1, 2])]),
        PlanePositionSequence=Sequence([dataset(ImagePositionPatient=[1, 2, 3])]),
        PlaneOrientationSequence=Sequence([dataset(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]),
        PixelMeasuresSequence=Sequence([dataset(PixelSpacing=[1, 1], SliceThickness=1)]),
        FrameVOILUTSequence=Sequence([dataset(WindowCenter=40, WindowWidth=400)]),
        PixelValueTransformationSequence=Sequence([dataset(RescaleIntercept=0, RescaleSlope=1)]),
        FrameAnatomySequence=Sequence([dataset(AnatomicRegionSequence=code("1"))]),
    )
    frames = Sequence([frame] * 5000)
    pixels = bytes(5000 * 64 * 60 * 2)
    return scan(**SAID, PerFrameFunctionalGroupsSequence=frames, Rows=60, PixelData=pixels)


def report():
    """Return a structured report of 5,000 measurements."""
    value = dataset(NumericValue="12.5", MeasurementUnitsCodeSequence=code("mm"))
    item = dataset(RelationshipType="CONTAINS", ValueType="NUM", ConceptNameCodeSequence=code("2"))
    item.MeasuredValueSequence = Sequence([value])
    made = scan(**SAID, ContentSequence=Sequence([item] * 5000))
    for tag in [tag for tag in made.keys() if tag.group in (0x0018, 0x0028, 0x7FE0)]:  # noqa: SIM118
        del made[tag]
    return made


def marked(found):
    """Give every sequence and item of a data set an undefined length."""
    for element in found:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value[:1]:  # the others are the same object
                item.is_undefined_length_sequence_item = True
                marked(item)
    return found


def saved(found, folder, name):
    """Write a data set, and return its path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found.save_as(folder / name, enforce_file_format=True)
    return str(folder / name)


def by_pydicom(path):
    """Read as a pydicom user would who knows which elements he wants."""
    found = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS)
    return [found.get(keyword) for keyword in KEYWORDS]


def readers():
    """Return the readers that are installed, by name."""
    made = {f"pydicom {pydicom.__version__}": by_pydicom}
    try:
        import dicomsdl
    except ImportError:
        pass
    else:

        def by_dicomsdl(path):
            found = dicomsdl.open(path, load_until=max(TAGS))
            return [found.getDataElement(tag).value() for tag in TAGS][:-2]

        made[f"dicomsdl {version('dicomsdl')}"] = by_dicomsdl
    try:
        import gdcm
    except ImportError:
        pass
    else:
        tags = [gdcm.Tag(tag >> 16, tag & 0xFFFF) for tag in TAGS]
        behind = gdcm.Tag(0x0100, 0x0427)

        def by_gdcm(path):
            reader, text = gdcm.Reader(), gdcm.StringFilter()
            reader.SetFileName(path)
            assert reader.ReadUpToTag(behind)
            text.SetFile(reader.GetFile())
            return [text.ToString(tag) for tag in tags][:-2]

        made[f"gdcm {version('python-gdcm')}"] = by_gdcm
    try:
        import fastdicom
    except ImportError:
        pass
    else:

        def by_fastdicom(path):
            found = fastdicom.dcmread(path, stop_before_pixels=True)
            return [found.get(keyword) for keyword in (*KEYWORDS, *CONTEXT)][:-2]

        made[f"fastdicom {version('fastdicom')}"] = by_fastdicom
    return made


def first_read(path):
    """Open a file and read its first 16 KiB: the limit."""
    with open(path, "rb", buffering=0) as file:
        return file.read(1 << 14)


SHOWN = {"CT": "the header of a CT, read", "42 MB, 5000 fr.": "a multi-frame of 42 MB, read"}


def to_hub(folder):
    """Yield a row for each kind of file."""
    under = codec("dicom")
    implicit = scan(**SAID)
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    cases = {
        "CT": (scan(**SAID), {"pydicom": 12.0, "dicomsdl": 0.9}),
        "CT, implicit VR": (implicit, {}),
        "42 MB, 5000 fr.": (
            marked(enhanced()),
            {"pydicom": 10_000.0, "dicomsdl": 0.9},
        ),
        "SR, 5,000 items": (marked(report()), {}),
    }
    for number, (size, (found, aims)) in enumerate(cases.items()):
        path = saved(found, folder, f"{number}.dcm")
        contenders = {OURS: lambda path=path: under.decode(path)}
        exact = {}
        (own,) = under.copies(path)
        want = (*own.identity[:2], own.sop_class_uid, own.sop_instance_uid)
        want += tuple(own.get(keyword) for keyword in SAID)
        for name, read in readers().items():
            contenders[name] = lambda read=read, path=path: read(path)
            told = [str(value or "").rstrip(" \0") for value in read(path)]
            exact[name] = told == [value or "" for value in want]
        contenders[LIMIT] = lambda path=path: first_read(path)
        aims = {name: aim for name in contenders if (aim := aims.get(name.split()[0]))}
        yield Row(
            "DICOM: read a file",
            size,
            contenders,
            aims,
            limits=frozenset([LIMIT]),
            exact=exact,
            note=NOTE,
            shown=SHOWN.get(size, ""),
        )


DECODED = "decoding alone"
APPLIED = (
    "By instructions: the strict walk over every header is 33 % of it, reading the result again by a reader that "
    "shares nothing with the first 31 %, the quick walk that decoding alone is 11 %, deciding and the record 7 %, "
    "the rest writing. Writing into a file took 12.0 yardsticks of the instruction guard, and takes 4.9; the second "
    "reader is new since the aim was set and stays. Both walks tell every tag, which must ascend: with a pattern "
    "over runs, as the quick walk has one, telling them takes as long as going from element to element."
)


def applied():
    """Yield the row of a data set that arrives over a link that nobody vouched for."""
    buffer = io.BytesIO()
    scan(**SAID).save_as(buffer)
    data, under, arrives = buffer.getvalue(), codec("dicom"), transformer("dicom", "dicom")
    assert arrives(data).records[0].after == "NS"
    contenders = {OURS: lambda: arrives(data), DECODED: lambda: under.decode(data)}
    yield Row(
        "DICOM: the profile applied to a data set", "CT", contenders, {DECODED: 1 / 4},
        limits=frozenset([DECODED]), note=APPLIED,
    )  # fmt: skip


def copied(path, out):
    """Copy a file, and have it on the disk, as we do."""
    shutil.copyfile(path, out)
    with open(out, "rb+", buffering=0) as file:
        os.fsync(file.fileno())


def by_pydicom_rewritten(path, out):
    """Read, change and save a whole data set."""
    found = pydicom.dcmread(path)
    found.SOPInstanceStatus = "AC"
    found.save_as(out)


def rewritten(folder):
    """Yield the rows of a status that changes in a file of 50 MB."""
    under = codec("dicom")
    path = saved(scan(**SAID, PixelData=bytes(50_000_000)), folder, "50.dcm")
    (own,) = under.copies(path)
    said = {**SAID, "SOPInstanceStatus": "AC"}
    new = [SOPInstance(*own.identity[:2], "", own.sop_instance_uid, "", said)]
    out = str(folder / "out.dcm")
    contenders = {
        OURS: lambda: under.rewrite(new, path, out),
        "copyfile and fsync": lambda: copied(path, out),
        f"pydicom {pydicom.__version__}": lambda: by_pydicom_rewritten(path, out),
    }
    aims = {"copyfile and fsync": 1 / 1.3}
    where = "memory" if str(folder).startswith("/dev/shm") else "disk"
    yield Row(
        "DICOM: change the status in a file",
        f"50 MB, {where}",
        contenders,
        aims,
        note=REWRITTEN,
    )


def rows():
    """Yield every row; files are made in a folder that goes away."""
    folder = Path(tempfile.mkdtemp(prefix="sopstatus-bench-"))
    atexit.register(shutil.rmtree, folder)
    yield from to_hub(folder)
    yield from applied()
    yield from rewritten(folder)
    memory = Path("/dev/shm")
    if memory.is_dir():
        folder = Path(tempfile.mkdtemp(prefix="sopstatus-bench-", dir=memory))
        atexit.register(shutil.rmtree, folder)
        yield from rewritten(folder)
