"""The sender's side of the outbox: lease what is due, in order; write down what came of it; go on with what follows.

A due delivery is leased to one sender; PostgreSQL skips rows that another one holds. Of each subscription only the first pending
one may be taken, due or not, because a receiver gets things in order: one that waits holds back those after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables
from store.alert_rows import AttemptRow, DeliveryRow, DueDelivery, Message
from store.engine import Store
from store.entering import enqueue_in
from store.subscribing import subscription_of

_subscriptions, _outbox, _attempts, _events = (
    tables.subscriptions,
    tables.outbox,
    tables.delivery_attempts,
    tables.alert_events,
)


@dataclass(frozen=True, slots=True)
class Lease:
    """How a sender takes: at most `run` consecutive deliveries of one subscription, its own until `now_s + lease_s`."""

    now_s: float
    run: int = 1
    lease_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt with what follows: due again at `next_due_s`, or failed for good without one; a 2xx ends the delivery.

    `subscription_state` moves the subscription too (`disabled` after a 410), with a `notice` of why and a `message` about it. `settled` ends a delivery
    that needs no answer any more.
    """

    delivery_uid: str
    attempt: AttemptRow
    next_due_s: float | None = None
    subscription_state: str = ""
    notice: str = ""
    message: Message | None = None
    settled: bool = False

    @property
    def state(self) -> str:
        """The state of the delivery after it."""
        if self.settled or (self.attempt.status is not None and 200 <= self.attempt.status < 300):
            return "delivered"
        return "failed" if self.next_due_s is None else "pending"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a sender has done: attempts, leased deliveries that it did not try after all, those that are not due yet (uid -> when).

    After those of `made` that are in `followed`, what comes next is wanted where they were delivered.
    """

    made: Sequence[Attempted] = ()
    released: Sequence[str] = ()
    postponed: Mapping[str, float] = field(default_factory=dict)
    followed: Collection[str] = ()


async def due_deliveries(store: Store, now_s: float, *, limit: int = 50, lease_s: float = 120) -> list[DueDelivery]:
    """The first pending delivery of each active subscription where it is due, oldest first, leased for `lease_s`."""
    runs = await due_runs(store, now_s, limit=limit, run=1, lease_s=lease_s)
    return [one for run in runs for one in run]


async def due_runs(
    store: Store, now_s: float, *, limit: int = 50, run: int = 8, lease_s: float = 120
) -> list[list[DueDelivery]]:
    """What `due_deliveries` gives, and after each up to `run` - 1 that may follow it at once, leased together: in order, no gaps.

    Messages about a subscription itself are runs of their own.
    """
    lease = Lease(now_s, run, lease_s)
    if not await _anything_due(store, now_s):
        return []
    async with store.writing() as connection:
        themselves = (await connection.execute(_about_themselves(now_s, limit))).all()
        heads = (await connection.execute(_heads(now_s, limit))).all()
        runs = [[_due(row)] for row in heads]
        after = {row.subscription_id: row.outbox_sequence + 1 for row in heads}
        if run > 1 and after:
            await _extend(connection, runs, after, Lease(now_s, run - 1, lease_s))
        await _lease(connection, [row.outbox_id for row in (*themselves, *heads)], lease)
    return [[_due(row)] for row in themselves] + runs


async def _anything_due(store: Store, now_s: float) -> bool:
    """A look that takes no write lock: a sender looks often, and mostly there is nothing."""
    question = (
        sa.select(_outbox.c.id)
        .join(_subscriptions, _subscriptions.c.id == _outbox.c.subscription_id)
        .where(
            _outbox.c.state == "pending",
            _outbox.c.due_s <= now_s,
            _free(now_s),
            sa.or_(_subscriptions.c.state == "active", _outbox.c.sequence < 0),
        )
        .limit(1)
    )
    async with store.reading() as connection:
        return (await connection.execute(question)).first() is not None


def _free(now_s: float) -> sa.ColumnElement[bool]:
    return sa.or_(_outbox.c.leased_until_s.is_(None), _outbox.c.leased_until_s <= now_s)


def _heads(now_s: float, limit: int) -> sa.Select[Any]:
    """The first pending delivery of each active subscription, where it is due and nobody's."""
    waiting = _outbox.alias("waiting")
    first = (
        sa.select(sa.func.min(waiting.c.sequence))
        .where(waiting.c.subscription_id == _subscriptions.c.id, waiting.c.state == "pending", waiting.c.sequence > 0)
        .correlate(_subscriptions)
        .scalar_subquery()
    )
    return (
        with_subscription()
        .where(_subscriptions.c.state == "active", _outbox.c.sequence == first)
        .where(_outbox.c.state == "pending", _outbox.c.due_s <= now_s, _free(now_s))
        .order_by(_outbox.c.due_s, _outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=_outbox)
    )


