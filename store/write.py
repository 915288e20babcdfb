"""The one way in: an answer, everything it gave and the record of its run, in one transaction.

A crash before the commit leaves nothing, a crash after it leaves everything, and doing it again changes nothing: so a
collector may always simply repeat.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.flags import STANDING
from domain.readings import Batch, Harvest, IntArray, Readings, Tally
from domain.reasons import Ignored, Refusal
from domain.states import FeedState
from store import following, leaf, log, observing, tables
from store.copying import array_text
from store.engine import Store
from store.incoming import Incoming, incoming
from store.places import Places
from store.readings import Outcome, Overtaken, Writer
from store.samples import SampleWriter

REFUSALS_KEPT = 50
ATTEMPTS = 4
_FOREVER_S = 2**40


@dataclass(slots=True)
class _Commit:
    """What one transaction has done."""

    tally: Tally
    batch_id: int
    outcome: Outcome
    rows: Incoming | None


async def commit_batch(store: Store, batch: Batch, areas: Mapping[str, tuple[str, ...]]) -> Tally:
    """Store everything a batch holds in one transaction; returns the tally with stored, unchanged and revised filled in.

    `areas` maps a station uid to the ids of the areas it lies in. Idempotent: the same batch again changes no value and
    counts everything as unchanged. Raises what the database raises; then nothing of the batch is in the store.
    """
    async with store.commit_lock:
        done = await _committed(store, batch, areas)
        store.known_feeds.add(batch.feed_id)
        store.window_seen.add(done.batch_id)
        if done.rows is not None:
            store.window.committed(done.rows, done.outcome.written, _origin(batch), batch.received_s)
        return done.tally


async def _committed(store: Store, batch: Batch, areas: Mapping[str, tuple[str, ...]], attempt: int = 1) -> _Commit:
    """One transaction, and another one when somebody else was faster: what the window believed is out of date then."""
    try:
        async with store.writing() as connection:
            return await _commit(store, connection, batch, areas)
    except Overtaken:
        store.entered.forget()
        store.window.forget()
        store.partitions.names.clear()
        if attempt == ATTEMPTS:
            raise
        return await _committed(store, batch, areas, attempt + 1)
    except BaseException:
        store.entered.forget()  # it may hold stations that were rolled back
        raise


async def _commit(
    store: Store, connection: AsyncConnection, batch: Batch, areas: Mapping[str, tuple[str, ...]]
) -> _Commit:
    await _lock_feed(store, connection, batch.feed_id)
    await store.entered.catch_up(connection)
    run_id, is_new = await _run(connection, batch)
    batch_id, again = await _answer(connection, batch, run_id, may_exist=not is_new)
    if not store.is_only_writer:
        await following.drop_stale(store, connection, batch_id - 1)  # another collector may have had this feed before
    harvest = batch.harvest
    places = Places(connection, store.entered, batch.feed_id, batch.received_s, batch.exercise)
    await places.enter_stations(harvest.stations, areas)
    other_unit = await places.enter_series((*(harvest.readings.series if harvest.readings else ()), *harvest.series))
    await places.enter_marks(harvest.marks, complete=harvest.marks_complete)
    await places.finish()
    outcome, lost, rows = await _readings(store, connection, batch, batch_id, other_unit)
    others = SampleWriter(connection, store.entered, batch.feed_id, batch_id, batch.received_s)
    await others.samples(harvest.samples)
    await others.quakes(harvest.quakes, exercise=batch.exercise)
    tally = _tally(harvest, outcome, others, lost)
    told = log.contents(outcome, others, store.entered)
    if not again:
        await _record(connection, batch, run_id, batch_id, tally, outcome, told)
    elif told:
        # the same answer read otherwise than before (a mended decoder): no new answer tells readers, so the counter must
        await places.touch()
        await log.append_reread(connection, batch_id, told, outcome, others)
    return _Commit(tally, batch_id, outcome, rows)


async def _lock_feed(store: Store, connection: AsyncConnection, feed_id: str) -> None:
    """One commit per feed at a time: two collectors that both hold a feed for a moment must not race on its rows."""
    if feed_id not in store.known_feeds:
        insert: Any = sqlite.insert if store.is_sqlite else postgresql.insert
        entered = insert(tables.feed_health).values(feed_id=feed_id, state=FeedState.NEVER_RUN.value)
        await connection.execute(entered.on_conflict_do_nothing())
    if not store.is_sqlite:
        await connection.exec_driver_sql("SELECT 1 FROM feed_health WHERE feed_id = %s FOR UPDATE", (feed_id,))


async def _run(connection: AsyncConnection, batch: Batch) -> tuple[int, bool]:
    return await _run_id(connection, batch.run_uid, batch.feed_id, batch.run_started_s, batch.exercise)


async def _run_id(
    connection: AsyncConnection, uid: str, feed_id: str, started_s: int, exercise: bool
) -> tuple[int, bool]:
    """The run's row, entered if need be, and whether it was."""
    table = tables.runs
    found = (await connection.execute(sa.select(table.c.id).where(table.c.uid == uid))).scalar()
    if found is not None:
        return int(found), False
    inserted = await connection.execute(
        sa.insert(table).values(uid=uid, feed_id=feed_id, started_s=started_s, exercise=exercise).returning(table.c.id)
    )
    return int(inserted.scalar_one()), True


