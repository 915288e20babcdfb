"""Is it usual here? The regional summary of `analysis`, asked over the store's columns off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import shapely.geometry
from aiohttp import web

from analysis.freshness import Standings
from analysis.regional import summarise
from analysis.summary import Extreme, Summary
from api import params as p
from api.clocktext import told, told_or_none
from api.files import answer as files
from api.files.coverage import coverage
from api.freshness import standings, standings_then
from api.knowledge import Past, columns_now, shown
from api.models import summaries as m
from api.models.common import Dropped, Withheld
from api.models.places import FeatureCollection, feature
from api.models.power import DetectionPower
from api.operation import Call, Operation, Reply
from api.problems import Code, ProblemError
from api.routes.regions import known_area, tell_region
from api.sampling import samples_of
from api.selecting import dropped, feed_briefs
from api.selecting import window as asked_window
from api.service import Service
from api.steps import WINDOW_S, history_of, names_of
from api.telling import texts
from api.usual import plain
from domain.states import RegionState
from specs.region import Area
from specs.rule import DetectorRule
from store import read
from store.rows import Filter, SeriesArrays

MOST_STEPS = 200
_URGENCY = (RegionState.HIGH, RegionState.ELEVATED, RegionState.INSUFFICIENT, RegionState.NORMAL)


def _duration(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit not in "smhd" or not (number.isascii() and number.isdigit()) or len(number) > 6:
        raise ValueError("not a duration as 30m, 3h or 1d")
    seconds = int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    if not 600 <= seconds <= 31 * 86400:
        raise ValueError("not between 10 minutes and 31 days")
    return seconds


_DURATION = {"type": "string", "pattern": r"^\d{1,6}[smhd]$"}
WINDOW = p.Param(
    "window", _duration, {**_DURATION, "default": "3h"}, "Span in which a station counts as reporting.", "3h"
)
STEP = p.Param("step", _duration, {**_DURATION, "default": "1h"}, "Distance of the steps.", "1h")


async def columns(service: Service, area: Area, as_of_s: int | None) -> tuple[SeriesArrays, Withheld | None]:
    """Every series known in an area with its last week, but those that this audience may not see, which are counted."""
    f = Filter(areas=frozenset({area.id}))
    left, hidden = await shown(service, f)
    if as_of_s is None:
        return await columns_now(service, left, service.now_s()), service.withheld(hidden)
    held = await Past(service, left, as_of_s, as_of_s).at(as_of_s)
    if hidden:
        then = await read.latest(service.store, replace(f, feeds=frozenset(hidden)), as_of_s=as_of_s)
        hidden = [row.series.series.feed_id for row in then]
    return held, service.withheld(hidden)


async def summary(call: Call) -> Reply:
    """The state of a region per medium and quantity, with its reasons."""
    service, area = call.service, known_area(call.service, call.path["id"])
    asked_as_of, window_s = call.query.get(p.AS_OF), call.query.get(WINDOW) or WINDOW_S
    now_s = asked_as_of or call.now_s
    held, withheld = await columns(service, area, asked_as_of)
    standing = await (standings(service) if asked_as_of is None else _standing_then(service, asked_as_of))
    found = await asyncio.to_thread(
        summarise,
        names_of(area),
        held,
        standing,
        now_s=now_s,
        window_s=window_s,
        changed=service.changed,
        twins=service.twins,
    )
    summaries = tuple(tell_summary(one, service) for one in found)
    feeds = sorted({row.series.feed_id for row in held.series})
    body = m.SummaryAnswer(
        as_of=told(now_s),
        window_s=window_s,
        audience=service.audience,
        exercise=any(one.exercise for one in summaries),
        stale=not any(one.fresh for one in found),
        age_s=min((now_s - one.newest_s for one in found if one.newest_s is not None), default=None),
        state=most_urgent(one.state for one in found),
        region=tell_region(area),
        summaries=summaries,
        samples=await samples_of(service, names_of(area), now_s, asked_as_of),
        withheld=withheld,
        feeds=await feed_briefs(service, feeds, asked_as_of),
        detection=() if asked_as_of is not None else await _detection(service, area, held),
        notices=service.config.geography.notices,
    )

    def shape() -> FeatureCollection:
        area_shape = feature(body, area.id, shapely.geometry.mapping(area.geometry))
        return FeatureCollection(features=(area_shape,), as_of=body.as_of, notices=body.notices)

    lifetime_s = service.lifetime_s(feeds) if asked_as_of is None else 3600
    return Reply(body, rows=summaries, row=m.Summary, features=shape, max_age_s=lifetime_s)


async def _detection(service: Service, area: Area, held: SeriesArrays) -> tuple[DetectionPower, ...]:
    """How small a rise the detectors would have noticed among the series shown here."""
    found = []
    for rule in service.config.rules:
        if isinstance(rule, DetectorRule):
            uids = [row.series.uid for row in held.series if rule.covers(row.series.feed_id, row.series.quantity)]
            power = await service.power.of(service.store, rule, area.id, uids) if uids else None
            found += [power] if power is not None else []
    return tuple(found)


async def _standing_then(service: Service, at_s: int) -> Standings:
    return (await standings_then(service, service.feeds, at_s, at_s))(at_s)


def most_urgent(states: Iterable[RegionState]) -> RegionState:
    """The state that asks for most attention; one kind that cannot be told outweighs another that is normal."""
    present = set(states)
    return next((state for state in _URGENCY if state in present), RegionState.INSUFFICIENT)


def tell_summary(one: Summary, service: Service) -> m.Summary:
    """A summary of `analysis` with the sources behind it."""
    kind, quantiles, departures = one.kind, one.quantiles, one.departures
    return m.Summary(
        medium=kind.medium,
        quantity=kind.quantity,
        analyte=kind.analyte,
        window_class=kind.window_class,
        unit=one.unit,
        state=one.state,
        reasons=one.reasons,
        sentence=dict(one.sentences),
        expected=one.expected,
        reporting=one.reporting,
        fresh=one.fresh,
        judged=one.judged,
        excluded={str(reason): count for reason, count in one.excluded.items()},
        coverage=round(one.coverage, 4),
        quantiles=m.Quantiles(
            **{name: plain(q) for name, q in zip(("p05", "p25", "p50", "p75", "p95"), quantiles, strict=True)}
        )
        if quantiles
        else None,
        min=_extreme(one.lowest),
        max=_extreme(one.highest),
        departure=m.Departure(
            median=plain(departures.median),
            p95=plain(departures.p95),
            largest=plain(departures.largest),
            above=departures.count_above,
            stations_above=departures.stations_above,
        )
        if departures
        else None,
        rain_explained=one.rain_explained,
        censored=dict(one.censored),
        newest=told_or_none(one.newest_s),
        weighting=one.weighting,
        exercise=kind.exercise,
        sources=attributions(one.feeds, service),
    )


def _extreme(one: Extreme | None) -> m.Extreme | None:
    if one is None:
        return None
    return m.Extreme(
        value=plain(one.value), station=one.station_uid, series=one.series_uid, phenomenon_end=told(one.end_s)
    )


def attributions(feed_ids: Iterable[str], service: Service) -> tuple[m.Attribution, ...]:
    """The publishers behind some feeds, each once, with licences and rights."""
    facts = [service.facts(feed) for feed in feed_ids]
    found = []
    for source_id in sorted({fact.source for fact in facts}):
        source, own = service.sources.get(source_id), [fact for fact in facts if fact.source == source_id]
        found.append(
            m.Attribution(
                id=source_id,
                attribution=texts(source.attribution) if source else {},
                licences=tuple(sorted({fact.licence for fact in own})),
                rights=tuple(sorted({fact.rights for fact in own})),
            )
        )
    return tuple(found)


async def history(call: Call) -> Reply | web.StreamResponse:
    """A region over time, the last day by the hour unless told otherwise; each step knows what was known at its moment."""
    service, area = call.service, known_area(call.service, call.path["id"])
    step_s = call.query.get(STEP) or 3600
    begin_s, end_s = asked_window(call.query, p.FROM, p.TO, (call.now_s - 86400, call.now_s))
    first = -(-begin_s // step_s) * step_s
    steps = range(first, end_s + 1, step_s)
    if len(steps) > MOST_STEPS:
        raise ProblemError(
            Code.NOT_MEANINGFUL, f"{len(steps)} steps were asked for, {MOST_STEPS} are answered at once.", STEP.name
        )
    rows = await history_of(service, area, steps, call.now_s)
    body = m.History(
        begin=told(begin_s),
        end=told(end_s),
        step_s=step_s,
        audience=service.audience,
        region=tell_region(area),
        history=tuple(rows),
        dropped=await _dropped(service, area, (begin_s, end_s + 1)),
    )
    if call.format == "covjson":
        return files.send(call, coverage(body), f"{area.id}-history", max_age_s=60)
    return Reply(body, rows=body.history, row=m.HistoryStep, max_age_s=60)


async def _dropped(service: Service, area: Area, window_s: tuple[int, int]) -> tuple[Dropped, ...]:
    f, _ = await shown(service, Filter(areas=frozenset({area.id})))
    rows = await read.series_list(service.store, f, limit=1_000_000)
    return await dropped(service, {row.series.feed_id for row in rows}, window_s)


_ONE = {"id": "JP-07"}
OPERATIONS = (
    Operation(
        "GET",
        "/v1/regions/{id}/summary",
        summary,
        "Is it usual here?",
        m.SummaryAnswer,
        "regions",
        (WINDOW, p.AS_OF),
        ("json", "geojson", "csv", "ndjson", "parquet"),
        (Code.NOT_FOUND,),
        path_examples=_ONE,
        kept_s=15,
    ),
    Operation(
        "GET",
        "/v1/regions/{id}/history",
        history,
        "A region over time",
        m.History,
        "regions",
        (p.FROM, p.TO, STEP),
        ("json", "csv", "ndjson", "covjson"),
        (Code.NOT_FOUND, Code.NOT_MEANINGFUL),
        path_examples=_ONE,
    ),
)
