"""Nuclear sites: rings of some kilometres and the coastal sea, who reports in them, what state they are in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.freshness import freshness
from analysis.regional import summarise
from analysis.summary import AreaName
from api import params as p
from api.around import distance_m, ring_names, ring_sentence
from api.clocktext import told
from api.freshness import standings
from api.knowledge import LOOKBACK_S
from api.models import sites as m
from api.models.places import FeatureCollection, feature, point
from api.models.summaries import Summary
from api.operation import Call, Operation, Reply
from api.paging import sliced
from api.problems import Code, ProblemError
from api.routes.quakes import tell_quake
from api.routes.summaries import most_urgent, tell_summary
from api.selecting import feed_briefs
from api.service import Service
from api.steps import WINDOW_S, names_of
from api.telling import texts
from api.units import canonical_unit, converted
from api.usual import judgement
from api.watching import tell_watch
from domain.media import matching
from domain.states import Freshness, RegionState
from specs.site import Concern, SiteSpec
from store import read, site_watches
from store.rows import Filter, LatestRow, QuakeRow

_REPORTERS = 100
_TOLD_FOR_S = 7 * 86400
_ORDER = tuple(Freshness)
NOTE = "Readings near a site say nothing by themselves about the site. Not an official declaration. Follow local authorities."


def tell_site(site: SiteSpec) -> m.Site:
    """A site as configured."""
    return m.Site(
        id=site.id,
        country=site.country,
        kind=site.kind,
        names=texts(site.names),
        longitude=site.longitude_deg,
        latitude=site.latitude_deg,
        position_quality=site.position_quality,
        operator=site.operator,
        status=site.site_status,
        status_as_of=site.status_as_of,
        status_uncertain=site.status_uncertain,
        region=site.region,
        sea_area=site.sea_area,
        source=site.source,
        note=site.note,
        links={"self": f"/v1/sites/{site.id}", "status": f"/v1/sites/{site.id}/status"},
    )


async def sites(call: Call) -> Reply:
    """All sites."""
    country = call.query.get(p.COUNTRY)
    chosen = [site for site in call.service.sites.sites if country in (None, site.country)]
    page, more = sliced(call, chosen, lambda site: site.id)
    rows = tuple(map(tell_site, page))
    body = m.SiteList(sites=rows, next=more)
    return Reply(body, rows=rows, row=m.Site, features=lambda: _shapes(body), next=more, max_age_s=3600)


def _shapes(page: m.SiteList) -> FeatureCollection:
    places = tuple(feature(site, site.id, point(site.longitude, site.latitude)) for site in page.sites)
    return FeatureCollection(features=places, next=page.next)


def _known(call: Call) -> SiteSpec:
    found = next((site for site in call.service.sites.sites if site.id == call.path["id"]), None)
    if found is None:
        raise ProblemError(Code.NOT_FOUND, f"No site {call.path['id']!r} is known.")
    return found


async def site(call: Call) -> Reply:
    """One site."""
    return Reply(m.SiteAnswer(site=tell_site(_known(call))), max_age_s=3600)


@dataclass(frozen=True, slots=True)
class _Around:
    """What is held in the widest ring: newest values, and the distance of every station there."""

    rows: Sequence[LatestRow]
    distance_m: Mapping[str, float]
    hidden: Sequence[str]


async def _around(service: Service, site: SiteSpec, radius_m: float) -> _Around:
    f = Filter(near=(site.latitude_deg, site.longitude_deg, radius_m))
    found = await read.stations(service.store, f, limit=10_000)
    shown = {row.station.uid: row for row in found if service.facts(row.feed_id).shown}
    far = {uid: distance_m(site, row.station) for uid, row in shown.items()}
    rows = [row for row in await read.latest(service.store, f) if row.series.station.station.uid in shown]
    return _Around(rows, far, [row.feed_id for row in found if row.station.uid not in shown])


async def status(call: Call) -> Reply:
    """Who reports around a site, how fresh that is, whether it is usual, and which earthquakes concern it."""
    service, spec, now_s = call.service, _known(call), call.now_s
    radii = sorted(round(km * 1000) for km in service.sites.rings_km)
    around = await _around(service, spec, max(radii, default=0))
    told_rows = await _reporters(service, around, now_s)
    rings = [await _ring(service, spec, radius_m, around, told_rows, now_s) for radius_m in radii]
    shocks = [
        _shock(row, spec, concern, around, radii, service) for row, concern in await _shocks(service, spec, now_s)
    ]
    feeds = {row.series.series.feed_id for row in around.rows}
    body = m.SiteStatus(
        generated=told(now_s),
        audience=service.audience,
        exercise=any(row.exercise for row in told_rows),
        site=tell_site(spec),
        sentence=ring_sentence(spec, rings, len(shocks)),
        rings=tuple(rings),
        sea=await _sea(service, spec, now_s),
        shocks=tuple(shocks),
        watches=await _watches(service, spec, around, radii, now_s),
        withheld=service.withheld(around.hidden),
        feeds=await feed_briefs(service, feeds),
        note=NOTE,
    )
    return Reply(body, max_age_s=15)


async def _watches(
    service: Service, spec: SiteSpec, around: _Around, radii: Sequence[int], now_s: int
) -> tuple[m.SiteWatch, ...]:
    rows = await site_watches.watches(service.store, site_id=spec.id, since_s=now_s - _TOLD_FOR_S)
    return tuple(
        tell_watch(row, around.rows, around.distance_m, radii, service.sites.watch_hours)
        for row in rows
        if row.opened_s <= now_s
    )


async def _reporters(service: Service, around: _Around, now_s: int) -> list[m.Reporter]:
    usual, standing = await service.usual.of(service.store, around.rows, now_s), await standings(service)
    found = []
    for row in around.rows:
        series, at, seen = row.series.series, row.series.station.station, row.observation
        fresh, facts = freshness(seen.end_s, now_s, standing.of(series.feed_id)), service.facts(series.feed_id)
        unit = canonical_unit(series.quantity, seen.unit)
        value = converted(seen.value, seen.unit, unit)
        found.append(
            m.Reporter(
                station=at.uid,
                station_name=at.names[0][1] if at.names else "",
                distance_m=round(around.distance_m[at.uid]),
                series=series.uid,
                quantity=series.quantity,
                medium=series.medium,
                value=value,
                unit=unit,
                censoring=seen.censoring,
                phenomenon_end=told(seen.end_s),
                age_s=max(0, now_s - seen.end_s),
                freshness=fresh,
                judgement=judgement(series.quantity, value, seen.qc, fresh, usual.get(series.uid)),
                source=facts.source,
                rights=facts.rights,
                exercise=series.exercise,
            )
        )
    return sorted(found, key=lambda one: (one.distance_m, one.series))


async def _ring(
    service: Service, site: SiteSpec, radius_m: int, around: _Around, rows: Sequence[m.Reporter], now_s: int
) -> m.Ring:
    inside = {uid for uid, distance in around.distance_m.items() if distance <= radius_m}
    near = [row for row in rows if row.station in inside]
    best = {
        uid: min((_ORDER.index(Freshness(row.freshness)) for row in near if row.station == uid), default=-1)
        for uid in inside
    }
    summaries = await _summaries(service, site, radius_m, inside, now_s)
    return m.Ring(
        radius_m=radius_m,
        stations=len(inside),
        summaries=summaries,
        reporters=tuple(near[:_REPORTERS]),
        by_freshness={
            str(state): count for state, count in sorted(Counter(_ORDER[place] for place in best.values()).items())
        },
        state=most_urgent(RegionState(one.state) for one in summaries if not one.exercise),
    )


async def _summaries(
    service: Service, site: SiteSpec, radius_m: int, stations: set[str], now_s: int
) -> tuple[Summary, ...]:
    if not stations:
        return ()
    held = await read.arrays(service.store, Filter(stations=frozenset(stations)), now_s - LOOKBACK_S, now_s + 1)
    area = AreaName(f"{site.id}:{radius_m}", ring_names(site, radius_m))
    found = await asyncio.to_thread(
        summarise,
        area,
        held,
        await standings(service),
        now_s=now_s,
        window_s=WINDOW_S,
        changed=service.changed,
        twins=service.twins,
    )
    return tuple(tell_summary(one, service) for one in found)


async def _sea(service: Service, site: SiteSpec, now_s: int) -> tuple[Summary, ...]:
    """Sea media of the receiving sea area: a coast's air is told by the rings."""
    area = service.config.geography.by_id.get(site.sea_area)
    if area is None:
        return ()
    media = frozenset(matching("sea")) - {"air_over_sea"}
    shown = frozenset(feed for feed in service.feeds if service.facts(feed).shown) or frozenset({"-"})
    held = await read.arrays(
        service.store, Filter(areas=frozenset({area.id}), media=media, feeds=shown), now_s - LOOKBACK_S, now_s + 1
    )
    found = await asyncio.to_thread(
        summarise,
        names_of(area),
        held,
        await standings(service),
        now_s=now_s,
        window_s=WINDOW_S,
        changed=service.changed,
        twins=service.twins,
    )
    return tuple(tell_summary(one, service) for one in found)


