"""The drawing of the profile's table: whole, links only within its page, no label on another."""

from importlib.resources import files
from itertools import combinations
from xml.etree import ElementTree

from sopstatus.artifacts.lifecycle_svg import lifecycle_svg, steps
from sopstatus.profile.table import load_profile

SVG = "{http://www.w3.org/2000/svg}"


def links(drawing):
    return list(ElementTree.fromstring(drawing).iter(f"{SVG}a"))


def test_every_change_of_state_is_an_arrow():
    profile = load_profile()
    want = {(p[0], row.result(p[0])) for p, row in profile.outcomes.items() if row.done}
    want = {step for step in want if step[0] != step[1]}
    assert {(step.old, step.new) for step in steps()} == want
    reasons = {(s.old, s.new): s.reasons for s in steps()}
    assert reasons["OR", "AO"] == (("authorize", "b"),)
    assert ("committed", "d.5.iii") in reasons["AO>", "AC"]
    assert {link.get("href") for link in links(lifecycle_svg())} >= {
        f"#{s.anchor}" for s in steps()
    }


def test_every_state_is_a_link_with_a_name():
    found = [link for link in links(lifecycle_svg()) if link.get("class") == "state"]
    shown = {link.find(f"{SVG}text").text for link in found}
    assert shown == set(load_profile().states)
    assert "".join(found[0].itertext()) == "- not held"


def test_the_name_of_an_arrow_begins_with_what_stands_on_it():
    for link in links(lifecycle_svg()):
        if link.get("class") == "step":
            assert link.get("aria-label").startswith("".join(link.itertext()) + ": from ")


def test_rule_letters_stand_on_the_arrows():
    (arrow,) = [link for link in links(lifecycle_svg()) if link.get("href") == "#step-none-to-NS"]
    assert "".join(arrow.itertext()) == "receive f.2, e"


def test_no_label_covers_another():
    boxes = {}
    for link in links(lifecycle_svg()):
        box = {k: float(v) for k, v in link.find(f"{SVG}rect").items() if k in "x y width height"}
        boxes[link.get("href"), box["x"]] = (
            *(box["x"], box["y"]),
            *(box["x"] + box["width"], box["y"] + box["height"]),
        )
    for (a, one), (b, other) in combinations(boxes.items(), 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, f"{a} covers {b}"
    root = ElementTree.fromstring(lifecycle_svg())
    _, _, width, height = map(float, root.get("viewBox").split())
    assert all(x >= 0 and y >= 0 and r <= width and b <= height for x, y, r, b in boxes.values())


def test_a_strict_page_may_hold_it():
    drawing = lifecycle_svg()
    assert drawing.isascii()
    assert "style" not in drawing
    assert "script" not in drawing
    assert all(link.get("href").startswith("#") for link in links(drawing))


def test_it_is_drawn_of_the_table():
    text = files("sopstatus.mappings").joinpath("online-electronic-storage.toml").read_text("utf-8")
    other = text.replace('rule    = "b"\noutcome = "done"', 'rule    = "b.1"\noutcome = "done"')
    assert other != text
    changed = lifecycle_svg(load_profile(other, "other.toml"))
    assert changed != lifecycle_svg()
    assert ">b.1</tspan>" in changed
