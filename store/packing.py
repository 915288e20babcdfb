"""One series' readings of one day as a few hundred bytes, at full fidelity: what comes out is what went in, to the last bit.

Whole numbers go as differences, byte by byte (all first bytes, then all second ones), through zstd with its checksum.
Published decimals become whole numbers when dividing gives exactly the same float back; else the float's own bytes are kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zstandard

from domain.readings import NO_TIME, FloatArray, IntArray

_MAGIC = b"R1"
_COMPRESSOR = zstandard.ZstdCompressor(level=9, write_checksum=True, write_content_size=True)
_DECOMPRESSOR = zstandard.ZstdDecompressor()
#: Ten to more than this is no exact float any more.
_MOST_DIGITS = 15
_CONSTANT, _PLAIN, _DELTA, _DELTA_OF_DELTA = 0, 1, 2, 3
_WIDTHS = (1, 2, 4, 8)


class Corrupt(ValueError):
    """The bytes are no packed day, or not the one that was written."""


@dataclass(frozen=True, slots=True)
class Day:
    """Columns of n versions of readings of one series, in order of end; NaN and NO_TIME say "none"; `texts` by row.

    `received_after_s` follows from the batch; it is kept so that "as known at" needs no look at a year's answers.
    """

    end_s: IntArray
    value: FloatArray
    batch_id: IntArray
    digits: IntArray
    qc: IntArray
    censoring: IntArray
    revision: IntArray
    published_after_s: IntArray
    received_after_s: IntArray
    limit: FloatArray
    texts: dict[int, str]

    def __len__(self) -> int:
        return len(self.end_s)


def empty_day() -> Day:
    """A day without readings."""
    return day_of([])


_WHOLE = ("batch_id", "digits", "qc", "censoring", "revision", "published_after_s", "received_after_s")


#: One version as the tables want it (store.incoming.COLUMNS), and when it was received.
Kept = tuple[Any, ...]


def day_of(rows: Sequence[Kept]) -> Day:
    """Versions of one series, in order of end, as columns."""
    columns = zip(*rows, strict=True) if rows else [()] * 12
    end_s, _, value, batch_id, digits, qc, censoring, revision, published, limit, texts, received = columns
    ends = np.array(end_s, dtype=np.int64)
    return Day(
        end_s=ends,
        value=np.array(value, dtype=np.float64),
        batch_id=np.array(batch_id, dtype=np.int64),
        digits=np.array(digits, dtype=np.int64),
        qc=np.array(qc, dtype=np.int64),
        censoring=np.array(censoring, dtype=np.int64),
        revision=np.array(revision, dtype=np.int64),
        published_after_s=np.array([NO_TIME if one is None else one for one in published], dtype=np.int64),
        received_after_s=np.array(received, dtype=np.int64) - ends,
        limit=np.array(limit, dtype=np.float64),
        texts={i: text for i, text in enumerate(texts) if text is not None},
    )


def rows_of(series_id: int, day: Day) -> list[Kept]:
    """A day's versions as the tables want them."""
    n = len(day)
    return list(
        zip(
            day.end_s.tolist(),
            [series_id] * n,
            [None if value != value else value for value in day.value.tolist()],  # noqa: PLR0124 - NaN
            day.batch_id.tolist(),
            day.digits.tolist(),
            day.qc.tolist(),
            day.censoring.tolist(),
            day.revision.tolist(),
            [None if one == NO_TIME else one for one in day.published_after_s.tolist()],
            [None if limit != limit else limit for limit in day.limit.tolist()],  # noqa: PLR0124 - NaN
            [day.texts.get(i) for i in range(n)],
            (day.end_s + day.received_after_s).tolist(),
            strict=True,
        )
    )


def pack(day: Day) -> bytes:
    """A day's bytes."""
    parts = [_varint(len(day)), _whole(day.end_s)]
    parts += [_whole(getattr(day, name)) for name in _WHOLE]
    parts += [_decimals(day.value), _decimals(day.limit)]
    parts.append(json.dumps(day.texts, ensure_ascii=False).encode() if day.texts else b"")
    return _MAGIC + _COMPRESSOR.compress(b"".join(parts))


def unpack(packed: bytes, wanted: frozenset[str] | None = None) -> Day:
    """The day that `pack` was given; with `wanted` only those columns hold anything, the others are empty. Raises Corrupt."""
    if packed[:2] != _MAGIC:
        raise Corrupt("not a packed day")
    try:
        reader = _Reader(_DECOMPRESSOR.decompress(packed[2:]))
        return _day(reader, wanted)
    except (zstandard.ZstdError, IndexError, KeyError, ValueError) as error:
        raise Corrupt(f"a packed day cannot be read: {error}") from error


_NOTHING = np.zeros(0, dtype=np.int64)


def _day(reader: _Reader, wanted: frozenset[str] | None) -> Day:
    n = reader.varint()
    end_s = reader.whole(n)
    columns = {name: reader.whole(n) if wanted is None or name in wanted else reader.passed(n) for name in _WHOLE}
    value, limit = reader.decimals(n), reader.decimals(n)
    rest = reader.rest()
    texts = {int(row): text for row, text in json.loads(rest).items()} if rest else {}
    return Day(end_s=end_s, value=value, limit=limit, texts=texts, **columns)


