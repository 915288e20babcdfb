"""Upkeep: migrate, check that the store agrees with itself, count, give space back. Each check names what it found."""

# ruff: noqa: S608 - statements are put together from constant names

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection

from store import migrate
from store.engine import Store, StoreRefused, open_store
from store.inspecting import inspect
from store.packed import DAY_S, SPAN, SQL_COVERS, SQL_DAY


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be: a short code, how often, and one example in words."""

    code: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Stats:
    """How much the store holds and how large it is; `first_end_s` is to the day where history is packed."""

    dialect: str
    server_version: str
    schema: str
    size_bytes: int
    rows: dict[str, int]
    first_end_s: int | None
    last_end_s: int | None


async def upgrade(url: str) -> str:
    """Bring the database at `url` to this program's schema; the schema it then has. Raises StoreRefused."""
    store = await open_store(url, migrate=True)
    try:
        async with store.engine.connect() as connection:
            return await connection.run_sync(migrate.current) or ""
    finally:
        await store.close()


#: code -> (a query that counts and gives an example of what should not be).
_CHECKS: dict[str, str] = {
    "reading_without_series": (
        "SELECT count(*), min(r.series_id) FROM readings r LEFT JOIN series s ON s.id = r.series_id WHERE s.id IS NULL"
    ),
    "reading_without_answer": (
        "SELECT count(*), min(r.batch_id) FROM readings r LEFT JOIN answers a ON a.id = r.batch_id WHERE a.id IS NULL"
    ),
    "revision_without_answer": (
        "SELECT count(*), min(r.batch_id) FROM revisions r LEFT JOIN answers a ON a.id = r.batch_id WHERE a.id IS NULL"
    ),
    "revision_ends_before_it_begins": "SELECT count(*), min(series_id) FROM revisions WHERE superseded_s < received_s",
    "revision_number_taken": (
        "SELECT count(*), min(r.series_id) FROM revisions v JOIN readings r "
        "ON r.series_id = v.series_id AND r.end_s = v.end_s AND r.revision = v.revision"
    ),
    "series_without_station": (
        "SELECT count(*), min(s.id) FROM series s LEFT JOIN stations t ON t.id = s.station_id WHERE t.id IS NULL"
    ),
    "latest_behind": (
        "SELECT count(*), min(l.series_id) FROM latest l WHERE EXISTS "
        "(SELECT 1 FROM readings r WHERE r.series_id = l.series_id AND r.end_s > l.end_s) OR EXISTS "
        f"(SELECT 1 FROM packed p WHERE p.series_id = l.series_id AND p.day >= {SQL_DAY.format('l.end_s')} - {SPAN - 1} AND p.last_end_s > l.end_s)"
    ),
    "latest_without_reading": (
        "SELECT count(*), min(l.series_id) FROM latest l LEFT JOIN readings r "
        "ON r.series_id = l.series_id AND r.end_s = l.end_s WHERE r.end_s IS NULL AND NOT EXISTS "
        f"(SELECT 1 FROM packed p WHERE p.series_id = l.series_id AND {SQL_COVERS.format(SQL_DAY.format('l.end_s'))} AND p.last_end_s = l.end_s)"
    ),
    "reading_both_hot_and_packed": (
        "SELECT count(*), min(r.series_id) FROM readings r JOIN packed p "
        f"ON p.series_id = r.series_id AND {SQL_COVERS.format(SQL_DAY.format('r.end_s'))}"
    ),
    "packed_day_without_series": (
        "SELECT count(*), min(p.series_id) FROM packed p LEFT JOIN series s ON s.id = p.series_id WHERE s.id IS NULL"
    ),
    "sample_with_two_standing_revisions": (
        "SELECT count(*), min(n) FROM (SELECT count(*) AS n FROM samples WHERE superseded_s IS NULL GROUP BY uid HAVING count(*) > 1) d"
    ),
    "sample_result_without_sample": (
        "SELECT count(*), min(r.sample_id) FROM sample_results r LEFT JOIN samples s ON s.id = r.sample_id WHERE s.id IS NULL"
    ),
    "answer_without_run": "SELECT count(*), min(a.id) FROM answers a LEFT JOIN runs r ON r.id = a.run_id WHERE r.id IS NULL",
    "run_tally_differs_from_its_answers": (
        "SELECT count(*), min(d.id) FROM (SELECT r.id FROM runs r JOIN answers a ON a.run_id = r.id "
        "GROUP BY r.id, r.stored, r.revised, r.read HAVING sum(a.stored) <> r.stored OR sum(a.revised) <> r.revised OR sum(a.read) <> r.read) d"
    ),
    "alert_event_gap": (
        "SELECT count(*), min(a.id) FROM alerts a WHERE a.revision <> "
        "(SELECT coalesce(max(e.revision), -1) FROM alert_events e WHERE e.alert_id = a.id)"
    ),
    "outbox_sequence_gap": (
        "SELECT count(*), min(s.id) FROM subscriptions s WHERE s.last_sequence <> "
        "(SELECT count(*) FROM outbox o WHERE o.subscription_id = s.id)"
    ),
}


