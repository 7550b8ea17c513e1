"""The OpenAPI description of the gateway: what it adds, and what it checks."""

from __future__ import annotations

from typing import Any

from sopstatus.engines.gateway.operations import HL7
from sopstatus.engines.http.media import FHIR_JSON, JSON

_OUTCOME = {"$ref": "#/components/schemas/OperationOutcome"}
_STUDY = {
    "resourceType": "ImagingStudy",
    "status": "available",
    "subject": {"display": "SYNTHETIC"},
    "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
}
_FAULTS = {
    "400": "The request is not what it claims to be",
    "401": "No known bearer token",
    "403": "The client's scopes do not allow it",
    "404": "The server has no such resource, or the gateway no such path",
    "405": "The path does not accept this method",
    "406": "The caller does not accept JSON",
    "408": "The body did not arrive in time",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "422": "A statement is invalid, or the server refuses the resource",
    "502": "The server, or with --on-failure closed the archive, does not answer",
    "503": "Too many requests at once",
}
_ID = {"name": "id", "in": "path", "required": True,
       "schema": {"type": "string", "pattern": "^[A-Za-z0-9]{1,64}$"}}  # fmt: skip


def openapi(version: str) -> dict[str, Any]:
    """Return the description; ``default`` answers are the server's own."""
    study = {"content": {FHIR_JSON: {"schema": {"type": "object"}, "example": _STUDY}}}
    sop_status = _operation("sop-status", "Statements about a stored study", _PARAMETERS)
    to_hl7 = _operation("to-hl7v2", "A stored study's statements as an HL7 v2 message", _MESSAGE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sopstatus gateway",
            "version": version,
            "summary": "DICOM SOP Instance Status in front of a FHIR server; everything else is proxied unchanged",
        },
        "paths": {
            "/ImagingStudy": {
                "get": _read("search", "Search, also by status", [_SEARCH]),
                "post": {**_read("create", "Create", []), "requestBody": study},
            },
            "/ImagingStudy/{id}": {
                "get": _read("read", "Read", [_ID]),
                "put": {**_read("update", "Update", [_ID]), "requestBody": study},
            },
            "/ImagingStudy/{id}/$sop-status": {"get": {**sop_status, "parameters": [_ID]}},
            "/ImagingStudy/{id}/$to-hl7v2": {"get": {**to_hl7, "parameters": [_ID]}},
            "/ImagingStudy/$sop-status": {
                "post": {**sop_status, "operationId": "sop-status-of", "requestBody": study}
            },
            "/ImagingStudy/$to-hl7v2": {
                "post": {**to_hl7, "operationId": "to-hl7v2-of", "requestBody": study}
            },
            "/-/healthz": {"get": _own("healthz", "The process answers", JSON)},
            "/-/readyz": {"get": _own("readyz", "Ready, and with which tables", JSON)},
            "/-/metrics": {"get": _own("metrics", "For Prometheus", "text/plain")},
            "/-/openapi.json": {"get": _own("openapi", "This", JSON)},
        },
        "components": {
            "schemas": {
                "OperationOutcome": {
                    "type": "object",
                    "required": ["resourceType"],
                    "properties": {"resourceType": {"const": "OperationOutcome"}},
                }
            },
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"bearer": []}],
    }


_PARAMETERS = {
    FHIR_JSON: {
        "schema": {
            "type": "object",
            "required": ["resourceType"],
            "properties": {"resourceType": {"const": "Parameters"}},
        }
    }
}
_MESSAGE = {
    FHIR_JSON: {
        "schema": {
            "type": "object",
            "required": ["resourceType", "contentType", "data"],
            "properties": {"resourceType": {"const": "Binary"}, "contentType": {"const": HL7}},
        }
    },
    HL7: {"schema": {"type": "string"}},
}
_SEARCH = {
    "name": "sop-instance-status",
    "in": "query",
    "description": "terms, or SYSTEM|TERM; several by comma",
    "schema": {"type": "string", "pattern": "^(NS|OR|AO|AC)(,(NS|OR|AO|AC))*$"},
}


def _read(name: str, text: str, parameters: list[Any]) -> dict[str, Any]:
    answers = {"description": "The server's answer", "content": {FHIR_JSON: {"schema": {}}}}
    return {
        "operationId": name,
        "summary": text,
        "parameters": parameters,
        "responses": {"200": answers, "201": answers, "default": {"description": "As the server"}}
        | _faults(*_FAULTS),
    }


def _operation(name: str, text: str, content: dict[str, Any]) -> dict[str, Any]:
    done = {"description": text, "content": content}
    return {"operationId": name, "summary": text, "responses": {"200": done} | _faults(*_FAULTS)}


def _own(name: str, text: str, media: str) -> dict[str, Any]:
    done = {"description": text, "content": {media: {"schema": {}}}}
    return {
        "operationId": name,
        "summary": text,
        "responses": {"200": done} | _faults("401", "503"),
    }


def _faults(*statuses: str) -> dict[str, Any]:
    content = {FHIR_JSON: {"schema": _OUTCOME}, "application/problem+json": {"schema": {}}}
    content[JSON] = {"schema": {}}
    return {status: {"description": _FAULTS[status], "content": content} for status in statuses}
