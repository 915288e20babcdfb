"""The sender's side of the outbox: lease what is due, in order; write down what came of it; go on with what follows.

A due delivery is leased to one sender; PostgreSQL skips rows that another one holds. Of each subscription only the first pending
one may be taken, due or not, because a receiver gets things in order: one that waits holds back those after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import msgspec
import sqlalchemy as sa

from store import tables
from store.alert_rows import AttemptRow, DeliveryRow, DueDelivery, Message
from store.engine import Store
from store.entering import enter
from store.given import gathered, given, parameters, told
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
    if not await _anything_due(store, now_s):
        return []
    return await store.transact(partial(_taken, limit=limit, lease=Lease(now_s, run, lease_s)))


def _taken(connection: sa.Connection, limit: int, lease: Lease) -> list[list[DueDelivery]]:
    questions = (_about_themselves(lease.now_s, limit), _heads(lease.now_s, limit))
    themselves, heads = [
        connection.execute(one.with_for_update(skip_locked=True, of=_outbox)).all() for one in questions
    ]
    runs = {row.subscription_id: [_due(row)] for row in heads}
    leased = [row.outbox_id for row in (*themselves, *heads)]
    if lease.run > 1 and runs:
        leased += _extend(connection, runs, {row.subscription_id: row.outbox_sequence + 1 for row in heads}, lease)
    _lease(connection, leased, lease)
    return [[_due(row)] for row in themselves] + list(runs.values())


async def _anything_due(store: Store, now_s: float) -> bool:
    """A look that takes no write lock: a sender looks often, and mostly there is nothing to take."""
    async with store.reading() as connection:
        for question in (_heads(now_s, 1), _about_themselves(now_s, 1)):
            if (await connection.execute(question.with_only_columns(_outbox.c.id))).first() is not None:
                return True
    return False


def _free(now_s: float) -> sa.ColumnElement[bool]:
    return sa.or_(_outbox.c.leased_until_s.is_(None), _outbox.c.leased_until_s <= now_s)


def _heads(now_s: float, limit: int) -> sa.Select[Any]:
    """The first pending delivery of each active subscription, where it is due and nobody's."""
    return (
        with_subscription()
        .where(_subscriptions.c.state == "active", _outbox.c.sequence == _first_pending())
        .where(_outbox.c.state == "pending", _outbox.c.due_s <= now_s, _free(now_s))
        .order_by(_outbox.c.due_s, _outbox.c.id)
        .limit(limit)
    )


def _about_themselves(now_s: float, limit: int) -> sa.Select[Any]:
    concerned = sa.or_(_subscriptions.c.challenge_sha256 != "", _subscriptions.c.notice != "")
    return (
        with_subscription()
        .where(concerned, _subscriptions.c.state != "deleted", _outbox.c.sequence < 0)
        .where(_outbox.c.state == "pending", _outbox.c.due_s <= now_s, _free(now_s))
        .order_by(_outbox.c.due_s, _outbox.c.id)
        .limit(limit)
    )


_EVENT = sa.select(_events.c.uid).where(_events.c.id == _outbox.c.event_id).scalar_subquery().label("event_uid")
_DELIVERY = (*(column.label(f"outbox_{column.name}") for column in _outbox.c), _EVENT)


def with_subscription() -> sa.Select[Any]:
    """Deliveries beside their subscriptions: the outbox's columns as `outbox_<name>`, and the uid of the event."""
    own = [column for column in _subscriptions.c if column.name != "id"]
    mine = _subscriptions.c.id.label("subscription_id")
    return sa.select(*own, mine, *_DELIVERY).join(_outbox, _outbox.c.subscription_id == _subscriptions.c.id)


def _first_pending() -> sa.ScalarSelect[Any]:
    """The sequence of a subscription's first pending delivery."""
    waiting = _outbox.alias("waiting")
    return (
        sa.select(sa.func.min(waiting.c.sequence))
        .where(waiting.c.subscription_id == _subscriptions.c.id, waiting.c.state == "pending", waiting.c.sequence > 0)
        .correlate(_subscriptions)
        .scalar_subquery()
    )


