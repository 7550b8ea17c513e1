"""The description of the service for machines: OpenAPI 3.1, written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sopstatus.engines.http.answers import ISSUES
from sopstatus.engines.http.media import FHIR_JSON, JSON, MEDIA_TYPES, NDJSON, PROBLEM
from sopstatus.engines.http.offer import PAIRS

_BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_ISSUE = {
    "type": "object",
    "required": ["severity", "code", "location", "diagnostics"],
    "properties": {
        "severity": {"enum": ["fatal", "error", "warning", "information"]},
        "code": {"type": "string", "description": "see docs/issues.md"},
        "location": {"type": "string"},
        "diagnostics": {"type": "string"},
    },
}
_ISSUES = {"type": "array", "items": {"$ref": "#/components/schemas/Issue"}}
_SCHEMAS: dict[str, Any] = {
    "Issue": _ISSUE,
    "Problem": {
        "description": "RFC 9457",
        "type": "object",
        "required": ["type", "title", "status", "detail", "issues"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "issues": _ISSUES,
        },
    },
    "OperationOutcome": {
        "description": "FHIR R4, R4B, R5: the answer to a FHIR client",
        "type": "object",
        "required": ["resourceType", "issue"],
        "properties": {"resourceType": {"const": "OperationOutcome"}, "issue": {"type": "array"}},
    },
    "Wrapped": {
        "type": "object",
        "required": ["document", "issues"],
        "properties": {"document": {"$ref": "#/components/schemas/Document"}, "issues": _ISSUES},
    },
    "Document": {
        "description": "JSON of JSON formats; of others their text, or their bytes as base64",
        "type": ["object", "array", "string"],
    },
    "Parts": {
        "type": "object",
        "required": ["document"],
        "properties": {"document": _BINARY, "into": _BINARY},
    },
    "Ready": {
        "type": "object",
        "required": ["status", "tables", "sha256"],
        "properties": {
            "status": {"enum": ["ready", "not-ready", "draining"]},
            "not-reached": {
                "description": "what the service needs and could not reach, with the code of each",
                "type": "object",
                "additionalProperties": {"type": "string"},
            },
            "tables": {"type": "object", "additionalProperties": {"type": "string"}},
            "sha256": {"type": "string"},
            "refused": {
                "description": "the place of the fault of tables that were not taken into use",
                "type": "object",
            },
        },
    },
    "BatchLine": {
        "type": "object",
        "required": ["transform", "document"],
        "properties": {
            "transform": {"type": "string"},
            "document": {"$ref": "#/components/schemas/Document"},
            "into": {"$ref": "#/components/schemas/Document"},
            "strict": {"type": "boolean"},
        },
    },
}
_MESSAGE = "\r".join(
    (
        r"MSH|^~\&|RIS|H|PACS|H|20240102||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8",
        "PID|1||SYNTHETIC",
        "OBR|1",
        "ZDS|1.2.3^^Application^DICOM|1.2.3.1||1.2.3.1.1|AO^Authorized Original^99SOPSTATUS",
        "",
    )
)
_FAULTS = {
    400: "The request or the document is not what it claims to be",
    401: "No bearer token that is known",
    403: "Host or Origin is another's",
    404: "No transformation has this name",
    406: "Accept does not allow the target's format",
    408: "The body did not arrive in time",
    413: "The body, or what it asks for, is too large",
    415: "The media type is not the source's, or the content coding is unknown",
    422: "The document is understood, and what is asked must not or cannot be done, or an issue is an error",
    500: "A fault of this software, or of a site's transformer",
    503: "Too many requests at once, or no room for the audit records",
    504: "The work did not end in time",
}


def openapi(version: str, others: Iterable[str] = ()) -> dict[str, Any]:
    """Return the description; ``others`` are names of transformers beside the pairs of formats."""
    names = [*PAIRS, *sorted(others)]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sopstatus",
            "version": version,
            "summary": "DICOM SOP Instance Status between DICOM, HL7 v2 and FHIR",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/transform/{name}": {"post": _transform(names)},
            "/batch": {"post": _batch()},
            "/healthz": {"get": _get("The process answers", JSON, {"type": "object"})},
            "/readyz": {
                "get": _get("Ready, and with which tables", JSON, _ref("Ready"), also=(503,))
            },
            "/metrics": {
                "get": _get("For Prometheus", "text/plain", {"type": "string"}, also=(401,))
            },
            "/openapi.json": {"get": _get("This", JSON, {"type": "object"}, also=(401,))},
        },
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"bearer": []}],
    }


def _transform(names: list[str]) -> dict[str, Any]:
    documents: dict[str, Any] = {media: {"schema": {}} for media in MEDIA_TYPES}
    documents["application/hl7-v2"] = {"schema": {"type": "string"}, "example": _MESSAGE}
    parts = {media: {"schema": _ref("Parts")} for media in ("multipart/form-data",)}
    wrapped = {JSON: {"schema": {"anyOf": [_ref("Wrapped"), {"type": "object"}]}}}
    return {
        "operationId": "transform",
        "summary": "Carry what a document says into another format, or onto another document",
        "parameters": [
            {"name": "name", "in": "path", "required": True, "schema": {"enum": names}},
            {
                "name": "holder",
                "in": "query",
                "description": "Who holds the data set: AE Title, or AE Title^universal ID^type",
                "schema": {"type": "string", "minLength": 1, "maxLength": 223},
            },
            {
                "name": "missing",
                "in": "query",
                "description": "add: list series and instances that an ImagingStudy does not list",
                "schema": {"enum": ["add"]},
            },
            {
                "name": "Prefer",
                "in": "header",
                "description": "handling=strict: 422 also for a warning; handling=lenient: not even for an error",
                "schema": {"type": "string"},
            },
        ],
        "requestBody": {
            "description": "The document, or a multipart body (form-data or related) of two",
            "required": True,
            "content": documents | parts,
        },
        "responses": {
            "200": {
                "description": "The document; with Accept: application/json its issues too",
                "headers": {
                    ISSUES: {
                        "description": "counts by severity: error=1, warning=2",
                        "schema": {"type": "string"},
                    },
                    "preference-applied": {
                        "description": "handling=strict or handling=lenient, as the caller preferred",
                        "schema": {"type": "string"},
                    },
                },
                "content": documents | wrapped,
            },
            **_faults(*_FAULTS),
        },
    }


def _batch() -> dict[str, Any]:
    line = {"schema": _ref("BatchLine")}
    return {
        "operationId": "batch",
        "summary": "Carry many documents: an object a line in, an object a line out, in order",
        "requestBody": {"required": True, "content": {NDJSON: line, "application/jsonl": line}},
        "responses": {
            "200": {
                "description": "A line each: line, status, and document and issues or a problem",
                "content": {NDJSON: {"schema": {}}},
            },
            **_faults(400, 401, 403, 408, 413, 415, 500, 503, 504),
        },
    }


def _get(text: str, media: str, schema: Any, also: Iterable[int] = ()) -> dict[str, Any]:
    answer = {"description": text, "content": {media: {"schema": schema}}}
    more = {str(status): answer for status in also if status == 503}
    faults = _faults(403, *(status for status in also if status != 503))
    return {"summary": text, "responses": {"200": answer, **more, **faults}}


def _faults(*statuses: int) -> dict[str, Any]:
    content = {
        PROBLEM: {"schema": _ref("Problem")},
        FHIR_JSON: {"schema": _ref("OperationOutcome")},
    }
    return {str(s): {"description": _FAULTS[s], "content": content} for s in statuses}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
