"""How fast the API answers, as ratios in one run to bare baselines of the same kind: `python -m bench.api`.

HTTP figures are processor seconds of the server for a request, so that neither the client nor the machine's other work counts: the
reciprocal is what a saturated server answers. Constant bytes come from an aiohttp handler in the same process.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from aiohttp import web

from analysis.freshness import Standing, Standings
from analysis.regional import summarise
from analysis.summary import AreaName
from api.app import create_app
from api.settings import ApiSettings
from bench.store import ALL, FEED, SERIES, STEP_S, some_values, sweep
from domain.clock import VirtualClock
from domain.states import FeedState
from specs.loading import load_config
from store import read
from store.engine import open_store
from store.rows import Filter, SeriesArrays
from store.write import commit_batch, finish_run

CONFIG = Path(__file__).parents[1] / "config"
AREA, STEPS, IN_AREA = "JP-07", 150, 1500
FIRST = 1_786_000_000 // STEP_S
NOW_S = (FIRST + STEPS) * STEP_S + 60
SMALL, CONNECTIONS, ROUNDS = 1200, 8, 5
AREAS = {series.station_uid: (AREA,) for series in ALL[:IN_AREA]}


async def fill(url: str) -> None:
    """A day of a national network, 1,500 of its stations in one region."""
    store = await open_store(url)
    for step in range(FIRST, FIRST + STEPS):
        batch = sweep(step, some_values())
        await commit_batch(store, batch, AREAS)
        await finish_run(store, batch.run_uid, batch.received_s, FeedState.OK, "")
    await store.close()


@dataclass(frozen=True, slots=True)
class Case:
    """One question and the constant answer that it is held against, at most `most` times as dear (or at least `least` as fast)."""

    name: str
    path: str
    constant: str
    requests: int
    headers: Mapping[str, str]
    target: str


def cases(summary_bytes: int, latest_bytes: int, tag: str) -> list[Case]:
    """The questions of a run."""
    latest, summary = "/v1/latest?limit=10000", f"/v1/regions/{AREA}/summary"
    return [
        Case("summary, kept", summary, f"/constant/{summary_bytes}", 1000, {}, "<= 1.5 (time)"),
        Case("latest of all, identity", latest, f"/constant/{latest_bytes}", 20, {}, "<= 1.3 (time)"),
        Case("latest, gzip", latest, f"/constant/{SMALL}", 400, {"Accept-Encoding": "gzip"}, "<= 1.43 (rate 0.7)"),
        Case("latest, zstd", latest, f"/constant/{SMALL}", 400, {"Accept-Encoding": "zstd"}, ""),
        Case("latest, 304", latest, f"/constant/{SMALL}", 1000, {"If-None-Match": tag}, "<= 1.05 (rate 0.95)"),
    ]


def serve(url: str, pipe: Connection) -> None:
    """The child: the API and constant bytes on one loop; its processor clock is told at /clock."""

    async def constant(request: web.Request) -> web.Response:
        return web.Response(body=bodies.setdefault(size := int(request.match_info["n"]), b"x" * size))

    async def clock(_: web.Request) -> web.Response:
        return web.Response(text=str(time.process_time()))

    async def main() -> None:
        store = await open_store(url)
        config = load_config(CONFIG)
        app = create_app(store, config, ApiSettings(warm_up=False), VirtualClock(NOW_S))
        plain = web.Application()
        plain.add_routes([web.get("/constant/{n}", constant), web.get("/clock", clock)])
        ports = []
        for one in (app, plain):
            runner = web.AppRunner(one, access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            ports.append(runner.addresses[0][1])
        pipe.send(ports)
        await asyncio.Event().wait()

    bodies: dict[int, bytes] = {}
    asyncio.run(main())


async def ask(port: int, path: str, headers: Mapping[str, str], times: int) -> tuple[str, bytes]:
    """One keep-alive connection that asks `times` times; the last head and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    head, body = "", b""
    for _ in range(times):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        body = await reader.readexactly(size)
    writer.close()
    return head, body


