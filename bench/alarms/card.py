"""The detection method that ALERTING section 6 publishes, as it is written there: the strongest rival in the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.detect_channels import components
from analysis.detect_places import Places
from bench.alarms.ramis import Replay

Bools = NDArray[np.bool_]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

KEPT = 500
SKIPPED = 2
FEWEST = 48
BLOCK = 12
NEIGHBOURS = 24
NEIGHBOUR_KM = (12.0, 90.0)
CHOSEN_AT = 264
CURRENT_MIN = 100.0
RAIN_HALF_LIFE_MIN = 60.0
PAIR_MIN = 200.0
TRIO_MIN = 300.0
PAIRS = ((15.0, 5.0, 10.0), (20.0, 4.0, 20.0))


@dataclass(frozen=True)
class Model:
    """Baseline, scale and rain term (T, S) nSv/h of a clean replay, and the neighbours (S, 24) of the common mode."""

    median: Singles
    scale: Singles
    rain: Singles
    around: Ints
    places: Places


@dataclass(frozen=True)
class Channels:
    """(T, S) who stands out: strict, all channels, and only the three that agree in space."""

    strict: Bools
    everything: Bools
    spatial: Bools


def model(replay: Replay) -> Model:
    """Learn from the clean replay; refreshed every twelve polls, as the plain rules are."""
    median, scale = np.full_like(replay.value, np.nan), np.full_like(replay.value, np.nan)
    for poll in range(BLOCK, len(replay.value), BLOCK):
        held = replay.value[max(0, poll - KEPT - SKIPPED) : poll - SKIPPED]
        median[poll : poll + BLOCK], scale[poll : poll + BLOCK] = _ordinary(held)
    places = Places(replay.stations)
    noise = np.nan_to_num(scale[min(CHOSEN_AT, len(scale) - 1)].astype(np.float64), nan=np.inf)
    everyone = np.arange(len(noise))
    around = places.quiet_neighbours(everyone, everyone[places.placed], noise, NEIGHBOURS, NEIGHBOUR_KM)
    return Model(median, scale, _rain(replay, places), around, places)


def _ordinary(held: Singles) -> tuple[Singles, Singles]:
    """(S,) median and heavy-tail scale max(1.4826 MAD, q99 / 3, 0.8) of the readings held (W, S)."""
    many = np.isfinite(held).sum(axis=0)
    line = np.arange(held.shape[1])
    middle = np.sort(held, axis=0)[np.maximum((many - 1) // 2, 0), line]
    off = held - middle
    spread = np.sort(np.abs(off), axis=0)[np.maximum((many - 1) // 2, 0), line]
    tail = np.sort(off, axis=0)[np.maximum(np.ceil(0.99 * many).astype(np.int64) - 1, 0), line]
    scale = np.maximum(np.fmax(1.4826 * spread, tail / 3), 0.8)
    enough = many >= FEWEST
    return np.where(enough, middle, np.nan).astype(np.float32), np.where(enough, scale, np.nan).astype(np.float32)


def _rain(replay: Replay, places: Places) -> Singles:
    """(T, S) nSv/h: min(6 sqrt(W), 60). Without radar the index stands still: widened, never narrowed."""
    cells = _cells_within(places, 20.0)
    held = np.zeros(replay.value.shape[1])
    rain = np.zeros_like(replay.value)
    for poll, radar in enumerate(replay.radar):
        gap = replay.now_min[poll] - replay.now_min[max(poll - 1, 0)]
        if np.isfinite(radar).any():
            peak = np.maximum.reduceat(np.nan_to_num(radar)[places.rain_order], places.rain_start)
            largest = peak[cells].max(axis=1)[places.rain_cell]
            held = np.maximum(held * 2.0 ** (-gap / RAIN_HALF_LIFE_MIN), largest)
        rain[poll] = np.minimum(6.0 * np.sqrt(held), 60.0)
    return rain


def _cells_within(places: Places, reach_km: float) -> Ints:
    """(cells, K) rain cells whose first station lies within reach of the cell's own, padded with itself."""
    first = places.rain_order[places.rain_start]
    apart = places.distance(first[:, None], first[None, :])
    np.fill_diagonal(apart, 0.0)
    near = [np.flatnonzero(row <= reach_km) for row in apart]
    table = np.repeat(np.arange(len(first))[:, None], max(map(len, near)), axis=1)
    for cell, found in enumerate(near):
        table[cell, : len(found)] = found
    return table


