"""Samples with their results and revisions; the newest bulletin of each earthquake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.readings import Quake, Sample, SampleResult
from domain.states import CENSORING_CODES
from store import tables
from store.catalogue import layer_of
from store.engine import Store
from store.rows import Filter, QuakeRow, SampleRow
from store.selecting import lies_in

_samples, _results, _quakes, _stations, _answers = (
    tables.samples,
    tables.sample_results,
    tables.quakes,
    tables.stations,
    tables.answers,
)


def _standing(table: sa.Table, as_of_s: int | None) -> sa.ColumnElement[bool]:
    """The revision that stands now, or stood at `as_of_s`."""
    if as_of_s is None:
        return table.c.superseded_s.is_(None)
    return sa.and_(
        table.c.received_s <= as_of_s, sa.or_(table.c.superseded_s.is_(None), table.c.superseded_s > as_of_s)
    )


async def samples(
    store: Store,
    f: Filter,
    from_s: int,
    to_s: int,
    *,
    as_of_s: int | None = None,
    after: tuple[int, str] | None = None,
    limit: int = 100,
) -> list[SampleRow]:
    """Samples with ends in [from_s, to_s), ordered by (end_s, uid), after the pair `after`; as known at `as_of_s`."""
    question = sa.select(_samples).where(
        _samples.c.end_s >= from_s, _samples.c.end_s < to_s, _standing(_samples, as_of_s)
    )
    if f.media:
        question = question.where(_samples.c.medium.in_(f.media))
    if f.feeds:
        question = question.where(_samples.c.feed_id.in_(f.feeds))
    if f.quantities or f.series:
        question = question.where(_samples.c.id.in_(_with_results(f)))
    if after is not None:
        end_s, uid = after
        question = question.where(
            sa.or_(_samples.c.end_s > end_s, sa.and_(_samples.c.end_s == end_s, _samples.c.uid > uid))
        )
    async with store.reading() as connection:
        await store.catalogue.catch_up(connection)
        if f.places:
            held = store.catalogue.stations
            numbers = [number for uid, number in store.catalogue.station_ids.items() if lies_in(held[uid], f)]
            question = question.where(_samples.c.station_id.in_(numbers))
        found = await connection.execute(question.order_by(_samples.c.end_s, _samples.c.uid).limit(limit))
        return await _filled(store, connection, found.all(), as_of_s)


def _with_results(f: Filter) -> sa.Select[Any]:
    question = sa.select(_results.c.sample_id)
    if f.quantities:
        question = question.where(_results.c.quantity.in_(f.quantities))
    if f.series:
        question = question.where(_results.c.series_uid.in_(f.series))
    return question


async def sample(store: Store, uid: str) -> SampleRow | None:
    """The standing revision of one sample; None if the uid is unknown."""
    found = [row for row in await sample_history(store, uid) if row.superseded_s is None]
    return found[-1] if found else None


async def sample_history(store: Store, uid: str) -> list[SampleRow]:
    """Every revision of one sample, in the order in which they were known."""
    async with store.reading() as connection:
        await store.catalogue.catch_up(connection)
        found = await connection.execute(
            sa.select(_samples).where(_samples.c.uid == uid).order_by(_samples.c.received_s, _samples.c.batch_id)
        )
        return await _filled(store, connection, found.all(), None)


async def _filled(
    store: Store, connection: AsyncConnection, rows: Sequence[Any], as_of_s: int | None
) -> list[SampleRow]:
    numbers = [row.id for row in rows]
    results: dict[int, list[SampleResult]] = {}
    found = await connection.execute(
        sa.select(_results).where(_results.c.sample_id.in_(numbers)).order_by(_results.c.sample_id, _results.c.position)
    )
    for row in found:
        results.setdefault(row.sample_id, []).append(_result(row))
    batches = {row.batch_id for row in rows}
    found = await connection.execute(sa.select(_answers.c.id, _answers.c.sha256).where(_answers.c.id.in_(batches)))
    digests = {row.id: row.sha256 for row in found}
    uids = {number: uid for uid, number in store.catalogue.station_ids.items()}
    return [
        SampleRow(
            _sample(row, uids[row.station_id], tuple(results.get(row.id, ()))),
            store.catalogue.stations[uids[row.station_id]],
            row.feed_id,
            row.received_s,
            row.revision,
            row.superseded_s if as_of_s is None else None,
            digests.get(row.batch_id, ""),
        )
        for row in rows
    ]


def _sample(row: Any, station_uid: str, results: tuple[SampleResult, ...]) -> Sample:
    return Sample(
        uid=row.uid,
        station_uid=station_uid,
        medium=row.medium,
        begin_s=row.begin_s,
        end_s=row.end_s,
        time_text=row.time_text,
        resolution=row.resolution,
        zone=row.zone,
        zone_assumed=row.zone_assumed,
        layer=layer_of(row),
        taxon=row.taxon,
        tissue=row.tissue,
        description=row.description,
        water_depth_m=row.water_depth_m,
        results=results,
    )


def _result(row: Any) -> SampleResult:
    return SampleResult(
        uid=row.uid,
        series_uid=row.series_uid,
        analyte=row.analyte,
        quantity=row.quantity,
        unit=row.unit,
        value=row.value,
        censoring=CENSORING_CODES[row.censoring],
        limit=row.limit_value,
        text=row.text,
        limit_text=row.limit_text,
        uncertainty=row.uncertainty,
        uncertainty_kind=row.uncertainty_kind,
        coverage_factor=row.coverage_factor,
        published_unit_text=row.published_unit_text,
        laboratory=row.laboratory,
        method=row.method,
        decay_reference_s=row.decay_reference_s,
        link=row.link,
    )


async def quakes(
    store: Store, from_s: int, to_s: int, *, as_of_s: int | None = None, limit: int = 100
) -> list[QuakeRow]:
    """The newest bulletin of each event with an origin (or, without one, a report) in [from_s, to_s), newest event first."""
    at = sa.func.coalesce(_quakes.c.origin_s, _quakes.c.reported_s)
    question = (
        sa.select(_quakes)
        .where(at >= from_s, at < to_s, _standing(_quakes, as_of_s))
        .order_by(_quakes.c.reported_s, _quakes.c.serial, _quakes.c.received_s, _quakes.c.id)
    )
    async with store.reading() as connection:
        newest = {row.event_uid: row for row in await connection.execute(question)}
    ordered = sorted(newest.values(), key=lambda row: (-(row.origin_s or row.reported_s), row.event_uid))
    return [_quake(row) for row in ordered[:limit]]


def _quake(row: Any) -> QuakeRow:
    values = {item.name: getattr(row, item.name) for item in fields(Quake)}
    return QuakeRow(Quake(**values), row.feed_id, row.received_s, row.revision, row.exercise)
