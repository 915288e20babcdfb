"""A sender in a process of its own, to be killed: delivers from a store until nothing is pending.

Usage: sender.py DATABASE_URL
"""

from __future__ import annotations

import asyncio
import sys

from alerting.webhooks.deliver import Deliverer
from alerting.webhooks.resolve import policy
from domain.clock import SystemClock
from store import deliveries
from store.engine import open_store


async def main() -> None:
    store = await open_store(sys.argv[1], migrate=False)
    async with Deliverer(store, SystemClock(), policy(frozenset({443}), ("127.0.0.0/8",))) as deliverer:
        while await deliveries.next_due_s(store) is not None:
            await deliverer.step()
            await asyncio.sleep(0.05)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
