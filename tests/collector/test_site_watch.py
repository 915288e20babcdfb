"""A shock near a site opens a watch, its feeds are asked out of turn, and only fresh evidence closes it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from collector.site_watch import LAPSED_AFTER_S, SiteWatch
from domain.clock import VirtualClock
from domain.readings import Harvest, Quake
from domain.states import FeedState
from specs.site import Concern, SiteFile, load_sites
from store import requests, site_watches
from store.write import finish_run
from tests.api import made

HOUR_S = 3600
SITES = load_sites(made.CONFIG)
KORI = next(site for site in SITES.sites if site.id == "kr-kori")
FILE = SiteFile(rings_km=(5.0, 30.0), watch_hours=24, watch=(Concern(magnitude=4.0, within_km=50),), sites=(KORI,))
SHOCK_S = made.NOW
QUAKE = Quake("q9", "ev-9", "issued", "", "", SHOCK_S, SHOCK_S + 60, 35.4, 129.5, 10.0, 5.2, "M5.2", "")
PLACES = [
    replace(
        made.FUKUSHIMA,
        uid=f"jp-made:k{i}",
        key=f"k{i}",
        latitude_deg=KORI.latitude_deg + 0.01 * i,
        longitude_deg=KORI.longitude_deg,
    )
    for i in range(1, 5)
]
SERIES = [
    replace(made.DOSE_F, uid=made.DOSE_F.uid.replace("jp-made:f1", one.uid), station_uid=one.uid) for one in PLACES
]


async def readings(store, begin_s: int, end_s: int, usv_h: float = 0.05, *, posts: int = 4) -> None:
    """A value of each post every ten minutes in [begin_s, end_s), received at the last."""
    rows = [
        (one, at_s, usv_h + 0.001 * (at_s // 600 % 3), f"{usv_h + 0.001 * (at_s // 600 % 3):.3f}")
        for one in SERIES[:posts]
        for at_s in range(begin_s, end_s, 600)
    ]
    batch = made.batch("jp-made", end_s, Harvest(read=len(rows), stations=tuple(PLACES), readings=made.readings(rows)))
    await made.commit(store, batch)
    await finish_run(store, batch.run_uid, end_s, FeedState.OK, "")


async def shock(store, quake: Quake = QUAKE) -> None:
    await made.commit(store, made.batch("sea-made", quake.reported_s, Harvest(read=1, quakes=(quake,))))


@pytest.fixture
def watch(store) -> SiteWatch:
    return SiteWatch(store, lambda: replace(made.config(), sites=FILE), VirtualClock(SHOCK_S))


async def at(watch: SiteWatch, at_s: int) -> site_watches.WatchRow:
    assert isinstance(watch.clock, VirtualClock)
    watch.clock.advance_to(at_s)
    await watch.step()
    [row] = await site_watches.watches(watch.store, since_s=0)
    return row


def evidence(row: site_watches.WatchRow) -> dict[str, object]:
    told = json.loads(row.evidence)
    return {"state": told["state"], "ended": told["ended"], "answered": told["rings"]["30000"]["answered"]}


async def test_it_closes_on_fresh_usual_readings_and_not_before_its_time(store, watch) -> None:
    await readings(store, SHOCK_S - 30 * HOUR_S, SHOCK_S)
    await shock(store)
    opened = await at(watch, SHOCK_S + 120)
    assert (opened.site_id, opened.rule, opened.closed_s) == ("kr-kori", "magnitude 4 within 50 km", None)
    assert evidence(opened) == {"state": "insufficient", "ended": "", "answered": 0}
    await readings(store, SHOCK_S, SHOCK_S + 2 * HOUR_S)
    early = await at(watch, SHOCK_S + 2 * HOUR_S + 60)
    assert evidence(early) == {"state": "normal", "ended": "", "answered": 4}
    assert early.closed_s is None
    await readings(store, SHOCK_S + 2 * HOUR_S, SHOCK_S + 24 * HOUR_S)
    closed = await at(watch, SHOCK_S + 24 * HOUR_S + 60)
    assert evidence(closed)["ended"] == "evidence"
    assert closed.closed_s == SHOCK_S + 24 * HOUR_S + 60
    again = await at(watch, SHOCK_S + 25 * HOUR_S)
    assert again == closed, "closed once, opened once"


async def test_silence_keeps_it_open_and_ends_without_evidence(store, watch) -> None:
    await readings(store, SHOCK_S - 30 * HOUR_S, SHOCK_S)
    await shock(store)
    await at(watch, SHOCK_S + 120)
    still = await at(watch, SHOCK_S + 48 * HOUR_S)
    assert still.closed_s is None
    assert evidence(still)["state"] == "insufficient"
    ended = await at(watch, SHOCK_S + LAPSED_AFTER_S)
    assert evidence(ended)["ended"] == "lapsed"


async def test_a_rise_keeps_it_open(store, watch) -> None:
    await readings(store, SHOCK_S - 30 * HOUR_S, SHOCK_S)
    await shock(store)
    await at(watch, SHOCK_S + 120)
    await readings(store, SHOCK_S, SHOCK_S + 23 * HOUR_S)
    await readings(store, SHOCK_S + 23 * HOUR_S, SHOCK_S + 24 * HOUR_S, 0.25)
    row = await at(watch, SHOCK_S + 24 * HOUR_S + 60)
    assert row.closed_s is None
    assert evidence(row)["state"] == "high"


async def test_a_cancelled_bulletin_ends_it(store, watch) -> None:
    await shock(store)
    await at(watch, SHOCK_S + 120)
    await shock(store, replace(QUAKE, uid="q9b", status="cancelled", reported_s=SHOCK_S + 300))
    assert evidence(await at(watch, SHOCK_S + 400))["ended"] == "cancelled"


@pytest.mark.parametrize(
    "quake", [replace(QUAKE, magnitude=3.9), replace(QUAKE, latitude_deg=37.0), replace(QUAKE, magnitude=None)]
)
async def test_what_does_not_concern_the_site_opens_nothing(store, watch, quake: Quake) -> None:
    await shock(store, quake)
    watch.clock.advance_to(SHOCK_S + 120)
    await watch.step()
    assert await site_watches.watches(store, since_s=0) == []


async def test_feeds_of_the_rings_are_asked_twice_as_often_as_usual(store, watch) -> None:
    await readings(store, SHOCK_S - 2 * HOUR_S, SHOCK_S)
    await shock(store)
    period_s = made.config().feed("jp-made").schedule.every_s
    for minute in range(2, 22):
        row = await at(watch, SHOCK_S + 60 * minute)
    asked = [one for one in await requests.take_requests(store, SHOCK_S + 2 * HOUR_S) if one.kind == "run"]
    assert {(one.feed_id, one.author) for one in asked} == {("jp-made", "site watch")}
    assert len(asked) == 1 + 19 * 60 // (period_s // 2)
    assert json.loads(row.asked)["jp-made"] == SHOCK_S + 60 * 17
