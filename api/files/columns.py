"""Columns of observations as files hold them: values in the canonical unit, rows of hidden feeds left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from api.service import FeedFacts, Service
from api.units import canonical_unit
from domain.readings import FloatArray, IntArray
from domain.units import factor
from store.rows import SeriesArrays, SeriesRow


@dataclass(frozen=True, slots=True)
class Columns:
    """n observations of the series shown, ordered by (series, end); series without any are left out."""

    series: tuple[SeriesRow, ...]
    facts: tuple[FeedFacts, ...]  # by series
    units: tuple[str, ...]  # by series
    index: IntArray
    end_s: IntArray
    value: FloatArray
    limit: FloatArray
    censoring: npt.NDArray[np.int8]
    qc: IntArray
    received_s: IntArray

    @property
    def quantities(self) -> tuple[tuple[str, str], ...]:
        """Quantities with their units, in order."""
        return tuple(sorted({(row.series.quantity, unit) for row, unit in zip(self.series, self.units, strict=True)}))

    def attributions(self, service: Service) -> tuple[str, ...]:
        """Attribution lines and licences of everything inside."""
        lines = []
        for fact in dict.fromkeys(self.facts):
            source = service.sources.get(fact.source)
            lines.append(
                f"{next(iter(source.attribution.values()), fact.source) if source else fact.source} ({fact.licence})"
            )
        return tuple(dict.fromkeys(lines))


def columns(held: SeriesArrays, service: Service) -> Columns:
    """The columns of a question's arrays for this audience."""
    counts = np.bincount(held.index, minlength=len(held.series))
    kept = [i for i, row in enumerate(held.series) if counts[i] and service.facts(row.series.feed_id).shown]
    place = np.full(len(held.series), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    rows = place[held.index] >= 0 if len(held) else np.zeros(0, dtype=bool)
    series = tuple(held.series[i] for i in kept)
    units = tuple(canonical_unit(row.series.quantity, row.series.unit) for row in series)
    index = place[held.index[rows]]
    scale = _factors(series, units)[index] if len(index) else np.zeros(0)
    return Columns(
        series,
        tuple(service.facts(row.series.feed_id) for row in series),
        units,
        index,
        held.end_s[rows],
        _clean(held.value[rows] * scale),
        _clean(held.limit[rows] * scale),
        held.censoring[rows],
        held.qc[rows],
        held.received_s[rows],
    )


def _factors(series: Sequence[SeriesRow], units: Sequence[str]) -> FloatArray:
    return np.array(
        [float(factor(row.series.unit, unit)) for row, unit in zip(series, units, strict=True)], dtype=np.float64
    )


def _clean(values: FloatArray) -> FloatArray:
    """Values without the dust of binary multiplication: 12 significant digits, as exact decimal arithmetic gives them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        places = 11 - np.floor(np.log10(np.abs(values)))
    power = np.where(np.isfinite(places), 10.0 ** np.clip(places, -300, 300), 1.0)
    return np.round(values * power) / power
