"""Entering messages into the outbox, in the transaction of whatever they tell of.

An event goes to every subscription that wants it: a handful of statements for all of them together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningUpdate

from store import tables
from store.alert_rows import ABOUT_ITSELF, Message
from store.given import given, parameters

_subscriptions, _outbox, _events = tables.subscriptions, tables.outbox, tables.alert_events


def enter(connection: sa.Connection, messages: Iterable[Message], at_s: int) -> None:
    """Enter messages in the caller's transaction, due at once; one whose uid is there already, or with no subscription, is left out."""
    by_uid: dict[str, Message] = {}
    for message in messages:
        by_uid.setdefault(message.uid, message)
    fresh = _not_there(connection, by_uid)
    for message in fresh:
        if message.kind in ABOUT_ITSELF and (place := _aside(connection, message, at_s)) is not None:
            _insert(connection, [_Entered(message.uid, *place, message.kind, message.payload, "")], at_s)
    if in_line := _in_line(connection, [one for one in fresh if one.kind not in ABOUT_ITSELF], at_s):
        _insert(connection, in_line, at_s)


@dataclass(frozen=True, slots=True)
class _Entered:
    """A row of the outbox as the statement below is given it."""

    uid: str
    subscription_id: int
    sequence: int
    kind: str
    payload: str
    event_uid: str


@dataclass(frozen=True, slots=True)
class _Counted:
    """How many numbers a subscription needs."""

    uid: str
    count: int


@dataclass(frozen=True, slots=True)
class _Named:
    uid: str


def _not_there(connection: sa.Connection, by_uid: Mapping[str, Message]) -> list[Message]:
    """Those that the outbox does not hold, in their order."""
    if not by_uid:
        return []
    found = connection.execute(_there(connection.dialect.name), parameters([_Named(uid) for uid in by_uid]))
    there = {row.uid for row in found}
    return [message for uid, message in by_uid.items() if uid not in there]


@cache
def _there(dialect: str) -> sa.Select[Any]:
    asked = given(dialect, uid=sa.Text())
    return sa.select(_outbox.c.uid).select_from(asked.join(_outbox, _outbox.c.uid == asked.c.uid))


def _in_line(connection: sa.Connection, messages: Sequence[Message], at_s: int) -> list[_Entered]:
    """Messages with the next numbers of their subscriptions; what was put off so as to be told together with news has its news now."""
    wanted = Counter(message.subscription_uid for message in messages)
    if not wanted:
        return []
    counted = connection.execute(
        _count_on(connection.dialect.name), parameters([_Counted(uid, count) for uid, count in sorted(wanted.items())])
    ).all()
    if people := [row.id for row in counted if row.channel != "webhook"]:
        put_off = sa.update(_outbox).where(_outbox.c.subscription_id.in_(people), _outbox.c.state == "pending")
        connection.execute(put_off.where(_outbox.c.attempts == 0, _outbox.c.due_s > at_s).values(due_s=at_s))
    ids = {row.uid: row.id for row in counted}
    last = {row.uid: row.last_sequence - wanted[row.uid] for row in counted}
    entered = []
    for message in messages:
        owner = message.subscription_uid
        if owner in last:
            last[owner] += 1
            entered.append(
                _Entered(message.uid, ids[owner], last[owner], message.kind, message.payload, message.event_uid)
            )
    return entered


@cache
def _count_on(dialect: str) -> ReturningUpdate[Any]:
    wanted = given(dialect, uid=sa.Text(), count=sa.Integer())
    columns = _subscriptions.c
    return (
        sa.update(_subscriptions)
        .where(columns.uid == wanted.c.uid, columns.state != "deleted")
        .values(last_sequence=columns.last_sequence + wanted.c["count"])
        .returning(columns.id, columns.uid, columns.last_sequence, columns.channel)
    )


def _insert(connection: sa.Connection, rows: Sequence[_Entered], at_s: int) -> None:
    connection.execute(_inserting(connection.dialect.name), {**parameters(rows), "at_s": at_s})


@cache
def _inserting(dialect: str) -> sa.Insert:
    """Rows due at once, in the order in which they are given."""
    rows = given(
        dialect, uid=sa.Text(), subscription_id=sa.BigInteger(), sequence=sa.BigInteger(), kind=sa.Text(), payload=sa.Text(),
        event_uid=sa.Text(),
    )  # fmt: skip
    at_s = sa.bindparam("at_s", type_=sa.BigInteger)
    copied = ("uid", "subscription_id", "sequence", "kind", "payload")
    event_id = sa.select(_events.c.id).where(_events.c.uid == rows.c.event_uid).scalar_subquery()
    pending, none_yet = sa.literal("pending"), sa.literal(0)
    return sa.insert(_outbox).from_select(
        [*copied, "event_id", "state", "created_s", "due_s", "attempts"],
        sa.select(*(rows.c[name] for name in copied), event_id, pending, at_s, sa.cast(at_s, sa.Double), none_yet)
        .select_from(rows)
        .order_by(rows.c.subscription_id, rows.c.sequence),
    )


def _aside(connection: sa.Connection, message: Message, at_s: int) -> tuple[int, int] | None:
    """A number below zero, and the older ones of its kind are over: only the newest challenge can be met."""
    owner = sa.select(_subscriptions.c.id).where(
        _subscriptions.c.uid == message.subscription_uid, _subscriptions.c.state != "deleted"
    )
    found = connection.execute(owner).scalar()
    if found is None:
        return None
    mine = _outbox.c.subscription_id == found
    older = sa.update(_outbox).where(mine, _outbox.c.kind == message.kind, _outbox.c.state == "pending")
    connection.execute(older.values(state="failed", done_s=at_s, leased_until_s=None))
    lowest = connection.execute(sa.select(sa.func.min(_outbox.c.sequence)).where(mine))
    return int(found), min(int(lowest.scalar() or 0), 0) - 1
