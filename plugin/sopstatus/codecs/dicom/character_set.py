"""Specific Character Set (0008,0005): text of LO, LT and the like from bytes and back, strictly.

The codecs are pydicom's and Python's. Nothing is ever replaced by a question mark: what does not
fit is ``None``.
"""

from __future__ import annotations

import re

from sopstatus import values

_ESC = b"\x1b"
_MISSPELT = re.compile(r"ISO(.2022)?.IR.(\d+)")


def decode(raw: bytes, terms: tuple[str, ...]) -> str | None:
    """Decode the value of an element; ``None`` where the bytes are not of these character sets."""
    if raw.isascii() and _ESC not in raw:
        return raw.decode("ascii")
    encodings = _encodings(terms)
    if encodings is None:
        return None
    try:
        if _ESC not in raw or len(encodings) == 1:
            return raw.decode(encodings[0])
        from pydicom.charset import decode_bytes

        text = decode_bytes(raw, encodings, {0x0A, 0x0C, 0x0D, 0x09})
    except (UnicodeError, LookupError, Warning):
        return None
    return None if "\ufffd" in text else text


def is_doubtful(raw: bytes, terms: tuple[str, ...]) -> bool:
    """Tell whether bytes that (0008,0005) calls single-byte text read better as UTF-8."""
    encodings = _encodings(terms) if terms and not raw.isascii() else None
    return (
        bool(encodings)
        and len(encodings or ()) == 1
        and values.is_doubtful(raw, (encodings or [""])[0])
    )


def is_misspelt(terms: tuple[str, ...]) -> bool:
    """Tell whether one of these names is none, and plainly means one that is."""
    from pydicom.charset import python_encoding

    return any(
        term not in python_encoding and _corrected(term) in python_encoding
        for term in map(str.strip, terms)
    )


def encode(text: str, terms: tuple[str, ...]) -> bytes | None:
    """Encode text for an element; ``None`` where these character sets cannot hold it."""
    if text.isascii() and "\x1b" not in text:
        return text.encode("ascii")
    encodings = _encodings(terms)
    if encodings is None or (not terms and not text.isascii()):
        return None
    if len(encodings) == 1:
        return _strict(text, encodings[0])
    # code extensions (PS3.5 6.1.2.5): pydicom writes the escape sequences, if every character fits
    if "\x1b" in text or not all(any(_strict(c, e) for e in encodings) for c in set(text)):
        return None
    from pydicom.charset import encode_string

    encoded = encode_string(text, encodings)
    return encoded if decode(encoded, terms) == text else None


def _strict(text: str, encoding: str) -> bytes | None:
    try:
        encoded = text.encode(encoding)
        return encoded if encoded.decode(encoding) == text else None  # Shift-JIS: a yen sign is 5C
    except (UnicodeError, LookupError):
        return None


def _encodings(terms: tuple[str, ...]) -> list[str] | None:
    from pydicom.charset import python_encoding

    found = [python_encoding.get(_corrected(term.strip())) for term in terms or ("",)]
    return [name for name in found if name] if all(found) else None


def _corrected(term: str) -> str:
    """Return the Defined Term that a name means (PS3.3 C.12.1.1.2), as pydicom and DCMTK take it."""
    found = _MISSPELT.fullmatch(term)
    if not found:
        return term
    return f"ISO 2022 IR {found[2]}" if found[1] else f"ISO_IR {found[2]}"
