"""One detector over one feed while it is watched: given what each poll brought, kept in the store with the decisions, found again after a kill.

Live it is given the newest readings from memory; after a restart, and for the evidence, the same from the store as known at each poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import structlog

from alerting.history import Trail
from alerting.records import DetectorStep
from analysis.detect_feed import (
    OLDEST_S,
    RAIN,
    RAIN_BACK_S,
    Newest,
    Poll,
    RainNow,
    RainSources,
    newest_of,
    poll_of,
    rain_of,
    station_of,
)
from analysis.detect_watch import STATE_VERSION, Active, Watch, digest_of, verdict_of
from specs.rule import DetectorRule
from store import alerts, detector_states, read
from store.alert_rows import StateRow
from store.engine import Store
from store.rows import Filter, RunRow, SeriesRow

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one step of a detector said, and what it takes to make that step again: the state `before` it, as the poll `since` left it."""

    run: RunRow
    active: tuple[Active, ...]
    triggered: frozenset[str]
    poll: Poll
    before: bytes
    since: tuple[int, str]


def sources_of(rule: DetectorRule, exercise: bool) -> RainSources:
    """Where the rule looks for rain."""
    p = rule.parameters
    return RainSources(p.radar_feed or "", p.gauge_feeds, p.gauge_within_m, p.rain_within_s, exercise)


@dataclass(slots=True)
class Detection:
    """The detector of one rule over the real, or the exercise, series of its feed."""

    store: Store
    rule: DetectorRule
    feed_id: str
    exercise: bool = False
    watch: Watch | None = None
    #: States to be written with the next decision.
    states: list[StateRow] = field(default_factory=list)
    _last: tuple[int, str] = (0, "")
    _steps: int = 0
    _loaded: bool = False

    @property
    def name(self) -> str:
        """Names its states in the store."""
        return f"{self.rule.id}/{self.feed_id}/{'exercise' if self.exercise else 'real'}"

    async def load(self) -> None:
        """Stand where the last judged poll left it: from the newest state kept and the polls since; without one, from the last polls."""
        if self._loaded:
            return
        self._loaded = True
        kept = await detector_states.newest(self.store, self.name, STATE_VERSION)
        if kept is None:
            for run in await alerts.judged_runs(self.store, self.feed_id, limit=self.rule.parameters.warm_polls):
                await self._from_store(run, join=True)
            if self.watch is not None:
                self._keep(await asyncio.to_thread(self.watch.save))
            return
        self.watch = await asyncio.to_thread(Watch.restore, kept.state)
        self._last = (kept.at_s, kept.run_uid)
        for run in await alerts.judged_runs(self.store, self.feed_id, after=self._last):
            await self._from_store(run, join=False)

    async def poll(self, run: RunRow, trails: Mapping[str, Trail]) -> Seen | None:
        """The step of a poll that has ended; None when it brought nothing new."""
        await self.load()
        at_s = _ended_s(run)
        mine = [trail for trail in trails.values() if self._mine(trail.row)]
        joined = self._join([trail.row for trail in mine])
        if self.watch is None:
            return None
        poll = poll_of(self.watch.uids, self.watch.given_s, newest_in(mine, at_s), await self._rain(at_s), at_s)
        if not poll.fresh:
            return None
        before = await asyncio.to_thread(self.watch.save)
        if joined or self._steps >= self.rule.parameters.state_polls:
            self._keep(before)
        return await self._step(run, poll, before)

    async def _step(self, run: RunRow, poll: Poll, before: bytes) -> Seen:
        watch, since = self._there(), self._last
        active = await asyncio.to_thread(watch.step, poll)
        self._last, self._steps = (poll.at_s, run.uid), self._steps + 1
        return Seen(run, active, watch.triggered(), poll, before, since)

    async def proven(self, seen: Seen) -> tuple[DetectorStep, StateRow]:
        """How to make the step again, and the state that it takes; asked for only when something came of it, before the next step."""
        after = digest_of(await asyncio.to_thread(self._there().save))
        before = digest_of(seen.before)
        step = DetectorStep(
            self.name, STATE_VERSION, self.feed_id, self.rule.quantities[0], seen.run.uid, seen.poll.at_s, before,
            seen.poll.digest(), verdict_of(seen.active), after, seen.poll.rain.radar_s,
        )  # fmt: skip
        return step, StateRow(self.name, STATE_VERSION, before, *seen.since, seen.before, pinned=True)

    def _there(self) -> Watch:
        if self.watch is None:
            raise RuntimeError("the detector has no station yet")
        return self.watch

    def _keep(self, state: bytes) -> None:
        self._steps = 0
        self.states.append(StateRow(self.name, STATE_VERSION, digest_of(state), self._last[0], self._last[1], state))

    def _mine(self, row: SeriesRow) -> bool:
        series = row.series
        if not self.rule.covers(series.feed_id, series.quantity) or row.station.station.moving:
            return False
        return series.feed_id == self.feed_id and (series.exercise or row.station.exercise) == self.exercise

    def _join(self, rows: Iterable[SeriesRow]) -> bool:
        stations = [station_of(row) for row in sorted(rows, key=lambda row: row.series.uid)]
        if self.watch is not None:
            return self.watch.join(stations)
        if stations:
            self.watch = Watch.over(stations)
        return bool(stations)

    async def _rain(self, at_s: int) -> RainNow:
        sources = sources_of(self.rule, self.exercise)
        feeds = frozenset({sources.radar_feed, *sources.gauge_feeds})
        found = await read.arrays(
            self.store, Filter(feeds=feeds, quantities=RAIN), at_s - RAIN_BACK_S, at_s + 1, as_of_s=at_s
        )
        return rain_of(self._there().stations, found, sources, at_s)

    async def _from_store(self, run: RunRow, *, join: bool) -> None:
        """A step of the past, made again of what the store knew at it."""
        at_s = _ended_s(run)
        f = Filter(feeds=frozenset({self.feed_id}), quantities=frozenset(self.rule.quantities))
        found = await read.arrays(self.store, f, at_s - OLDEST_S, at_s + 1, as_of_s=at_s)
        if join:
            heard = frozenset(newest_of(found, at_s))
            self._join([row for row in found.series if row.series.uid in heard and self._mine(row)])
        if self.watch is None:
            return
        poll = poll_of(self.watch.uids, self.watch.given_s, newest_of(found, at_s), await self._rain(at_s), at_s)
        if poll.fresh:
            await asyncio.to_thread(self.watch.step, poll)
            self._last, self._steps = (at_s, run.uid), self._steps + 1


def newest_in(trails: Iterable[Trail], at_s: int) -> Newest:
    """The same from trails as `newest_of` gives from the store's columns."""
    found = {}
    for trail in trails:
        last = int(np.searchsorted(trail.end_s, at_s, side="right")) - 1
        if last >= 0 and int(trail.end_s[last]) > at_s - OLDEST_S:
            found[trail.series.uid] = (int(trail.end_s[last]), float(trail.value[last]))
    return found


def _ended_s(run: RunRow) -> int:
    return run.started_s if run.finished_s is None else run.finished_s
