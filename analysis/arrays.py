"""The shape of the columns that this room reads: whatever object has these parts will do, so that no store is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from domain.flags import UNFIT, Qc
from domain.readings import FloatArray, IntArray, Series, Station
from domain.states import CENSORING_CODES, Censoring

BoolArray = npt.NDArray[np.bool_]

#: Censoring codes of rows whose `value` is a measured number, not a bound.
_PLAIN = tuple(CENSORING_CODES.index(code) for code in (Censoring.NONE, Censoring.DERIVED))


class StationLike(Protocol):
    """A station with what is known of its presence (`store.rows.StationRow`)."""

    @property
    def station(self) -> Station: ...
    @property
    def areas(self) -> tuple[str, ...]: ...
    @property
    def last_seen_s(self) -> int: ...
    @property
    def exercise(self) -> bool: ...
    @property
    def mark(self) -> str: ...


class SeriesLike(Protocol):
    """A series with its station (`store.rows.SeriesRow`)."""

    @property
    def series(self) -> Series: ...
    @property
    def station(self) -> StationLike: ...


class Arrays(Protocol):
    """Columns of n readings ordered by (series, end_s); row i belongs to `series[index[i]]` (`store.rows.SeriesArrays`)."""

    @property
    def series(self) -> Sequence[SeriesLike]: ...
    @property
    def index(self) -> IntArray: ...
    @property
    def end_s(self) -> IntArray: ...
    @property
    def value(self) -> FloatArray: ...
    @property
    def censoring(self) -> npt.NDArray[np.int8]: ...
    @property
    def limit(self) -> FloatArray: ...
    @property
    def qc(self) -> IntArray: ...


def measured(value: FloatArray, censoring: npt.NDArray[np.int8], qc: IntArray) -> BoolArray:
    """Mask of rows that may take part in numbers: finite, not censored, without a flag of `domain.flags.UNFIT`."""
    fit: BoolArray = plain(value, censoring) & ((qc & int(UNFIT)) == 0)
    return fit


def plain(value: FloatArray, censoring: npt.NDArray[np.int8]) -> BoolArray:
    """Mask of rows whose value is a finite number, not a bound."""
    numbers: BoolArray = np.isfinite(value) & ((censoring == _PLAIN[0]) | (censoring == _PLAIN[1]))
    return numbers


def bounded(
    value: FloatArray, censoring: npt.NDArray[np.int8], qc: IntArray, floor: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Values for baselines and departures, and which rows have one: measured ones, and for a row below its detector's floor the floor.

    The number published below a floor is no measurement, but that it lies below is one: with the floor in its place a rise over
    such a past is never larger than it really was. `floor` is that of each row's series, in the values' unit (NaN: none stated).
    """
    number, flags = plain(value, censoring), qc & int(UNFIT)
    if not flags.any():
        return value, number
    fit, low = number & (flags == 0), number & (flags == int(Qc.BELOW_RANGE)) & np.isfinite(floor)
    return np.where(low, floor, value), fit | low


def floors(series: Sequence[SeriesLike]) -> FloatArray:
    """The detector's floor of each series in its published unit; NaN where none is stated."""
    return np.array([np.nan if like.series.floor is None else like.series.floor for like in series], dtype=np.float64)
