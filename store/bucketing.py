"""Roll-ups of readings by the hour and day (UTC), many series at once: pure columns in, columns out.

A reading belongs to the bucket that holds the moment just before its end: a ten-minute mean that ends at 10:00 tells of the
hour from 09:00. Numbers do not depend on what else is computed with them: published decimals are added as whole numbers, and
a quantile between two of them, which has at most two digits more than they have, is rounded to those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.flags import UNFIT
from domain.readings import FloatArray, IntArray
from domain.states import CENSORING_CODES, Censoring

HOUR_S, DAY_S = 3600, 86400
STEPS_S = {"1h": HOUR_S, "1d": DAY_S}
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
COUNT, CENSORED, UNFIT_COUNT = range(3)
MINIMUM, MAXIMUM, TOTAL, FIRST_QUANTILE = range(4)
MEASURES = FIRST_QUANTILE + len(QUANTILES)
_PLAIN = [CENSORING_CODES.index(code) for code in (Censoring.NONE, Censoring.DERIVED)]
_MOST_DIGITS = 9
_NO_DIGITS = 99


@dataclass(frozen=True, slots=True)
class Buckets:
    """k buckets with at least one reading, in order; `counts` is (k, 3), `measures` (k, MEASURES) with NaN where nothing is fit."""

    series: IntArray
    begin_s: IntArray
    counts: IntArray
    measures: FloatArray

    def __len__(self) -> int:
        return len(self.series)


def bucketed(
    series: IntArray, end_s: IntArray, value: FloatArray, censoring: npt.NDArray[np.int8], qc: IntArray, step_s: int
) -> Buckets:
    """Buckets of readings that are ordered by (series, end_s); censored and unfit values are counted, not averaged."""
    if not len(series):
        nothing = np.zeros(0, dtype=np.int64)
        return Buckets(nothing, nothing, np.zeros((0, 3), dtype=np.int64), np.zeros((0, MEASURES)))
    begin = (end_s - 1) // step_s * step_s
    changes = np.flatnonzero((series[1:] != series[:-1]) | (begin[1:] != begin[:-1])) + 1
    starts = np.concatenate([[0], changes])
    plain = np.isin(censoring, _PLAIN)
    fit = np.isfinite(value) & plain & ((qc & int(UNFIT)) == 0)
    seen = np.column_stack([fit, ~plain, ~fit & plain]).astype(np.int64)
    counts = np.add.reduceat(seen, starts, axis=0)
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(series))))[fit]
    return Buckets(series[starts], begin[starts], counts, _measures(value[fit], group, counts[:, COUNT]))


def _measures(value: FloatArray, group: IntArray, sizes: IntArray) -> FloatArray:
    measures = np.full((len(sizes), MEASURES), np.nan)
    there = np.flatnonzero(sizes)
    if not len(there):
        return measures
    value = value[np.lexsort((value, group))]
    n = sizes[there]
    first = np.cumsum(n) - n
    digits = np.maximum.reduceat(_digits(value), first)
    measures[there, MINIMUM], measures[there, MAXIMUM] = value[first], value[first + n - 1]
    measures[there, TOTAL] = _totals(value, first, n, digits)
    for i, q in enumerate(QUANTILES):
        at = q * (n - 1)
        low = np.floor(at + 1e-9).astype(np.int64)
        high = np.minimum(low + 1, n - 1)
        share = np.clip(at - low, 0.0, 1.0)
        between = value[first + low] + share * (value[first + high] - value[first + low])
        measures[there, FIRST_QUANTILE + i] = _rounded(between, digits + 2)
    return measures


def _digits(value: FloatArray) -> IntArray:
    """How many decimals each value has; _NO_DIGITS for one that is no short decimal."""
    digits = np.full(len(value), _NO_DIGITS, dtype=np.int64)
    left = np.flatnonzero(np.abs(value) < 2.0**40)
    for count in range(_MOST_DIGITS + 1):
        if not len(left):
            break
        power = 10.0**count
        scaled = value[left] * power
        whole = np.rint(scaled)
        exact = (whole / power == value[left]) & (np.abs(whole) < 2.0**43)
        digits[left[exact]] = count
        left = left[~exact & (np.abs(whole) < 2.0**43)]
    return digits


def _totals(value: FloatArray, first: IntArray, n: IntArray, digits: IntArray) -> FloatArray:
    short = digits <= _MOST_DIGITS
    power = 10.0 ** np.where(short, digits, 0)
    scaled = value * np.repeat(power, n)
    whole = np.add.reduceat(np.where(np.repeat(short, n), np.rint(scaled), 0.0).astype(np.int64), first)
    totals: FloatArray = np.where(short, whole / power, np.add.reduceat(value, first))
    return totals


def _rounded(value: FloatArray, digits: IntArray) -> FloatArray:
    power = 10.0 ** np.minimum(digits, _MOST_DIGITS + 2)
    scaled = value * power
    kept = (digits > _MOST_DIGITS + 2) | (np.abs(scaled) >= 2.0**52)
    rounded: FloatArray = np.where(kept, value, np.rint(scaled) / power)
    return rounded
