"""What operators ask of the collector through the API or the command: a row that one program writes and its owner answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from store import tables
from store.engine import Store

_table = tables.operator_requests
#: A request that a collector took and never answered (it was killed) is taken again after so long.
TAKEN_FOR_S = 300


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request. `kind` is plan, apply or run; `body` and `answer` are JSON; `outcome` is done, refused or failed."""

    id: int
    kind: str
    feed_id: str
    author: str
    body: str
    asked_s: int
    done_s: int | None
    outcome: str
    answer: str


async def ask(store: Store, kind: str, feed_id: str, author: str, body: str, asked_s: int) -> int:
    """Leave a request; its number."""
    values = {"kind": kind, "feed_id": feed_id, "author": author, "body": body, "asked_s": asked_s}
    async with store.commit_lock, store.writing() as connection:
        entered = await connection.execute(sa.insert(_table).values(values).returning(_table.c.id))
        return int(entered.scalar_one())


async def take_requests(store: Store, now_s: int, *, most: int = 20) -> list[RequestRow]:
    """Requests that nobody works on, oldest first, taken in one transaction."""
    free = sa.or_(_table.c.taken_s.is_(None), _table.c.taken_s < now_s - TAKEN_FOR_S)
    question = sa.select(_table).where(_table.c.done_s.is_(None), free).order_by(_table.c.id).limit(most)
    async with store.reading() as connection:  # nearly always there is nothing, and then nothing is to be locked
        if (await connection.execute(question.limit(1))).first() is None:
            return []
    async with store.commit_lock, store.writing() as connection:
        found = (await connection.execute(question.with_for_update(skip_locked=True))).all()
        numbers = [row.id for row in found]
        if numbers:
            await connection.execute(sa.update(_table).where(_table.c.id.in_(numbers)).values(taken_s=now_s))
    return [_row(row) for row in found]


async def answer_request(store: Store, number: int, outcome: str, answer: str, at_s: int) -> None:
    """Answer a request; the first answer stands."""
    change = sa.update(_table).where(_table.c.id == number, _table.c.done_s.is_(None))
    async with store.commit_lock, store.writing() as connection:
        await connection.execute(change.values(done_s=at_s, outcome=outcome, answer=answer))


async def request(store: Store, number: int) -> RequestRow | None:
    """One request with its answer, if it has one."""
    async with store.reading() as connection:
        row = (await connection.execute(sa.select(_table).where(_table.c.id == number))).first()
    return None if row is None else _row(row)


def _row(row: Any) -> RequestRow:
    return RequestRow(
        row.id, row.kind, row.feed_id, row.author, row.body, row.asked_s, row.done_s, row.outcome, row.answer
    )
