"""A decoded table becomes stations, readings, samples, earthquakes or marks: one form of one feed, with its memory between answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from collector.harmonise_quakes import QuakesReader
from collector.harmonise_readings import Context, ReadingsReader, SeriesBook
from collector.harmonise_samples import SamplesReader
from collector.harmonise_stations import StationBook, cells
from collector.rawtable import RawTable
from domain.readings import Harvest, Station, StationMark
from domain.reasons import Refusal
from specs.feed import FeedSpec, Form
from specs.mapping import Filter, MarkMap


class FormReader:
    """Reads tables of one form; what is the same from answer to answer is looked up once."""

    def __init__(self, feed: FeedSpec, form: Form, stations: StationBook, series: SeriesBook) -> None:
        self._form, self._stations = form, stations
        self._readings = ReadingsReader(form, stations, series) if form.measures else None
        self._samples = SamplesReader(feed, form.samples, form.time, stations) if form.samples and form.time else None
        self._quakes = QuakesReader(feed, form.quakes, form.time) if form.quakes and form.time else None

    def read(self, table: RawTable, context: Context) -> Harvest:
        """Everything that `table` gives, with what was refused and ignored on the way."""
        for rule in self._form.filters:
            table = _filtered(table, rule, context.variables)
        if self._quakes is not None:
            return _with_findings(Harvest(quakes=self._quakes.read(table, context)), table)
        assert self._form.station is not None
        index, stations = self._stations.read(self._form.station, table, context.variables)
        if self._form.catalogue:
            return _with_findings(Harvest(stations=stations), _without_key(table, index))
        if self._form.marks is not None:
            return self._marked(table, index, stations, self._form.marks, context.variables)
        if self._samples is not None:
            samples, series = self._samples.read(table, index, context)
            return _with_findings(Harvest(stations=stations, samples=samples, series=series), table)
        readings = self._readings.read(table, index, context) if self._readings else None
        if self._form.station.only_measured:
            measured = {series.station_uid for series in readings.series} if readings else set()
            stations = tuple(station for station in stations if station.uid in measured)
        return _with_findings(Harvest(stations=stations, readings=readings), table)

    def _marked(
        self,
        table: RawTable,
        index: Sequence[int],
        stations: tuple[Station, ...],
        spec: MarkMap,
        variables: Mapping[str, str],
    ) -> Harvest:
        last = cells(table, spec.last_value, variables) if spec.last_value else [None] * len(table)
        marks: dict[str, StationMark] = {}
        for at, text, where in zip(index, last, table.where, strict=True):
            if at < 0:
                table.findings.refuse(Refusal.NO_KEY, where, "the row names no station")
                continue
            uid = self._stations.known[at].station.uid
            # A station is listed once per series; the newest last value speaks for the station.
            if uid not in marks or (text or "") > marks[uid].last_value_text:
                marks[uid] = StationMark(uid, spec.mark, text or "")
        # A list of which a row could not be read is no whole list: nobody is taken off it.
        whole = spec.complete and not table.findings.refused
        return _with_findings(Harvest(stations=stations, marks=tuple(marks.values()), marks_complete=whole), table)


def _filtered(table: RawTable, rule: Filter, variables: Mapping[str, str]) -> RawTable:
    """The rows that a feed's filter lets pass; the others are counted with their reason."""
    texts = [(text or "").strip() for text in cells(table, rule.column, variables)]
    kept = [at for at, text in enumerate(texts) if (text in rule.keep if rule.keep else text not in rule.drop)]
    if len(kept) == len(texts):
        return table
    for at in sorted(set(range(len(texts))) - set(kept)):
        table.findings.refuse(Refusal.FILTERED_BY_FEED, table.where[at], f"{rule.column} is {texts[at]!r}: {rule.why}")
    columns = {name: [column[at] for at in kept] for name, column in table.columns.items()}
    return replace(table, columns=columns, where=[table.where[at] for at in kept])


def _without_key(table: RawTable, index: Sequence[int]) -> RawTable:
    for at, where in zip(index, table.where, strict=True):
        if at < 0:
            table.findings.refuse(Refusal.NO_KEY, where, "the row names no station")
    return table


def _with_findings(harvest: Harvest, table: RawTable) -> Harvest:
    found = table.findings
    return replace(
        harvest,
        read=table.read,
        refused=dict(found.refused),
        refused_rows=tuple(found.rows),
        ignored=dict(found.ignored),
    )