async def _shocks(service: Service, site: SiteSpec, now_s: int) -> list[tuple[QuakeRow, Concern]]:
    """Earthquakes of the last hours that concern the site, newest first, each with the rule that says so."""
    begin_s = now_s - service.sites.watch_hours * 3600
    found = []
    for row in await read.quakes(service.store, begin_s, now_s + 1, limit=1000):
        quake = row.quake
        if (
            quake.status == "cancelled"
            or quake.magnitude is None
            or quake.latitude_deg is None
            or not service.facts(row.feed_id).shown
        ):
            continue
        km = distance_m(site, quake) / 1000
        rule = service.sites.concern(quake.magnitude, km)
        if rule is not None:
            found.append((row, rule))
    return found


def _shock(
    row: QuakeRow, site: SiteSpec, rule: Concern, around: _Around, radii: Sequence[int], service: Service
) -> m.Shock:
    since_s = row.quake.origin_s or row.quake.reported_s
    heard = {one.series.station.station.uid for one in around.rows if one.observation.end_s > since_s}
    within = {radius: {uid for uid, distance in around.distance_m.items() if distance <= radius} for radius in radii}
    return m.Shock(
        quake=tell_quake(row, service),
        distance_km=round(distance_m(site, row.quake) / 1000, 1),
        rule=rule.told,
        heard_since={str(radius): len(uids & heard) for radius, uids in within.items()},
        stations={str(radius): len(uids) for radius, uids in within.items()},
    )


_ONE = {"id": "kr-kori"}
OPERATIONS = (
    Operation(
        "GET",
        "/v1/sites",
        sites,
        "Nuclear sites",
        m.SiteList,
        "sites",
        (p.COUNTRY, *p.PAGE),
        ("json", "geojson", "csv", "ndjson"),
    ),
    Operation(
        "GET", "/v1/sites/{id}", site, "One site", m.SiteAnswer, "sites", problems=(Code.NOT_FOUND,), path_examples=_ONE
    ),
    Operation(
        "GET",
        "/v1/sites/{id}/status",
        status,
        "What is heard around a site",
        m.SiteStatus,
        "sites",
        problems=(Code.NOT_FOUND,),
        kept_s=15,
        path_examples=_ONE,
    ),
)