async def _answer(connection: AsyncConnection, batch: Batch, run_id: int, *, may_exist: bool) -> tuple[int, bool]:
    """The batch's row in `answers`, and whether it was there before; a new run has none."""
    table, answer = tables.answers, batch.answer
    asked = sa.select(table.c.id).where(
        table.c.run_id == run_id,
        table.c.url == answer.url,
        table.c.requested_s == answer.requested_s,
        table.c.sha256 == answer.sha256,
    )
    found = (await connection.execute(asked)).scalar() if may_exist else None
    if found is not None:
        return int(found), True
    inserted = await connection.execute(
        sa.insert(table).values(run_id=run_id, **_answer_values(batch)).returning(table.c.id)
    )
    return int(inserted.scalar_one()), False


def _answer_values(batch: Batch) -> dict[str, Any]:
    """The columns of `answers` that are known before anything is written."""
    answer = batch.answer
    return {
        "feed_id": batch.feed_id,
        "method": answer.method,
        "url": answer.url,
        "requested_s": answer.requested_s,
        "answered_s": answer.received_s,
        "received_s": batch.received_s,
        "status": answer.status,
        "sha256": answer.sha256,
        "size_bytes": answer.size_bytes,
        "not_modified": answer.not_modified,
        "failure": answer.failure.value if answer.failure else "",
        "failure_detail": answer.failure_detail,
        "exercise": batch.exercise,
    }


async def _readings(
    store: Store, connection: AsyncConnection, batch: Batch, batch_id: int, other_unit: set[str]
) -> tuple[Outcome, dict[str, int], Incoming | None]:
    """Write the readings; also what was lost on the way, by reason."""
    readings = batch.harvest.readings
    if readings is None or not len(readings):
        return Outcome(), {}, None
    ids = _series_ids(store, batch.feed_id, readings, other_unit)
    rows, repeats, contradictory = incoming(readings, ids)
    outcome = await Writer(connection, store.window, store.partitions, batch_id, batch.received_s).write(
        rows, _origin(batch)
    )
    outcome.unchanged += repeats
    await _move_latest(connection, outcome, batch.received_s)
    lost = {
        Refusal.UNKNOWN_UNIT.value: int((ids[readings.index] < 0).sum()),
        Refusal.CONTRADICTS_IN_PAYLOAD.value: contradictory,
    }
    return outcome, {reason: count for reason, count in lost.items() if count}, rows


def _origin(batch: Batch) -> str:
    return f"{batch.feed_id} {batch.answer.url}"


def _series_ids(store: Store, feed_id: str, readings: Readings, other_unit: set[str]) -> IntArray:
    ids = store.entered.ids_of(feed_id, readings.series)
    if not other_unit:
        return ids
    return np.where([one.uid in other_unit for one in readings.series], -1, ids)


