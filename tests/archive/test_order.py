"""What is left of a walk, against sets."""

from hypothesis import given
from hypothesis import strategies as st
from sopstatus.archive.order import Covered, left, position, roots

NAMES = st.sampled_from(["a", "b", "a.b", "a-", "A", "aa", "é", "\udcff"])
FILES = st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), unique=True)
ROOTS = ["z", "./m/", "/"]


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), FILES)), st.randoms())
def test_left(drawn, chance):
    every = {ROOTS[root].rstrip("/") + "/" + name for root, names in drawn for name in names}
    walk = sorted(every, key=position(ROOTS))
    rounds, known = [], set()
    for _ in range(chance.randint(1, 3)):
        new = {one for one in walk if chance.random() < 0.4} - known
        known |= new
        rounds.append(Covered(one, "") for one in sorted(new, key=position(ROOTS)))
    found = [one for one in walk if chance.random() < 0.8]
    assert list(left(found, rounds, ROOTS)) == [one for one in found if one not in known]


def test_the_order_is_that_of_the_walk(tmp_path):
    from sopstatus.documents.files import files

    for name in ("b/c/2", "b/1", "b.c/1", "b-", "a", "B", "b/c.d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    walk = list(files([tmp_path]))
    assert walk == sorted(walk, key=position([str(tmp_path)]))


def test_roots():
    assert roots(["a", "b/c", "./a", "b", "ab", "b/c/d"]) == ["a", "b", "ab"]
    assert roots(["/x", "/"]) == ["/"]
