"""What readers keep in memory, and how they notice that it is out of date: the newest answer and the catalogue's counter.

Two numbers tell whether anything was committed since: looking at them costs a fraction of a millisecond, and then `latest`
and arrays of recent hours come from memory. Whatever process committed, its answers name the span of ends they changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from store import observing
from store.arranging import Region, arranged
from store.engine import Store
from store.history import Window
from store.rows import Filter, LatestRow, SeriesArrays, SeriesRow
from store.selecting import Selection, select
from store.window import HOUR_S, Segment, empty, gathered, joined

_PULSE = "SELECT version, (SELECT coalesce(max(id), 0) FROM answers) FROM catalogue WHERE id = 1"
_REMEMBERED = 32
#: Readings in what is kept of selections: about fifty bytes each.
_ROWS_REMEMBERED = 2_000_000


async def pulse(store: Store, connection: AsyncConnection) -> tuple[int, int]:
    """The newest answer's number and the catalogue's counter, with the catalogue caught up and the window's stale hours dropped."""
    version, newest = tuple((await connection.exec_driver_sql(_PULSE)).one())
    if version != store.catalogue.version:
        await store.catalogue.catch_up(connection)
    if newest > store.window_through:
        await drop_stale(store, connection, int(newest))
    return int(newest), store.catalogue.version


async def drop_stale(store: Store, connection: AsyncConnection, newest: int) -> None:
    """Take note of answers committed since; those of other processes make the hours they changed stale.

    On PostgreSQL numbers are given before commits are made, so a smaller number may show up later: the last two
    hundred are looked at again each time.
    """
    since = max(0, store.window_through - 200) if not store.is_sqlite else store.window_through
    found = await connection.exec_driver_sql(
        f"SELECT id, received_s, first_end_s, last_end_s FROM answers WHERE id > {since} ORDER BY id"  # noqa: S608 - a number
    )
    for row in found.fetchall():
        store.window.move_to(row.received_s)
        if row.id not in store.window_seen and row.first_end_s is not None:
            store.window.forget(row.first_end_s, row.last_end_s)
        store.window_seen.add(row.id)
    store.window_through = max(newest, store.window_through)
    store.window_seen = {number for number in store.window_seen if number > newest - 2000}


async def heard(store: Store, connection: AsyncConnection, at: tuple[int, int]) -> dict[str, int]:
    """Station uid -> when it last gave something new."""
    if store.heard_at != at:
        found = await connection.exec_driver_sql(
            "SELECT station_id, max(received_s) AS received_s FROM (SELECT s.station_id, l.received_s FROM latest l "
            "JOIN series s ON s.id = l.series_id UNION ALL SELECT p.station_id, p.received_s FROM samples p) h GROUP BY station_id"
        )
        by_id = {row.station_id: row.received_s for row in found}
        store.heard = {uid: by_id[number] for uid, number in store.catalogue.station_ids.items() if number in by_id}
        store.heard_at = at
    return store.heard


async def listed(
    store: Store, connection: AsyncConnection, at: tuple[int, int], uids: tuple[str, ...]
) -> tuple[SeriesRow, ...]:
    """Series with their stations as last heard of; a selection that was asked for since the last commit is at hand."""
    held = store.listed.get(uids) if store.listed_at == at else None
    if held is None:
        if store.listed_at != at or len(store.listed) >= _REMEMBERED:
            store.listed.clear()
            store.listed_at = at
        held = store.listed[uids] = tuple(store.catalogue.with_stations(uids, await heard(store, connection, at)))
    return held


def at_hand(store: Store, f: Filter, from_s: int, to_s: int) -> SeriesArrays | None:
    """What `recent` made since the last commit; None also where another process may have committed: then the database has to say."""
    if not store.is_only_writer or store.regions_after != store.commits:
        return None
    held = store.regions.get((select(store.catalogue, f).series, from_s // HOUR_S))
    return None if held is None else held.within(from_s, to_s)


async def recent(
    store: Store, connection: AsyncConnection, at: tuple[int, int], chosen: Selection, from_s: int, to_s: int
) -> SeriesArrays | None:
    """Standing readings with ends in [from_s, to_s): the window's hours from memory, what lies before them kept from question to question.

    What was made for a selection is at hand until something is committed. None when the window does not reach, or not nearly.
    """
    window, hour = store.window, from_s // HOUR_S
    moment = (*at, window.generation)
    if store.regions_at != moment:
        store.regions.clear()
        store.regions_at, store.regions_after = moment, -1
    held = store.regions.get((chosen.series, hour))
    if held is None:
        # nothing standing ends later than the newest pointer, so no question needs more hours than up to that
        newest_s = (await connection.exec_driver_sql("SELECT max(end_s) FROM latest")).scalar()
        until_s = (newest_s or from_s) + 1
        cut_s = max(hour, window.first_hour) * HOUR_S
        if min(to_s, until_s) <= cut_s or until_s - cut_s > window.hours * 2 * HOUR_S:
            return None
        older = await _older(store, connection, chosen, hour * HOUR_S, cut_s)
        found = joined([older, gathered(await _hours(store, connection, cut_s, until_s), cut_s, until_s, chosen.ids)])
        held = Region(arranged(await listed(store, connection, at, chosen.series), chosen.ids, found))
        if moment == (*at, window.generation) and _room(store.regions, held):
            store.regions[chosen.series, hour] = held
    return held.within(from_s, to_s)


def _room(kept: Mapping[Any, Sized], new: Sized) -> bool:
    return len(new) + sum(map(len, kept.values())) <= _ROWS_REMEMBERED


async def _hours(store: Store, connection: AsyncConnection, from_s: int, until_s: int) -> dict[int, Segment]:
    """The hours of the window from one moment to another; those that are not there yet are read in."""
    window, generation = store.window, store.window.generation
    loaded: dict[int, Segment] = {}
    for hour in range(from_s // HOUR_S, (until_s - 1) // HOUR_S + 1):
        held = window.segments.get(hour)
        if held is None:
            held = await observing.segment(connection, hour * HOUR_S, (hour + 1) * HOUR_S)
            window.load(hour, held, generation)
        loaded[hour] = held
    return loaded


async def _older(store: Store, connection: AsyncConnection, chosen: Selection, from_s: int, cut_s: int) -> Segment:
    """What stands of a selection before the window begins: days that hardly ever change, so read once an hour."""
    if from_s >= cut_s:
        return empty()
    before = store.window.before
    if store.older_at != before:
        store.older.clear()
        store.older_at = before
    key = (chosen.series, from_s, cut_s)
    found = store.older.get(key)
    if found is None:
        found = await observing.columns(connection, Window(from_s, cut_s, chosen.ids))
        for old in [one for one in store.older if one[2] != cut_s]:
            del store.older[old]
        if before == store.window.before and _room(store.older, found):
            store.older[key] = found
    return found


async def latest(store: Store, connection: AsyncConnection, at: tuple[int, int]) -> dict[str, LatestRow]:
    """The newest reading of every series, by series uid."""
    if store.latest_at != at:
        by_id, told = store.catalogue.series_by_id, await heard(store, connection, at)
        rows = await observing.newest(connection, None)
        made = {row.series_uid: row for row in observing.observations(rows, by_id)}
        listed = store.catalogue.with_stations(sorted(made), told)
        store.latest = {row.series.uid: LatestRow(row, made[row.series.uid]) for row in listed}
        store.latest_at = at
    return store.latest
