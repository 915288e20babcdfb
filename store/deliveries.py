"""Subscriptions and the outbox: a message is a row before it is a request, and every attempt at it is a row after.

Sequence numbers have no gaps within a subscription, because the counter lives in the subscription's row and moves in the
transaction that enters the message. A due delivery is leased to one sender; PostgreSQL skips rows that another one holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables
from store.alert_rows import AttemptRow, DeliveryRow, DueDelivery, Message, SubscriptionRow
from store.engine import Store

_subscriptions, _outbox, _attempts, _events = (
    tables.subscriptions,
    tables.outbox,
    tables.delivery_attempts,
    tables.alert_events,
)

_SUBSCRIPTION = (
    "uid", "url", "secret", "token_sha256", "filter", "state", "description", "previous_secret", "previous_until_s", "created_s",
    "updated_s", "last_sequence",
)  # fmt: skip
#: What `patch_subscription` may change.
PATCHABLE = frozenset(
    {"url", "secret", "filter", "state", "description", "previous_secret", "previous_until_s", "token_sha256"}
)


async def create_subscription(store: Store, subscription: SubscriptionRow) -> None:
    """Enter a subscription; its uid must be new."""
    values = {name: getattr(subscription, name) for name in _SUBSCRIPTION}
    async with store.writing() as connection:
        await connection.execute(sa.insert(_subscriptions).values(**values))


async def subscriptions(
    store: Store, *, states: Iterable[str] = ("active", "paused", "disabled")
) -> list[SubscriptionRow]:
    """Subscriptions in some states, in the order of their making."""
    question = sa.select(_subscriptions).where(_subscriptions.c.state.in_(list(states))).order_by(_subscriptions.c.id)
    async with store.reading() as connection:
        return [_subscription(row) for row in await connection.execute(question)]


async def subscription(store: Store, uid: str) -> SubscriptionRow | None:
    """One subscription, deleted ones too; None if the uid is unknown."""
    async with store.reading() as connection:
        row = (await connection.execute(sa.select(_subscriptions).where(_subscriptions.c.uid == uid))).first()
    return _subscription(row) if row else None


async def patch_subscription(store: Store, uid: str, at_s: int, **changes: Any) -> SubscriptionRow | None:
    """Change some of PATCHABLE (deleting is state `deleted`); the subscription after it, None if the uid is unknown."""
    if unknown := changes.keys() - PATCHABLE:
        raise ValueError(f"a subscription has no changeable {', '.join(sorted(unknown))}")
    async with store.writing() as connection:
        await connection.execute(
            sa.update(_subscriptions).where(_subscriptions.c.uid == uid).values(**changes, updated_s=at_s)
        )
    return await subscription(store, uid)


async def enqueue(store: Store, messages: Iterable[Message], at_s: int) -> None:
    """Enter messages outside a decision (a test message)."""
    async with store.writing() as connection:
        await enqueue_in(connection, messages, at_s)


async def enqueue_in(connection: AsyncConnection, messages: Iterable[Message], at_s: int) -> None:
    """Enter messages in the caller's transaction, due at once; one whose uid is there already, or with no subscription, is left out."""
    for message in messages:
        there = await connection.execute(sa.select(_outbox.c.id).where(_outbox.c.uid == message.uid))
        if there.first() is not None:
            continue
        counted = await connection.execute(
            sa.update(_subscriptions)
            .where(_subscriptions.c.uid == message.subscription_uid, _subscriptions.c.state != "deleted")
            .values(last_sequence=_subscriptions.c.last_sequence + 1)
            .returning(_subscriptions.c.id, _subscriptions.c.last_sequence)
        )
        owner = counted.first()
        if owner is None:
            continue
        event_id = sa.select(_events.c.id).where(_events.c.uid == message.event_uid).scalar_subquery()
        await connection.execute(
            sa.insert(_outbox).values(
                uid=message.uid, subscription_id=owner.id, sequence=owner.last_sequence, event_id=event_id, kind=message.kind,
                payload=message.payload, state="pending", created_s=at_s, due_s=at_s, attempts=0,
            )
        )  # fmt: skip


