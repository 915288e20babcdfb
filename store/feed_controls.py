"""What a collector must still know after a restart: which feeds are paused, which publishers are left alone, what was unchanged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.states import FeedState
from store import tables
from store.config_files import ConfigChange, note_change
from store.engine import Store
from store.read_runs import paused_because

_pauses, _breakers, _validators = tables.feed_pauses, tables.feed_breakers, tables.feed_validators


@dataclass(frozen=True, slots=True)
class Pause:
    """An operator's word that a feed is not to be asked."""

    feed_id: str
    author: str
    since_s: int
    reason: str


@dataclass(frozen=True, slots=True)
class BreakerRow:
    """A feed whose polls fail: so many in a row, and not asked again before `until_s`."""

    feed_id: str
    failures: int
    until_s: int
    cause: str


@dataclass(frozen=True, slots=True)
class Validator:
    """What a publisher's server said of the version of a document that is safe in the store."""

    method: str
    url: str
    etag: str
    last_modified: str


async def pauses(store: Store) -> dict[str, Pause]:
    """Feed id -> its pause."""
    async with store.reading() as connection:
        found = (await connection.execute(sa.select(_pauses))).all()
    return {row.feed_id: Pause(row.feed_id, row.author, row.since_s, row.reason) for row in found}


async def pause(store: Store, row: Pause) -> bool:
    """Pause a feed and note who did; False when it was paused already (then nothing changes)."""
    async with store.commit_lock, store.writing() as connection:
        entered = _insert(store, _pauses).values(
            feed_id=row.feed_id, author=row.author, since_s=row.since_s, reason=row.reason
        )
        done = await connection.execute(entered.on_conflict_do_nothing().returning(_pauses.c.feed_id))
        if done.first() is None:
            return False
        await note_change(
            connection, ConfigChange(row.since_s, "", row.feed_id, "pause", row.author, reason=row.reason)
        )
        await _show_in_history(store, connection, row)
        return True


async def _show_in_history(store: Store, connection: AsyncConnection, row: Pause) -> None:
    """A run without answers: the history of a feed shows from when on nobody asked, and why."""
    moment = datetime.fromtimestamp(row.since_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entered = _insert(store, tables.runs).values(
        uid=f"{row.feed_id}@{moment}", feed_id=row.feed_id, started_s=row.since_s, finished_s=row.since_s,
        state=FeedState.PAUSED.value, cause=paused_because(row.author, row.reason),
    )  # fmt: skip
    await connection.execute(entered.on_conflict_do_nothing())


async def resume(store: Store, feed_id: str, author: str, at_s: int, reason: str = "") -> bool:
    """End a pause and note who did; False when there was none."""
    async with store.commit_lock, store.writing() as connection:
        done = await connection.execute(sa.delete(_pauses).where(_pauses.c.feed_id == feed_id))
        if not done.rowcount:
            return False
        await connection.execute(sa.delete(_breakers).where(_breakers.c.feed_id == feed_id))
        await note_change(connection, ConfigChange(at_s, "", feed_id, "resume", author, reason=reason))
        return True


async def breakers(store: Store) -> dict[str, BreakerRow]:
    """Feed id -> its row, for feeds whose last poll failed."""
    async with store.reading() as connection:
        found = (await connection.execute(sa.select(_breakers))).all()
    return {row.feed_id: BreakerRow(row.feed_id, row.failures, row.until_s, row.cause) for row in found}


async def set_breaker(store: Store, row: BreakerRow) -> None:
    """Keep the count of failures of a feed; none takes the row away."""
    async with store.commit_lock, store.writing() as connection:
        if not row.failures:
            await connection.execute(sa.delete(_breakers).where(_breakers.c.feed_id == row.feed_id))
            return
        values = {"failures": row.failures, "until_s": row.until_s, "cause": row.cause}
        entered = _insert(store, _breakers).values(feed_id=row.feed_id, **values)
        await connection.execute(entered.on_conflict_do_update(index_elements=["feed_id"], set_=values))


async def validators(store: Store) -> list[Validator]:
    """Every validator that is kept."""
    async with store.reading() as connection:
        found = (await connection.execute(sa.select(_validators))).all()
    return [Validator(row.method, row.url, row.etag, row.last_modified) for row in found]


async def keep_validators(store: Store, feed_id: str, rows: Iterable[Validator]) -> None:
    """Keep what the answers of one poll said; the newest word on an address counts."""
    async with store.commit_lock, store.writing() as connection:
        for row in rows:
            values = {"etag": row.etag, "last_modified": row.last_modified}
            entered = _insert(store, _validators).values(feed_id=feed_id, method=row.method, url=row.url, **values)
            await connection.execute(
                entered.on_conflict_do_update(index_elements=["feed_id", "method", "url"], set_=values)
            )


async def forget_validators(store: Store, feed_ids: Iterable[str]) -> None:
    """Ask these feeds in full again: their files changed, and what is unchanged at the publisher may be read otherwise now."""
    async with store.commit_lock, store.writing() as connection:
        await connection.execute(sa.delete(_validators).where(_validators.c.feed_id.in_(list(feed_ids))))


def _insert(store: Store, table: sa.Table) -> Any:
    return sqlite.insert(table) if store.is_sqlite else postgresql.insert(table)
