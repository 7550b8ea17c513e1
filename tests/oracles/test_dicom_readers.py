"""Every Part 10 file, read by pydicom and by DCMTK: what we meant is there, the rest is as it was."""

import io
import re
import subprocess
from dataclasses import replace

import pydicom
import pytest
from samples_of import CASES, emptied, sample
from sopstatus import codec

from oracles.meaning import COMMENT, NUMBER, STATUS, WHEN
from tools import need

DICOM = codec("dicom")
CHANGES = {
    "changed": {STATUS: "AC", WHEN: "20240229", COMMENT: "changed", NUMBER: "SYN-9"},
    "status-only": {STATUS: "OR"},
    "emptied": {STATUS: None},
    "odd-length": {STATUS: "AO", COMMENT: "odd", NUMBER: "X"},
    "removed": {},
}
GROUP = re.compile(r"^\(0100,04")


def files():
    for case in CASES:
        data = sample(case, "dicom")
        (x,) = DICOM.instances(data)
        yield (
            case,
            "as it is",
            data,
            data,
            dict(DICOM.decode(data).value[0].attributes) if case != "absent" else {},
        )
        for name, said in CHANGES.items():
            new = replace(x, attributes=tuple(said.items())) if said else emptied(x)
            yield case, name, data, DICOM.encode([new], data).value, said


ALL = list(files())
each_file = pytest.mark.parametrize(
    ("before", "after", "said"), [a[2:] for a in ALL], ids=[f"{a[0]}-{a[1]}" for a in ALL]
)


@each_file
def test_pydicom(before, after, said):
    old, new = (pydicom.dcmread(io.BytesIO(data)) for data in (before, after))
    assert {e.keyword: e.value or None for e in new.group_dataset(0x0100)} == said
    for dataset in (old, new):
        for tag in [t for t in dataset.keys() if t.group == 0x0100]:  # noqa: SIM118
            del dataset[tag]
    assert old == new
    assert old.preamble == new.preamble
    assert old.file_meta == new.file_meta


def plain(line):
    return re.sub(r"#.*", "", line).strip()


@each_file
def test_dcmtk(before, after, said, tmp_path):
    dcmdump, dcmftest = need("dcmdump"), need("dcmftest")
    paths = [tmp_path / "before.dcm", tmp_path / "after.dcm"]
    dumps = []
    for path, data in zip(paths, (before, after), strict=True):
        path.write_bytes(data)
        done = subprocess.run(
            [dcmdump, "-q", "-M", "+L", "+uc", path], capture_output=True, check=True
        )
        text = done.stdout.decode("utf-8", "surrogateescape")
        dumps.append(re.split(r"\n(?=\s*\(\w{4},\w{4}\) |#)", text))  # a value may hold line ends
    checked = subprocess.run([dcmftest, paths[1]], capture_output=True, check=True, text=True)
    assert checked.stdout.startswith("yes:")
    old, new = ([line for line in dump if not GROUP.match(line)] for dump in dumps)
    assert [plain(line) for line in old] == [plain(line) for line in new]
    tags = {STATUS: "0410", WHEN: "0420", COMMENT: "0424", NUMBER: "0426"}
    read = {line[6:10]: line for line in dumps[1] if GROUP.match(line)}
    assert set(read) == {tags[keyword] for keyword in said}
    for keyword in (STATUS, WHEN, NUMBER):
        if said.get(keyword):
            assert f"[{said[keyword]}]" in read[tags[keyword]]
        elif keyword in said:
            assert "(no value available)" in read[tags[keyword]]
