"""The laws of the test kit over many tables at once: every shipped group, and one of each VR."""

import pytest
from sopstatus import load_tables
from sopstatus.scaffold import scaffold
from sopstatus.testkit.law_checks import LAWS, check
from sopstatus.transform import FORMATS

from testkit.test_new import ONE_OF_EACH_VR


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Twenty groups: what one does must not disturb what another has found."""
    folder = tmp_path_factory.mktemp("site")
    for name in (group.name for group in load_tables().available if not group.enabled):
        (folder / f"{name}.toml").write_text(f'name = "{name}"\nenabled = true\n')
    taken = {k for group in load_tables().available for k in (r.keyword for r in group.attributes)}
    for keyword in ONE_OF_EACH_VR.values():
        if keyword not in taken:
            made = scaffold(keyword, load_tables(folder))
            (folder / f"{made.name}.toml").write_text(made.table)
    return load_tables(folder)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("law", LAWS)
def test_law(law, name, tables):
    check(law, name, tables)


def test_every_vr_is_among_them(tables):
    assert {row.vr for row in tables.attributes.values()} == set(ONE_OF_EACH_VR)
    assert len(tables.groups) > 15
