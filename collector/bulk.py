"""Large files through a feed: a CSV dump in pieces, and archives of captures from where an earlier attempt was stopped."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from collector.archive import ArchiveReader
from collector.fetched import Fetched
from collector.pipeline import Pipeline
from collector.replay import FeedMatcher, Placed, placed
from domain.readings import Answer, Tally
from specs.decode import Delimited
from specs.feed import FeedSpec, Form
from specs.loading import Config
from store.engine import Store
from store.importing_answers import of_finished_runs, of_run

#: Lines of a dump that are one answer, and one transaction.
LINES_AT_ONCE = 50_000


class NoSuchForm(ValueError):
    """The feed has no form that reads such a file; the message says what it has."""


def form_for(feed: FeedSpec, name: str = "") -> Form:
    """The form of a feed that reads a dump: the one called `name`, or the first one of delimited text."""
    for form in feed.forms:
        if form.id == name or (not name and isinstance(form.decode, Delimited)):
            return form
    listed = ", ".join(form.id for form in feed.forms)
    raise NoSuchForm(f"feed {feed.id} has no form {name or 'of delimited text'}; it has {listed}")


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def pieces(path: Path, lines: int = LINES_AT_ONCE) -> Iterator[tuple[bytes, int]]:
    """A delimited file piece by piece, each with the header, and how many bytes of the file have gone; quoted cells stay whole."""
    with _opened(path) as file:
        header = file.readline()
        held: list[bytes] = []
        quotes = 0
        for line in file:
            held.append(line)
            quotes += line.count(b'"')
            if len(held) >= lines and quotes % 2 == 0:
                yield header + b"".join(held), file.tell()
                held, quotes = [], 0
        if held:
            yield header + b"".join(held), file.tell()


async def import_dump(
    store: Store,
    pipeline: Pipeline,
    feed: FeedSpec,
    form: Form,
    path: Path,
    received_s: int,
    *,
    lines: int = LINES_AT_ONCE,
    told: Callable[[int], object] = lambda _: None,
) -> tuple[Tally, int]:
    """Take a dump in as one run of its feed, received at `received_s`; what became of it, and pieces that were in before.

    The same file again, or what a killed attempt left of it, changes nothing: a piece is known by its digest.
    """
    run = pipeline.begin(feed, received_s)
    before = await of_run(store, run.uid)
    tally, known = Tally(), 0
    for body, position in pieces(path, lines):
        sha256 = hashlib.sha256(body).hexdigest()
        if sha256 in before:
            known += 1
        else:
            at = float(received_s)
            answer = Answer(
                feed.id, form.request.method, form.request.url, at, at, 200, sha256=sha256, size_bytes=len(body)
            )
            tally = tally + await pipeline.take(Fetched(answer, body, body), run)
        told(position)
    if run.gathered.asked:
        await pipeline.finish(run)
    return tally, known


async def unknown(store: Store, config: Config, captures: ArchiveReader) -> Callable[[FeedSpec, Answer], bool]:
    """Which captures are still to be taken in: all those of runs that are not in the store as a whole."""
    known = await of_finished_runs(store)
    answers = list(captures.answers())
    todo: set[tuple[str, str, float]] = set()
    for run in _runs(placed(answers, FeedMatcher(config), Counter())):
        told = [answers[one.position] for one in run]
        if not all((one.url, one.requested_s, one.sha256) in known for one in told):
            todo |= {(run[0].feed.id, one.url, one.requested_s) for one in told}
    return lambda feed, answer: (feed.id, answer.url, answer.requested_s) in todo


def _runs(listed: list[Placed]) -> Iterator[list[Placed]]:
    open_runs: dict[str, list[Placed]] = {}
    for one in listed:
        if one.opens and one.feed.id in open_runs:
            yield open_runs.pop(one.feed.id)
        open_runs.setdefault(one.feed.id, []).append(one)
    yield from open_runs.values()
