"""Latest: the newest value of every series, with its age. Answered from bytes that are built once per committed batch."""

from __future__ import annotations

from analysis.freshness import freshness
from api import params as p
from api.clocktext import told
from api.freshness import standings
from api.models.places import FeatureCollection, feature, point
from api.models.values import Latest, LatestAnswer
from api.operation import Call, Operation, Reply
from api.problems import Code
from api.selecting import coverage, feeds_meant, selection
from api.telling import latest as tell_latest
from domain.states import Freshness
from store import read


async def latest(call: Call) -> Reply:
    """One row per series that the filters select."""
    service = call.service
    f = selection(call.query, service)
    standing = await standings(service)
    rows = await read.latest(service.store, f, as_of_s=call.query.get(p.AS_OF))
    now_s = call.query.get(p.AS_OF) or call.now_s
    shown: list[Latest] = []
    hidden = []
    for row in rows:
        feed = row.series.series.feed_id
        if service.facts(feed).shown:
            fresh = freshness(row.observation.end_s, now_s, standing.of(feed))
            shown.append(tell_latest(row, service, now_s, fresh))
        else:
            hidden.append(feed)
    feeds = {row.feed for row in shown} or feeds_meant(f, service)
    told_rows = tuple(shown)
    body = LatestAnswer(
        as_of=told(now_s), next=None, audience=service.audience, exercise=any(row.exercise for row in told_rows),
        withheld=service.withheld(hidden), generated=told(now_s), stale=not any(row.freshness == Freshness.FRESH for row in told_rows),
        age_s=min((row.age_s for row in told_rows), default=None), latest=told_rows,
        coverage=await coverage(service, rows=len(told_rows), feeds=feeds, series=len(rows), withheld=bool(hidden)),
    )
    return Reply(body, rows=told_rows, features=lambda: collection(body), max_age_s=service.settings.latest_cache_s)


def collection(answer: LatestAnswer) -> FeatureCollection:
    """Latest values as GeoJSON points."""
    return FeatureCollection(
        features=tuple(feature(row, row.series, point(row.longitude, row.latitude)) for row in answer.latest), as_of=answer.as_of,
        audience=answer.audience, exercise=answer.exercise,
    )


OPERATIONS = (
    Operation(
        "GET", "/v1/latest", latest, "Newest value of each series", LatestAnswer, "values", (*p.FILTERS, p.AS_OF),
        ("json", "geojson", "csv", "ndjson"), (Code.UNKNOWN_NAME,),
    ),
)
