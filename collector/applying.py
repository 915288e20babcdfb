"""A new version of a feed's file takes over: written where the folder can be written, else kept in the store, and in both cases written down."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.fetched import Fetched
from collector.planning import Known, Plan, plan_feed
from collector.portrait import factor
from collector.versions import read_version
from specs.loading import Config, load_text
from specs.running import digest_of, texts_of
from store import read
from store.config_files import ConfigChange, ConfigFileRow, config_files, keep_files
from store.engine import Store
from store.rows import Filter

_MOST_STATIONS = 200_000


class ApplyRefusedError(Exception):
    """A version that is not taken over; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A version that has taken over. `written`: into its file; else the store alone holds it, in the stead of the file."""

    digest: str
    before: str
    written: bool


async def known_of(store: Store, feed_id: str) -> Known:
    """What the store holds of a feed: newest values in the quantities' units, and its stations."""
    chosen = Filter(feeds=frozenset({feed_id}))
    rows = await read.latest(store, chosen)
    values = {
        row.series.series.uid: row.observation.value * factor(row.series.series.quantity, row.observation.unit)
        for row in rows
        if row.observation.value is not None
    }
    stations = await read.stations(store, chosen, limit=_MOST_STATIONS)
    return Known(values, frozenset(row.station.uid for row in stations))


async def running_text(store: Store | None, folder: Path, feed_id: str) -> str:
    """The text of the version of a feed that runs: what the store says, else what stands in the file; "" for a new feed."""
    name = f"feeds/{feed_id}.yaml"
    row = (await config_files(store)).get(name) if store is not None else None
    if row is not None:
        return row.text
    path = folder / name
    return path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else ""


def plan_text(config: Config, feed_id: str, text: str, before: str, captures: Sequence[Fetched], known: Known) -> Plan:
    """The plan of a candidate's text against the running text; raises ConfigError. CPU only."""
    feed = load_text(text, f"feeds/{feed_id}.yaml", config)
    running = read_version(before, feed_id, config)
    return plan_feed(config, feed, text, captures, running=running, running_text=before, known=known)


def allow(plan: Plan, *, force: bool, reason: str) -> None:
    """Raise ApplyRefusedError unless the plan is clean or somebody answers for it."""
    if force and not reason.strip():
        raise ApplyRefusedError("a forced version needs a reason: it is kept with the change (--reason, or `reason`)")
    if plan.breaches and not force:
        told = "\n".join(plan.breaches)
        raise ApplyRefusedError(f"{told}\nrefused; correct the file, or force it and say why (--force --reason WHY)")


async def apply_version(
    store: Store, folder: Path, plan: Plan, text: str, *, author: str, reason: str, now_s: int
) -> Applied:
    """Let a version take over. The file is replaced in one step; a folder that cannot be written leaves the version in the store."""
    name, digest = f"feeds/{plan.feed_id}.yaml", digest_of(text)
    rows = await config_files(store)
    before = rows[name].digest if name in rows else ""
    found = texts_of(folder).get(name)
    written = found == text or _write(folder / name, text)
    instead_of = None if written else (digest_of(found) if found is not None else "")
    action = "force" if plan.breaches else "apply"
    change = ConfigChange(
        now_s, name, plan.feed_id, action, author, digest, before, plan.diff, "\n".join(filter(None, (reason, *plan.breaches))),
        plan.numbers,
    )  # fmt: skip
    await keep_files(store, [ConfigFileRow(name, digest, text, instead_of, (), now_s)], [change])
    return Applied(digest, before, written)


def _write(path: Path, text: str) -> bool:
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(temporary).replace(path)
    except OSError:
        return False
    return True
