"""Stations and series in memory: they are few, asked for with every answer, and change rarely.

A counter in the database tells whether anything changed; rows carry the counter of their last change, so that catching up
reads only those. Internal ids (small integers) never leave the store.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import is_
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray, Layer, Series, Station
from domain.states import Kind
from store import leaf, tables
from store.rows import SeriesRow, StationRow


@dataclass(slots=True)
class Catalogue:
    """Every station and series by uid and by id, as of `version`."""

    version: int = 0
    stations: dict[str, StationRow] = field(default_factory=dict)
    station_ids: dict[str, int] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    series_ids: dict[str, int] = field(default_factory=dict)
    series_by_id: dict[int, Series] = field(default_factory=dict)
    changed_s: dict[str, int] = field(default_factory=dict)  # by station uid
    selections: dict[object, Any] = field(default_factory=dict)  # of the selecting code; emptied by every change
    #: what a feed named last, when all of it stood here already: at which version, and the very objects
    named: dict[str, tuple[int, tuple[object, ...]]] = field(default_factory=dict)
    numbers: dict[str, tuple[int, tuple[object, ...], IntArray]] = field(default_factory=dict)
    _digests: leaf.Digests = field(
        default_factory=lambda: np.zeros((0, 2), dtype=np.uint64)
    )  # by series id; 0: not made yet

    def with_stations(self, uids: Iterable[str], heard: Mapping[str, int]) -> list[SeriesRow]:
        """Series with their stations, these as last heard of; unknown uids raise KeyError."""
        made: dict[str, StationRow] = {}
        rows: list[SeriesRow] = []
        for uid in uids:
            one = self.series[uid]
            station = made.get(one.station_uid)
            if station is None:
                held = self.stations[one.station_uid]
                station = made[one.station_uid] = seen(held, max(held.first_seen_s, heard.get(one.station_uid, 0)))
            rows.append(SeriesRow(one, station))
        return rows

    async def catch_up(self, connection: AsyncConnection) -> None:
        """Take over what changed in the database since `version`, as the connection's transaction sees it."""
        version = (await connection.exec_driver_sql("SELECT version FROM catalogue WHERE id = 1")).scalar_one()
        if version == self.version:
            return
        since = self.version
        for row in await connection.execute(sa.select(tables.stations).where(tables.stations.c.version > since)):
            self.put_station(row.id, station_row(row), row.changed_s)
        uids = {number: uid for uid, number in self.station_ids.items()}
        for row in await connection.execute(sa.select(tables.series).where(tables.series.c.version > since)):
            self.put_series(row.id, series_of(row, uids[row.station_id]))
        self.version = version
        self.selections.clear()

    def put_station(self, number: int, row: StationRow, changed_s: int) -> None:
        """Enter or replace a station."""
        uid = row.station.uid
        self.stations[uid] = row
        self.station_ids[uid] = number
        self.changed_s[uid] = changed_s

    def put_series(self, number: int, series: Series) -> None:
        """Enter or replace a series."""
        self.series[series.uid] = series
        self.series_ids[series.uid] = number
        self.series_by_id[number] = series

    def digests(self, ids: IntArray) -> leaf.Digests:
        """What the log calls these series (n, 2), by internal id; unknown ids raise KeyError."""
        top = int(ids.max(initial=0))
        if top >= len(self._digests):
            grown = np.zeros((max(top + 1, 2 * len(self._digests)), 2), dtype=np.uint64)
            grown[: len(self._digests)] = self._digests
            self._digests = grown
        found: npt.NDArray[np.uint64] = self._digests[ids]
        missing = np.unique(ids[found[:, 0] == 0])
        for number in missing.tolist():
            one = self.series_by_id[number]
            made = leaf.series_digest(one.uid, one.unit, one.station_uid)
            self._digests[number] = np.frombuffer(made, dtype="<u8")
        return self._digests[ids] if len(missing) else found

    def stands(self, what: str, named: tuple[object, ...]) -> bool:
        """Whether these very objects were named before and all stood here, and nothing changed since: 0.1 ms instead of 4 for a country."""
        held = self.named.get(what)
        return held is not None and held[0] == self.version and _are_same(held[1], named)

    def stood(self, what: str, named: tuple[object, ...]) -> None:
        """Remember that these objects all stand here as they are."""
        self.named[what] = (self.version, named)

    def ids_of(self, feed_id: str, series: tuple[Series, ...]) -> IntArray:
        """Internal ids of known series; those of the series that a feed named last are at hand."""
        held = self.numbers.get(feed_id)
        if held is not None and held[0] == self.version and _are_same(held[1], series):
            return held[2]
        made = np.array([self.series_ids[one.uid] for one in series], dtype=np.int64)
        self.numbers[feed_id] = (self.version, series, made)
        return made

    def forget(self) -> None:
        """Start again from nothing, after a transaction whose entries were rolled back."""
        self.version = 0
        self._digests = np.zeros((0, 2), dtype=np.uint64)
        for held in (
            self.stations,
            self.station_ids,
            self.series,
            self.series_ids,
            self.series_by_id,
            self.changed_s,
            self.selections,
            self.named,
            self.numbers,
        ):
            held.clear()


