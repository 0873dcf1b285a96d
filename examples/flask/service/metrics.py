"""Metrics for Prometheus under the names of the reference service, so that its rules and dashboards fit."""

import platform
from typing import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from . import APPLICATION, VERSION
from .cache import Cache
from .task_identity import TaskIdentity

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
KNOWN_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
MODES = ("memory", "redis", "degraded")


class Metrics:
    """Labels come from closed sets, so that memory stays bounded whatever clients send."""

    def __init__(self, environment: str, identity: TaskIdentity, cache: Cache, is_ready: Callable[[], bool]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "http_requests_total", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.durations = Histogram(
            "http_request_duration_seconds",
            "Time from the request to the end of its answer.",
            ("method", "route"),
            buckets=BUCKETS_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge("http_requests_in_flight", "Requests being answered.", registry=self.registry)
        ready = Gauge("app_ready", "1 while the service is ready for requests.", registry=self.registry)
        ready.set_function(is_ready)
        if identity.memory_limit_bytes is not None:
            limit = Gauge("app_memory_limit_bytes", "Memory above which the task is killed.", registry=self.registry)
            limit.set(identity.memory_limit_bytes)
        labels = ("application", "version", "environment", "release", "zone", "python")
        build = Gauge("app_build_info", "Always 1; the labels say what runs and where.", labels, registry=self.registry)
        release, zone = identity.release or "", identity.zone or ""
        build.labels(APPLICATION, VERSION, environment, release, zone, platform.python_version()).set(1)
        self.registry.register(_CacheCollector(cache))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        method = method if method in KNOWN_METHODS else "OTHER"
        self.requests.labels(method, route, str(status)).inc()
        self.durations.labels(method, route).observe(seconds)


class _CacheCollector:
    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def collect(self) -> Iterable[Metric]:
        cache = self._cache
        reads = CounterMetricFamily("app_cache_requests", "Reads of the cache, by result.", labels=["result"])
        reads.add_metric(["hit"], cache.hits)
        reads.add_metric(["miss"], cache.misses)
        yield reads
        failures = "Calls to Redis that failed, and were served from memory."
        yield CounterMetricFamily("app_cache_failures", failures, value=cache.failures)
        mode = GaugeMetricFamily("app_cache_mode", "1 for the mode that the cache is in.", labels=["mode"])
        for name in MODES:
            mode.add_metric([name], 1 if name == cache.mode else 0)
        yield mode
        yield GaugeMetricFamily("app_cache_memory_entries", "Entries in the memory of this task.", value=cache.entries)
        yield GaugeMetricFamily("app_cache_memory_bytes", "Their size.", value=cache.bytes)
