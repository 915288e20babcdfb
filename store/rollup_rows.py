"""The roll-ups of one series' day (24 hours and the day itself) as one compressed row."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard

from domain.readings import FloatArray, IntArray
from store.bucketing import COUNT, DAY_S, FIRST_QUANTILE, HOUR_S, MAXIMUM, MEASURES, MINIMUM, TOTAL, Buckets

#: The hours of a day, and after them the day.
SLOTS = 25
_HEAD = struct.Struct("<bq")
_RAW = -1
#: Added to the digits of a row of the day alone, and to those of a row of all slots; rows of an older program have less than either.
_DAY_ONLY, _LINES = 32, 64
#: A day with at most so many readings is few.
FEW = 48
DAY = SLOTS - 1
_AT_ONCE = 512
LINES = 3 + MEASURES
_ASCENDING = [MINIMUM, *range(FIRST_QUANTILE, MEASURES), MAXIMUM]
_COMPRESSOR = zstandard.ZstdCompressor(level=1, write_checksum=True)
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
    """Each day's row: whole numbers where decimals allow it exactly, each above the one that it cannot be below; else the floats.

    The hours of a day with few readings are left out: to compute them from the readings is no more work than to read them here.
    """
    rows: list[bytes] = []
    for begin in range(0, len(days.series), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        rows += _encoded(days.counts[part], days.measures[part])
    return rows


def _encoded(counts: IntArray, measures: FloatArray) -> list[bytes]:
    there = counts[:, :, COUNT] > 0
    flat = np.where(there[:, :, np.newaxis], measures, 0.0)
    rows: list[bytes] = [b""] * len(flat)
    few = counts[:, DAY].sum(axis=1) <= FEW
    for chosen, slots, kind in ((~few, slice(None), _LINES), (few, slice(DAY, None), _DAY_ONLY)):
        left = np.flatnonzero(chosen)
        for digits in _DIGITS:
            if not len(left):
                break
            done, least, lines = _as_lines(flat[left, slots], counts[left, slots], digits)
            bodies = _planes(lines) if kind == _LINES else _short(lines)
            for i, low, body in zip(left[done].tolist(), least.tolist(), bodies, strict=True):
                rows[i] = _HEAD.pack(digits + kind, low) + body
            left = left[~done]
        for i in left.tolist():
            told = np.swapaxes(counts[i : i + 1], 1, 2).astype("<u4")
            rows[i] = _HEAD.pack(_RAW, 0) + _COMPRESSOR.compress(_interleaved(told) + flat[i].T.astype("<f8").tobytes())
    return rows


def _as_lines(
    flat: FloatArray, counts: IntArray, digits: int
) -> tuple[npt.NDArray[np.bool_], IntArray, npt.NDArray[np.uint32]]:
    """Which days are whole numbers at so many digits, to the bit; of those the least one and the lines, (days, 12, SLOTS)."""
    power = 10.0**digits
    small: npt.NDArray[np.bool_] = np.asarray((np.abs(flat) < 2.0**52 / power).all(axis=(1, 2)))
    whole = np.where(small[:, None, None], np.rint(flat * power), 0.0).astype(np.int64)
    same = (whole / power).view(np.int64) == flat.view(np.int64)
    done = small & same.all(axis=(1, 2))
    lines, least = _lines(whole[done], counts[done])
    fit = ((lines >= 0) & (lines < 2**32)).all(axis=(1, 2))
    done[np.flatnonzero(done)[~fit]] = False
    return done, least[fit], lines[fit].astype("<u4")


def _lines(whole: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Counts, minima above the day's least, each following quantile above the one before, and sums above count times minimum."""
    there = counts[:, :, COUNT] > 0
    least = np.where(there, whole[:, :, MINIMUM], 2**62).min(axis=1, initial=2**62)
    least[least == 2**62] = 0
    ordered = whole[:, :, _ASCENDING]
    lines = np.empty((len(whole), LINES, whole.shape[1]), dtype=np.int64)
    lines[:, :3] = np.swapaxes(counts, 1, 2)
    lines[:, 3] = np.where(there, ordered[:, :, 0] - least[:, np.newaxis], 0)
    lines[:, 4:-1] = np.swapaxes(np.diff(ordered, axis=2), 1, 2)
    lines[:, -1] = whole[:, :, TOTAL] - counts[:, :, COUNT] * whole[:, :, MINIMUM]
    return lines, least


def _planes(numbers: npt.NDArray[np.uint32]) -> list[bytes]:
    """Rows of lines, compressed."""
    told = _interleaved(numbers)
    size = 4 * LINES * SLOTS
    return [_COMPRESSOR.compress(told[begin : begin + size]) for begin in range(0, len(told), size)]


