"""Alerting's side of the store: claim committed batches, decide in one transaction, look alerts and their evidence up again.

A batch is handled when its mark says so, not when it is older than the last one: feeds commit out of order. A claim is a
lease; when its holder dies, the lease runs out and another watcher gets the batch. Alert, event, evidence, messages and the
handled mark commit together, so a crash between any two statements leaves either all of it or none, and then it is done again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.states import AlertState
from store import tables
from store.alert_rows import AlertRow, Change, ClaimedBatch, Decision, EventRow, EvidenceRow
from store.detector_states import keep_in
from store.engine import Store
from store.entering import enter
from store.read_runs import run_row
from store.refused import Outpaced
from store.rows import RunRow

_alerts, _areas, _events, _evidence, _answers = (
    tables.alerts,
    tables.alert_areas,
    tables.alert_events,
    tables.alert_evidence,
    tables.answers,
)


async def claim_batches(
    store: Store, now_s: int, who: str, *, limit: int = 100, lease_s: int = 300
) -> list[ClaimedBatch]:
    """Batches nobody has handled, oldest first, leased to `who` for `lease_s`; one's own claims are given again."""
    free = sa.or_(_answers.c.claimed_s.is_(None), _answers.c.claimed_s <= now_s - lease_s, _answers.c.claimed_by == who)
    question = (
        sa.select(_answers)
        .where(_answers.c.handled_s.is_(None), free)
        .order_by(_answers.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    async with store.writing() as connection:
        rows = (await connection.execute(question)).all()
        numbers = [row.id for row in rows]
        if numbers:
            claim = sa.update(_answers).where(_answers.c.id.in_(numbers)).values(claimed_s=now_s, claimed_by=who)
            await connection.execute(claim)
    return [
        ClaimedBatch(
            row.id, row.feed_id, row.received_s, row.first_end_s, row.last_end_s, row.stored, row.revised, row.failure, row.exercise
        )
        for row in rows
    ]  # fmt: skip


async def handled_until(store: Store) -> dict[str, int]:
    """Feed id -> receipt of its newest batch that was evaluated; what a watcher has to know again after a restart."""
    question = (
        sa.select(_answers.c.feed_id, sa.func.max(_answers.c.received_s).label("until_s"))
        .where(_answers.c.handled_s.is_not(None))
        .group_by(_answers.c.feed_id)
    )
    async with store.reading() as connection:
        return {row.feed_id: int(row.until_s) for row in await connection.execute(question)}


async def unjudged_runs(store: Store, *, limit: int = 10_000) -> list[RunRow]:
    """Runs that have ended and were not judged yet, in the order of their end; without their answers."""
    runs = tables.runs
    question = (
        sa.select(runs)
        .where(runs.c.judged_s.is_(None), runs.c.finished_s.is_not(None))
        .order_by(runs.c.finished_s, runs.c.id)
        .limit(limit)
    )
    async with store.reading() as connection:
        return [run_row(row) for row in await connection.execute(question)]


async def judged_runs(
    store: Store, feed_id: str, *, after: tuple[int, str] | None = None, limit: int = 10_000
) -> list[RunRow]:
    """Runs of a feed that were judged, oldest first: those after the run `after` (its end and uid), else the newest `limit`."""
    runs = tables.runs
    question = sa.select(runs).where(runs.c.judged_s.is_not(None), runs.c.feed_id == feed_id)
    if after is not None:
        ended_s, uid = after
        number = sa.select(runs.c.id).where(runs.c.uid == uid).scalar_subquery()
        later = sa.or_(runs.c.finished_s > ended_s, sa.and_(runs.c.finished_s == ended_s, runs.c.id > number))
        question = question.where(later)
    question = question.order_by(runs.c.finished_s.desc(), runs.c.id.desc()).limit(limit)
    async with store.reading() as connection:
        return [run_row(row) for row in reversed((await connection.execute(question)).all())]


async def unhandled(store: Store) -> int:
    """How many committed batches wait to be evaluated."""
    async with store.reading() as connection:
        question = sa.select(sa.func.count()).select_from(_answers).where(_answers.c.handled_s.is_(None))
        return int((await connection.execute(question)).scalar_one())


async def decide(store: Store, decision: Decision) -> None:
    """Commit a decision whole. Raises Outpaced when an alert is not at the revision that the decision was made on."""
    async with store.writing() as connection:
        for change in decision.changes:
            await _apply(connection, change)
        await connection.run_sync(enter, decision.messages, decision.at_s)
        if decision.batch_ids:
            await connection.execute(
                sa.update(_answers).where(_answers.c.id.in_(decision.batch_ids)).values(handled_s=decision.at_s)
            )
        if decision.run_uids:
            runs = tables.runs
            await connection.execute(
                sa.update(runs).where(runs.c.uid.in_(decision.run_uids)).values(judged_s=decision.at_s)
            )
        await keep_in(connection, decision.states)


async def _apply(connection: AsyncConnection, change: Change) -> None:
    alert, event = change.alert, change.event
    found = (await connection.execute(_locked(alert.uid))).first()
    if found is None:
        inserted = await connection.execute(sa.insert(_alerts).values(**_alert_values(alert)).returning(_alerts.c.id))
        number = int(inserted.scalar_one())
    elif found.revision >= event.revision:
        raise Outpaced(
            f"alert {alert.uid} is at revision {found.revision}, the decision makes revision {event.revision}"
        )
    else:
        number = found.id
        await connection.execute(sa.update(_alerts).where(_alerts.c.id == number).values(**_alert_values(alert)))
        await connection.execute(sa.delete(_areas).where(_areas.c.alert_id == number))
    if alert.areas:
        areas = [{"alert_id": number, "area_id": area} for area in dict.fromkeys(alert.areas)]
        await connection.execute(sa.insert(_areas), areas)
    await _insert_event(connection, number, event)


def _locked(uid: str) -> sa.Select[Any]:
    return sa.select(_alerts.c.id, _alerts.c.revision).where(_alerts.c.uid == uid).with_for_update()


def _alert_values(alert: AlertRow) -> dict[str, Any]:
    names = (
        "uid",
        "rule_id",
        "subject",
        "revision",
        "began_s",
        "detected_s",
        "updated_s",
        "resolved_s",
        "exercise",
        "document",
    )
    return {name: getattr(alert, name) for name in names} | {"state": alert.state.value, "level": alert.level.value}


async def _insert_event(connection: AsyncConnection, alert_id: int, event: EventRow) -> None:
    names = ("uid", "revision", "kind", "at_s", "rule_version", "parameters", "exercise", "document")
    values = {name: getattr(event, name) for name in names} | {
        "alert_id": alert_id, "state": event.state.value, "level": event.level.value,
        "reasons": json.dumps(dict(event.reasons), ensure_ascii=False),
    }  # fmt: skip
    inserted = await connection.execute(sa.insert(_events).values(**values).returning(_events.c.id))
    number = inserted.scalar_one()
    plain = ("series_uid", "end_s", "revision", "value", "text", "unit", "qc", "published_s", "received_s", "sha256")
    rows = [
        {name: getattr(row, name) for name in plain}
        | {"event_id": number, "position": position, "numbers": json.dumps(dict(row.numbers))}
        for position, row in enumerate(event.evidence)
    ]
    if rows:
        await connection.execute(sa.insert(_evidence), rows)


async def alerts(
    store: Store,
    *,
    states: Collection[AlertState] = (),
    area: str = "",
    rule_id: str = "",
    from_s: int | None = None,
    to_s: int | None = None,
    after: tuple[int, str] | None = None,
    limit: int = 100,
) -> list[AlertRow]:
    """Alerts that were going on in [from_s, to_s), newest start first; `after` is (began_s, uid) of the last one had."""
    question = sa.select(_alerts).order_by(_alerts.c.began_s.desc(), _alerts.c.uid).limit(limit)
    if states:
        question = question.where(_alerts.c.state.in_([state.value for state in states]))
    if rule_id:
        question = question.where(_alerts.c.rule_id == rule_id)
    if area:
        question = question.where(_alerts.c.id.in_(sa.select(_areas.c.alert_id).where(_areas.c.area_id == area)))
    if from_s is not None:
        question = question.where(sa.or_(_alerts.c.resolved_s.is_(None), _alerts.c.resolved_s >= from_s))
    if to_s is not None:
        question = question.where(_alerts.c.began_s < to_s)
    if after is not None:
        began_s, uid = after
        question = question.where(
            sa.or_(_alerts.c.began_s < began_s, sa.and_(_alerts.c.began_s == began_s, _alerts.c.uid > uid))
        )
    async with store.reading() as connection:
        return await _rows(connection, (await connection.execute(question)).all())


async def alert(store: Store, uid: str) -> AlertRow | None:
    """One alert at its newest revision; None if the uid is unknown."""
    async with store.reading() as connection:
        found = await _rows(
            connection, (await connection.execute(sa.select(_alerts).where(_alerts.c.uid == uid))).all()
        )
    return found[0] if found else None


async def _rows(connection: AsyncConnection, rows: Iterable[Any]) -> list[AlertRow]:
    listed = list(rows)
    areas: dict[int, list[str]] = {}
    question = sa.select(_areas).where(_areas.c.alert_id.in_([row.id for row in listed])).order_by(_areas.c.area_id)
    for row in await connection.execute(question):
        areas.setdefault(row.alert_id, []).append(row.area_id)
    return [
        AlertRow(
            row.uid, row.rule_id, row.subject, AlertState(row.state), AlertState(row.level), row.revision, row.began_s,
            row.detected_s, row.updated_s, row.resolved_s, tuple(areas.get(row.id, ())), row.exercise, row.document,
        )
        for row in listed
    ]  # fmt: skip


async def events(store: Store, alert_uid: str, *, evidence: bool = False) -> list[EventRow]:
    """The steps of an alert's life in order, with the readings each stands on if asked."""
    question = (
        sa.select(_events)
        .join(_alerts, _alerts.c.id == _events.c.alert_id)
        .where(_alerts.c.uid == alert_uid)
        .order_by(_events.c.revision)
    )
    async with store.reading() as connection:
        rows = (await connection.execute(question)).all()
        stood_on: dict[int, list[EvidenceRow]] = {}
        if evidence:
            wanted = sa.select(_evidence).where(_evidence.c.event_id.in_([row.id for row in rows]))
            for row in await connection.execute(wanted.order_by(_evidence.c.event_id, _evidence.c.position)):
                stood_on.setdefault(row.event_id, []).append(_evidence_row(row))
    return [_event_row(row, alert_uid, tuple(stood_on.get(row.id, ()))) for row in rows]


async def event(store: Store, event_uid: str) -> EventRow | None:
    """One event with its evidence; None if the uid is unknown."""
    question = (
        sa.select(_alerts.c.uid).join(_events, _events.c.alert_id == _alerts.c.id).where(_events.c.uid == event_uid)
    )
    async with store.reading() as connection:
        alert_uid = (await connection.execute(question)).scalar()
    if alert_uid is None:
        return None
    return next(row for row in await events(store, str(alert_uid), evidence=True) if row.uid == event_uid)


def _event_row(row: Any, alert_uid: str, evidence: tuple[EvidenceRow, ...]) -> EventRow:
    return EventRow(
        row.uid, alert_uid, row.revision, row.kind, AlertState(row.state), AlertState(row.level), row.at_s, row.rule_version,
        row.parameters, json.loads(row.reasons or "{}"), row.exercise, row.document, evidence,
    )  # fmt: skip


def _evidence_row(row: Any) -> EvidenceRow:
    return EvidenceRow(
        row.series_uid, row.end_s, row.revision, row.value, row.text, row.unit, row.qc, row.published_s, row.received_s,
        row.sha256, json.loads(row.numbers or "{}"),
    )  # fmt: skip
