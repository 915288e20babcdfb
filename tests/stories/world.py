"""A small country on a fake clock: stations that report every ten minutes, a publisher, a store, a watcher that may be killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from alerting.evaluate import Watcher
from domain.clock import VirtualClock
from domain.readings import NO_TIME, Answer, Batch, Harvest, Readings, Series, Station
from domain.states import FeedState, Redistribute
from specs.feed import Rights
from specs.rule import load_rules
from store import alerts
from store.engine import Store
from store.write import commit_batch, finish_run, withdraw

T0 = 1_790_000_400  # on a full ten minutes
STEP_S = 600
RULES = load_rules(Path(__file__).parents[2] / "config" / "rules.yaml")
QUANTITY = "air_dose_rate_as_published"
AREA = SimpleNamespace(id="JP-18", kind="region", names={"en": ("Fukui",), "ja": ("福井県",)})


def feed(feed_id: str, *, exercise: bool = False, redistribute: Redistribute = Redistribute.YES) -> SimpleNamespace:
    return SimpleNamespace(
        id=feed_id,
        exercise=exercise,
        rights=Rights(redistribute=redistribute, licence="made up", verdict="made up"),
        title={"en": f"Feed {feed_id}", "ja": f"配信 {feed_id}"},
        schedule=SimpleNamespace(every_s=600, lag_s=600, late_after_s=5400, silent_after_s=86_400),
    )


@dataclass
class FakeConfig:
    feeds: tuple = (feed("jp-test"),)
    rules: tuple = RULES
    geography: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(areas=(AREA,)))

    def feed(self, feed_id):
        return next((one for one in self.feeds if one.id == feed_id), None)


@dataclass
class World:
    """`poll` commits what stations say at the clock's time; `watch` lets the watcher work; `restart` kills it and starts another."""

    store: Store
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(float(T0)))
    config: FakeConfig = field(default_factory=FakeConfig)
    stations: dict[str, tuple[float, float]] = field(default_factory=dict)
    feed_id: str = "jp-test"
    exercise: bool = False

    def __post_init__(self):
        if not self.stations:
            self.stations = {f"s{i}": (35.60 + 0.1 * i, 136.0) for i in range(6)}
        self.restart()

    def restart(self):
        self.watcher = Watcher(self.store, self.config, self.clock)

    @property
    def now(self):
        return int(self.clock.now_s())

    def quiet(self, key, at):
        """Background with a little noise that is the same for the same station and time."""
        return 50.0 + ((hash_of(key) + at // STEP_S * 7919) % 11 - 5) / 10

    async def past(self, readings=60):
        """A first batch with enough history for a baseline, evaluated, and the clock at its end."""
        ends = [self.now - STEP_S * k for k in range(readings, 0, -1)]
        await self.commit([(key, end, self.quiet(key, end)) for key in self.stations for end in ends])
        await self.watch()

    async def poll(self, values=None, *, only=None, watch=True):
        """Ten minutes pass, every station (or those of `only`) reports; `values` overrides the background."""
        self.clock.advance_to(self.now + STEP_S)
        values = values or {}
        keys = self.stations if only is None else only
        await self.commit([(key, self.now - 300, values.get(key, self.quiet(key, self.now))) for key in keys])
        if watch:
            await self.watch()

    async def silence(self, seconds, *, watch=True, every=STEP_S):
        """Time passes and nothing comes."""
        until = self.now + seconds
        while self.now < until:
            self.clock.advance_to(min(self.now + every, until))
            if watch:
                await self.watch()

    async def watch(self):
        return await self.watcher.step()

    async def correct(self, key, end, value):
        """The publisher sends another number for a time that it has sent before."""
        self.clock.advance_to(self.now + 60)
        await self.commit([(key, end, value)])
        await self.watch()

    async def take_back(self, key, ends):
        self.clock.advance_to(self.now + 60)
        batch = self.batch([])
        await withdraw(self.store, batch, {self.uid(key): tuple(ends)}, "publisher's notice")
        await self.watch()

    def uid(self, key):
        return f"{self.feed_id}:{key}:{QUANTITY}:air_over_land"

    def batch(self, rows):
        keys = list(dict.fromkeys(key for key, *_ in rows))
        stations = tuple(
            Station(
                f"{self.feed_id}:{key}",
                self.feed_id,
                key,
                (("en", f"Station {key}"), ("ja", f"地点{key}")),
                *self.stations[key],
            )
            for key in keys
        )
        series = tuple(
            Series(self.uid(key), f"{self.feed_id}:{key}", self.feed_id, QUANTITY, "nSv/h", exercise=self.exercise)
            for key in keys
        )
        n = len(rows)
        readings = (
            Readings(
                series,
                np.array([keys.index(key) for key, *_ in rows], np.int64),
                np.array([end for _, end, _ in rows], np.int64),
                np.array([value for *_, value in rows], np.float64),
                np.full(n, 1, np.int16),
                np.zeros(n, np.int8),
                np.full(n, np.nan),
                np.full(n, NO_TIME, np.int64),
                np.zeros(n, np.int64),
            )
            if rows
            else None
        )
        answer = Answer(
            self.feed_id,
            "GET",
            f"https://x.example/{self.now}",
            float(self.now),
            float(self.now),
            200,
            sha256=f"{self.now:064x}",
        )
        started = datetime.fromtimestamp(self.now, UTC).isoformat()
        return Batch(
            self.feed_id,
            f"{self.feed_id}@{started}",
            self.now,
            answer,
            Harvest(len(rows), stations, readings),
            self.now,
            self.exercise,
        )

    async def commit(self, rows, state=FeedState.OK):
        batch = self.batch(rows)
        areas = {station.uid: ("JP-18",) for station in batch.harvest.stations}
        await commit_batch(self.store, batch, areas)
        await finish_run(self.store, batch.run_uid, self.now, state, "")

    async def alerts(self, rule="departure-two-readings"):
        return sorted(
            await alerts.alerts(self.store, rule_id=rule, limit=1000), key=lambda row: (row.detected_s, row.uid)
        )

    async def story(self, rule="departure-two-readings"):
        """(kind, state) of every event of every alert of a rule, in order."""
        told = []
        for row in await self.alerts(rule):
            told += [
                (event.at_s, event.uid, event.kind, event.state.value)
                for event in await alerts.events(self.store, row.uid)
            ]
        return [(kind, state) for _, _, kind, state in sorted(told)]


def hash_of(key: str) -> int:
    return sum(ord(c) * 131**i for i, c in enumerate(key)) % 1009
