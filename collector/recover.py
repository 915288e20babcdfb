"""After a crash: answers that reached the archive but not the store are taken from the archive.

What we saw: a process may be killed, or its disk full, between the archive's line and the store's commit. Many publishers
offer no history, so that poll could never be repeated. The archive has it; committing it again changes nothing if it was
there after all.
"""

from __future__ import annotations

from collector.archive import ArchiveReader
from collector.pipeline import Pipeline
from collector.replay import Replay, Replayed
from domain.clock import VirtualClock
from specs.loading import Config
from store.engine import Store
from store.read import runs


async def recover(store: Store, config: Config, captures: ArchiveReader) -> Replayed:
    """Take every capture that is not older than its feed's newest run; a feed without any run in this store is left alone."""
    since_s: dict[str, float] = {}
    for feed in config.feeds:
        newest = await runs(store, feed.id, limit=1)
        if newest:
            since_s[feed.id] = newest[0].started_s
    clock = VirtualClock()
    replay = Replay(Pipeline(store, config, clock), clock, tick_s=float("inf"))
    if not since_s:
        return replay.result
    never = float("inf")
    return await replay.run(captures, chosen=lambda feed, answer: answer.requested_s >= since_s.get(feed.id, never))
