"""The outbox: a message is a row before it is a request, and every attempt at it is a row after.

Sequence numbers have no gaps within a subscription, because the counter lives in the subscription's row and moves in the
transaction that enters the message. The sender's side is `store/outbox.py`, subscriptions are `store/subscribing.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from store import tables
from store.alert_rows import AttemptRow, DeliveryRow, Message
from store.engine import Store
from store.entering import enter
from store.outbox import (
    Attempted,
    Lease,
    Settlement,
    delivery_of,
    due_deliveries,
    due_runs,
    record_attempt,
    release_leases,
    settle,
    with_subscription,
)
from store.subscribing import create_subscription, patch_subscription, prove, resume, subscription, subscriptions

__all__ = [
    "Attempted",
    "Lease",
    "Settlement",
    "Standing",
    "attempts",
    "create_subscription",
    "deliveries",
    "due_deliveries",
    "due_runs",
    "enqueue",
    "next_due_s",
    "patch_subscription",
    "prove",
    "record_attempt",
    "redeliver",
    "release_leases",
    "resume",
    "settle",
    "standing",
    "subscription",
    "subscriptions",
    "told_of",
    "waiting",
]

_subscriptions, _outbox, _attempts, _events = (
    tables.subscriptions,
    tables.outbox,
    tables.delivery_attempts,
    tables.alert_events,
)


async def enqueue(store: Store, messages: Iterable[Message], at_s: int) -> None:
    """Enter messages outside a decision (a test, a challenge, a notice)."""
    await store.transact(partial(enter, messages=tuple(messages), at_s=at_s))


async def deliveries(
    store: Store, subscription_uid: str, *, after: int = 0, limit: int = 100, state: str = ""
) -> list[DeliveryRow]:
    """The deliveries of a subscription in order of sequence, after sequence `after` (below zero: those about itself too)."""
    question = (
        with_subscription()
        .where(_subscriptions.c.uid == subscription_uid, _outbox.c.sequence > after)
        .order_by(_outbox.c.sequence)
        .limit(limit)
    )
    if state:
        question = question.where(_outbox.c.state == state)
    async with store.reading() as connection:
        return [delivery_of(row, row.uid) for row in await connection.execute(question)]


async def attempts(store: Store, delivery_uid: str) -> list[AttemptRow]:
    """Every attempt at one delivery, in order."""
    question = (
        sa.select(_attempts)
        .join(_outbox, _outbox.c.id == _attempts.c.outbox_id)
        .where(_outbox.c.uid == delivery_uid)
        .order_by(_attempts.c.attempt)
    )
    async with store.reading() as connection:
        return [
            AttemptRow(row.at_s, row.status, row.outcome, row.detail, row.duration_ms, row.attempt)
            for row in await connection.execute(question)
        ]


async def redeliver(
    store: Store,
    subscription_uid: str,
    first: int,
    last: int,
    now_s: float,
    *,
    made_from_s: int | None = None,
    made_to_s: int | None = None,
) -> int:
    """Make the deliveries of sequences [first, last] (made in [made_from_s, made_to_s), if given) due again, whatever became of them."""
    owner = sa.select(_subscriptions.c.id).where(_subscriptions.c.uid == subscription_uid).scalar_subquery()
    chosen = sa.update(_outbox).where(
        _outbox.c.subscription_id == owner,
        _outbox.c.sequence >= first,
        _outbox.c.sequence <= last,
        _outbox.c.sequence > 0,
    )
    if made_from_s is not None:
        chosen = chosen.where(_outbox.c.created_s >= made_from_s)
    if made_to_s is not None:
        chosen = chosen.where(_outbox.c.created_s < made_to_s)
    async with store.writing() as connection:
        moved = await connection.execute(chosen.values(**_due_again(now_s)))
    return moved.rowcount


def _due_again(now_s: float) -> dict[str, object]:
    return {"state": "pending", "due_s": now_s, "attempts": 0, "leased_until_s": None, "done_s": None}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a delivery stands among those to the same subscription: is something later waiting, on the same alert even, and when
    was that alert last told of.
    """

    followed: bool
    followed_by_own: bool
    told_s: float | None


async def standing(store: Store, delivery: DeliveryRow) -> Standing:
    """The standing of one delivery of an alert's event."""
    owner = sa.select(_subscriptions.c.id).where(_subscriptions.c.uid == delivery.subscription_uid).scalar_subquery()
    alert_id = sa.select(_events.c.alert_id).where(_events.c.uid == delivery.event_uid).scalar_subquery()
    waits = sa.and_(_outbox.c.state == "pending", _outbox.c.sequence > delivery.sequence)
    own = sa.func.coalesce(_events.c.alert_id == alert_id, sa.false())
    heard = (
        sa.select(sa.func.max(_attempts.c.at_s))
        .join(_outbox, _outbox.c.id == _attempts.c.outbox_id)
        .join(_events, _events.c.id == _outbox.c.event_id)
        .where(_outbox.c.subscription_id == owner, _events.c.alert_id == alert_id, _attempts.c.outcome == "delivered")
        .where(_outbox.c.sequence < delivery.sequence)
    )
    question = (
        sa.select(
            sa.func.count().filter(waits).label("followed"),
            sa.func.count().filter(sa.and_(waits, own)).label("followed_by_own"),
        )
        .select_from(_outbox)
        .outerjoin(_events, _events.c.id == _outbox.c.event_id)
        .where(_outbox.c.subscription_id == owner)
    )
    async with store.reading() as connection:
        row = (await connection.execute(question)).one()
        told_s = (await connection.execute(heard)).scalar()
    return Standing(bool(row.followed), bool(row.followed_by_own), told_s)


async def told_of(store: Store, alert_uids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Alert uid -> uids of the subscriptions that have a message about it in the outbox, sent or not."""
    alerts = tables.alerts
    question = (
        sa.select(alerts.c.uid.label("alert"), _subscriptions.c.uid.label("subscription"))
        .distinct()
        .select_from(_outbox)
        .join(_events, _events.c.id == _outbox.c.event_id)
        .join(alerts, alerts.c.id == _events.c.alert_id)
        .join(_subscriptions, _subscriptions.c.id == _outbox.c.subscription_id)
        .where(alerts.c.uid.in_(list(alert_uids)))
    )
    told: dict[str, set[str]] = {}
    async with store.reading() as connection:
        for row in await connection.execute(question):
            told.setdefault(row.alert, set()).add(row.subscription)
    return {alert: frozenset(uids) for alert, uids in told.items()}


async def waiting(store: Store, subscription_uid: str) -> tuple[int, int | None]:
    """How many deliveries wait for a subscription, and since when the oldest does."""
    question = (
        sa.select(sa.func.count(), sa.func.min(_outbox.c.created_s))
        .join(_subscriptions, _subscriptions.c.id == _outbox.c.subscription_id)
        .where(_subscriptions.c.uid == subscription_uid, _outbox.c.state == "pending", _outbox.c.sequence > 0)
    )
    async with store.reading() as connection:
        count, since_s = (await connection.execute(question)).one()
    return int(count), since_s


async def next_due_s(store: Store) -> float | None:
    """When the next pending delivery of an active subscription is due; None if there is none."""
    question = (
        sa.select(sa.func.min(_outbox.c.due_s))
        .join(_subscriptions, _subscriptions.c.id == _outbox.c.subscription_id)
        .where(_outbox.c.state == "pending", _subscriptions.c.state == "active")
    )
    async with store.reading() as connection:
        found = (await connection.execute(question)).scalar()
    return None if found is None else float(found)
