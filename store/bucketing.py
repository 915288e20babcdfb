"""Roll-ups of readings by the hour and day (UTC), many series at once: pure columns in, columns out.

A reading belongs to the bucket that holds the moment just before its end: a ten-minute mean that ends at 10:00 tells of the
hour from 09:00. Numbers do not depend on what else is computed with them: published decimals are added as whole numbers, and
a quantile between two of them, which has at most two digits more than they have, is rounded to those.
"""

from __future__ import annotations

from collections.abc import Iterator
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
_IS_PLAIN = np.zeros(128, dtype=bool)
_IS_PLAIN[_PLAIN] = True
_MOST_DIGITS = 9
_LARGEST_BITS = 40  # of a value
_ROOM_BITS = 43  # of a whole number: sums of a million still are exact floats
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
    return _Readings.of(series, end_s, value, censoring, qc).buckets(step_s)


def hours_and_days(
    series: IntArray, end_s: IntArray, value: FloatArray, censoring: npt.NDArray[np.int8], qc: IntArray
) -> tuple[Buckets, Buckets]:
    """`bucketed` by the hour and by the day at once."""
    readings = _Readings.of(series, end_s, value, censoring, qc)
    return readings.buckets(HOUR_S), readings.buckets(DAY_S)


@dataclass(frozen=True, slots=True)
class _Readings:
    """Readings in order of (series, end_s), looked through once for every step."""

    series: IntArray
    end_s: IntArray
    fit: npt.NDArray[np.bool_]
    seen: IntArray  # (n, 3): one in the column of COUNT, CENSORED or UNFIT_COUNT
    value: FloatArray  # of the fit ones
    whole: _Whole | None

    @classmethod
    def of(
        cls, series: IntArray, end_s: IntArray, value: FloatArray, censoring: npt.NDArray[np.int8], qc: IntArray
    ) -> _Readings:
        plain = _IS_PLAIN[censoring]
        fit = np.isfinite(value) & plain & ((qc & int(UNFIT)) == 0)
        seen = np.zeros((len(series), 3), dtype=np.int64)
        seen[:, COUNT], seen[:, CENSORED], seen[:, UNFIT_COUNT] = fit, ~plain, ~fit & plain
        chosen = value if fit.all() else value[fit]
        return cls(series, end_s, fit, seen, chosen, _Whole.of(chosen))

    def buckets(self, step_s: int) -> Buckets:
        series = self.series
        if not len(series):
            nothing = np.zeros(0, dtype=np.int64)
            return Buckets(nothing, nothing, np.zeros((0, 3), dtype=np.int64), np.zeros((0, MEASURES)))
        number = (self.end_s - 1) // step_s
        changes = np.flatnonzero((series[1:] != series[:-1]) | (number[1:] != number[:-1])) + 1
        starts = np.concatenate([[0], changes])
        counts = np.add.reduceat(self.seen, starts, axis=0)
        return Buckets(series[starts], number[starts] * step_s, counts, self._measures(counts[:, COUNT]))

    def _measures(self, sizes: IntArray) -> FloatArray:
        measures = np.full((len(sizes), MEASURES), np.nan)
        there = np.flatnonzero(sizes)
        if not len(there):
            return measures
        n = sizes[there]
        first = np.cumsum(n) - n
        group = np.repeat(np.arange(len(n)), n)
        told = self.whole.groups(group, first, n) if self.whole is not None else _groups(self.value, group, first, n)
        value, totals, digits = told
        measures[there, MINIMUM], measures[there, MAXIMUM] = value[first], value[first + n - 1]
        measures[there, TOTAL] = totals
        measures[there, FIRST_QUANTILE:] = value[first][:, np.newaxis]
        many = np.flatnonzero(n > 1)
        measures[there[many], FIRST_QUANTILE:] = _quantiles(value, first[many], n[many], digits[many])
        return measures


