"""Entering messages into the outbox, in the transaction of whatever they tell of."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables
from store.alert_rows import ABOUT_ITSELF, Message

_subscriptions, _outbox, _events = tables.subscriptions, tables.outbox, tables.alert_events


async def enqueue_in(connection: AsyncConnection, messages: Iterable[Message], at_s: int) -> None:
    """Enter messages in the caller's transaction, due at once; one whose uid is there already, or with no subscription, is left out."""
    for message in messages:
        there = await connection.execute(sa.select(_outbox.c.id).where(_outbox.c.uid == message.uid))
        if there.first() is not None:
            continue
        place = await (_aside if message.kind in ABOUT_ITSELF else _in_line)(connection, message, at_s)
        if place is None:
            continue
        subscription_id, sequence = place
        event_id = sa.select(_events.c.id).where(_events.c.uid == message.event_uid).scalar_subquery()
        await connection.execute(
            sa.insert(_outbox).values(
                uid=message.uid, subscription_id=subscription_id, sequence=sequence, event_id=event_id if message.event_uid else None,
                kind=message.kind, payload=message.payload, state="pending", created_s=at_s, due_s=at_s, attempts=0,
            )
        )  # fmt: skip


async def _in_line(connection: AsyncConnection, message: Message, at_s: int) -> tuple[int, int] | None:
    """The next number of a subscription; what was put off so as to be told together with news has its news now."""
    counted = await connection.execute(
        sa.update(_subscriptions)
        .where(_subscriptions.c.uid == message.subscription_uid, _subscriptions.c.state != "deleted")
        .values(last_sequence=_subscriptions.c.last_sequence + 1)
        .returning(_subscriptions.c.id, _subscriptions.c.last_sequence, _subscriptions.c.channel)
    )
    owner = counted.first()
    if owner is None:
        return None
    if owner.channel != "webhook":
        put_off = sa.update(_outbox).where(_outbox.c.subscription_id == owner.id, _outbox.c.state == "pending")
        await connection.execute(put_off.where(_outbox.c.attempts == 0, _outbox.c.due_s > at_s).values(due_s=at_s))
    return owner.id, owner.last_sequence


async def _aside(connection: AsyncConnection, message: Message, at_s: int) -> tuple[int, int] | None:
    """A number below zero, and the older ones of its kind are over: only the newest challenge can be met."""
    owner = sa.select(_subscriptions.c.id).where(
        _subscriptions.c.uid == message.subscription_uid, _subscriptions.c.state != "deleted"
    )
    found = (await connection.execute(owner)).scalar()
    if found is None:
        return None
    mine = _outbox.c.subscription_id == found
    older = sa.update(_outbox).where(mine, _outbox.c.kind == message.kind, _outbox.c.state == "pending")
    await connection.execute(older.values(state="failed", done_s=at_s, leased_until_s=None))
    lowest = await connection.execute(sa.select(sa.func.min(_outbox.c.sequence)).where(mine))
    return int(found), min(int(lowest.scalar() or 0), 0) - 1
