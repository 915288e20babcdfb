"""Earthquakes: the newest bulletin of each event."""

from __future__ import annotations

from api import params as p
from api.clocktext import told, told_or_none
from api.models.places import FeatureCollection, feature, point
from api.models.samples import Quake, QuakePage
from api.models.stations import Position
from api.operation import Call, Operation, Reply
from api.paging import begin, following, limit, moment
from api.selecting import coverage, window
from api.service import Service
from store import read
from store.rows import QuakeRow

_WEEK_S = 7 * 86400
_MOST = 100_000


def tell_quake(row: QuakeRow, service: Service) -> Quake:
    """A bulletin with its position, if it gives one."""
    quake, facts = row.quake, service.facts(row.feed_id)
    place = None
    if quake.longitude_deg is not None and quake.latitude_deg is not None:
        place = Position(
            longitude=quake.longitude_deg, latitude=quake.latitude_deg, elevation_m=None, origin="published"
        )
    return Quake(
        id=quake.uid,
        event=quake.event_uid,
        status=quake.status,
        title=quake.title,
        place=quake.place,
        origin=told_or_none(quake.origin_s),
        reported=told(quake.reported_s),
        position=place,
        depth_km=quake.depth_km,
        magnitude=quake.magnitude,
        magnitude_text=quake.magnitude_text,
        max_intensity=quake.max_intensity,
        serial=quake.serial,
        received_at=told(row.received_s),
        revision=row.revision,
        source=facts.source,
        feed=row.feed_id,
        licence=facts.licence,
        rights=facts.rights,
        exercise=row.exercise,
    )


def _place(row: QuakeRow) -> tuple[int, str]:
    """Where a bulletin stands in the list: newest event first."""
    return -(row.quake.origin_s or row.quake.reported_s), row.quake.event_uid


async def quakes(call: Call) -> Reply:
    """Earthquakes reported in a window; the last week unless told otherwise."""
    service, mark, most = call.service, begin(call.route, call.query), limit(call.query)
    as_of_s = await moment(call, mark)
    span = window(call.query, p.FROM, p.TO, (as_of_s - _WEEK_S, as_of_s + 1))
    held = await read.quakes(service.store, *span, as_of_s=as_of_s, limit=_MOST)
    left = [row for row in held if mark is None or _place(row) > (-mark.after_s, mark.after_id)]
    rows = left[:most]
    more = None
    if len(left) > most:
        last = rows[-1].quake
        after_s = last.origin_s or last.reported_s
        more = following(call.route, call.query, as_of_s=as_of_s, after_id=last.event_uid, after_s=after_s)
    shown = tuple(tell_quake(row, service) for row in rows if service.facts(row.feed_id).shown)
    hidden = [row.feed_id for row in rows if not service.facts(row.feed_id).shown]
    body = QuakePage(
        as_of=told(as_of_s),
        next=more,
        audience=service.audience,
        exercise=any(row.exercise for row in shown),
        withheld=service.withheld(hidden),
        quakes=shown,
        coverage=await coverage(
            service,
            rows=len(shown),
            feeds={row.feed_id for row in rows},
            window_s=span,
            withheld=bool(hidden),
            as_of_s=call.query.get(p.AS_OF),
        ),
    )
    return Reply(body, rows=shown, row=Quake, features=lambda: _collection(body), max_age_s=30)


def _collection(page: QuakePage) -> FeatureCollection:
    shapes = tuple(
        feature(row, row.id, point(row.position.longitude, row.position.latitude) if row.position else None)
        for row in page.quakes
    )
    return FeatureCollection(
        features=shapes, as_of=page.as_of, audience=page.audience, exercise=page.exercise, next=page.next
    )


OPERATIONS = (
    Operation(
        "GET",
        "/v1/quakes",
        quakes,
        "Earthquakes",
        QuakePage,
        "quakes",
        (p.FROM, p.TO, p.AS_OF, *p.PAGE),
        ("json", "geojson", "csv", "ndjson"),
    ),
)
