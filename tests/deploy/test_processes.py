"""The country's deployment without containers: PostgreSQL, two collectors, a watcher, two APIs as processes of their own.

Each of them is killed while the collectors read a publisher, and started again. Afterwards nothing is lost, nothing is there twice,
the store is sound and holds to its log, and the publisher's own book shows that it was never asked by two at once.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import aiohttp
import psycopg
import pytest

from store import leases, maintenance, read
from store.engine import Store, open_store
from store.rows import Filter
from store.verify import verify
from tests.deploy.processes import SPEED, started
from tests.deploy.publisher import STATIONS, Publisher, configured, publishing, value
from tests.deploy.server import Server

FEEDS = tuple(f"xx-{letter}" for letter in "abcd")
PERIOD_S = 60 / SPEED
#: What docs/operating.md states, on the faster clock: the lease, and one period until the next turn; and time for a busy machine.
MOVED_WITHIN_S = leases.LEASE_S / SPEED + PERIOD_S + 20.0
PATIENCE_S = 90.0


@dataclass
class Deployment:
    """The processes by name; `start` and `kill` as an operator or a bad day would."""

    url: str
    config: Path
    folder: Path
    processes: dict[str, BaseProcess] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start one; what it says goes to a file beside the others."""
        self.processes[name] = started(self.folder / f"{name}.log", self._command(name))

    def _command(self, name: str) -> list[str]:
        if name.startswith("collector"):
            return ["collect", self.url, str(self.config), str(self.folder / name / "archive"), name]
        program = {"watcher": "watch"}.get(name, "serve")
        port = self.ports.setdefault(name, _free_port())
        return [program, "--config", str(self.config), "--database", self.url, "--port", str(port)]

    async def kill(self, name: str) -> None:
        """SIGKILL: nothing can be tidied up."""
        self.processes[name].kill()
        await asyncio.to_thread(self.processes[name].join)

    async def stop(self, *names: str) -> None:
        """SIGTERM, and the end waited for; each must end in order."""
        for name in names:
            self.processes[name].terminate()
        for name in names:
            await asyncio.to_thread(self.processes[name].join)
            assert self.processes[name].exitcode == 0, self.said(name)

    def said(self, name: str) -> str:
        """The end of what a process said."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")[-3000:]

    def clear(self) -> None:
        """End whatever still runs."""
        for process in self.processes.values():
            if process.exitcode is None:
                process.kill()


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def until(happened: Callable[[], bool], what: str) -> None:
    """Wait for something that other processes do; fails with its name when it never comes."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline_s, f"never came: {what}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def deployed(server: Server, tmp_path: Path) -> AsyncIterator[tuple[Deployment, Publisher]]:
    publisher = Publisher(int(time.time()) // 60 * 60 - 86400)
    async with publishing(publisher) as address:
        configured(tmp_path / "config", address, FEEDS)
        await (await open_store(server.url)).close()
        deployment = Deployment(server.url, tmp_path / "config", tmp_path)
        try:
            for name in ("collector-1", "collector-2", "watcher", "api-1", "api-2"):
                deployment.start(name)
            yield deployment, publisher
        finally:
            deployment.clear()


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


def pid_of(holder: str) -> int:
    """Collectors are named host-pid-token."""
    return int(holder.rsplit("-", 2)[1])


def holders(server: Server) -> dict[str, int]:
    """Feed -> process id of the collector that holds it."""
    with psycopg.connect(server.libpq) as connection:
        found = connection.execute("SELECT feed_id, holder FROM feed_leases WHERE until_s > extract(epoch FROM now())")
        return {feed: pid_of(holder) for feed, holder in found.fetchall()}


def living(server: Server) -> list[str]:
    """The collectors that are counted among the living."""
    with psycopg.connect(server.libpq) as connection:
        found = connection.execute("SELECT holder FROM collectors WHERE until_s > extract(epoch FROM now())")
        return [holder for (holder,) in found.fetchall()]


async def everything_is_asked(publisher: Publisher, *, times: int = 2) -> None:
    """Every feed is asked so often from now on."""
    now_s = time.monotonic()
    await until(lambda: all(publisher.since(now_s)[feed] >= times for feed in FEEDS), f"every feed asked {times} times")


async def a_collector_dies(server: Server, deployment: Deployment, publisher: Publisher) -> None:
    """The one with more feeds: they go on with the other, within the stated time; then it comes back."""
    held = holders(server)
    pids = {name: deployment.processes[name].pid for name in ("collector-1", "collector-2")}
    name, pid = max(pids.items(), key=lambda one: list(held.values()).count(one[1]))
    theirs = {feed for feed, holder in held.items() if holder == pid}
    assert len(theirs) >= len(FEEDS) / 2
    await deployment.kill(name)
    killed_s = time.monotonic()
    await until(lambda: theirs <= set(publisher.since(killed_s)), "the dead collector's feeds are asked by the other")
    first = {
        feed: min(one.began_s for one in publisher.asked if one.feed == feed and one.began_s > killed_s)
        for feed in theirs
    }
    assert max(first.values()) - killed_s < MOVED_WITHIN_S
    await it_comes_back(server, deployment, publisher, name)


async def it_comes_back(server: Server, deployment: Deployment, publisher: Publisher, name: str) -> None:
    """It is counted among the living again, and asks those feeds whose turn is its own now: by chance that may be none."""
    back_s = time.monotonic()
    deployment.start(name)
    await until(lambda: any(pid_of(one) == deployment.processes[name].pid for one in living(server)), "it is back")
    everybody = living(server)
    (itself,) = [one for one in everybody if pid_of(one) == deployment.processes[name].pid]
    own = {feed for feed in FEEDS if leases.chosen(feed, everybody) == itself}
    await until(
        lambda: own <= {one.feed for one in publisher.asked if one.who == name and one.began_s > back_s},
        "it asks the feeds that are its own",
    )


async def the_others_die(server: Server, deployment: Deployment, publisher: Publisher) -> None:
    """Watcher and API are killed and come back; then the database is, under everybody's feet."""
    for name in ("watcher", "api-1"):
        await deployment.kill(name)
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{deployment.ports['api-2']}/v1/latest"
        async with session.get(url) as response:  # the other one answers as if nothing had been
            assert response.status == 200
    for name in ("watcher", "api-1"):
        deployment.start(name)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    await everything_is_asked(publisher)


async def test_any_of_them_may_die(server: Server, tmp_path: Path) -> None:
    async with deployed(server, tmp_path) as (deployment, publisher):
        await everything_is_asked(publisher)
        await a_collector_dies(server, deployment, publisher)
        await the_others_die(server, deployment, publisher)
        publisher.over = True
        await everything_is_asked(publisher)  # the last answers are read by whoever has the feeds
        await deployment.stop("collector-1", "collector-2")
        store = await open_store(server.url)
        try:
            await is_whole(store, publisher)
            await everything_is_handled(store)
        finally:
            await store.close()
        assert await counted(deployment) == [sum(publisher.newest.values()) * STATIONS] * 2
        await deployment.stop("watcher", "api-1", "api-2")
    nobody_was_asked_twice(publisher)


async def is_whole(store: Store, publisher: Publisher) -> None:
    """Every value that was ever published is there, once, as it was published."""
    found = await read.observations(store, Filter(), 0, 2**33, limit=100_000)
    told = {
        (f"{feed}:{station}", publisher.end_s(number)): value(station, number)
        for feed, newest in publisher.newest.items()
        for number, station in itertools.product(range(1, newest + 1), range(STATIONS))
    }
    assert len(found) == len(told)
    assert {(":".join(row.series_uid.split(":")[:2]), row.end_s): row.text for row in found} == told
    assert {row.revision for row in found} == {1}
    assert await maintenance.check(store) == []
    verdict = await verify(store)
    assert verdict.flaws == ()
    assert verdict.leaves > 0


async def everything_is_handled(store: Store) -> None:
    """The watcher has seen every batch, also those of the moments in which it was dead."""
    deadline_s = time.monotonic() + PATIENCE_S
    left = -1
    while left:
        async with store.reading() as connection:
            left = (
                await connection.exec_driver_sql("SELECT count(*) FROM answers WHERE handled_s IS NULL")
            ).scalar_one()
        assert time.monotonic() < deadline_s, f"{left} batches are not handled"
        await asyncio.sleep(0.05)


async def counted(deployment: Deployment) -> list[int]:
    """How many observations each API has."""
    counts = []
    async with aiohttp.ClientSession() as session:
        for name in ("api-1", "api-2"):
            query = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&f=ndjson"
            url = f"http://127.0.0.1:{deployment.ports[name]}/v1/observations?{query}"
            async with session.get(url) as response:
                assert response.status == 200, await response.text()
                counts.append(sum(b'"series"' in line for line in (await response.read()).splitlines()))
    return counts


def nobody_was_asked_twice(publisher: Publisher) -> None:
    """By the publisher's book: never two requests for a feed at once, and two collectors never in one period."""
    assert publisher.together == 1
    for feed in FEEDS:
        asked = sorted((one for one in publisher.asked if one.feed == feed), key=lambda one: one.began_s)
        for before, after in itertools.pairwise(asked):
            if before.who != after.who:
                assert after.began_s - before.began_s > PERIOD_S, (feed, before, after)
    assert len({one.who for one in publisher.asked}) == 2
