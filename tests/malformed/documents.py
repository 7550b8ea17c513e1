"""DICOM JSON, DICOM XML and HealthImaging metadata that are malformed but readable, from a seed.

Each is text of one instance with one to three faults: members or elements twice, under a name or a
VR that is nearly right, values of another shape, attributes that lie.
"""

import json
import random

TERMS = ("AO", "AO", "OR", "AC", "NS", "", "XX")
STATUS, DATE, SOP, STUDY, SET = "01000410", "01000420", "00080018", "0020000D", "00080005"
TAGS = {  # the small data set of which variants are made: VR and value
    SET: ("CS", "ISO_IR 192"),
    "00080016": ("UI", "1.2.840.10008.5.1.4.1.1.2"),
    SOP: ("UI", "1.2.3.1.1"),
    "00080201": ("SH", "-0500"),
    "00091001": ("LO", "something private"),
    STUDY: ("UI", "1.2.3"),
    "0020000E": ("UI", "1.2.3.1"),
    "00280010": ("US", 4),
    STATUS: ("CS", "AO"),
    DATE: ("DT", "20240102030405"),
    "01000424": ("LT", "ok"),
    "01000426": ("LO", "CERT-1"),
    "7FE00010": ("OW", None),
}
KEYWORDS = {
    "00080016": "SOPClassUID",
    SOP: "SOPInstanceUID",
    "00080201": "TimezoneOffsetFromUTC",
    "00280010": "Rows",
    STATUS: "SOPInstanceStatus",
    DATE: "SOPAuthorizationDateTime",
    "01000424": "SOPAuthorizationComment",
    "01000426": "AuthorizationEquipmentCertificationNumber",
}


def _some(rng, *odd):
    """Return a value of the status as JSON text: a term, or something of another shape."""
    term = json.dumps(rng.choice(TERMS))
    return rng.choice([term, term, *(text.replace("?", term) for text in odd)])


def _value(rng):
    shapes = ('["NS",?]', '[?,"NS"]', "[[?]]", "[null,?]", "null", '[{"Alphabetic":?}]', "[?]", "7")
    listed = f"[{_some(rng)}]"
    return rng.choice([listed, listed, listed, _some(rng, *shapes)])


def _node(rng):
    vr = rng.choice(["CS", "CS", "CS", "XS", "UN", "LO", "SQ", "cs", ""])
    value = _value(rng)
    return rng.choice(
        [
            *[f'{{"vr":"CS","Value":{value}}}'] * 4,
            f'{{"vr":"{vr}","Value":{value}}}',
            f'{{"Value":{value}}}',
            f'{{"vr":"CS","Value":{value},"Value":{_value(rng)}}}',
            f'{{"vr":"CS","value":{value}}}',
            f'{{"vr":"CS","Value":["NS"],"value":{value}}}',
            f'{{"vr":"SQ","Value":[{{"{STATUS}":{{"vr":"CS","Value":{value}}}}}]}}',
            '{"vr":"CS","InlineBinary":"QU8="}',
            '{"vr":"UN","InlineBinary":"QU8=","Value":["NS"]}',
            '{"vr":"CS","BulkDataURI":"http://localhost/AO"}',
            value,
        ]
    )


def _plain(tag):
    vr, value = TAGS[tag]
    return json.dumps({"vr": vr} | ({} if value is None else {"Value": [value]}))


def _names(rng, tag):
    escaped = "".join(f"\\u{ord(c):04x}" for c in tag[:2]) + tag[2:]
    odd = [tag.lower(), f"({tag[:4]},{tag[4:]})", f"{tag[:4]},{tag[4:]}", tag + " ", escaped]
    return rng.choice([tag, tag, tag, KEYWORDS.get(tag, tag), *odd])


def dicom_json(seed):
    """Yield (name, bytes) without end."""
    rng = random.Random(seed)
    while True:
        members = [(tag, _plain(tag)) for tag in TAGS]
        before = after = ""
        names = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            kind = rng.choice(
                (
                    "status-twice",
                    "status-twice",
                    "other-twice",
                    "status",
                    "renamed",
                    "moved",
                    "around",
                )
            )
            names.append(kind)
            at = next((i for i, (name, _) in enumerate(members) if name == STATUS), 0)
            place = rng.randrange(len(members) + 1)
            if kind == "status-twice":
                where = rng.choice([at, at + 1, 0, len(members), place])
                members.insert(where, (_names(rng, STATUS), _node(rng)))
            elif kind == "other-twice":
                tag = rng.choice(list(TAGS))
                node = _plain(tag).replace("1.2.3", rng.choice(["1.2.3", "1.2.4"]))
                members.insert(place, (_names(rng, tag), node))
            elif kind == "status":
                members[at] = (members[at][0], _node(rng))
            elif kind == "renamed":
                at = rng.choice([at, rng.randrange(len(members))])
                members[at] = (_names(rng, members[at][0]), members[at][1])
            elif kind == "moved":
                members.insert(place, members.pop(at))
            else:
                before = rng.choice(["\ufeff", "", " \n"])
                after = rng.choice(
                    ["", "\n", "\0", "]", "{}", f'[{{"{STATUS}":{_plain(STATUS)}}}]']
                )
        text = ",".join(f'"{name}":{node}' for name, node in members)
        opened, closed = rng.choice([("[{", "}]"), ("{", "}")])
        yield "+".join(names), f"{before}{opened}{text}{closed}{after}".encode()


