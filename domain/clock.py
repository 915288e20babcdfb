"""Time as a thing that is passed in, so that a replay is the same code on another clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Where a program asks what time it is; whole programs run on one clock."""

    def now_s(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_s(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z, as the machine has them."""
        return time.time()


@dataclass(slots=True)
class VirtualClock:
    """A clock that stands still until it is moved, and that never goes back."""

    time_s: float = 0.0

    def now_s(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z, as last set."""
        return self.time_s

    def advance_to(self, time_s: float) -> None:
        """Move on to `time_s`; an earlier moment leaves the clock where it is."""
        self.time_s = max(self.time_s, time_s)


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A clock that starts at `start_s` and runs `speed` times as fast as `base`; a rehearsal shows hours in minutes."""

    base: Clock
    base_start_s: float
    start_s: float
    speed: float = 1.0

    def now_s(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z on the faster clock."""
        return self.start_s + (self.base.now_s() - self.base_start_s) * self.speed
