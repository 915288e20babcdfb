"""Metrics of one API process and, as the store has them, of the feeds."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

_BOUNDS_S = Histogram.DEFAULT_BUCKETS
_LE = [*(str(bound) for bound in _BOUNDS_S[:-1]), "+Inf"]


@dataclass(slots=True)
class _Timed:
    """Answers of one operation by how long they took, not cumulative, and the seconds of all."""

    buckets: list[int] = field(default_factory=lambda: [0] * len(_BOUNDS_S))
    seconds: float = 0.0


class Answers:
    """Answers counted by ourselves and told as Prometheus has them: its own counters take longer than sending kept bytes does."""

    def __init__(self) -> None:
        self._by_status: Counter[tuple[str, int]] = Counter()
        self._timed: defaultdict[str, _Timed] = defaultdict(_Timed)

    def count(self, operation: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._by_status[operation, status] += 1
        timed = self._timed[operation]
        timed.buckets[bisect_left(_BOUNDS_S, seconds)] += 1
        timed.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """What a registry asks for."""
        requests = CounterMetricFamily(
            "radcommons_api_requests", "Requests answered, by operation and status", labels=["operation", "status"]
        )
        for (operation, status), count in self._by_status.items():
            requests.add_metric([operation, str(status)], count)
        yield requests
        times = HistogramMetricFamily("radcommons_api_seconds", "Seconds to answer, by operation", labels=["operation"])
        for operation, timed in self._timed.items():
            counts = accumulate(timed.buckets)
            times.add_metric([operation], list(zip(_LE, counts, strict=True)), timed.seconds)
        yield times


class ApiMetrics:
    """Counts of one API process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Answers()
        self.registry.register(self.answers)
        self.state = Gauge(
            "radcommons_feed_state", "1 for the state that a feed is in", ["feed", "state"], registry=self.registry
        )
        self.age = Gauge(
            "radcommons_feed_last_new_age_seconds",
            "Seconds since a feed brought a new reading",
            ["feed"],
            registry=self.registry,
        )
        self.success = Gauge(
            "radcommons_feed_last_success_age_seconds",
            "Seconds since a feed was read",
            ["feed"],
            registry=self.registry,
        )
        self.critical = Gauge(
            "radcommons_feed_critical", "1 for a feed that readiness depends on", ["feed"], registry=self.registry
        )
        self.held = Gauge(
            "radcommons_config_held", "1 for a file of the configuration that does not run as it stands", ["file"],
            registry=self.registry,
        )  # fmt: skip
        self.drill_seconds = Gauge(
            "radcommons_drill_seconds",
            "Seconds from the commit of an invented rise to each step, in the last drill that ended",
            ["step"],
            registry=self.registry,
        )
        self.drill_passed = Gauge(
            "radcommons_drill_passed",
            "1 when the last drill that ended was acknowledged by all",
            registry=self.registry,
        )
        self.drill_age = Gauge(
            "radcommons_drill_age_seconds", "Seconds since the last drill that ended began", registry=self.registry
        )

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self.answers.count(operation, status, seconds)
