"""Metrics for Prometheus: one set of names for everything that runs as a service.

Labels are routes, names of transformations, answers, destinations, issue codes and terms; never what
a sender chooses. docs/operations.md lists all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.process_collector import ProcessCollector

from sopstatus.model import DocumentError, Issue
from sopstatus.table import MappingTable

MEDIA = CONTENT_TYPE_LATEST
Waiting = Callable[[], tuple[int, int, float]]
OF_HTTP = frozenset({"requests", "request_seconds", "in_progress"})
OF_MESSAGES = frozenset({"messages", "message_seconds"})
OF_CONNECTIONS = frozenset({"connections", "tls_failures"})
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one service; ``without`` are those that it does not show."""

    def __init__(self, without: Collection[str] = ()) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        of: dict[str, Any] = {"registry": self.registry, "namespace": "sopstatus"}
        timed: dict[str, Any] = {"buckets": _SECONDS, **of}
        self._requests = Counter("requests", "Requests answered", ("route", "status"), **of)
        self._seconds = Histogram(
            "request_seconds", "From the first byte to the answer", ("route",), **timed
        )
        self._messages = Counter("messages", "Messages, by MSA-1 of the answer", ("answer",), **of)
        self._message_seconds = Histogram(
            "message_seconds", "From the end of a message to its answer", **timed
        )
        self._done = Counter("transformations", "Documents carried", ("transform",), **of)
        self._issues = Counter("issues", "Issues told", ("code", "severity"), **of)
        self._tables = Gauge(
            "tables_info", "The tables in use", ("table", "version", "sha256"), **of
        )
        self._loads = Counter("table_loads", "Attempts to load the tables", ("result",), **of)
        self.in_progress = Gauge("in_progress", "Requests being worked on", **of)
        self.connections = Gauge("connections", "Open connections", **of)
        self._tls = Counter("tls_failures", "TLS handshakes that failed", ("reason",), **of)
        self._delivered = Counter("delivered", "Messages delivered", ("destination",), **of)
        self._retries = Counter("retries", "Attempts that failed", ("destination", "reason"), **of)
        self._dead = Counter("dead_letters", "Messages given up", ("destination", "reason"), **of)
        self._up = Gauge(
            "destination_up", "1: the last attempt was answered", ("destination",), **of
        )
        self._spool = Gauge(
            "spool_messages", "Messages in the spool", ("destination", "state"), **of
        )
        self._oldest = Gauge(
            "spool_oldest_seconds", "Age of the oldest queued message", ("destination",), **of
        )
        made = [one for one in vars(self).values() if isinstance(one, MetricWrapperBase)]
        for one in made:
            if next(iter(one.describe())).name.removeprefix("sopstatus_") in without:
                self.registry.unregister(one)
        self._in_use: set[tuple[str, str, str]] = set()
        self._spools: dict[str, Waiting] = {}
        self._looking = threading.Lock()
        # one look-up instead of the library's lock and tuple of texts
        self._request = lru_cache(maxsize=1024)(self._requests.labels)
        self._second = lru_cache(maxsize=64)(self._seconds.labels)
        self._transformation = lru_cache(maxsize=1024)(self._done.labels)
        self._message = lru_cache(maxsize=64)(self._messages.labels)
        self._issue = lru_cache(maxsize=1024)(self._issues.labels)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._request(route, str(status)).inc()
        self._second(route).observe(seconds)

    def message(self, answer: str, seconds: float) -> None:
        """Count a message that was answered."""
        self._message(answer).inc()
        self._message_seconds.observe(seconds)

    def transformation(self, name: str) -> None:
        """Count a document that was carried."""
        self._transformation(name).inc()

    def issues(self, issues: Iterable[Issue]) -> None:
        """Count issues that were told."""
        for found in issues:
            self._issue(found.code, found.severity).inc()

    def tables(self, tables: MappingTable) -> None:
        """Tell which tables are in use now."""
        self._loads.labels("loaded").inc()
        new = {(group.name, group.version, tables.sha256) for group in tables.groups}
        for labels in new:
            self._tables.labels(*labels).set(1)
        for labels in self._in_use - new:  # at no time there are none
            self._tables.remove(*labels)
        self._in_use = new

    def refused_tables(self) -> None:
        """Count tables that were not taken into use."""
        self._loads.labels("refused").inc()

    def tls_failure(self, reason: str) -> None:
        """Count a TLS handshake that failed."""
        self._tls.labels(reason).inc()

    def spool(self, destination: str, waiting: Waiting) -> None:
        """Show what waits for a destination, from now on.

        ``waiting`` is asked at each look: how many are queued, how many are dead letters, and when
        the oldest that is queued came.
        """
        self._spools[destination] = waiting
        self._delivered.labels(destination)
        self._up.labels(destination).set(1)

    def delivered(self, destination: str) -> None:
        """Count a message that its destination has taken."""
        self._delivered.labels(destination).inc()
        self._up.labels(destination).set(1)

    def retry(self, destination: str, reason: str) -> None:
        """Count an attempt that failed."""
        self._retries.labels(destination, reason).inc()
        self._up.labels(destination).set(0)

    def dead_letter(self, destination: str, reason: str) -> None:
        """Count a message that was given up."""
        self._dead.labels(destination, reason).inc()
        self._up.labels(destination).set(1)

    def reached(self, destination: str, up: bool) -> None:
        """Show whether a destination that keeps no queue has answered."""
        self._up.labels(destination).set(up)

    def text(self) -> bytes:
        """Return everything as Prometheus reads it; one look at a time, so that none sees half."""
        with self._looking:
            self._spool.clear()
            self._oldest.clear()
            for destination, waiting in tuple(self._spools.items()):
                try:
                    queued, dead, oldest = waiting()
                except (
                    DocumentError,
                    TimeoutError,
                ):  # the log or readiness says it; what is not known is not shown
                    continue
                self._spool.labels(destination, "queued").set(queued)
                self._spool.labels(destination, "dead").set(dead)
                age = max(0.0, time.time() - oldest) if oldest else 0.0
                self._oldest.labels(destination).set(age)
            return generate_latest(self.registry)
