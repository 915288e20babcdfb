"""Our own releases laid over real series: puffs and steps of 1 to 6 h, +20 to +500 nSv/h, four geometries.

Everything is drawn from one seed. Events of a round are far apart in space or time, so that each is judged alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.alarms.ramis import Replay

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

SIZES = (20.0, 50.0, 100.0, 500.0)
GEOMETRIES = ("point", "local", "plume", "wide")
SHAPES = ("step", "puff")
APART_KM = 150.0
APART_MIN = 24 * 60.0
TAIL_MIN = 120.0
FLOOR_NSV_H = 200.0
FLOORED_TRUE_NSV_H = 50.0
KM_PER_DEGREE = 111.2


@dataclass(frozen=True)
class Event:
    """One injected release. who: station columns; share: of `size` at each; delay_min: arrival after onset."""

    size: float
    shape: str
    geometry: str
    onset_min: float
    length_min: float
    who: Ints
    share: Floats
    delay_min: Floats
    wet: bool
    silenced: bool

    @property
    def end_min(self) -> float:
        """When the last station is back to normal."""
        return self.onset_min + float(self.delay_min.max()) + self.length_min

    def gone(self, now_min: Floats) -> NDArray[np.bool_]:
        """(T, members) polls without an answer when the event is a silenced one: 12 h from its middle on."""
        middle = self.onset_min + self.delay_min + self.length_min / 2
        return np.asarray((now_min[:, None] >= middle) & (now_min[:, None] < middle + 12 * 60))

    def rise(self, minute: Floats, member: int) -> Floats:
        """nSv/h added at one member at the given epoch minutes (any shape)."""
        after = minute - self.onset_min - self.delay_min[member]
        part = np.clip(after / self.length_min, 0.0, 1.0)
        if self.shape == "step":
            form = ((after >= 0) & (after < self.length_min)).astype(float)
        else:
            form = np.sin(np.pi * part) ** 2
        return np.asarray(self.size * self.share[member] * form)


def apply(replay: Replay, events: list[Event], seed: int) -> Replay:
    """The replay with the events in it; values keep their station's rounding, noise grows with the dose."""
    rng = np.random.default_rng(seed)
    value = replay.value.copy()
    noise, quantum, floored = character(replay.value)
    observed = replay.now_min[:, None] - replay.age_min
    for event in events:
        for member, column in enumerate(event.who.tolist()):
            rise = event.rise(np.where(np.isfinite(observed[:, column]), observed[:, column], -np.inf), member)
            rows = np.flatnonzero((rise > 0) & np.isfinite(value[:, column]))
            if rows.size:
                held = value[rows, column].astype(float)
                value[rows, column] = _seen(held, rise[rows], noise[column], quantum[column], floored[column], rng)
            if event.silenced:
                value[event.gone(replay.now_min)[:, member], column] = np.nan
    return replace(replay, value=value)


def _seen(held: Floats, rise: Floats, noise: float, quantum: float, floored: bool, rng: np.random.Generator) -> Floats:
    """What the instrument shows when `rise` comes on top of what it showed."""
    true = np.where(floored & (held == 0), FLOORED_TRUE_NSV_H, held)
    extra = noise * np.sqrt(np.maximum((true + rise) / np.maximum(true, 20.0) - 1.0, 0.0))
    new = np.maximum(true + rise + rng.normal(size=rise.shape) * extra, 0.0)
    new = held + np.round((new - held) / quantum) * quantum if not floored else np.round(new / quantum) * quantum
    return np.where(floored & (new < FLOOR_NSV_H), 0.0, new)


def character(value: Singles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """(S,) robust noise nSv/h of differences, rounding step, and whether the station shows 0 below its floor."""
    count = value.shape[1]
    noise, quantum = np.zeros(count), np.full(count, 0.1)
    floored = np.zeros(count, dtype=np.bool_)
    for column in range(count):
        seen = value[np.isfinite(value[:, column]), column].astype(float)
        if seen.size < 20:
            continue
        noise[column] = 1.4826 * np.median(np.abs(np.diff(seen))) / np.sqrt(2.0)
        levels = np.unique(np.round(seen, 2))
        gaps = np.diff(levels)
        quantum[column] = max(float(gaps.min()), 0.01) if gaps.size else 1.0
        floored[column] = bool((seen == 0).mean() > 0.05)
    return noise, quantum, floored
