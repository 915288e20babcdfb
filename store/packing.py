"""Readings of many series as one block of bytes each, at full fidelity: what comes out is what went in, to the last bit.

Whole numbers go as differences, byte by byte (all first bytes, then all second ones), through zstd with its checksum.
Published decimals become whole numbers when dividing gives exactly the same float back; else the float's own bytes are kept.
All blocks are made together, column by column: block by block a sparse day costs more calls than it has readings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard

from domain.readings import NO_TIME, FloatArray, IntArray
from store.unpacking import (
    ALONE,
    CONSTANT,
    DELTA,
    DELTA_OF_DELTA,
    NONE,
    PLAIN,
    RAW,
    RECEIPTS,
    SCALED,
    SHARED_WHOLE,
    SHARING,
    WHOLE,
    WIDTHS,
    Corrupt,
    Day,
    Receipts,
    unpack,
)

__all__ = ["Corrupt", "Day", "Kept", "Receipts", "day_of", "empty_day", "joined", "pack", "pack_blocks", "pack_receipts", "rows_of", "taken", "unpack"]  # fmt: skip

_COMPRESSOR = zstandard.ZstdCompressor(level=3, write_checksum=True, write_content_size=True)
#: Ten to more than this is no exact float any more.
_MOST_DIGITS = 15

#: The columns of a Day that are arrays.
COLUMNS = tuple(name for name in Day.__dataclass_fields__ if name != "texts")

#: One version as the tables want it (store.incoming.COLUMNS), and when it was received.
Kept = tuple[Any, ...]


def empty_day() -> Day:
    """A day without readings."""
    return day_of([])


def day_of(rows: Sequence[Kept]) -> Day:
    """Versions of one series, in order of end, as columns; of several series just as well, one below the other."""
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


def joined(days: Sequence[Day]) -> Day:
    """Columns of several blocks one below the other."""
    if len(days) == 1:
        return days[0]
    texts: dict[int, str] = {}
    for first, one in zip(np.cumsum([0, *map(len, days[:-1])]).tolist(), days, strict=True):
        if one.texts:
            texts |= {first + i: text for i, text in one.texts.items()}
    return Day(**{name: np.concatenate([getattr(one, name) for one in days]) for name in COLUMNS}, texts=texts)


def taken(day: Day, rows: IntArray) -> Day:
    """The rows chosen by an index array, in its order."""
    texts = {new: day.texts[old] for new, old in enumerate(rows.tolist()) if old in day.texts} if day.texts else {}
    return Day(**{name: getattr(day, name)[rows] for name in COLUMNS}, texts=texts)


def pack(day: Day) -> bytes:
    """One block's bytes, whole in itself."""
    return pack_blocks(day, np.zeros(1, dtype=np.int64))[0]


def pack_receipts(receipts: Receipts) -> bytes:
    """Receipts as bytes."""
    blocks = _Blocks.of(np.zeros(1, dtype=np.int64), len(receipts.batch_id))
    parts = [_whole(receipts.batch_id, blocks)[0], _whole(receipts.received_s, blocks)[0]]
    return RECEIPTS + _COMPRESSOR.compress(b"".join((_varint(len(receipts.batch_id)), *parts)))


def pack_blocks(day: Day, starts: IntArray, sharing: tuple[int, Receipts] | None = None) -> list[bytes]:
    """Bytes of blocks whose rows lie one below the other in `day`, each from its place in `starts` (k,) to the next one's.

    With `sharing`, a number and the receipts under it, batches and receipts are kept as places in those; every batch must be there.
    """
    blocks = _Blocks.of(starts, len(day))
    columns: dict[str, IntArray] = {name: getattr(day, name) for name in WHOLE}
    head = ALONE
    names: Sequence[str] = WHOLE
    if sharing is not None:
        number, receipts = sharing
        columns["receipt"] = np.searchsorted(receipts.batch_id, day.batch_id).astype(np.int64)
        head, names = SHARING + _varint(number), SHARED_WHOLE
    parts = [[_varint(size) for size in blocks.sizes.tolist()], _whole(day.end_s, blocks)]
    parts += [_whole(columns[name], blocks) for name in names]
    parts += [_decimals(day.value, blocks), _decimals(day.limit, blocks), _texts(day.texts, blocks)]
    return [head + _COMPRESSOR.compress(b"".join(told)) for told in zip(*parts, strict=True)]


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Where k blocks lie in columns of n rows."""

    starts: IntArray
    ends: IntArray
    sizes: IntArray

    @classmethod
    def of(cls, starts: IntArray, n: int) -> _Blocks:
        ends = np.append(starts[1:], n).astype(np.int64)
        return cls(starts, ends, ends - starts)

    def reduced(self, ufunc: np.ufunc, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """One number for each block; zero for an empty one."""
        made = np.zeros(len(self.starts), dtype=column.dtype)
        there = self.sizes > 0
        if there.any():
            made[there] = ufunc.reduceat(column, self.starts[there])
        return made

    def spread(self, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Each block's number beside each of its rows."""
        return np.repeat(numbers, self.sizes)


