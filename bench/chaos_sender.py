"""Senders to be killed: each delivers from a store for ever, at a pace whose days are shortened to seconds.

This process has everything imported and forks one sender for each line on its input, whose number it prints: a busy machine
takes seconds to import, and a kill is to find work half done, not a program that is still starting.

Usage: python -m bench.chaos_sender DATABASE_URL
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

import aiohttp

from alerting.webhooks.deliver import Deliverer, Pace
from alerting.webhooks.resolve import policy
from domain.clock import SystemClock
from store.engine import open_store

#: The retry table of the service lasts 75 h; this one has as many attempts.
PACE = Pace(
    table_s=(0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0),
    timeout=aiohttp.ClientTimeout(total=1.5, sock_connect=0.5, sock_read=1.0),
    run_s=1.0,
    lease_s=5.0,
    per_host=100,
)


async def deliver(url: str) -> None:
    """Deliver until killed."""
    store = await open_store(url, migrate=False)
    async with Deliverer(store, SystemClock(), policy(frozenset({443}), ("127.0.0.0/8",)), pace=PACE) as deliverer:
        while True:
            await deliverer.step()
            await asyncio.sleep(0.02)


def main() -> None:
    """Fork when asked to; ends with its input, and its senders with it."""
    children = []
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what it logs is no answer
            asyncio.run(deliver(sys.argv[1]))
            os._exit(0)
        children.append(child)
        print(child, flush=True)
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
