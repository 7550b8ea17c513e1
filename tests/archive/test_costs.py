"""The requests of docs/spark.md are what is asked of storage."""

from samples_of import ROOT

from archive.costs import of_disk, of_store

COUNT = 250


def row(place):
    text = (ROOT / "docs" / "spark.md").read_text()
    (found,) = [line for line in text.splitlines() if line.startswith(f"| {place} | ")][:1]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_a_file_is_opened_once_and_read_twice(tmp_path):
    cost = of_disk(tmp_path, COUNT, "local disk", 1)
    assert cost.requests == {"open": COUNT, "read": 2 * COUNT}
    assert row("local disk")[2] == row("NFS-like")[2] == "1 open, 2 read"
    assert f"{cost.sent // COUNT:,}" == row("local disk")[3] == row("NFS-like")[3]


def test_an_object_is_one_get_and_a_prefix_one_list():
    cost = of_store(COUNT, 0.0)
    assert cost.requests == {"GET": COUNT, "LIST": 4}  # the bucket, and three prefixes
    assert row("object storage")[2].startswith("1 GET, and 1 LIST for each prefix")
    assert round(cost.sent / COUNT, -3) == round(int(row("object storage")[3].replace(",", "")), -3)
