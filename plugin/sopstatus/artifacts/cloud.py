"""What cloud DICOM services do with an attribute: ``cloud.toml``, read and checked.

``python -m sopstatus.artifacts.cloud docs/cloud.md`` writes the matrix between its marks on that page.
"""

from __future__ import annotations

import sys
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

MARKS = ("<!-- made of artifacts/cloud.toml: make docs -->\n", "<!-- end -->\n")
ANSWERS = ("yes", "partly", "no", "unknown")
KNOWN = ("measured", "source", "documented", "inferred")


class Answer(NamedTuple):
    """One cell of the matrix."""

    answer: str
    known: str
    says: str


class Service(NamedTuple):
    """One row: a product, its answers in the order of the questions, and where they stand."""

    name: str
    answers: tuple[Answer, ...]
    sources: tuple[str, ...]


class Matrix(NamedTuple):
    """The whole matrix, about the attributes of one group."""

    group: str
    checked: str
    questions: tuple[str, ...]
    services: tuple[Service, ...]


@cache
def matrix() -> Matrix:
    """Return the matrix; raise `KeyError` where a service leaves a question open."""
    text = files("sopstatus.artifacts").joinpath("cloud.toml").read_text("utf-8")
    data = tomllib.loads(text)
    names = [question["name"] for question in data["questions"]]
    services = tuple(
        Service(one["name"], tuple(Answer(**one[name]) for name in names), tuple(one["sources"]))
        for one in data["service"]
    )
    titles = tuple(question["title"] for question in data["questions"])
    return Matrix(data["group"], data["checked"], titles, services)


def markdown() -> str:
    """Return the matrix as a Markdown table."""
    made = matrix()
    lines = [("", *made.questions), ("---",) * (1 + len(made.questions))]
    for service in made.services:
        cells = [f"**{one.answer}**. {one.says} ({one.known})" for one in service.answers]
        lines.append((service.name, *cells))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def with_matrix(page: str) -> str:
    """Return a page with the matrix of today between its marks."""
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}{markdown()}{MARKS[1]}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_matrix(path.read_text("utf-8")), "utf-8")