_LATEST = (
    "INSERT INTO latest (series_id, end_s, received_s) VALUES (?, ?, ?) ON CONFLICT (series_id) DO UPDATE "
    "SET end_s = excluded.end_s, received_s = excluded.received_s WHERE excluded.end_s >= latest.end_s"
)
#: PostgreSQL takes about twice as long to insert and collide as to update: what is there is moved, and only the rest entered.
_MOVED = (
    "WITH k AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[]) k(series_id, end_s)), "
    "moved AS (UPDATE latest l SET end_s = k.end_s, received_s = %s FROM k "
    "WHERE l.series_id = k.series_id AND l.end_s <= k.end_s RETURNING l.series_id) SELECT count(*) FROM moved"
)
_ENTERED = (
    "INSERT INTO latest (series_id, end_s, received_s) SELECT s, e, %s FROM unnest(%s::bigint[], %s::bigint[]) k(s, e) "
    "ON CONFLICT (series_id) DO UPDATE SET end_s = excluded.end_s, received_s = excluded.received_s "
    "WHERE excluded.end_s >= latest.end_s AND (excluded.end_s, excluded.received_s) <> (latest.end_s, latest.received_s)"
)


async def _move_latest(connection: AsyncConnection, outcome: Outcome, received_s: int) -> None:
    if not outcome.newest:
        return
    if connection.dialect.name == "sqlite":
        rows = [(series_id, end_s, received_s) for series_id, end_s in outcome.newest.items()]
        await connection.exec_driver_sql(_LATEST, rows)
        return
    count = len(outcome.newest)
    ids, ends = array_text(outcome.newest), array_text(outcome.newest.values())
    moved = (await connection.exec_driver_sql(_MOVED, (ids, ends, received_s))).scalar_one()
    if moved < count:  # new series, or ends that are not newer: those stay
        await connection.exec_driver_sql(_ENTERED, (received_s, ids, ends))


def _tally(harvest: Harvest, outcome: Outcome, others: SampleWriter, lost: Mapping[str, int]) -> Tally:
    news = ~int(STANDING)
    flagged = int(np.count_nonzero(harvest.readings.qc & news)) if harvest.readings is not None else 0
    counted = Tally(
        read=harvest.read,
        stored=outcome.stored + others.stored,
        unchanged=outcome.unchanged + others.unchanged,
        revised=outcome.revised + others.revised,
        flagged=flagged,
        refused=_plain(harvest.refused),
        ignored=_plain(harvest.ignored),
    )
    return counted + Tally(refused=lost)


def _plain(counts: Mapping[Refusal, int] | Mapping[Ignored, int]) -> dict[str, int]:
    return {reason.value: count for reason, count in sorted(counts.items())}


async def _record(
    connection: AsyncConnection,
    batch: Batch,
    run_id: int,
    batch_id: int,
    tally: Tally,
    outcome: Outcome,
    told: leaf.Contents,
) -> None:
    """The run, the clocks and the refusals of an answer; last, because there collectors queue, its place in the log."""
    await _add_to_run(connection, run_id, tally)
    kept = batch.harvest.refused_rows[:REFUSALS_KEPT]
    if kept:
        await connection.execute(
            sa.insert(tables.refusals),
            [
                {
                    "answer_id": batch_id,
                    "position": i,
                    "reason": row.reason.value,
                    "where_text": row.where,
                    "detail": row.detail,
                }
                for i, row in enumerate(kept)
            ],
        )
    await _move_clocks(connection, batch, run_id, gave_new=tally.stored > 0)
    ends = outcome.ends_s or (None, None)
    counts = _counts(tally) | {"first_end_s": ends[0], "last_end_s": ends[1]}
    number = await log.append(connection, _answer_values(batch) | counts, told)
    await connection.execute(
        sa.update(tables.answers).where(tables.answers.c.id == batch_id).values(**counts, leaf=number)
    )


def _counts(tally: Tally) -> dict[str, Any]:
    return {
        "read": tally.read,
        "stored": tally.stored,
        "unchanged": tally.unchanged,
        "revised": tally.revised,
        "flagged": tally.flagged,
        "refused": json.dumps(dict(sorted(tally.refused.items()))),
        "ignored": json.dumps(dict(sorted(tally.ignored.items()))),
    }


def tally_of(row: Any) -> Tally:
    """The counts of a row of `runs` or `answers`."""
    return Tally(
        row.read,
        row.stored,
        row.unchanged,
        row.revised,
        row.flagged,
        json.loads(row.refused or "{}"),
        json.loads(row.ignored or "{}"),
    )


