"""Latest: the newest value of every series, with its age. Answered from bytes that are built once per committed batch."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.freshness import Standings, freshness
from api import params as p
from api.clocktext import told
from api.freshness import standings, standings_then
from api.models.places import FeatureCollection, collected, feature, point
from api.models.values import Latest, LatestAnswer, Usual
from api.offload import off_loop
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit
from api.selecting import coverage, feeds_meant, selection
from api.service import Service
from api.telling import latest as tell_latest
from api.units import canonical_unit, converted
from api.usual import judgement
from domain.states import Freshness
from store import read
from store.rows import LatestRow

_KEPT_S = 15


async def latest(call: Call) -> Reply:
    """One row per series that the filters select, by series id. Ages are reckoned at `generated`, or at the `as_of` asked for."""
    service, mark, most = call.service, begin(call.route, call.query), limit(call.query)
    f, asked = await selection(call.query, service), call.query.get(p.AS_OF)
    as_of_s = mark.as_of_s if mark else asked
    known_s = await service.known_until_s() if as_of_s is None else as_of_s
    now_s = call.now_s if asked is None else asked
    rows = await read.latest(service.store, f, as_of_s=as_of_s, after=mark.after_id if mark else "", limit=most + 1)
    page = rows[:most]
    standing = await (standings(service) if asked is None else _standing_then(service, asked))
    usual = await service.usual.of(service.store, page, now_s) if asked is None else {}
    shown = await off_loop(
        lambda: tuple(
            _row(row, service, now_s, standing, usual.get(row.series.series.uid))
            for row in page
            if service.facts(row.series.series.feed_id).shown
        ),
        len(page),
    )
    hidden = [feed for row in page if not service.facts(feed := row.series.series.feed_id).shown]
    more = (
        following(call.route, call.query, as_of_s=known_s, after_id=page[-1].series.series.uid)
        if len(rows) > most
        else None
    )
    feeds = {row.series.series.feed_id for row in page} or feeds_meant(f, service)
    body = LatestAnswer(
        as_of=told(known_s),
        next=more,
        audience=service.audience,
        exercise=any(row.exercise for row in shown),
        withheld=service.withheld(hidden),
        generated=told(now_s),
        stale=not any(row.freshness == Freshness.FRESH for row in shown),
        age_s=min((row.age_s for row in shown), default=None),
        latest=shown,
        coverage=await coverage(
            service, rows=len(shown), feeds=feeds, withheld=bool(hidden), as_of_s=call.query.get(p.AS_OF)
        ),
    )
    return Reply(
        body, rows=shown, row=Latest, features=lambda: collection(body), next=more, max_age_s=service.lifetime_s(feeds)
    )


async def _standing_then(service: Service, at_s: int) -> Standings:
    return (await standings_then(service, service.feeds, at_s, at_s))(at_s)


async def tell_latest_rows(service: Service, rows: Sequence[LatestRow]) -> list[Latest]:
    """Newest values as they are told now, but those that this audience may not see."""
    now_s, standing = service.now_s(), await standings(service)
    usual = await service.usual.of(service.store, rows, now_s)
    shown = [row for row in rows if service.facts(row.series.series.feed_id).shown]
    return await off_loop(
        lambda: [_row(row, service, now_s, standing, usual.get(row.series.series.uid)) for row in shown], len(shown)
    )


def _row(row: LatestRow, service: Service, now_s: int, standing: Standings, usual: Usual | None) -> Latest:
    series, seen = row.series.series, row.observation
    fresh = freshness(seen.end_s, now_s, standing.of(series.feed_id))
    value = converted(seen.value, seen.unit, canonical_unit(series.quantity, seen.unit))
    return tell_latest(row, service, now_s, fresh, usual, judgement(series.quantity, value, seen.qc, fresh, usual))


def collection(answer: LatestAnswer) -> FeatureCollection:
    """Latest values as GeoJSON points."""
    return collected(answer, (feature(row, row.series, point(row.longitude, row.latitude)) for row in answer.latest))


OPERATIONS = (
    Operation(
        "GET",
        "/v1/latest",
        latest,
        "Newest value of each series",
        LatestAnswer,
        "values",
        (*p.FILTERS, p.AS_OF, *p.PAGE),
        ("json", "geojson", "csv", "ndjson", "parquet"),
        kept_s=_KEPT_S,
    ),
)
