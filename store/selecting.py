"""From a filter to the stations and series it means, by the catalogue in memory; answers are remembered until it changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.readings import IntArray, Series, Station
from store.catalogue import Catalogue
from store.places import distance_m
from store.rows import Filter, StationRow

_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Selection:
    """Uids in order, and the internal ids of the series beside them; `everything` when the filter is empty."""

    stations: tuple[str, ...]
    series: tuple[str, ...]
    ids: IntArray
    everything: bool


def select(catalogue: Catalogue, f: Filter) -> Selection:
    """What a filter means now."""
    found = catalogue.selections.get(f)
    if isinstance(found, Selection):
        return found
    if len(catalogue.selections) >= _REMEMBERED:
        catalogue.selections.clear()
    made = _select(catalogue, f)
    catalogue.selections[f] = made
    return made


def _select(catalogue: Catalogue, f: Filter) -> Selection:
    placed = (
        {uid for uid, row in catalogue.stations.items() if lies_in(row, f)} if f.places else catalogue.stations.keys()
    )
    series = sorted(uid for uid, one in catalogue.series.items() if one.station_uid in placed and _is_meant(one, f))
    stations = _stations(catalogue, f, set(placed), series)
    ids = np.array([catalogue.series_ids[uid] for uid in series], dtype=np.int64)
    return Selection(stations, tuple(series), ids, f == Filter())


def _stations(catalogue: Catalogue, f: Filter, placed: set[str], series: list[str]) -> tuple[str, ...]:
    """With a criterion on what is measured: the stations that measure it; else also those that never gave a reading."""
    found = {catalogue.series[uid].station_uid for uid in series}
    if not f.things:
        found |= {uid for uid in placed if not f.feeds or catalogue.stations[uid].feed_id in f.feeds}
    return tuple(sorted(found))


def _is_meant(one: Series, f: Filter) -> bool:
    return (
        (not f.series or one.uid in f.series)
        and (not f.media or one.medium in f.media)
        and (not f.quantities or one.quantity in f.quantities)
        and (not f.feeds or one.feed_id in f.feeds)
    )


def lies_in(row: StationRow, f: Filter) -> bool:
    """Whether a station meets every criterion on places. One without a position is in no box and near nothing."""
    station = row.station
    if f.stations and station.uid not in f.stations:
        return False
    if f.areas and f.areas.isdisjoint(row.areas):
        return False
    if f.country and not _in_country(row, f.country):
        return False
    return (f.bbox is None or _in_box(station, f.bbox)) and (f.near is None or _is_near(station, f.near))


def _in_country(row: StationRow, country: str) -> bool:
    """By the publisher's region code or, without one, by the areas the station was found in (ids start with the country)."""
    wanted = country.upper()
    codes = (row.station.region_code,) if row.station.region_code else row.areas
    return any(code.upper() == wanted or code.upper().startswith(f"{wanted}-") for code in codes)


def _in_box(station: Station, box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = box
    latitude, longitude = station.latitude_deg, station.longitude_deg
    if latitude is None or longitude is None or not south <= latitude <= north:
        return False
    return west <= longitude <= east if west <= east else longitude >= west or longitude <= east


def _is_near(station: Station, near: tuple[float, float, float]) -> bool:
    latitude, longitude, radius_m = near
    if station.latitude_deg is None or station.longitude_deg is None:
        return False
    return distance_m(latitude, longitude, station.latitude_deg, station.longitude_deg) <= radius_m
