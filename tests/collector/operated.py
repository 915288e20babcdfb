"""A made-up feed under an operator's hands: its folder, its archive, its publisher, and the collector's parts around them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from collector.archive import RawArchive
from collector.desk import Desk
from collector.fetched import Fetched
from collector.guard import Guard
from collector.pipeline import Pipeline
from collector.plan import PlannedRequest
from collector.poll import Poller
from collector.versions import Versions, kept_of
from domain.clock import VirtualClock
from domain.readings import Answer
from domain.reasons import Refusal
from specs.loading import Config
from specs.running import load_running
from store.config_files import config_files
from store.engine import Store
from store.feed_controls import Validator
from tests.feeds.made import HEAD, RECEIVED, loaded

URL = "https://lab.example/rows.csv"
NAME = "feeds/xx-made.yaml"
NOW = RECEIVED.timestamp()
FORMS = """\
expect:
  stations: 3
  bbox: [120.0, 20.0, 150.0, 46.0]
  ranges: {air_dose_rate_as_published: [10.0, 1.0e7]}
forms:
  - id: rows
    request: {url: "https://lab.example/rows.csv"}
    decode: {format: delimited}
    station: {key: code, position: {latitude: lat, longitude: lon}}
    time: {column: time, format: "%Y-%m-%d %H:%M", zone: Asia/Tokyo, zone_stated: true}
    measures:
      - {column: dose, quantity: air_dose_rate_as_published, unit: uSv/h}
"""
GOOD = HEAD + FORMS
BODY = (
    "code,lat,lon,time,dose\n" + "".join(f"S{n},35.{n},139.{n},2026-11-01 21:00,0.08{n}\n" for n in range(1, 4))
).encode()


@dataclass
class Publisher:
    """A fetcher that says what it is told to say, and remembers what it was asked and told."""

    failure: Refusal | None = None
    quiet_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    remembered: list[Validator] = field(default_factory=list)
    fresh: list[Validator] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(NOW))

    async def fetch(self, planned: PlannedRequest) -> Fetched:
        self.asked.append(planned.url)
        now_s = self.clock.now_s()
        body = b"" if self.failure else BODY
        status = 0 if self.failure is Refusal.CONNECTION else 403 if self.failure else 200
        digest = hashlib.sha256(body).hexdigest()
        answer = Answer(planned.feed_id, "GET", planned.url, now_s, now_s, status, sha256=digest, failure=self.failure)
        return Fetched(answer, body, body)

    def committed(self, answer: Answer) -> None:
        self.fresh.append(Validator(answer.method, answer.url, '"1"', ""))

    def taken_validators(self, feed_id: str) -> list[Validator]:
        taken, self.fresh = self.fresh, []
        return taken

    def remember(self, said: Iterable[Validator]) -> None:
        self.remembered += said

    def forget(self, feed_ids: Iterable[str]) -> None:
        self.forgotten |= set(feed_ids)

    def quiet_until_s(self, url: str) -> float:
        return self.quiet_s


@dataclass
class World:
    """Everything that a collector of one made-up feed is made of."""

    store: Store
    folder: Path
    config: Config
    publisher: Publisher = field(default_factory=Publisher)

    @property
    def clock(self) -> VirtualClock:
        return self.publisher.clock

    @property
    def file(self) -> Path:
        return self.folder / "config" / NAME

    def versions(self) -> Versions:
        return Versions(self.store, self.folder / "config", self.folder / "raw", self.clock)

    def guard(self) -> Guard:
        async def no_pause(_: float) -> None: ...

        pipeline = Pipeline(self.store, self.config, self.clock)
        poller = Poller(self.publisher, pipeline, self.clock, sleep=no_pause)  # type: ignore[arg-type]
        return Guard(poller, self.publisher, self.store, self.clock)  # type: ignore[arg-type]

    def desk(self) -> Desk:
        versions = self.versions()

        async def reload() -> None:
            self.config = await versions.decide()

        return Desk(
            self.store,
            versions,
            self.guard(),
            self.publisher,
            self.clock,
            lambda: self.config,
            reload,  # type: ignore[arg-type]
        )

    def archive(self, polls: int = 2) -> None:
        """Keep some answers, as a collector that ran would have."""
        raw = RawArchive(self.folder / "raw")
        digest = hashlib.sha256(BODY).hexdigest()
        for number in range(polls):
            raw.put(Answer("xx-made", "GET", URL, NOW + number, NOW + number, 200, sha256=digest), BODY)
        raw.close()

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    async def followed(self) -> Config:
        """What a program beside the collector makes of the folder and of what the collector decided."""
        return load_running(self.folder / "config", kept_of(await config_files(self.store)))


def world(store: Store, folder: Path) -> World:
    """A world whose feed runs well."""
    return World(store, folder, loaded(folder / "config", FORMS))
