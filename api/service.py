"""What handlers share: the store, the configuration, the clock, and what follows from them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec
from aiohttp import web

from api.alert_voice import AlertVoice, Mute
from api.caching import AnswerCache
from api.metrics import ApiMetrics
from api.models.common import Withheld
from api.power import PowerCache
from api.settings import ApiSettings
from api.targets import TargetCheck, public_https
from api.usual import UsualCache
from domain.clock import Clock
from domain.drill import DRILL_FEED
from domain.states import Audience, Redistribute
from specs.feed import FeedSpec
from specs.loading import Config
from specs.retired import Retired
from specs.rule import RuleSpec
from specs.site import SiteFile
from specs.source import SourceSpec
from specs.twins import one_station
from store import read
from store.engine import Store
from store.rows import FeedHealthRow


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """What an answer says of the feed that a row came by."""

    feed: str
    source: str
    licence: str
    rights: str
    shown: bool  # to the audience of this service
    max_age_s: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the store last said of its feeds. `version` moves with every committed batch and every ended run.

    `horizon_s` is when the newest committed answer was received: the moment of knowledge of an answer that names none. A
    walk that begins there sees nothing that is committed while it walks.
    """

    health: Mapping[str, FeedHealthRow]
    version: int
    horizon_s: int | None
    checked_at: float


@dataclass
class Service:
    """One API process. A feed that the configuration no longer names keeps its rows, marked with unknown rights."""

    store: Store
    config: Config
    settings: ApiSettings
    clock: Clock
    target_check: TargetCheck = public_https
    voice: AlertVoice = field(default_factory=Mute)
    metrics: ApiMetrics = field(default_factory=ApiMetrics)
    kept: AnswerCache = field(default_factory=AnswerCache)
    usual: UsualCache = field(default_factory=UsualCache)
    power: PowerCache = field(default_factory=PowerCache)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    streams: int = 0
    _pulse: Pulse | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _facts: dict[str, FeedFacts] = field(default_factory=dict)

    def check(self) -> None:
        """Read what the configuration's folder holds for this program alone; raises what is wrong with it before anything is served."""
        _ = self.measured
        self.usual.changed = self.config.changed

    async def take_over(self, config: Config) -> None:
        """Answer by this configuration from now on."""
        self.config = config
        for name in ("feeds", "sources", "rules", "countries", "measured", "sites", "retired", "twins"):
            self.__dict__.pop(name, None)
        self.usual.changed = config.changed
        self._facts.clear()
        if self._pulse is not None:  # kept answers are of the old one
            self._pulse = replace(self._pulse, version=self._pulse.version + 1, checked_at=0.0)

    def now_s(self) -> int:
        """Whole seconds on the service's clock."""
        return int(self.clock.now_s())

    async def pulse(self) -> Pulse:
        """The feeds' health, looked up again once `check_s` have passed on the machine's clock."""
        at = time.monotonic()
        if self._pulse is not None and at - self._pulse.checked_at < self.settings.check_s:
            return self._pulse
        async with (
            self._looking
        ):  # those who ask meanwhile have the answer of a look that began after they asked, or a little before
            if self._pulse is None or self._pulse.checked_at < at - self.settings.check_s:
                self._pulse = await self._looked_up()
            return self._pulse

    async def _looked_up(self) -> Pulse:
        at, health = time.monotonic(), await read.feed_health(self.store)
        known = self._pulse  # now, because a configuration may have been taken over meanwhile
        version = 0 if known is None else known.version + (health != known.health)
        horizon_s = max((row.last_success_s for row in health.values() if row.last_success_s is not None), default=None)
        return Pulse(health, version, horizon_s, at)

    async def known_until_s(self) -> int:
        """The moment of knowledge of an answer that names none: the newest committed answer, or now if there is none."""
        horizon_s = (await self.pulse()).horizon_s
        return self.now_s() if horizon_s is None else min(horizon_s, self.now_s())

    @property
    def audience(self) -> Audience:
        """For whom this service answers."""
        return self.settings.audience

    @cached_property
    def feeds(self) -> dict[str, FeedSpec]:
        """Feed id -> feed."""
        return {feed.id: feed for feed in self.config.feeds}

    @cached_property
    def sources(self) -> dict[str, SourceSpec]:
        """Source id -> source."""
        return {source.id: source for source in self.config.sources}

    @cached_property
    def rules(self) -> dict[str, RuleSpec]:
        """Rule id -> rule."""
        return {rule.id: rule for rule in self.config.rules}

    @cached_property
    def measured(self) -> dict[str, object]:
        """Rule id -> its measured false alarms and time to detect, from `config/measured_rules.json` where there is one."""
        path = self.config.folder / "measured_rules.json"
        found: dict[str, object] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any]) if path.is_file() else {}
        return found

    @cached_property
    def twins(self) -> Mapping[str, str]:
        """Station id -> the id that stands for its instrument, for stations that are seen through several feeds."""
        return one_station(self.config.twins)

    @cached_property
    def sites(self) -> SiteFile:
        """Nuclear sites and their rings."""
        return self.config.sites

    @cached_property
    def retired(self) -> Mapping[str, Retired]:
        """Station ids that are not used any more."""
        return self.config.retired

    @property
    def changed(self) -> Mapping[str, int]:
        """Id of a series, station or feed -> when it was last measured in another way (seconds since 1970)."""
        return self.config.changed

    @cached_property
    def countries(self) -> tuple[str, ...]:
        """Countries that any region lies in."""
        return tuple(sorted({area.country for area in self.config.geography.areas if area.country}))

    def facts(self, feed_id: str) -> FeedFacts:
        """Licence, rights and cadence of a feed; a feed unknown to the configuration is shown to its operator only."""
        found = self._facts.get(feed_id)
        if found is None:
            found = self._facts[feed_id] = self._facts_of(feed_id)
        return found

    def _facts_of(self, feed_id: str) -> FeedFacts:
        feed = self.feeds.get(feed_id)
        if feed_id == DRILL_FEED:
            return FeedFacts(feed_id, "", "invented, marked as an exercise", Redistribute.YES, True, 0)
        if feed is None:
            return FeedFacts(
                feed_id, "", "not known here", Redistribute.INTERNAL, self.audience is Audience.INTERNAL, 0
            )
        rights = feed.rights
        shown = self.audience is Audience.INTERNAL or rights.public
        return FeedFacts(
            feed_id, feed.source, rights.licence, rights.redistribute, shown, min(feed.schedule.every_s // 2, 300)
        )

    def lifetime_s(self, feed_ids: Iterable[str]) -> int:
        """Seconds that newest values of these feeds may be kept by others: a tenth of the shortest cadence, at least 5, at most 60."""
        every = [self.feeds[feed].schedule.every_s for feed in set(feed_ids) if feed in self.feeds]
        return max(5, min(60, min(every, default=300) // 10))

    def withheld(self, feed_ids: Iterable[str]) -> Withheld | None:
        """What to say about rows of these feeds that were not shown (one entry per row)."""
        listed = list(feed_ids)
        return Withheld(count=len(listed), feeds=tuple(sorted(set(listed)))) if listed else None


SERVICE: web.AppKey[Service] = web.AppKey("service", Service)
