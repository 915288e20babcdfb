"""Columns of observations as files hold them: values in the canonical unit, rows of hidden feeds left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from api.models.values import Conversion
from api.service import FeedFacts, Service
from api.units import canonical_unit, conversion
from domain.readings import NO_TIME, FloatArray, IntArray
from domain.states import CENSORING_CODES
from domain.units import factor
from store.rows import ObservationRow, SeriesRow


@dataclass(frozen=True, slots=True)
class Columns:
    """n observations of the series shown, ordered by (series, end); series without any are left out.

    Uncertainty has no column: no publisher here states one for a reading (laboratory results are another file).
    """

    series: tuple[SeriesRow, ...]
    facts: tuple[FeedFacts, ...]  # by series
    units: tuple[str, ...]  # by series
    conversions: tuple[Conversion | None, ...]  # by series
    index: IntArray
    end_s: IntArray
    value: FloatArray
    limit: FloatArray
    censoring: npt.NDArray[np.int8]
    qc: IntArray
    received_s: IntArray
    published_s: IntArray  # NO_TIME where the publisher gives none
    revision: IntArray
    texts: tuple[str, ...]
    sha256: tuple[str, ...]

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


def columns(rows: Sequence[ObservationRow], known: Mapping[str, SeriesRow], service: Service) -> Columns:
    """The columns of observations for this audience; `known` are their series by uid."""
    shown = [row for row in rows if service.facts(known[row.series_uid].series.feed_id).shown]
    shown.sort(key=lambda row: (row.series_uid, row.end_s))
    uids = sorted({row.series_uid for row in shown})
    place = {uid: number for number, uid in enumerate(uids)}
    series = tuple(known[uid] for uid in uids)
    units = tuple(canonical_unit(row.series.quantity, row.series.unit) for row in series)
    index = _whole(place[row.series_uid] for row in shown)
    scale = _factors(series, units)[index] if len(index) else np.zeros(0)
    return Columns(
        series,
        tuple(service.facts(row.series.feed_id) for row in series),
        units,
        tuple(conversion(row.series.unit, unit) for row, unit in zip(series, units, strict=True)),
        index,
        _whole(row.end_s for row in shown),
        _clean(_numbers(row.value for row in shown) * scale),
        _clean(_numbers(row.limit for row in shown) * scale),
        np.array([CENSORING_CODES.index(row.censoring) for row in shown], dtype=np.int8),
        _whole(row.qc for row in shown),
        _whole(row.received_s for row in shown),
        _whole(NO_TIME if row.published_s is None else row.published_s for row in shown),
        _whole(row.revision for row in shown),
        tuple(row.text for row in shown),
        tuple(row.sha256 for row in shown),
    )


def _whole(numbers: Iterable[int]) -> IntArray:
    return np.array(list(numbers), dtype=np.int64)


def _numbers(numbers: Iterable[float | None]) -> FloatArray:
    return np.array([np.nan if one is None else one for one in numbers], dtype=np.float64)


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
