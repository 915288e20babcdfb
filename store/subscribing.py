"""Subscriptions as rows: made, looked up, changed, proved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables
from store.alert_rows import SubscriptionRow
from store.engine import Store

_subscriptions, _outbox = tables.subscriptions, tables.outbox

COLUMNS = (
    "uid", "url", "secret", "token_sha256", "filter", "state", "description", "previous_secret", "previous_until_s", "created_s",
    "updated_s", "last_sequence", "channel", "format", "audience", "pending_url", "challenge_sha256", "challenge_until_s",
    "verified_s", "contact", "notice",
)  # fmt: skip
#: What `patch_subscription` may change.
PATCHABLE = frozenset(COLUMNS) - {"uid", "created_s", "updated_s", "last_sequence", "channel", "audience", "verified_s"}


async def create_subscription(store: Store, subscription: SubscriptionRow) -> None:
    """Enter a subscription; its uid must be new."""
    values = {name: getattr(subscription, name) for name in COLUMNS}
    async with store.writing() as connection:
        await connection.execute(sa.insert(_subscriptions).values(**values))


async def subscriptions(
    store: Store, *, states: Iterable[str] = ("active", "paused", "disabled")
) -> list[SubscriptionRow]:
    """Subscriptions in some states, in the order of their making; by default all that messages are kept for."""
    question = sa.select(_subscriptions).where(_subscriptions.c.state.in_(list(states))).order_by(_subscriptions.c.id)
    async with store.reading() as connection:
        return [subscription_of(row) for row in await connection.execute(question)]


async def subscription(store: Store, uid: str) -> SubscriptionRow | None:
    """One subscription, deleted ones too; None if the uid is unknown."""
    async with store.reading() as connection:
        row = (await connection.execute(sa.select(_subscriptions).where(_subscriptions.c.uid == uid))).first()
    return subscription_of(row) if row else None


async def patch_subscription(store: Store, uid: str, at_s: int, **changes: Any) -> SubscriptionRow | None:
    """Change some of PATCHABLE (deleting is state `deleted`); the subscription after it, None if the uid is unknown."""
    if unknown := changes.keys() - PATCHABLE:
        raise ValueError(f"a subscription has no changeable {', '.join(sorted(unknown))}")
    async with store.writing() as connection:
        await connection.execute(
            sa.update(_subscriptions).where(_subscriptions.c.uid == uid).values(**changes, updated_s=at_s)
        )
    return await subscription(store, uid)


async def prove(store: Store, uid: str, challenge_sha256: str, at_s: int) -> bool:
    """The address that waits for proof has given the challenge back: it is the subscription's from now on. False if that is not the challenge.

    What was never verified, or disabled, begins, with what has failed; what was paused stays so.
    """
    table = _subscriptions.c
    begins = table.state.in_(["unverified", "disabled"])
    async with store.writing() as connection:
        moved = await connection.execute(
            sa.update(_subscriptions)
            .where(
                table.uid == uid,
                table.state != "deleted",
                table.challenge_sha256 == challenge_sha256,
                table.challenge_sha256 != "",
                table.challenge_until_s > at_s,
            )
            .values(
                url=table.pending_url,
                pending_url="",
                challenge_sha256="",
                challenge_until_s=None,
                verified_s=at_s,
                updated_s=at_s,
                notice="",
                state=sa.case((begins, "active"), else_=table.state),
            )
        )
        if moved.rowcount == 1:
            await _again(connection, uid, at_s)
    return moved.rowcount == 1


async def resume(store: Store, uid: str, at_s: int) -> SubscriptionRow | None:
    """A disabled subscription is active again, with what failed for good or waits for a late attempt due now; in one transaction,
    because what follows must not overtake it. The subscription after it, None if the uid is unknown.
    """
    async with store.writing() as connection:
        moved = await connection.execute(
            sa.update(_subscriptions)
            .where(_subscriptions.c.uid == uid, _subscriptions.c.state == "disabled")
            .values(state="active", notice="", updated_s=at_s)
        )
        if moved.rowcount == 1:
            await _again(connection, uid, at_s)
    return await subscription(store, uid)


async def _again(connection: AsyncConnection, uid: str, at_s: int) -> None:
    owner = sa.select(_subscriptions.c.id).where(_subscriptions.c.uid == uid).scalar_subquery()
    late = sa.or_(_outbox.c.state == "failed", sa.and_(_outbox.c.state == "pending", _outbox.c.due_s > at_s))
    chosen = sa.update(_outbox).where(_outbox.c.subscription_id == owner, _outbox.c.sequence > 0, late)
    await connection.execute(chosen.values(state="pending", due_s=at_s, attempts=0, leased_until_s=None, done_s=None))


def subscription_of(row: Any) -> SubscriptionRow:
    """A subscription from a row that holds its columns."""
    return SubscriptionRow(**{name: getattr(row, name) for name in COLUMNS})
