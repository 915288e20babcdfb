"""Writing down what was delivered, many at once: while one transaction runs, whatever else is finished waits for the next.

A transaction for each run of deliveries would cost more than the deliveries; those of fifty receivers together cost hardly more
than one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.clock import Clock
from store import deliveries
from store.alert_rows import DueDelivery
from store.deliveries import Lease, Settlement
from store.engine import Store


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
    _pages: list[_Page] = field(default_factory=list)
    _writing: asyncio.Task[None] | None = None

    async def settle(self, owner: str, done: Settlement) -> list[DueDelivery]:
        """Write down the end of one run of the subscription `owner`; what follows it, leased, or nothing."""
        page = _Page(owner, done, asyncio.get_running_loop().create_future())
        self._pages.append(page)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await page.following

    async def close(self) -> None:
        """Wait until all is written."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write_all(self) -> None:
        try:
            while self._pages:
                pages, self._pages = self._pages, []
                await self._write(pages)
        finally:
            self._writing = None

    async def _write(self, pages: Sequence[_Page]) -> None:
        together = Settlement(
            [one for page in pages for one in page.done.made],
            [uid for page in pages for uid in page.done.released],
            {uid: due_s for page in pages for uid, due_s in page.done.postponed.items()},
            frozenset(uid for page in pages for uid in page.done.ending),
        )
        lease = Lease(self.clock.now_s(), self.run, self.lease_s)
        try:
            runs = await deliveries.settle(self.store, together, lease)
        except Exception as error:  # noqa: BLE001 - each run's task raises it
            for page in pages:
                if not page.following.done():
                    page.following.set_exception(error)
            return
        after = {run[0].subscription.uid: run for run in runs}
        for page in pages:
            if not page.following.done():
                page.following.set_result(after.get(page.owner, []))
