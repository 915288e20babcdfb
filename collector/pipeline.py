"""From a publisher's answer to committed rows: start reading here.

An answer is archived before anything is parsed, then decoded, harmonised and judged (`harvest`), placed in its areas, and
committed as one batch. A run is one poll of a feed; when it ends, the feed gets one state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from collector.archive import READABLE, Archive, NullArchive
from collector.fetched import Fetched
from collector.harvest import Harvester
from collector.health import Expected, Run, feed_late_after_s, judge
from collector.metrics import Metrics
from collector.plan import recognise
from collector.scrub import scrubbed
from domain.clock import Clock
from domain.readings import Answer, Batch, Harvest, Station, Tally
from domain.states import FeedState
from specs.feed import FeedSpec
from specs.loading import Config
from store.engine import Store
from store.write import commit_batch, finish_run

log = structlog.get_logger(__name__)

_WORTH_A_THREAD = 1 << 17


class Pipeline:
    """Takes answers, one at a time per feed; several feeds may go through it at once."""

    def __init__(
        self,
        store: Store,
        config: Config,
        clock: Clock,
        archive: Archive | None = None,
        *,
        metrics: Metrics | None = None,
        threads: bool = False,
    ) -> None:
        self.store, self._clock, self._archive = store, clock, archive or NullArchive()
        self._metrics = metrics or Metrics()
        self._threads = threads
        self.config, self.feeds, self._harvester = config, {feed.id: feed for feed in config.feeds}, Harvester(config)
        self._edges: dict[str, int] = {}
        self._states: dict[str, FeedState] = {}

    def configure(self, config: Config) -> None:
        """Work by this configuration from now on; polls that go on end as they began. Feeds that are the same keep their memory."""
        self.config = config
        self.feeds = {feed.id: feed for feed in config.feeds}
        self._harvester.configure(config)

    def begin(self, feed: FeedSpec, started_s: float) -> Run:
        """Open a run of `feed` that starts at `started_s`."""
        started = int(started_s)
        moment = datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Run(feed, started, f"{feed.id}@{moment}")

    async def take(self, fetched: Fetched, run: Run) -> Tally:
        """Archive, read and commit one answer as part of `run`; raises only what the disk or the store raise."""
        feed = run.feed
        clean = await self._scrubbed(fetched, feed)
        answer = _without_absence(replace(clean.answer, feed_id=feed.id), feed)
        await self._keep(answer, clean.wire)
        received_s = int(answer.received_s)
        # what could not be scrubbed is not kept, but why it cannot be read is still to be told
        harvest = await self._harvest(feed, Fetched(answer, clean.body or fetched.body), answer.received_s)
        batch = Batch(feed.id, run.uid, run.started_s, answer, harvest, received_s, feed.exercise)
        areas = _Areas(harvest.stations, self._areas_of)
        tally = await commit_batch(self.store, batch, areas)
        run.last_s = answer.received_s
        run.gathered.asked += 1
        run.gathered.add(answer, harvest)
        run.tally = run.tally + tally
        self._metrics.answered(feed.id, answer, tally)
        return tally

    async def finish(self, run: Run, *, planned: int | None = None) -> tuple[FeedState, str]:
        """Close a run and give its feed a state; `planned` counts the requests that the run was to make."""
        feed = run.feed
        run.gathered.asked = max(run.gathered.asked, planned or 0)
        # judged as of the last answer: a replay ends a run when it knows that nothing follows, which must not make it older
        at_s = run.last_s or self._clock.now_s()
        edge_s = run.gathered.edge_s(at_s - feed.schedule.silent_after_s)
        if edge_s is not None:
            self._edges[feed.id] = edge_s
        state, cause = judge(run.gathered, _expected(feed), self._edges.get(feed.id), at_s)
        await finish_run(self.store, run.uid, int(at_s), state, cause)
        run.state, run.cause = state, cause
        self._tell(feed.id, state, cause)
        return state, cause

    async def _scrubbed(self, fetched: Fetched, feed: FeedSpec) -> Fetched:
        if not any(form.scrub for form in feed.forms):
            return fetched
        return await asyncio.to_thread(scrubbed, fetched, feed, self.config.tables)

    async def _keep(self, answer: Answer, wire: bytes) -> None:
        if isinstance(self._archive, NullArchive):
            return
        await asyncio.to_thread(self._archive.put, answer, wire)

    async def _harvest(self, feed: FeedSpec, fetched: Fetched, now_s: float) -> Harvest:
        if fetched.answer.failure or fetched.answer.status not in READABLE:
            return Harvest()
        if self._threads and len(fetched.body) > _WORTH_A_THREAD:
            return await asyncio.to_thread(self._harvester.harvest, feed, fetched, now_s)
        return self._harvester.harvest(feed, fetched, now_s)

    def _areas_of(self, station: Station) -> tuple[str, ...]:
        return self.config.geography.locate(station.latitude_deg, station.longitude_deg, station.region_code)

    def _tell(self, feed_id: str, state: FeedState, cause: str) -> None:
        """Say it once when a feed's state changes."""
        before = self._states.get(feed_id)
        self._states[feed_id] = state
        if before == state:
            return
        say = log.info if state is FeedState.OK else log.warning
        say("feed state", feed=feed_id, state=state.value, before=before.value if before else None, cause=cause)


class _Areas(Mapping[str, tuple[str, ...]]):
    """Station uid -> its areas, looked up when the store asks: it asks for new and changed stations only, and a country has thousands."""

    def __init__(self, stations: Sequence[Station], locate: Callable[[Station], tuple[str, ...]]) -> None:
        self._listed, self._locate = stations, locate
        self._by_uid: dict[str, Station] | None = None

    def _stations(self) -> dict[str, Station]:
        if self._by_uid is None:
            self._by_uid = {station.uid: station for station in self._listed}
        return self._by_uid

    def __getitem__(self, uid: str) -> tuple[str, ...]:
        return self._locate(self._stations()[uid])

    def __iter__(self) -> Iterator[str]:
        return iter(self._stations())

    def __len__(self) -> int:
        return len(self._stations())


def _without_absence(answer: Answer, feed: FeedSpec) -> Answer:
    """A status by which this publisher says "there is no such document" is an answer, not a failure."""
    found = recognise(feed, answer.method, answer.url) if answer.failure and answer.status else None
    if found and answer.status in found[0].request.absent:
        return replace(answer, failure=None, failure_detail="")
    return answer


def _expected(feed: FeedSpec) -> Expected:
    schedule = feed.schedule
    on_schedule = any(form.measures for form in feed.forms)
    return Expected(feed_late_after_s(schedule.lag_s, schedule.late_after_s), feed.expect.stations, on_schedule)
