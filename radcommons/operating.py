"""What an operator does to feeds from a terminal: plans, versions, pauses, polls, history. Each does one thing and prints what came of it."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from analysis.twins import Proposal, propose
from collector.applying import ApplyRefusedError, allow, apply_version, known_of, plan_text, running_text
from collector.archive import RawArchive
from collector.backfill import Backfill, past_requests
from collector.fetch import Fetcher, FetchLimits
from collector.fetched import Fetched
from collector.guard import Guard
from collector.pipeline import Pipeline
from collector.plan import planned
from collector.planning import EACH, MOST, Known, Plan, archived
from collector.poll import Poller
from collector.scrub import scrubbed
from collector.versions import kept_of, read_version
from domain.clock import SystemClock
from domain.readings import Answer
from specs.feed import FeedSpec
from specs.loading import Config, load_text
from specs.running import load_running
from specs.twins import Twin
from store import feed_controls, read
from store.config_files import ConfigChange, config_changes, config_files, config_text
from store.engine import Store, StoreRefused, open_store
from store.feed_controls import Pause
from store.requests import ask, request
from store.rows import Filter

_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Where:
    """Which files, store and archive a command works on."""

    config: Path
    database: str
    archive: Path
    contact: str = ""

    @property
    def store_file(self) -> Path | None:
        """The SQLite file, None on PostgreSQL."""
        scheme, _, rest = self.database.partition("://")
        return Path(rest.removeprefix("/").split("?", 1)[0]) if scheme.startswith("sqlite") else None


def operator_name() -> str:
    """Who sits at this terminal, for the list of changes."""
    return getpass.getuser()


@asynccontextmanager
async def store_at(where: Where, *, must_exist: bool) -> AsyncIterator[Store | None]:
    """The store; None when there is none yet and none has to be. A command that writes nothing also makes no file."""
    file = where.store_file
    if not must_exist and file is not None and not file.exists():
        yield None
        return
    store = await open_store(where.database, migrate=must_exist)
    try:
        yield store
    finally:
        await store.close()


async def running_config(where: Where, store: Store | None) -> Config:
    """The configuration as the service runs it: last good versions stand in for broken files."""
    rows = await config_files(store) if store is not None else {}
    return await asyncio.to_thread(load_running, where.config, kept_of(rows))


def candidate_text(where: Where, feed_id: str, file: Path | None) -> str:
    """The text that is to be looked at: of `file`, else of the feed's own file as it stands, broken or not."""
    return (file or where.config / "feeds" / f"{feed_id}.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, the text it is of, and the store that it was held against."""

    plan: Plan
    text: str
    captures: tuple[Fetched, ...]


async def make_plan(
    where: Where,
    store: Store | None,
    feed_id: str,
    *,
    file: Path | None,
    archives: Sequence[Path],
    saved: Sequence[Path] = (),
    fetch: bool,
    each: int,
) -> Planned:
    """Hold a candidate against archived answers, the publisher's of this moment, and the store; raises ConfigError. Writes nothing."""
    config = await running_config(where, store)
    text = candidate_text(where, feed_id, file)
    feed = load_text(text, f"feeds/{feed_id}.yaml", config)
    before = await running_text(store, where.config, feed_id)
    running = read_version(before, feed_id, config)
    both = [feed] if running is None else [feed, running]
    captures: list[Fetched] = []
    for folder in archives or ([] if saved else [where.archive]):
        captures += archived(config, both, folder, each=each, most=max(MOST, each))
    captures += saved_answers(config, feed, saved)
    if fetch and not (archives or saved):
        captures += await fetched_now(where, config, feed)
    known = await known_of(store, feed_id) if store is not None else Known()
    plan = await asyncio.to_thread(plan_text, config, feed_id, text, before, captures, known)
    return Planned(plan, text, tuple(captures))


def saved_answers(config: Config, feed: FeedSpec, files: Sequence[Path]) -> list[Fetched]:
    """Files that somebody saved by hand, as answers to the requests of a whole poll in order, received when the file was written."""
    found: list[Fetched] = []
    for file, at_s in ((file, file.stat().st_mtime) for file in files):
        requests = planned(feed, at_s, config.tables, whole=True)
        request = requests[min(len(found), len(requests) - 1)]
        answer = Answer(feed.id, request.method, request.url, at_s, at_s, 200)
        found.append(Fetched(answer, file.read_bytes()))
    return found


async def fetched_now(where: Where, config: Config, feed: FeedSpec) -> list[Fetched]:
    """Ask the publisher once for everything that a whole poll asks, in its order and with its pauses."""
    clock, found = SystemClock(), []
    async with Fetcher(FetchLimits(contact=where.contact), clock) as fetcher:
        for number, one in enumerate(planned(feed, clock.now_s(), config.tables, whole=True)):
            if number:
                await asyncio.sleep(feed.schedule.pause_s)
            found.append(await fetcher.fetch(one))
    return found


async def apply_file(
    where: Where,
    feed_id: str,
    *,
    file: Path | None,
    archives: Sequence[Path],
    fetch: bool,
    force: bool,
    reason: str,
    author: str,
) -> tuple[Plan, str]:
    """Let a version run if its plan allows it; raises ApplyRefusedError and ConfigError. Returns the plan and what was done."""
    async with store_at(where, must_exist=True) as store:
        assert store is not None
        made = await make_plan(where, store, feed_id, file=file, archives=archives, fetch=fetch, each=EACH)
        allow(made.plan, force=force, reason=reason)
        now_s = int(SystemClock().now_s())
        done = await apply_version(store, where.config, made.plan, made.text, author=author, reason=reason, now_s=now_s)
    place = "its file" if done.written else "the store, because the folder cannot be written"
    return (
        made.plan,
        f"version {done.digest[:12]} takes over from {done.before[:12] or 'nothing'}; it stands in {place}",
    )


async def record(where: Where, feed_id: str, folder: Path) -> list[str]:
    """Ask the publisher once and keep the answers, scrubbed, as an archive of their own that a plan can read."""
    async with store_at(where, must_exist=False) as store:
        config = await running_config(where, store)
    feed = load_text(candidate_text(where, feed_id, None), f"feeds/{feed_id}.yaml", config)
    archive, told = RawArchive(folder), []
    for one in await fetched_now(where, config, feed):
        clean = scrubbed(one, feed, config.tables)
        archive.put(clean.answer, clean.wire)
        failure = f" {clean.answer.failure.value}: {clean.answer.failure_detail}" if clean.answer.failure else ""
        told.append(f"{clean.answer.status} {clean.answer.size_bytes} bytes {clean.answer.url}{failure}")
    archive.close()
    return told


async def set_pause(where: Where, feed_id: str, *, paused: bool, author: str, reason: str) -> str:
    """Pause or resume; a running collector obeys at its next poll, and a stopped one when it starts."""
    now_s = int(SystemClock().now_s())
    async with store_at(where, must_exist=True) as store:
        assert store is not None
        if paused:
            changed = await feed_controls.pause(store, Pause(feed_id, author, now_s, reason))
            return f"{feed_id} is paused" if changed else f"{feed_id} was paused already; nothing changed"
        changed = await feed_controls.resume(store, feed_id, author, now_s, reason)
        return f"{feed_id} is asked again" if changed else f"{feed_id} was not paused; nothing changed"


async def history(where: Where, feed_id: str, limit: int) -> list[ConfigChange]:
    """Who changed a feed, newest first."""
    async with store_at(where, must_exist=False) as store:
        return [] if store is None else await config_changes(store, feed_id, limit=limit)


async def version_text(where: Where, digest: str) -> str | None:
    """The text of a version by the beginning of its digest, to look at or to apply again."""
    async with store_at(where, must_exist=False) as store:
        return None if store is None else await config_text(store, digest)


async def poll_now(where: Where, feed_id: str, author: str) -> str:
    """Poll a feed once: by the collector that runs, else from here."""
    async with store_at(where, must_exist=True) as store:
        assert store is not None
        try:
            await store.become_collector()
        except StoreRefused:
            return await _asked(store, feed_id, author)
        if not store.is_sqlite:
            return await _asked(store, feed_id, author)
        return await _polled(where, store, feed_id)


async def _polled(where: Where, store: Store, feed_id: str) -> str:
    config, clock = await running_config(where, store), SystemClock()
    feed = config.feed(feed_id)
    if feed is None:
        return f"no feed {feed_id} runs"
    archive = RawArchive(where.archive)
    async with Fetcher(FetchLimits(contact=where.contact), clock) as fetcher:
        guard = Guard(Poller(fetcher, Pipeline(store, config, clock, archive), clock), fetcher, store, clock)
        await guard.load()
        run, why = await guard.poll_now(feed)
    archive.close()
    return why if run is None else f"{run.uid}: {run.state} {run.cause}\n{run.tally}"


async def backfill(
    where: Where, feed_id: str, from_s: float, to_s: float, *, dry: bool, told: Callable[[str], None]
) -> str:
    """Ask a publisher for what it keeps of the past; with `dry` only say which addresses."""
    async with store_at(where, must_exist=True) as store:
        assert store is not None
        config, clock = await running_config(where, store), SystemClock()
        feed = config.feed(feed_id)
        requests = past_requests(feed, from_s, to_s, clock.now_s(), config.tables) if feed else ()
        if feed is None or not requests:
            return f"{feed_id} has no form with `history` that reaches this span: its publisher keeps nothing, or not so long"
        if dry:
            for one in requests:
                told(one.url)
            return f"{len(requests)} requests, {len(requests) * feed.schedule.pause_s / 60:.0f} min"
        await store.become_collector()
        archive = RawArchive(where.archive)
        async with Fetcher(FetchLimits(contact=where.contact), clock) as fetcher:
            pipeline = Pipeline(store, config, clock, archive)
            run = await Backfill(fetcher, pipeline, clock, told=lambda one: told(one.url)).run(feed, requests)
        archive.close()
    return "nothing was asked" if run is None else f"{run.uid}: {run.cause}\n{run.tally}"


async def propose_twins(where: Where, days: float) -> tuple[tuple[Proposal, ...], tuple[Twin, ...]]:
    """Pairs of stations that look like one instrument over the newest days of the store, and the table as it stands."""
    async with store_at(where, must_exist=True) as store:
        assert store is not None
        config = await running_config(where, store)
        newest_s = max((row.observation.end_s for row in await read.latest(store, Filter())), default=0)
        arrays = await read.arrays(store, Filter(), int(newest_s - days * 86_400), newest_s + 1)
    found = await asyncio.to_thread(propose, arrays)
    known = {frozenset({one.first, one.second}) for one in config.twins}
    return tuple(one for one in found if frozenset({one.first, one.second}) not in known), config.twins


async def _asked(store: Store, feed_id: str, author: str) -> str:
    number = await ask(store, "run", feed_id, author, "{}", int(SystemClock().now_s()))
    async with asyncio.timeout(_WAIT_S):
        while (row := await request(store, number)) is not None and row.done_s is None:  # noqa: ASYNC110 - another process answers
            await asyncio.sleep(0.2)
    assert row is not None
    answer = json.loads(row.answer)
    return str(answer.get("detail") or f"{answer['run']}: {answer['state']} {answer['cause']}")


def moment(at_s: int) -> str:
    """A time for a terminal."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


__all__ = [
    "ApplyRefusedError", "Planned", "Where", "apply_file", "backfill", "candidate_text", "history", "make_plan", "moment", "operator_name",
    "poll_now", "record", "running_config", "set_pause", "store_at", "version_text",
]  # fmt: skip
