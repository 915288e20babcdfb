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

RECENT = 4
MOST_LINKED = 1500


@dataclass(frozen=True)
class Gates:
    """Levels of the channels, nSv/h and multiples of sigma. Changed only together with docs/detection.md."""

    one_rise: float = 40.0
    one_z: float = 10.0
    one_quick_rise: float = 22.0
    one_quick_z: float = 16.0
    pair_min: float = 200.0
    pair_rise: float = 14.0
    pair_z: float = 5.5
    trio_min: float = 330.0
    trio_rise: float = 11.0
    trio_z: float = 4.3
    trio_least_z: float = 2.2
    space_rise: float = 10.0
    space_z: float = 4.0
    space_km: float = 25.0
    two_near: tuple[float, float, float] = (15.0, 5.0, 10.0)
    two_far: tuple[float, float, float] = (20.0, 4.0, 20.0)
    fresh_min: float = 100.0


class Recent:
    """The last four readings of S stations, newest first: residual, z and time observed (epoch minutes)."""

    def __init__(self, count: int) -> None:
        self.rise: Singles = np.full((count, RECENT), np.nan, dtype=np.float32)
        self.z: Singles = np.full((count, RECENT), np.nan, dtype=np.float32)
        self.observed: Floats = np.full((count, RECENT), -np.inf)

    def push(self, fresh: Bools, rise: Singles, z: Singles, observed_min: Floats) -> None:
        """Add the fresh readings of this poll."""
        for held, new in ((self.rise, rise), (self.z, z), (self.observed, observed_min)):
            held[fresh, 1:] = held[fresh, :-1]
            held[fresh, 0] = new[fresh]


@dataclass(frozen=True)
class Evidence:
    """Who stands out now. single, spatial: (S,) bool; gate: (S,) nSv/h the residual had to pass; partners: count."""

    single: Bools
    spatial: Bools
    corroborated: Bools
    gate: Singles


def weigh(recent: Recent, fresh: Bools, twin: Ints, top: Singles, places: Places, now: float, gates: Gates) -> Evidence:
    """Evidence of the channels at this poll, for stations with a fresh reading (fresh: (S,))."""
    single, gate = _in_time(recent, fresh, top, gates)
    spatial, corroborated, space_gate = _in_space(recent, twin, places, now, gates)
    spatial &= fresh
    gate = np.where(single, gate, np.where(spatial | corroborated, space_gate, np.inf)).astype(np.float32)
    return Evidence(single=single, spatial=spatial, corroborated=corroborated, gate=gate)


def _in_time(recent: Recent, fresh: Bools, top: Singles, gates: Gates) -> tuple[Bools, Singles]:
    rise, z, seen = recent.rise, recent.z, recent.observed
    own_record = np.nan_to_num(top, nan=0.0) * 1.3
    one = (rise[:, 0] >= np.maximum(gates.one_rise, own_record)) & (z[:, 0] >= gates.one_z)
    quick = (rise[:, 0] >= np.maximum(gates.one_quick_rise, own_record)) & (z[:, 0] >= gates.one_quick_z)
    near = seen[:, 0] - seen[:, 1] <= gates.pair_min
    pair = near & (rise[:, :2].min(axis=1) >= gates.pair_rise) & (z[:, :2].min(axis=1) >= gates.pair_z)
    close = seen[:, 0] - seen[:, 2] <= gates.trio_min
    mean_rise, mean_z = rise[:, :3].mean(axis=1), z[:, :3].mean(axis=1)
    trio = close & (mean_rise >= gates.trio_rise) & (mean_z >= gates.trio_z)
    trio &= z[:, :3].min(axis=1) >= gates.trio_least_z
    single = fresh & (one | quick | pair | trio)
    gate = np.select(
        [trio, pair, quick, one], [gates.trio_rise, gates.pair_rise, gates.one_quick_rise, gates.one_rise], np.inf
    )
    return single, gate.astype(np.float32)


def _in_space(
    recent: Recent, twin: Ints, places: Places, now: float, gates: Gates
) -> tuple[Bools, Bools, Singles]:
    """Stations that agree with another (pairs) and those in groups of three or more independent ones."""
    count = len(recent.rise)
    rise, z = recent.rise[:, 0], recent.z[:, 0]
    current = (now - recent.observed[:, 0] <= gates.fresh_min) & places.placed
    hot = current & (rise >= gates.space_rise) & (z >= gates.space_z)
    spatial, corroborated = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    space_gate = np.full(count, gates.space_rise, dtype=np.float32)
    who = independent(np.flatnonzero(hot), twin, z, places)
    if who.size < 2:
        return spatial, corroborated, space_gate
    apart = places.distance(who[:, None], who[None, :])
    np.fill_diagonal(apart, np.inf)
    for rise_gate, z_gate, reach in (gates.two_near, gates.two_far):
        able = (rise[who] >= rise_gate) & (z[who] >= z_gate)
        met = able & ((apart <= reach) & able[None, :]).any(axis=1)
        spatial[who[met]] = True
    group = components(apart <= gates.space_km)
    size = np.bincount(group)
    many = size[group] >= 3
    spatial[who[many]] = True
    corroborated[who[many]] = True
    return spatial, corroborated, space_gate


def independent(who: Ints, twin: Ints, z: Singles, places: Places) -> Ints:
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
