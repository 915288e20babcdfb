"""Rows of laboratory results become samples: one place, time, layer and specimen, with all that was found in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from collector.harmonise_readings import Context, stamps_of
from collector.harmonise_stations import StationBook, cells
from collector.harmonise_values import Stamp, Stamps, number
from collector.rawtable import RawTable
from domain import analytes
from domain.identity import digest, series_uid
from domain.readings import Layer, Sample, SampleResult, Series
from domain.reasons import Ignored, Refusal
from domain.states import Censoring, Kind
from specs.feed import FeedSpec
from specs.mapping import SampleMap, TimeMap

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
class _Finding:
    """What a pair of cells says: a value, a limit, or which kind of nothing."""

    value: float | None = None
    limit: float | None = None
    censoring: Censoring = Censoring.NONE
    text: str = ""
    limit_text: str = ""
    uncertainty: float | None = None


@dataclass(slots=True)
class _Place:
    """One place, time, layer and species within a payload, with the specimens met so far (a nuclide that repeats is a further one)."""

    owner: str
    stamp: Stamp
    time_text: str
    layer: Layer
    taxon: str
    met: Counter[tuple[str, int]] = field(default_factory=Counter)
    specimens: dict[int, tuple[Sample, list[SampleResult]]] = field(default_factory=dict)


class SamplesReader:
    """Turns tables of one form into samples and the series that their results belong to."""

    def __init__(self, feed: FeedSpec, spec: SampleMap, time: TimeMap, stations: StationBook) -> None:
        self._feed, self._spec, self._time, self._stations = feed, spec, time, stations
        self._stamps = Stamps(time)
        self._groups = {text: group for group, texts in enumerate(spec.representations) for text in texts}

    def read(
        self, table: RawTable, index: Sequence[int], context: Context
    ) -> tuple[tuple[Sample, ...], tuple[Series, ...]]:
        """Samples in order of appearance; refusals and kinds of nothing go to the table's findings."""
        stamps = [(text or "").strip() for text in stamps_of(table, self._time, context)]
        columns = [stamps] + [
            self._cells(table, name, context.variables)
            for name in (
                self._spec.layer,
                self._spec.taxon,
                self._spec.analyte,
                self._spec.detected,
                self._spec.limit,
                self._spec.unit,
            )
        ]
        places: dict[tuple[int, str, str, str, str], _Place] = {}
        series: dict[tuple[int, str, str, str], Series] = {}
        for station, where, row in zip(index, table.where, zip(*columns, strict=True), strict=True):
            stamp_text, label, taxon, analyte_text, detected, limit, unit_text = row
            try:
                if station < 0:
                    raise _RowRefused(Refusal.NO_KEY, "the row names no station")
                stamp = self._stamp(stamp_text, context)
                label = self._spec.layer_same.get(label, label)
                one = series.get((station, label, analyte_text, unit_text))
                if one is None:
                    one = series[(station, label, analyte_text, unit_text)] = self._series(
                        station, unit_text, analyte_text, label
                    )
                found = _finding(detected, limit, self._spec.not_measured)
            except _RowRefused as refusal:
                table.findings.refuse(refusal.reason, where, refusal.detail)
                continue
            if found.censoring in _NOTHING:
                table.findings.ignore(_NOTHING[found.censoring])
            key = (station, str(stamp.second), stamp.resolution, label, taxon)
            place = places.get(key)
            if place is None:
                place = places[key] = _Place(one.station_uid, stamp, stamp_text, one.layer, taxon)
            self._enter(place, one, found, unit_text)
        samples = [
            replace(sample, results=_linked(results))
            for place in places.values()
            for sample, results in place.specimens.values()
        ]
        distinct = {one.uid: one for one in series.values()}
        return tuple(samples), tuple(distinct.values())

    def _cells(self, table: RawTable, name: str | None, variables: Mapping[str, str]) -> list[str]:
        return [(text or "").strip() for text in cells(table, name, variables)] if name else [""] * len(table)

    def _stamp(self, text: str, context: Context) -> Stamp:
        stamp = self._stamps.read(text)
        late = stamp.refusal is None and stamp.second > context.received_s + self._time.future_s
        reason = Refusal.TIME_IN_FUTURE if late else stamp.refusal
        if reason is not None:
            raise _RowRefused(reason, f"{self._time.column} is {text!r}")
        return stamp

    def _series(self, station: int, unit_text: str, analyte_text: str, label: str) -> Series:
        kind = self._spec.units.get(unit_text)
        if kind is None:
            raise _RowRefused(Refusal.UNKNOWN_UNIT, f"unit {unit_text!r}")
        try:
            analyte = analytes.analyte(analyte_text).code
        except analytes.UnknownAnalyte:
            raise _RowRefused(Refusal.UNKNOWN_ANALYTE, f"analyte {analyte_text!r}") from None
        owner, layer = self._stations.known[station].station.uid, layer_of(label)
        return Series(
            uid=series_uid(owner, kind.quantity, analyte, self._spec.medium, layer=layer),
            station_uid=owner,
            feed_id=self._feed.id,
            quantity=kind.quantity,
            unit=kind.unit,
            analyte=analyte,
            medium=self._spec.medium,
            layer=layer,
            kind=Kind.SIMULATED if self._feed.exercise else Kind.MEASURED,
            published_unit_text="" if self._spec.unit_origin == "assumed" else unit_text,
            exercise=self._feed.exercise,
        )

    def _enter(self, place: _Place, series: Series, found: _Finding, unit_text: str) -> None:
        group = self._groups.get(unit_text, -1)
        place.met[(series.analyte, group)] += 1
        specimen = place.met[(series.analyte, group)]
        if specimen not in place.specimens:
            place.specimens[specimen] = (self._sample(place, specimen), [])
        sample, results = place.specimens[specimen]
        link = digest(sample.uid, series.analyte) if group >= 0 else ""
        results.append(_result(sample.uid, series, found, unit_text, link))

    def _sample(self, place: _Place, specimen: int) -> Sample:
        stamp, layer = place.stamp, place.layer
        told = (place.owner, str(stamp.second), stamp.resolution, layer.label, place.taxon, self._spec.medium)
        return Sample(
            uid=digest(*told, str(specimen) if specimen > 1 else ""),
            station_uid=place.owner,
            medium=self._spec.medium,
            begin_s=stamp.second,
            end_s=stamp.second + (_DAY_S if stamp.resolution == "day" else 0),
            time_text=place.time_text,
            resolution=stamp.resolution,
            zone=self._time.zone,
            zone_assumed=stamp.zone_assumed,
            layer=layer,
            taxon=place.taxon,
        )