async def due_deliveries(store: Store, now_s: float, *, limit: int = 50, lease_s: float = 120) -> list[DueDelivery]:
    """Due deliveries of active subscriptions, oldest first, leased to the caller for `lease_s`; of each subscription only its first
    pending one, due or not: a receiver gets things in order, so one that waits holds back those after it.
    """
    free = sa.or_(_outbox.c.leased_until_s.is_(None), _outbox.c.leased_until_s <= now_s)
    earlier = _outbox.alias("earlier")
    first = ~sa.exists().where(
        earlier.c.subscription_id == _outbox.c.subscription_id,
        earlier.c.state == "pending",
        earlier.c.sequence < _outbox.c.sequence,
    )
    question = (
        _with_subscription()
        .where(_outbox.c.state == "pending", _outbox.c.due_s <= now_s, free, first, _subscriptions.c.state == "active")
        .order_by(_outbox.c.due_s, _outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=_outbox)
    )
    async with store.writing() as connection:
        rows = (await connection.execute(question)).all()
        if rows:
            leased = sa.update(_outbox).where(_outbox.c.id.in_([row.outbox_id for row in rows]))
            await connection.execute(leased.values(leased_until_s=now_s + lease_s))
    return [DueDelivery(_delivery(row), _subscription(row)) for row in rows]


def _with_subscription() -> sa.Select[Any]:
    event_uid = sa.select(_events.c.uid).where(_events.c.id == _outbox.c.event_id).scalar_subquery()
    mine = [_outbox.c[name].label(f"outbox_{name}") for name in _outbox.c.keys()]  # noqa: SIM118 - a collection, not a dict
    return sa.select(_subscriptions, *mine, event_uid.label("event_uid")).join(
        _outbox, _outbox.c.subscription_id == _subscriptions.c.id
    )


async def due_runs(
    store: Store, now_s: float, *, limit: int = 50, run: int = 8, lease_s: float = 120
) -> list[list[DueDelivery]]:
    """What `due_deliveries` gives, and after each up to `run` - 1 that may follow it at once, leased together: in order, no gaps."""
    heads = await due_deliveries(store, now_s, limit=limit, lease_s=lease_s)
    if not heads:
        return []
    first = {head.subscription.uid: head.delivery.sequence for head in heads}
    spans = [
        sa.and_(_subscriptions.c.uid == uid, _outbox.c.sequence > sequence, _outbox.c.sequence < sequence + run)
        for uid, sequence in first.items()
    ]
    question = _with_subscription().where(_outbox.c.state == "pending", sa.or_(*spans)).order_by(_outbox.c.sequence)
    runs = {head.subscription.uid: [head] for head in heads}
    async with store.writing() as connection:
        rows = (await connection.execute(question)).all()
        followers = [row for row in rows if row.outbox_due_s <= now_s and _follows(runs[row.uid], row)]
        if followers:
            leased = sa.update(_outbox).where(_outbox.c.id.in_([row.outbox_id for row in followers]))
            await connection.execute(leased.values(leased_until_s=now_s + lease_s))
    return list(runs.values())


async def release_leases(store: Store) -> None:
    """Give back every leased delivery: for the one sender of an embedded store, which starts and knows that no other is at work."""
    async with store.writing() as connection:
        await connection.execute(
            sa.update(_outbox).where(_outbox.c.leased_until_s.is_not(None)).values(leased_until_s=None)
        )