def _tag(rng, tag, text=None):
    vr, value = TAGS[tag]
    inner = ("" if value is None else str(value)) if text is None else text
    name = said = tag
    roll = rng.random()
    if roll < 0.1:
        said = rng.choice([STATUS, DATE, "00091001", "", "0100,0410"])
    elif roll < 0.2:
        name = rng.choice([STATUS, "00091001", "01000411"])
    vr = vr if rng.random() < 0.8 else rng.choice(["XS", "UN", "LO", "SQ", ""])
    attributes = f'len="{len(inner)}" tag="{said}" vr="{vr}"'
    if rng.random() < 0.1:
        attributes = rng.choice(["", f'tag="{said}"', f'vr="{vr}" len="99"'])
    return f"<tag{name} {attributes}>{inner}</tag{name}>"


def _inner(rng):
    term = rng.choice(TERMS)
    half, rest = term[:1], term[1:]
    return rng.choice(
        [
            *[term] * 5,
            *(
                f"<![CDATA[{term}]]>",
                f"{half}<!-- -->{rest}",
                f" {term} ",
                f"{term}\\NS",
                f"NS\\{term}",
            ),
            *(
                "".join(f"&#{ord(c)};" for c in term),
                f"<item><tag{STATUS}>{term}</tag{STATUS}></item>",
            ),
            f'<value number="1">{term}</value>',
        ]
    )


def dicom_xml(seed):
    """Yield (name, bytes) without end, as Mirth Connect's data type DICOM has it."""
    rng = random.Random(seed)
    exact = random.Random(0)
    exact.random = lambda: 0.5  # no lie
    while True:
        children = [(tag, _tag(exact, tag)) for tag in TAGS]
        names = []
        before = after = ""
        for _ in range(rng.choice((1, 1, 2, 3))):
            kind = rng.choice(
                ("status-twice", "status-twice", "other-twice", "status", "lies", "moved", "around")
            )
            names.append(kind)
            at = next((i for i, (tag, _) in enumerate(children) if tag == STATUS), 0)
            place = rng.randrange(len(children) + 1)
            if kind == "status-twice":
                where = rng.choice([at, at + 1, 0, len(children), place])
                children.insert(where, (STATUS, _tag(rng, STATUS, _inner(rng))))
            elif kind == "other-twice":
                tag = rng.choice(list(TAGS))
                children.insert(place, (tag, _tag(rng, tag)))
            elif kind == "status":
                children[at] = (STATUS, _tag(rng, STATUS, _inner(rng)))
            elif kind == "lies":
                at = rng.choice([at, rng.randrange(len(children))])
                children[at] = (children[at][0], _tag(rng, children[at][0]))
            elif kind == "moved":
                children.insert(place, children.pop(at))
            else:
                before = rng.choice(["\ufeff", "<?xml version='1.0'?>", "<!-- -->", "\n"])
                after = rng.choice(["\n", "<!-- -->", "", "<dicom/>"])
        text = "".join(child for _, child in children)
        yield "+".join(names), f"{before}<dicom>{text}</dicom>{after}".encode()


def healthimaging(seed):
    """Yield (name, bytes) without end."""
    rng = random.Random(seed)
    while True:
        members = [(KEYWORDS[tag], json.dumps(TAGS[tag][1])) for tag in KEYWORDS]
        wrap = ["Study", "Series", "Instances", "DICOM"]
        series_more = study_more = instance_more = ""
        names = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            kind = rng.choice(
                (
                    "status-twice",
                    "status-twice",
                    "other-twice",
                    "status",
                    "renamed",
                    "above",
                    "map-twice",
                )
            )
            names.append(kind)
            name = KEYWORDS[STATUS]
            at = next((i for i, (n, _) in enumerate(members) if n == name), 0)
            place = rng.randrange(len(members) + 1)
            odd = ("[?]", '["NS",?]', '{"vr":"CS","Value":[?]}', "null", "7", "[[?]]")
            other = rng.choice([name.lower(), "SopInstanceStatus", STATUS, name + " ", name, name])
            if kind == "status-twice":
                members.insert(rng.choice([at, at + 1, place]), (other, _some(rng, *odd)))
            elif kind == "other-twice":
                members.insert(place, rng.choice(members))
            elif kind == "status":
                members[at] = (name, _some(rng, *odd))
            elif kind == "renamed":
                members[at] = (other, members[at][1])
            elif kind == "above":
                stated = f'"{name}":{_some(rng)},'
                if rng.random() < 0.5:
                    series_more = stated
                else:
                    study_more = stated
            else:
                which = rng.randrange(2)
                said = f'{{"SOPInstanceUID":"1.2.3.1.1","{name}":{_some(rng)}}}'
                instance_more = f',"DICOM":{said}' if which else ""
                wrap[2] = wrap[2] if which else rng.choice(["instances", "Instances"])
        dicom = ",".join(f'"{name}":{value}' for name, value in members)
        one = f'{{"{wrap[3]}":{{{dicom}}}{instance_more},"ImageFrames":[]}}'
        series = f'{{"DICOM":{{{series_more}"Modality":"CT"}},"{wrap[2]}":{{"1.2.3.1.1":{one}}}}}'
        study = f'{{"DICOM":{{{study_more}"StudyInstanceUID":"1.2.3"}},"{wrap[1]}":{{"1.2.3.1":{series}}}}}'
        yield "+".join(names), f'{{"SchemaVersion":"1.1","{wrap[0]}":{study}}}'.encode()