def _texts(texts: Mapping[int, str], blocks: _Blocks) -> list[bytes]:
    found: list[dict[int, str]] = [{} for _ in range(len(blocks.starts))] if texts else []
    for row in sorted(texts):
        block = int(np.searchsorted(blocks.starts, row, side="right")) - 1
        found[block][row - int(blocks.starts[block])] = texts[row]
    return [json.dumps(one, ensure_ascii=False).encode() if one else b"" for one in found] or [b""] * len(blocks.starts)


def _whole(column: IntArray, blocks: _Blocks) -> list[bytes]:
    """Mode, width, step and first values, then what is left of each number, byte by byte; as it is, as differences or as theirs."""
    least, most = blocks.reduced(np.minimum, column), blocks.reduced(np.maximum, column)
    constant = least == most
    made = [bytes([CONSTANT]) + _varint(number) for number in least.tolist()]
    rest = np.flatnonzero(~constant)
    if len(rest):
        if len(rest) < len(constant):
            inside = blocks.spread(~constant)
            column = column[inside]
            sizes = blocks.sizes[rest]
            ends = np.cumsum(sizes)
            blocks = _Blocks(ends - sizes, ends, sizes)
        for i, told in zip(rest.tolist(), _varying(column, blocks, least[rest], most[rest]), strict=True):
            made[i] = told
    return made


def _varying(column: IntArray, blocks: _Blocks, least: IntArray, most: IntArray) -> list[bytes]:
    """Blocks of at least two different numbers; the narrowest span has nearly always the fewest bits."""
    first, second = _differences(column, blocks)
    limits = [(least, most)] + [
        (blocks.reduced(np.minimum, one), blocks.reduced(np.maximum, one)) for one in (first, second)
    ]
    spans = np.stack([(high - low).view(np.uint64) for low, high in limits])
    choice = np.argmin(spans, axis=0)
    mode = blocks.spread(choice)
    numbers = np.where(mode == 0, column, np.where(mode == 1, first, second))
    base = np.choose(choice, [low for low, _ in limits])
    above = (numbers - blocks.spread(base)).view(np.uint64)
    step = np.maximum(blocks.reduced(np.gcd, above), np.uint64(1))
    if (step > 1).any():
        above //= blocks.spread(step)
    planes = _Planes(above, blocks)
    starts, heads = blocks.starts, []
    firsts = zip(
        choice.tolist(), base.tolist(), step.tolist(), column[starts].tolist(), first[starts].tolist(), strict=True
    )
    for i, (how, low, unit, value, difference) in enumerate(firsts):
        began = (_varint(value) if how else b"") + (_varint(difference) if how == DELTA_OF_DELTA - PLAIN else b"")
        told = bytes([PLAIN + how, planes.width[i]]) + _varint(low) + _varint(unit) + began
        heads.append(told + planes.of(i, how))
    return heads


def _differences(column: IntArray, blocks: _Blocks) -> tuple[IntArray, IntArray]:
    """First and second differences, each beside the number that it leads to; in front of those, copies of the first one."""
    first = np.diff(column, prepend=column[:1])
    starts = blocks.starts
    first[starts] = first[starts + 1]  # no block here has fewer than two rows
    second = np.diff(first, prepend=first[:1])
    third = np.where(blocks.sizes > DELTA, starts + DELTA, -1)
    fill = np.where(third < 0, 0, second[third])
    second[starts], second[starts + 1] = fill, fill
    return first, second


