"""Counts and times for Prometheus; labels are routes, names of transformations, codes and terms."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector

from sopstatus.model import Issue
from sopstatus.table import MappingTable

MEDIA = CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        of: dict[str, Any] = {"registry": self.registry, "namespace": "sopstatus"}
        self._requests = Counter("requests", "Requests answered", ("route", "status"), **of)
        self._seconds = Histogram(
            "request_seconds",
            "From the first byte to the answer",
            ("route",),
            buckets=_SECONDS,
            **of,
        )
        self._done = Counter("transformations", "Documents carried", ("transform",), **of)
        self._issues = Counter("issues", "Issues told", ("code", "severity"), **of)
        self._tables = Gauge(
            "tables_info", "The tables in use", ("table", "version", "sha256"), **of
        )
        self._loads = Counter("table_loads", "Attempts to load the tables", ("result",), **of)
        self.in_progress = Gauge("in_progress", "Requests being worked on", **of)
        # one look-up instead of the library's lock and tuple of texts
        self._request = lru_cache(maxsize=1024)(self._requests.labels)
        self._second = lru_cache(maxsize=64)(self._seconds.labels)
        self._transformation = lru_cache(maxsize=1024)(self._done.labels)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._request(route, str(status)).inc()
        self._second(route).observe(seconds)

    def transformation(self, name: str) -> None:
        """Count a document that was carried."""
        self._transformation(name).inc()

    def issues(self, issues: Iterable[Issue]) -> None:
        """Count issues that were told."""
        for found in issues:
            self._issues.labels(found.code, found.severity).inc()

    def tables(self, tables: MappingTable) -> None:
        """Tell which tables are in use now."""
        self._loads.labels("loaded").inc()
        self._tables.clear()
        for group in tables.groups:
            self._tables.labels(group.name, group.version, tables.sha256).set(1)

    def refused_tables(self) -> None:
        """Count tables that were not taken into use."""
        self._loads.labels("refused").inc()

    def text(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return generate_latest(self.registry)
