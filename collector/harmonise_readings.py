"""Rows to readings, by columns: stamps, stations, series and numbers are each looked up once per distinct text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from collector.harmonise_columns import Columns, cell, compact, picked, taken, without_repeats
from collector.harmonise_stations import StationBook, cells
from collector.harmonise_times import Context, stamps_of
from collector.harmonise_values import Numbers, Stamp, Stamps, is_unit, number
from collector.rawtable import Cells, RawTable
from domain.flags import Qc
from domain.identity import series_uid
from domain.readings import NO_TIME, TEXT_KEPT, IntArray, Readings, Series
from domain.reasons import Ignored, Refusal
from domain.states import CENSORING_CODES, Censoring, Kind
from specs.feed import FeedSpec, Form
from specs.mapping import Measure, Only

__all__ = ["Context", "ReadingsReader", "SeriesBook", "stamps_of"]

#: The column of windows that two stamps make; no column of a publisher is called so.
WINDOW = "\x1fwindow"
_NO_STAMP = Stamp(refusal=Refusal.BAD_TIME)
_BELOW = CENSORING_CODES.index(Censoring.BELOW)


class SeriesBook:
    """All series of one feed; numbers never change during the life of the book."""

    def __init__(self, feed: FeedSpec, stations: StationBook) -> None:
        self._feed, self._stations = feed, stations
        self.series: list[Series] = []
        self.station_of: list[int] = []
        self.changes = 0
        self._by_uid: dict[str, int] = {}

    def number(self, station: int, measure: Measure, window: str | None, floor: str | None, ceiling: str | None) -> int:
        """The number of the series of `measure` at a station; its floor and ceiling are those last stated."""
        owner = self._stations.known[station].station.uid
        window_s = _whole_seconds(window)
        instrument = measure.instrument_name
        uid = series_uid(owner, measure.quantity, measure.analyte, measure.medium, instrument, window_s)
        new = Series(
            uid=uid,
            station_uid=owner,
            feed_id=self._feed.id,
            quantity=measure.quantity,
            unit=measure.unit,
            analyte=measure.analyte,
            medium=measure.medium,
            instrument=instrument,
            window_s=window_s,
            floor=_limit(floor),
            ceiling=_limit(ceiling),
            kind=Kind.SIMULATED if self._feed.exercise else (Kind.ESTIMATED if measure.factor else Kind.MEASURED),
            published_unit_text=_published_unit(measure),
            exercise=self._feed.exercise,
        )
        at = self._by_uid.setdefault(uid, len(self.series))
        self.changes += 1
        if at == len(self.series):
            self.series.append(new)
            self.station_of.append(station)
        elif (new.floor, new.ceiling) != (None, None):
            self.series[at] = new
        return at


class _MeasureReader:
    """One measure of one form, with what it remembers between payloads."""

    def __init__(self, measure: Measure, book: SeriesBook, *, windowed: bool = False) -> None:
        self.measure, self._book = measure, book
        self._numbers = Numbers(measure)
        self._series: dict[tuple[int, str | None, str | None, str | None], int] = {}
        window = WINDOW if windowed and not measure.window_s else measure.window_s
        parts = (window, measure.floor, measure.ceiling)
        self._varying = [part if isinstance(part, str) else None for part in parts]
        self._fixed = [None if isinstance(part, str) or not part else str(part) for part in parts]
        self._flags = _flags_of(measure)
        self._units: dict[str, bool] = {}
        self._last: tuple[tuple[Sequence[Any], ...], IntArray] = ((), np.zeros(0, dtype=np.int64))

    def read(
        self, table: RawTable, stations: Sequence[int], usable: Sequence[bool], variables: Mapping[str, str]
    ) -> Columns | None:
        """The readings of this measure in `table`; None when its column is absent or empty."""
        if self.measure.column not in table.columns and not self.measure.column.startswith("$"):
            return None
        texts = cells(table, self.measure.column, variables)
        if texts.count(None) == len(texts):
            return None
        rows = [at for at, (text, good) in enumerate(zip(texts, usable, strict=True)) if good and text is not None]
        rows = _only(rows, table, self.measure, variables)
        rows = _judged(rows, table, self.measure, variables)
        if self.measure.unit_column and rows:
            rows = self._of_unit(rows, table, self.measure.unit_column, variables)
        if not rows:
            return None
        found = taken(rows, [texts[at] or "" for at in rows], self._numbers, self.measure.column, table)
        series = self._lookup(table, found.rows, stations, variables)
        return Columns(found, series, self._flags)

    def _of_unit(self, rows: list[int], table: RawTable, column: str, variables: Mapping[str, str]) -> list[int]:
        """The rows that state the unit of this measure; any other unit is refused, never converted."""
        stated = cells(table, column, variables)
        kept = []
        for at in rows:
            text = (stated[at] or "").strip()
            known = self._units.get(text)
            if known is None:
                known = self._units[text] = is_unit(text, self.measure)
            if known:
                kept.append(at)
            else:
                told = f"{column} is {text!r} where the feed says {self.measure.unit}"
                table.findings.refuse(Refusal.UNKNOWN_UNIT, table.where[at], told)
        return kept

    def _lookup(
        self, table: RawTable, rows: Sequence[int], stations: Sequence[int], variables: Mapping[str, str]
    ) -> IntArray:
        parts = [cells(table, name, variables) if name else None for name in self._varying]
        if len(rows) == len(table):
            keys: list[Cells] = [part or [fixed] * len(rows) for part, fixed in zip(parts, self._fixed, strict=True)]
        else:
            stations = [stations[at] for at in rows]
            keys = [
                [part[at] for at in rows] if part else [fixed] * len(rows)
                for part, fixed in zip(parts, self._fixed, strict=True)
            ]
        key = (stations, *keys)
        if key != self._last[0]:
            self._last = key, self._numbered(key)
        return self._last[1]

    def _numbered(self, columns: tuple[Sequence[Any], ...]) -> IntArray:
        known = self._series
        found = list(map(known.get, zip(*columns, strict=True)))
        if None in found:
            for key in zip(*columns, strict=True):
                if key not in known:
                    known[key] = self._book.number(key[0], self.measure, *key[1:])
            found = [known[key] for key in zip(*columns, strict=True)]
        return np.array(found, dtype=np.int64)


class ReadingsReader:
    """Turns tables of one form into `Readings`; keeps what is the same from answer to answer."""

    def __init__(self, form: Form, stations: StationBook, book: SeriesBook) -> None:
        assert form.time is not None
        self._time, self._stations, self._book = form.time, stations, book
        self._stamps = Stamps(form.time)
        self._published = Stamps(form.time) if form.time.published else None
        self._measures = [
            _MeasureReader(measure, book, windowed=form.time.begin is not None) for measure in form.measures
        ]

    def read(self, table: RawTable, stations: Sequence[int], context: Context) -> Readings | None:
        """All readings of a payload, in the order of measures and rows; refusals go to the table's findings."""
        stamp_texts = stamps_of(table, self._time, context)
        end_s, row_flags = self._times(table, stamp_texts, stations, context)
        usable = (end_s != NO_TIME).tolist()
        if self._time.begin is not None:
            table = self._windowed(table, end_s, context)
        parts = [
            part
            for reader in self._measures
            if (part := reader.read(table, stations, usable, context.variables)) is not None
        ]
        self._absent_columns(table)
        if not parts:
            return None
        return self._joined(table, parts, end_s, row_flags, context)

    def _windowed(self, table: RawTable, end_s: IntArray, context: Context) -> RawTable:
        """The table with the length of each row's window, from its start to its stamp."""
        time = self._time.model_copy(update={"column": self._time.begin, "clock": None})
        begins = [self._stamps.read(text) if text else None for text in stamps_of(table, time, context)]
        windows = [
            str(end - begin.second) if begin is not None and begin.refusal is None and end != NO_TIME else None
            for begin, end in zip(begins, end_s.tolist(), strict=True)
        ]
        return replace(table, columns={**table.columns, WINDOW: windows})

    def _times(
        self, table: RawTable, texts: Cells, stations: Sequence[int], context: Context
    ) -> tuple[IntArray, IntArray]:
        """Stamp of every row (NO_TIME where the row is refused) and the flags that the stamp brings."""
        known = {text: self._stamps.read(text) if text else _NO_STAMP for text in set(texts)}
        latest = context.received_s + self._time.future_s
        good = {text: stamp for text, stamp in known.items() if stamp.refusal is None and stamp.second <= latest}
        seconds = {text: good[text].second if text in good else NO_TIME for text in known}
        end = np.array(list(map(seconds.__getitem__, texts)), dtype=np.int64)
        end[np.array(stations, dtype=np.int64) < 0] = NO_TIME
        flags = np.zeros(len(table), dtype=np.int64)
        if any(stamp.zone_assumed for stamp in good.values()):
            flags[[text in good and good[text].zone_assumed for text in texts]] = Qc.ZONE_ASSUMED
        for at in np.flatnonzero(end == NO_TIME).tolist():
            if stations[at] < 0:
                table.findings.refuse(Refusal.NO_KEY, table.where[at], "the row names no station")
            else:
                reason = known[texts[at]].refusal or Refusal.TIME_IN_FUTURE
                table.findings.refuse(reason, table.where[at], f"{self._time.column} is {texts[at]!r}")
        return end, flags

    def _joined(
        self, table: RawTable, parts: Sequence[Columns], end_s: IntArray, row_flags: IntArray, context: Context
    ) -> Readings | None:
        counts = [len(part.taken.rows) for part in parts]
        rows = np.concatenate([np.array(part.taken.rows, dtype=np.int64) for part in parts])
        series = np.concatenate([part.series for part in parts])
        value = np.concatenate([part.taken.value for part in parts])
        digits = np.concatenate([part.taken.digits for part in parts])
        texts = {int(at): cell(parts, int(at)) for at in np.flatnonzero(digits == TEXT_KEPT)}
        end = end_s[rows]
        if self._time.stamp == "start":
            end = end + np.array([self._book.series[at].window_s for at in series], dtype=np.int64)
        qc = row_flags[rows] | np.repeat(np.array([part.flags for part in parts], dtype=np.int64), counts)
        qc = qc | self._station_flags(context)[series]
        qc = np.where(end > context.received_s + self._time.tolerance_s, qc | Qc.FUTURE_STAMP, qc)
        published = self._published_s(table, rows, context)
        limit = np.concatenate([part.taken.limit for part in parts])
        order = without_repeats(table, rows, series, end, value, texts)
        found = Readings(
            series=(),
            index=series,
            end_s=end,
            value=value,
            digits=digits,
            censoring=np.where(np.isnan(limit), 0, _BELOW).astype(np.int8),
            limit=limit,
            published_s=published,
            qc=qc,
            texts=texts,
        )
        return compact(picked(found, order), self._book.series)

    def _station_flags(self, context: Context) -> IntArray:
        """Flags of each series' station: what is wrong with its position, and whether its publisher lists it as missing."""
        known = self._stations.known
        missing, listed = int(Qc.LISTED_MISSING), context.listed
        stations = [known[at] for at in self._book.station_of]
        flags = np.array([one.flags for one in stations], dtype=np.int64)
        if listed:
            flags[[one.station.uid in listed for one in stations]] |= missing
        return flags

    def _published_s(self, table: RawTable, rows: IntArray, context: Context) -> IntArray:
        if self._published is None or self._time.published is None:
            return np.full(len(rows), NO_TIME, dtype=np.int64)
        texts = cells(table, self._time.published, context.variables)
        known: dict[str | None, Stamp] = {text: self._published.read(text) for text in set(texts) if text}
        seconds = {text: NO_TIME if stamp.refusal else stamp.second for text, stamp in known.items()}
        return np.array([seconds.get(text, NO_TIME) for text in texts], dtype=np.int64)[rows]

    def _absent_columns(self, table: RawTable) -> None:
        """A column that a form relies on and that no row has any more is said once, not passed over as silence."""
        for reader in self._measures:
            column = reader.measure.column
            if reader.measure.required and len(table) and column not in table.columns and not column.startswith("$"):
                have = ", ".join(list(table.columns)[:12])
                table.findings.refuse(Refusal.MISSING_COLUMN, "header", f"no column `{column}`; there are {have}")


