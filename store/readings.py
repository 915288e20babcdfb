"""Writing readings: what is new is inserted, what changed becomes a revision, what is the same costs nothing.

Knowledge has an order: (received, batch). A batch that was received before the version on record (an older archive taken
in later, or the same one again) never displaces it: what it says is filed where it belongs in the past.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import IntArray
from store import dirt, observing, partitions
from store.copying import array_text, block_of, block_of_versions
from store.incoming import (
    BATCH,
    COLUMNS,
    REVISION,
    SERIES_BITS,
    SERIES_MASK,
    WIDTH,
    Incoming,
    Version,
    content,
    version_of,
    versions_of,
)
from store.packed import PackedDays, day_at, days_at
from store.window import HOUR_S, NEW, SAME, RecentWindow, Verdicts

_INSERT_SQLITE = f"INSERT INTO readings ({COLUMNS}) VALUES ({', '.join('?' * WIDTH)})"

_KEEP = (
    f"INSERT INTO revisions ({COLUMNS}, received_s, superseded_s, superseded_by, reason, note) "
    f"VALUES ({', '.join('?' * (WIDTH + 5))})"
)

_REPLACE = (
    "UPDATE readings SET value = ?, batch_id = ?, digits = ?, qc = ?, censoring = ?, revision = ?, published_after_s = ?, "
    "limit_value = ?, text = ? WHERE end_s = ? AND series_id = ?"
)

#: A row is there already; or its partition was detached since we looked.
_OVERTAKEN = ("23505", "23514")


class Overtaken(RuntimeError):
    """Rows believed to be new are there, or their partition is gone: nothing was written, look everything up and do it again."""


@dataclass(slots=True)
class Outcome:
    """What became of the readings of one batch.

    `newest` holds the newest end of each series that gained or changed a value, `written` the rows that stand now and did not before.
    """

    stored: int = 0
    unchanged: int = 0
    revised: int = 0
    newest: dict[int, int] = field(default_factory=dict)
    written: list[Incoming] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)  # their ends
    #: for the log: every version written with its revision, and (series id, end_s, note) of what was taken back
    entered: list[tuple[Incoming, IntArray]] = field(default_factory=list)
    taken_back: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def ends_s(self) -> tuple[int, int] | None:
        """First and last end of what was written or withdrawn; None if nothing was."""
        ends = self.withdrawn + [int(end_s) for rows in self.written for end_s in (rows.end_s[0], rows.end_s[-1])]
        return (min(ends), max(ends)) if ends else None


class Writer:
    """The part of one transaction that writes readings of batch `batch_id`, received at `received_s`."""

    def __init__(
        self,
        connection: AsyncConnection,
        window: RecentWindow,
        known: partitions.Known,
        batch_id: int,
        received_s: int,
    ) -> None:
        self._connection = connection
        self._window = window
        self._partitions = known
        self._sqlite = connection.dialect.name == "sqlite"
        self._batch_id = batch_id
        self._received_s = received_s
        self._packed = PackedDays(connection)
        self.outcome = Outcome()

    async def write(self, rows: Incoming, origin: str) -> Outcome:
        """Bring the database to where it knows these readings; `origin` names where they came from (feed and URL)."""
        if not len(rows):
            return self.outcome
        await self._load(rows)
        verdicts = self._window.judge(rows, self._received_s, origin)
        self.outcome.unchanged += int(np.count_nonzero(verdicts == SAME))
        rest = np.flatnonzero(verdicts != SAME)
        await self._write(rows if len(rest) == len(rows) else rows.take(rest), verdicts[rest])
        await self.finish()
        return self.outcome

    async def finish(self) -> None:
        """Write packed days back, and note the days whose roll-ups no longer tell what stands."""
        await self._packed.flush()
        taken_back = [(day_at(end_s) << SERIES_BITS) | series_id for series_id, end_s, _ in self.outcome.taken_back]
        written = [(days_at(rows.end_s) << SERIES_BITS) | rows.series_id for rows in self.outcome.written]
        await dirt.mark(self._connection, np.concatenate([np.array(taken_back, dtype=np.int64), *written]))

    async def _load(self, rows: Incoming) -> None:
        """Fill hours of the window that this batch is about, as they are before it."""
        for hour in self._window.worth_loading(rows, self._received_s):
            loaded = await observing.segment(self._connection, hour * HOUR_S, (hour + 1) * HOUR_S)
            self._window.load(hour, loaded, self._window.generation)

    async def _write(self, rows: Incoming, verdicts: Verdicts) -> None:
        """Write what is not known to be the same."""
        await self._packed.load(rows.series_id, rows.end_s)
        asked = np.flatnonzero(verdicts != NEW)
        known = await self._known(rows.take(asked)) if len(asked) else {}
        here = (
            np.fromiter((key in known for key in rows.key.tolist()), bool, len(rows))
            if known
            else np.zeros(len(rows), dtype=bool)
        )
        fresh = rows.take(np.flatnonzero(~here)) if known else rows
        if len(fresh):
            await self._insert(fresh)
        await self._settle(rows, np.flatnonzero(here), known)

    async def _known(self, rows: Incoming) -> dict[int, Version]:
        """The versions on record under these keys."""
        if self._sqlite:
            found = await self._connection.exec_driver_sql(
                f"SELECT {_named('r')} FROM json_each(?) k CROSS JOIN readings r "
                f"ON r.end_s = k.value >> {SERIES_BITS} AND r.series_id = k.value & {SERIES_MASK}",
                (json.dumps(rows.key.tolist()),),
            )
        else:
            found = await self._connection.exec_driver_sql(
                f"SELECT {_named('r')} FROM unnest(%s::bigint[], %s::bigint[]) k(end_s, series_id) "
                "JOIN readings r ON r.end_s = k.end_s AND r.series_id = k.series_id AND r.end_s BETWEEN %s AND %s",
                (array_text(rows.end_s), array_text(rows.series_id), int(rows.end_s[0]), int(rows.end_s[-1])),
            )
        known: dict[int, Version] = {(row[0] << SERIES_BITS) | row[1]: row for row in map(tuple, found)}
        if self._packed:
            for key in rows.key.tolist():
                if (version := self._packed.version(key & SERIES_MASK, key >> SERIES_BITS)) is not None:
                    known[key] = version
        return known

    async def _insert(self, fresh: Incoming) -> None:
        """Insert rows believed to be new; raises Overtaken when PostgreSQL says that one of them is there already."""
        gone = await self._withdrawn()
        if not (gone or self._packed or self._sqlite):
            await self._copy(fresh.end_s, block_of(fresh, self._batch_id))
            self.outcome.stored += len(fresh)
            self._note(fresh, np.ones(len(fresh), dtype=np.int64))
            return
        versions = self._without_withdrawn(versions_of(fresh, self._batch_id), gone)
        if len(versions) < len(fresh):
            kept = {version[:2] for version in versions}
            ends, ids = fresh.end_s.tolist(), fresh.series_id.tolist()
            fresh = fresh.take(
                np.array([i for i, key in enumerate(zip(ends, ids, strict=True)) if key in kept], dtype=np.int64)
            )
        if not versions:
            return
        hot, packed = self._parted(versions)
        if hot:
            await self._insert_hot(hot)
        for version in packed:
            self._packed.put(version, self._received_s)
        self.outcome.stored += len(fresh)
        self._note(fresh, np.array([version[REVISION] for version in versions], dtype=np.int64))

    def _parted(self, versions: list[Version]) -> tuple[list[Version], list[Version]]:
        """Those that go to the hot rows, and those whose day is packed."""
        if not self._packed:
            return versions, []
        packed = [self._packed.holds(version[1], version[0]) for version in versions]
        return list(compress(versions, (not there for there in packed))), list(compress(versions, packed))

    async def _insert_hot(self, versions: list[Version]) -> None:
        if self._sqlite:
            await self._connection.exec_driver_sql(_INSERT_SQLITE, versions)
            return
        await self._copy(np.array([version[0] for version in versions], dtype=np.int64), block_of_versions(versions))

    async def _copy(self, end_s: IntArray, block: bytes) -> None:
        """Rows that nobody has; raises Overtaken when somebody does. No savepoint: setting one and giving it up costs three turns."""
        await self._partitions.ensure(self._connection, partitions.months(end_s))
        raw: Any = (await self._connection.get_raw_connection()).driver_connection
        try:
            async with (
                raw.cursor() as cursor,
                cursor.copy(f"COPY readings ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                await copy.write(block)
        except Exception as error:
            if getattr(error, "sqlstate", "") not in _OVERTAKEN:
                raise
            raise Overtaken("another collector was here meanwhile") from error

    async def _withdrawn(self) -> dict[tuple[int, int], tuple[int, int]]:
        """(end_s, series id) of what was ever withdrawn -> its highest superseded revision, and when it was withdrawn last.

        Withdrawals are rare, so one look at an index tells mostly that there is nothing to do.
        """
        gone = await self._connection.exec_driver_sql(
            "SELECT v.series_id, v.end_s, max(v.revision), max(CASE WHEN v.reason = 'withdrawn' THEN v.superseded_s END) FROM "
            "(SELECT DISTINCT series_id, end_s FROM revisions WHERE reason = 'withdrawn') w "
            "JOIN revisions v ON v.series_id = w.series_id AND v.end_s = w.end_s GROUP BY v.series_id, v.end_s"
        )
        return {(row[1], row[0]): (row[2], row[3]) for row in map(tuple, gone)}

    def _without_withdrawn(
        self, versions: list[Version], last: Mapping[tuple[int, int], tuple[int, int]]
    ) -> list[Version]:
        """A reading that was withdrawn and comes again goes on counting; an older archive does not bring it back."""
        if not last:
            return versions
        kept: list[Version] = []
        for version in versions:
            before, withdrawn_s = last.get(version[:2], (0, self._received_s))
            if withdrawn_s > self._received_s:
                self.outcome.unchanged += 1
            else:
                kept.append((*version[:REVISION], before + 1, *version[REVISION + 1 :]))
        return kept

    def _note(self, rows: Incoming, revisions: IntArray) -> None:
        """These rows stand now. They are in order of time, so the last end of each series stays."""
        self.outcome.written.append(rows)
        self.outcome.entered.append((rows, revisions))
        last = dict(zip(rows.series_id.tolist(), rows.end_s.tolist(), strict=True))
        newest = self.outcome.newest
        newest |= {number: max(end_s, newest.get(number, end_s)) for number, end_s in last.items()} if newest else last

    async def _settle(self, rows: Incoming, places: npt.NDArray[np.int64], known: Mapping[int, Version]) -> None:
        """Known keys: what says the same is counted, what says otherwise becomes a revision, now or in the past."""
        if not len(places):
            return
        received = await self._received({version[BATCH] for version in known.values()})
        older: list[int] = []
        changed: list[int] = []
        for i in places.tolist():
            old = known[int(rows.key[i])]
            if (received[old[BATCH]], old[BATCH]) > (self._received_s, self._batch_id):
                older.append(i)
            elif content(version_of(rows, i, 0, 0)) == content(old):
                self.outcome.unchanged += 1
            else:
                changed.append(i)
        if changed:
            await self._supersede(rows.take(np.array(changed)), known, received)
        past = await self._past(rows.take(np.array(older))) if older else {}
        for i in older:
            key = int(rows.key[i])
            version, old = version_of(rows, i, self._batch_id, 0), known[key]
            if key not in past and content(version) == content(old):
                self.outcome.unchanged += 1
            else:
                await self._file_in_the_past(old, received[old[BATCH]], version, rows.take(np.array([i])))

    async def _past(self, rows: Incoming) -> dict[int, int]:
        """The highest revision number among superseded versions, for the keys that have any."""
        if self._sqlite:
            found = await self._connection.exec_driver_sql(
                "SELECT k.value, max(v.revision) FROM json_each(?) k CROSS JOIN revisions v "
                f"ON v.series_id = k.value & {SERIES_MASK} AND v.end_s = k.value >> {SERIES_BITS} GROUP BY k.value",
                (json.dumps(rows.key.tolist()),),
            )
        else:
            found = await self._connection.exec_driver_sql(
                f"SELECT (v.end_s << {SERIES_BITS}) | v.series_id, max(v.revision) "
                "FROM unnest(%s::bigint[], %s::bigint[]) k(end_s, series_id) "
                "JOIN revisions v ON v.series_id = k.series_id AND v.end_s = k.end_s GROUP BY 1",
                (array_text(rows.end_s), array_text(rows.series_id)),
            )
        return {row[0]: row[1] for row in map(tuple, found)}

    async def _received(self, batches: set[int]) -> dict[int, int]:
        listed = ", ".join(map(str, sorted(batches)))
        found = await self._connection.exec_driver_sql(f"SELECT id, received_s FROM answers WHERE id IN ({listed})")
        return {row.id: row.received_s for row in found}

    async def _supersede(self, rows: Incoming, known: Mapping[int, Version], received: Mapping[int, int]) -> None:
        """Put rows in the place of the versions on record, which go to the revisions."""
        past = await self._past(rows)
        kept: list[tuple[Any, ...]] = []
        put: list[Version] = []
        for i, key in enumerate(rows.key.tolist()):
            old = known[key]
            kept.append((*old, received[old[BATCH]], self._received_s, self._batch_id, "corrected", ""))
            new = version_of(rows, i, self._batch_id, max(past.get(key, 0), old[REVISION]) + 1)
            put.append(new)
        await self._execute(_KEEP, kept)
        hot, packed = self._parted(put)
        if hot:
            await self._execute(_REPLACE, [(*new[2:], *new[:2]) for new in hot])
        for new in packed:
            self._packed.put(new, self._received_s)
        self.outcome.revised += len(rows)
        self._note(rows, np.array([new[REVISION] for new in put], dtype=np.int64))

    async def _next_revision(self, version: Version) -> int:
        found = await self._execute(
            "SELECT max(revision) FROM revisions WHERE series_id = ? AND end_s = ?", (version[1], version[0])
        )
        return int(max(found.scalar_one() or 0, version[REVISION])) + 1

    async def _file_in_the_past(
        self, current: Version, current_received_s: int, version: Version, row: Incoming
    ) -> None:
        """Older knowledge (`row`, as a version) is kept as a superseded revision between its neighbours in time, unless one says the same.

        It takes over the end of the version that stood then, with its reason: a withdrawal stays where the publisher put it.
        """
        found = await self._execute(
            f"SELECT {COLUMNS}, received_s, superseded_s, superseded_by, reason, note FROM revisions WHERE series_id = ? AND end_s = ?",
            (version[1], version[0]),
        )
        now = (self._received_s, self._batch_id)
        line = sorted(
            [tuple(row) for row in found] + [(*current, current_received_s)], key=lambda row: (row[WIDTH], row[BATCH])
        )
        before = [row for row in line if (row[WIDTH], row[BATCH]) <= now]
        after = line[len(before)]
        if content(after) == content(version) or (before and content(before[-1]) == content(version)):
            self.outcome.unchanged += 1
            return
        revision = await self._next_revision(current)
        filed = (*version[:REVISION], revision, *version[REVISION + 1 :])
        end = (after[WIDTH], after[BATCH], "corrected", "")
        if before and (before[-1][WIDTH + 1], before[-1][WIDTH + 2]) > now:
            end = before[-1][WIDTH + 1 :]
            await self._execute(
                "UPDATE revisions SET superseded_s = ?, superseded_by = ?, reason = 'corrected', note = '' "
                "WHERE series_id = ? AND end_s = ? AND revision = ?",
                (*now, before[-1][1], before[-1][0], before[-1][REVISION]),
            )
        await self._execute(_KEEP, (*filed, self._received_s, *end))
        self.outcome.revised += 1
        self.outcome.entered.append((row, np.array([revision])))

    async def withdraw(self, series_id: int, end_s: int, note: str = "") -> bool:
        """The publisher took a reading back: it stands no more, its versions stay; False if there is none."""
        found = (
            await self._execute(
                f"SELECT {COLUMNS} FROM readings WHERE series_id = ? AND end_s = ?",
                (series_id, end_s),
            )
        ).first()
        await self._packed.load(np.array([series_id]), np.array([end_s]))
        version = self._packed.version(series_id, end_s) if found is None else tuple(found)
        if version is None:
            return False
        received = await self._received({version[BATCH]})
        ended = (received[version[BATCH]], self._received_s, self._batch_id, "withdrawn", note)
        await self._execute(_KEEP, (*version, *ended))
        if found is None:
            self._packed.remove(series_id, end_s)
        else:
            await self._execute("DELETE FROM readings WHERE series_id = ? AND end_s = ?", (series_id, end_s))
        self.outcome.revised += 1
        self.outcome.withdrawn.append(end_s)
        self.outcome.taken_back.append((series_id, end_s, note))
        return True

    async def _execute(self, statement: str, values: tuple[Any, ...] | list[tuple[Any, ...]]) -> Any:
        return await self._connection.exec_driver_sql(
            statement if self._sqlite else statement.replace("?", "%s"), values
        )


def _named(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in COLUMNS.split(", "))
