"""Roll-ups of one series by the hour or day (UTC), from its columns."""

from __future__ import annotations

import numpy as np

from analysis.arrays import measured
from domain.readings import FloatArray
from domain.states import CENSORING_CODES, Censoring
from store.rows import BucketRow, SeriesArrays

STEPS_S = {"1h": 3600, "1d": 86400}
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_NONE = CENSORING_CODES.index(Censoring.NONE)


def rolled(arrays: SeriesArrays, step_s: int) -> list[BucketRow]:
    """Buckets with at least one reading, in order; a reading belongs to the bucket that holds the moment just before its end.

    A ten-minute mean that ends at 10:00 tells of the hour from 09:00. Unfit and censored values are counted, not averaged.
    """
    begin = (arrays.end_s - 1) // step_s * step_s
    fit = measured(arrays.value, arrays.censoring, arrays.qc)
    censored = arrays.censoring != _NONE
    return [_bucket(arrays, int(at), step_s, begin == at, fit, censored) for at in np.unique(begin)]


def _bucket(
    arrays: SeriesArrays, begin_s: int, step_s: int, inside: np.ndarray, fit: np.ndarray, censored: np.ndarray
) -> BucketRow:
    series = arrays.series[0].series
    values: FloatArray = arrays.value[inside & fit]
    known = [float(q) for q in np.quantile(values, _QUANTILES)] if len(values) else [None] * len(_QUANTILES)
    return BucketRow(
        series.uid,
        begin_s,
        begin_s + step_s,
        series.unit,
        len(values),
        int(np.sum(inside & censored)),
        int(np.sum(inside & ~fit & ~censored)),
        float(values.min()) if len(values) else None,
        float(values.max()) if len(values) else None,
        float(values.mean()) if len(values) else None,
        *known,
    )
