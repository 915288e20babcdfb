"""Trying a feed: what it would ask, what its answers would become, one poll by hand."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from collector.archive import ArchiveReader, RawArchive
from collector.doubts import doubts
from collector.fetch import Fetcher, FetchLimits
from collector.fetched import Fetched
from collector.harvest import Harvester
from collector.pipeline import Pipeline
from collector.plan import matches, planned, recognise
from collector.poll import Poller
from domain.clock import SystemClock
from domain.flags import codes
from domain.readings import Answer, Harvest, Readings
from radcommons.ground import grounded
from radcommons.settings import Settings
from specs.feed import FeedSpec
from specs.loading import Config
from specs.problems import position, read_yaml

_console = Console(width=140, soft_wrap=True)


def show_requests(config: Config, feed: FeedSpec) -> None:
    """Print the requests that are due of `feed` now; secrets appear as the name of their variable."""
    for request in planned(feed, time.time(), config.tables):
        secrets = [f"{name}=${variable}" for name, variable in (*request.secret_query, *request.secret_headers)]
        _console.print(f"{request.method} {request.url}", *secrets, highlight=False)
    rights = feed.rights
    _console.print(f"licence: {rights.licence}; redistribute: {rights.redistribute.value}; {rights.verdict}")


async def show_harvest(config: Config, feed: FeedSpec, archives: Sequence[Path], contact: str) -> None:
    """Print what the answers hold: from archives when given, else by asking the publisher once. Writes nothing."""
    answers = _captured(config, feed, archives) if archives else await _asked(config, feed, contact)
    harvester = Harvester(config)
    for fetched in answers:
        answer = fetched.answer
        _console.rule(f"{answer.status} {answer.url}")
        if answer.failure:
            _console.print(f"refused: {answer.failure.value} {answer.failure_detail}")
            continue
        harvest = harvester.harvest(feed, fetched, answer.received_s)
        show(harvest, answer.received_s)
        show_doubts(config, feed, answer, harvest)


def show_doubts(config: Config, feed: FeedSpec, answer: Answer, harvest: Harvest) -> None:
    """Print what looks wrong, each with the place in the feed's file that it hangs on."""
    found = recognise(feed, answer.method, answer.url, config.tables)
    name = f"feeds/{feed.id}.yaml"
    document, _ = read_yaml(config.folder / name, name)
    for doubt in doubts(harvest, feed, found[0], answer.received_s) if found else ():
        line, column = position(document, doubt.path)
        _console.print(
            f"look at {name}:{line}:{column} {'.'.join(map(str, doubt.path))}: {doubt.message}", markup=False
        )


def show(harvest: Harvest, received_s: float) -> None:
    """Print a harvest: counts, refusals with examples, and per series kind the units, lag and range."""
    results = sum(len(sample.results) for sample in harvest.samples)
    _console.print(
        f"read {harvest.read}, stations {len(harvest.stations)}, readings {len(harvest.readings) if harvest.readings else 0}, "
        f"samples {len(harvest.samples)} with {results} results, quakes {len(harvest.quakes)}, marks {len(harvest.marks)}"
    )
    for reason, count in (*harvest.refused.items(), *harvest.ignored.items()):
        _console.print(f"  {reason.value}: {count}")
    for row in harvest.refused_rows[:5]:
        _console.print(f"  {row.reason.value} at {row.where}: {row.detail}", markup=False)
    if harvest.readings is not None:
        _console.print(_kinds(harvest.readings, received_s))


def _kinds(readings: Readings, received_s: float) -> Table:
    table = Table("quantity", "medium", "unit", "series", "values", "min", "median", "max", "newest, min ago", "flags")
    kinds = [(one.quantity, one.medium, one.unit) for one in readings.series]
    number = {kind: i for i, kind in enumerate(dict.fromkeys(kinds))}
    of_row = np.array([number[kind] for kind in kinds])[readings.index]
    for kind, i in number.items():
        chosen = of_row == i
        values = readings.value[chosen]
        values = values[~np.isnan(values)]
        spread = [f"{value:g}" for value in np.quantile(values, [0, 0.5, 1])] if len(values) else ["", "", ""]
        newest = (received_s - readings.end_s[chosen].max()) / 60
        flags = Counter(code for qc in readings.qc[chosen].tolist() for code in codes(qc))
        series = len(set(readings.index[chosen].tolist()))
        told = ", ".join(f"{code} {count}" for code, count in sorted(flags.items()))
        table.add_row(*kind, str(series), str(int(chosen.sum())), *spread, f"{newest:.0f}", told)
    return table


async def poll_once(settings: Settings, feed: FeedSpec) -> None:
    """Poll `feed` once into the store of `settings` and print what came of it."""
    clock = SystemClock()
    async with grounded(settings) as ground, Fetcher(FetchLimits(contact=settings.contact), clock) as fetcher:
        await ground.store.become_collector()
        archive = RawArchive(settings.archive)
        pipeline = Pipeline(ground.store, ground.config, clock, archive)
        run = await Poller(fetcher, pipeline, clock).poll(feed)
        archive.close()
    if run is None:
        _console.print("nothing is due now")
        return
    _console.print(run.uid, run.tally)


async def _asked(config: Config, feed: FeedSpec, contact: str) -> list[Fetched]:
    clock = SystemClock()
    async with Fetcher(FetchLimits(contact=contact), clock) as fetcher:
        return [await fetcher.fetch(request) for request in planned(feed, clock.now_s(), config.tables)]


def _captured(config: Config, feed: FeedSpec, archives: Sequence[Path]) -> list[Fetched]:
    reader = ArchiveReader(archives)
    wanted = [i for i, one in enumerate(reader.answers()) if matches(feed, one.method, one.url, config.tables)]
    return [reader.read(i) for i in wanted[:8]]
