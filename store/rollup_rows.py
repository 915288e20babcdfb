"""The roll-ups of one series' day (24 hours and the day itself) as one compressed row."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import zstandard

from domain.readings import FloatArray, IntArray
from store.bucketing import COUNT, DAY_S, HOUR_S, MEASURES, Buckets

#: The hours of a day, and after them the day.
SLOTS = 25
_HEAD = struct.Struct("<bq")
_RAW = -1
_COMPRESSOR = zstandard.ZstdCompressor(level=3, write_checksum=True)
_DECOMPRESSOR = zstandard.ZstdDecompressor()
_DIGITS = (3, 5, 7, 9, 11)


@dataclass(frozen=True, slots=True)
class Days:
    """n series-days: `counts` (n, SLOTS, 3), `measures` (n, SLOTS, MEASURES)."""

    series: IntArray
    day: IntArray
    counts: IntArray
    measures: FloatArray


def days_of(hours: Buckets, days: Buckets) -> Days:
    """The same readings by the hour and by the day, as slots."""
    number = np.arange(len(days))
    owner = np.searchsorted(_keys(days), _keys(hours))
    slot = hours.begin_s % DAY_S // HOUR_S
    counts = np.zeros((len(days), SLOTS, 3), dtype=np.int64)
    measures = np.full((len(days), SLOTS, MEASURES), np.nan)
    counts[owner, slot], measures[owner, slot] = hours.counts, hours.measures
    counts[number, SLOTS - 1], measures[number, SLOTS - 1] = days.counts, days.measures
    return Days(days.series, days.begin_s // DAY_S, counts, measures)


def _keys(buckets: Buckets) -> IntArray:
    keys: IntArray = (buckets.series << 32) + buckets.begin_s // DAY_S
    return keys


def encoded(days: Days) -> list[bytes]:
    """Each day's row: whole numbers above the day's least where decimals allow it exactly, else the floats themselves."""
    counts = _planes(np.swapaxes(days.counts, 1, 2).astype("<u4"))
    flat = np.swapaxes(np.nan_to_num(days.measures, nan=0.0), 1, 2)
    heads: list[bytes] = [_HEAD.pack(_RAW, 0)] * len(flat)
    bodies: list[bytes] = [b""] * len(flat)
    left = np.arange(len(flat))
    for digits in _DIGITS:
        done, whole = _as_whole(flat[left], digits, days.counts[left, :, COUNT] > 0)
        whole = whole[done]
        least = whole.min(axis=(1, 2))
        planes = _planes((whole - least[:, None, None]).astype("<u4"))
        for i, low, body in zip(left[done].tolist(), least.tolist(), planes, strict=True):
            heads[i], bodies[i] = _HEAD.pack(digits, low), body.tobytes()
        left = left[~done]
    for i in left.tolist():
        bodies[i] = flat[i].astype("<f8").tobytes()
    parts = zip(heads, counts, bodies, strict=True)
    return [head + _COMPRESSOR.compress(count.tobytes() + body) for head, count, body in parts]


def _as_whole(flat: FloatArray, digits: int, there: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Which days are whole numbers at so many digits, to the bit, in a span of 32 bits; and those numbers."""
    power = 10.0**digits
    small: npt.NDArray[np.bool_] = np.asarray((np.abs(flat) < 2.0**52 / power).all(axis=(1, 2)))
    whole = np.where(small[:, None, None], np.rint(flat * power), 0.0).astype(np.int64)
    equal = np.asarray(whole / power == flat) & ~((flat == 0) & np.signbit(flat))
    same = equal | ~there[:, np.newaxis, :]
    span = whole.max(axis=(1, 2), initial=0) - whole.min(axis=(1, 2), initial=0)
    return small & same.all(axis=(1, 2)) & (span < 2**32), whole


def _planes(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """Rows of 32-bit numbers as rows of bytes: all first bytes, then all second ones."""
    flat = np.ascontiguousarray(numbers).reshape(len(numbers), math.prod(numbers.shape[1:]))
    return np.ascontiguousarray(flat.view(np.uint8).reshape(len(flat), flat.shape[1], 4).swapaxes(1, 2))


def decoded(series: IntArray, day: IntArray, rows: list[bytes]) -> Days:
    """What `encoded` made rows of."""
    counts = np.zeros((len(rows), SLOTS, 3), dtype=np.int64)
    measures = np.full((len(rows), SLOTS, MEASURES), np.nan)
    size = 4 * SLOTS * 3
    for i, row in enumerate(rows):
        digits, least = _HEAD.unpack_from(row)
        body = _DECOMPRESSOR.decompress(row[_HEAD.size :])
        counts[i] = _numbers(body[:size]).reshape(3, SLOTS).T
        if digits == _RAW:
            found = np.frombuffer(body[size:], dtype="<f8")
        else:
            found = (_numbers(body[size:]).astype(np.int64) + least) / 10.0**digits
        measures[i] = found.reshape(MEASURES, SLOTS).T
    measures[counts[:, :, COUNT] == 0] = np.nan
    return Days(series, day, counts, measures)


def _numbers(body: bytes) -> npt.NDArray[np.uint32]:
    planes = np.frombuffer(body, dtype=np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<u4").reshape(-1)
