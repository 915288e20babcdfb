"""Drills: asked for by the command or the calendar, gone through by the collector, looked up with what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from store import tables
from store.alert_rows import AttemptRow
from store.engine import Store

_drills, _outbox, _events, _attempts = tables.drills, tables.outbox, tables.alert_events, tables.delivery_attempts


@dataclass(frozen=True, slots=True)
class DrillRow:
    """One drill: `state` is `asked`, `running`, `passed`, `unheard` (told to nobody) or `failed`; `document` holds what was measured (JSON)."""

    uid: str
    region_id: str
    state: str
    began_s: int
    ended_s: int | None = None
    document: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """A delivery of one event with its first and its last attempt; `state` is the delivery's."""

    subscription_id: int
    state: str
    first: AttemptRow | None
    last: AttemptRow | None


async def ask(store: Store, drill: DrillRow) -> None:
    """Enter a drill; its uid must be new."""
    async with store.writing() as connection:
        await connection.execute(
            sa.insert(_drills).values(
                uid=drill.uid,
                region_id=drill.region_id,
                state=drill.state,
                began_s=drill.began_s,
                document=drill.document,
            )
        )


async def move(store: Store, uid: str, state: str, *, ended_s: int | None = None, document: str = "", was: str) -> bool:
    """Move a drill on from state `was`; False when somebody else has done so."""
    async with store.writing() as connection:
        moved = await connection.execute(
            sa.update(_drills)
            .where(_drills.c.uid == uid, _drills.c.state == was)
            .values(state=state, ended_s=ended_s, document=document)
        )
    return moved.rowcount == 1


async def drill(store: Store, uid: str) -> DrillRow | None:
    """One drill; None if the uid is unknown."""
    async with store.reading() as connection:
        row = (await connection.execute(sa.select(_drills).where(_drills.c.uid == uid))).first()
    return None if row is None else _row(row)


async def drills(store: Store, *, states: tuple[str, ...] = (), limit: int = 100) -> list[DrillRow]:
    """Drills, the newest first."""
    question = sa.select(_drills).order_by(_drills.c.began_s.desc(), _drills.c.uid).limit(limit)
    if states:
        question = question.where(_drills.c.state.in_(states))
    async with store.reading() as connection:
        return [_row(row) for row in await connection.execute(question)]


async def tellings(store: Store, event_uid: str) -> list[Telling]:
    """Every delivery of an event, with when it was tried."""
    question = (
        sa.select(_outbox.c.id, _outbox.c.subscription_id, _outbox.c.state)
        .join(_events, _events.c.id == _outbox.c.event_id)
        .where(_events.c.uid == event_uid)
        .order_by(_outbox.c.id)
    )
    async with store.reading() as connection:
        found = (await connection.execute(question)).all()
        tried = sa.select(_attempts).where(_attempts.c.outbox_id.in_([row.id for row in found]))
        attempts: dict[int, list[AttemptRow]] = {}
        for row in await connection.execute(tried.order_by(_attempts.c.attempt)):
            one = AttemptRow(row.at_s, row.status, row.outcome, row.detail, row.duration_ms, row.attempt)
            attempts.setdefault(row.outbox_id, []).append(one)
    return [
        Telling(
            row.subscription_id, row.state, *((made[0], made[-1]) if (made := attempts.get(row.id)) else (None, None))
        )
        for row in found
    ]


def _row(row: Any) -> DrillRow:
    return DrillRow(row.uid, row.region_id, row.state, row.began_s, row.ended_s, row.document)
