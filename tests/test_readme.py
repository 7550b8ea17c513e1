"""What the README shows is what happens."""

import re
from pathlib import Path

from samples_of import FOLDER, bare

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_example(tmp_path, monkeypatch, capsys):
    case = "authorized-original"
    (tmp_path / "image.dcm").write_bytes((FOLDER / case / "image.dcm").read_bytes())
    (tmp_path / "message.hl7").write_bytes((FOLDER / case / "message.hl7").read_bytes())
    (tmp_path / "archive.dcm").write_bytes(bare(case, "dicom"))
    monkeypatch.chdir(tmp_path)
    first, second = BLOCKS
    assert len([line for line in first.splitlines() if line]) <= 8
    exec(first, {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("NS warning link/untrusted (0100,0410): ")
    assert lines[1] == "AO"
    exec(
        second.replace('open("message.hl7", "rb").read()', "Path('message.hl7').read_bytes()"),
        {"Path": Path},
    )
    assert "'SOPInstanceStatus': 'AO'" in capsys.readouterr().out
