"""Columns of an area as they were known at a moment: nothing that came later shows, not even that a station exists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from api.service import Service
from domain.readings import IntArray
from store import knowledge, read
from store.rows import Filter, LatestRow, SeriesArrays, SeriesRow

#: How far back baselines look: 500 readings at ten minutes are three and a half days, hourly series get a week.
LOOKBACK_S = 7 * 86400


async def shown(service: Service, f: Filter) -> tuple[Filter, list[str]]:
    """A filter without the feeds that this audience may not see, and the feed of each series that this hides."""
    rows = await read.series_list(service.store, f, limit=1_000_000)
    feeds = [row.series.feed_id for row in rows]
    hidden = [feed for feed in feeds if not service.facts(feed).shown]
    if not hidden:
        return f, []
    return replace(f, feeds=frozenset(feeds).difference(hidden) or frozenset({"-"})), hidden


async def columns_now(service: Service, f: Filter, now_s: int) -> SeriesArrays:
    """Every series that a filter selects with its readings of the last week, as known now."""
    return await read.arrays(service.store, f, now_s - LOOKBACK_S, now_s + 1)


class Past:
    """Columns of a filter at several moments of the past, fetched once where nothing was corrected since."""

    def __init__(self, service: Service, f: Filter, first_s: int, last_s: int) -> None:
        self._service, self._filter, self._first_s, self._last_s = service, f, first_s, last_s
        self._held: SeriesArrays | None = None
        self._corrected_s: int | None = None

    async def at(self, at_s: int) -> SeriesArrays:
        """The columns as known at a moment in [first_s, last_s]."""
        store, begin_s = self._service.store, self._first_s - LOOKBACK_S
        if self._held is None:
            self._corrected_s = await knowledge.last_correction_s(store, begin_s, self._last_s + 1)
            self._held = await read.arrays(store, self._filter, begin_s, self._last_s + 1)
        held = self._held
        if self._corrected_s is not None and self._corrected_s > at_s:
            held = await read.arrays(store, self._filter, at_s - LOOKBACK_S, at_s + 1, as_of_s=at_s)
        return await known_at(self._service, held, at_s)


async def known_at(service: Service, held: SeriesArrays, at_s: int) -> SeriesArrays:
    """Rows received by `at_s`; series that had given something by then; stations as last heard then."""
    rows = (held.received_s <= at_s) & (held.end_s <= at_s) & (held.end_s >= at_s - LOOKBACK_S)
    heard_s = _heard(held.index[rows], held.received_s[rows], len(held.series))
    unheard = [held.series[i].series.uid for i in np.flatnonzero(heard_s < 0)]
    older = {row.series.series.uid: row.observation.received_s for row in await _older(service, unheard, at_s)}
    known = [
        (i, int(heard_s[i]) if heard_s[i] >= 0 else older[held.series[i].series.uid])
        for i in range(len(held.series))
        if heard_s[i] >= 0 or held.series[i].series.uid in older
    ]
    place = np.full(len(held.series), -1, dtype=np.int64)
    place[[i for i, _ in known]] = np.arange(len(known))
    marked = await knowledge.marked_by(service.store, at_s)
    return SeriesArrays(
        _as_then([(held.series[i], at) for i, at in known], marked),
        place[held.index[rows]],
        held.end_s[rows],
        held.value[rows],
        held.censoring[rows],
        held.limit[rows],
        held.qc[rows],
        held.received_s[rows],
    )


async def _older(service: Service, uids: list[str], at_s: int) -> list[LatestRow]:
    return await read.latest(service.store, Filter(series=frozenset(uids)), as_of_s=at_s) if uids else []


def _heard(index: IntArray, received_s: IntArray, groups: int) -> IntArray:
    """When each series was last received; -1 for one without a row. `index` is sorted."""
    found = np.full(groups, -1, dtype=np.int64)
    np.maximum.at(found, index, received_s)
    return found


def _as_then(rows: list[tuple[SeriesRow, int]], marked: frozenset[str]) -> tuple[SeriesRow, ...]:
    last: dict[str, int] = {}
    for row, heard_s in rows:
        uid = row.series.station_uid
        last[uid] = max(last.get(uid, heard_s), heard_s)
    stations = {}
    for row, _ in rows:
        uid = row.series.station_uid
        if uid not in stations:
            stations[uid] = replace(row.station, last_seen_s=last[uid], mark="listed" if uid in marked else "")
    return tuple(replace(row, station=stations[row.series.station_uid]) for row, _ in rows)
