"""The rehearsal's clock: set by hand while history is made, then fast until it has caught up with the real time."""

from __future__ import annotations

from dataclasses import dataclass

from domain.clock import Clock


@dataclass(slots=True)
class RehearsalClock:
    """Stands still until `run`; then goes `speed` times as fast as `base`, and never ahead of it (ages must not be negative)."""

    base: Clock
    time_s: float
    speed: float = 0.0
    started_s: float = 0.0

    def now_s(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z on the rehearsal's clock."""
        if not self.speed:
            return self.time_s
        now_s = self.base.now_s()
        return min(now_s, self.time_s + (now_s - self.started_s) * self.speed)

    def advance_to(self, time_s: float) -> None:
        """Set the standing clock on."""
        self.time_s = max(self.time_s, time_s)

    def run(self, speed: float) -> None:
        """Let the clock go."""
        self.started_s, self.speed = self.base.now_s(), speed
