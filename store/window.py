"""The recent window: the last hours of all series in memory, as sorted columns, one segment for each hour of ends.

It is a cache and nothing else: filled from the store, moved on by committed batches, and losing it loses nothing. The
collector holds it against what it has just read, so that a re-sent sweep writes no row; alerting and the API read arrays
from it. An hour is loaded when it is first worth it; an hour that is not loaded is looked up in the database.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.readings import FloatArray, IntArray
from store.incoming import SERIES_BITS, Incoming

HOUR_S = 3600
#: A batch with at least so many readings in one hour is worth loading the hour for.
WORTH_LOADING = 64

UNKNOWN, NEW, SAME, CHANGED = 0, 1, 2, 3
Verdicts = npt.NDArray[np.int8]


def hours_of(rows: Incoming) -> IntArray:
    """The hour (since 1970) in which each reading ends."""
    return rows.end_s // HOUR_S


@dataclass(slots=True)
class Segment:
    """Readings in order of key (end_s, series_id); the columns that make two readings the same, and what summaries need."""

    key: IntArray
    value: FloatArray
    limit: FloatArray
    digits: npt.NDArray[np.int16]
    censoring: npt.NDArray[np.int8]
    qc: npt.NDArray[np.int32]
    received_s: IntArray
    texts: dict[int, str]  # by key

    def __len__(self) -> int:
        return len(self.key)

    def places(self, keys: IntArray) -> IntArray:
        """Where each key stands; -1 for one that is not here."""
        if not len(self):
            return np.full(len(keys), -1, dtype=np.int64)
        at = np.searchsorted(self.key, keys)
        at[at == len(self)] = 0
        return np.where(self.key[at] == keys, at, -1)

    def judge(self, rows: Incoming, received_s: int, missing: int) -> Verdicts:
        """Whether each row is here, and the same as what was received before it; `missing` is the verdict for one that is not here.

        A row that was received before the version held here (an older archive) may say something about the past, even if
        it says the same: only the database can tell.
        """
        if not len(self):
            return np.full(len(rows), missing, dtype=np.int8)
        at = self.places(rows.key)
        same = (
            _equal(self.value[at], rows.value)
            & (self.digits[at] == rows.digits)
            & (self.censoring[at] == rows.censoring)
            & _equal(self.limit[at], rows.limit)
        )
        if self.texts or rows.texts:
            keys = rows.key.tolist()
            told = {i for i, key in enumerate(keys) if key in self.texts} | rows.texts.keys()
            for i in told:
                same[i] &= self.texts.get(keys[i]) == rows.texts.get(i)
        verdicts = np.where(same, np.where(self.received_s[at] < received_s, SAME, UNKNOWN), CHANGED).astype(np.int8)
        verdicts[at < 0] = missing
        return verdicts

    def put(self, new: Segment) -> Segment:
        """This segment with other readings in it; those under a key that is here already replace it."""
        texts = {key: text for key, text in self.texts.items()} | new.texts  # noqa: C416 - a copy
        at = self.places(new.key)
        here = at >= 0
        kept = self if not here.any() else self._without(at[here])
        for key in new.key[here].tolist():
            if key not in new.texts:
                texts.pop(key, None)
        if not len(kept) or new.key[0] > kept.key[-1]:
            order: npt.NDArray[np.int64] | slice = slice(None)
        else:
            order = np.argsort(np.concatenate([kept.key, new.key]), kind="stable")
        merged: list[Any] = [np.concatenate([getattr(kept, name), getattr(new, name)])[order] for name in _COLUMNS]
        return _made(merged, texts)

    def _without(self, places: IntArray) -> Segment:
        kept = np.ones(len(self), dtype=bool)
        kept[places] = False
        columns: list[Any] = [getattr(self, name)[kept] for name in _COLUMNS]
        return _made(columns, self.texts)


_COLUMNS = ("key", "value", "limit", "digits", "censoring", "qc", "received_s")


def _made(columns: list[Any], texts: dict[int, str]) -> Segment:
    return Segment(**dict(zip(_COLUMNS, columns, strict=True)), texts=texts)


def _equal(left: FloatArray, right: FloatArray) -> npt.NDArray[np.bool_]:
    equal: npt.NDArray[np.bool_] = (left == right) | (np.isnan(left) & np.isnan(right))
    return equal


def segment(rows: Incoming, received_s: int) -> Segment:
    """Incoming readings as a segment."""
    keys = rows.key.tolist() if rows.texts else []
    return Segment(
        rows.key,
        rows.value,
        rows.limit,
        rows.digits.astype(np.int16),
        rows.censoring.astype(np.int8),
        rows.qc.astype(np.int32),
        np.full(len(rows), received_s, dtype=np.int64),
        {keys[i]: text for i, text in rows.texts.items()},
    )


def empty() -> Segment:
    """A segment without readings."""
    nothing = np.zeros(0, dtype=np.int64)
    return Segment(
        nothing,
        np.zeros(0),
        np.zeros(0),
        nothing.astype(np.int16),
        nothing.astype(np.int8),
        nothing.astype(np.int32),
        nothing,
        {},
    )


@dataclass(slots=True)
class RecentWindow:
    """Loaded hours of the last `hours`, counted from the newest receipt.

    `generation` moves with every change, `before` with those that may lie before the window.
    """

    hours: int = 72
    generation: int = 0
    before: int = 0
    newest_received_s: int = -(2**62)
    segments: dict[int, Segment] = field(default_factory=dict)
    old: dict[str, Segment] = field(
        default_factory=dict
    )  # origin -> rows of its last payload that ended before the window

    @property
    def first_hour(self) -> int:
        """The oldest hour that is kept."""
        return self.newest_received_s // HOUR_S - self.hours

    def worth_loading(self, rows: Incoming, received_s: int) -> list[int]:
        """Hours that these rows make worth loading."""
        self.move_to(received_s)
        found, counts = np.unique(hours_of(rows), return_counts=True)
        wanted = found[(counts >= WORTH_LOADING) & (found >= self.first_hour)]
        return [hour for hour in wanted.tolist() if hour not in self.segments]

    def load(self, hour: int, loaded: Segment, generation: int) -> None:
        """Keep an hour read from the database, unless something changed since `generation`: then it may be out of date already."""
        if generation == self.generation and hour >= self.first_hour:
            self.segments[hour] = loaded

    def judge(self, rows: Incoming, received_s: int, origin: str) -> Verdicts:
        """What the window knows of each row; `origin` names where they came from, for the memory of its last payload."""
        verdicts = np.full(len(rows), UNKNOWN, dtype=np.int8)
        for hour, part in _by_hour(rows):
            if hour in self.segments:
                verdicts[part] = self.segments[hour].judge(rows.take(part), received_s, NEW)
        before = np.flatnonzero((verdicts == UNKNOWN) & (hours_of(rows) < self.first_hour))
        if len(before) and origin in self.old:
            judged = self.old[origin].judge(rows.take(before), received_s, UNKNOWN)
            verdicts[before] = np.where(judged == SAME, SAME, UNKNOWN)
        return verdicts

    def committed(self, rows: Incoming, written: Iterable[Incoming], origin: str, received_s: int) -> None:
        """A batch is in the store: `rows` is what it held, `written` what of it was inserted or put in another version's place."""
        self.move_to(received_s)
        for part_of in written:
            self.generation += 1
            self.before += bool(len(part_of) and part_of.end_s[0] < self.first_hour * HOUR_S)
            for hour, part in _by_hour(part_of):
                if hour in self.segments:
                    self.segments[hour] = self.segments[hour].put(segment(part_of.take(part), received_s))
        before = np.flatnonzero(hours_of(rows) < self.first_hour)
        if len(before):
            self.old[origin] = segment(rows.take(before), received_s)
        else:
            self.old.pop(origin, None)

    def forget(self, first_s: int | None = None, last_s: int | None = None) -> None:
        """Drop everything, or only the hours from one end to another: someone else changed them."""
        self.generation += 1
        if first_s is None or last_s is None:
            self.before += 1
            self.segments.clear()
            self.old.clear()
            return
        for hour in [hour for hour in self.segments if first_s // HOUR_S <= hour <= last_s // HOUR_S]:
            del self.segments[hour]
        if first_s < self.first_hour * HOUR_S:
            self.before += 1
            self.old.clear()

    def move_to(self, received_s: int) -> None:
        """Something was received then: hours that are now too old are dropped."""
        if received_s // HOUR_S > self.newest_received_s // HOUR_S:
            self.newest_received_s = received_s
            for hour in [hour for hour in self.segments if hour < self.first_hour]:
                del self.segments[hour]


def _by_hour(rows: Incoming) -> Iterable[tuple[int, npt.NDArray[np.int64]]]:
    """Each hour with the places of its rows; rows are in order of time."""
    hours = hours_of(rows)
    if not len(hours):
        return
    cuts = np.flatnonzero(hours[1:] != hours[:-1]) + 1
    starts = [0, *cuts.tolist(), len(hours)]
    for begin, until in itertools.pairwise(starts):
        yield int(hours[begin]), np.arange(begin, until)


def gathered(segments: Mapping[int, Segment], from_s: int, to_s: int, ids: IntArray) -> Segment:
    """Readings with ends in [from_s, to_s) of some series, in order of key; every hour of the span must be among the segments."""
    wanted = np.zeros(int(ids.max(initial=0)) + 1, dtype=bool)
    wanted[ids] = True
    low, high = from_s << SERIES_BITS, to_s << SERIES_BITS
    parts: list[tuple[Segment, npt.NDArray[np.int64]]] = []
    for hour in range(from_s // HOUR_S, (to_s - 1) // HOUR_S + 1):
        one = segments[hour]
        begin, until = np.searchsorted(one.key, [low, high])
        number = one.key[begin:until] & ((1 << SERIES_BITS) - 1)
        if len(number) and number.max() >= len(wanted):
            wanted = np.pad(wanted, (0, int(number.max()) + 1 - len(wanted)))
        parts.append((one, np.flatnonzero(wanted[number]) + begin))
    if not parts:
        return empty()
    columns: list[Any] = [np.concatenate([getattr(one, name)[at] for one, at in parts]) for name in _COLUMNS]
    return _made(columns, {})


def joined(parts: Sequence[Segment]) -> Segment:
    """Segments one after the other, each later than the one before it; without their texts."""
    there = [one for one in parts if len(one)]
    if len(there) < 2:
        return there[0] if there else empty()
    columns: list[Any] = [np.concatenate([getattr(one, name) for one in there]) for name in _COLUMNS]
    return _made(columns, {})
