"""Summaries of areas as they were told at past steps: written once, because what was known then does not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from store import tables
from store.engine import Store

_table = tables.kept_summaries


async def kept(store: Store, area_id: str, audience: str, method: int, from_s: int, to_s: int) -> dict[int, bytes]:
    """Step in [from_s, to_s] -> body, of those computed by `method`."""
    question = sa.select(_table.c.at_s, _table.c.body).where(
        _table.c.area_id == area_id,
        _table.c.audience == audience,
        _table.c.method == method,
        _table.c.at_s >= from_s,
        _table.c.at_s <= to_s,
    )
    async with store.reading() as connection:
        return {row.at_s: row.body for row in await connection.execute(question)}


async def areas_kept(store: Store, audience: str, method: int, at_s: int) -> frozenset[str]:
    """The areas whose summary of a step is kept."""
    question = sa.select(_table.c.area_id).where(
        _table.c.audience == audience, _table.c.method == method, _table.c.at_s == at_s
    )
    async with store.reading() as connection:
        return frozenset((await connection.execute(question)).scalars())


async def keep(store: Store, area_id: str, audience: str, method: int, bodies: Mapping[int, bytes]) -> None:
    """Keep steps; one that is there already gives way, because another method made it or somebody was quicker."""
    if not bodies:
        return
    rows = [
        {"area_id": area_id, "at_s": at_s, "audience": audience, "method": method, "body": body}
        for at_s, body in bodies.items()
    ]
    async with store.writing() as connection:
        await connection.execute(_gone(area_id, audience, bodies))
        await connection.execute(sa.insert(_table), rows)


def _gone(area_id: str, audience: str, steps: Iterable[int]) -> sa.Delete:
    return sa.delete(_table).where(
        _table.c.area_id == area_id, _table.c.audience == audience, _table.c.at_s.in_(list(steps))
    )
