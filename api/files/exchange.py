"""Dose rates for the exchange formats of authorities (EURDEP 2.1, IRIX 1.0): what may be passed on, and nothing simulated among it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from api.models.values import Observation
from domain.quantities import DOSE_RATES
from domain.states import Redistribute
from store.rows import SeriesRow


@dataclass(frozen=True, slots=True)
class Measured:
    """One dose rate with its place; `value` is in `unit` (nSv/h or nGy/h)."""

    station: str
    name: str
    latitude: float
    longitude: float
    elevation_m: float | None
    value: float
    unit: str
    start: str | None
    end: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an exchange file is made of. `left_out` counts the observations that it has no words for or that it may not hold."""

    rows: Sequence[Measured]
    left_out: int
    exercise: bool
    written: str
    originator: str


def report(rows: Sequence[Observation], series: Mapping[str, SeriesRow], *, written: str, originator: str) -> Report:
    """The exchangeable part of observations. Simulated ones make a report of their own kind, and only when nothing real is there."""
    public = [row for row in rows if row.rights == Redistribute.YES]
    real = [row for row in public if not row.exercise]
    chosen = real or public
    told = [found for row in chosen if (found := _measured(row, series[row.series])) is not None]
    return Report(told, len(rows) - len(told), bool(chosen) and not real, written, originator)


def _measured(row: Observation, of: SeriesRow) -> Measured | None:
    at = of.station.station
    placed = at.latitude_deg is not None and at.longitude_deg is not None
    if row.value is None or not placed or row.quantity not in DOSE_RATES or row.unit not in ("nSv/h", "nGy/h"):
        return None
    return Measured(
        at.uid,
        at.names[0][1] if at.names else at.uid,
        float(at.latitude_deg or 0.0),
        float(at.longitude_deg or 0.0),
        at.elevation_m,
        row.value,
        row.unit,
        row.phenomenon_start,
        row.phenomenon_end,
    )


def per_second(value: float) -> str:
    """nSv/h as Sv/s (nGy/h as Gy/s) in decimal, with digits enough that reading it back gives the same number."""
    exact = Fraction(repr(value)) / 3600 / 10**9
    return f"{float(exact):.17E}"
