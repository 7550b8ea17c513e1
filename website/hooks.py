"""What the site has beside ``docs/``: the README, and every file of the repository that a page links to.

A file keeps its place: ``samples/README.md`` is ``samples/README.html``. A link to a folder is text.
"""

import re
import sys
from pathlib import Path

from mkdocs.structure.files import File

sys.path.append(str(Path(__file__).parent))
import reference
import try_it

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"^(```.*?^```)", re.M | re.S)
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
ISSUES = "docs/issues.md"
ISSUE = re.compile(r"^### ([a-z0-9-]+/[a-z0-9-]+)\n(.*?)(?=^<a id|^#|\Z)", re.M | re.S)


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
    for code, page in issue_pages():
        files.append(File.generated(config, f"issues/{code}.md", content=page))
    made, size = try_it.files(config)
    config.extra["try_size"] = size
    for file in made:
        files.append(file)
    for table in reference.TABLES:
        files.remove(files.get_file_from_path(f"{table}.html"))
        content = f"---\nsearch: {{boost: 4}}\n---\n\n# {reference.title(table)}\n"
        files.append(File.generated(config, f"{table}.md", content=content))
    for name, source in (
        ("assets/site.css", "website/site.css"),
        ("assets/try.css", "website/try.css"),
        ("assets/try.js", "website/try.js"),
        ("assets/mermaid.min.js", "build/mermaid/package/dist/mermaid.min.js"),
        ("assets/iframe-worker.js", "build/iframe-worker/package/shim/index.js"),
    ):
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    files.append(File.generated(config, "assets/reference.css", content=reference.style()))
    return files


def issue_pages():
    """Yield each issue code with a page of its own."""
    target = _target(ISSUES)
    for code, told in ISSUE.findall((ROOT / ISSUES).read_text("utf-8")):
        told = LINK.sub(lambda link: f"[{link[1]}](../../{target(link)}{link[3] or ''})", told)
        yield code, f"# {code}\n{told}\n[All issues](../../{ISSUES})\n"


def on_page_markdown(markdown, page, config, files):
    """Point links at the places that files have on the site."""
    own = page.file.src_uri
    if (
        own == "performance.md"
    ):  # thousands of figures: lunr takes two words that differ in digits for one
        page.meta["search"] = {"exclude": True}
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
        if to.removesuffix(".html") in reference.TABLES:
            to = to.replace(".html", ".md")
        up = "../" * own.count("/")
        return f"[{text}]({up}{to}{anchor})"

    parts = FENCE.split(markdown)
    return "".join(p if p.startswith("```") else LINK.sub(pointed, p) for p in parts)


def on_page_content(html, page, config, files):
    """Put "Try it" into the tutorial, and the reference of an attribute into its page."""
    name = page.file.src_uri.removesuffix(".md")
    if name in reference.TABLES:
        return reference.content(page, try_it.section(name, name, config.extra["try_size"]))
    if name == "tutorial":
        return try_it.in_tutorial(html, config.extra["try_size"])
    return html


def on_post_page(output, page, config):
    """Let a page that takes a document neither load nor send anything elsewhere."""
    if 'id="try"' not in output:
        return output
    return output.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{try_it.POLICY}', 1)


def _target(path):
    """Return what gives a link of this file as a path in the repository."""

    def of(match):
        if "://" in match[2]:
            return "."
        return (ROOT / path).parent.joinpath(match[2]).resolve().relative_to(ROOT).as_posix()

    return of
