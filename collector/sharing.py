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
    """Polls a feed only while `holder` has its lease; says every third of a life that this collector lives."""

    def __init__(self, store: Store, holder: str, poll: Callable[[FeedSpec], Awaitable[object]]) -> None:
        self._store, self._holder, self._poll = store, holder, poll

    async def poll(self, feed: FeedSpec) -> object:
        """What the poll gave; None when the feed is another collector's."""
        if not await leases.hold(self._store, feed.id, self._holder):
            return None
        async with _every(leases.LEASE_S / 3, lambda: leases.prolong(self._store, feed.id, self._holder)):
            return await self._poll(feed)

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Be counted among the living collectors; on leaving let go of everything."""
        await leases.stay_alive(self._store, self._holder)
        try:
            async with _every(leases.ALIVE_S / 3, lambda: leases.stay_alive(self._store, self._holder)):
                yield
        finally:
            await leases.release(self._store, self._holder)


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
