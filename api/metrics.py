"""Metrics of one API process and, as the store has them, of the feeds."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REQUESTS_HELP = "Requests answered, by operation and status"


#: Answers that are noted before they are counted; whoever reads the metrics counts them first.
_AT_ONCE = 1000


class ApiMetrics:
    """Counts of one API process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "radcommons_api_requests", REQUESTS_HELP, ["operation", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "radcommons_api_seconds", "Seconds to answer, by operation", ["operation"], registry=self.registry
        )
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
        self._known: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._answered: list[tuple[str, int, float]] = []

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Note one answer. It is counted with many others later: counting costs more than sending kept bytes does."""
        self._answered.append((operation, status, seconds))
        if len(self._answered) >= _AT_ONCE:
            self.count()

    def count(self) -> None:
        """Bring the counters up to date."""
        answered, self._answered = self._answered, []
        for operation, status, seconds in answered:
            self._count(operation, status, seconds)

    def _count(self, operation: str, status: int, seconds: float) -> None:
        """The children are kept, because finding them by their labels costs more than counting."""
        known = self._known.get((operation, status))
        if known is None:
            known = self.requests.labels(operation, str(status)), self.seconds.labels(operation)
            self._known[operation, status] = known
        known[0].inc()
        known[1].observe(seconds)
