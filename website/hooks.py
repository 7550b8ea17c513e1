"""What the site has beside ``docs/``: the README, and every file of the repository that a page links to.

A file keeps its place: ``samples/README.md`` is ``samples/README.html``. A link to a folder is text.
"""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"^(```.*?^```)", re.M | re.S)
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def on_files(files, config):
    """Add what stands outside the folder of the documents, and what that links to."""
    waiting = [*PAGES, *(f"docs/{file.src_uri}" for file in files if file.src_uri.endswith(".md"))]
    seen = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if not path.startswith("docs/"):
            files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
        if path.endswith(".md"):
            text = FENCE.sub("", (ROOT / path).read_text("utf-8"))
            waiting += [
                to for to in map(_target(path), LINK.finditer(text)) if (ROOT / to).is_file()
            ]
    for name, source in (
        ("assets/site.css", "website/site.css"),
        ("assets/mermaid.min.js", "build/mermaid/package/dist/mermaid.min.js"),
    ):
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Point links at the places that files have on the site."""
    own = page.file.src_uri
    path = own if files.get_file_from_path(own).generated_by else f"docs/{own}"
    target = _target(path)

    def pointed(match):
        text, link, anchor = match[1], match[2], match[3] or ""
        if "://" in link:
            return match[0]
        to = target(match)
        if (ROOT / to).is_dir():
            return text
        to = to.removeprefix("docs/")
        up = "../" * own.count("/")
        return f"[{text}]({up}{to}{anchor})"

    parts = FENCE.split(markdown)
    return "".join(p if p.startswith("```") else LINK.sub(pointed, p) for p in parts)


def _target(path):
    """Return what gives a link of this file as a path in the repository."""

    def of(match):
        if "://" in match[2]:
            return "."
        return (ROOT / path).parent.joinpath(match[2]).resolve().relative_to(ROOT).as_posix()

    return of
