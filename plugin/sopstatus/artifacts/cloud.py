"""What cloud DICOM services do with an attribute: ``cloud.toml``, read and checked."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

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
