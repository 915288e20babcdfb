"""What a version of a feed file makes of some answers, held still so that it can be looked at and compared with another version's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from domain import quantities, units
from domain.readings import FloatArray, Harvest, IntArray, Series, Station
from specs.feed import FeedSpec


@dataclass(frozen=True, slots=True)
class Trace:
    """One series: ends (ascending) and values in the quantity's unit of comparison; NaN where there was no value."""

    series: Series
    end_s: IntArray
    value: FloatArray


@dataclass(slots=True)
class Portrait:
    """Everything that some answers gave under one version, whatever they were. Filled answer by answer."""

    answers: int = 0
    read: int = 0
    stations: dict[str, Station] = field(default_factory=dict)
    traces: dict[str, Trace] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)
    marks: int = 0
    _parts: dict[str, list[tuple[Series, IntArray, FloatArray]]] = field(default_factory=dict)

    def add(self, harvest: Harvest, received_s: float) -> None:
        """Take in what one answer gave."""
        self.answers += 1
        self.read += harvest.read
        self.marks += len(harvest.marks)
        self.stations |= {station.uid: station for station in harvest.stations}
        self.refused.update({reason.value: count for reason, count in harvest.refused.items()})
        self.ignored.update({reason.value: count for reason, count in harvest.ignored.items()})
        self.examples += [f"{row.reason.value} at {row.where}: {row.detail}" for row in harvest.refused_rows[:5]]
        self._add_readings(harvest, received_s)
        self._add_samples(harvest)
        self._add_quakes(harvest)

    def close(self) -> Portrait:
        """Join the parts of each series; call once after the last answer."""
        for uid, parts in self._parts.items():
            end_s = np.concatenate([part[1] for part in parts])
            value = np.concatenate([part[2] for part in parts])
            order = np.argsort(end_s, kind="stable")
            self.traces[uid] = Trace(parts[-1][0], end_s[order], value[order])
        self._parts.clear()
        return self

    @property
    def values(self) -> int:
        """Values met, of readings, results and magnitudes."""
        return sum(len(trace.end_s) for trace in self.traces.values())

    def _add_readings(self, harvest: Harvest, received_s: float) -> None:
        readings = harvest.readings
        if readings is None or not len(readings):
            return
        order = np.argsort(readings.index, kind="stable")
        cuts = np.searchsorted(readings.index[order], np.arange(len(readings.series) + 1))
        for number, series in enumerate(readings.series):
            rows = order[cuts[number] : cuts[number + 1]]
            if len(rows):
                compared = readings.value[rows] * factor(series.quantity, series.unit)
                self._parts.setdefault(series.uid, []).append((series, readings.end_s[rows], compared))
        self.lags_s.append(received_s - float(readings.end_s.max()))

    def _add_samples(self, harvest: Harvest) -> None:
        known = {one.uid: one for one in harvest.series}
        for sample in harvest.samples:
            for result in sample.results:
                series = known[result.series_uid]
                value = np.nan if result.value is None else result.value * factor(result.quantity, result.unit)
                part = (series, np.array([sample.end_s]), np.array([value]))
                self._parts.setdefault(series.uid, []).append(part)

    def _add_quakes(self, harvest: Harvest) -> None:
        for quake in harvest.quakes:
            self.stations[quake.event_uid] = Station(
                quake.event_uid, "quake", quake.event_uid, latitude_deg=quake.latitude_deg,
                longitude_deg=quake.longitude_deg, position_origin="none" if quake.latitude_deg is None else "published",
            )  # fmt: skip
            magnitude = np.nan if quake.magnitude is None else quake.magnitude
            series = Series(f"{quake.event_uid}:magnitude", quake.event_uid, "", "magnitude", "1")
            when = quake.reported_s if quake.origin_s is None else quake.origin_s
            self._parts.setdefault(series.uid, []).append((series, np.array([when]), np.array([magnitude])))


def factor(quantity: str, unit: str) -> float:
    """What a value in `unit` is multiplied by to be compared with others of its quantity."""
    known = quantities.BY_ID.get(quantity)
    if known is None or known.unit == unit:
        return 1.0
    return units.convert(1.0, unit, known.unit)


@dataclass(frozen=True, slots=True)
class KindRow:
    """One quantity in one medium and unit: how many series and values, their spread in the quantity's unit, and the spread of what is stored."""

    quantity: str
    medium: str
    published_unit: str
    unit: str
    series: int
    values: int
    least: float | None
    median: float | None
    most: float | None
    stored_least: float | None = None
    stored_median: float | None = None
    stored_most: float | None = None


def kinds(portrait: Portrait, stored: Mapping[str, float]) -> tuple[KindRow, ...]:
    """The kinds of a portrait; `stored` is series uid -> newest stored value in the quantity's unit."""
    found: dict[tuple[str, str, str], list[Trace]] = {}
    for trace in portrait.traces.values():
        one = trace.series
        found.setdefault((one.quantity, one.medium, one.unit), []).append(trace)
    return tuple(_kind(key, traces, stored) for key, traces in sorted(found.items()))


def _kind(key: tuple[str, str, str], traces: list[Trace], stored: Mapping[str, float]) -> KindRow:
    quantity, medium, unit = key
    known = quantities.BY_ID.get(quantity)
    spread = _spread(np.concatenate([trace.value for trace in traces]))
    before = _spread(np.array([stored[one.series.uid] for one in traces if one.series.uid in stored], dtype=float))
    count = sum(len(trace.end_s) for trace in traces)
    return KindRow(quantity, medium, unit, known.unit if known else unit, len(traces), count, *spread, *before)


def _spread(values: FloatArray) -> tuple[float | None, float | None, float | None]:
    values = values[~np.isnan(values)]
    if not len(values):
        return None, None, None
    low, middle, high = (float(found) for found in np.quantile(values, [0, 0.5, 1]))
    return low, middle, high


def zones(feed: FeedSpec) -> tuple[str, ...]:
    """Form, zone and whether the publisher states it, for each form that reads stamps."""
    return tuple(
        f"{form.id}: {form.time.zone}{'' if form.time.zone_stated else ' (assumed)'}"
        for form in feed.forms
        if form.time is not None
    )


def sample_rows(portrait: Portrait, most: int = 8) -> tuple[str, ...]:
    """The newest value of some series, spread over the whole, as lines for people."""
    traces = list(portrait.traces.values())
    step = max(1, len(traces) // most)
    return tuple(_line(portrait.stations, trace) for trace in traces[::step][:most])


def _line(stations: Mapping[str, Station], trace: Trace) -> str:
    station = stations.get(trace.series.station_uid)
    name, place = "", "no position"
    if station is not None:
        name = next((text for _, text in station.names), "")
        if station.latitude_deg is not None and station.longitude_deg is not None:
            place = f"{station.latitude_deg:.4f}, {station.longitude_deg:.4f}"
    when = np.datetime64(int(trace.end_s[-1]), "s")
    known = quantities.BY_ID.get(trace.series.quantity)
    unit = known.unit if known else trace.series.unit
    value = trace.value[-1]
    told = "below its limit" if np.isnan(value) else f"{value:g} {unit}"
    return f"{trace.series.uid} | {name} | {place} | {when}Z | {told}"
