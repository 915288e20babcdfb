"""Real captured days through the same pipeline on a virtual clock: archive in, the same store as a production day out.

The captures drive the polls: an archive holds a sample of what a publisher said, so a poll that it does not hold is not a
failure of the publisher. Between captures the clock moves in ticks, so that silence is noticed when it would have been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from collector.fetched import Fetched
from collector.health import Run
from collector.pipeline import Pipeline
from collector.plan import matches
from domain.clock import VirtualClock
from domain.readings import Answer, Tally
from specs.feed import FeedSpec
from specs.loading import Config

#: Answers whose requests lie further apart than this are not one poll.
RUN_GAP_S = 600

Moved = Callable[[], Awaitable[None]]
Done = Callable[[str, Answer], Awaitable[bool]]


@dataclass(slots=True)
class FeedCount:
    """What a replay did for one feed."""

    answers: int = 0
    runs: int = 0
    skipped: int = 0
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


@dataclass(slots=True)
class RunBook:
    """Groups the captures of an archive into runs, as the polls were that made them."""

    run: Run | None = None
    urls: set[str] | None = None
    last_s: float = 0.0

    def continues(self, answer: Answer) -> bool:
        """Whether this answer belongs to the open run: no request comes twice in one poll, and no long gap lies between."""
        if self.run is None or self.urls is None:
            return False
        return answer.url not in self.urls and answer.requested_s - self.last_s <= RUN_GAP_S

    def note(self, answer: Answer) -> None:
        """Remember an answer of the open run."""
        self.urls = {*(self.urls or ()), answer.url}
        self.last_s = answer.requested_s


class Replay:
    """Feeds captures through a pipeline. `moved` is awaited after every batch and every tick (the watcher's turn);
    `done` tells whether a batch is in the store already, so that a replay that was killed goes on where it stopped.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        clock: VirtualClock,
        *,
        moved: Moved | None = None,
        done: Done | None = None,
        tick_s: float = 600.0,
    ) -> None:
        self._pipeline, self._clock, self._tick_s = pipeline, clock, tick_s
        self._moved, self._done = moved, done
        self._books: dict[str, RunBook] = {}
        self._match = FeedMatcher(pipeline.config)
        self.result = Replayed()

    async def run(self, captures: Iterable[Fetched], told: Callable[[Fetched], None] = lambda _: None) -> Replayed:
        """Take every capture in order; `told` hears of each one (a progress bar)."""
        for fetched in captures:
            await self._until(fetched.answer.requested_s)
            await self._one(fetched)
            told(fetched)
        for book in self._books.values():
            await self._close(book)
        self.result.last_s = self._clock.now_s()
        return self.result

    async def _one(self, fetched: Fetched) -> None:
        feed = self._match.feed_of(fetched.answer)
        if feed is None:
            self.result.of_no_feed[fetched.answer.url.split("?")[0]] += 1
            return
        book = self._books.setdefault(feed.id, RunBook())
        if not book.continues(fetched.answer):
            await self._close(book)
            book.run, book.urls = self._pipeline.begin(feed, fetched.answer.requested_s), set()
        book.note(fetched.answer)
        count = self.result.feeds.setdefault(feed.id, FeedCount())
        count.answers += 1
        if book.run is None:
            return
        count.tally = count.tally + await self._pipeline.take(fetched, book.run)
        if self._moved:
            await self._moved()

    async def _until(self, time_s: float) -> None:
        """Move the clock on, tick by tick; a run whose gap has passed ends on the way."""
        if not self._clock.now_s():
            self._clock.advance_to(time_s)
            self.result.first_s = time_s
        while self._clock.now_s() + self._tick_s < time_s:
            self._clock.advance_to(self._clock.now_s() + self._tick_s)
            if self._moved:
                await self._moved()
        self._clock.advance_to(time_s)

    async def _close(self, book: RunBook) -> None:
        run: Run | None = book.run
        if run is None:
            return
        book.run = None
        state, _ = await self._pipeline.finish(run)
        count = self.result.feeds[run.feed_id]
        count.runs += 1
        count.states[state.value] += 1
        count.last_state = state.value


class FeedMatcher:
    """Finds the feed that a captured request belongs to; remembers addresses that it has seen."""

    def __init__(self, config: Config) -> None:
        self._feeds = config.feeds
        self._seen: dict[tuple[str, str], FeedSpec | None] = {}

    def feed_of(self, answer: Answer) -> FeedSpec | None:
        """The feed that makes this request, by method and address without secrets; None when no feed does."""
        key = (answer.method, answer.url)
        if key not in self._seen:
            self._seen[key] = next((feed for feed in self._feeds if matches(feed, *key)), None)
        return self._seen[key]