def _about_themselves(now_s: float, limit: int) -> sa.Select[Any]:
    concerned = sa.or_(_subscriptions.c.challenge_sha256 != "", _subscriptions.c.notice != "")
    return (
        with_subscription()
        .where(concerned, _subscriptions.c.state != "deleted", _outbox.c.sequence < 0)
        .where(_outbox.c.state == "pending", _outbox.c.due_s <= now_s, _free(now_s))
        .order_by(_outbox.c.due_s, _outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=_outbox)
    )


def with_subscription() -> sa.Select[Any]:
    """Deliveries beside their subscriptions: the outbox's columns as `outbox_<name>`, and the uid of the event."""
    event_uid = sa.select(_events.c.uid).where(_events.c.id == _outbox.c.event_id).scalar_subquery()
    mine = [_outbox.c[name].label(f"outbox_{name}") for name in _outbox.c.keys()]  # noqa: SIM118 - a collection, not a dict
    own = [column for column in _subscriptions.c if column.name != "id"]
    return sa.select(*own, _subscriptions.c.id.label("subscription_id"), *mine, event_uid.label("event_uid")).join(
        _outbox, _outbox.c.subscription_id == _subscriptions.c.id
    )


async def _extend(
    connection: AsyncConnection, runs: Sequence[list[DueDelivery]], after: Mapping[int, int], lease: Lease
) -> None:
    """Add to each run what follows it without a gap, and lease that; `after`: subscription id -> the next sequence, as the runs stand."""
    spans = [
        sa.and_(_outbox.c.subscription_id == id_, _outbox.c.sequence >= n, _outbox.c.sequence < n + lease.run)
        for id_, n in after.items()
    ]
    question = (
        with_subscription()
        .where(sa.or_(*spans), _outbox.c.state == "pending", _subscriptions.c.state == "active")
        .order_by(_outbox.c.sequence)
    )
    wanted, place = dict(after), dict(zip(after, runs, strict=True))
    leased: list[int] = []
    for row in await connection.execute(question):
        # a gap is a delivered one that was made due out of turn before: what lies behind it comes with the next claim
        if row.outbox_sequence == wanted[row.subscription_id] and row.outbox_due_s <= lease.now_s:
            wanted[row.subscription_id] += 1
            place[row.subscription_id].append(_due(row))
            leased.append(row.outbox_id)
    await _lease(connection, leased, lease)


async def _lease(connection: AsyncConnection, outbox_ids: Sequence[int], lease: Lease) -> None:
    if outbox_ids:
        rows = sa.update(_outbox).where(_outbox.c.id.in_(outbox_ids))
        await connection.execute(rows.values(leased_until_s=lease.now_s + lease.lease_s))


async def release_leases(store: Store) -> None:
    """Give back every leased delivery: for the one sender of an embedded store, which starts and knows that no other is at work."""
    async with store.writing() as connection:
        await connection.execute(
            sa.update(_outbox).where(_outbox.c.leased_until_s.is_not(None)).values(leased_until_s=None)
        )


async def record_attempt(
    store: Store,
    delivery_uid: str,
    attempt: AttemptRow,
    *,
    next_due_s: float | None = None,
    subscription_state: str = "",
) -> None:
    """Log one attempt and what follows (see Attempted)."""
    await settle(store, Settlement([Attempted(delivery_uid, attempt, next_due_s, subscription_state)]))


