"""Writing down what was delivered, many at once: while one transaction runs, whatever else is finished waits for the next.

A transaction for each delivery would cost more than the delivery; those to fifty receivers together cost hardly more than one.
What is sent and not yet written is what a kill repeats, so nothing waits for long.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from domain.clock import Clock
from store import deliveries
from store.alert_rows import DueDelivery
from store.deliveries import Attempted, Lease, Settlement
from store.engine import Store

log = structlog.get_logger(__name__)

#: Gathered for so long before a transaction begins, or until there are so many: each costs as much as dozens of deliveries.
LINGER_S, GATHERED = 0.05, 64
#: With so many deliveries not yet written, sending waits: a slow store must not make a kill repeat hundreds.
MOST_UNWRITTEN = 128


@dataclass(frozen=True, slots=True)
class _Page:
    owner: str
    done: Settlement
    following: asyncio.Future[list[DueDelivery]]


@dataclass(slots=True)
class Ledger:
    """One per deliverer. `run` deliveries of one subscription are leased at once, for `lease_s`."""

    store: Store
    clock: Clock
    run: int
    lease_s: float
    linger_s: float = LINGER_S
    _noted: list[Attempted] = field(default_factory=list)
    _pages: list[_Page] = field(default_factory=list)
    _writing: asyncio.Task[None] | None = None
    _unwritten: int = 0
    _written: asyncio.Event = field(default_factory=asyncio.Event)
    _enough: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, one: Attempted) -> bool:
        """Have a delivery in the midst of a run written down; False when so many are not that the caller must wait for `room`."""
        self._noted.append(one)
        self._added(1)
        return self._unwritten < MOST_UNWRITTEN

    async def room(self) -> None:
        """Wait until fewer are unwritten."""
        while self._unwritten >= MOST_UNWRITTEN:
            self._written.clear()
            await self._written.wait()

    async def settle(self, owner: str, done: Settlement) -> list[DueDelivery]:
        """Write down the end of one run of the subscription `owner`; what follows it, leased, or nothing."""
        following: asyncio.Future[list[DueDelivery]] = asyncio.get_running_loop().create_future()
        self._pages.append(_Page(owner, done, following))
        self._added(len(done.made))
        return await following

    async def close(self) -> None:
        """Wait until all is written."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)

    def _added(self, count: int) -> None:
        self._unwritten += count
        if len(self._noted) + len(self._pages) >= GATHERED:
            self._enough.set()
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._noted or self._pages:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._enough.wait(), self.linger_s)
                self._enough.clear()
                noted, self._noted = self._noted, []
                pages, self._pages = self._pages, []
                made = noted + [one for page in pages for one in page.done.made]
                try:
                    await self._write(made, pages)
                finally:
                    self._unwritten -= len(made)
                    self._written.set()
        finally:
            self._writing = None

    async def _write(self, made: Sequence[Attempted], pages: Sequence[_Page]) -> None:
        together = Settlement(
            made,
            [uid for page in pages for uid in page.done.released],
            {uid: due_s for page in pages for uid, due_s in page.done.postponed.items()},
            frozenset(uid for page in pages for uid in page.done.followed),
        )
        lease = Lease(self.clock.now_s(), self.run, self.lease_s)
        try:
            runs = await deliveries.settle(self.store, together, lease)
        except Exception as error:  # each run's task raises it; what was noted is sent again when its lease is over
            log.exception("deliveries could not be written down", count=len(made))
            for page in pages:
                if not page.following.done():
                    page.following.set_exception(error)
            return
        after = {run[0].subscription.uid: run for run in runs}
        for page in pages:
            if not page.following.done():
                page.following.set_result(after.get(page.owner, []))
