"""What was known when, for answers about the past: corrections since then, marks made by then, and which batches had come in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from store import tables
from store.engine import Store


async def last_correction_s(store: Store, from_s: int, to_s: int) -> int | None:
    """When a reading with its end in [from_s, to_s) was last corrected or withdrawn; None if none ever was."""
    old = tables.revisions
    question = sa.select(sa.func.max(old.c.superseded_s)).where(old.c.end_s >= from_s, old.c.end_s < to_s)
    async with store.reading() as connection:
        found: int | None = (await connection.execute(question)).scalar()
    return found


async def marked_by(store: Store, at_s: int) -> frozenset[str]:
    """Stations that their publisher had ever listed as missing by then. When a mark was lifted is not on record, so it is not asked."""
    marks, stations = tables.station_marks, tables.stations
    question = (
        sa.select(stations.c.uid)
        .join(marks, marks.c.station_id == stations.c.id)
        .where(marks.c.first_seen_s <= at_s)
        .distinct()
    )
    async with store.reading() as connection:
        return frozenset((await connection.execute(question)).scalars())


async def newest_batches(store: Store, moments: Sequence[int]) -> list[int]:
    """For each moment (ascending) the highest number of a batch received by then: it moves when an old archive is filed in the past."""
    if not moments:
        return []
    answers = tables.answers
    before = sa.select(sa.func.max(answers.c.id)).where(answers.c.received_s <= moments[0])
    between = sa.select(answers.c.received_s, answers.c.id).where(
        answers.c.received_s > moments[0], answers.c.received_s <= moments[-1]
    )
    async with store.reading() as connection:
        first = (await connection.execute(before)).scalar() or 0
        rows = sorted((row.received_s, row.id) for row in await connection.execute(between))
    highest = np.maximum.accumulate(np.array([first, *(number for _, number in rows)], dtype=np.int64))
    place = np.searchsorted(np.array([at_s for at_s, _ in rows], dtype=np.int64), np.array(moments), side="right")
    return [int(one) for one in highest[place]]
