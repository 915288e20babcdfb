"""Our own releases laid over real series: puffs and steps of 1 to 6 h, +20 to +500 nSv/h, four geometries.

Everything is drawn from one seed. Events of a round are far apart in space or time, so that each is judged alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

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


def draw(replay: Replay, seed: int, rounds: int, per_round: int, begin_min: float, end_min: float) -> list[list[Event]]:
    """`rounds` lists of events with onsets in [begin_min, end_min)."""
    rng = np.random.default_rng(seed)
    ground = _Ground(replay)
    answer = []
    for _ in range(rounds):
        events: list[Event] = []
        tries = 0
        while len(events) < per_round and tries < 40 * per_round:
            tries += 1
            event = _draw_one(rng, ground, replay, begin_min, end_min, SIZES[len(events) % len(SIZES)])
            if event is not None and all(ground.apart(event, other) for other in events):
                events.append(event)
        answer.append(events)
    return answer


def apply(replay: Replay, events: list[Event], seed: int) -> Replay:
    """The replay with the events in it; values keep their station's rounding, noise grows with the dose."""
    rng = np.random.default_rng(seed)
    value = replay.value.copy()
    noise, quantum, floored = _character(replay.value)
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


def _character(value: Singles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
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


class _Ground:
    """Positions, who is usable, and where it rained."""

    def __init__(self, replay: Replay) -> None:
        self.lat = np.array([row["lat"] for row in replay.stations])
        self.lon = np.array([row["lon"] for row in replay.stations])
        self.area = np.array([row["area"] for row in replay.stations])
        fresh = np.isfinite(replay.value)
        _, _, floored = _character(replay.value)
        usable = (fresh.sum(axis=0) >= max(100, 0.5 * len(replay.now_min))) & np.isfinite(self.lat) & ~floored
        self.usable = np.flatnonzero(usable)
        self.areas = np.unique(self.area[self.usable])

    def offset(self, centre: int) -> tuple[Floats, Floats]:
        """Kilometres east and north of station `centre` for all stations."""
        east = (self.lon - self.lon[centre]) * KM_PER_DEGREE * np.cos(np.radians(self.lat[centre]))
        return east, (self.lat - self.lat[centre]) * KM_PER_DEGREE

    def apart(self, one: Event, other: Event) -> bool:
        """Far enough in time or in space not to be seen in each other."""
        if one.onset_min - other.end_min > APART_MIN or other.onset_min - one.end_min > APART_MIN:
            return True
        east, north = self.offset(int(one.who[0]))
        return bool(np.hypot(east[other.who], north[other.who]).min() > APART_KM)


def _draw_one(
    rng: np.random.Generator, ground: _Ground, replay: Replay, begin_min: float, end_min: float, size: float
) -> Event | None:
    # Half by station (as dense as the network), half by prefecture: most of Japan has five to seven stations each.
    if rng.random() < 0.5:
        centre = int(rng.choice(ground.usable))
    else:
        area = rng.choice(ground.areas)
        centre = int(rng.choice(ground.usable[ground.area[ground.usable] == area]))
    geometry = GEOMETRIES[int(rng.choice(4, p=[0.3, 0.25, 0.25, 0.2]))]
    onset = float(rng.uniform(begin_min, end_min))
    wet = _wet(replay, centre, onset)
    # Keep about one event in three in rain; by chance it would be one in five.
    if not wet and rng.random() < 0.6:
        return None
    who, share, delay = _footprint(rng, ground, centre, geometry)
    observed = replay.now_min[:, None] - replay.age_min[:, who]
    length = float(rng.uniform(60.0, 360.0))
    shape = SHAPES[int(rng.integers(2))]
    event = Event(size, shape, geometry, onset, length, who, share, delay, wet, bool(rng.random() < 0.1))
    # An event that no reading caught at half its height is no test of a detector, only of the poller.
    given = np.where(event.gone(replay.now_min), np.nan, observed) if event.silenced else observed
    caught = any((event.rise(given[:, member], member) >= size / 2).any() for member in range(len(who)))
    return event if caught else None


def _wet(replay: Replay, centre: int, onset: float) -> bool:
    polls = (replay.now_min > onset - 120) & (replay.now_min <= onset + 120)
    return bool((np.nan_to_num(replay.radar[polls, centre]) > 0).any())


def _footprint(rng: np.random.Generator, ground: _Ground, centre: int, geometry: str) -> tuple[Ints, Floats, Floats]:
    """Stations, their share of the peak, and the delay of arrival in minutes; `centre` comes first with share 1."""
    east, north = ground.offset(centre)
    delay = np.zeros(len(east))
    if geometry == "plume":
        angle = rng.uniform(0, 2 * np.pi)
        along = east * np.cos(angle) + north * np.sin(angle)
        across = -east * np.sin(angle) + north * np.cos(angle)
        width = 1.5 + 0.12 * np.maximum(along, 0.0)
        share = np.where((along >= 0) & (along < 80), np.exp(-0.5 * (across / width) ** 2) / (1 + along / 25.0), 0.0)
        delay = np.maximum(along, 0.0) / rng.uniform(10.0, 30.0) * 60.0
    else:
        reach = {"point": 0.05, "local": rng.uniform(1.5, 5.0), "wide": rng.uniform(10.0, 30.0)}[geometry]
        share = np.exp(-0.5 * (np.hypot(east, north) / reach) ** 2)
    share = np.where(np.isfinite(share), share, 0.0)
    share[centre] = 1.0
    members = np.flatnonzero(share >= 0.05)
    who = np.concatenate([[centre], members[members != centre]]).astype(np.int64)
    return who, share[who], delay[who]


def describe(events: list[Event]) -> dict[str, Any]:
    """Counts for the report."""
    return {
        "events": len(events),
        "wet": sum(event.wet for event in events),
        "one or two stations": sum(len(event.who) <= 2 for event in events),
        "silenced": sum(event.silenced for event in events),
    }