async def _add_to_run(connection: AsyncConnection, run_id: int, tally: Tally) -> None:
    table = tables.runs
    counts = {
        name: table.c[name] + getattr(tally, name) for name in ("read", "stored", "unchanged", "revised", "flagged")
    }
    if tally.refused or tally.ignored:
        row = (await connection.execute(sa.select(table).where(table.c.id == run_id))).one()
        both = _counts(tally_of(row) + tally)
        counts |= {"refused": both["refused"], "ignored": both["ignored"]}
    await connection.execute(sa.update(table).where(table.c.id == run_id).values(**counts))


async def _move_clocks(connection: AsyncConnection, batch: Batch, run_id: int, *, gave_new: bool) -> None:
    """The three clocks only ever go forward, whatever order answers are taken in."""
    health, at = tables.feed_health, batch.received_s
    names = ["last_try_s"] + ["last_success_s"] * (batch.answer.failure is None) + ["last_new_s"] * gave_new
    values: dict[str, Any] = {name: _later(health.c[name], at) for name in names}
    values["last_run_id"] = sa.case(
        (sa.func.coalesce(health.c.last_try_s, at) <= at, run_id), else_=health.c.last_run_id
    )
    await connection.execute(sa.update(health).where(health.c.feed_id == batch.feed_id).values(**values))


def _later(column: sa.ColumnElement[int], at_s: int) -> sa.ColumnElement[int]:
    return sa.case((sa.func.coalesce(column, at_s) <= at_s, at_s), else_=column)


async def finish_run(store: Store, run_uid: str, finished_s: int, state: FeedState, cause: str) -> None:
    """Close a run with the state it leaves its feed in; a run without any answer is entered here. Idempotent."""
    feed_id, _, started = run_uid.partition("@")
    async with store.commit_lock, store.writing() as connection:
        await _lock_feed(store, connection, feed_id)
        run_id, _ = await _run_id(connection, run_uid, feed_id, _seconds(started, finished_s), exercise=False)
        await connection.execute(
            sa.update(tables.runs)
            .where(tables.runs.c.id == run_id)
            .values(finished_s=finished_s, state=state.value, cause=cause)
        )
        health = tables.feed_health
        row = (await connection.execute(sa.select(health).where(health.c.feed_id == feed_id))).one()
        if row.last_try_s is None or finished_s >= row.last_try_s:
            values = {"state": state.value, "cause": cause, "last_run_id": run_id, "last_try_s": finished_s}
            await connection.execute(sa.update(health).where(health.c.feed_id == feed_id).values(**values))


def _seconds(started: str, fallback_s: int) -> int:
    try:
        return int(datetime.fromisoformat(started).timestamp())
    except ValueError:
        return fallback_s


async def withdraw(store: Store, batch: Batch, keys: Mapping[str, tuple[int, ...]], note: str) -> Tally:
    """The publisher took readings back ({series uid: ends}): they stand no more, their versions and the reason stay."""
    async with store.commit_lock, store.writing() as connection:
        await _lock_feed(store, connection, batch.feed_id)
        await store.entered.catch_up(connection)
        run_id, is_new = await _run(connection, batch)
        batch_id, again = await _answer(connection, batch, run_id, may_exist=not is_new)
        writer = Writer(connection, store.window, store.partitions, batch_id, batch.received_s)
        for uid, ends in keys.items():
            series_id = store.entered.series_ids[uid]
            for end_s in ends:
                await writer.withdraw(series_id, end_s, note)
        await writer.finish()
        for uid in keys:
            await _find_latest(connection, store.entered.series_ids[uid])
        tally = Tally(read=batch.harvest.read, revised=writer.outcome.revised)
        told = log.contents(writer.outcome, None, store.entered)
        if not again:
            await _record(connection, batch, run_id, batch_id, tally, writer.outcome, told)
        elif told:
            await log.append_reread(connection, batch_id, told, writer.outcome, None)
    store.window.forget()
    return tally


async def _find_latest(connection: AsyncConnection, series_id: int) -> None:
    await connection.execute(sa.delete(tables.latest).where(tables.latest.c.series_id == series_id))
    found = await observing.newest_as_of(connection, np.array([series_id]), _FOREVER_S)
    for row in found:
        newest = {"series_id": series_id, "end_s": row[1], "received_s": row[10]}
        await connection.execute(sa.insert(tables.latest).values(newest))
