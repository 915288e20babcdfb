"""What people say about alerts: silences and maintenance windows with an end and a reason, and acknowledgements. Rows are ended, never deleted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from store import tables
from store.engine import Store

_silences, _acks = tables.silences, tables.acknowledgements


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """`kind` is `silence` (no notice at all) or `maintenance` (none of missing data). `scope` is alerting's (JSON text);
    `level`: what the alerts had reached, above which they break through. Ended early at `ended_s`, by whom.
    """

    uid: str
    kind: str
    author: str
    reason: str
    from_s: int
    until_s: int
    created_s: int
    scope: str = "{}"
    level: str = "unverified"
    ended_s: int | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class AcknowledgementRow:
    """Somebody has seen an alert at a revision, and says so until `expires_s`. It ends nothing and mutes nothing."""

    alert_uid: str
    revision: int
    author: str
    note: str
    at_s: int
    expires_s: int


async def create_silence(store: Store, row: SilenceRow) -> None:
    """Keep a new silence."""
    values = {name: getattr(row, name) for name in SilenceRow.__slots__}
    async with store.writing() as connection:
        await connection.execute(sa.insert(_silences).values(**values))


async def silences(store: Store, *, at_s: int | None = None, limit: int = 1000) -> list[SilenceRow]:
    """Silences, the newest first; those only that hold at `at_s`, if given."""
    question = sa.select(_silences).order_by(_silences.c.created_s.desc(), _silences.c.uid).limit(limit)
    if at_s is not None:
        over = sa.func.coalesce(_silences.c.ended_s, _silences.c.until_s)
        question = question.where(_silences.c.from_s <= at_s, _silences.c.until_s > at_s, over > at_s)
    async with store.reading() as connection:
        return [_silence(row) for row in await connection.execute(question)]


async def silence(store: Store, uid: str) -> SilenceRow | None:
    """One silence; None if the uid is unknown."""
    async with store.reading() as connection:
        row = (await connection.execute(sa.select(_silences).where(_silences.c.uid == uid))).first()
    return None if row is None else _silence(row)


async def end_silence(store: Store, uid: str, at_s: int, author: str) -> SilenceRow | None:
    """End a silence before its time; one that is over already stays as it was. None if the uid is unknown."""
    still = sa.and_(_silences.c.uid == uid, _silences.c.ended_s.is_(None), _silences.c.until_s > at_s)
    async with store.writing() as connection:
        await connection.execute(sa.update(_silences).where(still).values(ended_s=at_s, ended_by=author))
    return await silence(store, uid)


async def acknowledge(store: Store, row: AcknowledgementRow) -> None:
    """Keep an acknowledgement beside those before it."""
    values = {name: getattr(row, name) for name in AcknowledgementRow.__slots__}
    async with store.writing() as connection:
        await connection.execute(sa.insert(_acks).values(**values))


async def acknowledgements(store: Store, alert_uids: Collection[str]) -> dict[str, list[AcknowledgementRow]]:
    """Alert uid -> its acknowledgements, the newest first; alerts without one are left out."""
    question = (
        sa.select(_acks).where(_acks.c.alert_uid.in_(alert_uids)).order_by(_acks.c.at_s.desc(), _acks.c.id.desc())
    )
    found: dict[str, list[AcknowledgementRow]] = {}
    async with store.reading() as connection:
        for row in await connection.execute(question):
            one = AcknowledgementRow(row.alert_uid, row.revision, row.author, row.note, row.at_s, row.expires_s)
            found.setdefault(row.alert_uid, []).append(one)
    return found


def _silence(row: Any) -> SilenceRow:
    return SilenceRow(**{name: getattr(row, name) for name in SilenceRow.__slots__})
