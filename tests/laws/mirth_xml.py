"""Messages as Mirth's XML for the laws, in all the spellings that XML allows, and what is not ours."""

import re

from hypothesis import strategies as st

_OUR_SEGMENT = re.compile(rb"\s*<ZDS>(.*?)</ZDS>", re.DOTALL)
_STUDY = re.compile(rb"<ZDS\.1>\s*(?:<ZDS\.1\.1>)?\s*(?:<!\[CDATA\[)?[0-9]")
_COMMENT = re.compile(rb"<!--.*?-->")


def split(text, mark):
    return text.split(mark) if mark else [text]


class Spelling:
    """How one document is spelt; the drawn choices are the same all over it."""

    def __init__(self, draw, marks):
        self.marks = [*marks, "", "", ""]
        self.line = draw(st.sampled_from(["", "", "\n", "\r\n"]))
        self.step = draw(st.sampled_from(["", "  ", "\t"])) if self.line else ""
        self.comment = draw(st.sampled_from(["", "", "", "<!--x-->"]))
        self.empty = draw(st.sampled_from(["<{0}/>", "<{0}/>", "<{0}></{0}>", "<{0} />"]))
        self.data = draw(st.sampled_from(["{0}", "{0}", "{0}", "<![CDATA[{1}]]>"]))
        self.bare = draw(st.integers(0, 3)) == 0  # a field as a script sets it: text and no .1
        self.whole_repetitions = draw(st.integers(0, 5)) == 0  # Handle Repetitions is off

    def text(self, text):
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("é", "&#233;")
        return self.data.format(escaped, text) if "]]>" not in text else escaped

    def element(self, name, inner, depth):
        if not inner:
            return self.empty.format(name)
        if inner.startswith("<") and not inner.startswith("<!["):
            end = self.line + self.step * depth if self.line else ""
            return f"<{name}>{self.comment}{inner}{end}</{name}>"
        return f"<{name}>{inner}</{name}>"

    def nested(self, name, text, marks, depth):
        if not text or not marks:
            return self.element(name, self.text(text), depth)
        parts = split(text, marks[0])
        if len(parts) == 1 and (len(marks) == 1 or self.bare):
            return self.element(name, self.text(text), depth)
        lead = self.line + self.step * (depth + 1)
        inner = "".join(
            lead + self.nested(f"{name}.{n}", part, marks[1:], depth + 1)
            for n, part in enumerate(parts, 1)
        )
        return self.element(name, inner.lstrip(), depth)

    def segment(self, fields):
        _, component, repetition, _, subcomponent, *_ = self.marks
        name, *texts = fields
        lead = self.line + self.step * 2
        made = []
        for number, text in enumerate(texts, 1):
            where = f"{name}.{number}"
            if name == "MSH" and number <= 2:
                made.append(self.element(where, self.text(text), 2))
                continue
            repeated = [text] if self.whole_repetitions else split(text, repetition)
            marks = [component, subcomponent] if subcomponent else [component]
            made += [self.nested(where, part, marks, 2) for part in repeated]
        return self.element(name, "".join(lead + one for one in made).lstrip(), 1)


@st.composite
def spelt(draw, lines, marks):
    """Return a message, given as lists of ER7 fields, as bytes or text."""
    spelling = Spelling(draw, marks)
    lead = spelling.line + spelling.step
    inner = "".join(lead + spelling.segment(fields) for fields in lines)
    declared = draw(st.sampled_from(["", "", "utf-8", "ISO-8859-1", "US-ASCII"]))
    head = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    text = f"{head}<HL7Message>{spelling.comment}{inner}{spelling.line}</HL7Message>\n"
    return text.encode("ascii") if draw(st.booleans()) else text.replace("-->", "é-->")


def frame(document):
    """Return the document without our segments (ZDS-1 begins with a digit), byte for byte."""
    data = document.encode() if isinstance(document, str) else document
    return _OUR_SEGMENT.sub(
        lambda match: b"" if _STUDY.search(_COMMENT.sub(b"", match[1])) else match[0],
        data,
    )