def channels(model_: Model, replay: Replay) -> Channels:
    """Who stands out at each poll of a replay (the clean one, or one with events laid over it)."""
    shape = replay.value.shape
    strict, everything, spatial = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
    memory = _Memory(shape[1])
    for poll in range(shape[0]):
        value = replay.value[poll]
        rise = value - model_.median[poll]
        at = replay.now_min[poll] - replay.age_min[poll].astype(np.float64)
        fresh = np.isfinite(rise) & np.isfinite(at)
        memory.excess = np.where(fresh, rise, memory.excess)
        memory.seen = np.where(fresh, at, memory.seen)
        residual = rise - _common(model_, memory, replay.now_min[poll]) - model_.rain[poll]
        memory.push(fresh, residual, residual / model_.scale[poll], at)
        sensitive, sparing = memory.alone(fresh)
        pairs, three = _agreeing(model_.places, memory, replay.now_min[poll])
        strict[poll] = sparing | (fresh & three)
        everything[poll] = sensitive | (fresh & (pairs | three))
        spatial[poll] = fresh & three
    return Channels(strict, everything, spatial)


class _Memory:
    """The last three residuals of each station, newest first (S, 3): nSv/h, in scales, and epoch minutes."""

    def __init__(self, count: int) -> None:
        self.excess = np.full(count, np.nan, dtype=np.float32)
        self.seen = np.full(count, -np.inf)
        self.rise = np.full((count, 3), np.nan, dtype=np.float32)
        self.z = np.full((count, 3), np.nan, dtype=np.float32)
        self.at = np.full((count, 3), -1e9)

    def push(self, fresh: Bools, rise: Singles, z: Singles, at: NDArray[np.float64]) -> None:
        for held, new in ((self.rise, rise), (self.z, z), (self.at, at)):
            held[fresh, 1:] = held[fresh, :-1]
            held[fresh, 0] = new[fresh]

    def alone(self, fresh: Bools) -> tuple[Bools, Bools]:
        """Channels 1, 2 and 4 of section 6, sensitive and strict."""
        rise, z = self.rise[:, 0], self.z[:, 0]
        two, z_two = self.rise[:, :2].min(axis=1), self.z[:, :2].min(axis=1)
        soon = self.at[:, 0] - self.at[:, 1] <= PAIR_MIN
        lone = (rise >= 60) & (z >= 9)
        strict = lone | (soon & (two >= 25) & (z_two >= 5))
        pair = soon & (((two >= 15) & (z_two >= 5)) | ((two >= 12) & (z_two >= 7)))
        trio = (self.at[:, 0] - self.at[:, 2] <= TRIO_MIN) & (self.rise.mean(axis=1) >= 12)
        trio &= (self.z.mean(axis=1) >= 4) & (self.z.min(axis=1) >= 2)
        return fresh & (strict | pair | trio | ((rise >= 30) & (z >= 12))), fresh & strict


def _common(model_: Model, memory: _Memory, now: float) -> Singles:
    """(S,) 70 % quantile of the neighbours' rise over their median, clipped to 0..40."""
    current = np.where(now - memory.seen <= CURRENT_MIN, memory.excess, np.float32(np.nan))
    around = np.where(model_.around >= 0, current[model_.around], np.float32(np.nan))
    around.sort(axis=1)
    many = np.isfinite(around).sum(axis=1)
    place = np.clip(np.floor(0.7 * (many - 1)).astype(np.int64), 0, NEIGHBOURS - 1)
    common = around[np.arange(len(around)), place]
    return np.where(many >= 3, np.clip(common, 0.0, 40.0), 0.0).astype(np.float32)


def _agreeing(places: Places, memory: _Memory, now: float) -> tuple[Bools, Bools]:
    """Channel 3: stations in a pair, and stations in a group of three linked within 25 km, > 1 km apart."""
    pairs, three = (np.zeros(len(memory.seen), dtype=np.bool_) for _ in range(2))
    rise, z = memory.rise[:, 0], memory.z[:, 0]
    who = np.flatnonzero((now - memory.seen <= CURRENT_MIN) & (rise >= 10) & (z >= 4) & places.placed)
    if who.size < 2:
        return pairs, three
    apart = places.distance(who[:, None], who[None, :])
    np.fill_diagonal(apart, np.inf)
    apart[apart <= 1.0] = np.inf
    for least, least_z, reach in PAIRS:
        able = (rise[who] >= least) & (z[who] >= least_z)
        pairs[who] |= able & ((apart <= reach) & able[None, :]).any(axis=1)
    group = components(apart <= 25.0)
    three[who] = np.bincount(group)[group] >= 3
    return pairs, three
