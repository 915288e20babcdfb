"""Rows of laboratory results become samples: one place, time, layer and specimen, with all that was found in it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from collector.harmonise_findings import Finding, Findings, RowRefused
from collector.harmonise_readings import Context, stamps_of
from collector.harmonise_stations import StationBook, cells
from collector.harmonise_values import ZONE_SIGN, Stamp, Stamps, number
from collector.rawtable import RawTable
from domain import analytes
from domain.identity import digest, series_uid
from domain.readings import Layer, Sample, SampleResult, Series
from domain.reasons import Ignored, Refusal
from domain.states import Censoring, Kind
from specs.feed import FeedSpec
from specs.mapping import Choice, TimeMap
from specs.samples import SAMPLE_COLUMNS, SampleMap

#: Samples remembered before starting again: a publisher sends its history again and again, and most of it has not changed.
_MEMORY = 60_000
_DAY_S = 86_400
_ONE_DEPTH = re.compile(r"(\d+(?:\.\d+)?)\s*m", re.ASCII)
_DOWN_TO = re.compile(r"sea surface to a depth of (\d+(?:\.\d+)?)\s*m", re.ASCII | re.IGNORECASE)
_ABOVE_BED = re.compile(r"(\d+(?:\.\d+)?)\s*to\s*(\d+(?:\.\d+)?)\s*m above (?:the )?seabed", re.ASCII | re.IGNORECASE)


def layer_of(label: str) -> Layer:
    """What a layer's label says: `104m` is a depth, `2 to 3 m above seabed` a height above the bottom, `Bottom layer` only a label."""
    if match := _ONE_DEPTH.fullmatch(label):
        return Layer(label, "depth_below_surface", float(match[1]), float(match[1]))
    if match := _DOWN_TO.fullmatch(label):
        return Layer(label, "depth_below_surface", 0.0, float(match[1]))
    if match := _ABOVE_BED.fullmatch(label):
        return Layer(label, "height_above_seabed", float(match[1]), float(match[2]))
    return Layer(label)


@dataclass(frozen=True, slots=True)
class _Place:
    """What the rows of one sampling share, as published."""

    station: int
    stamp_text: str
    medium: str
    layer: str
    depth: str
    taxon: str
    tissue: str
    description: str
    number: str
    until: str
    water_depth: str


#: analyte, detected, limit, unit, uncertainty, laboratory, method, kind of number: the cells of one result.
_Cells = tuple[str, str, str, str, str, str, str, str]
#: What rows of one sampling share -> their cells, and where they stand.
_Rows = dict[tuple[int | str, ...], tuple[list[_Cells], list[int]]]
#: Fields that only describe: a publisher's word for "nothing" in them is no description.
_TELLING = ("layer", "taxon", "tissue", "description", "number", "until", "laboratory", "method")
_RESULT_AT = SAMPLE_COLUMNS.index("analyte")


@dataclass(frozen=True, slots=True)
class _Made:
    """Samples of one place, with their series and the kinds of nothing met; kept for the next time that the same rows come."""

    samples: tuple[Sample, ...]
    series: tuple[Series, ...]
    ignored: tuple[Ignored, ...]


