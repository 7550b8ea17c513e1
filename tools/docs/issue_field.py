"""Faults of other software that a status meets on its way, and what happens to it here."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """What goes wrong elsewhere, what this software does, and the codes that tell of it."""

    fault: str
    here: str
    codes: str = ""


FAULTS = (
    Fault(
        "A writer stores `ao`; validators complain or let it pass",
        "told, carried verbatim, never turned into `AO` behind your back",
        "value/lower-case",
    ),
    Fault(
        "`ORIGINAL` or `AUTHORIZED` passes every DICOM toolkit: Enumerated Values are not checked",
        "checked against the table on every read",
        "value/unknown-term",
    ),
    Fault(
        "Blanks and NUL around the value: one toolkit strips them, the next compares them",
        "read without them, in every format; what is not legal padding is told",
        "value/padded",
    ),
    Fault(
        "Two values where one is allowed; some index the first only",
        "none is chosen, all are carried",
        "value/multiplicity",
    ),
    Fault(
        "A DICOMweb store takes the file and leaves the attribute out of its metadata",
        "not visible from here: read the instance itself, not the metadata",
    ),
    Fault("A query key that is ignored returns every instance", "this software does not query"),
    Fault(
        "`includefield` is ignored, so the attribute is not in the answer",
        "this software does not query; absent stays absent and is never taken for `NS`",
    ),
    Fault(
        "A backslash in the comment is taken for a separator of values",
        "a LT is one value, and its backslash is text in every format; pieces are joined again",
        "dicom-json/split-text",
    ),
    Fault(
        "A comment over 10240 characters, often JSON",
        "told and carried whole; refused only where the element cannot hold it",
        "value/too-long dicom/too-long",
    ),
    Fault(
        "A library turns a date and time that it does not understand into midnight, 1 January",
        "one grammar of its own, no date object in between: what does not parse is told",
        "value/not-date-time value/date-time-range",
    ),
    Fault(
        "A time without an offset, or with -0000",
        "(0008,0201), then MSH-7 or the site's setting; else FHIR gets the date alone, with the "
        "exact text beside it",
        "fhir/offset-missing value/negative-zero-offset dicom/offset",
    ),
    Fault(
        "An archive strips or coerces the attribute on its way in",
        "absent stays absent: read back what was stored and compare the statements",
    ),
    Fault(
        "`AO` survives de-identification or lossy compression",
        "not visible in a data set; a status from a link that is not trusted becomes `NS`",
        "link/untrusted",
    ),
    Fault(
        "DICOM JSON with a value that is no list, or without a VR",
        "read where its meaning is plain, and told",
        "dicom-json/not-a-list dicom-json/no-vr dicom-json/not-an-object dicom-json/member-name "
        "dicom-json/wrong-vr dicom-json/empty-value",
    ),
    Fault(
        "Storing a changed status again makes a second copy, or is refused",
        "this software writes the document and does not store it",
    ),
    Fault(
        "A parser with message structures drops the Z segment without a word",
        "Z segments are read from the bytes; objects of hl7apy are read without groups",
    ),
    Fault(
        "Segments end in LF or CRLF, and a parser sees one segment or none",
        "CR, LF and CRLF are all read, and stay as they are",
    ),
    Fault("The MLLP frame is still around the message", "skipped, and left where it is"),
    Fault(
        "A reader of MLLP stops in the middle of an answer or trips over a second message",
        "every message of what was received is read; framing is the listener's",
    ),
    Fault(
        "The sender times out because the answer has no frame",
        "`acknowledge` makes the message; framing is the listener's",
    ),
    Fault(
        "A late answer is taken for the next message's",
        "MSA-2 of every answer is MSH-10 of the message it answers",
    ),
    Fault(
        "Escapes are not undone, undone twice, or written wrong",
        "escaped and unescaped once; what nobody escaped is told",
        "hl7/unescaped-delimiter hl7/no-escape-character hl7/verbatim-malformed",
    ),
    Fault(
        "MSH-18 is missing, ignored, or says something else than the bytes",
        "read strictly by MSH-18; what does not fit is told and never replaced",
        "hl7/charset-missing hl7/charset-doubtful hl7/charset-windows hl7/charset-name hl7/charset-any hl7/undecodable hl7/charset "
        "hl7/charset-unsupported",
    ),
    Fault(
        "A fifth encoding character in MSH-2",
        "taken as the truncation character; other odd delimiters are told",
        "hl7/encoding-characters",
    ),
    Fault(
        "Six digits of a second, where HL7 allows four",
        "cut to four, never rounded, with the exact text in ZDS-9",
        "hl7/date-time-shortened",
    ),
    Fault(
        "A lenient parser strips components or repetitions of a Z segment",
        "bytes in and bytes out: only our fields are touched, and a short segment is read",
        "hl7/verbatim-stale hl7/verbatim-malformed",
    ),
    Fault(
        "A strict parser refuses a Z segment at that place, or reads the rest as flat",
        'the position is a setting: behind the group, or `hl7-position = "message"`',
    ),
    Fault(
        "A validator does not know the extension, or refuses the example URL",
        "the canonical base is a permanent one and a site's setting",
    ),
    Fault(
        "A server refuses unknown extensions",
        "not visible from here: read the server's OperationOutcome",
    ),
    Fault(
        "Extensions of primitives are lost by serialisers",
        "the extension stands on elements, never on a primitive",
        "fhir/data-absent",
    ),
    Fault(
        "R4 and R5 differ in shape, and fields are lost between them",
        "the release is recognised and can be validated; the rest stays untouched",
        "fhir/release-unknown fhir/invalid",
    ),
    Fault(
        "A FHIR dateTime with hours and no seconds or offset",
        "never written, and told where it is read",
        "fhir/not-date-time fhir/date-time-shortened fhir/offset-missing",
    ),
)