def _extend(
    connection: sa.Connection, runs: Mapping[int, list[DueDelivery]], wanted: dict[int, int], lease: Lease
) -> list[int]:
    """Add to the runs (by subscription id) what follows them without a gap; `wanted`: the next sequence of each. The rows to be leased.

    A run is extended only where nothing before it waits. A gap is a delivered one that was made due out of turn before: what lies
    behind it comes with the next claim.
    """
    active = sa.select(_subscriptions).where(_subscriptions.c.id.in_(list(runs)), _subscriptions.c.state == "active")
    owners = {row.id: subscription_of(row) for row in connection.execute(active)}
    asked = {"mine": list(runs), "run": lease.run}
    found = connection.execute(_next_ones(connection.dialect.name), asked).scalar()
    leased: list[int] = []
    for one in sorted(_NEXT.decode(found or "[]"), key=lambda one: one.delivery.sequence):
        id_, run, sequence = one.subscription_id, runs[one.subscription_id], one.delivery.sequence
        if id_ not in owners or (run and one.delivery.uid == run[0].delivery.uid):
            continue
        if sequence < wanted[id_]:
            del owners[id_]  # somebody made an earlier one due again
        elif sequence == wanted[id_] and one.delivery.due_s <= lease.now_s:
            wanted[id_] += 1
            run.append(DueDelivery(one.delivery, owners[id_]))
            leased.append(one.id)
    return leased


@dataclass(frozen=True, slots=True)
class _Next:
    """A delivery that may follow, as the statement below tells it."""

    id: int
    subscription_id: int
    delivery: DeliveryRow


_NEXT = msgspec.json.Decoder(list[_Next])


@cache
def _next_ones(dialect: str) -> sa.Select[Any]:
    """The first `run` sequences of each subscription of `mine` from the first that waits."""
    columns = _outbox.c
    near = sa.and_(
        columns.subscription_id == _subscriptions.c.id,
        columns.state == "pending",
        columns.sequence > 0,
        columns.sequence < _first_pending() + sa.bindparam("run", type_=sa.Integer),
    )
    delivery = told(
        dialect, uid=columns.uid, subscription_uid=_subscriptions.c.uid, sequence=columns.sequence, kind=columns.kind,
        payload=columns.payload, event_uid=sa.func.coalesce(_EVENT.element, ""), state=columns.state, created_s=columns.created_s,
        due_s=columns.due_s, attempts=columns.attempts, done_s=columns.done_s,
    )  # fmt: skip
    row = told(dialect, id=columns.id, subscription_id=columns.subscription_id, delivery=delivery)
    return (
        sa.select(gathered(dialect, row))
        .select_from(_subscriptions.join(_outbox, near))
        .where(_subscriptions.c.id.in_(sa.bindparam("mine", expanding=True)))
    )


def _lease(connection: sa.Connection, outbox_ids: Sequence[int], lease: Lease) -> None:
    if outbox_ids:
        rows = sa.update(_outbox).where(_outbox.c.id.in_(outbox_ids))
        connection.execute(rows.values(leased_until_s=lease.now_s + lease.lease_s))


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
    return await store.transact(partial(_settled, done=done, go_on=go_on))


def _settled(connection: sa.Connection, done: Settlement, go_on: Lease | None) -> list[list[DueDelivery]]:
    if done.made:
        written = parameters([_written(one) for one in done.made])
        for statement in _writing_down(connection.dialect.name):
            connection.execute(statement, written)
    for one in done.made:
        if one.subscription_state:
            _end(connection, one)
    if done.released:
        given_back = sa.update(_outbox).where(_outbox.c.uid.in_(list(done.released)))
        connection.execute(given_back.values(leased_until_s=None))
    for uid, due_s in done.postponed.items():
        later = sa.update(_outbox).where(_outbox.c.uid == uid)
        connection.execute(later.values(leased_until_s=None, due_s=due_s))
    delivered = [
        one.delivery_uid for one in done.made if one.state == "delivered" and one.delivery_uid in done.followed
    ]
    return _following(connection, delivered, go_on) if go_on is not None and delivered else []


