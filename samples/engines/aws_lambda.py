"""AWS Lambda behind API Gateway (payload 1.0 and 2.0): an HL7 v2 message in, a FHIR resource out.

What goes out is a statement about a copy and no copy, so no link has to be vouched for.
"""

import base64

from sopstatus import DocumentError, transformer
from sopstatus.documents import content
from sopstatus.outcome import operation_outcome
from sopstatus.transform import says_nothing

CARRY = transformer("hl7", "fhir")  # once, at the cold start


def handler(event, context):
    body = event.get("body") or ""
    message = base64.b64decode(body) if event.get("isBase64Encoded") else body
    try:
        result = CARRY(message)
    except DocumentError as error:
        return answer(400, operation_outcome(error.issues), error.issues)
    if says_nothing(result.issues):  # an ADT message, for instance
        return answer(422, operation_outcome(result.issues), result.issues)
    return answer(200, result.value, result.issues)


def answer(status, resource, issues):
    for issue in issues:
        print(issue)  # CloudWatch; an issue holds no patient data
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/fhir+json"},
        "body": content.dump_json(resource).decode("utf-8"),
        "isBase64Encoded": False,
    }