async def check(store: Store) -> list[Finding]:
    """Everything that should not be in the store; empty when it agrees with itself."""
    findings: list[Finding] = []
    async with store.reading() as connection:
        if store.is_sqlite:
            findings += await _file_integrity(connection)
        for code, question in _CHECKS.items():
            found = await _ask(connection, code, question)
            findings += [found] if found else []
        packed = await inspect(connection)
    return findings + [Finding(code, count, packed.examples[code]) for code, count in packed.counts.items()]


async def _ask(connection: AsyncConnection, code: str, question: str) -> Finding | None:
    try:
        row = tuple((await connection.exec_driver_sql(question)).one())
    except DatabaseError as error:
        return Finding("unreadable", 1, f"{code}: {error.orig}")
    return Finding(code, row[0], f"for example number {row[-1]}") if row[0] else None


async def _file_integrity(connection: AsyncConnection) -> list[Finding]:
    try:
        said = list((await connection.exec_driver_sql("PRAGMA quick_check")).scalars())
    except DatabaseError as error:
        said = [error.orig]
    return [] if said == ["ok"] else [Finding("file_damaged", len(said), str(said[0]))]


_COUNT = "SELECT count(*) FROM {}"
_COUNTED = (
    "stations", "series", "readings", "packed", "rollups", "revisions", "answers", "runs", "samples", "sample_results", "quakes", "alerts", "outbox",
)  # fmt: skip


async def stats(store: Store) -> Stats:
    """Counts of rows (exact), size on disk, span of the readings."""
    async with store.reading() as connection:
        rows = {name: int((await connection.exec_driver_sql(_COUNT.format(name))).scalar_one()) for name in _COUNTED}
        question = "SELECT coalesce(sum(readings), 0), min(day), max(last_end_s) FROM packed"
        packed = tuple((await connection.exec_driver_sql(question)).one())
        rows["packed_readings"] = int(packed[0])
        hot = tuple((await connection.exec_driver_sql("SELECT min(end_s), max(end_s) FROM readings")).one())
        schema = await connection.run_sync(migrate.current) or ""
        if store.is_sqlite:
            version = str((await connection.exec_driver_sql("SELECT sqlite_version()")).scalar_one())
            size = _size(sa.make_url(store.url).database or "")
        else:
            version = str((await connection.exec_driver_sql("SHOW server_version")).scalar_one())
            size = int((await connection.exec_driver_sql("SELECT pg_database_size(current_database())")).scalar_one())
    first = [hot[0], None if packed[1] is None else packed[1] * DAY_S]
    last = [hot[1], packed[-1]]
    return Stats(
        store.dialect,
        version,
        schema,
        size,
        rows,
        min((one for one in first if one is not None), default=None),
        max((one for one in last if one is not None), default=None),
    )


def _size(path: str) -> int:
    return sum(file.stat().st_size for end in ("", "-wal") if (file := Path(path + end)).is_file())


async def backup(store: Store, path: Path) -> int:
    """A whole copy of a SQLite file as of one moment, made while others read and write; its size in bytes. Raises StoreRefused."""
    if not store.is_sqlite:
        raise StoreRefused("A PostgreSQL database is copied by pg_dump: see docs/operating.md.")
    _refuse_existing(path)
    async with store.engine.connect() as fresh:
        connection = await fresh.execution_options(sqlite_begin="NONE")
        await connection.exec_driver_sql("VACUUM INTO ?", (str(path),))
    return _size(str(path))


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise StoreRefused(f"{path} is there already; a backup never writes over one.")


async def vacuum(store: Store) -> None:
    """Give space back and refresh the planner's statistics; readers go on, writers wait on SQLite."""
    async with store.write_lock, store.engine.connect() as fresh:
        if not store.is_sqlite:
            connection = await fresh.execution_options(isolation_level="AUTOCOMMIT")
            await connection.exec_driver_sql("VACUUM (ANALYZE)")
            return
        connection = await fresh.execution_options(sqlite_begin="NONE")
        for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "ANALYZE"):
            await connection.exec_driver_sql(statement)
