"""Where, when and how our own events happen: two mixes, drawn from one seed.

`card` was fitted by hand until the plain rules detect on it what ALERTING section 7 says that they detect on the
held-out events; `hard` spares no noisy or high station. Which figures were fitted: docs/detection.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.alarms.inject import GEOMETRIES, KM_PER_DEGREE, SHAPES, SIZES, Event, character
from bench.alarms.ramis import Replay

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

APART_KM = 150.0
APART_MIN = 24 * 60.0


@dataclass(frozen=True)
class Mix:
    """Shares and sizes of a generator.

    by_station: centres drawn as dense as the network (the rest: prefecture first); geometry: shares of GEOMETRIES;
    step: share of steps; dry_kept: share of dry events kept, so that rain is not rare; noise_most, level_most: nSv/h,
    the noisiest and highest station that may be a centre; local_km, wide_km: reach; silenced: share.
    """

    name: str
    by_station: float = 0.5
    geometry: tuple[float, float, float, float] = (0.3, 0.25, 0.25, 0.2)
    step: float = 0.5
    dry_kept: float = 0.4
    noise_most: float = np.inf
    level_most: float = np.inf
    local_km: tuple[float, float] = (1.5, 5.0)
    wide_km: tuple[float, float] = (10.0, 30.0)
    silenced: float = 0.1


HARD = Mix("hard")
CARD = Mix(
    "card",
    geometry=(0.25, 0.35, 0.2, 0.2),
    noise_most=25.0,
    level_most=120.0,
    local_km=(3.0, 10.0),
    wide_km=(12.0, 35.0),
)
MIXES = {mix.name: mix for mix in (HARD, CARD)}


class Ground:
    """Positions, who is usable, and where it rained."""

    def __init__(self, replay: Replay, mix: Mix) -> None:
        self.replay, self.mix = replay, mix
        self.lat = np.array([row["lat"] for row in replay.stations])
        self.lon = np.array([row["lon"] for row in replay.stations])
        self.area = np.array([row["area"] for row in replay.stations])
        self.observed = replay.now_min[:, None] - replay.age_min
        fresh = np.isfinite(replay.value).sum(axis=0)
        noise, _, floored = character(replay.value)
        level = np.array([np.median(held) if held.size else np.nan for held in map(_known, replay.value.T)])
        usable = (fresh >= max(100, 0.5 * len(replay.now_min))) & np.isfinite(self.lat) & ~floored
        usable &= (noise <= mix.noise_most) & (level <= mix.level_most)
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

    def centre(self, rng: np.random.Generator) -> int:
        """A station to begin at: as dense as the network, or one of a prefecture drawn first."""
        if rng.random() < self.mix.by_station:
            return int(rng.choice(self.usable))
        area = rng.choice(self.areas)
        return int(rng.choice(self.usable[self.area[self.usable] == area]))

    def wet(self, centre: int, onset: float) -> bool:
        """Radar rain above the centre within two hours of the onset."""
        polls = (self.replay.now_min > onset - 120) & (self.replay.now_min <= onset + 120)
        return bool((np.nan_to_num(self.replay.radar[polls, centre]) > 0).any())


def _known(series: NDArray[np.float32]) -> NDArray[np.float32]:
    return series[np.isfinite(series)]


def draw(
    replay: Replay, mix: Mix, seed: int, rounds: int, per_round: int, begin_min: float, end_min: float
) -> list[list[Event]]:
    """`rounds` lists of events with onsets in [begin_min, end_min); the events of a round do not touch each other."""
    rng = np.random.default_rng(seed)
    ground = Ground(replay, mix)
    answer = []
    for _ in range(rounds):
        events: list[Event] = []
        tries = 0
        while len(events) < per_round and tries < 40 * per_round:
            tries += 1
            event = _draw_one(rng, ground, begin_min, end_min, SIZES[len(events) % len(SIZES)])
            if event is not None and all(ground.apart(event, other) for other in events):
                events.append(event)
        answer.append(events)
    return answer


def _draw_one(rng: np.random.Generator, ground: Ground, begin_min: float, end_min: float, size: float) -> Event | None:
    mix = ground.mix
    centre = ground.centre(rng)
    geometry = GEOMETRIES[int(rng.choice(len(GEOMETRIES), p=mix.geometry))]
    onset = float(rng.uniform(begin_min, end_min))
    wet = ground.wet(centre, onset)
    if not wet and rng.random() >= mix.dry_kept:
        return None
    who, share, delay = _footprint(rng, ground, centre, geometry)
    length = float(rng.uniform(60.0, 360.0))
    shape = SHAPES[int(rng.random() >= mix.step)]
    event = Event(size, shape, geometry, onset, length, who, share, delay, wet, bool(rng.random() < mix.silenced))
    return event if _caught(event, ground) else None


def _caught(event: Event, ground: Ground) -> bool:
    """An event that no reading caught at half its height is no test of a detector, only of the poller."""
    now = ground.replay.now_min
    polls = np.flatnonzero((now >= event.onset_min) & (now <= event.end_min + 720))
    given = ground.observed[np.ix_(polls, event.who)]
    if event.silenced:
        given = np.where(event.gone(now[polls]), np.nan, given)
    return any((event.rise(given[:, member], member) >= event.size / 2).any() for member in range(len(event.who)))


def _footprint(rng: np.random.Generator, ground: Ground, centre: int, geometry: str) -> tuple[Ints, Floats, Floats]:
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
        mix = ground.mix
        reach = {"point": 0.05, "local": rng.uniform(*mix.local_km), "wide": rng.uniform(*mix.wide_km)}[geometry]
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
