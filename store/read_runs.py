"""Runs, answers, refusals and the health of feeds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.states import FeedState
from store import tables
from store.engine import Store
from store.rows import AnswerRow, FeedHealthRow, RefusalRow, RunRow
from store.write import tally_of

_runs, _answers, _refusals, _health = tables.runs, tables.answers, tables.refusals, tables.feed_health


async def runs(store: Store, feed_id: str, *, before_s: int | None = None, limit: int = 100) -> list[RunRow]:
    """The runs of a feed, newest first, started before `before_s`; without their answers."""
    question = (
        sa.select(_runs)
        .where(_runs.c.feed_id == feed_id)
        .order_by(_runs.c.started_s.desc(), _runs.c.id.desc())
        .limit(limit)
    )
    if before_s is not None:
        question = question.where(_runs.c.started_s < before_s)
    async with store.reading() as connection:
        return [run_row(row) for row in await connection.execute(question)]


async def run(store: Store, run_uid: str) -> RunRow | None:
    """One run with its answers; None if the uid is unknown."""
    async with store.reading() as connection:
        row = (await connection.execute(sa.select(_runs).where(_runs.c.uid == run_uid))).first()
        if row is None:
            return None
        return run_row(row, await _answers_of(connection, row.id))


async def answers(store: Store, run_uid: str) -> list[AnswerRow]:
    """The answers of a run, in the order they were committed."""
    found = await run(store, run_uid)
    return list(found.answers) if found else []


async def _answers_of(connection: AsyncConnection, run_id: int) -> tuple[AnswerRow, ...]:
    found = await connection.execute(sa.select(_answers).where(_answers.c.run_id == run_id).order_by(_answers.c.id))
    return tuple(_answer(row) for row in found)


async def refusals(store: Store, run_uid: str, limit: int = 100) -> list[RefusalRow]:
    """Refusals of a run that can be looked up (at most 50 are kept of each answer)."""
    question = (
        sa.select(_answers.c.url, _answers.c.sha256, _refusals.c.reason, _refusals.c.where_text, _refusals.c.detail)
        .join(_answers, _answers.c.id == _refusals.c.answer_id)
        .join(_runs, _runs.c.id == _answers.c.run_id)
        .where(_runs.c.uid == run_uid)
        .order_by(_refusals.c.answer_id, _refusals.c.position)
        .limit(limit)
    )
    async with store.reading() as connection:
        return [RefusalRow(*row) for row in await connection.execute(question)]


async def feed_health(store: Store) -> dict[str, FeedHealthRow]:
    """Every feed that was ever tried or is paused, with its three clocks and its last run; a pause is the state, whatever came before."""
    async with store.reading() as connection:
        paused = {row.feed_id: row for row in await connection.execute(sa.select(tables.feed_pauses))}
        found = (await connection.execute(sa.select(_health).order_by(_health.c.feed_id))).all()
        numbers = [row.last_run_id for row in found if row.last_run_id is not None]
        last = {
            row.id: run_row(row) for row in await connection.execute(sa.select(_runs).where(_runs.c.id.in_(numbers)))
        }
    told = {
        row.feed_id: FeedHealthRow(
            row.feed_id,
            FeedState(row.state),
            row.cause,
            row.last_try_s,
            row.last_success_s,
            row.last_new_s,
            last.get(row.last_run_id),
        )
        for row in found
    }
    for feed_id, row in paused.items():
        before = told.get(feed_id) or FeedHealthRow(feed_id, FeedState.PAUSED, "", None, None, None, None)
        told[feed_id] = replace(before, state=FeedState.PAUSED, cause=paused_because(row.author, row.reason))
    return told


def paused_because(author: str, reason: str) -> str:
    """The cause that a paused feed shows."""
    return f"paused by {author}{f': {reason}' if reason else ''}"


def run_row(row: Any, listed: tuple[AnswerRow, ...] = ()) -> RunRow:
    """A run from a row of `runs`, with the answers given."""
    tally = tally_of(row)
    return RunRow(
        uid=row.uid,
        feed_id=row.feed_id,
        started_s=row.started_s,
        finished_s=row.finished_s,
        state=FeedState(row.state) if row.state else FeedState.NEVER_RUN,
        cause=row.cause,
        read=tally.read,
        stored=tally.stored,
        unchanged=tally.unchanged,
        revised=tally.revised,
        flagged=tally.flagged,
        refused=tally.refused,
        ignored=tally.ignored,
        answers=listed,
        exercise=row.exercise,
    )


def _answer(row: Any) -> AnswerRow:
    return AnswerRow(
        id=row.id,
        url=row.url,
        requested_s=row.requested_s,
        received_s=row.received_s,
        status=row.status,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        not_modified=row.not_modified,
        failure=row.failure,
        failure_detail=row.failure_detail,
        read=row.read,
        stored=row.stored,
        unchanged=row.unchanged,
        revised=row.revised,
        refused=json.loads(row.refused or "{}"),
    )
