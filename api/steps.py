"""A region at past steps: computed once, kept in the store, and made for every area as the hours pass."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from analysis.regional import summarise
from analysis.summary import METHOD, AreaName, Summary
from api.clocktext import told
from api.freshness import standings_then
from api.knowledge import Past, shown
from api.models.summaries import HistoryStep
from api.service import Service
from api.usual import plain
from domain.reasons import Untold
from domain.states import RegionState
from specs.region import Area
from store import kept_summaries, knowledge, retention
from store.retention import Drop
from store.rows import Filter, SeriesArrays

_log = logging.getLogger("radcommons.api")
WINDOW_S = 3 * 3600
#: A step is kept once answers received by it have surely been committed.
SETTLED_S = 120
_HOUR_S = 3600


class Kept(msgspec.Struct, frozen=True):
    """A step as it is kept: what it knew is the number of the newest batch received by then."""

    known: int
    steps: tuple[HistoryStep, ...]


def names_of(area: Area) -> AreaName:
    """An area's names as sentences use them."""
    return AreaName(area.id, {"zh": area.name("zh-hans")} | {language: area.name(language) for language in area.names})


async def history_of(service: Service, area: Area, moments: Sequence[int], now_s: int) -> list[HistoryStep]:
    """An area at ascending moments, each as it would have been told then; what was kept is not computed again."""
    if not moments:
        return []
    batches = dict(zip(moments, await knowledge.newest_batches(service.store, moments), strict=True))
    found = await _kept(service, area, moments, batches)
    missing = [at_s for at_s in moments if at_s not in found]
    if missing:
        made = await _computed(service, area, missing)
        found |= made
        settled = {at_s: steps for at_s, steps in made.items() if at_s + SETTLED_S <= now_s}
        bodies = {at_s: msgspec.json.encode(Kept(batches[at_s], steps)) for at_s, steps in settled.items()}
        await kept_summaries.keep(service.store, area.id, service.audience, METHOD, bodies)
    return [step for at_s in moments for step in found[at_s]]


async def _kept(
    service: Service, area: Area, moments: Sequence[int], batches: dict[int, int]
) -> dict[int, tuple[HistoryStep, ...]]:
    """The steps that are kept and that no archive filed in the past has overtaken."""
    held = await kept_summaries.kept(service.store, area.id, service.audience, METHOD, moments[0], moments[-1])
    rows = {at_s: msgspec.json.decode(body, type=Kept) for at_s, body in held.items() if at_s in batches}
    return {at_s: row.steps for at_s, row in rows.items() if row.known == batches[at_s]}


async def _computed(service: Service, area: Area, moments: Sequence[int]) -> dict[int, tuple[HistoryStep, ...]]:
    f, _ = await shown(service, Filter(areas=frozenset({area.id})))
    past = Past(service, f, moments[0], moments[-1])
    gone = await retention.dropped(service.store, service.feeds, moments[0] - WINDOW_S, moments[-1] + 1)
    made = {}
    standing = None
    for at_s in moments:
        held = await past.at(at_s)
        if standing is None:
            standing = await standings_then(service, service.feeds, moments[0], moments[-1])
        found = await asyncio.to_thread(
            summarise,
            names_of(area),
            held,
            standing(at_s),
            now_s=at_s,
            window_s=WINDOW_S,
            changed=service.changed,
            twins=service.twins,
        )
        lost = _lost(gone, held, at_s)
        made[at_s] = tuple(_step(one, at_s, lost=lost) for one in found)
    return made


def _lost(gone: Sequence[Drop], held: SeriesArrays, at_s: int) -> bool:
    """Whether readings that a step would stand on were dropped since."""
    feeds = {one.feed_id for one in gone if one.from_s < at_s and at_s - WINDOW_S < one.until_s}
    return bool(feeds) and any(row.series.feed_id in feeds for row in held.series)


def _step(one: Summary, at_s: int, *, lost: bool) -> HistoryStep:
    kind, quantiles, departures = one.kind, one.quantiles, one.departures
    return HistoryStep(
        at=told(at_s),
        medium=kind.medium,
        quantity=kind.quantity,
        analyte=kind.analyte,
        window_class=kind.window_class,
        unit=one.unit,
        state=RegionState.INSUFFICIENT if lost else one.state,
        reasons=(Untold.DROPPED_BY_RETENTION,) if lost else one.reasons,
        expected=one.expected,
        fresh=one.fresh,
        coverage=round(one.coverage, 4),
        p50=plain(quantiles[2]) if quantiles else None,
        p95=plain(quantiles[4]) if quantiles else None,
        departure_median=plain(departures.median) if departures else None,
        above=departures.count_above if departures else None,
        rain_explained=one.rain_explained,
        exercise=kind.exercise,
    )


async def keep_hour(service: Service) -> int:
    """Keep the last full hour of every area that has stations and is not kept yet; how many were made."""
    at_s = (service.now_s() - SETTLED_S) // _HOUR_S * _HOUR_S
    there = await kept_summaries.areas_kept(service.store, service.audience, METHOD, at_s)
    made = 0
    for area in service.config.geography.areas:
        if area.id not in there:
            await history_of(service, area, [at_s], service.now_s())
            made += 1
            await asyncio.sleep(0)
    return made


async def keep_hours(service: Service, every_s: float) -> None:
    """Keep every hour as it passes, as long as the service runs; a failure is logged and tried again."""
    while not service.closing.is_set():
        try:
            if made := await keep_hour(service):
                _log.info("kept the hour of %d areas", made)
        except Exception:  # noqa: BLE001 - a store that is away for a while must not end the keeping
            _log.exception("an hour could not be kept")
        await asyncio.sleep(every_s)
