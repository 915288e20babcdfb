"""States of detectors: what one knew after a poll, packed. Written with the decision that they belong to, so none is ahead of the marks.

A state that an event stands on is pinned and stays; of the others the newest two of each detector are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
import zstandard
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables
from store.alert_rows import StateRow
from store.engine import Store

_states = tables.detector_states
_LEVEL = 3
_KEPT = 2


async def newest(store: Store, name: str, version: str) -> StateRow | None:
    """The newest state of a detector that this version can go on from."""
    question = (
        sa.select(_states)
        .where(_states.c.name == name, _states.c.version == version)
        .order_by(_states.c.at_s.desc(), _states.c.id.desc())
        .limit(1)
    )
    return await _one(store, question)


async def newest_digest(store: Store, prefix: str, version: str) -> str | None:
    """The digest of the newest state of the detectors whose names begin so; None without one. No state is read."""
    question = (
        sa.select(_states.c.digest)
        .where(_states.c.name.startswith(prefix, autoescape=True), _states.c.version == version)
        .order_by(_states.c.at_s.desc(), _states.c.id.desc())
        .limit(1)
    )
    async with store.reading() as connection:
        return (await connection.execute(question)).scalar()


async def by_digest(store: Store, digest: str) -> StateRow | None:
    """The state with this digest; None if it was never kept."""
    return await _one(store, sa.select(_states).where(_states.c.digest == digest).order_by(_states.c.id).limit(1))


async def _one(store: Store, question: sa.Select[Any]) -> StateRow | None:
    async with store.reading() as connection:
        row = (await connection.execute(question)).first()
    if row is None:
        return None
    state = zstandard.ZstdDecompressor().decompress(row.blob)
    return StateRow(row.name, row.version, row.digest, row.at_s, row.run_uid, state, row.pinned)


async def keep_in(connection: AsyncConnection, states: Sequence[StateRow]) -> None:
    """Write states within a transaction, and let go of those that nothing needs any more."""
    for state in states:
        held = sa.select(_states.c.id).where(_states.c.name == state.name, _states.c.digest == state.digest)
        found = (await connection.execute(held)).scalar()
        if found is None:
            names = ("name", "version", "digest", "at_s", "run_uid", "pinned")
            blob = zstandard.ZstdCompressor(level=_LEVEL).compress(state.state)
            values = {name: getattr(state, name) for name in names} | {"blob": blob}
            await connection.execute(sa.insert(_states).values(**values))
        elif state.pinned:
            await connection.execute(sa.update(_states).where(_states.c.id == found).values(pinned=True))
    for name in sorted({state.name for state in states}):
        newer = (
            sa.select(_states.c.id)
            .where(_states.c.name == name)
            .order_by(_states.c.at_s.desc(), _states.c.id.desc())
            .limit(_KEPT)
        )
        kept = [row.id for row in await connection.execute(newer)]
        loose = sa.and_(_states.c.name == name, _states.c.pinned.is_(False), _states.c.id.not_in(kept))
        await connection.execute(sa.delete(_states).where(loose))
