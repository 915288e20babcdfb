"""Watches of nuclear sites after an earthquake: opened once for each site and event, closed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from store import tables
from store.engine import Store

_table = tables.site_watches


@dataclass(frozen=True, slots=True)
class WatchRow:
    """One watch. `evidence` and `asked` are JSON; `closed_s` is None while it is open."""

    site_id: str
    event_uid: str
    rule: str
    shock_s: int
    opened_s: int
    closed_s: int | None
    evidence: str
    asked: str
    exercise: bool


async def watches(store: Store, *, site_id: str = "", since_s: int | None = None) -> list[WatchRow]:
    """Open watches, and with `since_s` also those closed since then; newest shock first."""
    wanted: sa.ColumnElement[bool] = _table.c.closed_s.is_(None)
    if since_s is not None:
        wanted = sa.or_(wanted, _table.c.closed_s >= since_s)
    question = sa.select(_table).where(wanted).order_by(_table.c.shock_s.desc(), _table.c.site_id, _table.c.event_uid)
    if site_id:
        question = question.where(_table.c.site_id == site_id)
    async with store.reading() as connection:
        return [_row(row) for row in await connection.execute(question)]


async def known_watches(store: Store, since_s: int) -> frozenset[tuple[str, str]]:
    """(site, event) of every watch of a shock since then, open or closed."""
    question = sa.select(_table.c.site_id, _table.c.event_uid).where(_table.c.shock_s >= since_s)
    async with store.reading() as connection:
        return frozenset((row.site_id, row.event_uid) for row in await connection.execute(question))


async def open_watch(store: Store, row: WatchRow) -> None:
    """Enter a watch."""
    values = {name: getattr(row, name) for name in _table.columns.keys()}  # noqa: SIM118 - a collection of columns
    async with store.commit_lock, store.writing() as connection:
        await connection.execute(sa.insert(_table).values(values))


async def note_watch(store: Store, row: WatchRow, *, evidence: str, asked: str, closed_s: int | None) -> None:
    """Write down what was seen; a watch that is closed stays closed."""
    mine = (_table.c.site_id == row.site_id, _table.c.event_uid == row.event_uid, _table.c.closed_s.is_(None))
    change = sa.update(_table).where(*mine).values(evidence=evidence, asked=asked, closed_s=closed_s)
    async with store.commit_lock, store.writing() as connection:
        await connection.execute(change)


def _row(row: Any) -> WatchRow:
    return WatchRow(
        row.site_id,
        row.event_uid,
        row.rule,
        row.shock_s,
        row.opened_s,
        row.closed_s,
        row.evidence,
        row.asked,
        row.exercise,
    )
