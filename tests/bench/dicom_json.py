"""DICOM JSON rows: metadata to the hub and back, beside parsers as a user would write them.

The data set is pydicom's CT_small without private elements and pixels; status, UIDs,
numbers and positions of the instances are synthetic.
"""

import gc
import json
from dataclasses import replace

import orjson
import pydicom
from pydicom.data import get_testdata_file
from sopstatus import codec

from bench.harness import OURS, Row

ORJSON = "orjson + dict"
_NOTE = (
    "Since the aim was set the names of all attributes of a data set are looked at, for one that stands twice. Data "
    "sets whose texts differ in a few flat values alone, four here, are read once: what stands between those values "
    "is compared. msgspec tells where each data set ends."
)
IDENTITY = ("0020000D", "0020000E", "00080016", "00080018")
ATTRIBUTES = ("01000410", "01000420", "01000424", "01000426")
SAID = {
    "SOPInstanceStatus": "AO",
    "SOPAuthorizationDateTime": "20240115103015+0100",
    "SOPAuthorizationComment": "Released after review",
}


def metadata(count):
    """Return the answer of /metadata for a series of this many instances, about 5 kB each."""
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"), stop_before_pixels=True)
    dataset.remove_private_tags()
    dataset.ImageComments = "synthetic " * 100
    for keyword, value in SAID.items():
        setattr(dataset, keyword, value)
    node = dataset.to_json_dict()
    uid = dataset.SOPInstanceUID
    listed = [
        node
        | {
            "00080018": {"vr": "UI", "Value": [f"{uid}.{n}"]},
            "00200013": {"vr": "IS", "Value": [n]},
            "00200032": {"vr": "DS", "Value": [-158.135, -179.036, -75.699 + n]},
            "00201041": {"vr": "DS", "Value": [-75.699 + n]},
        }
        for n in range(1, count + 1)
    ]
    return json.dumps(listed, separators=(",", ":")).encode()


def by_dict(listed):
    """Pick identity and attributes of parsed data sets, as a user would."""
    first = lambda node, tag: (node.get(tag, {}).get("Value") or [None])[0]  # noqa: E731
    return [
        (*(first(node, tag) for tag in IDENTITY), *(first(node, tag) for tag in ATTRIBUTES))
        for node in listed
    ]


def without_collector(call):
    """Call with the garbage collector off."""

    def run():
        gc.disable()
        try:
            return call()
        finally:
            gc.enable()

    return run


def rows():
    """Yield a row for each number of instances: reading all, and changing one."""
    under = codec("dicom-json")
    for count in (1, 100, 5000):
        data = metadata(count)
        size = f"{count:,} instance{'s' * (count > 1)}"
        parsers = {ORJSON: orjson.loads, "json": json.loads}
        contenders = {OURS: lambda data=data: under.decode(data)}
        for name, loads in parsers.items():
            contenders[name] = lambda loads=loads, data=data: by_dict(loads(data))
        quiet = f"{ORJSON}, collector off"
        contenders[quiet] = without_collector(contenders[ORJSON])
        if count == 1:
            contenders["pydicom"] = lambda data=data: [
                pydicom.Dataset.from_json(node) for node in json.loads(data)
            ]
        want = [
            (*x.identity[:2], x.sop_class_uid, x.sop_instance_uid, dict(x.attributes))
            for x in under.decode(data).value
        ]
        assert want == [
            (*row[:4], {k: v for k, v in zip(SAID, row[4:], strict=False) if v})
            for row in by_dict(json.loads(data))
        ]
        aims = {ORJSON: 25.0, quiet: 8.0} if count == 5000 else {}
        yield Row("DICOM JSON: read metadata", size, contenders, aims, note=_NOTE)
        (x, *_) = under.decode(data).value
        new = [replace(x, attributes={**SAID, "SOPInstanceStatus": "AC"})]
        writers = {OURS: lambda data=data, new=new: under.encode(new, data)}
        dumpers = {"json": json.dumps}
        for name, loads in parsers.items():
            dumps = dumpers.get(name, orjson.dumps)

            def edited(loads=loads, dumps=dumps, data=data):
                listed = loads(data)
                listed[0]["01000410"]["Value"] = ["AC"]
                return dumps(listed)

            writers[name] = edited
        yield Row("DICOM JSON: one of them changed", size, writers)
