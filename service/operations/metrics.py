"""What Prometheus can ask: how many requests, how fast, of which model.

With several workers, prometheus_client keeps each worker's numbers in files under :data:`MULTIPROCESS_FOLDER`, which
``__main__`` sets up before the workers start, and whichever worker answers adds them up.
"""

import os
from collections.abc import Iterator
from functools import cache
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from service.recommending.model import Readiness
from service.worker_environment import MULTIPROCESS_FOLDER

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counts of one application."""

    def __init__(self, readiness: Readiness) -> None:
        self.registry = CollectorRegistry()
        names = ("route", "method", "status")
        self._requests = Counter("osusume_http_requests", "Requests answered", names, registry=self.registry)
        self.precomputed = Counter(
            "osusume_precomputed_answers", "Recommendations that were found precomputed", registry=self.registry
        )
        self._lists = Counter(
            "osusume_recommended_lists",
            "Posted lists with recommendations, by whether there was evidence to go by",
            ("evidence",),
            registry=self.registry,
        )
        self.waiting = Gauge(
            "osusume_waiting_requests",
            "Requests that wait to be computed",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._durations = Histogram(
            "osusume_http_request_duration_seconds",
            "Time from a request's head to the end of its answer",
            ("route", "method"),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._model = _ModelCollector(readiness)
        # prometheus_client's own look-up takes a lock and makes texts of all labels.
        self._series = cache(self._find_series)

    def observe(self, route: str, method: str, status: int, duration_s: float) -> None:
        """Count a request by its route's template: paths would make as many series as there are anime."""
        # Clients can make methods up.
        method = method if method in _METHODS else "OTHER"
        requests, durations = self._series(route, method, status)
        requests.inc()
        durations.observe(duration_s)

    def count_list(self, *, has_evidence: bool) -> None:
        """Count a posted list; without evidence, it was answered with what is popular."""
        self._lists.labels("yes" if has_evidence else "no").inc()

    def _find_series(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(route, method, str(status)), self._durations.labels(route, method)

    def exposition(self) -> bytes:
        """Write everything in Prometheus' text format."""
        registry = self.registry
        if os.environ.get(MULTIPROCESS_FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        parts = CollectorRegistry()
        parts.register(self._model)
        if registry is self.registry:
            ProcessCollector(registry=parts)
            PlatformCollector(registry=parts)
        return generate_latest(registry) + generate_latest(parts)


class _ModelCollector(Collector):
    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def collect(self) -> Iterator[Metric]:
        model = self._readiness.model_if_ready()
        swaps, refusals = self._readiness.n_swaps, self._readiness.n_refusals
        yield CounterMetricFamily("osusume_model_swaps", "Models that took the place of another", value=swaps)
        yield CounterMetricFamily("osusume_model_refusals", "Models that were to, and were refused", value=refusals)
        refused = float(self._readiness.refusal is not None)
        yield GaugeMetricFamily("osusume_model_refused", "1 while what is current is refused", value=refused)
        yield GaugeMetricFamily("osusume_ready", "1 once a model is loaded", value=float(model is not None))
        if model is None:
            return
        manifest = model.bundle.manifest
        info = {"version": model.version, "network": manifest.network, "simulated": str(manifest.data.simulated)}
        yield InfoMetricFamily("osusume_model", "The model that answers", value=info)
        created = manifest.created_at.timestamp()
        yield GaugeMetricFamily("osusume_model_created_seconds", "When the model was made", value=created)
        yield GaugeMetricFamily("osusume_model_anime", "Anime the model knows", value=model.bundle.n_anime)
        yield GaugeMetricFamily("osusume_model_users", "Users the model knows", value=model.bundle.n_users)
