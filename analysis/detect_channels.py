"""From residuals to evidence: one reading, agreement in time, agreement in space.

Everything works on the last few readings of each station: residual r (nSv/h above what baseline, rain and the
regional swing explain) and z = r / sigma. The gates are the ones of ALERTING section 6, re-measured in
docs/detection.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.detect_places import Places

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

RECENT = 6
BEFORE = 16
BEFORE_SPACING_MIN = 30.0
BEFORE_AGE_MIN = (240.0, 960.0)
BEFORE_FEWEST = 3
MOST_LINKED = 700
LOUD_FIRST = 1e6


@dataclass(frozen=True)
class Gates:
    """Levels of the channels, nSv/h and multiples of the scale. Changed only together with docs/detection.md."""

    one: tuple[float, float] = (8.0, 6.5)
    # Where rain is about, up to so much more is asked of a lone reading: drizzle that no radar shows is the likelier cause.
    one_wet: float = 5.5
    # When the next poll is near, a lone reading waits for it.
    soon_min: float = 40.0
    one_soon: tuple[float, float] = (25.0, 10.5)
    one_young_min: float = 80.0
    one_record: float = 1.3
    # Runs of two to six readings: mean rise, sum of z over root n, least reading as a share of the mean's threshold.
    run_rise: tuple[float, ...] = (10.0, 8.5, 7.5, 7.0, 6.5)
    run_z: tuple[float, ...] = (6.0, 6.1, 6.1, 6.1, 6.1)
    run_least: tuple[float, ...] = (0.5, 0.3, 0.25, 0.2, 0.2)
    run_soon: float = 1.25
    run_gap_min: float = 110.0
    space_rise: float = 10.0
    space_z: float = 4.0
    space_allowed: float = 1.0
    space_km: float = 25.0
    two_near: tuple[float, float, float] = (15.0, 5.0, 10.0)
    two_far: tuple[float, float, float] = (20.0, 5.0, 20.0)
    # Two stations that each pass a gate lower than one alone must; nSv/h, scales, km. Rain lifts neighbours alike, so there more.
    two_quiet: tuple[float, float, float] = (8.0, 4.4, 12.0)
    two_quiet_allowed: float = 1.5
    fresh_min: float = 100.0
    # Chorus: a station and its nearest independent neighbours, none loud, all a little up.
    chorus_z: float = 5.5
    chorus_rise: float = 6.0
    chorus_fewest: int = 4
    chorus_voice_z: float = 1.5
    chorus_most_z: float = 4.0


class Recent:
    """The last six readings of S stations, newest first.

    value: as published; rise: residual; allowed: what rain may add; scale: ordinary spread (nSv/h each);
    observed: epoch minutes.
    """

    def __init__(self, count: int) -> None:
        self.value: Singles = np.full((count, RECENT), np.nan, dtype=np.float32)
        self.rise: Singles = np.full((count, RECENT), np.nan, dtype=np.float32)
        self.allowed: Singles = np.full((count, RECENT), np.nan, dtype=np.float32)
        self.scale: Singles = np.full((count, RECENT), np.nan, dtype=np.float32)
        self.observed: Floats = np.full((count, RECENT), -1e9)
        self.before: Singles = np.full((count, BEFORE), np.nan, dtype=np.float32)
        self.before_at: Floats = np.full((count, BEFORE), -1e9)

    def earlier(self, observed: Floats) -> Singles:
        """(S,) nSv/h: the residual's own median 4 to 16 h ago, never below 0; 0 when unknown.

        Some dosimeters wander by 20..50 for a day. A release has an onset, a wandering instrument has none.
        """
        age = observed[:, None] - self.before_at
        used = (age >= BEFORE_AGE_MIN[0]) & (age <= BEFORE_AGE_MIN[1]) & np.isfinite(self.before)
        held = np.sort(np.where(used, self.before, np.float32(np.nan)), axis=1)
        many = used.sum(axis=1)
        middle = held[np.arange(len(held)), np.maximum((many - 1) // 2, 0)]
        return np.where(many >= BEFORE_FEWEST, np.maximum(middle, 0.0), 0.0).astype(np.float32)

    def remember(self, quiet: Bools, residual: Singles, observed: Floats) -> None:
        """Keep the residuals of stations outside any alert, one per half hour, for `earlier`."""
        rows = np.flatnonzero(quiet & (observed - self.before_at[:, 0] >= BEFORE_SPACING_MIN))
        self.before[rows, 1:] = self.before[rows, :-1]
        self.before[rows, 0] = residual[rows]
        self.before_at[rows, 1:] = self.before_at[rows, :-1]
        self.before_at[rows, 0] = observed[rows]

    def push(self, fresh: Bools, value: Singles, rise: Singles, allowed: Singles, scale: Singles, at: Floats) -> None:
        """Add the fresh readings of this poll."""
        singles = ((self.value, value), (self.rise, rise), (self.allowed, allowed), (self.scale, scale))
        for held, new in singles:
            held[fresh, 1:] = held[fresh, :-1]
            held[fresh, 0] = new[fresh]
        self.observed[fresh, 1:] = self.observed[fresh, :-1]
        self.observed[fresh, 0] = at[fresh]


@dataclass(frozen=True)
class Evidence:
    """Who stands out now.

    one, time, spatial, corroborated: (S,) bool; gate: (S,) nSv/h the residual had to pass; score: (S,) the best
    multiple of its threshold that the station reached alone, 1 or more meaning that it triggered.
    """

    one: Bools
    time: Bools
    spatial: Bools
    corroborated: Bools
    gate: Singles
    score: Singles

    def any(self) -> Bools:
        """(S,) stations that triggered by any channel."""
        return self.one | self.time | self.spatial | self.corroborated


def weigh(
    recent: Recent,
    fresh: Bools,
    age: Singles,
    twin: Ints,
    choir: Ints,
    top: Singles,
    quantum: Singles,
    places: Places,
    now: float,
    soon: bool,
    gates: Gates,
) -> Evidence:
    """Evidence of the channels at this poll, for stations with a fresh reading (fresh: (S,)). soon: fast polls."""
    one_score = np.where(fresh, _one(recent, age, top, soon, gates), 0.0)
    time_score = np.where(fresh, _in_time(recent, quantum, soon, gates), 0.0)
    one, time = one_score >= 1.0, time_score >= 1.0
    spatial, corroborated = _in_space(recent, twin, places, now, gates)
    together = np.where(fresh, chorus(recent, choir, now, gates), 0.0)
    spatial = fresh & (spatial | (together >= gates.chorus_z))
    level = np.select([spatial | corroborated, time, one], [gates.space_rise, gates.run_rise[-1], gates.one[0]], np.inf)
    # A noisy station is calm again inside its noise; half of this level is what must be seen twice.
    level = np.maximum(level, 2.0 * np.nan_to_num(recent.scale[:, 0]))
    score = np.maximum(one_score, time_score).astype(np.float32)
    return Evidence(one, time, spatial, corroborated, level.astype(np.float32), score)


def _one(recent: Recent, age: Singles, top: Singles, soon: bool, gates: Gates) -> Floats:
    """(S,) multiple of its threshold that the newest reading reaches. It must beat the station's own record, and be young: a last gasp hours old waits for a second."""
    record = np.nan_to_num(top, nan=0.0) * gates.one_record
    allowed = recent.allowed[:, 0]
    rise, z = gates.one_soon if soon else gates.one
    wet = 0.0 if soon else np.minimum(allowed, gates.one_wet)
    needed = np.hypot(z * recent.scale[:, 0], rise + wet + allowed)
    reached = recent.rise[:, 0] / np.maximum(needed, record)
    return np.where((age <= gates.one_young_min) & np.isfinite(reached), reached, 0.0)


