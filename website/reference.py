"""The reference pages of attributes, which are whole pages of their own, as pages of the site."""

import re
from html import unescape
from pathlib import Path

from mkdocs.structure.toc import get_toc

DOCS = Path(__file__).resolve().parents[1] / "docs"
TABLES = sorted(page.stem for page in DOCS.glob("*.html"))
RULE = re.compile(r"([^{}@]+)\{([^{}]*)\}")
OF_THE_SITE = re.compile(r"(html|body|header|nav|footer|h1|\.layout)\b")
DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{ *:root *(\{[^{}]*\}) *\}")
HEADING = re.compile(r'<h(\d) id="([^"]+)">(.*?)</h\d>')


def title(table):
    """Return the heading of a page."""
    return unescape(_between(_text(table), "<h1>", "</h1>"))


def content(page, section):
    """Return what a page of the site holds; its headings become the page's table of contents."""
    text = _text(page.file.src_uri.removesuffix(".md"))
    head = _between(text, "<header>", "</header>")
    body = _between(text, "<main>", "</main>") + _between(text, "<script>", "</script>", whole=True)
    found = [
        {"level": int(level), "id": anchor, "name": unescape(name), "children": []}
        for level, anchor, name in HEADING.findall(body)
    ]
    top = {"level": 1, "id": "", "name": page.title, "children": []}
    for one in found:
        (top if one["level"] == 2 else top["children"][-1])["children"].append(one)
    page.toc = get_toc([top])
    page.present_anchor_ids = set(re.findall(r' id="([^"]+)"', body))
    style = '<link rel="stylesheet" href="assets/reference.css">'
    tables = body.replace(
        "<table>", '<table class="ours">'
    )  # the theme wraps those without a class
    return f'{style}<div class="reference no-copy">{head}{section}{tables}</div>'


def style():
    """Return the pages' own style, for what is in them and nothing of the site's."""
    css = _between(_text(TABLES[0]), "<style>", "</style>")
    dark = DARK.search(css)
    slate = f'[data-md-color-scheme="slate"] .reference {dark[1]}'
    return RULE.sub(_scoped, css.replace(dark[0], "")) + slate


def _scoped(rule):
    selectors = [one.strip() for one in rule[1].split(",")]
    kept = [
        ".reference" if one == ":root" else f".reference {one}"
        for one in selectors
        if not OF_THE_SITE.match(one)
    ]
    # a rem of the site is 20 px
    lengths = re.sub(r"([\d.]+)rem", lambda length: f"{float(length[1]) * 0.8:g}rem", rule[2])
    return f"{', '.join(kept)} {{{lengths}}}\n" if kept else ""


def _text(table):
    return (DOCS / f"{table}.html").read_text("utf-8")


def _between(text, start, end, *, whole=False):
    found = text[text.index(start) + len(start) : text.index(end, text.index(start))]
    return f"{start}{found}{end}" if whole else found
