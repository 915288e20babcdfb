"""A decoded table becomes stations, readings, samples, earthquakes or marks: one form of one feed, with its memory between answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collector.harmonise_readings import Context, ReadingsReader, SeriesBook
from collector.harmonise_stations import StationBook, cells
from collector.rawtable import RawTable
from domain.readings import Harvest, Readings, Station, StationMark
from domain.reasons import Refusal
from specs.feed import Form
from specs.mapping import MarkMap


class FormReader:
    """Reads tables of one form; what is the same from answer to answer is looked up once."""

    def __init__(self, form: Form, stations: StationBook, series: SeriesBook) -> None:
        self._form, self._stations = form, stations
        self._readings = ReadingsReader(form, stations, series) if form.measures else None

    def read(self, table: RawTable, context: Context) -> Harvest:
        """Everything that `table` gives, with what was refused and ignored on the way."""
        assert self._form.station is not None
        index, stations = self._stations.read(self._form.station, table, context.variables)
        if self._form.marks is not None:
            return self._marked(table, index, stations, self._form.marks, context.variables)
        readings = self._readings.read(table, index, context) if self._readings else None
        return harvest_of(table, stations, readings)

    def _marked(
        self, table: RawTable, index: Sequence[int], stations: tuple[Station, ...], spec: MarkMap, variables: Mapping[str, str]
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
        return Harvest(
            read=table.read, stations=stations, marks=tuple(marks.values()), marks_complete=spec.complete and not table.findings.refused,
            refused=dict(table.findings.refused), refused_rows=tuple(table.findings.rows), ignored=dict(table.findings.ignored),
        )


def harvest_of(table: RawTable, stations: tuple[Station, ...], readings: Readings | None) -> Harvest:
    """A harvest of readings with the table's findings."""
    found = table.findings
    return Harvest(
        read=table.read, stations=stations, readings=readings, refused=dict(found.refused), refused_rows=tuple(found.rows),
        ignored=dict(found.ignored),
    )
