"""Which version of each operator file runs: the collector decides, writes it down with who, when and why, and everybody else follows.

A file that was edited in place is checked before it runs: against the specification (a broken one leaves its last good version
running), then against the version that runs, on archived answers. What the canary does not allow is held until somebody applies it
with a reason.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from collector.planning import Plan, archived, plan_feed
from domain.clock import Clock
from specs.feed import FeedSpec
from specs.loading import Config, ConfigError, Held, load_text
from specs.running import Kept, digest_of, load_running, text_diff
from store.config_files import ConfigChange, ConfigFileRow, config_files, drop_files, keep_files
from store.engine import Store

log = structlog.get_logger(__name__)

_FEEDS = "feeds/"


def kept_of(rows: dict[str, ConfigFileRow]) -> dict[str, Kept]:
    """Rows of the store as the loader of a configuration wants them."""
    return {name: Kept(row.digest, row.text, row.instead_of, row.problems) for name, row in rows.items() if row.digest}


def feed_of(name: str) -> str:
    """The feed that a file describes; "" for a file that all feeds share."""
    return name.removeprefix(_FEEDS).removesuffix(".yaml") if name.startswith(_FEEDS) else ""


@dataclass(slots=True)
class Versions:
    """The decisions on one folder of operator files, kept in one store. `archive` holds the answers that versions are held against."""

    store: Store
    folder: Path
    archive: Path
    clock: Clock
    _told: dict[str, str] = field(default_factory=dict)

    async def decide(self) -> Config:
        """Look at every file, decide on the changed ones, and give the configuration that runs; raises ConfigError where none can."""
        rows = await config_files(self.store)
        config = await asyncio.to_thread(load_running, self.folder, kept_of(rows))
        edited = [name for name, text in config.texts.items() if self._is_edited(rows.get(name), text)]
        changes: list[ConfigChange] = []
        decided: list[ConfigFileRow] = []
        for name in edited:
            row, change = await self._decide(config, name, rows.get(name))
            decided.append(row)
            changes.append(change)
        changes += self._held(config.held, rows)
        if decided or changes:
            await keep_files(self.store, decided, changes)
        await self._drop(config, rows)
        if not any(row.instead_of is not None for row in decided):
            return config
        return await asyncio.to_thread(load_running, self.folder, kept_of(await config_files(self.store)))

    def _is_edited(self, row: ConfigFileRow | None, text: str) -> bool:
        return row is None or row.digest != digest_of(text)

    async def _decide(self, config: Config, name: str, row: ConfigFileRow | None) -> tuple[ConfigFileRow, ConfigChange]:
        text, now_s, feed_id = config.texts[name], int(self.clock.now_s()), feed_of(name)
        digest, before = digest_of(text), row.digest if row else ""
        change = ConfigChange(
            now_s, name, feed_id, "edit" if row else "first", self._owner(name), digest, before,
            text_diff(row.text, text, name) if row and len(text) < 100_000 else "",
        )  # fmt: skip
        plan = await self._canary(config, feed_id, text, row.text) if row and feed_id else None
        if plan is None or row is None or not plan.breaches:
            if row is not None:
                log.info("file edited", file=name, version=digest[:12], author=change.author)
            numbers = plan.numbers if plan else ""
            return ConfigFileRow(name, digest, text, None, (), now_s), _with(change, numbers=numbers)
        advice = f"held back; correct the file, or accept it with: radcommons feed apply {feed_id} --force --reason WHY"
        problems = (*plan.breaches, advice)
        log.warning("edit held back, the running version goes on", file=name, version=before[:12], problems=problems)
        held = ConfigFileRow(name, row.digest, row.text, digest, problems, now_s)
        return held, _with(change, action="hold", reason="\n".join(plan.breaches), numbers=plan.numbers)

    async def _canary(self, config: Config, feed_id: str, text: str, running_text: str) -> Plan | None:
        feed = config.feed(feed_id)
        running = read_version(running_text, feed_id, config)
        if feed is None or running is None:
            return None

        def hold_against() -> Plan:
            captures = archived(config, (feed, running), self.archive)
            return plan_feed(config, feed, text, captures, running=running, running_text=running_text)

        return await asyncio.to_thread(hold_against)

    def _held(self, held: Sequence[Held], rows: dict[str, ConfigFileRow]) -> list[ConfigChange]:
        """Say once that a file is broken, and once that it is in order again."""
        changes = []
        now = {one.name: one for one in held if not self._is_pinned(rows.get(one.name), one)}
        for one in now.values():
            if self._told.get(one.name) == one.digest:
                continue
            log.error("file is broken, its last good version goes on", file=one.name, version=one.runs[:12], problems=one.problems)  # fmt: skip
            reason = "\n".join(one.problems)
            changes.append(
                ConfigChange(
                    int(self.clock.now_s()), one.name, feed_of(one.name), "broken", self._owner(one.name), one.digest, one.runs,
                    reason=reason,
                )
            )  # fmt: skip
        for name in self._told.keys() - now.keys():
            log.info("file is in order again", file=name)
        self._told = {name: one.digest for name, one in now.items()}
        return changes

    def _is_pinned(self, row: ConfigFileRow | None, one: Held) -> bool:
        return row is not None and row.instead_of == one.digest

    async def _drop(self, config: Config, rows: dict[str, ConfigFileRow]) -> None:
        gone = [name for name in rows if name not in config.texts and name not in {one.name for one in config.held}]
        if not gone:
            return
        now_s = int(self.clock.now_s())
        changes = [ConfigChange(now_s, name, feed_of(name), "remove", "", before=rows[name].digest) for name in gone]
        await drop_files(self.store, gone, changes)
        log.warning("files were removed", files=gone)

    def _owner(self, name: str) -> str:
        with contextlib.suppress(OSError, KeyError):
            return f"owner of the file: {(self.folder / name).owner()}"
        return "unknown"


def read_version(text: str, feed_id: str, config: Config) -> FeedSpec | None:
    """A version of a feed's file beside the shared files of today; None when it cannot be read any more."""
    try:
        return load_text(text, f"{_FEEDS}{feed_id}.yaml", config) if text else None
    except ConfigError:
        return None


def _with(change: ConfigChange, *, action: str = "", reason: str = "", numbers: str = "") -> ConfigChange:
    return ConfigChange(
        change.at_s, change.name, change.feed_id, action or change.action, change.author, change.digest, change.before, change.diff,
        reason or change.reason, numbers or change.numbers,
    )  # fmt: skip
