"""After an earthquake near a nuclear site: a watch is opened, its stations' feeds are asked out of turn, and it ends on fresh evidence only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec
import structlog

from analysis.freshness import Standings, standing
from analysis.regional import summarise
from analysis.summary import AreaName
from domain.clock import Clock
from domain.quantities import DOSE_RATES
from domain.states import FeedState, RegionState
from specs.loading import Config
from specs.site import SiteFile, SiteSpec
from store import read, requests, site_watches
from store.engine import Store
from store.places import distance_m
from store.rows import Filter, QuakeRow
from store.site_watches import WatchRow

log = structlog.get_logger(__name__)
_LOOKBACK_S, _WINDOW_S, _HOUR_S = 7 * 86400, 3 * 3600, 3600
#: A watch that never meets fresh evidence is ended as such after so long: it is told as ended without evidence, never as calm.
LAPSED_AFTER_S = 7 * 86400
AUTHOR = "site watch"


class Ring(msgspec.Struct, frozen=True):
    """Stations known within a radius, and those of them with a reading that ends after the shock."""

    stations: int
    answered: int


class Evidence(msgspec.Struct, frozen=True):
    """What was seen when a watch was last looked at: rings by radius in metres, the state of the widest, why it was closed ("" while open)."""

    at_s: int
    rings: dict[str, Ring]
    state: str
    ended: str = ""  # evidence, cancelled, lapsed


@dataclass(slots=True)
class SiteWatch:
    """Opens, looks at and closes the watches of every site; one per collector."""

    store: Store
    config: Callable[[], Config]
    clock: Clock
    _asked: dict[str, int] = field(default_factory=dict)

    @property
    def sites(self) -> SiteFile:
        """The sites of the configuration that runs."""
        return self.config().sites

    async def step(self) -> None:
        """Open what recent shocks concern, then look at everything that is open."""
        now_s = int(self.clock.now_s())
        shocks = await read.quakes(self.store, now_s - self.sites.watch_hours * _HOUR_S, now_s + 1, limit=10_000)
        await self._open(shocks, now_s)
        cancelled = {row.quake.event_uid for row in shocks if row.quake.status == "cancelled"}
        for watch in await site_watches.watches(self.store):
            site = next((one for one in self.sites.sites if one.id == watch.site_id), None)
            if site is not None:
                await self._look(watch, site, now_s, cancelled=watch.event_uid in cancelled)

    async def _open(self, shocks: Iterable[QuakeRow], now_s: int) -> None:
        known = await site_watches.known_watches(self.store, now_s - 2 * self.sites.watch_hours * _HOUR_S)
        for row in shocks:
            for site in self.sites.sites:
                rule = self._rule(row, site)
                if rule and (site.id, row.quake.event_uid) not in known:
                    shock_s = row.quake.origin_s or row.quake.reported_s
                    await site_watches.open_watch(
                        self.store,
                        WatchRow(site.id, row.quake.event_uid, rule, shock_s, now_s, None, "", "", row.exercise),
                    )
                    log.warning("site watch opened", site=site.id, quake=row.quake.event_uid, rule=rule)

    def _rule(self, row: QuakeRow, site: SiteSpec) -> str:
        quake = row.quake
        if quake.status == "cancelled" or quake.latitude_deg is None or quake.longitude_deg is None:
            return ""
        away_m = distance_m(site.latitude_deg, site.longitude_deg, quake.latitude_deg, quake.longitude_deg)
        concern = self.sites.concern(quake.magnitude, away_m / 1000)
        return "" if concern is None else concern.told

    async def _look(self, watch: WatchRow, site: SiteSpec, now_s: int, *, cancelled: bool) -> None:
        rings, feeds = await self._rings(watch, site)
        state = await self._state(watch, site, now_s)
        ended = "cancelled" if cancelled else self._ended(watch, state, now_s)
        if not ended:
            await self._ask(feeds, site, now_s)
        told = msgspec.json.encode(Evidence(now_s, rings, state, ended)).decode()
        asked = {feed: at_s for feed, at_s in sorted(self._asked.items()) if feed in feeds and at_s >= watch.opened_s}
        closed_s = now_s if ended else None
        await site_watches.note_watch(
            self.store, watch, evidence=told, asked=msgspec.json.encode(asked).decode(), closed_s=closed_s
        )
        if ended:
            log.warning("site watch ended", site=site.id, quake=watch.event_uid, why=ended)

    def _ended(self, watch: WatchRow, state: str, now_s: int) -> str:
        """Why a watch is over: enough time has passed and the stations say that all is usual; a silent ring never says that."""
        if now_s < watch.shock_s + self.sites.watch_hours * _HOUR_S:
            return ""
        if state == RegionState.NORMAL:
            return "evidence"
        return "lapsed" if now_s >= watch.shock_s + LAPSED_AFTER_S else ""

    async def _rings(self, watch: WatchRow, site: SiteSpec) -> tuple[dict[str, Ring], frozenset[str]]:
        rings, feeds = {}, frozenset[str]()
        for radius_m in sorted(round(km * 1000) for km in self.sites.rings_km):
            f = Filter(near=(site.latitude_deg, site.longitude_deg, radius_m))
            stations = await read.stations(self.store, f, limit=10_000)
            heard = {
                row.series.series.station_uid
                for row in await read.latest(self.store, f)
                if row.observation.end_s > watch.shock_s
            }
            rings[str(radius_m)] = Ring(len(stations), len(heard))
            feeds = frozenset(row.feed_id for row in stations)
        return rings, feeds

    async def _state(self, watch: WatchRow, site: SiteSpec, now_s: int) -> str:
        """Whether dose rates in the widest ring are usual, by readings after the shock; insufficient where that cannot be told."""
        radius_m = max(self.sites.rings_km, default=0.0) * 1000
        f = Filter(near=(site.latitude_deg, site.longitude_deg, radius_m))
        held = await read.arrays(self.store, f, now_s - _LOOKBACK_S, now_s + 1)
        if not len(held) or int(held.end_s.max()) <= watch.shock_s:
            return RegionState.INSUFFICIENT
        found = await asyncio.to_thread(
            summarise, AreaName(site.id, {}), held, await self._standings(), now_s=now_s, window_s=_WINDOW_S
        )
        states = {
            one.state for one in found if one.kind.quantity in DOSE_RATES and (watch.exercise or not one.kind.exercise)
        }
        urgency = (RegionState.HIGH, RegionState.ELEVATED, RegionState.INSUFFICIENT, RegionState.NORMAL)
        return next((state for state in urgency if state in states), RegionState.INSUFFICIENT)

    async def _standings(self) -> Standings:
        health = await read.feed_health(self.store)
        return Standings(
            {
                feed.id: standing(
                    feed.schedule,
                    health[feed.id].state if feed.id in health else FeedState.NEVER_RUN,
                    health[feed.id].last_new_s if feed.id in health else None,
                    exercise=feed.exercise,
                )
                for feed in self.config().feeds
            }
        )

    async def _ask(self, feeds: Iterable[str], site: SiteSpec, now_s: int) -> None:
        """Ask twice as often as usual, through the collector's desk: what is paused or asked a moment ago is refused there."""
        for feed_id in sorted(feeds):
            feed = self.config().feed(feed_id)
            if feed is None or not feed.enabled:
                continue
            if now_s - self._asked.get(feed_id, 0) >= feed.schedule.every_s // 2:
                self._asked[feed_id] = now_s
                body = msgspec.json.encode({"reason": f"earthquake near {site.id}"}).decode()
                await requests.ask(self.store, "run", feed_id, AUTHOR, body, now_s)
