"""Rain near stations at the moment of a decision, as the store knew it then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alerting.life import Member
from alerting.records import RainSeen
from analysis.rainfall import NEAR_M, WITHIN_S, rainfall
from store import read
from store.engine import Store
from store.rows import Filter

_QUANTITIES = frozenset({"precipitation_rate", "precipitation_amount"})
_METRES_PER_DEGREE = 111_000.0


@dataclass(frozen=True, slots=True)
class RainQuestion:
    """Where and when: stations that depart, and the moment decided about."""

    members: Sequence[Member]
    at_s: int
    exercise: bool


async def rain_at(store: Store, question: RainQuestion) -> Mapping[str, RainSeen]:
    """Series uid -> rain within 15 km in the two hours before the newest reading of its evidence. Exercises see exercise rain only."""
    placed = [m for m in question.members if m.latitude_deg is not None and m.longitude_deg is not None]
    unknown = {m.series_uid: RainSeen(m.series_uid, None, None) for m in question.members}
    if not placed:
        return unknown
    first_s = min(m.pair_s[-1] for m in placed) - WITHIN_S
    found = await read.arrays(
        store, Filter(quantities=_QUANTITIES, bbox=_around(placed)), first_s, question.at_s + 1, as_of_s=question.at_s
    )
    real = (
        np.array([row.series.exercise or row.station.exercise for row in found.series], dtype=np.bool_)
        == question.exercise
    )
    rain = rainfall(found, real)
    newest_s = int(rain.end_s.max()) if len(rain.end_s) else None
    seen = {}
    for member in placed:
        explains = rain.explains(member.latitude_deg, member.longitude_deg, member.pair_s[-1])
        age_s = None if explains is None or newest_s is None else question.at_s - newest_s
        seen[member.series_uid] = RainSeen(member.series_uid, explains, age_s)
    return unknown | seen


def _around(members: Sequence[Member]) -> tuple[float, float, float, float]:
    lats = [m.latitude_deg for m in members if m.latitude_deg is not None]
    lons = [m.longitude_deg for m in members if m.longitude_deg is not None]
    up = NEAR_M / _METRES_PER_DEGREE * 1.1
    wide = up / max(0.1, float(np.cos(np.radians(max(abs(lat) for lat in lats)))))
    return min(lons) - wide, max(min(lats) - up, -90.0), max(lons) + wide, min(max(lats) + up, 90.0)
