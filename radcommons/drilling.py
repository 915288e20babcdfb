"""Drills: an invented rise goes through the whole path, and every step of the way is timed. Run by the collector, the only writer of readings."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np
import structlog

from domain.clock import Clock
from domain.drill import DRILL_FEED
from domain.readings import NO_TIME, Answer, Batch, Harvest, Readings, Series, Station
from domain.states import AlertState, FeedState
from specs.loading import Config
from specs.region import Area
from store import alerts, drills
from store.alert_rows import AlertRow
from store.drills import DrillRow, Telling
from store.engine import Store
from store.write import commit_batch, finish_run

log = structlog.get_logger(__name__)

STEP_S, PAST, POSTS = 600, 72, 4
QUANTITY, UNIT = "ambient_dose_equivalent_rate", "nSv/h"
USUAL, RISE = 50.0, 250.0
#: Ends of the two readings that rise, before now; those that have come down again lie between them and now.
_UP_S, _DOWN_S = (1800, 1200), (600, 0)
_LOOK_EVERY_S = 0.1
_DAY_S = 86_400
PATIENCE_S = 180.0


class DrillReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a drill measured: seconds from the commit of the rise; `end_to_end_s` is the last receiver's acknowledgement."""

    alert: str = ""
    stations: int = POSTS
    commit_s: float | None = None
    detect_s: float | None = None
    attempt_s: float | None = None
    end_to_end_s: float | None = None
    resolved_s: float | None = None
    receivers: int = 0
    acknowledged: int = 0
    problem: str = ""


class UnknownRegion(ValueError):
    """No region of the configuration has that id."""


def new_drill(config: Config, region_id: str, now_s: float) -> DrillRow:
    """A drill to be asked for; raises UnknownRegion."""
    if region_id not in config.geography.by_id:
        raise UnknownRegion(f"no region {region_id!r} is in the configuration")
    return DrillRow(f"drill-{int(now_s)}-{secrets.token_hex(4)}", region_id, "asked", int(now_s))


@dataclass(slots=True)
class Driller:
    """Goes through the drills that are asked for, one at a time, and asks for one itself every so many days where a region is named."""

    store: Store
    config: Config
    clock: Clock
    region_id: str = ""
    every_days: float = 30.0
    patience_s: float = PATIENCE_S

    async def step(self) -> DrillReport | None:
        """The oldest drill that is asked for, if any; returns what it measured."""
        await self._by_calendar()
        asked = await drills.drills(self.store, states=("asked",))
        if not asked:
            return None
        row = asked[-1]
        if not await drills.move(self.store, row.uid, "running", was="asked"):
            return None
        try:
            state, report = await self._go(row)
        except BaseException as error:
            await self._end(row, "failed", DrillReport(problem=type(error).__name__))
            raise
        await self._end(row, state, report)
        log.info(
            "a drill has ended", drill=row.uid, region=row.region_id, state=state, end_to_end_s=report.end_to_end_s
        )
        return report

    async def follow(self, config: Config) -> None:
        """Work by another configuration from now on."""
        self.config = config

    async def _by_calendar(self) -> None:
        if not self.region_id:
            return
        last = await drills.drills(self.store, limit=1)
        if not last or self.clock.now_s() - last[0].began_s >= self.every_days * _DAY_S:
            await drills.ask(self.store, new_drill(self.config, self.region_id, self.clock.now_s()))

    async def _end(self, row: DrillRow, state: str, report: DrillReport) -> None:
        document = msgspec.json.encode(report).decode()
        await drills.move(self.store, row.uid, state, ended_s=int(self.clock.now_s()), document=document, was="running")

    async def _go(self, row: DrillRow) -> tuple[str, DrillReport]:
        posts = Posts(row.uid, self.config.geography.by_id[row.region_id], int(self.clock.now_s()))
        await self._commit(posts, posts.past())
        begun_s = self.clock.now_s()
        await self._commit(posts, posts.rise())
        commit_s = self.clock.now_s() - begun_s
        found = await self._alert(posts, (AlertState.UNVERIFIED, AlertState.FIRING))
        if found is None:
            return "failed", DrillReport(commit_s=commit_s, problem="no alert was raised in time")
        detect_s = self.clock.now_s() - begun_s
        told = await self._told(found)
        await self._commit(posts, posts.calm())
        ended = await self._alert(posts, (AlertState.RESOLVED,))
        resolved_s = None if ended is None else self.clock.now_s() - begun_s
        return _judged(
            told, begun_s, DrillReport(alert=found.uid, commit_s=commit_s, detect_s=detect_s, resolved_s=resolved_s)
        )

    async def _commit(self, posts: Posts, rows: Sequence[tuple[int, int, float]]) -> None:
        batch = posts.batch(rows, self.clock.now_s())
        areas = self.config.geography
        located = {
            one.uid: areas.locate(one.latitude_deg or 0.0, one.longitude_deg or 0.0, posts.area.id)
            for one in batch.harvest.stations
        }
        await commit_batch(self.store, batch, located)
        await finish_run(self.store, batch.run_uid, int(self.clock.now_s()), FeedState.OK, "")

    async def _alert(self, posts: Posts, states: tuple[AlertState, ...]) -> AlertRow | None:
        """The alert about the drill's own posts once it is in one of these states, as far as patience goes."""
        until_s = self.clock.now_s() + self.patience_s
        while self.clock.now_s() < until_s:
            for row in await alerts.alerts(self.store, states=states, from_s=posts.now_s - _DAY_S):
                if row.exercise and posts.prefix in row.document:
                    return row
            await asyncio.sleep(_LOOK_EVERY_S)
        return None

    async def _told(self, row: AlertRow) -> list[Telling]:
        """Deliveries of the alert's first event, once none of them is pending, as far as patience goes."""
        until_s = self.clock.now_s() + self.patience_s
        first = (await alerts.events(self.store, row.uid))[0]
        while True:
            found = await drills.tellings(self.store, first.uid)
            if all(one.state != "pending" for one in found) or self.clock.now_s() >= until_s:
                return found
            await asyncio.sleep(_LOOK_EVERY_S)


