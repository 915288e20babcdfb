"""Which answers the store has taken in already, so that a long import goes on where it was."""

from __future__ import annotations

import sqlalchemy as sa

from store import tables
from store.engine import Store

#: Address, moment of the request, digest of the body.
Asked = tuple[str, float, str]


async def of_finished_runs(store: Store) -> frozenset[Asked]:
    """The answers of runs that were finished."""
    answers, runs = tables.answers, tables.runs
    asked = (
        sa.select(answers.c.url, answers.c.requested_s, answers.c.sha256)
        .join(runs, runs.c.id == answers.c.run_id)
        .where(runs.c.finished_s.is_not(None))
    )
    async with store.reading() as connection:
        return frozenset((row.url, row.requested_s, row.sha256) for row in await connection.execute(asked))


async def of_run(store: Store, run_uid: str) -> frozenset[str]:
    """The digests of the answers of one run."""
    answers, runs = tables.answers, tables.runs
    asked = sa.select(answers.c.sha256).join(runs, runs.c.id == answers.c.run_id).where(runs.c.uid == run_uid)
    async with store.reading() as connection:
        return frozenset((await connection.execute(asked)).scalars())