_NOTHING = {Censoring.NOT_MEASURED: Ignored.NOT_MEASURED, Censoring.NOT_REPORTED: Ignored.NOT_REPORTED}


class _RowRefused(Exception):
    def __init__(self, reason: Refusal, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


def _result(sample: str, series: Series, found: _Finding, unit_text: str, link: str) -> SampleResult:
    return SampleResult(
        uid=digest(sample, series.analyte, series.quantity, unit_text),
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
        uncertainty_kind="" if found.uncertainty is None else "not_stated",
        published_unit_text=unit_text,
        link=link,
    )


@lru_cache(maxsize=20_000)
def _finding(detected: str, limit: str, not_measured: tuple[str, ...]) -> _Finding:
    """The meaning of a pair of cells: exactly one holds a number, or both say the same kind of nothing."""
    has_value, has_limit = detected not in {"", *not_measured}, limit not in {"", *not_measured}
    if not has_value and not has_limit:
        marked = detected in not_measured or limit in not_measured
        return _Finding(
            censoring=Censoring.NOT_MEASURED if marked else Censoring.NOT_REPORTED, text=detected, limit_text=limit
        )
    limit_value = _number(limit) if has_limit else None
    if not has_value:
        return _Finding(limit=limit_value, censoring=Censoring.BELOW, text=limit, limit_text=limit)
    value, plus_minus, spread = detected.partition("±")
    return _Finding(
        _number(value),
        limit_value,
        Censoring.NONE,
        detected,
        limit if has_limit else "",
        _number(spread) if plus_minus else None,
    )


def _number(text: str) -> float:
    found = number(text)
    if isinstance(found.outcome, Refusal):
        raise _RowRefused(found.outcome, f"{text!r} is no number")
    return found.value


def _linked(results: Sequence[SampleResult]) -> tuple[SampleResult, ...]:
    """A link joins two or more representations; a result that stands alone has none."""
    together = Counter(result.link for result in results)
    return tuple(
        replace(result, link="") if result.link and together[result.link] < 2 else result for result in results
    )
