"""The profile's table: what loading proves, and that no row can be changed unseen."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from sopstatus.model import TableError
from sopstatus.profile.table import load_profile

TEXT = files("sopstatus.mappings").joinpath("online-electronic-storage.toml").read_text("utf-8")
PROFILE = load_profile()
ROWS = [row.name for row in PROFILE.rows]
ORIGINALS = ("OR", "AO", "OR?", "AO?", "OR>", "AO>")
COPIES = ("ABS", "NS", "AC")
TERM = {state: state.rstrip("?>") for state in PROFILE.states}


def expected(state, event, said):
    """Say what the standard says of a point, written without the table: state, wire (or refused).

    ``None`` is a refusal. PS3.15 A.1.1, with our readings where it is silent.
    """
    trusted = said.get("link") == "trusted"
    kept = (state, "none")
    if event == "create":
        return (
            None if state != "-" else ("OR" if said["intended"] == "diagnosis" else "ABS", "none")
        )
    if event == "receive":
        return arrival(state, said["value"], trusted) if said["integrity"] == "passed" else None
    if event in ("committed", "not-committed", "confirmed", "not-confirmed"):
        return commitment(state, event, said["transaction"], said.get("choice"), kept)
    if event in ("store-failed", "timed-out"):
        return (state[:2], "none") if state.endswith(">") else None
    if state == "-" or event in ("change", "alter"):
        return None
    if event == "respell":
        return (state, "none")
    if event == "authorize":
        return ("AO", "none") if state == "OR" and said["certified"] == "yes" else None
    if event == "delete":
        return ("-", "none") if state in COPIES else None
    if event in ("de-identify", "lossy-copy"):
        gone = state == "ABS" or said["policy"] == "strip"
        return (state, "left-out" if gone else "NS") if said["uid"] == "new" else None
    if event == "transfer":
        return (f"{state}>", state) if state in ("OR", "AO") and trusted else None
    assert event == "send"
    return outgoing(state, trusted, said["policy"])


def outgoing(state, trusted, policy):
    if state.endswith("?"):
        return None
    if state == "ABS":
        return (state, "left-out")
    term = TERM[state]
    if not trusted:
        if policy == "preserve" and term != "NS":
            return None
        return (state, "left-out" if policy == "strip" else "NS")
    if policy in ("demote-to-not-specified", "strip") or term == "NS":
        return (state, "NS")
    if term == "OR" or (term == "AO" and policy == "preserve"):
        return None
    return (state, "AC")


def arrival(state, value, trusted):
    if not trusted:
        return ("NS", "none") if state in ("-", "ABS", "NS") else None
    if value in ("OR", "AO"):
        fits = state in ("-", f"{value}?") or (state == "OR?" and value == "AO")
        return (f"{value}?", "none") if fits else None
    return (value, "none") if value != "invalid" and state not in ORIGINALS else None


def commitment(state, event, transaction, choice, kept):
    if transaction == "closed" and event in ("committed", "confirmed"):
        return kept  # a repeated message changes nothing and is answered as before
    if transaction != "open":
        return None
    waits = state.endswith("?" if event.endswith("confirmed") else ">")
    if not waits:
        return None
    if event in ("not-committed", "confirmed"):
        return (state[:2], "none")
    after = {"delete": "-", "NS": "NS", "AC": "AC"}[choice]
    if after == "AC" and (event, state) != ("committed", "AO>"):
        return None
    return (after, "none")


def differences(profile):
    """Yield the points at which a table says something else than the standard."""
    for state, event, values in profile.points():
        said = dict(zip(profile.events[event].conditions, values, strict=True))
        row = profile.row(state, event, **said)
        found = (row.result(state), row.wire) if row.done else None
        if found != expected(state, event, said):
            yield state, event, said


def test_every_point_is_what_the_standard_says():
    assert list(differences(PROFILE)) == []
    assert len(PROFILE.outcomes) == len(list(PROFILE.points())) == 870


def test_every_row_is_used():
    assert {row.name for row in PROFILE.outcomes.values()} == set(ROWS)


def blocks():
    return re.split(r"(?=^\[\[)", TEXT, flags=re.MULTILINE)


def mutated(name, key, value):
    """Return the table with one key of one row changed."""
    parts = blocks()
    index = next(i for i, p in enumerate(parts) if f'name    = "{name}"' in p)
    parts[index] = re.sub(rf"^{key}( *)= .*$", rf'{key}\1= "{value}"', parts[index], flags=re.M)
    text = "".join(parts)
    assert text != TEXT
    return text


def mutations(row):
    """Yield other results, other wires and the other outcome of a row."""
    yield from (("to", state) for state in ("same", *PROFILE.states) if state != row.to)
    yield from (
        ("wire", wire) for wire in ("none", "left-out", "NS", "OR", "AO", "AC") if wire != row.wire
    )
    yield "outcome", "refused" if row.done else "done"


def same(row, key, value):
    """Tell whether a change says the same in other words ("same" of AO is AO)."""
    return (
        key == "to"
        and {row.result(s) for s in row.states}
        == {s if value == "same" else value for s in row.states}
        and len(row.states) == 1
    )


@pytest.mark.parametrize("name", ROWS)
def test_no_row_can_be_changed_unseen(name):
    row = next(r for r in PROFILE.rows if r.name == name)
    for key, value in mutations(row):
        if same(row, key, value):
            continue
        try:
            changed = load_profile(mutated(name, key, value))
        except TableError as error:
            assert error.line > 0 and error.message
        else:
            assert list(differences(changed)), (name, key, value)


@pytest.mark.parametrize("name", ROWS)
def test_no_row_can_hold_of_less(name):
    """A state or a value of a condition that a row lets go has no row any more."""
    parts = blocks()
    index = next(i for i, p in enumerate(parts) if f'name    = "{name}"' in p)
    lists = re.compile(r'(?<=\[)"[^\]]+"(?=\])')
    for line in re.findall(r"^(?:from|when) .*$", parts[index], re.M):
        for named in lists.finditer(line):
            for word in re.findall(r'"[^"]+"', named[0]):
                fewer = ", ".join(w for w in re.findall(r'"[^"]+"', named[0]) if w != word)
                less = line[: named.start()] + fewer + line[named.end() :]
                block = parts[index].replace(line, less)
                with pytest.raises(TableError):
                    load_profile("".join([*parts[:index], block, *parts[index + 1 :]]))


@pytest.mark.parametrize("name", ROWS)
def test_no_row_can_be_removed_or_repeated(name):
    parts = blocks()
    index = next(i for i, p in enumerate(parts) if f'name    = "{name}"' in p)
    with pytest.raises(TableError, match="no row has"):
        load_profile("".join(parts[:index] + parts[index + 1 :]))
    again = parts[index].replace(f'"{name}"', f'"{name}-again"')
    with pytest.raises(TableError, match=f"already has the row {name}"):
        load_profile("\n".join([TEXT, again]))


@pytest.mark.parametrize(
    ("old", "new", "key", "match"),
    [
        ('event   = "authorize"', 'event   = "authorise"', "row.4.event", 'mean "authorize"'),
        ('from    = ["OR"]', 'from    = ["RO"]', "row.4.from", "unknown"),
        ('certified = ["yes"]', 'certifed = ["yes"]', "row.4.when.certifed", 'mean "certified"'),
        ('certified = ["yes"]', 'certified = ["yess"]', "row.4.when.certified", 'mean "yes"'),
        ('outcome = "done"', 'outcom = "done"', "row.1.outcom", 'mean "outcome"'),
        ('rule    = "a"', 'rule    = "z.9"', "row.1.rule", "is not like"),
        ('to      = "OR"', 'to      = "ORI"', "row.1.to", "is not one of"),
        ('code    = "profile/already-held"\n', "", "row.3.outcome", "needs the code"),
    ],
)  # fmt: skip
def test_a_broken_edit(old, new, key, match):
    with pytest.raises(TableError, match=re.escape(match)) as caught:
        load_profile(TEXT.replace(old, new, 1), "mine.toml")
    assert (caught.value.file, caught.value.key) == ("mine.toml", key)
    line = TEXT[: TEXT.index(old)].count("\n") + 1
    assert abs(caught.value.line - line) <= 8  # the key, or the row that it is missing from


def test_it_is_no_mapping_table(tmp_path):
    import sopstatus
    from sopstatus.table import lint

    assert lint() == []
    assert "online-electronic-storage" not in {g.name for g in sopstatus.load_tables().available}
    (tmp_path / "online-electronic-storage.toml").write_text(TEXT)
    with pytest.raises(TableError, match="no site's own"):
        sopstatus.load_tables(tmp_path)


def test_the_names_of_the_policies_are_one_set():
    from sopstatus.profile import POLICIES
    from sopstatus.table.language import SITE

    assert PROFILE.conditions["policy"] == POLICIES == SITE["link-policy"].choices
    assert tomllib.loads(TEXT)["version"] == PROFILE.version


def written_down(row):
    """Return what a row says beside states and wire, in one line of rows.txt."""
    keys = (("set", row.set), ("may-set", row.may_set), ("clear", row.clear))
    short = [
        f"{key} {','.join(k.removeprefix('SOP') for k in named)}" for key, named in keys if named
    ]
    return "; ".join([row.name, f"rule {row.rule}", *([row.code] if row.code else []), *short])


def test_rule_code_and_attributes_of_every_row():
    """rows.txt was read against PS3.15 A.1.1: a change of a rule, code or attribute shows here."""
    lines = (Path(__file__).parent / "rows.txt").read_text().splitlines()
    assert [written_down(row) for row in PROFILE.rows] == lines