async def settle(store: Store, done: Settlement, go_on: Lease | None = None) -> list[list[DueDelivery]]:
    """Write down what was done, in one transaction; with `go_on` take what follows those in `followed`, a run each."""
    async with store.writing() as connection:
        rows = await _rows(connection, [one.delivery_uid for one in done.made])
        if done.made:
            await _write(connection, done.made, rows)
        if done.released:
            given_back = sa.update(_outbox).where(_outbox.c.uid.in_(list(done.released)))
            await connection.execute(given_back.values(leased_until_s=None))
        for uid, due_s in done.postponed.items():
            later = sa.update(_outbox).where(_outbox.c.uid == uid)
            await connection.execute(later.values(leased_until_s=None, due_s=due_s))
        if go_on is None:
            return []
        # the last one of each subscription decides: what failed holds back what follows
        last = {rows[one.delivery_uid].subscription_id: one for one in done.made}
        after = {
            id_: rows[one.delivery_uid].sequence + 1
            for id_, one in last.items()
            if one.state == "delivered" and rows[one.delivery_uid].sequence > 0 and one.delivery_uid in done.followed
        }
        runs: list[list[DueDelivery]] = [[] for _ in after]
        if after:
            await _extend(connection, runs, after, go_on)
    return [run for run in runs if run]


async def _rows(connection: AsyncConnection, uids: Sequence[str]) -> dict[str, Any]:
    columns = (
        _outbox.c.id,
        _outbox.c.uid,
        _outbox.c.attempts,
        _outbox.c.due_s,
        _outbox.c.subscription_id,
        _outbox.c.sequence,
    )
    question = sa.select(*columns).where(_outbox.c.uid.in_(uids)).with_for_update()
    return {row.uid: row for row in await connection.execute(question)}


async def _write(connection: AsyncConnection, made: Sequence[Attempted], rows: Mapping[str, Any]) -> None:
    numbers = await _numbers(connection, [row.id for row in rows.values()])
    logged, moved, ended = [], [], []
    for one in made:
        row, attempt = rows[one.delivery_uid], one.attempt
        logged.append(
            {
                "outbox_id": row.id, "attempt": numbers.get(row.id, 0) + 1, "at_s": attempt.at_s, "status": attempt.status,
                "outcome": attempt.outcome, "detail": attempt.detail, "duration_ms": attempt.duration_ms,
            }
        )  # fmt: skip
        moved.append(
            {
                "which": row.id, "to_state": one.state, "tried": row.attempts + 1,
                "due": row.due_s if one.next_due_s is None else one.next_due_s,
                "done": None if one.state == "pending" else int(attempt.at_s),
            }
        )  # fmt: skip
        if one.subscription_state:
            ended.append((row.subscription_id, one))
    await connection.execute(sa.insert(_attempts), logged)
    await connection.execute(_MOVE, moved)
    for id_, one in ended:
        await _end(connection, id_, one)


_MOVE = (
    sa.update(_outbox)
    .where(_outbox.c.id == sa.bindparam("which"))
    .values(
        state=sa.bindparam("to_state"),
        attempts=sa.bindparam("tried"),
        due_s=sa.bindparam("due"),
        done_s=sa.bindparam("done"),
        leased_until_s=sa.null(),
    )
)


async def _end(connection: AsyncConnection, subscription_id: int, one: Attempted) -> None:
    """Move a subscription, unless its owner has ended it meanwhile."""
    moved = sa.update(_subscriptions).where(_subscriptions.c.id == subscription_id, _subscriptions.c.state != "deleted")
    told = {"notice": one.notice} if one.notice else {}
    await connection.execute(moved.values(state=one.subscription_state, updated_s=int(one.attempt.at_s), **told))
    if one.message is not None:
        await enqueue_in(connection, [one.message], int(one.attempt.at_s))


async def _numbers(connection: AsyncConnection, outbox_ids: Sequence[int]) -> dict[int, int]:
    question = (
        sa.select(_attempts.c.outbox_id, sa.func.max(_attempts.c.attempt).label("number"))
        .where(_attempts.c.outbox_id.in_(outbox_ids))
        .group_by(_attempts.c.outbox_id)
    )
    return {row.outbox_id: int(row.number) for row in await connection.execute(question)}


def _due(row: Any) -> DueDelivery:
    return DueDelivery(delivery_of(row), subscription_of(row))


def delivery_of(row: Any) -> DeliveryRow:
    """A delivery from a row of `with_subscription`."""
    return DeliveryRow(
        row.outbox_uid, row.uid, row.outbox_sequence, row.outbox_kind, row.outbox_payload, row.event_uid or "", row.outbox_state,
        row.outbox_created_s, row.outbox_due_s, row.outbox_attempts, row.outbox_done_s,
    )  # fmt: skip
