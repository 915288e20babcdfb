"""From a packed block's bytes back to columns: exactly what was packed, or Corrupt.

`R1` holds everything itself. `R2` says only which entry of a list of receipts each reading came by: the answers of a feed bring
thousands of series each, and to keep their numbers and moments once for many blocks is a third of the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import zstandard

from domain.readings import FloatArray, IntArray

ALONE, SHARING, RECEIPTS = b"R1", b"R2", b"Q1"
CONSTANT, PLAIN, DELTA, DELTA_OF_DELTA = 0, 1, 2, 3
WIDTHS = (1, 2, 4, 8)
NONE, SCALED, RAW = 0, 1, 2
WHOLE = ("batch_id", "digits", "qc", "censoring", "revision", "published_after_s", "received_after_s")
#: The columns that a sharing block keeps as one: which entry of its receipts a reading came by.
OF_RECEIPT = frozenset({"batch_id", "received_after_s"})
SHARED_WHOLE = ("receipt", *(name for name in WHOLE if name not in OF_RECEIPT))

_DECOMPRESSOR = zstandard.ZstdDecompressor()
_NOTHING = np.zeros(0, dtype=np.int64)


class Corrupt(ValueError):
    """The bytes are no packed block, or not the one that was written."""


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


@dataclass(frozen=True, slots=True)
class Receipts:
    """Answers by which readings came: their numbers in the database and when they were received, in order of number."""

    batch_id: IntArray
    received_s: IntArray


Known = Mapping[int, Receipts]
NO_RECEIPTS: Known = {}


def receipts_of(packed: bytes) -> int:
    """The number of the receipts that a block shares; 0 when it holds everything itself, or is none at all."""
    if packed[:2] != SHARING:
        return 0
    try:
        return _Reader(packed[2:12]).varint()
    except IndexError:
        return 0


def unpack(packed: bytes, wanted: frozenset[str] | None = None, receipts: Known = NO_RECEIPTS) -> Day:
    """The columns that were packed; with `wanted` only those hold anything, the others are empty. Raises Corrupt."""
    if packed[:2] not in (ALONE, SHARING):
        raise Corrupt("not a packed day")
    try:
        if packed[:2] == ALONE:
            return _alone(_Reader(_DECOMPRESSOR.decompress(packed[2:])), wanted)
        head = _Reader(packed[2:])
        number = head.varint()
        return _sharing(_Reader(_DECOMPRESSOR.decompress(head.rest())), wanted, number, receipts)
    except (zstandard.ZstdError, IndexError, KeyError, ValueError) as error:
        raise Corrupt(f"a packed day cannot be read: {error}") from error


def unpack_receipts(packed: bytes) -> Receipts:
    """The receipts that were packed. Raises Corrupt."""
    if packed[:2] != RECEIPTS:
        raise Corrupt("not receipts")
    try:
        reader = _Reader(_DECOMPRESSOR.decompress(packed[2:]))
        n = reader.varint()
        return Receipts(reader.whole(n), reader.whole(n))
    except (zstandard.ZstdError, IndexError, ValueError) as error:
        raise Corrupt(f"receipts cannot be read: {error}") from error


def _alone(reader: _Reader, wanted: frozenset[str] | None) -> Day:
    n = reader.varint()
    end_s = reader.whole(n)
    columns = {name: reader.whole(n) if wanted is None or name in wanted else reader.passed(n) for name in WHOLE}
    return _day(reader, n, end_s, columns)


def _sharing(reader: _Reader, wanted: frozenset[str] | None, number: int, receipts: Known) -> Day:
    n = reader.varint()
    end_s = reader.whole(n)
    asked = OF_RECEIPT if wanted is None else OF_RECEIPT & wanted
    columns: dict[str, IntArray] = dict.fromkeys(OF_RECEIPT, _NOTHING)
    for name in SHARED_WHOLE:
        use = bool(asked) if name == "receipt" else wanted is None or name in wanted
        columns[name] = reader.whole(n) if use else reader.passed(n)
    at = columns.pop("receipt")
    if asked:
        if number not in receipts:
            raise Corrupt(f"its receipts, number {number}, are missing or damaged")
        came = receipts[number]
        columns |= {"batch_id": came.batch_id[at], "received_after_s": came.received_s[at] - end_s}
    return _day(reader, n, end_s, columns)


def _day(reader: _Reader, n: int, end_s: IntArray, columns: dict[str, IntArray]) -> Day:
    value, limit = reader.decimals(n), reader.decimals(n)
    rest = reader.rest()
    texts = {int(row): text for row, text in json.loads(rest).items()} if rest else {}
    return Day(end_s=end_s, value=value, limit=limit, texts=texts, **columns)


class _Reader:
    """Walks through the bytes of a block."""

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
        if mode == CONSTANT:
            return np.full(n, self.varint(), dtype=np.int64)
        (width,) = self.raw(1)
        least, step = self.varint(), self.varint()
        starts = [self.varint() for _ in range(mode - PLAIN)]
        numbers = np.empty(n, dtype=np.int64)
        left = numbers[len(starts) :]
        planes = np.frombuffer(self.raw(len(left) * width), dtype=np.uint8)
        if width > 1:
            planes = np.ascontiguousarray(planes.reshape(width, -1).T).view(f"<u{width}").reshape(-1)
        left[:] = planes.view(np.int64) if width == WIDTHS[-1] else planes
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
        if mode == CONSTANT:
            self.varint()
            return _NOTHING
        (width,) = self.raw(1)
        for _ in range(2 + mode - PLAIN):
            self.varint()
        self.raw((n - (mode - PLAIN)) * width)
        return _NOTHING

    def decimals(self, n: int) -> FloatArray:
        (how,) = self.raw(1)
        if how == NONE:
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
        if how == SCALED:
            return self.whole(count) / 10.0**digits
        shuffled = np.frombuffer(self.raw(count * 8), dtype=np.uint8).reshape(8, count)
        return np.ascontiguousarray(shuffled.T).view("<f8").reshape(-1)
