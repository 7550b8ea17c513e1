"""docs/security-profile.md shows the table as it is."""

from pathlib import Path

from sopstatus.artifacts.profile_diagram import diagram

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security-profile.md"


def test_the_diagram_is_current():
    assert f"```mermaid\n{diagram()}```" in PAGE.read_text("utf-8")