def _judged(told: Sequence[Telling], begun_s: float, report: DrillReport) -> tuple[str, DrillReport]:
    first = [one.first.at_s for one in told if one.first is not None]
    done = [
        one.last.at_s + one.last.duration_ms / 1000 for one in told if one.state == "delivered" and one.last is not None
    ]
    measured = msgspec.structs.replace(
        report,
        # We look for the alert now and then; a message about it may have left before we saw it, and proves that it stood by then.
        detect_s=min(
            [at_s - begun_s for at_s in first] + ([] if report.detect_s is None else [report.detect_s]), default=None
        ),
        receivers=len(told),
        acknowledged=len(done),
        attempt_s=min(first) - begun_s if first else None,
        end_to_end_s=max(done) - begun_s if done and len(done) == len(told) else None,
    )
    if not told:
        return "unheard", msgspec.structs.replace(measured, problem="no subscription asks for drills here")
    if len(done) < len(told):
        return "failed", msgspec.structs.replace(measured, problem="a receiver has not acknowledged in time")
    if report.resolved_s is None:
        return "failed", msgspec.structs.replace(measured, problem="the alert did not end in time")
    return "passed", measured


@dataclass(frozen=True, slots=True)
class Posts:
    """The invented stations of one drill, a few kilometres from each other, near the middle of an area."""

    drill_uid: str
    area: Area
    now_s: int

    @property
    def prefix(self) -> str:
        """What the ids of its stations begin with."""
        return f"{DRILL_FEED}:{self.drill_uid}-"

    def past(self) -> list[tuple[int, int, float]]:
        """(post, end, value): half a day of quiet readings, as a baseline needs them."""
        last_s = self.now_s - _UP_S[0] - STEP_S
        return [
            (post, last_s - STEP_S * back, USUAL + 0.3 * math.sin(7.0 * post + back))
            for post in range(POSTS)
            for back in range(PAST)
        ]

    def rise(self) -> list[tuple[int, int, float]]:
        """Two consecutive readings far above."""
        return [(post, self.now_s - ago_s, USUAL + RISE + post) for post in range(POSTS) for ago_s in _UP_S]

    def calm(self) -> list[tuple[int, int, float]]:
        """Two newer readings that have come down."""
        return [(post, self.now_s - ago_s, USUAL + 0.1 * post) for post in range(POSTS) for ago_s in _DOWN_S]

    def batch(self, rows: Sequence[tuple[int, int, float]], received_s: float) -> Batch:
        """The rows as the answer of a publisher whom nobody has asked."""
        stations = tuple(self._station(post) for post in range(POSTS))
        series = tuple(
            Series(
                f"{one.uid}:{QUANTITY}:air_over_land",
                one.uid,
                DRILL_FEED,
                QUANTITY,
                UNIT,
                window_s=STEP_S,
                exercise=True,
            )
            for one in stations
        )
        n = len(rows)
        readings = Readings(
            series,
            np.array([post for post, _, _ in rows], np.int64),
            np.array([end_s for _, end_s, _ in rows], np.int64),
            np.round(np.array([value for *_, value in rows]), 2),
            np.full(n, 2, np.int16),
            np.zeros(n, np.int8),
            np.full(n, np.nan),
            np.full(n, NO_TIME, np.int64),
            np.zeros(n, np.int64),
        )
        started_s = int(received_s)
        url = f"radcommons:drill/{self.drill_uid}/{rows[0][1]}"
        answer = Answer(DRILL_FEED, "GET", url, received_s, received_s, 200, sha256=secrets.token_hex(32))
        moment = datetime.fromtimestamp(received_s, UTC).isoformat()
        harvest = Harvest(n, stations, readings)
        return Batch(DRILL_FEED, f"{DRILL_FEED}@{moment}", started_s, answer, harvest, started_s, exercise=True)

    def _station(self, post: int) -> Station:
        key = f"{self.drill_uid}-{post + 1}"
        names = (("en", f"EXERCISE post {post + 1}"), ("ja", f"訓練 地点{post + 1}"))
        north, east = divmod(post, 2)
        return Station(
            f"{DRILL_FEED}:{key}",
            DRILL_FEED,
            key,
            names,
            round(self.area.label_lat_deg + 0.03 * north, 5),
            round(self.area.label_lon_deg + 0.03 * east, 5),
            position_origin="listed",
        )