async def cost(plain: int, port: int, path: str, headers: Mapping[str, str], times: int) -> float:
    """Processor seconds of the server for one request."""

    async def clock() -> float:
        return float((await ask(plain, "/clock", {}, 1))[1])

    began = await clock()
    each = -(-times // CONNECTIONS)
    await asyncio.gather(*(ask(port, path, headers, each) for _ in range(CONNECTIONS)))
    return (await clock() - began) / (each * CONNECTIONS)


async def over_http(api: int, plain: int) -> None:
    """Questions and their constant answers in turn; medians of the ratios."""
    head, summary = await ask(api, f"/v1/regions/{AREA}/summary", {}, 1)
    head, latest = await ask(api, "/v1/latest?limit=10000", {}, 1)
    tag = next(line[6:] for line in head.split("\r\n") if line.lower().startswith("etag: "))
    for case in cases(len(summary), len(latest), tag):
        await ask(api, case.path, case.headers, 1)
        ratios, dear = [], 0.0
        for _ in range(ROUNDS):
            bare = await cost(plain, plain, case.constant, {}, case.requests)
            dear = await cost(plain, api, case.path, case.headers, case.requests)
            ratios.append(dear / bare)
        ratio = statistics.median(ratios)
        print(
            f"{case.name:26} {dear * 1e6:9.0f} us a request, {ratio:5.2f} of constant bytes (rate {1 / ratio:4.2f})  {case.target}"
        )


def by_numpy(value: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of a summary from a ready grid (series, time) by numpy alone: baselines, departures, quantiles over the region."""
    past = np.sort(value[:, :-2] * factor, axis=1)
    rows, n = past.shape
    median, high = np.median(past, axis=1), past[:, round(0.99 * (n - 1))]
    mad = np.median(np.abs(past - median[:, None]), axis=1)
    scale = np.maximum(np.maximum(1.4826 * mad, (high - median) / 3), 0.8)
    newest = value[:, -1] * factor
    rise = newest - median
    above = (rise >= 15) & (rise / scale >= 5)
    return np.quantile(newest, (0.05, 0.25, 0.5, 0.75, 0.95)), np.array([np.median(rise), above.sum(), rows])


def typical(work: Callable[[], object], times: int = 15) -> float:
    """Median seconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def grid_of(held: SeriesArrays) -> np.ndarray:
    """The last day of each series as a grid."""
    size = int(np.bincount(held.index).min())
    return np.stack([part[-size:] for part in np.split(held.value, np.flatnonzero(np.diff(held.index)) + 1)])


async def cold(url: str, path: Path) -> None:
    """A summary of 1,500 series and 24 hours that nobody asked for before: on arrays in memory, and from the store."""
    store = await open_store(url)
    area, standing = (
        AreaName(AREA, {"en": "Bench"}),
        Standings({FEED: Standing(FeedState.OK, 600, 900, 3600, 86400, NOW_S - 60)}),
    )

    def summary(held: SeriesArrays) -> object:
        return summarise(area, held, standing, now_s=NOW_S, window_s=10800)

    f, span = Filter(areas=frozenset({AREA})), (NOW_S - 86400, NOW_S)
    held = await read.arrays(store, f, *span)
    grid = grid_of(held)
    ours, bare = typical(lambda: summary(held)), typical(lambda: by_numpy(grid, 1000.0))
    print(
        f"summary of {grid.shape[0]} x {grid.shape[1]} in memory: {ours * 1e3:.1f} ms, {ours / bare:.2f} of numpy alone  <= 3"
    )
    whole, sql = [], []
    for _ in range(7):
        began = time.perf_counter()
        summary(await read.arrays(store, f, *span))
        whole.append(time.perf_counter() - began)
        sql.append(typical(lambda: by_sql(path, span), 1))
    ours, bare = statistics.median(whole), statistics.median(sql)
    print(f"the same with its fetch: {ours * 1e3:.0f} ms, {ours / bare:.2f} of bare SQL and numpy  <= 2")
    await store.close()


def by_sql(path: Path, span: tuple[int, int]) -> object:
    """The same question by sqlite3 and numpy, nothing else."""
    with sqlite3.connect(path) as bare:
        rows = bare.execute(
            "SELECT r.series_id, r.value FROM readings r JOIN series s ON s.id = r.series_id JOIN stations t ON t.id = s.station_id "
            "WHERE r.end_s >= ? AND r.end_s < ? AND t.areas LIKE ? ORDER BY r.series_id, r.end_s",
            (*span, f"%{AREA}%"),
        ).fetchall()
    index, value = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    return by_numpy(grid_of(SimpleNamespace(index=np.unique(index, return_inverse=True)[1], value=value)), 1000.0)


def main() -> None:
    """Print every figure beside its target."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        url = f"sqlite+aiosqlite:///{path}"
        asyncio.run(fill(url))
        print(json.dumps({"series": SERIES, "steps": STEPS, "in region": IN_AREA}))
        asyncio.run(cold(url, path))
        here, there = multiprocessing.Pipe()
        child = multiprocessing.get_context("spawn").Process(target=serve, args=(url, there), daemon=True)
        child.start()
        api, plain = here.recv()
        asyncio.run(over_http(api, plain))
        child.terminate()
        child.join()


if __name__ == "__main__":
    main()
