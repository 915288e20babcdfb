"""Writing readings: what is new is inserted, what changed becomes a revision, what is the same costs nothing.

Two readings of one (series, end) are the same when value, digits, censoring, limit and text are. QC flags and the
publisher's own stamp are not compared: flags such as "stale at receipt" depend on when a value came, and many feeds stamp
every re-send anew; a revision for those would say that a value changed which did not.

Knowledge has an order: (received, batch). A batch that was received before the version on record (an older archive taken
in later, or the same one again) never displaces it: what it says is filed where it belongs in the past.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import NO_TIME, TEXT_KEPT, FloatArray, IntArray, Readings
from store import partitions

#: (end_s, series_id) in one integer: room for 16 million series and any stamp.
SERIES_BITS = 24
_SERIES_MASK = (1 << SERIES_BITS) - 1

COLUMNS = "end_s, series_id, value, batch_id, digits, qc, censoring, revision, published_after_s, limit_value, text"
_WIDTH = 11
_INSERT_SQLITE = f"INSERT INTO readings ({COLUMNS}) VALUES ({', '.join('?' * _WIDTH)})"
_BATCH, _REVISION = 3, 7

Version = tuple[Any, ...]  # one row of COLUMNS


@dataclass(slots=True)
class Outcome:
    """What became of the readings of one batch; `newest` holds the newest end of each series that gained or changed a value."""

    stored: int = 0
    unchanged: int = 0
    revised: int = 0
    contradictory: int = 0
    newest: dict[int, int] = field(default_factory=dict)
    written: Incoming | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """Readings as columns with internal series ids, each key once, ordered by (end_s, series_id)."""

    key: IntArray
    end_s: IntArray
    series_id: IntArray
    value: FloatArray
    digits: IntArray
    censoring: IntArray
    limit: FloatArray
    published_s: IntArray
    qc: IntArray
    texts: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: npt.NDArray[Any]) -> Incoming:
        """The rows chosen by an index array, in its order."""
        texts = (
            {new: self.texts[old] for new, old in enumerate(rows.tolist()) if old in self.texts} if self.texts else {}
        )
        return Incoming(
            self.key[rows],
            self.end_s[rows],
            self.series_id[rows],
            self.value[rows],
            self.digits[rows],
            self.censoring[rows],
            self.limit[rows],
            self.published_s[rows],
            self.qc[rows],
            texts,
        )


def incoming(readings: Readings, series_ids: IntArray) -> tuple[Incoming, int, int]:
    """Sorted columns with each key once (the first one met), the number of exact repeats and of contradictions dropped.

    `series_ids` are the internal ids of `readings.series`; -1 leaves a series' rows out.
    """
    ids = series_ids[readings.index]
    kept = np.flatnonzero(ids >= 0)
    key = (readings.end_s[kept] << SERIES_BITS) | ids[kept]
    order = kept[np.argsort(key, kind="stable")]
    every = Incoming(
        (readings.end_s << SERIES_BITS) | ids,
        readings.end_s,
        ids,
        readings.value,
        readings.digits.astype(np.int64),
        readings.censoring.astype(np.int64),
        readings.limit,
        readings.published_s,
        readings.qc,
        readings.texts,
    ).take(order)
    first = np.ones(len(every), dtype=bool)
    first[1:] = every.key[1:] != every.key[:-1]
    if first.all():
        return every, 0, 0
    leader = np.maximum.accumulate(np.where(first, np.arange(len(every)), 0))
    repeats = sum(_content(every, i) == _content(every, int(leader[i])) for i in np.flatnonzero(~first).tolist())
    return every.take(np.flatnonzero(first)), repeats, int((~first).sum()) - repeats


def _content(rows: Incoming, i: int) -> tuple[Any, ...]:
    return content(_version(rows, i, 0, 0))


def content(version: Version) -> tuple[Any, ...]:
    """What makes two versions the same: value, digits, censoring, limit, text."""
    return (version[2], version[4], version[6], version[9], version[10])


def _version(rows: Incoming, i: int, batch_id: int, revision: int) -> Version:
    value, limit, published_s = float(rows.value[i]), float(rows.limit[i]), int(rows.published_s[i])
    end_s = int(rows.end_s[i])
    return (
        end_s,
        int(rows.series_id[i]),
        _or_none(value),
        batch_id,
        int(rows.digits[i]),
        int(rows.qc[i]),
        int(rows.censoring[i]),
        revision,
        None if published_s == NO_TIME else published_s - end_s,
        _or_none(limit),
        rows.texts.get(i),
    )


def _or_none(number: float) -> float | None:
    return None if math.isnan(number) else number


def _versions(rows: Incoming, batch_id: int) -> list[Version]:
    """All rows as tuples of COLUMNS at revision 1, made column by column: 5,000 rows take 2 ms, row by row 15."""
    n = len(rows)
    value = _optional(rows.value, np.isnan(rows.value))
    limit = _optional(rows.limit, np.isnan(rows.limit))
    published = _optional(rows.published_s - rows.end_s, rows.published_s == NO_TIME)
    texts: list[str | None] = [None] * n
    for i, text in rows.texts.items():
        texts[i] = text
    return list(
        zip(
            rows.end_s.tolist(),
            rows.series_id.tolist(),
            value,
            [batch_id] * n,
            rows.digits.tolist(),
            rows.qc.tolist(),
            rows.censoring.tolist(),
            [1] * n,
            published,
            limit,
            texts,
            strict=True,
        )
    )


def _optional(column: npt.NDArray[Any], missing: npt.NDArray[np.bool_]) -> list[Any]:
    if missing.all():
        return [None] * len(column)
    listed: list[Any] = column.tolist()
    if missing.any():
        for i in np.flatnonzero(missing).tolist():
            listed[i] = None
    return listed


class Writer:
    """The part of one transaction that writes readings of batch `batch_id`, received at `received_s`."""

    def __init__(self, connection: AsyncConnection, batch_id: int, received_s: int) -> None:
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._batch_id = batch_id
        self._received_s = received_s
        self.outcome = Outcome()

    async def write(self, rows: Incoming) -> Outcome:
        """Bring the database to where it knows these readings; counts what that took."""
        if not len(rows):
            return self.outcome
        if not self._sqlite:
            await partitions.ensure(self._connection, partitions.months(rows.end_s))
        known = await self._known(rows)
        new = np.fromiter((key not in known for key in rows.key.tolist()), bool, len(rows))
        fresh = rows.take(np.flatnonzero(new))
        if len(fresh) and not await self._insert(fresh):
            return await self.write(rows)  # another collector was faster: look again
        await self._settle(rows, np.flatnonzero(~new), known)
        return self.outcome

    async def _known(self, rows: Incoming) -> dict[int, Version]:
        """The versions on record under these keys."""
        if self._sqlite:
            found = await self._connection.exec_driver_sql(
                f"SELECT {_named('r')} FROM json_each(?) k CROSS JOIN readings r "
                f"ON r.end_s = k.value >> {SERIES_BITS} AND r.series_id = k.value & {_SERIES_MASK}",
                (json.dumps(rows.key.tolist()),),
            )
        else:
            found = await self._connection.exec_driver_sql(
                f"SELECT {_named('r')} FROM unnest(%s::bigint[], %s::bigint[]) k(end_s, series_id) "
                "JOIN readings r ON r.end_s = k.end_s AND r.series_id = k.series_id AND r.end_s BETWEEN %s AND %s",
                (rows.end_s.tolist(), rows.series_id.tolist(), int(rows.end_s[0]), int(rows.end_s[-1])),
            )
        return {(row[0] << SERIES_BITS) | row[1]: row for row in map(tuple, found)}

    async def _insert(self, fresh: Incoming) -> bool:
        """Insert rows believed to be new; False when PostgreSQL says that one of them is there already."""
        versions = await self._without_withdrawn(_versions(fresh, self._batch_id))
        if self._sqlite and versions:
            await self._connection.exec_driver_sql(_INSERT_SQLITE, versions)
        elif versions and not self._sqlite and not await self._copy(versions):
            return False
        self.outcome.stored += len(versions)
        self.outcome.unchanged += len(fresh) - len(versions)
        self.outcome.written = fresh
        self._note_newest(fresh)
        return True

    async def _copy(self, versions: Sequence[Version]) -> bool:
        raw: Any = (await self._connection.get_raw_connection()).driver_connection
        savepoint = await self._connection.begin_nested()
        try:
            async with raw.cursor() as cursor, cursor.copy(f"COPY readings ({COLUMNS}) FROM STDIN") as copy:
                for version in versions:
                    await copy.write_row(version)
        except Exception as error:
            if getattr(error, "sqlstate", "") != "23505":
                raise
            await savepoint.rollback()
            return False
        await savepoint.commit()
        return True

    async def _without_withdrawn(self, versions: list[Version]) -> list[Version]:
        """A reading that was withdrawn and comes again goes on counting; an older archive does not bring it back.

        Withdrawals are rare, so one look at an index tells mostly that there is nothing to do.
        """
        gone = await self._connection.exec_driver_sql(
            "SELECT series_id, end_s, max(revision), max(superseded_s) FROM revisions WHERE reason = 'withdrawn' GROUP BY series_id, end_s"
        )
        last = {(row[1], row[0]): (row[2], row[3]) for row in map(tuple, gone)}
        if not last:
            return versions
        kept: list[Version] = []
        for version in versions:
            before, withdrawn_s = last.get(version[:2], (0, self._received_s))
            if withdrawn_s <= self._received_s:
                kept.append((*version[:_REVISION], before + 1, *version[_REVISION + 1 :]))
        return kept

    def _note_newest(self, rows: Incoming) -> None:
        self.outcome.newest.update(
            zip(rows.series_id.tolist(), rows.end_s.tolist(), strict=True)
        )  # sorted: the last one stays

    async def _settle(self, rows: Incoming, places: npt.NDArray[np.int64], known: Mapping[int, Version]) -> None:
        """Known keys: equal ones are counted, different ones become revisions."""
        changed: list[int] = []
        for i in places.tolist():
            if content(_version(rows, i, 0, 0)) == content(known[int(rows.key[i])]):
                self.outcome.unchanged += 1
            else:
                changed.append(i)
        if not changed:
            return
        received = await self._received({known[int(rows.key[i])][_BATCH] for i in changed})
        for i in changed:
            old = known[int(rows.key[i])]
            if (received[old[_BATCH]], old[_BATCH]) <= (self._received_s, self._batch_id):
                await self._supersede(old, received[old[_BATCH]], rows, i)
            else:
                await self._file_in_the_past(old, received[old[_BATCH]], _version(rows, i, self._batch_id, 0))

    async def _received(self, batches: set[int]) -> dict[int, int]:
        listed = ", ".join(map(str, sorted(batches)))
        found = await self._connection.exec_driver_sql(f"SELECT id, received_s FROM answers WHERE id IN ({listed})")
        return {row.id: row.received_s for row in found}

    async def _supersede(self, old: Version, received_s: int, rows: Incoming, i: int) -> None:
        revision = await self._next_revision(old)
        await self._keep(old, received_s, self._received_s, self._batch_id, "corrected")
        new = _version(rows, i, self._batch_id, revision)
        await self._execute(
            "UPDATE readings SET value = ?, batch_id = ?, digits = ?, qc = ?, censoring = ?, revision = ?, published_after_s = ?, "
            "limit_value = ?, text = ? WHERE end_s = ? AND series_id = ?",
            (*new[2:], *new[:2]),
        )
        self.outcome.revised += 1
        end_s, series_id = new[:2]
        self.outcome.newest[series_id] = max(end_s, self.outcome.newest.get(series_id, end_s))

    async def _next_revision(self, version: Version) -> int:
        found = await self._execute(
            "SELECT max(revision) FROM revisions WHERE series_id = ? AND end_s = ?", (version[1], version[0])
        )
        return int(max(found.scalar_one() or 0, version[_REVISION])) + 1

    async def _file_in_the_past(self, current: Version, current_received_s: int, version: Version) -> None:
        """Older knowledge: kept as a superseded revision between its neighbours in time, unless one of them says the same."""
        found = await self._execute(
            f"SELECT {COLUMNS}, received_s FROM revisions WHERE series_id = ? AND end_s = ?",
            (version[1], version[0]),
        )
        line = sorted(
            [tuple(row) for row in found] + [(*current, current_received_s)], key=lambda row: (row[_WIDTH], row[_BATCH])
        )
        before = [row for row in line if (row[_WIDTH], row[_BATCH]) <= (self._received_s, self._batch_id)]
        after = line[len(before)]
        if content(after) == content(version) or (before and content(before[-1]) == content(version)):
            self.outcome.unchanged += 1
            return
        revision = await self._next_revision(current)
        await self._keep(
            (*version[:_REVISION], revision, *version[_REVISION + 1 :]),
            self._received_s,
            after[_WIDTH],
            after[_BATCH],
            "corrected",
        )
        if before:
            await self._execute(
                "UPDATE revisions SET superseded_s = ?, superseded_by = ? WHERE series_id = ? AND end_s = ? AND revision = ?",
                (self._received_s, self._batch_id, before[-1][1], before[-1][0], before[-1][_REVISION]),
            )
        self.outcome.revised += 1

    async def _keep(
        self, version: Version, received_s: int, superseded_s: int, superseded_by: int, reason: str, note: str = ""
    ) -> None:
        marks = ", ".join("?" * (_WIDTH + 5))
        await self._execute(
            f"INSERT INTO revisions ({COLUMNS}, received_s, superseded_s, superseded_by, reason, note) VALUES ({marks})",
            (*version, received_s, superseded_s, superseded_by, reason, note),
        )

    async def withdraw(self, series_id: int, end_s: int, note: str = "") -> bool:
        """The publisher took a reading back: it stands no more, its versions stay; False if there is none."""
        found = (
            await self._execute(
                f"SELECT {COLUMNS} FROM readings WHERE series_id = ? AND end_s = ?",
                (series_id, end_s),
            )
        ).first()
        if found is None:
            return False
        version = tuple(found)
        received = await self._received({version[_BATCH]})
        await self._keep(version, received[version[_BATCH]], self._received_s, self._batch_id, "withdrawn", note)
        await self._execute("DELETE FROM readings WHERE series_id = ? AND end_s = ?", (series_id, end_s))
        self.outcome.revised += 1
        return True

    async def _execute(self, statement: str, values: tuple[Any, ...]) -> Any:
        return await self._connection.exec_driver_sql(
            statement if self._sqlite else statement.replace("?", "%s"), values
        )


def _named(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in COLUMNS.split(", "))


def text_of(value: float | None, digits: int, text: str | None) -> str:
    """The published text of a stored reading."""
    if text is not None:
        return text
    return "" if value is None or digits == TEXT_KEPT else f"{value:.{digits}f}"


__all__ = ["COLUMNS", "SERIES_BITS", "Incoming", "Outcome", "Writer", "content", "incoming", "text_of"]
