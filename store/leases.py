"""Who polls which feed: on PostgreSQL several collectors share the feeds, and nobody asks a publisher twice at once.

Every living collector says so every few seconds; a feed belongs to the one of them that a hash of both names puts first, so that
they share without talking and the death of one moves only its own feeds. A lease, given in one statement, guards the moments in
which they disagree on who lives. A collector that dies is no longer counted after ALIVE_S, its leases end after LEASE_S: its
feeds are polled again at the others' next turn, at most LEASE_S and one period later. SQLite has one collector (see
`Store.become_collector`), which holds everything.

The clock is the database's: collectors whose clocks differ by minutes would otherwise take each other's feeds.
"""

# ruff: noqa: S608 - statements are put together from constant names; every value is bound

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables
from store.engine import Store

ALIVE_S = 60.0
LEASE_S = 120.0

_NOW = "extract(epoch FROM clock_timestamp())"
_ALIVE = sa.text(
    f"INSERT INTO collectors (holder, until_s) VALUES (:holder, {_NOW} + :for_s) "
    "ON CONFLICT (holder) DO UPDATE SET until_s = excluded.until_s"
)
_LIVING = sa.text(f"SELECT holder FROM collectors WHERE until_s > {_NOW}")
_HOLD = sa.text(
    f"INSERT INTO feed_leases (feed_id, holder, until_s) VALUES (:feed, :holder, {_NOW} + :for_s) "
    "ON CONFLICT (feed_id) DO UPDATE SET holder = excluded.holder, until_s = excluded.until_s "
    f"WHERE feed_leases.holder = excluded.holder OR feed_leases.until_s <= {_NOW} RETURNING holder"
)


def chosen(feed_id: str, holders: Iterable[str]) -> str:
    """Whose turn a feed is: the holder whose hash with it is the highest; raises ValueError without holders."""
    return max(holders, key=lambda holder: hashlib.sha256(f"{holder}\n{feed_id}".encode()).digest())


async def stay_alive(store: Store, holder: str, *, for_s: float = ALIVE_S) -> None:
    """Say that a collector lives; to be said again well before `for_s` are over."""
    if not store.is_sqlite:
        async with store.engine.begin() as connection:
            await connection.execute(_ALIVE, {"holder": holder, "for_s": for_s})


async def hold(store: Store, feed_id: str, holder: str, *, for_s: float = LEASE_S) -> bool:
    """Take the lease of a feed for `for_s` seconds from now; False when it is another one's turn or still in another one's hands."""
    if store.is_sqlite:
        return True
    async with store.engine.begin() as connection:
        living = set((await connection.execute(_LIVING)).scalars())
        return chosen(feed_id, living | {holder}) == holder and await _take(connection, feed_id, holder, for_s)


async def prolong(store: Store, feed_id: str, holder: str, *, for_s: float = LEASE_S) -> bool:
    """Keep a lease while a poll goes on, whoever's turn it is by now; False when another one has it."""
    if store.is_sqlite:
        return True
    async with store.engine.begin() as connection:
        return await _take(connection, feed_id, holder, for_s)


async def _take(connection: AsyncConnection, feed_id: str, holder: str, for_s: float) -> bool:
    given = await connection.execute(_HOLD, {"feed": feed_id, "holder": holder, "for_s": for_s})
    return given.first() is not None


async def release(store: Store, holder: str) -> None:
    """Let go of everything at an orderly end, so that the others need not wait."""
    if store.is_sqlite:
        return
    async with store.engine.begin() as connection:
        for table in (tables.feed_leases, tables.collectors):
            await connection.execute(sa.delete(table).where(table.c.holder == holder))
