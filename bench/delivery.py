"""How fast the outbox is delivered, beside a bare aiohttp client that posts the same signed bodies at the same concurrency.

    python -m bench.delivery [--events 5000] [--rounds 5]

The receiver is a process of its own and does as little as an HTTP server can. Both clients take turns in one run, so that a busy
machine is busy for both; the ratio is that of the medians. Then, at the pace of the running service, the time from a commit to the
first attempt at each of 50 subscriptions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import sqlalchemy as sa

from alerting.route import numbered
from alerting.webhooks import sign
from alerting.webhooks.deliver import Deliverer, Pace
from alerting.webhooks.resolve import policy
from domain.clock import SystemClock
from radcommons.programs import DELIVER_EVERY_S
from store import deliveries, tables
from store.alert_rows import Message, SubscriptionRow
from store.engine import Store, open_store

SUBSCRIPTIONS, PORT = 50, 8460
BODY = json.dumps(
    {"type": "alert.grew", "timestamp": "2026-08-15T00:00:00Z", "data": {"alert": "al-1", "note": "x" * 900}},
    separators=(",", ":"),
)
Request = tuple[str, dict[str, str], bytes]


async def subscribe(store: Store) -> list[SubscriptionRow]:
    """Fifty subscriptions to the receiver."""
    rows = [
        SubscriptionRow(f"sub-{n}", f"http://127.0.0.1:{PORT}/{n}", sign.new_secret(), "") for n in range(SUBSCRIPTIONS)
    ]
    for row in rows:
        await deliveries.create_subscription(store, row)
    return rows


async def fill(store: Store, rows: Sequence[SubscriptionRow], events: int, mark: str) -> None:
    """`events` deliveries over the subscriptions."""
    for n in range(events // len(rows)):
        messages = [Message(f"msg_{mark}_{row.uid}_{n}", row.uid, "alert.grew", BODY) for row in rows]
        await deliveries.enqueue(store, messages, int(time.time()))


async def ours(store: Store) -> float:
    """Seconds to deliver all that is due."""
    async with sender(store) as deliverer:
        begun = time.perf_counter()
        await deliverer.step()
        return time.perf_counter() - begun


def sender(store: Store) -> Deliverer:
    """The deliverer as the service runs it; fifty subscriptions are of one host here."""
    return Deliverer(
        store, SystemClock(), policy(frozenset({443}), ("127.0.0.0/8",)), pace=Pace(per_host=SUBSCRIPTIONS)
    )


async def bare(requests: Sequence[Request]) -> float:
    """Seconds for a bare client to post the same, fifty at a time."""
    waiting = list(reversed(requests))
    connector = aiohttp.TCPConnector(limit=SUBSCRIPTIONS, limit_per_host=SUBSCRIPTIONS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def work() -> None:
            while waiting:
                url, headers, body = waiting.pop()
                async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                    await answer.read()

        begun = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(SUBSCRIPTIONS)))
        return time.perf_counter() - begun


def signed(rows: Sequence[SubscriptionRow], events: int) -> list[Request]:
    """The same bodies, signed beforehand."""
    keys, now_s = [sign.signing_key(row.secret) for row in rows], int(time.time())
    out = []
    for n in range(events // len(rows)):
        body = numbered(BODY, n + 1)
        for row, key in zip(rows, keys, strict=True):
            headers = sign.headers([key], f"msg_{row.uid}_{n}", now_s, body)
            out.append((row.url, {"content-type": "application/json", "user-agent": "bare", **headers}, body))
    return out


async def latency(store: Store, rows: Sequence[SubscriptionRow], commits: int) -> list[float]:
    """Seconds from a commit to the first attempt, for each delivery, while the sender works as in the service."""
    committed: dict[str, float] = {}

    async def send() -> None:
        async with sender(store) as deliverer:
            while True:
                await deliverer.step()
                await asyncio.sleep(DELIVER_EVERY_S)

    task = asyncio.create_task(send())
    for n in range(commits):
        await asyncio.sleep(random.uniform(0.05, 0.6))
        messages = [Message(f"msg_late_{row.uid}_{n}", row.uid, "alert.grew", BODY) for row in rows]
        await deliveries.enqueue(store, messages, int(time.time()))
        committed |= dict.fromkeys((message.uid for message in messages), time.time())
    while True:
        if await deliveries.next_due_s(store) is None:
            break
        await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    question = sa.select(tables.outbox.c.uid, tables.delivery_attempts.c.at_s).join(
        tables.outbox, tables.outbox.c.id == tables.delivery_attempts.c.outbox_id
    )
    async with store.reading() as connection:
        found = await connection.execute(question.where(tables.outbox.c.uid.like("msg_late_%")))
        return sorted(max(0.0, row.at_s - committed[row.uid]) for row in found)


async def measure(url: str, events: int, rounds: int, commits: int) -> None:
    """Print the figures."""
    store = await open_store(url)
    rows = await subscribe(store)
    requests = signed(rows, events)
    mine, theirs, cost, their_cost = [], [], [], []
    for number in range(rounds):
        await fill(store, rows, events, str(number))
        before_s = time.process_time()
        mine.append(await ours(store))
        between_s = time.process_time()
        theirs.append(await bare(requests))
        cost.append(between_s - before_s)
        their_cost.append(time.process_time() - between_s)
        print(f"round {number + 1}: outbox {events / mine[-1]:,.0f}/s, bare client {events / theirs[-1]:,.0f}/s")
    ratio, of_work = (statistics.median(b) / statistics.median(a) for a, b in ((mine, theirs), (cost, their_cost)))
    print(
        f"{events} events, {SUBSCRIPTIONS} subscriptions: ratio to the bare client {ratio:.2f} (target >= 0.6), "
        f"of processor seconds {of_work:.2f}"
    )
    late = await latency(store, rows, commits)
    print(
        f"commit to first attempt, {len(late)} deliveries: median {statistics.median(late):.3f} s, "
        f"p99 {late[int(len(late) * 0.99)]:.3f} s (target < 1 s), longest {late[-1]:.3f} s"
    )
    await store.close()


def main() -> None:
    """Measure on a SQLite file, or on the database named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commits", type=int, default=40)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    receiver = subprocess.Popen([sys.executable, "-m", "bench.sink", str(PORT)], cwd=Path(__file__).parents[1])
    try:
        with tempfile.TemporaryDirectory() as folder:
            url = given.database or f"sqlite+aiosqlite:///{folder}/delivery.db"
            asyncio.run(measure(url, given.events, given.rounds, given.commits))
    finally:
        receiver.kill()
        receiver.wait()


if __name__ == "__main__":
    main()
