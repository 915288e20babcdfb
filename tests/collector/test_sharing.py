"""Collectors that share feeds on PostgreSQL: never two at once, all feeds polled, a dead one's feeds taken over."""

from __future__ import annotations

import asyncio
from collections import Counter

from collector.sharing import Sharing
from specs.feed import FeedSpec
from specs.loading import load_config
from store import leases
from store.engine import open_store
from tests.conftest import ROOT

FEEDS = tuple(feed for feed in load_config(ROOT / "config").feeds if feed.enabled)[:12]


class Publisher:
    """Counts who asks, and how many ask at once."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.now: Counter[str] = Counter()
        self.together = 0

    async def poll(self, feed: FeedSpec) -> str:
        self.asked[feed.id] += 1
        self.now[feed.id] += 1
        self.together = max(self.together, self.now[feed.id])
        for _ in range(20):
            await asyncio.sleep(0)
        self.now[feed.id] -= 1
        return feed.id


async def everyone(*collectors: Sharing) -> None:
    await asyncio.gather(*(one.poll(feed) for feed in FEEDS for one in collectors))


async def test_two_collectors_poll_every_feed_once(postgres_copy: str) -> None:
    stores = [await open_store(postgres_copy) for _ in range(2)]
    publisher = Publisher()
    first, second = (Sharing(store, name, publisher.poll) for store, name in zip(stores, ("a", "b"), strict=True))
    async with first.living(), second.living():
        for turn in (1, 2, 3):
            await everyone(first, second)
            assert publisher.asked == {feed.id: turn for feed in FEEDS}
        assert publisher.together == 1
        assert len({leases.chosen(feed.id, ("a", "b")) for feed in FEEDS}) == 2
    await everyone(first)  # the other one has ended in order: nothing is waited for
    assert publisher.asked == {feed.id: 4 for feed in FEEDS}
    for store in stores:
        await store.close()


async def test_a_newcomer_takes_no_feed_out_of_a_poll(postgres_copy: str) -> None:
    store = await open_store(postgres_copy)
    publisher = Publisher()
    first, second = (Sharing(store, name, publisher.poll) for name in ("a", "b"))
    polls = asyncio.gather(*(first.poll(feed) for feed in FEEDS))
    async with second.living():
        await asyncio.gather(polls, *(second.poll(feed) for feed in FEEDS))
    assert publisher.together == 1
    await store.close()


async def test_the_feeds_of_a_dead_one_move_when_its_leases_end(postgres_copy: str) -> None:
    store = await open_store(postgres_copy)
    publisher = Publisher()
    survivor = Sharing(store, "a", publisher.poll)
    async with survivor.living():
        await leases.stay_alive(store, "b")
        theirs = [feed.id for feed in FEEDS if await leases.hold(store, feed.id, "b")]
        assert 0 < len(theirs) < len(FEEDS)
        await everyone(survivor)
        assert set(publisher.asked) == {feed.id for feed in FEEDS} - set(theirs)
        await leases.stay_alive(store, "b", for_s=0)  # it is no longer counted, but its leases last
        await everyone(survivor)
        assert not set(theirs) & set(publisher.asked)
        for feed_id in theirs:
            await leases.prolong(store, feed_id, "b", for_s=0)
        await everyone(survivor)
        assert set(publisher.asked) == {feed.id for feed in FEEDS}
    await store.close()


async def test_the_one_collector_of_a_file_holds_everything(sqlite_copy: str) -> None:
    store = await open_store(sqlite_copy)
    publisher = Publisher()
    async with Sharing(store, "a", publisher.poll).living():
        await everyone(Sharing(store, "a", publisher.poll))
    assert publisher.asked == {feed.id: 1 for feed in FEEDS}
    await store.close()