def _interleaved(numbers: npt.NDArray[np.uint32]) -> bytes:
    """Rows of 32-bit numbers as rows of bytes: all first bytes, then all second ones."""
    flat = np.ascontiguousarray(numbers).reshape(len(numbers), math.prod(numbers.shape[1:]))
    return flat.view(np.uint8).reshape(len(flat), flat.shape[1], 4).swapaxes(1, 2).tobytes()


def _short(numbers: npt.NDArray[np.uint32]) -> list[bytes]:
    """The lines of one slot: too few to compress."""
    flat = numbers.reshape(len(numbers), LINES)
    told, small = flat.tobytes(), flat.astype("<u2").tobytes()
    fits = (flat.max(axis=1, initial=0) < 2**16).tolist()
    return [
        small[2 * i : 2 * (i + LINES)] if fit else told[4 * i : 4 * (i + LINES)]
        for i, fit in zip(range(0, flat.size, LINES), fits, strict=True)
    ]


def without_hours(rows: Sequence[bytes]) -> list[bool]:
    """Which rows have left their hours out."""
    return [_DAY_ONLY <= row[0] < _LINES for row in rows]


def decoded(series: IntArray, day: IntArray, rows: Sequence[bytes]) -> Days:
    """What `encoded` made rows of, or an older program; hours that a row has left out are without readings here."""
    counts = np.zeros((len(rows), SLOTS, 3), dtype=np.int64)
    measures = np.full((len(rows), SLOTS, MEASURES), np.nan)
    found: dict[tuple[int, int], list[tuple[int, int, bytes]]] = {}
    for i, row in enumerate(rows):
        kind, least = _HEAD.unpack_from(row)
        body = row[_HEAD.size :]
        if kind >= _DAY_ONLY:
            plain = body if kind < _LINES else _DECOMPRESSOR.decompress(body)
            found.setdefault((kind, len(plain)), []).append((i, least, plain))
        else:
            counts[i], measures[i] = _one(kind, least, _DECOMPRESSOR.decompress(body))
    for (kind, size), told in found.items():
        at, low, bodies = zip(*told, strict=True)
        whole = kind >= _LINES
        lines = _numbers(b"".join(bodies), len(at)) if whole else _shorts(b"".join(bodies), size)
        slots = slice(None) if whole else slice(DAY, None)
        shape = (len(at), LINES, SLOTS if whole else 1)
        made = _from_lines(kind - (_LINES if whole else _DAY_ONLY), np.array(low, dtype=np.int64), lines.reshape(shape))
        counts[list(at), slots], measures[list(at), slots] = made
    measures[counts[:, :, COUNT] == 0] = np.nan
    return Days(series, day, counts, measures)


def _shorts(bodies: bytes, size: int) -> npt.NDArray[Any]:
    return np.frombuffer(bodies, dtype="<u2" if size == 2 * LINES else "<u4")


def _from_lines(digits: int, least: IntArray, found: npt.NDArray[Any]) -> tuple[IntArray, FloatArray]:
    lines = found.astype(np.int64)
    counts = np.ascontiguousarray(np.swapaxes(lines[:, :3], 1, 2))
    lines[:, 3] += least[:, np.newaxis]
    whole = np.empty((len(least), lines.shape[2], MEASURES), dtype=np.int64)
    whole[:, :, _ASCENDING] = np.swapaxes(np.cumsum(lines[:, 3:-1], axis=1), 1, 2)
    whole[:, :, TOTAL] = lines[:, -1] + counts[:, :, COUNT] * whole[:, :, MINIMUM]
    return counts, whole / 10.0**digits


def _one(digits: int, least: int, body: bytes) -> tuple[IntArray, FloatArray]:
    size = 4 * SLOTS * 3
    counts = _numbers(body[:size], 1).reshape(3, SLOTS).T.astype(np.int64)
    if digits == _RAW:
        found = np.frombuffer(body[size:], dtype="<f8")
    else:
        found = (_numbers(body[size:], 1)[0].astype(np.int64) + least) / 10.0**digits
    return counts, found.reshape(MEASURES, SLOTS).T


def _numbers(bodies: bytes, n: int) -> npt.NDArray[np.uint32]:
    """As many rows of planes as rows of numbers."""
    planes = np.frombuffer(bodies, dtype=np.uint8).reshape(n, 4, -1)
    return np.ascontiguousarray(planes.swapaxes(1, 2)).view("<u4").reshape(n, -1)
