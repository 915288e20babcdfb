"""Whether storing a sweep is felt: `python -m bench.latency [--seconds 4] [--rounds 3]`.

The longest time for which the collector's loop answered nobody while it took in a national sweep; and how long a client of the API waits
for `latest` while another process takes in a sweep every second, against the same client while nothing comes in. Idle and busy spells take
turns; a sweep every second is six hundred times what a country sends.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event as SharedEvent

import numpy as np
from aiohttp import web

from api.app import create_app
from api.settings import ApiSettings
from bench import sweeps
from bench.store import FIRST, some_values, sweep
from collector.pipeline import Pipeline
from domain.clock import VirtualClock
from store.engine import Store, open_store
from store.write import commit_batch

PATH = "/v1/latest?limit=100"
TICK_S = 0.0005
BEFORE = 24  # sweeps that are there when the service starts
SWEEPS = 24


async def longest_pause_s(work: Callable[[], asyncio.Future[object] | asyncio.Task[object]]) -> float:
    """The longest time between two turns of a task that only wants its turn, while `work` goes on."""
    task, longest, last = work(), 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(TICK_S)
        now = time.perf_counter()
        longest, last = max(longest, now - last - TICK_S), now
    task.result()
    return longest


async def pauses(url: str) -> None:
    """Worst and usual pause of the loop: rows ready, and the whole way from the publisher's bytes (decoding on a thread)."""
    store = await open_store(url)
    await store.become_collector()
    config = sweeps.config()
    pipeline, feed = Pipeline(store, config, VirtualClock(0.0), threads=True), sweeps.feed(config)
    idle, ready, whole = [], [], []
    for turn in range(SWEEPS):
        values = some_values()
        batch, fetched = sweep(FIRST + turn, values), sweeps.fetched(FIRST + turn, values)
        run = pipeline.begin(feed, fetched.answer.requested_s)
        idle.append(await longest_pause_s(lambda: asyncio.create_task(asyncio.sleep(0.1))))
        ready.append(await longest_pause_s(lambda batch=batch: asyncio.create_task(commit_batch(store, batch, {}))))  # type: ignore[misc]
        whole.append(await longest_pause_s(lambda told=(fetched, run): asyncio.create_task(pipeline.take(*told))))  # type: ignore[misc]
    for name, taken in (("idle", idle), ("rows ready", ready), ("from bytes, decoded on a thread", whole)):
        counted = np.array(taken[4:]) * 1e3
        print(
            f"longest pause of the loop, {name:32} median {np.median(counted):6.1f} ms, worst {counted.max():6.1f} ms (target <= 10)"
        )
    await store.close()


def serve(url: str, pipe: Connection) -> None:
    """A process: the API."""

    async def main() -> None:
        store = await open_store(url)
        app = create_app(store, sweeps.config(), ApiSettings(warm_up=False), VirtualClock((FIRST + BEFORE) * 600.0))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


def collect(url: str, busy: SharedEvent) -> None:
    """A process: a sweep every second while `busy` is set."""

    async def main() -> None:
        store: Store = await open_store(url)
        await store.become_collector()
        for turn in range(BEFORE, 10**6):
            await asyncio.to_thread(busy.wait)
            await commit_batch(store, sweep(FIRST + turn, some_values()), {})
            await asyncio.sleep(1.0)

    asyncio.run(main())


async def waits(port: int, seconds: float) -> list[float]:
    """How long each question took, one after the other on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    taken, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(0.005)
    writer.close()
    return taken


async def over_http(url: str, seconds: float, rounds: int) -> None:
    """Idle and busy in turn; the 99th percentile of each, and their ratio."""
    store = await open_store(url)
    for turn in range(BEFORE):
        await commit_batch(store, sweep(FIRST + turn, some_values()), {})
    await store.close()
    apart = multiprocessing.get_context("spawn")
    ours, theirs = apart.Pipe()
    busy = apart.Event()
    processes = [apart.Process(target=serve, args=(url, theirs)), apart.Process(target=collect, args=(url, busy))]
    for process in processes:
        process.start()
    port = await asyncio.to_thread(ours.recv)
    await waits(port, 1.0)
    idle, loaded = [], []
    for _ in range(rounds):
        idle += await waits(port, seconds)
        busy.set()
        loaded += await waits(port, seconds)
        busy.clear()
    for process in processes:
        process.kill()
    p99 = [float(np.quantile(taken, 0.99)) * 1e3 for taken in (idle, loaded)]
    p50 = [float(np.median(taken)) * 1e3 for taken in (idle, loaded)]
    print(f"`latest` idle: median {p50[0]:.1f} ms, p99 {p99[0]:.1f} ms ({len(idle)} asked)")
    print(f"`latest` while ingesting: median {p50[1]:.1f} ms, p99 {p99[1]:.1f} ms ({len(loaded)} asked)")
    print(f"p99 while ingesting / idle: {p99[1] / p99[0]:.2f} (target <= 2)")


async def main() -> None:
    """Both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        await pauses(f"sqlite+aiosqlite:///{name}/pauses.db")
        await over_http(f"sqlite+aiosqlite:///{name}/http.db", asked.seconds, asked.rounds)


if __name__ == "__main__":
    asyncio.run(main())
