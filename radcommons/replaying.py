"""`radcommons replay`: captured days on a virtual clock, with a progress bar and a summary to check against."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from collector.archive import ArchiveReader
from collector.pipeline import Pipeline
from collector.replay import FeedCount, Moved, Replay, Replayed
from domain.clock import VirtualClock
from domain.readings import Answer
from radcommons.ground import Ground, grounded
from radcommons.settings import Settings
from specs.feed import FeedSpec


async def replay_archives(
    settings: Settings,
    folders: Sequence[Path],
    *,
    tick_s: float = 600.0,
    alerts: bool = True,
    quiet: bool = False,
    chosen: Callable[[FeedSpec, Answer], bool] = lambda _feed, _answer: True,
) -> None:
    """Replay the `chosen` captures of `folders`, as one archive, into the store of `settings` and print what came of it."""
    started = time.monotonic()
    captures = ArchiveReader(folders)
    clock = VirtualClock()
    async with grounded(settings, clock=clock) as ground:
        await ground.store.become_collector()
        pipeline = Pipeline(ground.store, ground.config, clock)
        replay = Replay(pipeline, clock, moved=_watcher(ground) if alerts else None, tick_s=tick_s)
        with Progress(console=Console(stderr=True), disable=quiet or not sys.stderr.isatty()) as bar:
            task = bar.add_task("replay", total=len(captures))
            result = await replay.run(captures, chosen=chosen, told=lambda: bar.advance(task))
    summary(result, captures, time.monotonic() - started)


def _watcher(ground: Ground) -> Moved:
    from alerting.evaluate import Watcher

    return Watcher(ground.store, ground.config, ground.clock).step


def summary(result: Replayed, captures: ArchiveReader, wall_s: float) -> None:
    """Print per feed what was read and what became of it, the refusals by reason, and the cost."""
    console = Console(width=max(120, Console().width))
    table = Table(title="Replay")
    for name in (
        "feed",
        "answers",
        "runs",
        "read",
        "stored",
        "unchanged",
        "revised",
        "flagged",
        "refused",
        "states of runs",
        "last",
    ):
        table.add_column(name, justify="left" if name in ("feed", "states of runs", "last") else "right")
    for feed_id, count in sorted(result.feeds.items()):
        table.add_row(*_row(feed_id, count))
    console.print(table)
    for feed_id, count in sorted(result.feeds.items()):
        for kind, counts in (("refused", count.tally.refused), ("ignored", count.tally.ignored)):
            for reason, number in sorted(counts.items()):
                console.print(f"  {feed_id}: {kind} {reason} {number:,}")
    for url, number in sorted(result.of_no_feed.items()):
        console.print(f"  no feed asks for {url}: {number} captures left out")
    for problem in captures.problems:
        console.print(f"  archive: {problem}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"{len(captures)} captures, {wall_s:.1f} s wall time, {peak_mb:.0f} MB peak memory")


def _row(feed_id: str, count: FeedCount) -> tuple[str, ...]:
    tally = count.tally
    numbers = (
        count.answers, count.runs, tally.read, tally.stored, tally.unchanged, tally.revised, tally.flagged,
        sum(tally.refused.values()),
    )  # fmt: skip
    states = ", ".join(f"{state} {number}" for state, number in sorted(count.states.items()))
    return (feed_id, *(f"{number:,}" for number in numbers), states, count.last_state)