class SamplesReader:
    """Turns tables of one form into samples and the series that their results belong to."""

    def __init__(self, feed: FeedSpec, spec: SampleMap, time: TimeMap, stations: StationBook) -> None:
        self._feed, self._spec, self._time, self._stations = feed, spec, time, stations
        self._stamps, self._findings = Stamps(time), Findings(spec)
        self._groups = {text: group for group, texts in enumerate(spec.representations) for text in texts}
        self._series_known: dict[tuple[str, ...], Series] = {}
        self._made: dict[tuple[str, tuple[int | str, ...], tuple[_Cells, ...]], _Made] = {}

    def read(
        self, table: RawTable, index: Sequence[int], context: Context
    ) -> tuple[tuple[Sample, ...], tuple[Series, ...]]:
        """Samples in order of appearance; refusals and kinds of nothing go to the table's findings."""
        places: _Rows = defaultdict(lambda: ([], []))
        columns = self._columns(table, context)
        shared_cells = zip(index, *columns[: 2 + _RESULT_AT], strict=True)
        for where, shared, row in zip(
            table.where, shared_cells, zip(*columns[2 + _RESULT_AT :], strict=True), strict=True
        ):
            rows, numbers = places[shared]
            rows.append(row)
            numbers.append(where)
        samples: list[Sample] = []
        series: dict[str, Series] = {}
        for shared, (rows, numbers) in self._one_per_moment(places).items():
            made = self._place(shared, tuple(rows), numbers, table, context)
            samples += made.samples
            for one in made.series:
                series.setdefault(one.uid, one)
            for reason in made.ignored:
                table.findings.ignore(reason)
        return tuple(samples), tuple(series.values())

    def _columns(self, table: RawTable, context: Context) -> list[list[str]]:
        """Stamp, medium, what tells the sample, and what tells the result: texts without blanks around them."""
        spec, known = self._spec, {}
        chosen = spec.medium.column if isinstance(spec.medium, Choice) else None
        kind = spec.constraint.column if spec.constraint else None
        for name in (chosen, kind, *(getattr(spec, field) for field in SAMPLE_COLUMNS)):
            if name not in known:
                texts = cells(table, name, context.variables) if name else ()
                known[name] = [(text or "").strip() for text in texts] if name else [""] * len(table)
        for name in {getattr(spec, field) for field in _TELLING} - {None}:
            known[name] = ["" if text in spec.placeholders else text for text in known[name]]
        stamps = [(text or "").strip() for text in stamps_of(table, self._time, context, day_alone=True)]
        if spec.layer and spec.layer_same:
            known[spec.layer] = [spec.layer_same.get(text, text) for text in known[spec.layer]]
        media = known[chosen] if chosen else [str(spec.medium)] * len(table)
        return [stamps, media, *(known[getattr(spec, field)] for field in SAMPLE_COLUMNS), known[kind]]

    def _one_per_moment(self, places: _Rows) -> _Rows:
        """Rows of one sample need not spell its moment alike; the first spelling speaks for it."""
        first: dict[tuple[object, ...], tuple[int | str, ...]] = {}
        for shared in list(places):
            stamp = self._stamps.read(str(shared[1]))
            moment = shared[1] if stamp.refusal else (stamp.second, stamp.resolution)
            speaker = first.setdefault((shared[0], moment, *shared[2:]), shared)
            if speaker is not shared:
                rows, numbers = places.pop(shared)
                places[speaker][0].extend(rows)
                places[speaker][1].extend(numbers)
        return places

    def _place(
        self,
        shared: tuple[int | str, ...],
        rows: tuple[_Cells, ...],
        where: list[int],
        table: RawTable,
        context: Context,
    ) -> _Made:
        """The samples of one place, from memory when the same rows made them before."""
        station, stamp_text = shared[0], shared[1]
        assert isinstance(station, int)
        assert isinstance(stamp_text, str)
        if station < 0:
            for number_of_row in where:
                table.findings.refuse(Refusal.NO_KEY, number_of_row, "the row names no station")
            return _Made((), (), ())
        owner = self._stations.known[station].station.uid
        key = (owner, shared, rows)
        made = self._made.get(key)
        if made is not None and self._stamps.read(stamp_text).second <= context.received_s + self._time.future_s:
            return made
        made, whole = self._make(_Place(*shared), owner, list(zip(where, rows, strict=True)), table, context)  # type: ignore[arg-type]
        if whole:
            if len(self._made) >= _MEMORY:
                self._made.clear()
            self._made[key] = made
        return made

    def _make(
        self, place: _Place, owner: str, rows: list[tuple[int, _Cells]], table: RawTable, context: Context
    ) -> tuple[_Made, bool]:
        """The samples of one place, and whether every row of it could be read."""
        specimens: dict[int, tuple[Sample, list[SampleResult]]] = {}
        met: Counter[tuple[str, int]] = Counter()
        used: dict[str, Series] = {}
        ignored: list[Ignored] = []
        whole = True
        for where, row in rows:
            try:
                medium, layer = self._medium(place.medium), self._layer(place)
                stamp, end_s = self._times(place, context)
                one = self._series(owner, row[3], row[0], medium, layer)
                found = self._findings.read(row[1], row[2], row[4], row[7])
            except RowRefused as refusal:
                table.findings.refuse(refusal.reason, where, refusal.detail)
                whole = False
                continue
            if found.censoring in _NOTHING:
                ignored.append(_NOTHING[found.censoring])
            used.setdefault(one.uid, one)
            group = self._groups.get(row[3], -1)
            met[(one.analyte, group)] += 1
            specimen = 1 if place.number else met[(one.analyte, group)]
            if specimen not in specimens:
                specimens[specimen] = (self._sample(place, owner, medium, layer, stamp, end_s, specimen), [])
            sample, results = specimens[specimen]
            link = digest(sample.uid, one.analyte) if group >= 0 else ""
            again = met[(one.analyte, group)] if place.number else 1
            results.append(self._result(sample.uid, one, found, row, link, again))
        samples = tuple(replace(sample, results=_linked(results)) for sample, results in specimens.values())
        return _Made(samples, tuple(used.values()), tuple(ignored)), whole

    def _medium(self, text: str) -> str:
        if not isinstance(self._spec.medium, Choice):
            return text
        found = self._spec.medium.choose.get(text, self._spec.medium.default)
        if not found:
            raise RowRefused(
                Refusal.FILTERED_BY_FEED, f"{self._spec.medium.column} is {text!r}, which the feed does not take"
            )
        return found

    def _layer(self, place: _Place) -> Layer:
        if not self._spec.depth_m:
            return layer_of(place.layer)
        found = number(place.depth) if place.depth else None
        if found is None or found.outcome is not None:
            return Layer()
        return Layer(f"{found.value:g}m", "depth_below_surface", found.value, found.value)

    def _times(self, place: _Place, context: Context) -> tuple[Stamp, int]:
        """When sampling began and when it ended."""
        stamp = self._stamp(place.stamp_text, context)
        if self._spec.midnight_is_day and _is_midnight(stamp.second, self._time.zone):
            stamp = replace(stamp, resolution="day")
        if self._spec.resolution:
            stamp = replace(stamp, resolution=self._spec.resolution)
        last = self._stamp(place.until, context) if place.until else stamp
        if last.second < stamp.second:
            raise RowRefused(
                Refusal.BAD_TIME, f"the sampling ends ({place.until!r}) before it begins ({place.stamp_text!r})"
            )
        return stamp, _end(last.second, stamp.resolution, self._time.zone)

    def _stamp(self, text: str, context: Context) -> Stamp:
        stamp = self._stamps.read(text)
        late = stamp.refusal is None and stamp.second > context.received_s + self._time.future_s
        reason = Refusal.TIME_IN_FUTURE if late else stamp.refusal
        if reason is not None:
            raise RowRefused(reason, f"{self._time.column} is {text!r}")
        return stamp

    def _series(self, owner: str, unit_text: str, analyte_text: str, medium: str, layer: Layer) -> Series:
        key = (owner, unit_text, analyte_text, medium, layer.label)
        known = self._series_known.get(key)
        if known is None:
            if len(self._series_known) >= _MEMORY:
                self._series_known.clear()
            known = self._series_known[key] = self._new_series(owner, unit_text, analyte_text, medium, layer)
        return known

    def _new_series(self, owner: str, unit_text: str, analyte_text: str, medium: str, layer: Layer) -> Series:
        kind = self._spec.units.get(f"{medium} {unit_text}") or self._spec.units.get(unit_text)
        if kind is None:
            raise RowRefused(Refusal.UNKNOWN_UNIT, f"unit {unit_text!r}")
        try:
            analyte = self._spec.analytes.get(analyte_text) or analytes.analyte(analyte_text).code
        except analytes.UnknownAnalyte:
            raise RowRefused(Refusal.UNKNOWN_ANALYTE, f"analyte {analyte_text!r}") from None
        return Series(
            uid=series_uid(owner, kind.quantity, analyte, medium, layer=layer),
            station_uid=owner,
            feed_id=self._feed.id,
            quantity=kind.quantity,
            unit=kind.unit,
            analyte=analyte,
            medium=medium,
            layer=layer,
            kind=Kind.SIMULATED if self._feed.exercise else Kind.MEASURED,
            published_unit_text="" if self._spec.unit_origin == "assumed" else unit_text,
            exercise=self._feed.exercise,
        )

    def _sample(
        self, place: _Place, owner: str, medium: str, layer: Layer, stamp: Stamp, end_s: int, specimen: int
    ) -> Sample:
        told: tuple[str, ...] = (owner, str(stamp.second), stamp.resolution, layer.label, place.taxon, medium)
        if place.number:
            told = (owner, "number", place.number, medium, str(stamp.second), str(end_s), layer.label, place.taxon)
        told += tuple(text for text in (place.tissue, place.description) if text)
        water = number(place.water_depth) if place.water_depth else None
        return Sample(
            uid=digest(*told, str(specimen) if specimen > 1 else ""),
            station_uid=owner,
            medium=medium,
            begin_s=stamp.second,
            end_s=end_s,
            time_text=place.stamp_text.partition(ZONE_SIGN)[0],
            resolution=stamp.resolution,
            zone=self._time.zone,
            zone_assumed=stamp.zone_assumed,
            layer=layer,
            taxon=place.taxon,
            tissue=place.tissue,
            description=place.description,
            water_depth_m=water.value if water and water.outcome is None else None,
        )

    def _result(self, sample: str, series: Series, found: Finding, row: _Cells, link: str, again: int) -> SampleResult:
        more = (str(again),) if again > 1 else ()
        spread = found.uncertainty is not None
        return SampleResult(
            uid=digest(sample, series.analyte, series.quantity, row[3], *more),
            series_uid=series.uid,
            analyte=series.analyte,
            quantity=series.quantity,
            unit=series.unit,
            value=found.value,
            censoring=found.censoring,
            limit=found.limit,
            text=found.text,
            limit_text=found.limit_text,
            uncertainty=found.uncertainty,
            uncertainty_kind=self._spec.uncertainty_kind if spread else "",
            coverage_factor=self._spec.coverage_factor if spread else None,
            published_unit_text=row[3],
            laboratory=row[5],
            method=row[6],
            link=link,
        )


_NOTHING = {Censoring.NOT_MEASURED: Ignored.NOT_MEASURED, Censoring.NOT_REPORTED: Ignored.NOT_REPORTED}


def _is_midnight(second: int, zone: str) -> bool:
    moment = datetime.fromtimestamp(second, ZoneInfo(zone))
    return (moment.hour, moment.minute, moment.second) == (0, 0, 0)


def _end(last_s: int, resolution: str, zone: str) -> int:
    """The end of the time that a stamp stands for."""
    if resolution == "day":
        return last_s + _DAY_S
    if resolution not in {"month", "year"}:
        return last_s
    begin = datetime.fromtimestamp(last_s, ZoneInfo(zone))
    year = begin.year + (resolution == "year" or begin.month == 12)
    month = begin.month if resolution == "year" else begin.month % 12 + 1
    return int(begin.replace(year=year, month=month, day=1).timestamp())


def _linked(results: Sequence[SampleResult]) -> tuple[SampleResult, ...]:
    """A link joins two or more representations; a result that stands alone has none."""
    together = Counter(result.link for result in results if result.link)
    if not together:
        return tuple(results)
    return tuple(
        replace(result, link="") if result.link and together[result.link] < 2 else result for result in results
    )
