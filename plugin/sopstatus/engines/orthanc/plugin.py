"""Orthanc: `start` within the file that ``PythonScript`` names. See docs/orthanc.md.

    import orthanc
    from sopstatus.engines.orthanc import start

    start(orthanc)

The module ``orthanc`` exists only within Orthanc; it is given, and not imported.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from typing import Any

from sopstatus import log
from sopstatus.audit import log as audit_log
from sopstatus.codecs.shared.library import quiet
from sopstatus.engines.orthanc.answers import ROUTES, answer
from sopstatus.engines.orthanc.archive import Archive
from sopstatus.engines.orthanc.arrival import Arrival, Refused
from sopstatus.engines.orthanc.delivery import Delivery
from sopstatus.engines.orthanc.settings import settings

_THREADS = 8
_UNREADABLE = b"refused"  # no DICOM file: Orthanc answers 400


def start(host: Any) -> None:
    """Register every callback; raise `ValueError` or `TableError` where a setting cannot be.

    Events go to standard error as JSON lines, from warnings on. Orthanc calls from many threads, and
    one at a time: Python's lock is held by who works. Those of its HTTP server have a stack of 100
    KB, on which a deeply nested data set, or the import of a module, would end Orthanc: what reads
    documents runs on threads of our own.
    """
    log.configure(json=True, level="warning")
    quiet()
    config = settings(json.loads(host.GetConfiguration()))
    threads = ThreadPoolExecutor(_THREADS, "sopstatus")
    archive = Archive(host, config)
    delivery = Delivery(config, archive)

    def run(work: Callable[..., Any], *given: Any) -> Any:
        return threads.submit(work, *given).result()

    def stored(_: Any, instance: str) -> None:
        # what Orthanc holds, which is not what came where it had stored the instance already
        found = run(archive.held, instance)
        if found is not None:
            delivery.stored(instance, found)

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
        status, body, media = run(answer, archive, config.tables, level, identifier, accept)
        if status == 200:
            output.AnswerBuffer(body, media)
        else:
            output.SendHttpStatusCode(status)

    host.RegisterOnStoredInstanceCallback(stored)
    host.RegisterOnChangeCallback(changed)
    host.RegisterRestCallback(ROUTES, asked)
    host.ExtendOrthancExplorer(
        files("sopstatus.engines.orthanc").joinpath("explorer.js").read_text("utf-8")
    )
    arrival = Arrival(config, archive, partial(audit_log.keep, config.audit), run, delivery.metrics)
    run(arrival.warm_up)

    def requested(uri: str, **request: Any) -> bool:
        if request["method"] != host.HttpMethod.GET and archive.is_ours(uri):
            log.event("orthanc-metadata-refused", "warning")
            return False
        arrival.request(request["ip"], request["headers"])
        return True

    host.RegisterIncomingHttpRequestFilter(requested)
    if config.apply_profile or config.refuse_unknown:
        _check(host, arrival)


def _check(host: Any, arrival: Arrival) -> None:
    """Register what lets data sets in.

    Orthanc takes a callback that fails for one that has nothing against the data set, and answers
    what is discarded over STOW-RS and C-STORE as if it were stored. So no fault gets out of
    `Arrival`, and what is refused over HTTP becomes what Orthanc cannot read: that is answered.
    """
    action = host.ReceivedInstanceAction

    def received(data: bytes, origin: int) -> tuple[Any, bytes | None]:
        try:
            made = arrival.received(data, origin)
        except Refused:
            return action.MODIFY, _UNREADABLE
        return (action.KEEP_AS_IS, None) if made is data else (action.MODIFY, made)

    def filtered(dicom: Any) -> int:
        return arrival.stored_by(dicom.GetInstanceRemoteAet(), dicom.GetInstanceData)

    host.RegisterReceivedInstanceCallback(received)
    host.RegisterIncomingCStoreInstanceFilter(filtered)