def _following(connection: sa.Connection, delivered: Sequence[str], lease: Lease) -> list[list[DueDelivery]]:
    """The runs that come after what was delivered, leased."""
    asked = sa.select(_outbox.c.subscription_id, _outbox.c.sequence).where(_outbox.c.uid.in_(delivered))
    after = {row.subscription_id: row.sequence + 1 for row in connection.execute(asked) if row.sequence > 0}
    runs: dict[int, list[DueDelivery]] = {id_: [] for id_ in after}
    if runs:
        _lease(connection, _extend(connection, runs, after, lease), lease)
    return [run for run in runs.values() if run]


@dataclass(frozen=True, slots=True)
class _Written:
    """An attempt as the statements below are given it."""

    uid: str
    at_s: float
    status: int | None
    outcome: str
    detail: str
    duration_ms: int
    state: str
    due_s: float | None
    done_s: int | None


def _written(one: Attempted) -> _Written:
    attempt, state = one.attempt, one.state
    return _Written(
        one.delivery_uid, attempt.at_s, attempt.status, attempt.outcome, attempt.detail, attempt.duration_ms,
        state, one.next_due_s, None if state == "pending" else int(attempt.at_s),
    )  # fmt: skip


@cache
def _writing_down(dialect: str) -> tuple[sa.Insert, sa.Update]:
    """Into the log, whose count goes on when a delivery is made due again, and to where the delivery stands now."""
    made = given(
        dialect, uid=sa.Text(), at_s=sa.Double(), status=sa.Integer(), outcome=sa.Text(), detail=sa.Text(),
        duration_ms=sa.Integer(), state=sa.Text(), due_s=sa.Double(), done_s=sa.BigInteger(),
    )  # fmt: skip
    logged = _attempts.alias("logged")
    so_far = sa.select(sa.func.coalesce(sa.func.max(logged.c.attempt), 0)).where(logged.c.outbox_id == _outbox.c.id)
    copied = ("at_s", "status", "outcome", "detail", "duration_ms")
    rows = sa.select(_outbox.c.id, so_far.scalar_subquery() + 1, *(made.c[name] for name in copied)).select_from(
        made.join(_outbox, _outbox.c.uid == made.c.uid)
    )
    moved = sa.update(_outbox).where(_outbox.c.uid == made.c.uid)
    return sa.insert(_attempts).from_select(["outbox_id", "attempt", *copied], rows), moved.values(
        state=made.c.state,
        attempts=_outbox.c.attempts + 1,
        due_s=sa.func.coalesce(made.c.due_s, _outbox.c.due_s),
        done_s=made.c.done_s,
        leased_until_s=sa.null(),
    )


def _end(connection: sa.Connection, one: Attempted) -> None:
    """Move a subscription, unless its owner has ended it meanwhile."""
    owner = sa.select(_outbox.c.subscription_id).where(_outbox.c.uid == one.delivery_uid).scalar_subquery()
    moved = sa.update(_subscriptions).where(_subscriptions.c.id == owner, _subscriptions.c.state != "deleted")
    notice = {"notice": one.notice} if one.notice else {}
    connection.execute(moved.values(state=one.subscription_state, updated_s=int(one.attempt.at_s), **notice))
    if one.message is not None:
        enter(connection, [one.message], int(one.attempt.at_s))


def _due(row: Any) -> DueDelivery:
    return DueDelivery(delivery_of(row, row.uid), subscription_of(row))


def delivery_of(row: Any, subscription_uid: str) -> DeliveryRow:
    """A delivery from a row that holds the outbox's columns."""
    return DeliveryRow(
        row.outbox_uid, subscription_uid, row.outbox_sequence, row.outbox_kind, row.outbox_payload, row.event_uid or "",
        row.outbox_state, row.outbox_created_s, row.outbox_due_s, row.outbox_attempts, row.outbox_done_s,
    )  # fmt: skip
