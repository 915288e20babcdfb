"""`radcommons db export` and `radcommons db import`: years in and out, with a progress bar, and on from where they were stopped."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from collector.archive import INDEX, ArchiveReader
from collector.bulk import form_for, import_dump, unknown
from collector.pipeline import Pipeline
from domain.clock import Clock, SystemClock, VirtualClock
from domain.states import Audience
from radcommons.ground import grounded
from radcommons.replaying import replay_archives
from radcommons.settings import Settings
from specs.loading import Config, load_config
from store.engine import open_store
from store.export_manifest import NAME, Licence, Manifest
from store.export_zarr import write_groups
from store.exporting import Scope, export
from store.importing import import_export

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])$")


class BulkRefused(ValueError):
    """A request that cannot be meant so; the message says what to change."""


def scope_of(
    config: Config, audience: Audience, feeds: Sequence[str], *, from_month: str = "", to_month: str = ""
) -> Scope:
    """What an audience may have: internal everything and marked, public only what may be passed on. Raises BulkRefused."""
    for month in (from_month, to_month):
        if month and not _MONTH.match(month):
            raise BulkRefused(f"{month!r} is no month: write it as 2026-08")
    known = {feed.id: feed for feed in config.feeds}
    shown = [one.id for one in config.feeds if audience is Audience.INTERNAL or one.rights.public]
    for feed_id in feeds:
        if feed_id not in known:
            raise BulkRefused(f"there is no feed {feed_id!r}")
        if feed_id not in shown:
            raise BulkRefused(
                f"feed {feed_id} may not be passed on ({known[feed_id].rights.licence}): not for a public export"
            )
    chosen = tuple(sorted(feeds or shown)) if feeds or audience is Audience.PUBLIC else None
    withheld = tuple(sorted(set(known) - set(shown)))
    licences = tuple(_licence(config, feed_id) for feed_id in (sorted(known) if chosen is None else chosen))
    return Scope(audience.value, licences, withheld, chosen, from_month, to_month)


def _licence(config: Config, feed_id: str) -> Licence:
    feed = config.feed(feed_id)
    assert feed is not None
    names = next((one.attribution for one in config.sources if one.id == feed.source), None)
    rights = feed.rights
    attribution = "" if names is None else names.get("en", "")
    return Licence(feed_id, feed.source, attribution, rights.licence, rights.licence_url, rights.redistribute.value)


async def run_export(
    database: str, folder: Path, scope: Scope, *, zarr: bool = False, quiet: bool = False, clock: Clock | None = None
) -> Manifest:
    """Write or complete an export of a store."""
    store = await open_store(database, migrate=False)
    try:
        with _bar(quiet) as bar:
            task = bar.add_task("export", total=None)

            def told(done: int, total: int, label: str) -> None:
                bar.update(task, completed=done, total=total, description=f"export {label}")

            made = await export(store, folder, scope, int((clock or SystemClock()).now_s()), told=told)
            if zarr:
                made = await write_groups(folder, told=told)
    finally:
        await store.close()
    return made


async def run_import(
    settings: Settings, source: Path, *, feed_id: str = "", form: str = "", quiet: bool = False
) -> None:
    """Take in an export, an archive of captures, or a dump of a feed; whichever `source` is. Raises BulkRefused."""
    kind, dump = await asyncio.to_thread(_kind_of, source)
    if kind == "export":
        await _import_export(settings, source, quiet=quiet)
    elif kind == "captures":
        await _import_captures(settings, source, quiet=quiet)
    elif not feed_id:
        raise BulkRefused(f"{source} is a file: name the feed that reads it, as --feed int-safecast-measurements")
    else:
        await _import_dump(settings, dump, feed_id, form, quiet=quiet)


@dataclass(frozen=True, slots=True)
class _Dump:
    """A file of rows; what it holds is as old as the file itself says."""

    path: Path
    received_s: int
    size_bytes: int | None


def _kind_of(source: Path) -> tuple[str, _Dump]:
    dump = _Dump(source, 0, None)
    if (source / NAME).is_file():
        return "export", dump
    if (source / INDEX).is_file():
        return "captures", dump
    if not source.is_file():
        raise BulkRefused(f"{source} is no export ({NAME}), no archive of captures ({INDEX}) and no file")
    found = source.stat()
    return "dump", _Dump(source, int(found.st_mtime), None if source.suffix == ".gz" else found.st_size)


async def _import_export(settings: Settings, folder: Path, *, quiet: bool) -> None:
    store = await open_store(settings.database)
    try:
        await store.become_collector()
        with _bar(quiet) as bar:
            task = bar.add_task("import", total=None)

            def told(done: int, total: int, label: str) -> None:
                bar.update(task, completed=done, total=total, description=f"import {label}")

            result = await import_export(store, folder, int(SystemClock().now_s()), told=told)
    finally:
        await store.close()
    print(
        f"{result.readings:,} readings and {result.revisions:,} versions of the past entered, {result.unchanged:,} readings were there; "
        f"{result.done_before} of {len(result.parts)} files were in before"
    )


async def _import_captures(settings: Settings, folder: Path, *, quiet: bool) -> None:
    config = load_config(settings.config)
    store = await open_store(settings.database)
    try:
        chosen = await unknown(store, config, ArchiveReader([folder]))
    finally:
        await store.close()
    await replay_archives(settings, [folder], alerts=False, quiet=quiet, chosen=chosen)


async def _import_dump(settings: Settings, dump: _Dump, feed_id: str, form_name: str, *, quiet: bool) -> None:
    async with grounded(settings, clock=VirtualClock()) as ground:
        feed = ground.config.feed(feed_id)
        if feed is None:
            raise BulkRefused(f"there is no feed {feed_id!r}")
        form = form_for(feed, form_name)
        await ground.store.become_collector()
        pipeline = Pipeline(ground.store, ground.config, ground.clock)
        with _bar(quiet, bytes_=True) as bar:
            task = bar.add_task(f"import {dump.path.name}", total=dump.size_bytes)
            moved = partial(_moved, bar, task)
            tally, known = await import_dump(ground.store, pipeline, feed, form, dump.path, dump.received_s, told=moved)
    print(
        f"{tally.read:,} rows read, {tally.stored:,} stored, {tally.unchanged:,} unchanged, {tally.flagged:,} flagged"
    )
    for reason, count in sorted({**tally.refused, **tally.ignored}.items()):
        print(f"  {reason}: {count:,}")
    if known:
        print(f"{known} pieces were in before")


def _moved(bar: Progress, task: TaskID, position: int) -> None:
    bar.update(task, completed=position)


@contextmanager
def _bar(quiet: bool, *, bytes_: bool = False) -> Iterator[Progress]:
    columns = [TextColumn("{task.description}"), BarColumn(), *([] if bytes_ else [MofNCompleteColumn()])]
    shown = not quiet and sys.stderr.isatty()
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True), disable=not shown
    ) as bar:
        yield bar
