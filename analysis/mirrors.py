"""Copies: two stations within a kilometre that carry the same readings are one instrument, and count once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from analysis.arrays import Arrays, SeriesLike
from analysis.grouped import starts_and_counts
from analysis.rainfall import distance_m
from domain.units import convert

#: Readings are compared over this span before now, so that the newest ones, which one path may not have yet, do not matter.
_SPAN_S = (26 * 3600, 2 * 3600)
_LEAST_READINGS = 12
_LEAST_VALUES = 3
_NEAR_M = 1000.0


def mirrors(likes: Sequence[SeriesLike], rows: Sequence[int], arrays: Arrays, now_s: int) -> frozenset[int]:
    """Rows of `arrays.series` that are copies of another station's series of the same kind; the smallest station id stays."""
    starts, counts = starts_and_counts(arrays.index, len(arrays.series))
    by_content: dict[bytes, list[tuple[str, int, SeriesLike]]] = defaultdict(list)
    for like, row in zip(likes, rows, strict=True):
        if like.station.station.latitude_deg is None:
            continue
        part = slice(int(starts[row]), int(starts[row] + counts[row]))
        content = _content(arrays, part, now_s, like.series.unit)
        if content:
            by_content[content].append((like.station.station.uid, row, like))
    found: set[int] = set()
    for same in by_content.values():
        if len(same) > 1:
            found |= _copies(sorted(same, key=lambda item: item[0]))
    return frozenset(found)


def _content(arrays: Arrays, part: slice, now_s: int, unit: str) -> bytes:
    end_s = arrays.end_s[part]
    low, high = np.searchsorted(end_s, (now_s - _SPAN_S[0], now_s - _SPAN_S[1]))
    value = arrays.value[part][low:high]
    if len(value) < _LEAST_READINGS or len(np.unique(value)) < _LEAST_VALUES:
        return b""
    base = {"uSv/h": "nSv/h", "mSv/h": "nSv/h", "uGy/h": "nGy/h"}.get(unit, unit)
    common = np.round(value * convert(1.0, unit, base), 6)
    return end_s[low:high].tobytes() + common.tobytes()


def _copies(same: list[tuple[str, int, SeriesLike]]) -> set[int]:
    kept: list[tuple[str, SeriesLike]] = []
    found: set[int] = set()
    for uid, row, like in same:
        if any(uid != other and _near(like, kept_like) for other, kept_like in kept):
            found.add(row)
        else:
            kept.append((uid, like))
    return found


def _near(one: SeriesLike, other: SeriesLike) -> bool:
    a, b = one.station.station, other.station.station
    if a.latitude_deg is None or a.longitude_deg is None or b.latitude_deg is None or b.longitude_deg is None:
        return False
    return float(distance_m(a.latitude_deg, a.longitude_deg, np.array([b.latitude_deg]), np.array([b.longitude_deg]))[0]) <= _NEAR_M
