"""A whole archive through the whole pipeline: `python -m bench.whole ARCHIVE [--alerts] [--database URL]`.

Tells wall time, readings a second, peak memory, the store's size, and where the time went: a thread looks every few milliseconds at
what the loop's thread is doing, which costs next to nothing and sees C code through its caller.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from alerting.evaluate import Watcher
from collector.archive import ArchiveReader
from collector.pipeline import Pipeline
from collector.replay import Replay
from domain.clock import VirtualClock
from radcommons.ground import grounded
from radcommons.settings import Settings, default_config
from store import compact, maintenance
from store.engine import open_store

LOOK_EVERY_S = 0.005
TOP = 10
_ROOMS = ("domain", "specs", "store", "analysis", "collector", "alerting", "radcommons")


@dataclass
class Sampler:
    """Where one thread is, again and again: the innermost function of ours, and the function that runs."""

    thread: int
    ours: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look until told to stop."""
        while not self.stop.wait(LOOK_EVERY_S):
            frame = sys._current_frames().get(self.thread)
            if frame is not None:
                self.ours[_place(frame)] += 1

    def told(self) -> list[str]:
        """The top of the list."""
        total = sum(self.ours.values()) or 1
        return [f"{100 * count / total:5.1f} %  {place}" for place, count in self.ours.most_common(TOP)]


def _place(frame: FrameType | None) -> str:
    """The innermost function of our rooms; `waiting` when the loop has nothing to do but wait for the database's thread."""
    if frame is not None and frame.f_code.co_name == "select":
        return "waiting for the database"
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        room = next((part for part in path.parts[-4:-1] if part in _ROOMS), "")
        if room and "site-packages" not in path.parts:
            return f"{room}/{path.name} {frame.f_code.co_name}"
        frame = frame.f_back
    return "the loop itself"


async def play(archive: Path, database: str, *, alerts: bool) -> None:
    """Replay and tell."""
    captures = ArchiveReader([archive])
    settings = Settings(config=default_config(), database=database, archive=archive)
    clock, began = VirtualClock(), time.monotonic()
    sampler = Sampler(threading.get_ident())
    looking = threading.Thread(target=sampler.run, daemon=True)
    async with grounded(settings, clock=clock) as ground:
        await ground.store.become_collector()
        moved = None
        if alerts:
            moved = Watcher(ground.store, ground.config, clock).step
        replay = Replay(Pipeline(ground.store, ground.config, clock), clock, moved=moved, tick_s=600.0)
        looking.start()
        result = await replay.run(captures)
        sampler.stop.set()
        wall_s, cpu_s = time.monotonic() - began, time.process_time()
        read = sum(count.tally.read for count in result.feeds.values())
        stored = sum(count.tally.stored for count in result.feeds.values())
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{len(captures)} answers, {read:,} rows read, {stored:,} readings stored")
        print(
            f"{wall_s:.0f} s wall, {cpu_s:.0f} s of processor, {read / wall_s:,.0f} rows/s, {peak_mb:.0f} MB peak memory (target < 1024)"
        )
        for line in sampler.told():
            print(f"  {line}")
        await size(ground.store.url, "hot rows")
        packing = time.monotonic()
        rolled, packed = await compact.tend(ground.store, limit=10**9)
        print(f"{rolled:,} days of series rolled up and {packed:,} packed in {time.monotonic() - packing:.0f} s")
        await maintenance.vacuum(ground.store)
        await size(ground.store.url, "packed")
        found = await maintenance.check(ground.store)
        print("db check: " + ("nothing found" if not found else ", ".join(one.code for one in found)))


async def size(url: str, what: str) -> None:
    """The store's size and what is in it."""
    store = await open_store(url, migrate=False)
    stats = await maintenance.stats(store)
    await store.close()
    held = stats.rows["readings"] + stats.rows["packed_readings"]
    print(
        f"{what}: {stats.size_bytes / 1e6:,.0f} MB for {held:,} readings, {stats.size_bytes / max(1, held):.1f} B each with everything",
        flush=True,
    )


def main() -> None:
    """One archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--alerts", action="store_true")
    parser.add_argument("--database", default="", help="an empty one; default: a file that is thrown away")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whole-") as name:
        database = asked.database or f"sqlite+aiosqlite:///{name}/store.db"
        asyncio.run(play(asked.archive, database, alerts=asked.alerts))


if __name__ == "__main__":
    main()
