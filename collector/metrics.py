"""Counters of the collector, for Prometheus. The registry is passed in, so that two programs in one process share one page."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from domain.readings import Answer, Tally


class Metrics:
    """What the collector counts; names are part of the operator's contract (docs/operating.md)."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self.answers = Counter(
            "radcommons_answers", "Answers of publishers by outcome: ok, not_modified or the reason of refusal.",
            ["feed", "outcome"], registry=registry,
        )  # fmt: skip
        self.received_bytes = Counter(
            "radcommons_received_bytes", "Bytes of bodies as received.", ["feed"], registry=registry
        )
        self.values = Counter(
            "radcommons_values", "Values by what became of them: read, stored, unchanged, revised, flagged.",
            ["feed", "fate"], registry=registry,
        )  # fmt: skip
        self.refused = Counter(
            "radcommons_refused", "Refusals of rows and cells by reason.", ["feed", "reason"], registry=registry
        )
        self.seconds = Histogram(
            "radcommons_answer_seconds", "Seconds from request to answer.", ["feed"], registry=registry
        )
        self.jobs = Counter(
            "radcommons_jobs",
            "Scheduled polls that did not go as planned: missed, overrun, error.",
            ["feed", "event"],
            registry=registry,
        )

    def answered(self, feed_id: str, answer: Answer, tally: Tally) -> None:
        """Count one committed answer."""
        outcome = answer.failure.value if answer.failure else "not_modified" if answer.not_modified else "ok"
        self.answers.labels(feed_id, outcome).inc()
        self.received_bytes.labels(feed_id).inc(answer.size_bytes)
        self.seconds.labels(feed_id).observe(max(0.0, answer.received_s - answer.requested_s))
        for fate in ("read", "stored", "unchanged", "revised", "flagged"):
            self.values.labels(feed_id, fate).inc(getattr(tally, fate))
        for reason, count in tally.refused.items():
            self.refused.labels(feed_id, reason).inc(count)
