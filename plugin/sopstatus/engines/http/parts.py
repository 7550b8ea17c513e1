"""Multipart bodies: a document, and the one to write onto (RFC 2387 and RFC 7578)."""

from __future__ import annotations

from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from sopstatus.catalogue import document_error
from sopstatus.engines.http.media import MediaType, parsed

_PLAIN = ("", "binary", "8bit", "7bit")


@dataclass(slots=True)
class Part:
    """One part: its headers by their names in small letters, and its bytes."""

    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def name(self) -> str:
        """Return the name in a form."""
        disposition = self.headers.get("content-disposition", "")
        return parsed(disposition).parameters.get("name", "")

    @property
    def content_type(self) -> str:
        """Return what the part says that it is."""
        return self.headers.get("content-type", "")


def split(body: bytes, media: MediaType, most: int = 2) -> list[Part]:
    """Return the parts of a body; raise `DocumentError` (400) where it is not whole."""
    found: list[Part] = []
    name, value = bytearray(), bytearray()
    content = bytearray()
    ended = False

    def begin() -> None:
        if len(found) == most:
            raise document_error("http/multipart", "", reason="too many parts")
        found.append(Part())
        content.clear()

    def header() -> None:
        key = name.decode("latin-1").lower()
        found[-1].headers[key] = value.decode("latin-1").strip()
        name.clear()
        value.clear()

    def end() -> None:
        found[-1].content = bytes(content)

    def whole() -> None:
        nonlocal ended
        ended = True

    boundary = media.parameters.get("boundary", "")
    if not boundary:
        raise document_error("http/multipart", "Content-Type", reason="no boundary")
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": begin,
                "on_header_field": lambda data, start, stop: name.extend(data[start:stop]),
                "on_header_value": lambda data, start, stop: value.extend(data[start:stop]),
                "on_header_end": header,
                "on_part_data": lambda data, start, stop: content.extend(data[start:stop]),
                "on_part_end": end,
                "on_end": whole,
            },
        )
        parser.write(body)
    except (FormParserError, UnicodeEncodeError):
        raise document_error("http/multipart", "", reason="not well-formed") from None
    if not ended or not found:
        raise document_error("http/multipart", "", reason="cut off" if found else "no part")
    if any(p.headers.get("content-transfer-encoding", "").lower() not in _PLAIN for p in found):
        raise document_error("http/multipart", "", reason="Content-Transfer-Encoding")
    return found


def document_and_into(parts: list[Part], media: MediaType) -> tuple[Part, Part | None]:
    """Return the document and the one to write onto: by name in a form, else by order."""
    if media.name == "multipart/form-data":
        named = {part.name: part for part in parts}
        if "document" not in named or len(named) != len(parts) or set(named) - {"document", "into"}:
            raise document_error("http/multipart", "", reason="the names of the parts")
        return named["document"], named.get("into")
    return parts[0], parts[1] if len(parts) > 1 else None
