"""A publisher on loopback that writes down who asks and when: each answer holds the newest stamp and the five before it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from specs.loading import Config, load_config
from tests.conftest import ROOT

STATIONS, TOLD = 8, 6
STEP_S = 60
_SOURCES = "sources:\n  - {id: xx-lab, names: {en: Lab}, country: XX, attribution: {en: Lab}}\n"
_FEED = """\
id: {id}
source: xx-lab
title: {{en: Made up {id}}}
status: unverified
rights: {{redistribute: yes, licence: none, verdict: made up}}
schedule: {{every_s: 60, pause_s: 0, lag_s: 60, late_after_s: 720000, silent_after_s: 864000}}
forms:
  - id: rows
    request: {{url: "{address}/{id}"}}
    decode: {{format: json_rows, rows: rows}}
    station: {{key: id, kind: station}}
    time: {{column: time, format: iso, zone: UTC, zone_stated: true, stamp: end, history_s: 864000}}
    measures:
      - {{column: value, quantity: ambient_dose_equivalent_rate, unit: uSv/h, window_s: 60}}
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: for which feed, by whom (the contact in the User-Agent), from when to when on the machine's steady clock."""

    feed: str
    who: str
    began_s: float
    ended_s: float


@dataclass
class Publisher:
    """What was asked, and the newest stamp of each feed. `over`: no more news, the last answer is given again."""

    first_s: int
    asked: list[Asked] = field(default_factory=list)
    newest: Counter[str] = field(default_factory=Counter)
    over: bool = False
    together: int = 0
    _now: Counter[str] = field(default_factory=Counter)
    _since: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The next document of a feed."""
        feed = request.match_info["feed"]
        who = request.headers["User-Agent"].partition("(+")[2].rstrip(")")
        began_s = time.monotonic()
        self._now[feed] += 1
        self.together = max(self.together, self._now[feed])
        await asyncio.sleep(0.02)  # a publisher takes its time; another one who asks now is seen
        self.newest[feed] += not self.over
        body = self._document(feed)
        self._now[feed] -= 1
        self.asked.append(Asked(feed, who, began_s, time.monotonic()))
        return web.json_response(body)

    def _document(self, feed: str) -> dict[str, object]:
        newest = self.newest[feed]
        rows = [
            {"id": str(station), "time": iso(self.end_s(number)), "value": value(station, number)}
            for number in range(max(1, newest - TOLD + 1), newest + 1)
            for station in range(STATIONS)
        ]
        return {"rows": rows}

    def end_s(self, number: int) -> int:
        """The stamp number `number`, from 1."""
        return self.first_s + STEP_S * number

    def since(self, moment_s: float) -> Counter[str]:
        """How often each feed was asked since a moment of the steady clock."""
        return Counter(one.feed for one in self.asked if one.began_s > moment_s)


def value(station: int, number: int) -> str:
    """What a station says at a stamp; never the same twice in a row."""
    return f"{0.04 + station / 1000 + number % 7 / 10_000:.4f}"


def iso(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@asynccontextmanager
async def publishing(publisher: Publisher) -> AsyncIterator[str]:
    """Serve it; yields the address."""
    app = web.Application()
    app.router.add_get("/{feed}", publisher.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def configured(folder: Path, address: str, feeds: tuple[str, ...]) -> Config:
    """A configuration with these feeds of the publisher."""
    (folder / "feeds").mkdir(parents=True)
    for feed in feeds:
        (folder / "feeds" / f"{feed}.yaml").write_text(_FEED.format(id=feed, address=address), encoding="utf-8")
    (folder / "sources.yaml").write_text(_SOURCES, encoding="utf-8")
    (folder / "rules.yaml").write_text("rules: []\n", encoding="utf-8")
    for shared in ("regions.geojson", "sea_areas.geojson", "sites.yaml"):
        shutil.copy(ROOT / "config" / shared, folder / shared)
    return load_config(folder)
