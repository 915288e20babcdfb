"""Decode + harmonise + QC against the bare parse of the same bytes in the same run; prints a ratio per feed.

    python -m bench.decode ARCHIVE...     archives made with the capture tool: ramis, orbs

Interleaved, the best of several rounds of each, so that a busy machine slows both sides alike. The harvester is warm, as it is
in a collector that has run for a while; its first answers are left out.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from collector.archive import ArchiveReader
from collector.fetched import Fetched
from collector.harvest import Harvester
from collector.plan import matches
from specs.feed import FeedSpec
from specs.loading import Config, load_config

ROUNDS = 5
MOST_ANSWERS = 24


def bare(feed: FeedSpec) -> Callable[[bytes], object]:
    """The parse that a program without any meaning would do."""
    if feed.forms[0].decode.format.startswith("json"):
        return json.loads
    return lambda body: list(csv.reader(io.StringIO(body.decode("utf-8-sig", "replace"))))


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def measure(config: Config, feed: FeedSpec, answers: list[Fetched]) -> None:
    harvester, parse = Harvester(config), bare(feed)
    values, ours, theirs = 0, [], []
    for one in answers:
        harvest = harvester.harvest(feed, one, one.answer.received_s)
        values += len(harvest.readings or ()) + sum(len(sample.results) for sample in harvest.samples)
    for _ in range(ROUNDS):
        theirs.append(seconds(lambda: [parse(one.body) for one in answers]))
        ours.append(seconds(lambda: [harvester.harvest(feed, one, one.answer.received_s) for one in answers]))
    megabytes = sum(len(one.body) for one in answers) / 1e6
    print(
        f"{feed.id}: {len(answers)} answers, {megabytes:.1f} MB, {values} values; bare parse {min(theirs):.3f} s, "
        f"decode + harmonise + QC {min(ours):.3f} s = {values / min(ours):,.0f} values/s, ratio {min(ours) / min(theirs):.2f}"
    )


def main(archives: list[str]) -> None:
    config = load_config(Path(__file__).parents[1] / "config")
    reader = ArchiveReader([Path(archive) for archive in archives])
    of_feed: dict[str, list[int]] = defaultdict(list)
    for number, answer in enumerate(reader.answers()):
        feed = next((one for one in config.feeds if matches(one, answer.method, answer.url, config.tables)), None)
        if feed is not None:
            of_feed[feed.id].append(number)
    for feed in config.feeds:
        if numbers := of_feed.get(feed.id):
            # from all over the archive, since the forms of a feed stand in it one after another
            chosen = random.Random(1).sample(numbers, min(len(numbers), MOST_ANSWERS))
            measure(config, feed, [reader.read(at) for at in sorted(chosen)])


if __name__ == "__main__":
    main(sys.argv[1:])
