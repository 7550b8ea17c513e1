"""What operators ask of a service: whether it is alive, whether it is ready, and its metrics.

`Readiness` is the answer to ``/readyz`` wherever one is given. `Operator` answers on a port of its
own, for services that do not speak HTTP themselves: the MLLP listener, and the plugin in Orthanc.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sopstatus import log
from sopstatus.engines.http.door import door
from sopstatus.engines.http.metrics import MEDIA, Metrics
from sopstatus.model import DocumentError
from sopstatus.sources.source import said

_LONGEST = 5.0  # seconds for all checks; what takes longer was not reached
_FRESH = 2.0  # seconds for which an answer is good: no caller makes us ask others more often
_PATIENCE = 10.0  # seconds for a request to arrive, and for its answer to be taken
_AT_ONCE = 16  # requests, each a thread
_NOBODY = "2.25.0"
"""A study that nobody holds: a source that is there says so."""

Check = Callable[[], object]


class Readiness:
    """What a service needs to reach; each check raises where it does not."""

    def __init__(self, checks: Mapping[str, Check] | None = None) -> None:
        self.checks = dict(checks or {})
        self._lock = threading.Lock()
        self._asked, self._faults = -_FRESH, dict[str, str]()
        self._running: dict[str, threading.Thread] = {}
        self._found: dict[str, str] = {}

    def faults(self) -> dict[str, str]:
        """Return what was not reached, each with the code or the kind of what stood against it."""
        with self._lock:
            if time.monotonic() - self._asked >= _FRESH:
                self._ask()
                self._faults = {name: fault for name, fault in self._found.items() if fault}
                self._asked = time.monotonic()
            return self._faults

    def _ask(self) -> None:
        """Make all checks at once; one that still hangs from before is not made again."""
        for name, check in self.checks.items():
            if name not in self._running or not self._running[name].is_alive():
                self._found[name] = "TimeoutError"
                one = threading.Thread(target=self._look, args=(name, check), daemon=True)
                self._running[name] = one
                one.start()
        end = time.monotonic() + _LONGEST
        for one in self._running.values():
            one.join(max(0.0, end - time.monotonic()))

    def _look(self, name: str, check: Check) -> None:
        self._found[name] = _fault(check)


def reached(source: Any) -> None:
    """Ask a source about a study that nobody holds; raise what stands against it."""
    said(source, _NOBODY)


def _fault(check: Check) -> str:
    try:
        check()
    except DocumentError as error:
        return error.issues[0].code
    except Exception as error:  # whatever a library raises: it was not reached
        return type(error).__name__
    return ""


class Operator:
    """An HTTP server on loopback: ``/healthz``, ``/readyz`` and ``/metrics``; one thread a request.

    ``alive`` raises where the service itself does not answer any more.
    """

    def __init__(self, port: int, metrics: Metrics, readiness: Readiness, alive: Check) -> None:
        self.draining = False

        class Handler(BaseHTTPRequestHandler):
            timeout = _PATIENCE

            def do_GET(handler) -> None:  # noqa: N805 - the library's name
                said = [(name.lower().encode(), v.encode()) for name, v in handler.headers.items()]
                if self._door.fault(said):  # a web page elsewhere
                    handler.send_error(403)
                    return
                found = self._answer(handler.path.partition("?")[0])
                if found is None:
                    handler.send_error(404)
                    return
                status, media, body = found
                handler.send_response(status)
                handler.send_header("Content-Type", media)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *_: object) -> None:  # noqa: N805
                pass

        self._metrics, self._readiness, self._alive = metrics, readiness, alive
        self._server = _Server(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        self._door = door(self._server.socket, tls=False)
        threading.Thread(target=self._server.serve_forever, name="operator", daemon=True).start()

    def close(self) -> None:
        """Stop to listen."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str) -> tuple[int, str, bytes] | None:
        if path == "/metrics":
            return 200, MEDIA, self._metrics.text()
        if path == "/healthz":
            fault = _fault(self._alive)
            return _json(503 if fault else 200, {"status": fault or "alive"})
        if path == "/readyz":
            return _json(*ready(self._readiness, draining=self.draining))
        return None


class _Server(ThreadingHTTPServer):
    """A server of a few threads: beyond them, the slowest caller makes room for the next."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *given: Any) -> None:
        self._begun: dict[Any, float] = {}  # the oldest first
        self._lock = threading.Lock()
        super().__init__(*given)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._begun[request] = time.monotonic()
        self.service_actions()
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Let go of whom took too long; called twice a second."""
        with self._lock:
            late = time.monotonic() - _PATIENCE
            beyond = len(self._begun) - _AT_ONCE
            for number, (request, begun) in enumerate(self._begun.items()):
                if number < beyond or begun < late:
                    with contextlib.suppress(OSError):
                        request.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._begun.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a fault of ours; a caller that has gone is none."""
        error = sys.exc_info()[1]
        if error and not isinstance(error, OSError):
            log.failure(error, "operator")


def ready(readiness: Readiness, *, draining: bool) -> tuple[int, dict[str, Any]]:
    """Return the status of ``/readyz``, and what it tells."""
    if draining:
        return 503, {"status": "draining"}
    faults = readiness.faults()
    if faults:
        return 503, {"status": "not-ready", "not-reached": faults}
    return 200, {"status": "ready"}


def _json(status: int, told: Mapping[str, Any]) -> tuple[int, str, bytes]:
    return status, "application/json", f"{json.dumps(told)}\n".encode()
