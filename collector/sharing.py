"""Polls of feeds that several collectors share: each asks for a feed before its turn and keeps it for as long as the poll goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from specs.feed import FeedSpec
from store import leases
from store.engine import Store

log = structlog.get_logger(__name__)


class Sharing:
    """Polls a feed only while `holder` has its lease; says every third of a life that this collector lives.

    `speed` shortens lives and leases as it shortens the periods of the feeds.
    """

    def __init__(
        self, store: Store, holder: str, poll: Callable[[FeedSpec], Awaitable[object]], *, speed: float = 1.0
    ) -> None:
        self._store, self._holder, self._poll = store, holder, poll
        self._alive_s, self._lease_s = leases.ALIVE_S / speed, leases.LEASE_S / speed

    async def poll(self, feed: FeedSpec) -> object:
        """What the poll gave; None when the feed is another collector's."""
        if not await leases.hold(self._store, feed.id, self._holder, for_s=self._lease_s):
            return None
        async with _every(self._lease_s / 3, lambda: self._prolong(feed.id)):
            return await self._poll(feed)

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Be counted among the living collectors; on leaving let go of everything."""
        await self._say()
        try:
            async with _every(self._alive_s / 3, self._say):
                yield
        finally:
            await leases.release(self._store, self._holder)

    async def _say(self) -> None:
        await leases.stay_alive(self._store, self._holder, for_s=self._alive_s)

    async def _prolong(self, feed_id: str) -> None:
        await leases.prolong(self._store, feed_id, self._holder, for_s=self._lease_s)


@asynccontextmanager
async def _every(pause_s: float, step: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """`step` every `pause_s` beside the block; one that fails is logged, and tried again at its next turn."""

    async def loop() -> None:
        while True:
            await asyncio.sleep(pause_s)
            try:
                await step()
            except Exception:
                log.exception("a lease could not be kept")

    task = asyncio.create_task(loop())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
