"""Orthanc: `start` within the file that ``PythonScript`` names. See docs/orthanc.md.

    import orthanc
    from sopstatus.engines.orthanc import start

    start(orthanc)

The module ``orthanc`` exists only within Orthanc; it is given, and not imported.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from sopstatus import log
from sopstatus.engines.orthanc_answers import ROUTES, answer
from sopstatus.engines.orthanc_archive import Archive
from sopstatus.engines.orthanc_arrival import Arrival
from sopstatus.engines.orthanc_delivery import Delivery
from sopstatus.engines.orthanc_settings import settings


def start(host: Any) -> None:
    """Register every callback; raise `ValueError` or `TableError` where a setting cannot be.

    Events go to standard error as JSON lines, from warnings on. Orthanc calls from many threads, and
    one at a time: Python's lock is held by who works.
    """
    log.configure(json=True, level="warning")
    config = settings(json.loads(host.GetConfiguration()))
    archive = Archive(host, config)
    delivery = Delivery(config, archive)

    def stored(dicom: Any, instance: str) -> None:
        said = archive.said(dicom.GetInstanceData())
        if said is not None:
            delivery.stored(instance, said)

    def changed(kind: int, _: int, resource: str) -> None:
        if kind == host.ChangeType.ORTHANC_STARTED:
            delivery.start()
        elif kind == host.ChangeType.ORTHANC_STOPPED:
            delivery.stop()
        elif kind == host.ChangeType.STABLE_STUDY:
            delivery.stable(resource)

    def asked(output: Any, _: str, **request: Any) -> None:
        if request["method"] != "GET":
            output.SendMethodNotAllowed("GET")
            return
        accept = request.get("headers", {}).get("accept", "")
        level, identifier = request["groups"]
        status, body, media = answer(archive, config.tables, level, identifier, accept)
        if status == 200:
            output.AnswerBuffer(body, media)
        else:
            output.SendHttpStatusCode(status)

    host.RegisterOnStoredInstanceCallback(stored)
    host.RegisterOnChangeCallback(changed)
    host.RegisterRestCallback(ROUTES, asked)
    host.ExtendOrthancExplorer(_explorer(config.status))
    if config.apply_profile:
        _check(host, Arrival(config, delivery.told))


def _check(host: Any, arrival: Arrival) -> None:
    """Register what lets data sets in."""
    action = host.ReceivedInstanceAction

    def requested(_: str, **request: Any) -> bool:
        arrival.request(request["ip"], request["headers"])
        return True

    def received(data: bytes, origin: int) -> tuple[Any, bytes | None]:
        made = arrival.received(data, origin)
        if made is None:
            return action.DISCARD, None
        return (action.KEEP_AS_IS, None) if made is data else (action.MODIFY, made)

    def filtered(dicom: Any) -> int:
        return arrival.stored_by(dicom.GetInstanceRemoteAet(), dicom.GetInstanceData)

    host.RegisterIncomingHttpRequestFilter(requested)
    host.RegisterReceivedInstanceCallback(received)
    host.RegisterIncomingCStoreInstanceFilter(filtered)


def _explorer(number: int) -> str:
    """Return the script that shows the status in Orthanc Explorer."""
    text = files("sopstatus.engines").joinpath("orthanc_explorer.js").read_text("utf-8")
    return text.replace("METADATA", str(number))