def _published_unit(measure: Measure) -> str:
    """The unit of the published text: of an estimate that of the counts that it was made of."""
    if measure.factor is not None:
        return measure.factor.counts_unit
    return measure.unit if measure.unit_origin == "payload" else ""


def _flags_of(measure: Measure) -> int:
    flags = {"payload": Qc.NONE, "assumed": Qc.UNIT_ASSUMED, "not_stated": Qc.UNIT_NOT_STATED}[measure.unit_origin]
    return int(flags if measure.reliable else flags | Qc.NO_RELIABLE_UNIT)


def _whole_seconds(text: str | None) -> int:
    """An averaging window; 0 (not stated) when the cell is empty, a word, or no length of time."""
    seconds = number(text).value if text else 0.0
    return int(seconds) if 0 < seconds < 1e9 else 0


def _limit(text: str | None) -> float | None:
    found = number(text) if text else None
    return found.value if found and found.outcome is None else None


def _only(rows: list[int], table: RawTable, measure: Measure, variables: Mapping[str, str]) -> list[int]:
    """The rows for which this measure is meant (`only`, `except_for`)."""
    for rule, keep in ((measure.only, True), (measure.except_for, False)):
        if rule is not None:
            rows = [at for at in rows if _fits(rule, cells(table, rule.column, variables)[at]) is keep]
    return rows


def _judged(rows: list[int], table: RawTable, measure: Measure, variables: Mapping[str, str]) -> list[int]:
    """The rows that the publisher itself holds for good; the others are counted, so that a lost gauge never reads as a dry one."""
    if measure.quality is None:
        return rows
    texts = cells(table, measure.quality.column, variables)
    # no judgement at all is an element that this station does not have; its cell may hold a zero all the same
    rows, silent = [at for at in rows if texts[at]], len([at for at in rows if not texts[at]])
    if silent:
        table.findings.ignore(Ignored.NOT_MEASURED, silent)
    good = [at for at in rows if _fits(measure.quality, texts[at])]
    for at in sorted(set(rows) - set(good)):
        told = f"{measure.quality.column} is {texts[at]!r}"
        table.findings.refuse(Refusal.FILTERED_BY_FEED, table.where[at], told)
    return good


def _fits(rule: Only, text: str | None) -> bool:
    return (text or "").strip() in rule.texts
