"""Columns of one measure, and how those of all measures become the readings of a payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from collector.harmonise_values import Number, Numbers
from collector.rawtable import Cells, RawTable
from domain.readings import FloatArray, IntArray, Readings, Series
from domain.reasons import Ignored, Refusal


@dataclass(frozen=True, slots=True)
class Taken:
    """The cells of one measure that hold a number: rows of the table, and what stands there. `limit` is NaN where there is none."""

    rows: list[int]
    value: FloatArray
    digits: npt.NDArray[np.int16]
    limit: FloatArray
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings of one measure, before they are joined with those of the others."""

    taken: Taken
    series: IntArray
    flags: int


def taken(rows: list[int], texts: Sequence[str], numbers: Numbers, column: str, table: RawTable) -> Taken:
    """The numbers in the cells `texts` of `rows`, each distinct text read once; the others are counted with their reason."""
    known = {text: numbers.read(text) for text in set(texts)}
    if any(found.outcome is not None for found in known.values()):
        kept = _kept([known[text] for text in texts], texts, rows, column, table)
        rows, texts = [rows[at] for at in kept], [texts[at] for at in kept]
    values = {text: found.value for text, found in known.items()}
    digits = {text: found.digits for text, found in known.items()}
    limits = [found.limit for found in known.values()]
    if any(limit is not None for limit in limits):
        told = dict(zip(known, limits, strict=True))
        limit = np.array([told[text] for text in texts], dtype=np.float64)  # None becomes NaN
    else:
        limit = np.full(len(texts), np.nan)
    return Taken(
        rows,
        np.array(list(map(values.__getitem__, texts)), dtype=np.float64),
        np.array(list(map(digits.__getitem__, texts)), dtype=np.int16),
        limit,
        texts,
    )


def _kept(found: Sequence[Number], texts: Cells, rows: Sequence[int], column: str, table: RawTable) -> list[int]:
    kept = []
    for at, one in enumerate(found):
        if one.outcome is None:
            kept.append(at)
        elif isinstance(one.outcome, Ignored):
            table.findings.ignore(one.outcome)
        else:
            table.findings.refuse(one.outcome, table.where[rows[at]], f"{column} is {texts[at]!r}")
    return kept


def cell(parts: Sequence[Columns], at: int) -> str:
    """The text of a reading, counted through all measures; raises IndexError."""
    for part in parts:
        if at < len(part.taken.rows):
            return part.taken.texts[at]
        at -= len(part.taken.rows)
    raise IndexError(at)


def without_repeats(
    table: RawTable,
    rows: IntArray,
    series: IntArray,
    end: IntArray,
    value: npt.NDArray[np.float64],
    texts: Mapping[int, str],
) -> IntArray | None:
    """Positions to keep: of several readings under one key the first; equal ones are repeats, unequal ones contradict it."""
    code = series * (1 << 36) + (end + (1 << 34))
    ordered = np.sort(code)
    if (ordered[1:] != ordered[:-1]).all():
        return None
    _, first, inverse, counts = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
    for at in np.flatnonzero(counts[inverse] > 1):
        original = first[inverse[at]]
        if at == original:
            continue
        if value[at] == value[original] or (np.isnan(value[at]) and texts.get(int(at)) == texts.get(int(original))):
            table.findings.ignore(Ignored.REPEATED_IN_PAYLOAD)
        else:
            told = f"{texts.get(int(at), value[at])} where row {table.where[rows[original]]} gives {texts.get(int(original), value[original])}"
            table.findings.refuse(Refusal.CONTRADICTS_IN_PAYLOAD, table.where[rows[at]], told)
    return np.sort(first)


def picked(readings: Readings, order: IntArray | None) -> Readings:
    """The readings at some positions; all when there is no order."""
    if order is None:
        return readings
    places = {int(old): new for new, old in enumerate(order)}
    return Readings(
        series=(),
        index=readings.index[order],
        end_s=readings.end_s[order],
        value=readings.value[order],
        digits=readings.digits[order],
        censoring=readings.censoring[order],
        limit=readings.limit[order],
        published_s=readings.published_s[order],
        qc=readings.qc[order],
        texts={places[at]: text for at, text in readings.texts.items() if at in places},
    )


def compact(readings: Readings, series: Sequence[Series]) -> Readings | None:
    """Only the series that occur, numbered in order of appearance, so that a fresh and a warm reader give the same."""
    if not len(readings):
        return None
    if np.bincount(readings.index).max() == 1:
        occurring = tuple(map(series.__getitem__, readings.index.tolist()))
        return replace(readings, series=occurring, index=np.arange(len(readings)))
    used, first, inverse = np.unique(readings.index, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return replace(readings, series=tuple(series[at] for at in used[order]), index=rank[inverse].astype(np.int64))
