"""Versions of operators' files: what runs, what is held back and why, and who changed what. Nothing of it is ever overwritten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables
from store.engine import Store

_files, _texts, _changes = tables.config_files, tables.config_texts, tables.config_changes


@dataclass(frozen=True, slots=True)
class ConfigFileRow:
    """The version of one file that runs. `instead_of`: digest of the file's content in whose stead ("" for no file); None: the file itself."""

    name: str
    digest: str
    text: str
    instead_of: str | None
    problems: tuple[str, ...]
    since_s: int


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """One change of a file or of a feed's state: what was done, by whom, when, why. `numbers` is what a plan or canary had measured."""

    at_s: int
    name: str
    feed_id: str
    action: str  # first, edit, apply, hold, remove, pause, resume, run
    author: str
    digest: str = ""
    before: str = ""
    diff: str = ""
    reason: str = ""
    numbers: str = ""
    id: int = 0


async def config_files(store: Store) -> dict[str, ConfigFileRow]:
    """Name -> the version that runs, with its text."""
    question = sa.select(_files, _texts.c.text).outerjoin(_texts, _texts.c.digest == _files.c.digest)
    async with store.reading() as connection:
        found = (await connection.execute(question)).all()
    return {
        row.name: ConfigFileRow(
            row.name, row.digest, row.text or "", row.instead_of, tuple(json.loads(row.problems or "[]")), row.since_s
        )
        for row in found
    }


async def config_marks(store: Store) -> tuple[tuple[str, str, str | None], ...]:
    """(name, digest, instead_of) of every file: a small answer that changes whenever a decision on a file does."""
    question = sa.select(_files.c.name, _files.c.digest, _files.c.instead_of).order_by(_files.c.name)
    async with store.reading() as connection:
        return tuple((row.name, row.digest, row.instead_of) for row in await connection.execute(question))


async def keep_files(store: Store, rows: Sequence[ConfigFileRow], changes: Sequence[ConfigChange] = ()) -> None:
    """Enter which versions run and what was changed, in one transaction. Repeating it changes nothing but the list of changes."""
    async with store.commit_lock, store.writing() as connection:
        for row in rows:
            await _keep(store, connection, row)
        for change in changes:
            await note_change(connection, change)


async def drop_files(store: Store, names: Sequence[str], changes: Sequence[ConfigChange] = ()) -> None:
    """The files were taken away; their texts and changes stay."""
    async with store.commit_lock, store.writing() as connection:
        await connection.execute(sa.delete(_files).where(_files.c.name.in_(list(names))))
        for change in changes:
            await note_change(connection, change)


async def note_change(connection: AsyncConnection, change: ConfigChange) -> None:
    """Add one line to the list of changes, within a transaction of the caller."""
    fields = ("at_s", "name", "feed_id", "action", "author", "digest", "before", "diff", "reason", "numbers")
    await connection.execute(sa.insert(_changes).values({name: getattr(change, name) for name in fields}))


async def config_changes(
    store: Store, feed_id: str | None = None, *, before_id: int | None = None, limit: int = 100
) -> list[ConfigChange]:
    """Changes, newest first: of one feed, or of everything."""
    question = sa.select(_changes).order_by(_changes.c.id.desc()).limit(limit)
    if feed_id is not None:
        question = question.where(_changes.c.feed_id == feed_id)
    if before_id is not None:
        question = question.where(_changes.c.id < before_id)
    async with store.reading() as connection:
        return [_change(row) for row in await connection.execute(question)]


async def config_text(store: Store, digest: str) -> str | None:
    """The text of a version that ran or was applied at any time; None for an unknown digest (a prefix will do when it names one alone)."""
    question = sa.select(_texts.c.text).where(_texts.c.digest.startswith(digest, autoescape=True)).limit(2)
    async with store.reading() as connection:
        found = list((await connection.execute(question)).scalars())
    return found[0] if len(found) == 1 else None


def _change(row: Any) -> ConfigChange:
    return ConfigChange(
        row.at_s, row.name, row.feed_id, row.action, row.author, row.digest, row.before, row.diff, row.reason, row.numbers, row.id
    )  # fmt: skip


async def _keep(store: Store, connection: AsyncConnection, row: ConfigFileRow) -> None:
    insert: Any = sqlite.insert if store.is_sqlite else postgresql.insert
    text = insert(_texts).values(digest=row.digest, text=row.text)
    await connection.execute(text.on_conflict_do_nothing())
    values = {
        "digest": row.digest,
        "instead_of": row.instead_of,
        "problems": json.dumps(row.problems, ensure_ascii=False),
        "since_s": row.since_s,
    }
    entered = insert(_files).values(name=row.name, **values)
    await connection.execute(entered.on_conflict_do_update(index_elements=["name"], set_=values))
