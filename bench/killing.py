"""SIGKILL at random moments of ingest, compaction and migration.

After each kill the store is opened again and held to what was acknowledged: nothing lost, nothing twice, `db check` clean. Children are
forked from a process that has imported everything, so a kill costs milliseconds and the moments lie dense.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psycopg
import sqlalchemy as sa

from domain.readings import NO_TIME, Answer, Batch, Harvest, Readings, Series, Station
from store import maintenance, migrate, read
from store.compact import compact
from store.engine import Store, open_store
from store.rollups import refresh
from store.rows import Filter
from store.verify import verify
from store.write import commit_batch

FEED, SERIES, STEP_S = "kills", 40, 600
DAYS = 16
OLD_SCHEMA = "0002"
FOREVER_S = 2**33
STATIONS = tuple(Station(f"{FEED}:{i}", FEED, str(i)) for i in range(SERIES))
ALL = tuple(Series(f"{FEED}:{i}:ambient_dose_equivalent_rate:air", f"{FEED}:{i}", FEED, "ambient_dose_equivalent_rate", "uSv/h") for i in range(SERIES))  # fmt: skip
Row = tuple[int, int, float]  # series, end_s, value
_numbers = itertools.count(1)
_apart = multiprocessing.get_context("forkserver")
_apart.set_forkserver_preload([__name__])


def batch(rows: list[Row], received_s: int) -> Batch:
    """Readings as one answer of one run."""
    n = len(rows)
    told = Readings(
        ALL,
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]),
        np.full(n, 4, dtype=np.int16),
        np.zeros(n, dtype=np.int8),
        np.full(n, np.nan),
        np.full(n, NO_TIME, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
    )
    answer = Answer(
        FEED, "GET", "https://x.example/", float(received_s), float(received_s), 200, sha256=f"{received_s:064x}"
    )
    run = f"{FEED}@{datetime.fromtimestamp(received_s, UTC).isoformat()}"
    return Batch(FEED, run, received_s, answer, Harvest(n, STATIONS, told), received_s)


def step_rows(step: int) -> list[Row]:
    """One sweep, and a correction of the one before: its first series said otherwise then."""
    rows = [(i, step * STEP_S, 0.04 + i / 1000) for i in range(SERIES)]
    rows[0] = (0, step * STEP_S, 0.1)
    return rows if step == 1 else [*rows, (0, (step - 1) * STEP_S, 0.2)]


async def ingest(url: str, first: int, told: Connection) -> None:
    """Commit step after step, each acknowledged on the pipe."""
    store = await open_store(url)
    await store.become_collector()
    for step in itertools.count(first):
        await commit_batch(store, batch(step_rows(step), step * STEP_S + 60), {})
        told.send(step)


async def tend(url: str, first: int, told: Connection) -> None:
    """Pack and roll up in small steps until nothing is left."""
    store = await open_store(url)
    told.send(first)
    while await compact(store, FOREVER_S, limit=40) + await refresh(store, 40, until_s=FOREVER_S):
        pass
    told.send(-1)


async def upgrade(url: str, first: int, told: Connection) -> None:
    """Migrate a filled database of an old schema."""
    told.send(first)
    await maintenance.upgrade(url)
    told.send(-1)


JOBS: dict[str, Callable[..., object]] = {"ingest": ingest, "compaction": tend, "migration": upgrade}


def child(job: str, url: str, first: int, told: Connection) -> None:
    """What runs in the process that is killed."""
    asyncio.run(JOBS[job](url, first, told))  # type: ignore[arg-type]


def killed(job: str, url: str, first: int, wait_s: float) -> tuple[int, bool]:
    """Run a job, kill it `wait_s` after it first spoke; the last step that it acknowledged, and whether it was done before."""
    ours, theirs = _apart.Pipe(duplex=False)
    process = _apart.Process(target=child, args=(job, url, first, theirs))
    process.start()
    theirs.close()
    said = [first - 1]
    try:
        said.append(ours.recv())
        until = time.monotonic() + wait_s
        while (left := until - time.monotonic()) > 0 and said[-1] != -1:
            if ours.poll(left):
                said.append(ours.recv())
        process.kill()
        while True:
            said.append(ours.recv())
    except EOFError:
        pass
    process.join()
    return max(said), said[-1] == -1


@dataclass
class Databases:
    """Fresh and copied databases of one engine."""

    engine: str
    folder: Path
    admin: str = ""
    made: list[str] = field(default_factory=list)

    def fresh(self, template: str = "") -> str:
        """A new database, empty or like the one at `template` (which nobody may have open)."""
        name = f"kills_{os.getpid()}_{next(_numbers)}"
        if self.engine == "sqlite":
            path = self.folder / f"{name}.db"
            for end in ("", "-wal") if template else ():
                source = Path((sa.make_url(template).database or "") + end)
                if source.exists():
                    shutil.copy(source, f"{path}{end}")
            return f"sqlite+aiosqlite:///{path}"
        like = f'TEMPLATE "{sa.make_url(template).database}"' if template else ""
        self._said(f'CREATE DATABASE "{name}" {like}')
        self.made.append(name)
        return sa.make_url(self.admin).set(database=name).render_as_string(hide_password=False)

    def drop(self) -> None:
        """Remove everything that was made."""
        for name in self.made:
            self._said(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _said(self, statement: str) -> None:
        with psycopg.connect(self.admin.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement.encode())


@dataclass
class Ledger:
    """What was counted."""

    kills: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def count(self, where: str, by: int = 1) -> None:
        """Note a kill, and say so now and then."""
        self.kills[where] += by
        if by and self.kills[where] % 10 == 0:
            print(f"{where}: {self.kills[where]} kills, {len(self.findings)} findings so far", flush=True)

    def held(self, where: str, what: str, *, true: bool) -> None:
        """Note a finding unless something is true."""
        if not true:
            self.findings.append(f"{where}: {what}")
            print(f"FINDING {where}: {what}", flush=True)


async def checked(store: Store, ledger: Ledger, where: str, *, deep: bool) -> None:
    """The store against itself, and now and then against its log."""
    for finding in await maintenance.check(store):
        ledger.held(where, f"{finding.code}: {finding.example}", true=False)
    if deep:
        for flaw in (await verify(store)).flaws:
            ledger.held(where, f"{flaw.code}: {flaw.where}", true=False)


async def kill_ingest(databases: Databases, kills: int, chance: random.Random, ledger: Ledger) -> None:
    """One store that grows; after each kill every acknowledged step is there, whole and once."""
    url, last, where = databases.fresh(), 0, f"{databases.engine} ingest"
    await (await open_store(url)).close()
    for number in range(kills):
        last, _ = await asyncio.to_thread(killed, "ingest", url, last + 1, chance.uniform(0.0, 0.12))
        ledger.count(where)
        store = await open_store(url)
        try:
            found = await read.arrays(store, Filter(), 0, FOREVER_S)
            counts = Counter((found.end_s // STEP_S).tolist())
            newest = max(counts, default=0)
            ledger.held(where, f"acknowledged {last}, newest {newest}", true=newest in (last, last + 1))
            ledger.held(where, "steps incomplete", true=counts == dict.fromkeys(range(1, newest + 1), SERIES))
            versions = await read.versions(store, ALL[0].uid, 0, newest * STEP_S)
            values = [row.observation.value for row in versions]
            ledger.held(where, "corrections lost", true=values == [0.1, 0.2] * (newest - 1))
            await checked(store, ledger, where, deep=number % 10 == 9)
            last = newest
        finally:
            await store.close()


async def filled(databases: Databases) -> str:
    """A database with some weeks in it."""
    url = databases.fresh()
    store = await open_store(url)
    rows = [(i, end_s, 0.04 + (end_s % 7919) / 1e4) for end_s in range(3600, DAYS * 86400, 3600) for i in range(SERIES)]
    await commit_batch(store, batch(rows, DAYS * 86400), {})
    await store.close()
    return url


async def content(store: Store) -> bytes:
    """Everything that can be read, as bytes to be compared."""
    found = await read.arrays(store, Filter(), 0, FOREVER_S)
    return b"".join(column.tobytes() for column in (found.index, found.end_s, found.value, found.qc, found.received_s))


async def kill_again_and_again(
    job: str, template: str, databases: Databases, kills: int, chance: random.Random, ledger: Ledger
) -> None:
    """Copies of one filled database, each killed until the job is done; after each kill it reads as before."""
    where = f"{databases.engine} {job}"
    longest_s = await measured(job, databases.fresh(template))
    store = await open_store(databases.fresh(template))
    before = await content(store)
    await store.close()
    url = databases.fresh(template)
    while ledger.kills[where] < kills:
        _, done = await asyncio.to_thread(killed, job, url, 0, chance.uniform(0.0, min(longest_s, 0.4)))
        ledger.count(where, int(not done))
        store = await open_store(url, migrate=job == "migration")
        try:
            ledger.held(where, "reads otherwise", true=await content(store) == before)
            await checked(store, ledger, where, deep=False)
        finally:
            await store.close()
        if done or job == "migration":  # opening has ended the migration
            url = databases.fresh(template)


async def measured(job: str, url: str) -> float:
    """Seconds that a job takes when nobody kills it."""
    began = time.monotonic()
    await asyncio.to_thread(killed, job, url, 0, 600.0)
    return time.monotonic() - began


async def kill_all(databases: Databases, kills: int, ledger: Ledger) -> None:
    """A third of the kills for each job."""
    chance = random.Random(20_260_815)
    each = -(-kills // 3)
    await kill_ingest(databases, each, chance, ledger)
    template = await filled(databases)
    await kill_again_and_again("compaction", template, databases, each, chance, ledger)
    old = databases.fresh(template)
    store = await open_store(old)
    await migrate.downgrade(store.engine, OLD_SCHEMA)
    await store.close()
    await kill_again_and_again("migration", old, databases, each, chance, ledger)


@contextmanager
def engines(admin: str) -> Iterator[list[Databases]]:
    """SQLite in a folder, and PostgreSQL where a server is named."""
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        found = [Databases("sqlite", Path(name))]
        found += [Databases("postgresql", Path(name), admin)] if admin else []
        try:
            yield found
        finally:
            for one in found:
                one.drop()