def _follows(run: list[DueDelivery], row: Any) -> bool:
    """Add a row to a run if nothing pending lies between; a delivered one may (it was made due out of turn once)."""
    if row.outbox_sequence != run[-1].delivery.sequence + 1:
        return False
    run.append(DueDelivery(_delivery(row), _subscription(row)))
    return True


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt with what follows: due again at `next_due_s`, or failed for good without one; a 2xx ends the delivery.

    `subscription_state` moves the subscription too (`disabled` after a 410).
    """

    delivery_uid: str
    attempt: AttemptRow
    next_due_s: float | None = None
    subscription_state: str = ""

    @property
    def state(self) -> str:
        """The state of the delivery after it."""
        if self.attempt.status is not None and 200 <= self.attempt.status < 300:
            return "delivered"
        return "failed" if self.next_due_s is None else "pending"


async def record_attempt(
    store: Store,
    delivery_uid: str,
    attempt: AttemptRow,
    *,
    next_due_s: float | None = None,
    subscription_state: str = "",
) -> None:
    """Log one attempt and what follows (see Attempted)."""
    await record_attempts(store, [Attempted(delivery_uid, attempt, next_due_s, subscription_state)])


async def record_attempts(store: Store, made: Sequence[Attempted], *, released: Sequence[str] = ()) -> None:
    """Log attempts at different deliveries, in one transaction; `released` are leased ones that were not tried after all."""
    async with store.writing() as connection:
        question = sa.select(_outbox).where(_outbox.c.uid.in_([one.delivery_uid for one in made])).with_for_update()
        rows = {row.uid: row for row in await connection.execute(question)}
        numbers = await _numbers(connection, [row.id for row in rows.values()])
        for one in made:
            row, attempt = rows[one.delivery_uid], one.attempt
            await connection.execute(
                sa.insert(_attempts).values(
                    outbox_id=row.id, attempt=numbers.get(row.id, 0) + 1, at_s=attempt.at_s, status=attempt.status, outcome=attempt.outcome,
                    detail=attempt.detail, duration_ms=attempt.duration_ms,
                )
            )  # fmt: skip
            await connection.execute(
                sa.update(_outbox).where(_outbox.c.id == row.id).values(
                    state=one.state, attempts=row.attempts + 1, leased_until_s=None,
                    due_s=row.due_s if one.next_due_s is None else one.next_due_s,
                    done_s=None if one.state == "pending" else int(attempt.at_s),
                )
            )  # fmt: skip
            if one.subscription_state:
                moved = sa.update(_subscriptions).where(_subscriptions.c.id == row.subscription_id)
                await connection.execute(moved.values(state=one.subscription_state, updated_s=int(attempt.at_s)))
        if released:
            await connection.execute(
                sa.update(_outbox).where(_outbox.c.uid.in_(list(released))).values(leased_until_s=None)
            )


async def _numbers(connection: AsyncConnection, outbox_ids: Sequence[int]) -> dict[int, int]:
    question = (
        sa.select(_attempts.c.outbox_id, sa.func.max(_attempts.c.attempt).label("number"))
        .where(_attempts.c.outbox_id.in_(outbox_ids))
        .group_by(_attempts.c.outbox_id)
    )
    return {row.outbox_id: int(row.number) for row in await connection.execute(question)}


async def deliveries(
    store: Store, subscription_uid: str, *, after: int = 0, limit: int = 100, state: str = ""
) -> list[DeliveryRow]:
    """The deliveries of a subscription in order of sequence, after sequence `after`."""
    question = (
        _with_subscription()
        .where(_subscriptions.c.uid == subscription_uid, _outbox.c.sequence > after)
        .order_by(_outbox.c.sequence)
        .limit(limit)
    )
    if state:
        question = question.where(_outbox.c.state == state)
    async with store.reading() as connection:
        return [_delivery(row) for row in await connection.execute(question)]


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


async def redeliver(store: Store, subscription_uid: str, first: int, last: int, now_s: float) -> int:
    """Make the deliveries of sequences [first, last] due again, whatever became of them; how many that are."""
    owner = sa.select(_subscriptions.c.id).where(_subscriptions.c.uid == subscription_uid).scalar_subquery()
    async with store.writing() as connection:
        moved = await connection.execute(
            sa.update(_outbox)
            .where(_outbox.c.subscription_id == owner, _outbox.c.sequence >= first, _outbox.c.sequence <= last)
            .values(state="pending", due_s=now_s, attempts=0, leased_until_s=None, done_s=None)
        )
    return moved.rowcount


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


def _subscription(row: Any) -> SubscriptionRow:
    return SubscriptionRow(**{name: getattr(row, name) for name in _SUBSCRIPTION})


def _delivery(row: Any) -> DeliveryRow:
    return DeliveryRow(
        row.outbox_uid, row.uid, row.outbox_sequence, row.outbox_kind, row.outbox_payload, row.event_uid or "", row.outbox_state,
        row.outbox_created_s, row.outbox_due_s, row.outbox_attempts, row.outbox_done_s,
    )  # fmt: skip
