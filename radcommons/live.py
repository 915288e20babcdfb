"""The configuration of a running process: watched, loaded anew when a file or a decision changes, and handed to whoever works by it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from collector.versions import kept_of
from specs.loading import Config, ConfigError, Held
from specs.running import load_running
from store.config_files import config_files, config_marks
from store.engine import Store

log = structlog.get_logger(__name__)

#: Name, time and size of every operator file: what is looked at every few seconds.
Signature = tuple[tuple[str, int, int], ...]
_WATCHED = frozenset({".yaml", ".csv", ".geojson", ".json"})


def signature(folder: Path) -> Signature:
    """What a folder looks like from outside; changes when any file of it does."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in _WATCHED and path.parent.name != "schema":
            try:
                about = path.stat()
            except OSError:  # it went away between the two looks
                continue
            found.append((path.relative_to(folder).as_posix(), about.st_mtime_ns, about.st_size))
    return tuple(found)


@dataclass
class LiveConfig:
    """One process' configuration. `decide` is set where the collector runs: it decides, the others follow what it wrote down."""

    folder: Path
    store: Store
    config: Config
    decide: Callable[[], Awaitable[Config]] | None = None
    _listeners: list[Callable[[Config], Awaitable[object]]] = field(default_factory=list)
    _seen: tuple[Signature, object] | None = None
    _pending: tuple[Signature, object] | None = None

    def on_change(self, listener: Callable[[Config], Awaitable[object]]) -> None:
        """Call `listener` with every configuration that takes over from now on."""
        self._listeners.append(listener)

    async def begin(self) -> None:
        """Take what stands now for seen."""
        self._seen = await self._look()

    async def step(self) -> None:
        """Take over what has changed, once it has come to rest: a file that is being written is not read half."""
        seen = await self._look()
        if seen == self._seen:
            self._pending = None
            return
        if seen != self._pending:
            self._pending = seen
            return
        await self.reload()
        self._pending = None

    async def reload(self) -> None:
        """Load now and hand over; a configuration that cannot be loaded at all leaves the running one, and says why."""
        before = await self._look()
        try:
            loaded = await self._load()
        except ConfigError as error:
            by_file: dict[str, list[str]] = {}
            for problem in error.problems:
                by_file.setdefault(problem.file, []).append(str(problem))
            held = tuple(Held(name, "", "", tuple(lines)) for name, lines in sorted(by_file.items()))
            told = [str(problem) for problem in error.problems]
            log.warning("the configuration cannot be loaded, the running one goes on", problems=told)
            loaded = replace(self.config, held=held)
        self._seen = (before[0], (await self._look())[1])
        await self._hand_over(reusing(self.config, loaded))

    async def _load(self) -> Config:
        if self.decide is not None:
            return await self.decide()
        return await asyncio.to_thread(load_running, self.folder, kept_of(await config_files(self.store)))

    async def _hand_over(self, config: Config) -> None:
        changed = sorted(feed.id for feed in config.feeds if feed is not self.config.feed(feed.id))
        gone = sorted({feed.id for feed in self.config.feeds} - {feed.id for feed in config.feeds})
        self.config = config
        log.info("configuration taken over", changed=changed, gone=gone, held=[one.name for one in config.held])
        for listener in self._listeners:
            await listener(config)

    async def _look(self) -> tuple[Signature, object]:
        return await asyncio.to_thread(signature, self.folder), await config_marks(self.store)


def reusing(old: Config, new: Config) -> Config:
    """The new configuration with the old objects where nothing is different: what remembers things by feed then keeps its memory."""
    known = {feed.id: feed for feed in old.feeds}
    feeds = tuple(known[feed.id] if known.get(feed.id) == feed else feed for feed in new.feeds)
    tables = old.tables if old.tables == new.tables else new.tables
    return replace(new, feeds=feeds, tables=tables)
