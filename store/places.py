"""Writing stations, series and publishers' marks: entered once, changed only when something changed, the old state kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import Series, Station, StationMark
from store import tables
from store.catalogue import Catalogue, series_values, station_values
from store.rows import StationRow

#: Busan's GPS differs by 1e-5 to 1e-4 degrees from reading to reading; a station that moved further than this did move.
MOVED_M = 1000.0
EARTH_RADIUS_M = 6_371_008.8


def distance_m(latitude_a: float, longitude_a: float, latitude_b: float, longitude_b: float) -> float:
    """Great-circle distance on a sphere, in metres; arguments in degrees."""
    phi_a, phi_b = math.radians(latitude_a), math.radians(latitude_b)
    half = (
        math.sin((phi_b - phi_a) / 2) ** 2
        + math.cos(phi_a) * math.cos(phi_b) * math.sin(math.radians(longitude_b - longitude_a) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))


def merged(old: Station, new: Station, *, own_feed: bool) -> Station:
    """What is known of a station after `new` was read: blanks never erase, jitter never moves, another feed only fills blanks."""
    first, second = (new, old) if own_feed else (old, new)
    values: dict[str, Any] = {}
    for name in ("names", "elevation_m", "region_code", "zone", "kind", "owner"):
        value = getattr(first, name)
        values[name] = getattr(second, name) if value in ((), None, "") else value
    values["moving"] = first.moving
    values |= _position(old, new, own_feed=own_feed)
    return replace(old, **values)


def _position(old: Station, new: Station, *, own_feed: bool) -> dict[str, Any]:
    kept = {
        "latitude_deg": old.latitude_deg,
        "longitude_deg": old.longitude_deg,
        "position_origin": old.position_origin,
    }
    given = {
        "latitude_deg": new.latitude_deg,
        "longitude_deg": new.longitude_deg,
        "position_origin": new.position_origin,
    }
    if new.latitude_deg is None or new.longitude_deg is None:
        return given if old.latitude_deg is None and own_feed else kept
    if old.latitude_deg is None or old.longitude_deg is None:
        return given
    if not own_feed:
        return kept
    moved = distance_m(old.latitude_deg, old.longitude_deg, new.latitude_deg, new.longitude_deg) > MOVED_M
    return given if moved or old.position_origin != new.position_origin else kept


class Places:
    """The part of one transaction that enters stations, series and marks; `changed` tells whether the catalogue must move on."""

    def __init__(
        self, connection: AsyncConnection, catalogue: Catalogue, feed_id: str, received_s: int, exercise: bool
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._feed_id = feed_id
        self._received_s = received_s
        self._exercise = exercise
        self._next_version = 0
        self.changed = False

    async def enter_stations(self, stations: Iterable[Station], areas: Mapping[str, tuple[str, ...]]) -> None:
        """Enter unknown stations and take over what changed in known ones (unless newer knowledge is there already)."""
        named, what = tuple(stations), f"stations {self._feed_id}"
        if self._catalogue.stands(what, named):
            return
        known = self._catalogue.stations
        new: dict[str, Station] = {}
        others = 0
        for station in named:
            row = known.get(station.uid)
            if row is None:
                new.setdefault(station.uid, station)
            elif row.station is not station:
                others += 1
                await self._compare(row, station, areas.get(station.uid, row.areas))
        if not new and not others:
            self._catalogue.stood(what, named)
        if new:
            await self._begin_change()
            await self._insert_stations({uid: station for uid, station in new.items() if uid not in known}, areas)

    async def _insert_stations(self, new: Mapping[str, Station], areas: Mapping[str, tuple[str, ...]]) -> None:
        rows = [
            station_values(station)
            | {
                "feed_id": self._feed_id,
                "areas": json.dumps(areas.get(uid, ())),
                "exercise": self._exercise,
                "first_seen_s": self._received_s,
                "changed_s": self._received_s,
                "mark": "",
                "version": self._next_version,
            }
            for uid, station in new.items()
        ]
        numbers = await _insert(self._connection, tables.stations, rows)
        for uid, station in new.items():
            row = StationRow(
                station, areas.get(uid, ()), self._feed_id, self._received_s, self._received_s, self._exercise, ""
            )
            self._catalogue.put_station(numbers[uid], row, self._received_s)

    async def _compare(self, row: StationRow, station: Station, areas: tuple[str, ...]) -> None:
        uid = station.uid
        if self._received_s < self._catalogue.changed_s[uid]:
            return
        now = merged(row.station, station, own_feed=row.feed_id == self._feed_id)
        if now == row.station and areas == row.areas:
            return
        number = self._catalogue.station_ids[uid]
        if now != row.station:
            await self._connection.execute(
                sa.insert(tables.station_history).values(
                    station_id=number,
                    from_s=self._catalogue.changed_s[uid],
                    until_s=self._received_s,
                    attributes=json.dumps(_differences(row.station, now), ensure_ascii=False),
                )
            )
        await self._update_station(number, replace(row, station=now, areas=areas))

    async def _update_station(self, number: int, row: StationRow) -> None:
        await self._begin_change()
        await self._connection.execute(
            sa.update(tables.stations)
            .where(tables.stations.c.id == number)
            .values(
                **station_values(row.station),
                areas=json.dumps(row.areas),
                mark=row.mark,
                changed_s=self._received_s,
                version=self._next_version,
            )
        )
        self._catalogue.put_station(number, row, self._received_s)

    async def enter_series(self, series: Iterable[Series]) -> set[str]:
        """Enter unknown series, take over changed attributes; returns the uids whose unit is not the one on record.

        Values are stored in the series' unit. A payload that changes it under the same identity would silently re-read the
        whole past by a factor of a thousand, so its rows are refused by the caller and the series stays as it is.
        """
        named, what = tuple(series), f"series {self._feed_id}"
        if self._catalogue.stands(what, named):
            return set()
        known = self._catalogue.series
        new: dict[str, Series] = {}
        other_unit: set[str] = set()
        changed = False
        for one in named:
            old = known.get(one.uid)
            if old is None:
                first = new.setdefault(one.uid, one)
                if first.unit != one.unit:
                    other_unit.add(one.uid)
            elif old is not one and old != one:
                if old.unit != one.unit:
                    other_unit.add(one.uid)
                else:
                    changed = True
                    await self._change_series(old, one)
        if not new and not changed and not other_unit:
            self._catalogue.stood(what, named)
        if new:
            await self._begin_change()
            await self._insert_series({uid: one for uid, one in new.items() if uid not in known})
        return other_unit

    async def _insert_series(self, new: Mapping[str, Series]) -> None:
        await self.enter_stations(
            [_bare(one.station_uid) for one in new.values() if one.station_uid not in self._catalogue.stations], {}
        )
        rows = [
            series_values(one)
            | {
                "station_id": self._catalogue.station_ids[one.station_uid],
                "first_seen_s": self._received_s,
                "changed_s": self._received_s,
                "version": self._next_version,
            }
            for one in new.values()
        ]
        numbers = await _insert(self._connection, tables.series, rows)
        for uid, one in new.items():
            self._catalogue.put_series(numbers[uid], one)

    async def _change_series(self, old: Series, new: Series) -> None:
        table = tables.series
        number = self._catalogue.series_ids[old.uid]
        changed_s = (
            await self._connection.execute(sa.select(table.c.changed_s).where(table.c.id == number))
        ).scalar_one()
        if self._received_s < changed_s:
            return
        await self._begin_change()
        await self._connection.execute(
            sa.insert(tables.series_history).values(
                series_id=number,
                from_s=changed_s,
                until_s=self._received_s,
                attributes=json.dumps(_differences(old, new), ensure_ascii=False, default=str),
            )
        )
        now = replace(new, station_uid=old.station_uid, feed_id=old.feed_id)
        await self._connection.execute(
            sa.update(table)
            .where(table.c.id == number)
            .values(**series_values(now), changed_s=self._received_s, version=self._next_version)
        )
        self._catalogue.put_series(number, now)

    async def enter_marks(self, marks: Iterable[StationMark], *, complete: bool) -> None:
        """Open, keep and close marks; run-length: a mark is one row from the first answer that shows it to the last."""
        given = {mark.station_uid: mark for mark in marks}
        if not given and not complete:
            return
        await self.enter_stations([_bare(uid) for uid in given if uid not in self._catalogue.stations], {})
        open_now = await self._open_marks()
        uids = {number: uid for uid, number in self._catalogue.station_ids.items()}
        for number, row in open_now.items():
            mark = given.get(uids[number])
            if (mark is None and complete) or (
                mark is not None and (mark.mark, mark.last_value_text) != (row.mark, row.last_value_text)
            ):
                await self._close_mark(row.id)
                if mark is None:
                    await self._set_mark(uids[number], "")
        for uid, mark in given.items():
            row = open_now.get(self._catalogue.station_ids[uid])
            if row is None or (mark.mark, mark.last_value_text) != (row.mark, row.last_value_text):
                await self._open_mark(mark)

    async def _open_marks(self) -> dict[int, Any]:
        table = tables.station_marks
        found = await self._connection.execute(sa.select(table).where(table.c.feed_id == self._feed_id, table.c.open))
        return {row.station_id: row for row in found}

    async def _close_mark(self, number: int) -> None:
        table = tables.station_marks
        await self._connection.execute(
            sa.update(table).where(table.c.id == number).values(open=False, last_seen_s=self._received_s)
        )

    async def _open_mark(self, mark: StationMark) -> None:
        await self._connection.execute(
            sa.insert(tables.station_marks).values(
                station_id=self._catalogue.station_ids[mark.station_uid],
                feed_id=self._feed_id,
                mark=mark.mark,
                last_value_text=mark.last_value_text,
                first_seen_s=self._received_s,
                last_seen_s=self._received_s,
                open=True,
            )
        )
        await self._set_mark(mark.station_uid, mark.mark)

    async def _set_mark(self, uid: str, mark: str) -> None:
        row = self._catalogue.stations[uid]
        if row.mark == mark:
            return
        await self._begin_change()
        number = self._catalogue.station_ids[uid]
        await self._connection.execute(
            sa.update(tables.stations)
            .where(tables.stations.c.id == number)
            .values(mark=mark, version=self._next_version)
        )
        self._catalogue.put_station(number, replace(row, mark=mark), self._catalogue.changed_s[uid])

    async def finish(self) -> None:
        """Move the counter on, so that every other reader of this database notices."""
        if self.changed:
            await self._connection.execute(sa.update(tables.catalogue).values(version=self._next_version))
            self._catalogue.version = self._next_version
            self._catalogue.selections.clear()

    async def touch(self) -> None:
        """Move the counter on although no station or series changed."""
        self.changed = False
        await self._begin_change()
        await self.finish()

    async def _begin_change(self) -> None:
        """Before the first change: take the counter for this transaction and catch up with what another collector entered."""
        if self.changed:
            return
        self.changed = True
        if self._connection.dialect.name != "sqlite":
            await self._connection.exec_driver_sql("SELECT version FROM catalogue WHERE id = 1 FOR UPDATE")
        await self._catalogue.catch_up(self._connection)
        self._next_version = self._catalogue.version + 1


def _bare(uid: str) -> Station:
    """A station of which only the name is known; a claim about a place never heard of is still a claim."""
    namespace, _, key = uid.partition(":")
    return Station(uid=uid, namespace=namespace, key=key)


def _differences(old: Station | Series, new: Station | Series) -> dict[str, Any]:
    """The old values of what changed."""
    return {
        item.name: getattr(old, item.name) for item in fields(old) if getattr(old, item.name) != getattr(new, item.name)
    }


async def _insert(connection: AsyncConnection, table: sa.Table, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Insert rows with a `uid`; the id of each."""
    if not rows:
        return {}
    await connection.execute(sa.insert(table), rows)
    uids = [row["uid"] for row in rows]
    numbers: dict[str, int] = {}
    for start in range(0, len(uids), 5000):
        found = await connection.execute(
            sa.select(table.c.uid, table.c.id).where(table.c.uid.in_(uids[start : start + 5000]))
        )
        numbers |= {row.uid: row.id for row in found}
    return numbers
