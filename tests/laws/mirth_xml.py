"""Messages and data sets as Mirth's XML for the laws, in all spellings, and what is not ours."""

import re
from dataclasses import replace

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


# --- DICOM ---------------------------------------------------------------------------------------

_OUR_ELEMENT = re.compile(
    rb"\s*<tag010004(10|20|24|26)\b[^>]*?(?:/>|>.*?</tag010004\1>)", re.DOTALL
)
_ITEMS = re.compile(rb"<item\b.*?</item>", re.DOTALL)
_ODD = {
    "01000410": ("CS", ["AO", "AC ", " OR", "", "ao", "AO\\AC", "QQ"]),
    "01000420": ("DT", ["20240102", "20240102030405", "x", ""]),
    "01000424": (
        "LT",
        ["a&#13;&#10;b", "&lt;b&gt; &amp;", " leading", "", "<![CDATA[a<b]]>", "患者"],
    ),
    "01000426": ("LO", ["C-1", "", "A\\B"]),
}
_THEIRS = {
    "00080005": ("CS", "ISO_IR 192"),
    "00080201": ("SH", "+0100"),
    "00081140": ("SQ", '<item><tag01000410 vr="CS">AO</tag01000410><tag00080018/></item>'),
    "00100010": ("PN", "Sample^Synthetic"),
    "01001000": ("LT", "theirs"),
    "7FE00010": ("OW", ""),
}


@st.composite
def data_sets(draw, known):
    """A data set with odd values at times, about one instance."""
    text = draw(st.booleans())
    comment = draw(st.sampled_from(["", "", "<!--x-->"]))
    lead = draw(st.sampled_from(["", "", "\n  ", "\r\n\t"]))
    long = draw(st.booleans())
    said = {tag: _THEIRS[tag] for tag in draw(st.sets(st.sampled_from(sorted(_THEIRS))))}
    said["00080005"] = _THEIRS["00080005"]
    uids = (*known.identity[:2], known.sop_class_uid, known.sop_instance_uid)
    said |= {
        tag: ("UI", uid)
        for tag, uid in zip(("0020000D", "0020000E", "00080016", "00080018"), uids, strict=True)
    }
    for tag in draw(st.sets(st.sampled_from(sorted(_ODD)), max_size=3)):
        said[tag] = (_ODD[tag][0], draw(st.sampled_from(_ODD[tag][1])))
    made = ""
    for tag, (vr, value) in sorted(said.items()):
        head = f'tag{tag} len="{len(value)}" tag="{tag}" vr="{vr}"' if long else f"tag{tag}"
        made += lead + (f"<{head}>{value}</tag{tag}>" if value else f"<{head}/>")
    document = f"<dicom>{comment}{made}{lead}</dicom>\n"
    return document if text else document.encode()


def without_controls(x):
    """Return the statement without what XML cannot hold: it is refused, and says so."""
    said = {
        k: v and re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "x", v) for k, v in x.attributes
    }
    return replace(x, attributes=said)


def data_set_frame(document):
    """Return the data set without our attributes, byte for byte; those in items are not ours."""
    data = document.encode() if isinstance(document, str) else document
    items = _ITEMS.findall(data)
    bare = _OUR_ELEMENT.sub(b"", _ITEMS.sub(b"<item/>", data))
    return bare, items
