"""Real captured days through the same pipeline on a virtual clock: archive in, the same store as a production day out.

The captures drive the polls: an archive holds a sample of what a publisher said, so a poll that it does not hold is not a
failure of the publisher. Between captures the clock moves in ticks, so that silence is noticed when it would have been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from collector.archive import ArchiveReader
from collector.fetched import Fetched
from collector.health import Run
from collector.pipeline import Pipeline
from collector.plan import matches
from domain.clock import VirtualClock
from domain.readings import Answer, Tally
from specs.feed import FeedSpec
from specs.loading import Config

#: Answers whose requests lie further apart than this, or than half the feed's period, are not one poll.
RUN_GAP_S = 600
_MOST_TICKS = 300

Moved = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class FeedCount:
    """What a replay did for one feed."""

    answers: int = 0
    runs: int = 0
    tally: Tally = field(default_factory=Tally)
    states: Counter[str] = field(default_factory=Counter)
    last_state: str = ""


@dataclass(slots=True)
class Replayed:
    """What a replay did: per feed, and the captures that no feed describes."""

    feeds: dict[str, FeedCount] = field(default_factory=dict)
    of_no_feed: Counter[str] = field(default_factory=Counter)
    first_s: float = 0.0
    last_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Placed:
    """One capture of the archive: its feed, and whether it opens or ends a run of that feed."""

    position: int
    feed: FeedSpec
    opens: bool
    ends: bool


def placed(answers: Iterable[Answer], match: FeedMatcher, strangers: Counter[str]) -> list[Placed]:
    """Group captures into the polls that made them: no request comes twice in one poll, and no long gap lies inside one."""
    found: list[Placed] = []
    last: dict[str, int] = {}
    open_runs: dict[str, tuple[set[str], float]] = {}
    for position, answer in enumerate(answers):
        feed = match.feed_of(answer)
        if feed is None:
            strangers["/".join(answer.url.split("/")[:3])] += 1
            continue
        urls, last_s = open_runs.get(feed.id, (set(), float("-inf")))
        opens = answer.url in urls or answer.requested_s - last_s > min(RUN_GAP_S, feed.schedule.every_s / 2)
        if not opens:
            before = found[last[feed.id]]
            found[last[feed.id]] = replace(before, ends=False)
        open_runs[feed.id] = ({answer.url} if opens else urls | {answer.url}, answer.requested_s)
        last[feed.id] = len(found)
        found.append(Placed(position, feed, opens, ends=True))
    return found


class Replay:
    """Feeds captures through a pipeline; `moved` is awaited after every capture and every tick (the watcher's turn).

    A replay that was killed is simply started again: what is in the store already changes nothing.
    """

    def __init__(
        self, pipeline: Pipeline, clock: VirtualClock, *, moved: Moved | None = None, tick_s: float = 600.0
    ) -> None:
        self._pipeline, self._clock, self._tick_s = pipeline, clock, tick_s
        self._moved = moved
        self._runs: dict[str, Run] = {}
        self.result = Replayed()

    async def run(
        self,
        captures: ArchiveReader,
        *,
        chosen: Callable[[FeedSpec, Answer], bool] = lambda _feed, _answer: True,
        told: Callable[[], object] = lambda: None,
    ) -> Replayed:
        """Take the `chosen` captures in order; `told` is called after each one (a progress bar)."""
        match = FeedMatcher(self._pipeline.config)
        for one in placed(captures.answers(), match, self.result.of_no_feed):
            fetched = captures.read(one.position)
            if chosen(one.feed, fetched.answer):
                await self._until(fetched.answer.requested_s)
                await self._take(one, fetched)
                await self._step()
            told()
        self.result.last_s = self._clock.now_s()
        return self.result

    async def _take(self, one: Placed, fetched: Fetched) -> None:
        feed_id = one.feed.id
        if one.opens or feed_id not in self._runs:
            self._runs[feed_id] = self._pipeline.begin(one.feed, fetched.answer.requested_s)
        run = self._runs[feed_id]
        count = self.result.feeds.setdefault(feed_id, FeedCount())
        count.answers += 1
        count.tally = count.tally + await self._pipeline.take(fetched, run)
        if one.ends:
            state, _ = await self._pipeline.finish(run)
            count.runs += 1
            count.states[state.value] += 1
            count.last_state = state.value

    async def _until(self, time_s: float) -> None:
        """Move the clock on, tick by tick, so that silence is noticed when it would have been."""
        if not self._clock.now_s():
            self._clock.advance_to(time_s)
            self.result.first_s = time_s
        # Archives may lie years apart. The watcher decides as of the moment of each thing, however late it looks, so a long
        # silence needs no more than a bounded number of looks.
        tick_s = max(self._tick_s, (time_s - self._clock.now_s()) / _MOST_TICKS)
        while self._clock.now_s() + tick_s < time_s:
            self._clock.advance_to(self._clock.now_s() + tick_s)
            await self._step()
        self._clock.advance_to(time_s)

    async def _step(self) -> None:
        if self._moved:
            await self._moved()


class FeedMatcher:
    """Finds the feed that a captured request belongs to; remembers addresses that it has seen."""

    def __init__(self, config: Config) -> None:
        self._feeds, self._tables = config.feeds, config.tables
        self._seen: dict[tuple[str, str], FeedSpec | None] = {}

    def feed_of(self, answer: Answer) -> FeedSpec | None:
        """The feed that makes this request, by method and address without secrets; None when no feed does."""
        key = (answer.method, answer.url)
        if key not in self._seen:
            self._seen[key] = next((feed for feed in self._feeds if matches(feed, *key, self._tables)), None)
        return self._seen[key]
