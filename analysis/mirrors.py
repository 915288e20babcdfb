"""Copies: two stations within a kilometre that carry the same readings are one instrument, and count once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from analysis.arrays import Arrays, SeriesLike
from analysis.grouped import starts_and_counts
from analysis.rainfall import distance_m
from domain.readings import FloatArray, IntArray

#: Readings are compared over this span before now, so that the newest ones, which one path may not have yet, do not matter.
_SPAN_S = (26 * 3600, 2 * 3600)
_LEAST_READINGS = 12
_LEAST_VALUES = 3
_NEAR_M = 1000.0


def mirrors(
    likes: Sequence[SeriesLike], rows: Sequence[int], arrays: Arrays, value: FloatArray, now_s: int
) -> frozenset[int]:
    """Rows of `arrays.series` that are copies of another station's series of the same kind; the smallest station id stays.

    `value` are the columns' values in the unit that the kind is compared in.
    """
    suspects = _suspects(rows, arrays, value, now_s)
    starts, counts = starts_and_counts(arrays.index, len(arrays.series))
    by_content: dict[bytes, list[tuple[str, int, SeriesLike]]] = defaultdict(list)
    for like, row in zip(likes, rows, strict=True):
        if row in suspects and like.station.station.latitude_deg is not None:
            part = slice(int(starts[row]), int(starts[row] + counts[row]))
            content = _content(arrays.end_s[part], value[part], now_s)
            if content:
                by_content[content].append((like.station.station.uid, row, like))
    found: set[int] = set()
    for same in by_content.values():
        if len(same) > 1:
            found |= _copies(sorted(same, key=lambda item: item[0]))
    return frozenset(found)


def second_paths(
    likes: Sequence[SeriesLike], rows: Sequence[int], newest_s: Sequence[int], twins: Mapping[str, str]
) -> frozenset[int]:
    """Rows of one kind that are another path of an instrument already counted: of each confirmed twin the path heard last counts.

    `newest_s` is the end of the newest reading of each of `rows`. The path that names the station wins a tie.
    """
    if not twins:
        return frozenset()
    best: dict[str, tuple[int, bool, int]] = {}
    seen: list[tuple[str, str, int]] = []
    owner: dict[int, str] = {}
    for like, row, end_s in zip(likes, rows, newest_s, strict=True):
        uid = like.station.station.uid
        if (root := twins.get(uid)) is not None:
            owner[row] = uid
            seen.append((root, uid, row))
            best[root] = max(best.get(root, (end_s, uid == root, row)), (end_s, uid == root, row))
    # two windows of one station are no two paths
    return frozenset(row for root, uid, row in seen if owner[best[root][2]] != uid)


def _suspects(rows: Sequence[int], arrays: Arrays, value: FloatArray, now_s: int) -> frozenset[int]:
    """Series whose sums over the span, weighted by time, equal another's: all copies are among them, and little else."""
    inside = (arrays.end_s >= now_s - _SPAN_S[0]) & (arrays.end_s < now_s - _SPAN_S[1])
    index, weight = arrays.index[inside], (arrays.end_s[inside] % 99_991).astype(np.float64)
    sums = np.bincount(index, weights=np.round(value[inside], 6) * weight, minlength=len(arrays.series))[list(rows)]
    _, first, times = np.unique(sums, return_inverse=True, return_counts=True)
    return frozenset(int(row) for row, repeated in zip(rows, times[first] > 1, strict=True) if repeated)


def _content(end_s: IntArray, value: FloatArray, now_s: int) -> bytes:
    low, high = np.searchsorted(end_s, (now_s - _SPAN_S[0], now_s - _SPAN_S[1]))
    value = np.round(value[low:high], 6)
    if len(value) < _LEAST_READINGS or len(np.unique(value)) < _LEAST_VALUES:
        return b""
    return end_s[low:high].tobytes() + value.tobytes()


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
    return (
        float(distance_m(a.latitude_deg, a.longitude_deg, np.array([b.latitude_deg]), np.array([b.longitude_deg]))[0])
        <= _NEAR_M
    )
