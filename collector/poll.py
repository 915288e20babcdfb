"""One poll of one feed: its requests in order, politely spaced, each answer through the pipeline."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from collector.fetch import Fetcher
from collector.fetched import Fetched
from collector.health import NOT_REACHED, Run, unreadable
from collector.paging import StrangeAddress, next_page
from collector.pipeline import Pipeline
from collector.plan import PlannedRequest, planned
from domain.clock import Clock
from domain.reasons import Refusal
from specs.feed import FeedSpec

log = structlog.get_logger(__name__)

#: So many requests in a row that reach nobody end a poll: a list of 400 documents would take hours to fail one by one.
GIVE_UP_AFTER = 3


@dataclass(frozen=True, slots=True)
class Poller:
    """Polls feeds with one fetcher through one pipeline.

    `sleep` is passed in so that tests need not wait; once `stopping` is set, a poll ends before its next request.
    """

    fetcher: Fetcher
    pipeline: Pipeline
    clock: Clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: dict[str, FeedSpec] = field(default_factory=dict)

    async def poll(self, feed: FeedSpec) -> Run | None:
        """Ask everything that is due of `feed`; None when nothing is. Ends early when the publisher says no or is not there."""
        # the first poll of a version asks everything: its catalogue of stations may not be due for hours otherwise
        whole = self._asked.get(feed.id) is not feed
        self._asked[feed.id] = feed
        requests = deque(planned(feed, self.clock.now_s(), self.pipeline.config.tables, whole=whole))
        run: Run | None = None
        unreached = asked = unasked = 0
        page = ""
        while requests:
            request = requests.popleft()
            if asked:
                await self.sleep(feed.schedule.pause_s)
            if self.stopping.is_set():
                requests.appendleft(request)
                break
            asked += 1
            fetched = await self.fetcher.fetch(request)
            run = run or self.pipeline.begin(feed, fetched.answer.requested_s)
            tally = await self.pipeline.take(fetched, run)
            # an error page has an ETag too: what could not be read must be asked for again, not be called unchanged
            if not unreadable(tally):
                self.fetcher.committed(fetched.answer)
            unreached = unreached + 1 if fetched.answer.failure in NOT_REACHED else 0
            if fetched.answer.failure is Refusal.BLOCKED or unreached >= GIVE_UP_AFTER:
                break
            # A server that does not know its paging parameter sends the first page for ever.
            if fetched.answer.sha256 != page or not request.page:
                unasked += self._follow(request, tally.read, fetched, requests)
            page = fetched.answer.sha256
        if run:
            await self.pipeline.finish(run, planned=asked + unasked + len(requests))
        return run

    @staticmethod
    def _follow(request: PlannedRequest, read: int, fetched: Fetched, requests: deque[PlannedRequest]) -> int:
        """Put the page that follows in front; 1 when there is one that may not be asked, so that the run is a partial one."""
        try:
            following = next_page(request, read, fetched)
        except StrangeAddress as error:
            log.warning("next page not asked", feed=request.feed_id, why=str(error))
            return 1
        if following:
            requests.appendleft(following)
        return 0
