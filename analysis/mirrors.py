"""Copies: two stations within a kilometre that carry the same readings are one instrument, and count once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from analysis.arrays import SeriesLike
from analysis.grouped import first_above
from analysis.rainfall import distance_m
from analysis.standing import Columns
from domain.readings import FloatArray, IntArray

#: Readings are compared over this span before now, so that the newest ones, which one path may not have yet, do not matter.
_SPAN_S = (26 * 3600, 2 * 3600)
_LEAST_READINGS = 12
_LEAST_VALUES = 3
#: Readings of a series that are looked at before all of them are.
_LOOKED_AT = 6
_NEAR_M = 1000.0


def mirrors(
    likes: Sequence[SeriesLike], rows: Sequence[int], end_s: IntArray, columns: Columns, now_s: int
) -> frozenset[int]:
    """Series (`rows`, in words `likes`) that are copies of another station's series of the same kind; the smallest station id stays.

    `end_s` are the times of the columns' readings.
    """
    value, own = columns.value, list(rows)
    starts, counts = columns.starts[own], columns.counts[own]
    begin, end = (first_above(end_s, starts, counts, np.full(len(own), now_s - before_s - 1)) for before_s in _SPAN_S)
    size = end - begin
    by_content: dict[bytes, list[tuple[str, int, SeriesLike]]] = defaultdict(list)
    for i in _suspects(begin, size, end_s, value).tolist():
        if likes[i].station.station.latitude_deg is not None:
            part = slice(int(begin[i]), int(begin[i] + size[i]))
            content = _content(end_s[part], value[part])
            if content:
                by_content[content].append((likes[i].station.station.uid, rows[i], likes[i]))
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


def _suspects(begin: IntArray, size: IntArray, end_s: IntArray, value: FloatArray) -> IntArray:
    """Series that equal another in some readings of the span, and in their number: all copies are among them, and little else."""
    long = np.flatnonzero(size >= _LEAST_READINGS)
    at = begin[long, None] + np.arange(_LOOKED_AT) * (size[long, None] - 1) // (_LOOKED_AT - 1)
    signature = (np.round(value[at], 6) * (end_s[at] % 99_991)).sum(axis=1) + size[long]
    _, first, times = np.unique(signature, return_inverse=True, return_counts=True)
    return long[times[first] > 1]


def _content(end_s: IntArray, value: FloatArray) -> bytes:
    value = np.round(value, 6)
    return b"" if len(np.unique(value)) < _LEAST_VALUES else end_s.tobytes() + value.tobytes()


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
