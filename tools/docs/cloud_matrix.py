"""The matrix of cloud services between its marks on a page: ``python -m docs.cloud_matrix docs/cloud.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from sopstatus.artifacts.cloud import matrix

MARKS = ("<!-- made of artifacts/cloud.toml: make docs -->\n", "<!-- end -->\n")


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
