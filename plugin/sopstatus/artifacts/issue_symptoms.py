"""What people see when a status goes wrong, and which entries of the catalogue explain it."""

from __future__ import annotations

from typing import NamedTuple


class Symptom(NamedTuple):
    """What is seen, where to look, and a hint where a code alone does not help."""

    seen: str
    codes: str
    hint: str = ""


SYMPTOMS = (
    Symptom("The status arrives as `NS` in the data set", "link/untrusted"),
    Symptom("The status goes out as `NS`, or not at all", "link/sent-untrusted profile/policy"),
    Symptom(
        "An image cannot be authorized, or its status not changed",
        "profile/not-certified profile/not-original profile/by-hand profile/other-attribute "
        "profile/already-held profile/not-held profile/same-uid",
        "`docs/security-profile.md` has all the rules",
    ),
    Symptom(
        "An original cannot be sent on, or deleted",
        "profile/untrusted-transfer profile/copy-of-original profile/commitment-open "
        "profile/transfer-open profile/not-open profile/holder-keeps",
    ),
    Symptom(
        "What arrives is rejected",
        "profile/integrity profile/invalid-value profile/better-held profile/copy-held profile/not-written "
        "profile/conflict orthanc/read-otherwise",
    ),
    Symptom(
        "`audit verify` finds a fault",
        "audit/not-record audit/broken-chain audit/changed audit/end-missing audit/torn-line",
    ),
    Symptom(
        "`ledger check` finds something",
        "ledger/two-holders ledger/one-or-two ledger/copy-without-original ledger/authorized-incomplete "
        "ledger/original-too-old ledger/changed-without-record ledger/came-back-changed "
        "ledger/claimed-otherwise",
    ),
    Symptom(
        "The ledger takes nothing in, or does not open",
        "ledger/no-holder ledger/other-holder ledger/audit-in-folder ledger/not-instance ledger/not-storable "
        "ledger/unavailable ledger/not-ledger ledger/newer ledger/older",
    ),
    Symptom(
        "`sopstatus serve` answers 400 to 415",
        "http/multipart http/not-gzip http/parameter http/no-into http/batch-line "
        "http/unauthorized http/no-route http/unknown-name http/method http/not-acceptable "
        "http/too-slow http/too-large http/media-type http/coding "
        "http/other-host http/other-origin http/no-content-type",
        "`curl -v` shows the answer, which names the code",
    ),
    Symptom(
        "`sopstatus serve` answers 500 to 504", "http/failed http/busy http/full http/took-too-long"
    ),
    Symptom(
        "`sopstatus gateway` answers 4xx or 502",
        "gateway/no-scope gateway/hidden gateway/operation gateway/patch gateway/search gateway/upstream gateway/upstream-too-large",
        "`docs/gateway.md` says when the server's own answer comes back instead",
    ),
    Symptom(
        "The status is there in DICOM and missing in FHIR or HL7",
        "value/unknown-term value/lower-case value/multiplicity value/not-legal value/not-of-type "
        "table/unmapped fhir/no-counterpart "
        "fhir/holder-lost",
        "a value that is not a term states nothing; it is kept in `verbatim` or ZDS-9",
    ),
    Symptom(
        "The status is missing in what was read",
        "hl7/text-without-code hl7/codes-differ fhir/wrong-type fhir/repeated-slice fhir/unknown-slice dicom/nested "
        "fhir/withdrawn fhir/out-of-place fhir/near-url fhir/stu3 "
        "dicom/private-twin dicom/not-looked-behind dicom/repeated dicom-json/no-instance dicom-json/not-a-data-set "
        "dicom-json/unreadable dicom-xml/not-text healthimaging/level healthimaging/malformed "
        "healthimaging/unreadable healthimaging/repeated dicom-json/repeated dicom-xml/repeated dicom-xml/other-tag "
        "dicom/no-identity",
    ),
    Symptom(
        "The ZDS vanished, or was never read",
        "hl7/foreign-zds hl7/encoding-characters hl7/charset-unsupported hl7/undecodable "
        "hl7/lost-line-ends hl7/processing-id hl7/looks-like hl7/groups hl7-xml/strict",
        "a parser that knows message structures drops Z segments before we see them: hand over "
        "the bytes as they came",
    ),
    Symptom(
        "No ZDS was written",
        "hl7/no-study-uid hl7/no-counterpart hl7/identity-lost hl7/one-per-order hl7/ipc "
        "hl7/not-for-the-study",
    ),
    Symptom(
        "The comment is missing in what DICOMweb answered",
        "dicom-json/bulk-data dicom-json/bulk-data-failed dicom-json/not-utf-8",
    ),
    Symptom(
        "pydicom, dcm4che or a viewer refuses the metadata, or sees an empty status",
        "dicom-json/not-a-list dicom-json/no-vr dicom-json/member-name dicom-json/tag-spelling "
        "dicom-json/not-an-object dicom-json/wrong-vr dicom-json/inline-binary "
        "dicom-json/empty-value dicom-json/not-text dicom-xml/wrong-vr dicom-json/file-meta",
    ),
    Symptom(
        "The comment came back in pieces, or with commas where backslashes were",
        "dicom-json/split-text",
    ),
    Symptom(
        "An update of a cloud stopped half way, or was refused",
        "healthimaging/update-too-long healthimaging/update-failed source/update-incomplete "
        "google/new-instances",
    ),
    Symptom(
        "An archive or a cloud gives no status, or finds none",
        "source/unavailable source/unauthorized source/refused source/summary source/another-study "
        "source/key-refused source/key-ignored "
        "source/field-ignored azure/dropped azure/already-stored google/timestamp",
        "`docs/cloud.md` has what each of them keeps, shows and searches by",
    ),
    Symptom("Many ZDS went in, one about the study came out", "hl7/rolled-up"),
    Symptom("The status disappeared after an update message", "hl7/null hl7/withdrawn"),
    Symptom("A comment with line breaks came in pieces, or cut off", "hl7/line-feed"),
    Symptom(
        "The time lost its hours, only a date is left in FHIR",
        "fhir/offset-missing fhir/date-time-shortened",
    ),
    Symptom("The time lost digits of its second", "hl7/date-time-shortened"),
    Symptom(
        "There is no time at all",
        "value/not-date-time value/date-time-range fhir/not-date-time",
    ),
    Symptom(
        "The time is hours off",
        "dicom/offset dicom/offset-written value/negative-zero-offset fhir/offset-missing",
    ),
    Symptom(
        "`?` or an empty comment instead of Kanji or umlauts",
        "hl7/charset dicom/charset hl7/undecodable dicom/undecodable",
        "nothing here ever writes `?`: look at the system before or after",
    ),
    Symptom(
        "Umlauts come out as two characters each (`Ã¼`)",
        "hl7/charset-doubtful dicom/charset-doubtful dicom/charset-misspelt hl7/charset-missing dicom/charset-missing",
    ),
    Symptom(
        "The comment is cut off at a `^`, `|`, `~` or `&`",
        "hl7/unescaped-delimiter hl7/no-escape-character hl7-xml/unescaped-delimiter",
    ),
    Symptom(
        "The old value came back, or an edit has no effect",
        "hl7/verbatim-stale "
        "fhir/verbatim-stale hl7/verbatim-malformed fhir/verbatim-malformed hl7/no-repetition",
    ),
    Symptom(
        "The status landed on no image, or on the wrong one",
        "dicom/no-counterpart dicom/holder-ambiguous holder/compatible fhir/no-counterpart hl7/no-counterpart "
        "dicom-json/no-counterpart healthimaging/no-counterpart "
        "value/not-uid dicom/no-uid fhir/no-uid",
    ),
    Symptom(
        "A script of a Mirth channel set the fields, and they arrive in other places",
        "hl7-xml/out-of-order hl7-xml/malformed hl7-xml/segment-name",
    ),
    Symptom("The code is fine and its display or system is not", "hl7/coding-system value/padded"),
    Symptom(
        "A term of our own vendor is complained about",
        "value/unlisted-term value/unknown-term value/not-code-string",
    ),
    Symptom(
        "The archive or the server refuses what was written",
        "value/too-long value/control-character dicom/too-long fhir/invalid fhir/context "
        "fhir/release-unknown",
    ),
    Symptom(
        "A file is reported as out of order or broken, and other software opens it",
        "dicom/order dicom/reordered dicom/repeated dicom/stray dicom/unknown-vr dicom/wrong-vr "
        "dicom/by-pydicom dicom/not-rewritable",
    ),
    Symptom("A signature does not verify any more", "dicom/signature"),
    Symptom(
        "The file cannot be opened",
        "document/empty document/says-nothing document/unreadable document/unknown-format document/not-json document/not-gzip "
        "document/not-xml document/xml-encoding document/xml-dtd hl7-xml/not-mirth "
        "dicom-xml/not-dicom-xml dicom-xml/other-format "
        "dicom/not-part10 dicom/truncated dicom/not-understood dicom/not-deflated dicom/no-instance dicom/directory hl7/no-msh "
        "document/repeated-member document/utf-16 fhir/xml fhir/wrapped "
        "fhir/not-fhir fhir/other-resource dicom-json/not-dicom-json healthimaging/not-metadata "
        "healthimaging/not-gzip",
    ),
    Symptom(
        "The file was read, and writing did nothing",
        "document/unwritable document/packed-target dicom-xml/control-character dicom/not-rewritable dicom/not-replaced fhir/malformed table/unmapped",
    ),
    Symptom(
        "It refuses a huge or odd document",
        "dicom/too-large dicom/too-many-elements dicom/too-deep fhir/too-deep document/too-large document/too-deep "
        "document/too-many-statements document/too-many-pairs document/more-issues hl7/too-many-repetitions "
        "fhir/too-many-slices",
    ),
    Symptom(
        "It works in the shell and not from my own code",
        "document/unknown-type document/file-name dicom/not-one-instance dicom/not-part10 healthimaging/not-one-study",
    ),
    Symptom(
        "The study is not found by its UID", "fhir/no-study-uid hl7/no-study-uid value/not-uid"
    ),
    Symptom(
        "`sopstatus mllp` answers AR",
        "mllp/not-framed mllp/broken-off mllp/failed mllp/not-stored mllp/no-room mllp/damaged-spool hl7/no-msh",
    ),
    Symptom(
        "`sopstatus scan` does not begin, or does not go on",
        "archive/not-empty archive/not-scan archive/not-inventory archive/other-scan archive/in-use archive/part-damaged "
        "archive/process-killed",
    ),
    Symptom("`sopstatus export` does not begin", "archive/not-ended archive/other-scan"),
    Symptom("A scan has not read all of a zip or tar", "container/broken container/too-many"),
    Symptom(
        "`sopstatus report` warns, or draws nothing",
        "archive/said-in-two-ways report/no-browser",
    ),
    Symptom("A dead letter cannot be shown or replayed", "mllp/no-spool mllp/other-spool"),
    Symptom("The value is missing on purpose", "fhir/data-absent"),
)
