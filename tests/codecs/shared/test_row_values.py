"""How a row reads and writes its value: terms, aliases, open sets, and what is quoted of a value."""

import pytest
from extra_table import qualification, table
from sopstatus import load_tables
from sopstatus.codecs.shared import row_values as forms

CODES = """
PRODUCT = { display = "Product", hl7 = "P", fhir = "product" }
RESEARCH = { display = "Research", hl7 = "R", fhir = "RES" }
"""
TABLE = table(qualification(CODES, '"ID"'))
ROWS = load_tables().attributes
STATUS, WHEN, COMMENT, NUMBER = ROWS.values()


@pytest.fixture(scope="module")
def open_set(tmp_path_factory):
    """Return a row of Defined Terms whose codes are not its terms."""
    folder = tmp_path_factory.mktemp("tables")
    (folder / "extra.toml").write_text(TABLE)
    return load_tables(folder).attributes["ContentQualification"]


def test_the_rows_are_what_the_tests_take_them_for():
    assert [row.vr for row in (STATUS, WHEN, COMMENT, NUMBER)] == ["CS", "DT", "LT", "LO"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Q", '"Q"'),
        ("QQ", '"QQ"'),  # as short as a term: no name
        ("QQQ", "a value of 3 characters"),
        ("ao ", '"ao "'),
        ("XAOX", "a value of 4 characters"),
        ("\tAO", "a value of 3 characters"),
        ("A\x07", "a value of 2 characters"),
        ("authorized", '"authorized"'),  # an alias
        (" Authorized Original ", '" Authorized Original "'),  # a display
        ("Specified", '"Specified"'),  # a word of one
        ("DOE^JANE", "a value of 8 characters"),
    ],
)
def test_only_what_is_near_a_term_is_quoted(text, told):
    assert forms.shown(STATUS, text) == told


@pytest.mark.parametrize(
    ("text", "code", "facts"),
    [
        ("AO\\AC", "value/multiplicity", {"count": 2}),
        ("AO\\AC\\OR", "value/multiplicity", {"count": 3}),
        ("ao", "value/lower-case", {"term": "AO", "terms": "NS, OR, AO, AC"}),
        ("QQ", "value/unknown-term", {"terms": "NS, OR, AO, AC", "value": '"QQ"'}),
    ],
)
def test_what_is_wrong_with_a_status(text, code, facts):
    ((found, told),) = forms.problems(STATUS, text)
    assert found == code
    assert told.items() >= facts.items()


def test_padding_is_no_fault_of_a_term():
    assert list(forms.problems(STATUS, " AO ")) == []


def test_terms_of_an_open_set(open_set):
    for text, code in (("OTHER", "value/unlisted-term"), ("not one", "value/not-code-string")):
        assert [found for found, _ in forms.problems(open_set, text)] == [code]


def test_codes_of_a_closed_set():
    assert forms.to_hl7(STATUS, " AO ") == forms.to_fhir(STATUS, " AO ") == ["AO"]
    assert (forms.to_hl7(STATUS, "QQ"), forms.to_fhir(STATUS, "QQ")) == ([None], [])
    assert [forms.from_hl7(STATUS, [text]) for text in ("AUTHORIZED", " AO ", "QQ")] == [
        "AO",
        "AO",
        "QQ",
    ]
    assert [forms.from_fhir(STATUS, [text]) for text in (" AO ", "QQ")] == ["AO", "QQ"]


def test_codes_of_an_open_set(open_set):
    for to, back, codes, none in (
        (forms.to_hl7, forms.from_hl7, ("P", "R"), [None]),
        (forms.to_fhir, forms.from_fhir, ("product", "RES"), []),
    ):
        assert (*to(open_set, "PRODUCT"), *to(open_set, "RESEARCH")) == codes
        assert [back(open_set, [code]) for code in codes] == ["PRODUCT", "RESEARCH"]
        assert to(open_set, "OTHER") == [back(open_set, ["OTHER"])] == ["OTHER"]
        assert to(open_set, codes[1]) == none  # it would be read as another term
        assert to(open_set, "not one") == none
    assert forms.to_hl7(open_set, "A  B") == ["A  B"]
    assert forms.to_fhir(open_set, "A  B") == []  # no code of FHIR


def test_text_is_never_taken_for_a_code():
    for to, back in ((forms.to_hl7, forms.from_hl7), (forms.to_fhir, forms.from_fhir)):
        assert to(COMMENT, " AUTHORIZED") == [back(COMMENT, [" AUTHORIZED"])] == [" AUTHORIZED"]


def test_a_time_without_an_offset_is_a_date_in_fhir():
    assert forms.to_fhir(WHEN, "20240102030405") == ["2024-01-02"]
    assert forms.to_fhir(WHEN, "20240102030405", "+0100") == ["2024-01-02T03:04:05+01:00"]


@pytest.mark.parametrize(
    ("row", "read", "again", "value", "stale"),
    [
        (STATUS, "AO", "AO", "exact", False),
        (STATUS, "AC", "AO", "AC", True),
        (STATUS, "AC", None, "AC", True),
        (STATUS, None, None, "exact", False),
        (STATUS, None, "AO", None, True),
        (WHEN, None, "20240102", None, True),
        (COMMENT, None, "words", "exact", False),
    ],
)
def test_a_field_and_the_exact_text_beside_it(row, read, again, value, stale):
    assert forms.resolve(row, read, again, "exact") == (value, stale)
