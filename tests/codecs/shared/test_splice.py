"""Edits of a document, by their spans."""

from sopstatus.codecs.shared.splice import splice


def test_spans_are_replaced_and_insertions_keep_their_order():
    edits = [(6, 6, b"2"), (0, 1, b"A"), (6, 6, b"1"), (3, 5, b"")]
    assert splice(b"abcdefg", edits) == b"Abcf21g"
    assert splice(b"abc", []) == b"abc"
    assert splice(b"abc", [(3, 3, b"d"), (0, 0, b"_")]) == b"_abcd"
    assert splice("äbc", [(0, 1, "Ä")]) == "Äbc"
