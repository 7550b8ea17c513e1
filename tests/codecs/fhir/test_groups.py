"""Several groups of attributes in one FHIR resource."""

from pathlib import Path

from sopstatus import SOPInstance, codec, load_tables


def test_the_statements_of_two_groups_are_removed_together(tmp_path):
    """The first group's removal must not move the place that the second has found."""
    readme = Path(__file__).resolve().parents[3] / "mappings" / "README.md"
    table = readme.read_text().partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "quality.toml").write_text(table)
    under = codec("fhir", tables=load_tables(tmp_path))
    uids = ("1.2.3", "1.2.3.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1", "")
    said = SOPInstance(*uids, {"SOPInstanceStatus": "AO", "QualityControlImage": "YES"})
    bare = under.blank([said])
    written = under.encode([said], bare).value
    assert len(written["series"][0]["instance"][0]["extension"]) == 2
    assert under.encode([SOPInstance(*uids)], written).value == bare
