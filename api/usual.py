"""What is usual for a series: its own baseline, kept for a while, and how its newest value compares with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.arrays import measured
from analysis.baseline import LEAST_FOR_SUMMARY, baselines, scale_floor
from analysis.standing import ABOVE, FAR_ABOVE, changes
from api.clocktext import told
from api.models.values import Usual
from api.units import canonical_unit
from domain.flags import UNFIT
from domain.quantities import CONTEXT, DOSE_RATES
from domain.states import Freshness, RegionState
from domain.units import factor
from store import read
from store.engine import Store
from store.rows import LatestRow, SeriesArrays, SeriesRow

#: How far back a baseline looks, and how long one is used before it is made anew (its median moves slowly).
LOOKBACK_S = 3 * 86400
KEPT_S = 600
#: Series whose readings are fetched at once.
_CHUNK = 1500


@dataclass(frozen=True, slots=True)
class _Kept:
    usual: Usual | None
    until_s: int


class UsualCache:
    """Baselines by series uid, as they were made. One that has grown old is still used while it is made anew in the background."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None
        self.changed: Mapping[str, int] = {}  # id -> when it was last measured in another way

    async def of(self, store: Store, rows: Sequence[LatestRow], now_s: int) -> Mapping[str, Usual | None]:
        """The baselines of these series; those that were never made are made from the store first."""
        uids = [row.series.series.uid for row in rows if row.series.series.quantity not in CONTEXT]
        await self._make(store, lambda: [uid for uid in uids if uid not in self._kept], now_s)
        old = [uid for uid in uids if now_s >= self._kept[uid].until_s]
        if old and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._make(store, lambda: old, now_s))
        return {uid: self._kept[uid].usual for uid in uids}

    async def _make(self, store: Store, which: Callable[[], Sequence[str]], now_s: int) -> None:
        async with self._lock:
            uids = which()
            for start in range(0, len(uids), _CHUNK):
                part = uids[start : start + _CHUNK]
                held = await read.arrays(store, part, now_s - LOOKBACK_S, now_s + 1)
                made = await asyncio.to_thread(usual_of, held, self.changed)
                self._kept |= {uid: _Kept(made.get(uid), now_s + KEPT_S) for uid in part}

    async def close(self) -> None:
        """Give up what is being made in the background."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)


def usual_of(arrays: SeriesArrays, changed: Mapping[str, int]) -> dict[str, Usual]:
    """Baselines of series that have enough of a past, in the unit that values are told in."""
    if not arrays.series:
        return {}
    scales = np.array([_factor(row) for row in arrays.series])
    value = arrays.value * scales[arrays.index] if len(arrays) else arrays.value
    fit = measured(value, arrays.censoring, arrays.qc)
    floor = np.array([_floor(row) for row in arrays.series])
    since_s = changes(arrays.series, changed)
    made = baselines(arrays.index[fit], arrays.end_s[fit], value[fit], floor, since_s=since_s)
    return {
        row.series.uid: Usual(
            median=plain(float(made.median[i])),
            scale=plain(float(made.scale[i])),
            count=int(made.count[i]),
            oldest=told(int(made.oldest_s[i])),
            newest=told(int(made.newest_s[i])),
            split=bool(made.split[i]),
        )
        for i, row in enumerate(arrays.series)
        if made.count[i] >= LEAST_FOR_SUMMARY
    }


def _factor(row: SeriesRow) -> float:
    unit = row.series.unit
    return float(factor(unit, canonical_unit(row.series.quantity, unit)))


def _floor(row: SeriesRow) -> float:
    """The smallest scale of a dose rate; NaN elsewhere stands for a share of the median."""
    if row.series.quantity not in DOSE_RATES:
        return float("nan")
    return float(scale_floor(row.series.quantity, canonical_unit(row.series.quantity, row.series.unit), np.zeros(1))[0])


def plain(value: float) -> float:
    """A statistic without the dust of binary arithmetic: 12 significant digits."""
    return float(f"{value:.12g}")


def judgement(quantity: str, value: float | None, qc: int, freshness: str, usual: Usual | None) -> str | None:
    """How a fresh dose rate compares with its own past; None where that cannot be told, which is not the same as normal."""
    if usual is None or value is None or freshness != Freshness.FRESH or qc & int(UNFIT) or quantity not in DOSE_RATES:
        return None
    rise = value - usual.median
    z = rise / usual.scale
    if rise >= FAR_ABOVE[0] and z >= FAR_ABOVE[1]:
        return RegionState.HIGH
    return RegionState.ELEVATED if any(rise >= least and z >= sigmas for least, sigmas in ABOVE) else RegionState.NORMAL