def _in_time(recent: Recent, quantum: Singles, soon: bool, gates: Gates) -> Floats:
    """(S,) multiple of its threshold that a run of two to six readings reaches, though none need be high alone."""
    # An instrument that freezes high repeats itself to the digit; a noisy one that is alive does not.
    frozen = (recent.value[:, 0] == recent.value[:, 1]) & (recent.scale[:, 0] >= 3 * quantum)
    best = np.zeros(len(frozen))
    for length in range(2, RECENT + 1):
        place = length - 2
        rise = recent.rise[:, :length]
        # Readings minutes apart share their rain; there the rise itself must be larger.
        least_rise = gates.run_rise[place] * (gates.run_soon if soon else 1.0)
        noise = gates.run_z[place] / np.sqrt(length) * recent.scale[:, :length].mean(axis=1)
        needed = np.hypot(noise, least_rise + recent.allowed[:, :length].mean(axis=1))
        close = recent.observed[:, 0] - recent.observed[:, length - 1] <= gates.run_gap_min * (length - 1) + 20.0
        reached = np.minimum(rise.mean(axis=1), rise.min(axis=1) / gates.run_least[place]) / needed
        best = np.fmax(best, np.where(close, reached, 0.0))
    return np.where(frozen, 0.0, best)


def chorus(recent: Recent, choir: Ints, now: float, gates: Gates) -> Floats:
    """(S,) sum of z over root n of each station with its choir (S, K), where enough of them sing.

    Where dosimeters stand every few kilometres a small release lifts many of them by less than any one can prove.
    Rain does the same, so a voice is what rises above all that rain is allowed.
    """
    rise = recent.rise[:, 0] - recent.allowed[:, 0]
    current = now - recent.observed[:, 0] <= gates.fresh_min
    z = np.where(current, np.clip(rise / recent.scale[:, 0], -2.0, gates.chorus_most_z), np.nan)
    everyone = np.concatenate([np.arange(len(rise))[:, None], choir], axis=1)
    voices = np.where(everyone >= 0, z[everyone], np.nan)
    heights = np.where(np.isfinite(voices), rise[everyone], 0.0)
    many = np.isfinite(voices).sum(axis=1)
    singing = (np.nan_to_num(voices) >= gates.chorus_voice_z).sum(axis=1)
    total = np.nansum(voices, axis=1) / np.sqrt(np.maximum(many, 1))
    enough = (many >= gates.chorus_fewest) & (2 * singing > many) & (heights.sum(axis=1) >= gates.chorus_rise * many)
    return np.where(enough & (np.nan_to_num(voices[:, 0]) >= gates.chorus_voice_z), total, 0.0)


