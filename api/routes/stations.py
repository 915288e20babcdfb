"""Stations: fixed places, sampling points and moving platforms."""

from __future__ import annotations

from api import params as p
from api.clocktext import told
from api.models.places import FeatureCollection, collected, feature, point
from api.models.stations import Station, StationAnswer, StationPage
from api.offload import off_loop
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit, moment
from api.problems import Code, ProblemError
from api.retired import gone_station
from api.selecting import coverage, feeds_meant, selection
from api.telling import series as tell_series
from api.telling import station as tell_station
from store import read
from store.rows import Filter


async def stations(call: Call) -> Reply:
    """One page of stations by id. Stations first seen after the walk began are left to the next walk."""
    service, mark, most = call.service, begin(call.route, call.query), limit(call.query)
    f = await selection(call.query, service)
    as_of_s = await moment(call, mark)
    rows = await read.stations(service.store, f, after=mark.after_id if mark else "", limit=most + 1)
    page = rows[:most]
    seen = [row for row in page if row.first_seen_s <= as_of_s]
    shown = await off_loop(
        lambda: tuple(tell_station(row, service) for row in seen if service.facts(row.feed_id).shown), len(seen)
    )
    hidden = [row.feed_id for row in seen if not service.facts(row.feed_id).shown]
    more = (
        following(call.route, call.query, as_of_s=as_of_s, after_id=page[-1].station.uid) if len(rows) > most else None
    )
    feeds = {row.feed_id for row in page} or feeds_meant(f, service)
    body = StationPage(
        as_of=told(as_of_s),
        next=more,
        audience=service.audience,
        exercise=any(row.exercise for row in shown),
        withheld=service.withheld(hidden),
        stations=shown,
        coverage=await coverage(service, rows=len(shown), feeds=feeds, withheld=bool(hidden)),
    )
    return Reply(body, rows=shown, row=Station, features=lambda: collection(body), next=more, max_age_s=60)


def collection(page: StationPage) -> FeatureCollection:
    """A page of stations as GeoJSON."""
    return collected(page, (feature(row, row.id, _point(row)) for row in page.stations))


def _point(row: Station) -> object:
    return point(row.position.longitude, row.position.latitude) if row.position else None


async def station(call: Call) -> Reply:
    """One station with its series."""
    service, uid = call.service, call.path["id"]
    row = await read.station(service.store, uid)
    if row is None and (gone := gone_station(service, uid)):
        raise gone
    if row is None or not service.facts(row.feed_id).shown:
        raise ProblemError(Code.NOT_FOUND, f"No station {uid!r} is known.")
    series = await read.series_list(service.store, Filter(stations=frozenset({uid})), limit=10_000)
    body = StationAnswer(
        as_of=told(await service.known_until_s()),
        audience=service.audience,
        station=tell_station(row, service),
        series=tuple(tell_series(item.series, service) for item in series),
    )
    return Reply(body, max_age_s=60)


OPERATIONS = (
    Operation(
        "GET",
        "/v1/stations",
        stations,
        "Stations",
        StationPage,
        "stations",
        (*p.FILTERS, *p.PAGE),
        ("json", "geojson", "csv", "ndjson", "parquet"),
        kept_s=60,
    ),
    Operation(
        "GET",
        "/v1/stations/{id}",
        station,
        "One station with its series",
        StationAnswer,
        "stations",
        problems=(Code.NOT_FOUND, Code.GONE),
        path_examples={"id": "kr-busan-radiation:1"},
    ),
)
