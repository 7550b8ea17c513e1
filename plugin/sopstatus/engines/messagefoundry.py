"""MessageFoundry: a transformer takes the engine's message and gives what its ``Send`` takes.

    TO_STUDY = sendable(transformer("hl7", "fhir"), transaction)  # of sopstatus.codecs.fhir


    @handler("study")
    def study(msg):
        bundle = TO_STUDY(msg)  # None: the message names no study, so nothing is sent
        return Send("OB_FHIR", bundle) if bundle else None

The engine is not imported: what is needed of its messages is asked of the message itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sopstatus.codecs.hl7.objects import is_message
from sopstatus.documents import content
from sopstatus.model import WARNING, Result
from sopstatus.transform import says_nothing

_LOGGER = logging.getLogger("sopstatus")


def sendable(
    transform: Callable[..., Result[Any]], then: Callable[[Any], Any] = lambda value: value
) -> Callable[..., Any]:
    """Make a handler's callable of a transformer; further arguments go to the transformer.

    ``then`` is applied to what the transformer has made.

    It takes a ``Message``, or a ``RawMessage`` that holds JSON, ER7 or a Part 10 file. It returns a
    ``Message`` where the transformer returns one, else text: JSON, or ER7 in UTF-8. A data set is
    no text and cannot be sent. It returns ``None`` where a new document would say nothing: an ADT
    message does not become a dead letter, and nothing is sent.

    `DocumentError` is raised where an issue is an error, so that the engine keeps the message as a
    dead letter, with lines that hold no patient data. Other issues are logged ("sopstatus").
    """

    def carry(message: Any, *args: Any, **options: Any) -> Any:
        result = transform(_document(message), *args, **options)
        value = None if says_nothing(result.issues) else result.unwrap()
        for issue in result.issues:
            _LOGGER.log(logging.WARNING if issue.severity == WARNING else logging.INFO, "%s", issue)
        if value is None:
            return None
        value = then(value)
        if isinstance(value, bytes):
            return value.decode("utf-8")
        if is_message(value) or isinstance(value, str):
            return value
        return content.dump_json(value).decode("utf-8")

    return carry


def _document(message: Any) -> Any:
    if is_message(message):
        return message
    data = message.raw_bytes if message.is_binary else message.raw.encode("utf-8")
    return content.load(data)[1]