def _in_space(recent: Recent, twin: Ints, places: Places, now: float, gates: Gates) -> tuple[Bools, Bools]:
    """Stations that agree with another (pairs) and those in groups of three or more independent ones."""
    count = len(recent.rise)
    rise = recent.rise[:, 0] - gates.space_allowed * recent.allowed[:, 0]
    z = rise / recent.scale[:, 0]
    current = (now - recent.observed[:, 0] <= gates.fresh_min) & places.placed
    level, scales, _ = gates.two_quiet
    wet = gates.two_quiet_allowed * recent.allowed[:, 0]
    quiet = recent.rise[:, 0] >= np.hypot(scales * recent.scale[:, 0], level + wet)
    hot = (rise >= gates.space_rise) & (z >= gates.space_z)
    spatial, corroborated = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    # Of two within a kilometre the loud one speaks: it alone can corroborate.
    who = independent(np.flatnonzero(current & (hot | quiet)), twin, np.where(hot, z, z - LOUD_FIRST), places)
    if who.size < 2:
        return spatial, corroborated
    apart = places.distance(who[:, None], who[None, :])
    np.fill_diagonal(apart, np.inf)
    two = [((rise[who] >= r) & (z[who] >= least), reach) for r, least, reach in (gates.two_near, gates.two_far)]
    for able, reach in (*two, (quiet[who], gates.two_quiet[2])):
        met = able & ((apart <= reach) & able[None, :]).any(axis=1)
        spatial[who[met]] = True
    loud = np.flatnonzero(hot[who])
    group = components(apart[np.ix_(loud, loud)] <= gates.space_km)
    many = np.bincount(group, minlength=1)[group] >= 3
    spatial[who[loud[many]]] = True
    corroborated[who[loud[many]]] = True
    return spatial, corroborated


def independent(who: Ints, twin: Ints, z: Singles | Floats, places: Places) -> Ints:
    """At most one station per kilometre, the strongest first: copies and second windows never add a voice."""
    who = who[twin[who] == who]
    who = who[np.lexsort((who, -z[who]))][:MOST_LINKED]
    kept: list[int] = []
    if who.size < 2:
        return who
    close = places.distance(who[:, None], who[None, :]) <= 1.0
    taken = np.zeros(len(who), dtype=np.bool_)
    for place in range(len(who)):
        if not taken[place]:
            kept.append(place)
            taken |= close[place]
    return np.sort(who[np.array(kept, dtype=np.int64)])


def clusters(who: Ints, places: Places, reach_km: float) -> Ints:
    """(len(who),) label of the group of each station, linked within the reach.

    When a country rises at once, every pair would take seconds: then neighbouring cells of that size are linked instead.
    """
    if who.size <= MOST_LINKED:
        return components(places.distance(who[:, None], who[None, :]) <= reach_km)
    cell, touching = places.touching(who, reach_km)
    return components(touching)[cell]


def components(linked: Bools) -> Ints:
    """Label of the connected component of each node; the label is the component's lowest index."""
    label = np.arange(len(linked))
    while True:
        lowest = np.where(linked, label[None, :], len(linked)).min(axis=1, initial=len(linked))
        new = np.minimum(label, lowest)
        new = np.minimum(new, new[new])
        if np.array_equal(new, label):
            return label
        label = new
