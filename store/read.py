"""The questions the store answers. Every function takes the store first; callers never learn where an answer was kept."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from store import following, observing
from store.arranging import arranged
from store.catalogue import seen
from store.engine import Store
from store.history import Window
from store.read_runs import answers, feed_health, refusals, run, runs
from store.read_samples import quakes, sample, sample_history, samples
from store.rollups import buckets
from store.rows import Filter, LatestRow, ObservationRow, SeriesArrays, SeriesRow, StationRow, VersionRow
from store.selecting import select
from store.window import empty

__all__ = [
    "answers",
    "arrays",
    "buckets",
    "feed_health",
    "latest",
    "observations",
    "quakes",
    "refusals",
    "run",
    "runs",
    "sample",
    "sample_history",
    "samples",
    "series",
    "series_list",
    "station",
    "stations",
    "versions",
]


async def stations(store: Store, f: Filter, *, after: str = "", limit: int = 100) -> list[StationRow]:
    """Stations in order of uid, after `after`."""
    async with store.reading() as connection:
        heard = await following.heard(store, connection, await following.pulse(store, connection))
        chosen = [uid for uid in select(store.catalogue, f).stations if uid > after][:limit]
        found = [store.catalogue.stations[uid] for uid in chosen]
    return [seen(row, max(row.first_seen_s, heard.get(row.station.uid, 0))) for row in found]


async def station(store: Store, uid: str) -> StationRow | None:
    """One station; None if the uid is unknown."""
    found = await stations(store, Filter(stations=frozenset({uid})), limit=1)
    return found[0] if found else None


async def series_list(store: Store, f: Filter, *, after: str = "", limit: int = 100) -> list[SeriesRow]:
    """Series with their stations, in order of uid, after `after`."""
    async with store.reading() as connection:
        heard = await following.heard(store, connection, await following.pulse(store, connection))
        chosen = [uid for uid in select(store.catalogue, f).series if uid > after][:limit]
        return store.catalogue.with_stations(chosen, heard)


async def series(store: Store, uid: str) -> SeriesRow | None:
    """One series with its station; None if the uid is unknown."""
    found = await series_list(store, Filter(series=frozenset({uid})), limit=1)
    return found[0] if found else None


async def observations(
    store: Store,
    f: Filter,
    from_s: int,
    to_s: int,
    *,
    as_of_s: int | None = None,
    after: tuple[int, str] | None = None,
    limit: int = 100,
) -> list[ObservationRow]:
    """Readings with ends in [from_s, to_s), ordered by (end_s, series uid), after the pair `after`; as known at `as_of_s`."""
    async with store.reading() as connection:
        await store.catalogue.catch_up(connection)
        chosen = select(store.catalogue, f)
        ids = None if chosen.everything else chosen.ids
        found = await observing.rows(connection, Window(from_s, to_s, ids, as_of_s, after, limit))
        by_id = store.catalogue.series_by_id
        return observing.observations(found, by_id)


async def versions(store: Store, series_uid: str, from_s: int, to_s: int) -> list[VersionRow]:
    """Every version ever held of one series' readings with ends in [from_s, to_s), ordered by end_s and by when it was known."""
    async with store.reading() as connection:
        await store.catalogue.catch_up(connection)
        number = store.catalogue.series_ids.get(series_uid)
        if number is None:
            return []
        return await observing.versions(connection, number, from_s, to_s, store.catalogue.series_by_id)


async def arrays(
    store: Store, which: Iterable[str] | Filter, from_s: int, to_s: int, *, as_of_s: int | None = None
) -> SeriesArrays:
    """Readings with ends in [from_s, to_s) as columns ordered by (series, end_s); every series selected is listed."""
    f = which if isinstance(which, Filter) else Filter(series=frozenset(which))
    held = following.at_hand(store, f, from_s, to_s) if as_of_s is None else None
    if held is not None:
        return held
    commits = store.commits
    async with store.reading() as connection:
        at = await following.pulse(store, connection)
        nothing = not isinstance(which, Filter) and not f.series  # no series asked for is not every series
        chosen = select(store.catalogue, f)
        if nothing or not chosen.series:
            return arranged((), np.zeros(0, dtype=np.int64), empty())
        if as_of_s is None:
            recent = await following.recent(store, connection, at, chosen, from_s, to_s)
            if recent is not None:
                store.regions_after = commits
                return recent
        found = await observing.columns(connection, Window(from_s, to_s, chosen.ids, as_of_s))
        listed = await following.listed(store, connection, at, chosen.series)
    return arranged(listed, chosen.ids, found)


async def latest(
    store: Store, f: Filter, *, as_of_s: int | None = None, after: str = "", limit: int | None = None
) -> list[LatestRow]:
    """The newest reading of each series, in order of series uid; series without any are left out."""
    async with store.reading() as connection:
        at = await following.pulse(store, connection)
        chosen = select(store.catalogue, f)
        if as_of_s is None:
            held = await following.latest(store, connection, at)
        else:
            by_id = store.catalogue.series_by_id
            rows = await observing.newest_as_of(connection, chosen.ids, as_of_s)
            made = {row.series_uid: row for row in observing.observations(rows, by_id)}
            listed = store.catalogue.with_stations(sorted(made), await following.heard(store, connection, at))
            held = {row.series.uid: LatestRow(row, made[row.series.uid]) for row in listed}
    return [held[uid] for uid in chosen.series if uid > after and uid in held][:limit]