def _whole(column: IntArray) -> bytes:
    """Mode, width, step and first values, then what is left of each number, byte by byte; as it is, as differences or as theirs."""
    if not len(column) or (column == column[0]).all():
        return bytes([_CONSTANT]) + _varint(int(column[0]) if len(column) else 0)
    differences = np.diff(column)
    second = np.diff(differences)
    # the narrowest span has nearly always the fewest bits; to count the bits of all three takes four times as long
    spans = [_span(column), _span(differences), _span(second)]
    if spans[0] <= spans[1] and spans[0] <= spans[2]:
        return _shuffled(_PLAIN, (), column)
    if spans[1] <= spans[2]:
        return _shuffled(_DELTA, (int(column[0]),), differences)
    return _shuffled(_DELTA_OF_DELTA, (int(column[0]), int(differences[0])), second)


def _span(numbers: IntArray) -> int:
    return int(numbers.max()) - int(numbers.min()) if len(numbers) else 0


def _shuffled(mode: int, start: tuple[int, ...], numbers: IntArray) -> bytes:
    least = int(numbers.min(initial=2**62)) if len(numbers) else 0
    above = (numbers - least).view(np.uint64)
    step = int(np.gcd.reduce(above)) or 1 if len(above) else 1
    above //= np.uint64(step)
    most = int(above.max(initial=0))
    width = next(width for width in _WIDTHS if most < 1 << (8 * width))
    planes = above.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T
    head = bytes([mode, width]) + b"".join(map(_varint, (least, step, *start)))
    return head + planes.tobytes()


def _varint(number: int) -> bytes:
    """A signed number in as few bytes as it needs, seven bits in each."""
    left = number << 1 if number >= 0 else ((-number) << 1) - 1
    found = bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    return bytes(found)


_NONE, _SCALED, _RAW = 0, 1, 2


def _decimals(column: FloatArray) -> bytes:
    """How, then which rows hold a number (if not all do), then the numbers."""
    there = ~np.isnan(column)
    if not there.any():
        return bytes([_NONE])
    mask = b"" if there.all() else np.packbits(there).tobytes()
    numbers = column[there]
    for digits in range(_MOST_DIGITS + 1):
        power = 10.0**digits
        if np.abs(numbers).max() >= 2**53 / power:
            break  # no whole number stands for it exactly, and more digits do not help
        scaled = np.rint(numbers * power).astype(np.int64)
        if _same_bits(scaled / power, numbers):
            return bytes([_SCALED, digits, bool(mask)]) + _varint(len(numbers)) + mask + _whole(scaled)
    raw = numbers.astype("<f8").view(np.uint8).reshape(-1, 8).T.tobytes()
    return bytes([_RAW, 0, bool(mask)]) + _varint(len(numbers)) + mask + raw


def _same_bits(left: FloatArray, right: FloatArray) -> bool:
    """Equal to the bit: minus zero is not zero."""
    return bool((left.view(np.int64) == right.view(np.int64)).all())


class _Reader:
    """Walks through the bytes of a day."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def raw(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise IndexError("it ends too early")
        self._at += count
        return found

    def rest(self) -> bytes:
        return self._data[self._at :]

    def varint(self) -> int:
        number, shift = 0, 0
        while True:
            (byte,) = self.raw(1)
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (number >> 1) if not number & 1 else -((number + 1) >> 1)
            shift += 7

    def whole(self, n: int) -> IntArray:
        (mode,) = self.raw(1)
        if mode == _CONSTANT:
            return np.full(n, self.varint(), dtype=np.int64)
        (width,) = self.raw(1)
        least, step = self.varint(), self.varint()
        starts = [self.varint() for _ in range(mode - _PLAIN)]
        numbers = np.empty(n, dtype=np.int64)
        left = numbers[len(starts) :]
        planes = np.frombuffer(self.raw(len(left) * width), dtype=np.uint8)
        if width > 1:
            planes = np.ascontiguousarray(planes.reshape(width, -1).T).view(f"<u{width}").reshape(-1)
        left[:] = planes.view(np.int64) if width == _WIDTHS[-1] else planes
        if step != 1:
            left *= step
        if least:
            left += least
        for i in reversed(range(len(starts))):
            numbers[i] = starts[i]
            np.add.accumulate(numbers[i:], out=numbers[i:])
        return numbers

    def passed(self, n: int) -> IntArray:
        """Go past a column without making it."""
        (mode,) = self.raw(1)
        if mode == _CONSTANT:
            self.varint()
            return _NOTHING
        (width,) = self.raw(1)
        for _ in range(2 + mode - _PLAIN):
            self.varint()
        self.raw((n - (mode - _PLAIN)) * width)
        return _NOTHING

    def decimals(self, n: int) -> FloatArray:
        (how,) = self.raw(1)
        if how == _NONE:
            return np.full(n, np.nan)
        digits, masked = self.raw(2)
        count = self.varint()
        if not masked:
            return self._numbers(how, digits, count)
        column = np.full(n, np.nan)
        there = np.unpackbits(np.frombuffer(self.raw((n + 7) // 8), dtype=np.uint8), count=n).astype(bool)
        column[there] = self._numbers(how, digits, count)
        return column

    def _numbers(self, how: int, digits: int, count: int) -> FloatArray:
        if how == _SCALED:
            return self.whole(count) / 10.0**digits
        shuffled = np.frombuffer(self.raw(count * 8), dtype=np.uint8).reshape(8, count)
        return np.ascontiguousarray(shuffled.T).view("<f8").reshape(-1)