def _quantiles(value: FloatArray, first: IntArray, n: IntArray, digits: IntArray) -> FloatArray:
    """Quantiles of groups of values in order, rounded where a published decimal allows it."""
    made = np.empty((len(n), len(QUANTILES)))
    power, kept = 10.0 ** np.minimum(digits + 2, _MOST_DIGITS + 2), digits > _MOST_DIGITS
    for i, q in enumerate(QUANTILES):
        at = q * (n - 1)
        low = np.floor(at + 1e-9).astype(np.int64)
        share = np.clip(at - low, 0.0, 1.0)
        below, above = value[first + low], value[first + np.minimum(low + 1, n - 1)]
        between = below + share * (above - below)
        scaled = between * power
        made[:, i] = np.where(kept | (np.abs(scaled) >= 2.0**52), between, np.rint(scaled) / power)
    return made


#: Values in order within their groups, the sum of each group, and how many decimals it has.
_Sorted = tuple[FloatArray, FloatArray, IntArray]


@dataclass(frozen=True, slots=True)
class _Whole:
    """Short decimals as whole numbers: those sort four times as fast, and their sums are exact."""

    digits: int
    numbers: IntArray
    fewer: tuple[tuple[int, npt.NDArray[np.bool_]], ...]  # for fewer decimals: which numbers have no more

    @classmethod
    def of(cls, value: FloatArray) -> _Whole | None:
        """None unless all have at most _MOST_DIGITS decimals and leave room for sums."""
        if not len(value):
            return None
        most = float(np.abs(value).max())
        for digits in range(_MOST_DIGITS + 1):
            power = 10.0**digits
            if most >= min(2.0**_LARGEST_BITS, 2.0**_ROOM_BITS / power):
                return None
            whole = np.rint(value * power)
            if (whole / power == value).all():
                numbers = whole.astype(np.int64)
                return cls(digits, numbers, tuple(_shorter(numbers, digits)))
        return None

    def groups(self, group: IntArray, first: IntArray, n: IntArray) -> _Sorted:
        least = np.minimum.reduceat(self.numbers, first)
        above = self.numbers - np.repeat(least, n)
        bits = int(above.max()).bit_length()
        if bits + int(group[-1]).bit_length() > 62:
            order = np.lexsort((above, group))
            ordered = self.numbers[order]
        else:
            ordered = (np.sort((group << bits) | above) & ((1 << bits) - 1)) + np.repeat(least, n)
        digits = np.full(len(n), self.digits)
        for fewer, has in self.fewer:
            digits[np.logical_and.reduceat(has, first)] = fewer
        power = 10.0**self.digits
        return ordered / power, np.add.reduceat(self.numbers, first) / power, digits


def _shorter(numbers: IntArray, digits: int) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
    for fewer in range(digits - 1, -1, -1):
        has = numbers % 10 ** (digits - fewer) == 0
        if not has.any():
            return
        yield fewer, has


def _groups(value: FloatArray, group: IntArray, first: IntArray, n: IntArray) -> _Sorted:
    """The same for any numbers."""
    value = value[np.lexsort((value, group))]
    digits = np.maximum.reduceat(_digits(value), first)
    return value, _totals(value, first, n, digits), digits


def _digits(value: FloatArray) -> IntArray:
    """How many decimals each value has; _NO_DIGITS for one that is no short decimal."""
    digits = np.full(len(value), _NO_DIGITS, dtype=np.int64)
    left = np.flatnonzero(np.abs(value) < 2.0**_LARGEST_BITS)
    for count in range(_MOST_DIGITS + 1):
        if not len(left):
            break
        power = 10.0**count
        scaled = value[left] * power
        whole = np.rint(scaled)
        exact = (whole / power == value[left]) & (np.abs(whole) < 2.0**_ROOM_BITS)
        digits[left[exact]] = count
        left = left[~exact & (np.abs(whole) < 2.0**_ROOM_BITS)]
    return digits


def _totals(value: FloatArray, first: IntArray, n: IntArray, digits: IntArray) -> FloatArray:
    short = digits <= _MOST_DIGITS
    power = 10.0 ** np.where(short, digits, 0)
    scaled = value * np.repeat(power, n)
    whole = np.add.reduceat(np.where(np.repeat(short, n), np.rint(scaled), 0.0).astype(np.int64), first)
    totals: FloatArray = np.where(short, whole / power, np.add.reduceat(value, first))
    return totals