class _Planes:
    """Unsigned numbers byte by byte: the first bytes of all rows, the second ones, and so on as far as there is any."""

    def __init__(self, numbers: npt.NDArray[np.uint64], blocks: _Blocks) -> None:
        most = blocks.reduced(np.maximum, numbers)
        bits = np.array([1 << (8 * width) for width in WIDTHS[:-1]], dtype=np.uint64)
        self.width: list[int] = np.array(WIDTHS)[np.searchsorted(bits, most, side="right")].tolist()
        self._bytes = [(numbers >> np.uint64(8 * i)).astype(np.uint8).tobytes() for i in range(max(self.width))]
        self._spans = list(zip(blocks.starts.tolist(), blocks.ends.tolist(), strict=True))

    def of(self, block: int, without: int) -> bytes:
        """The bytes of a block, `without` its first rows."""
        begin, end = self._spans[block]
        return b"".join([plane[begin + without : end] for plane in self._bytes[: self.width[block]]])


@lru_cache(maxsize=65536)
def _varint(number: int) -> bytes:
    """A signed number in as few bytes as it needs, seven bits in each."""
    left = number << 1 if number >= 0 else ((-number) << 1) - 1
    found = bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    return bytes(found)


def _decimals(column: FloatArray, blocks: _Blocks) -> list[bytes]:
    """How, then which rows hold a number (if not all do), then the numbers."""
    there = ~np.isnan(column)
    counts = blocks.reduced(np.add, there.astype(np.int64))
    made = [bytes([NONE])] * len(counts)
    some = np.flatnonzero(counts)
    if not len(some):
        return made
    sizes = counts[some]
    ends = np.cumsum(sizes)
    within = _Blocks(ends - sizes, ends, sizes)
    numbers = column[there]
    digits, scaled = _scaled(numbers, within)
    wholes = _whole(scaled, within)
    for at, (i, n) in enumerate(zip(some.tolist(), sizes.tolist(), strict=True)):
        mask = b"" if n == blocks.sizes[i] else np.packbits(there[blocks.starts[i] : blocks.ends[i]]).tobytes()
        how, body = (
            (SCALED, wholes[at]) if digits[at] >= 0 else (RAW, _raw(numbers[within.starts[at] : within.ends[at]]))
        )
        made[i] = bytes([how, max(0, digits[at]), bool(mask)]) + _varint(n) + mask + body
    return made


def _scaled(numbers: FloatArray, blocks: _Blocks) -> tuple[list[int], IntArray]:
    """With how many decimals each block's numbers are whole, to the bit (-1: with none), and those whole numbers."""
    digits = np.full(len(blocks.starts), -1, dtype=np.int64)
    whole = np.zeros(len(numbers), dtype=np.int64)
    most = blocks.reduced(np.maximum, np.abs(numbers))
    left = np.arange(len(blocks.starts))
    for count in range(_MOST_DIGITS + 1):
        power = 10.0**count
        left = left[
            most[left] < 2**53 / power
        ]  # no whole number stands for a greater one exactly, and more digits do not help
        if not len(left):
            break
        sizes = blocks.sizes[left]
        ends = np.cumsum(sizes)
        rows = np.arange(ends[-1]) + np.repeat(blocks.starts[left] - (ends - sizes), sizes)
        tried = numbers if len(rows) == len(numbers) else numbers[rows]
        made = np.rint(tried * power).astype(np.int64)
        same = (made / power).view(np.int64) == tried.view(np.int64)  # minus zero is not zero
        done = np.logical_and.reduceat(same, ends - sizes)
        inside = np.repeat(done, sizes)
        whole[rows[inside]] = made[inside]
        digits[left[done]] = count
        left = left[~done]
    return digits.tolist(), whole


def _raw(numbers: FloatArray) -> bytes:
    return np.ascontiguousarray(numbers.astype("<f8").view(np.uint8).reshape(-1, 8).T).tobytes()