def _are_same(left: tuple[object, ...], right: tuple[object, ...]) -> bool:
    return len(left) == len(right) and all(map(is_, left, right))


def station_row(row: Any) -> StationRow:
    """A row of table `stations` as a value."""
    station = Station(
        uid=row.uid,
        namespace=row.namespace,
        key=row.key,
        names=tuple((language, text) for language, text in json.loads(row.names or "[]")),
        latitude_deg=row.latitude_deg,
        longitude_deg=row.longitude_deg,
        position_origin=row.position_origin,
        elevation_m=row.elevation_m,
        region_code=row.region_code,
        zone=row.zone,
        kind=row.kind,
        owner=row.owner,
        moving=row.moving,
    )
    areas = tuple(json.loads(row.areas or "[]"))
    return StationRow(station, areas, row.feed_id, row.first_seen_s, row.first_seen_s, row.exercise, row.mark)


def station_values(station: Station) -> dict[str, Any]:
    """The columns that a station fills."""
    return {
        "uid": station.uid,
        "namespace": station.namespace,
        "key": station.key,
        "names": json.dumps(station.names, ensure_ascii=False),
        "latitude_deg": station.latitude_deg,
        "longitude_deg": station.longitude_deg,
        "position_origin": station.position_origin,
        "elevation_m": station.elevation_m,
        "region_code": station.region_code,
        "zone": station.zone,
        "kind": station.kind,
        "owner": station.owner,
        "moving": station.moving,
    }


def layer_of(row: Any) -> Layer:
    """The layer columns of a row."""
    return Layer(row.layer_label, row.layer_reference, row.layer_min_m, row.layer_max_m)


def layer_values(layer: Layer) -> dict[str, Any]:
    """The columns that a layer fills."""
    return {
        "layer_label": layer.label,
        "layer_reference": layer.reference,
        "layer_min_m": layer.min_m,
        "layer_max_m": layer.max_m,
    }


def series_of(row: Any, station_uid: str) -> Series:
    """A row of table `series` as a value."""
    return Series(
        uid=row.uid,
        station_uid=station_uid,
        feed_id=row.feed_id,
        quantity=row.quantity,
        unit=row.unit,
        analyte=row.analyte,
        medium=row.medium,
        instrument=row.instrument,
        window_s=row.window_s,
        layer=layer_of(row),
        kind=Kind(row.kind),
        floor=row.floor,
        ceiling=row.ceiling,
        published_unit_text=row.published_unit_text,
        exercise=row.exercise,
    )


def series_values(series: Series) -> dict[str, Any]:
    """The columns that a series fills, its station's id apart."""
    return {
        "uid": series.uid,
        "feed_id": series.feed_id,
        "quantity": series.quantity,
        "unit": series.unit,
        "analyte": series.analyte,
        "medium": series.medium,
        "instrument": series.instrument,
        "window_s": series.window_s,
        **layer_values(series.layer),
        "kind": series.kind.value,
        "floor": series.floor,
        "ceiling": series.ceiling,
        "published_unit_text": series.published_unit_text,
        "exercise": series.exercise,
    }


def seen(row: StationRow, last_seen_s: int) -> StationRow:
    """The same station, last heard of at `last_seen_s`."""
    if row.last_seen_s == last_seen_s:
        return row
    # named one by one: `dataclasses.replace` takes ten times as long, and a region has 1,500
    return StationRow(
        row.station,
        row.areas,
        row.feed_id,
        row.first_seen_s,
        last_seen_s=last_seen_s,
        exercise=row.exercise,
        mark=row.mark,
    )
