"""A data set's statement, read at one glance: the road of what needs no care.

`Plan.read` takes a walked data set whose identity and values are legal, plain and complete, and
answers ``None`` for any other, which `DICOMCodec` then reads element by element. Both roads give
the same; only the other one has anything to say about it.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache

from sopstatus import plain, values
from sopstatus.codecs.dicom.hidden import CREATOR_OF_TWINS
from sopstatus.codecs.part10 import plan as part10_plan
from sopstatus.codecs.part10.walk import DataSet
from sopstatus.codecs.shared.data_set import CHARACTER_SET, IDENTITY, TIMEZONE_OFFSET
from sopstatus.holder import Holder
from sopstatus.model import SOPInstance, stated
from sopstatus.table import Attribute, conversions

CODE_STRINGS = (CHARACTER_SET, TIMEZONE_OFFSET, *IDENTITY)
_UIDS = re.compile(r"\n".join([rf"({plain.UID})[ \0]?"] * len(IDENTITY)).encode())
_DT = re.compile(rf"{plain.DATE_AND_TIME}(?:\.[0-9]{{1,6}})?(?:{plain.OFFSET})?")
_OFFSET = re.compile(plain.OFFSET)


_CARE = "needs care"


class Plan:
    """What the statement of a data set looks like where nothing is out of the ordinary."""

    def __init__(self, rows: tuple[Attribute, ...], beside: tuple[int, ...] = ()) -> None:
        self.rows, tags = rows, tuple(row.tag for row in rows)
        self.walk = part10_plan.Plan((*CODE_STRINGS, *beside, *tags), tags, CREATOR_OF_TWINS)
        self.readers = tuple(
            (row.tag, row.keyword, _vr(row), values.MAX_CHARACTERS.get(row.vr, sys.maxsize))
            for row in sorted(rows, key=lambda row: row.keyword)
        )
        self.codes = {row.tag: _codes(row) for row in rows}

    def read(self, walked: DataSet, holder: Holder) -> SOPInstance | None:
        """Read the statement, which may state nothing; ``None`` where there is more to it."""
        elements = walked.elements
        try:
            uids = b"\n".join([elements[tag].data for tag in IDENTITY])
        except KeyError:
            return None
        identity = _UIDS.fullmatch(uids)
        if identity is None:
            return None
        study, series, sop_class, sop = identity.groups()
        if len(study) > 64 or len(series) > 64 or len(sop_class) > 64 or len(sop) > 64:
            return None
        offset = ""
        if found := elements.get(TIMEZONE_OFFSET):
            offset = found.data.decode("latin-1").strip(" \0")
            if not _OFFSET.fullmatch(offset):
                return None
        said = []
        for tag, keyword, vr, longest in self.readers:
            if not (found := elements.get(tag)):
                continue
            if found.vr != vr and (found.vr not in ("", "UN") or vr == _CARE):
                return None
            if vr == "CS":
                text = self.codes[tag].get(found.data, "")
            elif not found.data.isascii():
                return None
            else:
                text = values.trim(vr, found.data.decode("ascii"))
                if vr == "DT":
                    if not _DT.fullmatch(text):
                        return None
                    if offset and text[-5] not in "+-":
                        text = values.with_offset(text, offset)
                elif not plain.is_text(text, longest, single=vr in values.SINGLE_VALUED):
                    return None
            if not text:
                return None
            said.append((keyword, text))
        uid = study.decode(), series.decode(), sop_class.decode(), sop.decode()
        return stated(*uid, holder, tuple(said))


def _vr(row: Attribute) -> str:
    """Return the VR of a row whose values are plain text; of any other what no element has."""
    plain_text = row.vm == "1" and row.vr in ("CS", "DT", *conversions.TEXT_VRS)
    return row.vr if plain_text else _CARE


def _codes(row: Attribute) -> dict[bytes, str]:
    """Return the terms of a CS by the bytes of their element."""
    return {term.encode() + b" " * (len(term) % 2): term for term in row.displays}


@lru_cache(maxsize=8)
def plan(rows: tuple[Attribute, ...], beside: tuple[int, ...] = ()) -> Plan:
    """Return the plan of the rows (and of elements beside them), compiled once."""
    return Plan(rows, beside)
