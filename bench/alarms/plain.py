"""The published rules that ours must beat, over the same replay. Levels nSv/h; see ALERTING sections 2 and 7."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.alarms.ramis import Replay

Bools = NDArray[np.bool_]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

WINDOW = 600
SHORT_WINDOW = 168
BLOCK = 12
FEWEST = 48
HOLD_POLLS = 2


@dataclass(frozen=True)
class Past:
    """Trailing mean and standard deviation (T, S) of each station's own readings, newest two polls left out.

    week_mean, week_deviation: the same over the last 168 polls; near: (S, 96) stations within 50 km, -1 pads.
    """

    value: Singles
    mean: Singles
    deviation: Singles
    week_mean: Singles
    week_deviation: Singles
    near: Ints

    def seeing(self, value: Singles) -> Past:
        """The same past under other readings: an event of hours hardly moves a mean of weeks."""
        return replace(self, value=value)


def past(replay: Replay) -> Past:
    """What a simple rule would know; refreshed every twelve polls."""
    mean, deviation = _trailing(replay.value, WINDOW)
    week_mean, week_deviation = _trailing(replay.value, SHORT_WINDOW)
    return Past(replay.value, mean, deviation, week_mean, week_deviation, _within(replay, 50.0))


def _trailing(value: Singles, window: int) -> tuple[Singles, Singles]:
    mean, deviation = np.full_like(value, np.nan), np.full_like(value, np.nan)
    for poll in range(BLOCK, len(value), BLOCK):
        held = value[max(0, poll - window) : poll - 2]
        known = np.isfinite(held)
        many = known.sum(axis=0)
        held = np.where(known, held, 0.0).astype(np.float64)
        middle = held.sum(axis=0) / np.maximum(many, 1)
        spread = np.sqrt(np.maximum((held**2).sum(axis=0) / np.maximum(many, 1) - middle**2, 0.0))
        mean[poll : poll + BLOCK] = np.where(many >= FEWEST, middle, np.nan)
        deviation[poll : poll + BLOCK] = np.where(many >= FEWEST, spread, np.nan)
    return mean, deviation


def rules() -> dict[str, Callable[[Past], Bools]]:
    """Name of each rule and the (T, S) readings that it calls elevated."""
    return {
        "fixed 0.2 uSv/h": lambda p: _rising(p.value >= 200.0),
        "fixed 0.5 uSv/h": lambda p: _rising(p.value >= 500.0),
        "IERNet attention, mean + 97.3": lambda p: p.value >= p.mean + 97.3,
        "mean + 3 sigma": lambda p: p.value > p.mean + 3 * p.deviation,
        "mean + 5 sigma": lambda p: p.value > p.mean + 5 * p.deviation,
        "worldmonitor (+15 or z 3)": _worldmonitor,
        "warning.watch elevated (3x, +500, z 5, 3 in 50 km)": lambda p: _three(_tripled(p), p),
        "its one-station rule": _tripled,
        "two gates +30, z 5, 3 in 50 km": lambda p: _three(_gates(p, 30.0, 5.0), p),
        "two gates +50, z 5, 3 in 50 km": lambda p: _three(_gates(p, 50.0, 5.0), p),
        "RadNet-like, +50 and z 8, one station": lambda p: _gates(p, 50.0, 8.0),
    }


def listed(elevated: Bools) -> Bools:
    """An elevated reading stays listed until the next two polls have passed."""
    out = elevated.copy()
    for later in range(1, HOLD_POLLS):
        out[later:] |= elevated[:-later]
    return out


def _gates(past_: Past, rise: float, z: float) -> Bools:
    over = past_.value - past_.mean
    return np.asarray((over >= rise) & (over >= z * np.maximum(past_.deviation, 0.5)))


def _worldmonitor(past_: Past) -> Bools:
    over = past_.value - past_.week_mean
    return np.asarray((over >= 15.0) | (over >= 3.0 * np.maximum(past_.week_deviation, 1e-6)))


def _tripled(past_: Past) -> Bools:
    return np.asarray(_gates(past_, 500.0, 5.0) & (past_.value >= 3.0 * past_.mean))


def _rising(over: Bools) -> Bools:
    """A fixed level on stations that are not above it every day."""
    usual = np.nanmean(over, axis=0) > 0.2
    return np.asarray(over & ~usual[None, :])


def _within(replay: Replay, reach_km: float) -> Ints:
    """(S, K) up to 96 nearest stations within reach, -1 pads; enough to find three."""
    lat = np.array([row["lat"] for row in replay.stations])
    lon = np.array([row["lon"] for row in replay.stations])
    table = np.full((len(lat), 96), -1, dtype=np.int64)
    for station in range(len(lat)):
        apart = np.hypot((lat - lat[station]) * 111.2, (lon - lon[station]) * 111.2 * np.cos(np.radians(lat[station])))
        close = np.flatnonzero((apart <= reach_km) & (apart > 0.05))
        close = close[np.argsort(apart[close], kind="stable")][:96]
        table[station, : len(close)] = close
    return table


def _three(elevated: Bools, past_: Past) -> Bools:
    padded = np.concatenate([elevated, np.zeros((len(elevated), 1), dtype=np.bool_)], axis=1)
    out = np.zeros_like(elevated)
    for poll in np.flatnonzero(elevated.any(axis=1)):
        who = np.flatnonzero(elevated[poll])
        around = padded[poll][past_.near[who]].sum(axis=1)
        out[poll, who] = around >= 2
    return out
