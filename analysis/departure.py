"""Departure of one series from its own trailing median, held by two consecutive fresh readings; pure, arrays in, decisions out.

Method: heavy-tail-aware scale and the two-reading channel measured on 42 days of national data (docs/detection.md): rise r = v - m,
z = r / s with m the median of the last 500 readings without the newest two and s = max(1.4826 MAD, q99(d)/3, 0.8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.arrays import Arrays, bounded, floors
from analysis.baseline import scale
from domain.quantities import BY_ID, DOSE_RATES
from domain.readings import FloatArray, IntArray
from domain.units import BY_CODE, convert

#: Units in which thresholds are stated; a quantity whose own unit is another one is not judged by this rule.
UNITS: frozenset[str] = frozenset({"nSv/h", "nGy/h"})


@dataclass(frozen=True, slots=True)
class Gate:
    """Both must be reached: rise in nSv/h (or nGy/h: the quantity's own unit) and z in scales."""

    rise: float
    z: float


@dataclass(frozen=True, slots=True)
class DepartureParameters:
    """Numbers of the rule; `fresh_within_s` is the greatest age of the newest reading, `pair_within_s` the longest gap in the pair,
    `span_s` how far back from the newest reading the `history` may reach.
    """

    gates: tuple[Gate, ...] = (Gate(15.0, 5.0), Gate(12.0, 7.0))
    history: int = 500
    skip: int = 2
    least: int = 48
    pair_within_s: int = 200 * 60
    fresh_within_s: int = 200 * 60
    scale_floor: float = 0.8
    span_s: int = 20 * 86_400


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A series' trailing median and scale, in the quantity's own unit, and the readings that they stand on."""

    count: int
    median: float
    mad: float
    q99: float
    scale: float
    oldest_s: int
    newest_s: int


@dataclass(frozen=True, slots=True)
class Departure:
    """Two consecutive fresh readings above the yardstick: their times, values, rises and z (in order of time), and the gate that both passed."""

    end_s: tuple[int, ...]
    value: tuple[float, ...]
    rise: tuple[float, ...]
    z: tuple[float, ...]
    gate: Gate
    yardstick: Yardstick

    @property
    def trigger(self) -> float:
        """The smaller of the two rises: what the pair holds."""
        return min(self.rise)


def applies(quantity: str, unit: str) -> bool:
    """Whether the rule judges such a series: a dose rate that converts to nSv/h or nGy/h."""
    if quantity not in DOSE_RATES or BY_ID[quantity].unit not in UNITS:
        return False
    return BY_CODE[unit].dimension is BY_ID[quantity].dimension


def in_own_unit(quantity: str, unit: str, value: FloatArray) -> FloatArray:
    """Values of a dose rate in the quantity's unit; exact decimal factor, rounded at 1e-9 so that 0.07 uSv/h is 70 nSv/h."""
    target = BY_ID[quantity].unit
    return value if unit == target else np.round(value * convert(1.0, unit, target), 9)


def yardstick(end_s: IntArray, value: FloatArray, p: DepartureParameters) -> Yardstick | None:
    """Trailing median and scale of measured readings in order of time, without the newest `skip`; None while there are too few."""
    stop = len(value) - p.skip
    start = max(0, stop - p.history, int(np.searchsorted(end_s, end_s[-1] - p.span_s)) if len(end_s) else 0)
    if stop - start < p.least:
        return None
    past = value[start:stop]
    median = float(np.median(past))
    above = past - median
    mad, q99 = float(np.median(np.abs(above))), float(np.quantile(above, 0.99))
    s = float(scale(np.asarray(mad), np.asarray(q99), np.asarray(p.scale_floor)))
    return Yardstick(stop - start, median, mad, q99, s, int(end_s[start]), int(end_s[stop - 1]))


def parameters_of(numbers: Mapping[str, Any]) -> DepartureParameters:
    """The parameters that an alert's event was decided with, as the event keeps them; raises KeyError or TypeError if they are not these."""
    gates = tuple(Gate(float(gate["rise"]), float(gate["z"])) for gate in numbers["gates"])
    names = ("history", "skip", "least", "pair_within_s", "fresh_within_s", "scale_floor", "span_s")
    return DepartureParameters(gates, **{name: numbers[name] for name in names})


def rederived(arrays: Arrays, row: int, pair_s: Sequence[int], p: DepartureParameters) -> Departure | None:
    """The decision about one series made again from the columns "as of" its event: readings up to the end of its evidence.

    `row` is the series' place in `arrays`, which must reach `p.span_s` back from there. Equal to the last bit to what was stored.
    """
    series = arrays.series[row].series
    value, fit = bounded(arrays.value, arrays.censoring, arrays.qc, floors(arrays.series)[arrays.index])
    mine = (arrays.index == row) & fit & (arrays.end_s <= max(pair_s))
    return departure(arrays.end_s[mine], in_own_unit(series.quantity, series.unit, value[mine]), max(pair_s), p)


def departure(end_s: IntArray, value: FloatArray, now_s: int, p: DepartureParameters) -> Departure | None:
    """The departure that holds now, or None: measured readings (n,) of one series in its quantity's unit, in order of time.

    Only what was known at `now_s` may be given; that makes the rule causal.
    """
    if len(value) < 2 or now_s - int(end_s[-1]) > p.fresh_within_s or int(end_s[-1] - end_s[-2]) > p.pair_within_s:
        return None
    known = yardstick(end_s, value, p)
    if known is None:
        return None
    rise = value[-2:] - known.median
    z = rise / known.scale
    for gate in p.gates:
        if bool(np.all((rise >= gate.rise) & (z >= gate.z))):
            return Departure(
                tuple(int(t) for t in end_s[-2:]),
                tuple(float(v) for v in value[-2:]),
                tuple(float(r) for r in rise),
                tuple(float(x) for x in z),
                gate,
                known,
            )
    return None
