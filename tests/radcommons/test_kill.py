"""A collector killed at random moments and started again ends with the same store: nothing lost, nothing twice."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from collector.archive import ArchiveReader
from store import maintenance, read
from store.engine import open_store
from store.rows import Filter
from tests.conftest import ROOT
from tests.radcommons import made

KILLS = 3


def replay(database: Path, archive: Path) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "radcommons",
        "replay",
        str(archive),
        "--database",
        str(database),
        "--config",
        str(made.CONFIG),
        "--quiet",
        "--no-alerts",
    ]
    return [*command, "--archive", str(database.parent / "raw")]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def finished(database: Path, archive: Path) -> None:
    done = run(replay(database, archive))
    assert done.returncode == 0, done.stderr[-3000:]


async def content(database: Path) -> tuple[object, ...]:
    """Everything that an answer can be made of, without what depends on when rows were entered."""
    store = await open_store(f"sqlite+aiosqlite:///{database}")
    try:
        assert await maintenance.check(store) == []
        every = Filter()
        readings = await read.observations(store, every, 0, 2**40, limit=100_000)
        latest = await read.latest(store, every)
        samples = await read.samples(store, every, 0, 2**40, limit=10_000)
        runs = [await read.runs(store, feed.id) for feed in made.config().feeds]
        counts = (await maintenance.stats(store)).rows
        return (readings, latest, samples, runs, counts)
    finally:
        await store.close()


def committed(database: Path) -> int:
    """How many answers are committed, seen from outside."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1)) as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def killed_on_the_way(database: Path, archive: Path, chance: random.Random) -> bool:
    """Start a replay and kill it at a random moment after it has committed something new; False when it was done before that."""
    aim = committed(database) + chance.randint(1, 2)
    process = subprocess.Popen(
        replay(database, archive), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    while process.poll() is None and committed(database) < aim:
        time.sleep(0.01)
    # a moment in the middle of what follows: reading, writing, committing, finishing a run
    time.sleep(chance.uniform(0, 0.1))
    process.kill()
    return process.wait() != 0


async def test_killed_at_random_moments_it_ends_with_the_same_store(tmp_path: Path) -> None:
    archive = made.archive(tmp_path / "archive", polls=2, urls=(*made.RAMIS, *made.TAIWAN, *made.SEA))
    whole, broken = tmp_path / "a" / "store.db", tmp_path / "b" / "store.db"
    whole.parent.mkdir()
    broken.parent.mkdir()
    finished(whole, archive)
    chance = random.Random(20_260_815)
    killed = sum(killed_on_the_way(broken, archive, chance) for _ in range(KILLS))
    assert killed == KILLS
    assert 0 < committed(broken) < len(ArchiveReader([archive]))
    finished(broken, archive)
    assert await content(broken) == await content(whole)


async def test_two_collectors_on_one_file_are_refused_with_a_sentence(tmp_path: Path) -> None:
    archive = made.archive(tmp_path / "archive", polls=1, urls=made.TAIWAN)
    store = await open_store(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
    await store.become_collector()
    found = run(replay(tmp_path / "store.db", archive))
    await store.close()
    assert found.returncode == 1
    assert "Another collector" in found.stderr
    assert "Traceback" not in found.stderr
